"""Where a name may lead, decided where the connection is made.

In: the host of an origin. Out: a socket to an address that was looked at. Invariants: the address that was checked is the
one that is connected to, whatever the name says the next time; loopback is for origins that name it, addresses of a
private network for systems whose description says `network: private`, and those of the link itself, where clouds hand
out credentials, for none that does not ask for just that.
"""

from __future__ import annotations

import asyncio
import ipaddress
import socket
import ssl
from collections.abc import Iterable
from typing import Any, Final, Literal
from urllib.request import getproxies, proxy_bypass

import httpcore
import httpx

from syncline_runtime.connectors.origin import Origin
from syncline_runtime.connectors.surroundings import Transport
from syncline_runtime.connectors.ways import KEPT_SECONDS, Way

Network = Literal["public", "private", "link_local"]
Address = ipaddress.IPv4Address | ipaddress.IPv6Address

_SHARED: Final = ipaddress.ip_network("100.64.0.0/10")  # RFC 6598: behind a carrier's, or a cloud's, own translation
_TRANSLATED: Final = ipaddress.ip_network("64:ff9b::/96")  # RFC 6052: an IPv4 address in the last four bytes
_COMPATIBLE: Final = ipaddress.ip_network("::/96")
_NOBODY: Final = ipaddress.ip_network("0.0.0.0/8")  # some machines take these for themselves
_METADATA: Final = frozenset({ipaddress.ip_address("fd00:ec2::254"), ipaddress.ip_address("100.100.100.200")})
_ONE_OF_MANY: Final = 3.0  # seconds for an address while there are others


class ForbiddenAddressError(Exception):
    """A name leads where the connection may not go; the message says what kind of address it is."""


class _Guard(httpcore.AsyncNetworkBackend):
    """Connects to addresses that were looked at, and to nothing by name."""

    def __init__(self, origin: Origin, network: Network) -> None:
        self._origin, self._network = origin, network
        self._plain = httpcore.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        """Look the name up, drop what is forbidden, and connect to the first address that answers."""
        addresses = await _looked_up(host, port, timeout)
        allowed = [address for address in addresses if not forbidden(address, self._network, self._origin.loopback)]
        if not allowed:
            raise ForbiddenAddressError(forbidden(addresses[0], self._network, self._origin.loopback))
        for number, address in enumerate(allowed, 1):
            last = number == len(allowed)
            seconds = timeout if last else min(timeout or _ONE_OF_MANY, _ONE_OF_MANY)
            try:
                return await self._plain.connect_tcp(address, port, seconds, local_address, socket_options)
            except (httpcore.ConnectError, httpcore.ConnectTimeout):
                if last:
                    raise
        raise AssertionError("there is a last address")

    async def connect_unix_socket(self, *_: Any, **__: Any) -> httpcore.AsyncNetworkStream:
        """Refuse: no origin is a socket of this machine."""
        raise ForbiddenAddressError("a socket of this machine")

    async def sleep(self, seconds: float) -> None:
        """Wait."""
        await asyncio.sleep(seconds)


def way_to(origin: Origin, network: Network, context: ssl.SSLContext | None) -> Transport:
    """Make a way to an origin: through the proxy that the machine's environment names, else past the guard.

    A proxy looks names up itself; whoever runs it decides where it leads. ``context``: for TLS.
    """
    proxy = None if origin.loopback or proxy_bypass(origin.host) else getproxies().get(origin.scheme)
    if proxy:
        return httpx.AsyncHTTPTransport(verify=context or True, proxy=proxy)
    guard = _Guard(origin, network)
    there = httpcore.Origin(origin.scheme.encode(), origin.host.encode(), origin.port)
    return Way(
        lambda: httpcore.AsyncHTTPConnection(
            there, ssl_context=context, keepalive_expiry=KEPT_SECONDS, network_backend=guard
        )
    )


async def _looked_up(host: str, port: int, timeout: float | None) -> list[str]:
    try:
        async with asyncio.timeout(timeout):
            found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except TimeoutError:
        raise httpcore.ConnectTimeout("the name is not answered for") from None
    except (OSError, UnicodeError):
        raise httpcore.ConnectError("the name is not known") from None
    if not found:
        raise httpcore.ConnectError("the name has no address")
    return list(dict.fromkeys(str(address[0]) for *_, address in found))


def forbidden(text: str, network: Network, loopback: bool) -> str:
    """Say what kind of address this is, if a connection may not go there; "" if it may."""
    try:
        address = _meant(ipaddress.ip_address(text.partition("%")[0]))
    except ValueError:
        return "no address"
    if loopback:
        return "" if address.is_loopback else "another machine than the origin names"
    if address.is_loopback:
        return "an address of this machine"
    if address.is_link_local or address in _METADATA:
        return "" if network == "link_local" else "an address of the link itself"
    if address.is_multicast or address.is_reserved or address in _NOBODY or address.is_unspecified:
        return "an address of no single machine"
    site = isinstance(address, ipaddress.IPv6Address) and address.is_site_local
    if address.is_private or site or address in _SHARED:
        return "" if network != "public" else "an address of a private network"
    return ""


def _meant(address: Address) -> Address:
    """Give the IPv4 address that an IPv6 address stands for, where it does."""
    if isinstance(address, ipaddress.IPv4Address) or address.is_loopback:
        return address
    if address.ipv4_mapped or address.sixtofour:
        return address.ipv4_mapped or address.sixtofour or address
    if address.teredo:
        return address.teredo[1]
    if address in _TRANSLATED or (address in _COMPATIBLE and int(address) > 1):
        return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    return address
