"""Which addresses lie at the origins of a system."""

from __future__ import annotations

from collections.abc import Iterable
from urllib.parse import SplitResult, urlsplit


def lies_within(address: str, origins: Iterable[str]) -> bool:
    """Tell whether an address is at one of the origins; ``https://*.example.com`` stands for every host below it."""
    try:
        parts = urlsplit(address)
        return any(_covers(urlsplit(origin), parts) for origin in origins)
    except ValueError:
        return False


def _covers(origin: SplitResult, address: SplitResult) -> bool:
    ports = {"http": 80, "https": 443}
    if (origin.scheme, origin.port or ports.get(origin.scheme)) != (
        address.scheme,
        address.port or ports.get(address.scheme),
    ):
        return False
    host, wanted = address.hostname or "", origin.hostname or ""
    below = wanted.startswith("*.") and host.endswith(wanted[1:]) and len(host) > len(wanted) - 1
    path, base = f"{address.path.rstrip('/')}/", f"{origin.path.rstrip('/')}/"
    return (host == wanted or below) and path.startswith(base)
