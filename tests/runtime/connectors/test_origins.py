"""No request and no credential leaves its origin: against real servers on loopback that count who comes."""

from __future__ import annotations

import asyncio
import gzip
import json
import os
import socket
import ssl
import subprocess
import threading
import time
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from socketserver import StreamRequestHandler, ThreadingTCPServer
from typing import Any

import httpcore
import pytest

from runtime.connectors.described import bound, shop
from syncline_runtime.clock import SYSTEM_CLOCK
from syncline_runtime.connectors import Surroundings, open_connection
from syncline_runtime.connectors.address import forbidden
from syncline_runtime.errors import ReleaseError, RequestFailed
from syncline_runtime.system import System

Speak = Callable[[BaseHTTPRequestHandler], None]


class Counting:
    """A server that does what a test says, and remembers who came."""

    def __init__(self, speak: Speak, context: ssl.SSLContext | None = None) -> None:
        self.came: list[tuple[str, dict[str, str]]] = []
        self.accepted = 0
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                outer.came.append((self.path, {name.lower(): value for name, value in self.headers.items()}))
                speak(self)

            do_POST = do_GET  # noqa: N815

            def log_message(self, format: str, *args: Any) -> None:
                pass

        class Server(ThreadingHTTPServer):
            daemon_threads = True

            def verify_request(self, request: Any, client_address: Any) -> bool:
                outer.accepted += 1
                return True

            def handle_error(self, request: Any, client_address: Any) -> None:
                pass

        self._server = Server(("127.0.0.1", 0), Handler)
        if context:
            self._server.socket = context.wrap_socket(self._server.socket, server_side=True)
        self.port = self._server.server_address[1]
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()

    def __enter__(self) -> Counting:
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()


def saying(body: Any, status: int = 200, **headers: str) -> Speak:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()

    def speak(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(status)
        usual = {"Content_Type": "application/json", "Content_Length": str(len(content))}
        for name, value in {**usual, **headers}.items():
            handler.send_header(name.replace("_", "-"), value)
        handler.end_headers()
        handler.wfile.write(content)

    return speak


def read(origin: str, system: System | None = None) -> int:
    described = system or shop("none")

    async def story() -> int:
        to = replace(bound(described, origin), origin=origin)
        async with open_connection(described, to, Surroundings(SYSTEM_CLOCK)) as handle:
            return sum([len(page.rows) async for page in handle.read("Customer")])  # type: ignore[union-attr]

    return asyncio.run(story())


def failure(origin: str, system: System | None = None) -> RequestFailed:
    with pytest.raises(RequestFailed) as failed:
        read(origin, system)
    return failed.value


@pytest.fixture
def other() -> Iterator[Counting]:
    with Counting(saying({"items": [{"id": "stolen"}]})) as server:
        yield server


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_not_followed(other: Counting, status: int) -> None:
    location = f"http://127.0.0.1:{other.port}/customers"
    with Counting(saying(b"", status, Location=location)) as server:
        assert "redirects are not followed" in str(failure(f"http://127.0.0.1:{server.port}"))
    assert other.accepted == 0


@pytest.mark.parametrize(
    "link",
    [
        "http://127.0.0.1:{port}/",
        "//127.0.0.1:{port}/",
        "https://127.0.0.1:{own}/",
        "http://user@127.0.0.1:{own}/",
        "http://127.0.0.1:{own}@127.0.0.1:{port}/",
        "http://127.0.0.1:{own}\\@127.0.0.1:{port}/",
        "http:\\\\127.0.0.1:{port}\\",
        "/\\127.0.0.1:{port}/",
        "http://[::ffff:127.0.0.1]:{port}/",
        "http://[::ffff:7f00:1]:{own}/",
        "http://2130706433:{port}/",
        "http://0x7f000001:{port}/",
        "http://0177.0.0.1:{port}/",
        "http://127.1:{port}/",
        "http://localhost:{port}/",
        "http://127.0.0.1.:{own}/",
        "http://127.0.0.1:{port}#@127.0.0.1:{own}/",
        "http://127.0.0.1:{own}0/",
        "ftp://127.0.0.1:{own}/",
        "file:///etc/passwd",
        "javascript:alert(1)",
        "http://127.0.0.1:{own}:{port}/",
        "http://①②⑦.0.0.1:{port}/",
        " http://127.0.0.1:{port}/",
        "http://127.0.0.1:{port}/\r\nX: y",
    ],
)
@pytest.mark.parametrize("where", ["body", "header"])
def test_a_next_link_that_leads_elsewhere(other: Counting, link: str, where: str) -> None:
    own = 0

    def speak(handler: BaseHTTPRequestHandler) -> None:
        to = link.format(port=other.port, own=own)
        body = {"items": [{"id": "1"}], "meta": {"next": to if where == "body" else None}}
        plain = to.replace("\r\n", "").encode("utf-8").decode("latin-1")
        saying(body, **({"Link": f'<{plain}>; rel="next"'} if where == "header" else {}))(handler)

    with Counting(speak) as server:
        own = server.port
        error = failure(f"http://127.0.0.1:{own}", shop("link" if where == "body" else "header"))
        assert error.category == "vendor"
        assert len([path for path, _ in server.came if not path.startswith("/customers")]) == 0
    assert other.accepted == 0


@pytest.mark.parametrize("host", ["2130706433", "0x7f000001", "0177.0.0.1", "127.1", "127.0.0.1.", "0x7f.1", "1.0x1"])
def test_numbers_that_some_programs_take_for_addresses(other: Counting, host: str) -> None:
    with pytest.raises(ReleaseError, match="not an address"):
        read(f"https://{host}:{other.port}")
    assert other.accepted == 0


@pytest.mark.parametrize(
    "host", ["[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "[64:ff9b::7f00:1]", "127.0.0.1.nip.example"]
)
def test_other_ways_to_this_machine(other: Counting, host: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Only an origin that plainly names this machine may lead to it."""
    if "example" in host:

        async def getaddrinfo(*_: Any, **__: Any) -> list[Any]:
            return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", other.port))]

        monkeypatch.setattr("asyncio.BaseEventLoop.getaddrinfo", getaddrinfo)
    error = failure(f"https://{host}:{other.port}")
    assert "an address of this machine" in str(error)
    assert (other.accepted, error.ambiguous, error.retry) == (0, False, False)


@pytest.mark.parametrize(
    ("address", "kind"),
    [
        ("127.0.0.1", "this machine"),
        ("::1", "this machine"),
        ("10.1.2.3", "private network"),
        ("172.16.0.1", "private network"),
        ("192.168.1.1", "private network"),
        ("100.64.0.1", "private network"),
        ("fd12::1", "private network"),
        ("fec0::1", "private network"),
        ("169.254.169.254", "the link itself"),
        ("fe80::1%eth0", "the link itself"),
        ("fd00:ec2::254", "the link itself"),
        ("::ffff:169.254.169.254", "the link itself"),
        ("::ffff:10.0.0.1", "private network"),
        ("64:ff9b::a9fe:a9fe", "the link itself"),
        ("2002:7f00:1::", "this machine"),
        ("2002:a00:1::", "private network"),
        ("::10.0.0.1", "private network"),
        ("0.0.0.0", "no single machine"),
        ("::", "no single machine"),
        ("224.0.0.1", "no single machine"),
        ("255.255.255.255", "no single machine"),
        ("ff02::1", "no single machine"),
        ("93.184.216.34", ""),
        ("2606:2800:220:1:248:1893:25c8:1946", ""),
        ("::ffff:93.184.216.34", ""),
    ],
)
def test_kinds_of_addresses(address: str, kind: str) -> None:
    found = forbidden(address, "public", loopback=False)
    assert kind in found if kind else found == ""
    allowed_within = kind == "private network"
    assert (forbidden(address, "private", loopback=False) == "") == (allowed_within or not kind)
    assert (forbidden(address, "link_local", loopback=False) == "") == (
        kind in ("private network", "the link itself", "")
    )
    assert (forbidden(address, "public", loopback=True) == "") == (address in ("127.0.0.1", "::1", "2002:7f00:1::"))


class Names:
    """Name servers whose answers change."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, *answers: list[str]) -> None:
        self.asked: list[str] = []
        self.reached: list[str] = []
        waiting = list(answers)

        async def getaddrinfo(_loop: Any, host: str, port: int, **_: Any) -> list[Any]:
            self.asked.append(host)
            found = waiting.pop(0) if len(waiting) > 1 else waiting[0]
            return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port)) for address in found]

        async def connect_tcp(_backend: Any, host: str, *_: Any, **__: Any) -> Any:
            self.reached.append(host)
            raise httpcore.ConnectError("nobody there")

        monkeypatch.setattr("asyncio.BaseEventLoop.getaddrinfo", getaddrinfo)
        monkeypatch.setattr("httpcore.AnyIOBackend.connect_tcp", connect_tcp)


def test_the_address_that_was_checked_is_the_one_that_is_connected_to(monkeypatch: pytest.MonkeyPatch) -> None:
    names = Names(monkeypatch, ["93.184.216.34"], ["127.0.0.1"])
    contract = shop("none").resource("Customer").create
    assert contract

    async def story() -> None:
        to = replace(bound(shop("none"), ""), origin="https://rebound.example")
        async with open_connection(shop("none"), to, Surroundings(SYSTEM_CLOCK)) as handle:
            for _ in range(2):
                with pytest.raises(RequestFailed):
                    await handle.write("Customer", contract, native_id=None, natives={"name": "x"})

    asyncio.run(story())
    assert names.asked == ["rebound.example", "rebound.example"]
    assert names.reached == ["93.184.216.34"]


def test_of_many_addresses_only_allowed_ones_are_tried(monkeypatch: pytest.MonkeyPatch) -> None:
    names = Names(monkeypatch, ["10.0.0.5", "93.184.216.34", "169.254.169.254"])
    contract = shop("none").resource("Customer").create
    assert contract

    async def story(system: System) -> None:
        to = replace(bound(system, ""), origin="https://mixed.example")
        async with open_connection(system, to, Surroundings(SYSTEM_CLOCK)) as handle:
            with pytest.raises(RequestFailed):
                await handle.write("Customer", contract, native_id=None, natives={"name": "x"})

    asyncio.run(story(shop("none")))
    assert names.reached == ["93.184.216.34"]
    names.reached.clear()
    asyncio.run(story(replace(shop("none"), network="private")))
    assert names.reached == ["10.0.0.5", "93.184.216.34"]


def test_a_host_that_a_description_sets_is_refused(other: Counting) -> None:
    """Another Host is another system behind the same address."""
    with pytest.raises(ReleaseError, match="the header Host"):
        read(f"http://127.0.0.1:{other.port}", replace(shop("none"), headers={"Host": "evil.example"}))
    assert other.accepted == 0


class TestBounds:
    """Whatever an answer claims, reading it ends, in time and in memory."""

    @staticmethod
    def packed(layers: int, size: int) -> bytes:
        content = b"[" + b" " * size + b"]"
        for _ in range(layers):
            content = gzip.compress(content)
        return content

    def test_a_bomb(self) -> None:
        content = self.packed(1, 300 * 1024 * 1024)
        assert len(content) < 1024 * 1024
        with Counting(saying(content, Content_Encoding="gzip")) as server:
            assert "larger than 64 MB" in str(failure(f"http://127.0.0.1:{server.port}"))

    @pytest.mark.parametrize("encoding", ["gzip, gzip", "br", "zstd", "compress", "gzip,identity"])
    def test_packings_within_packings(self, encoding: str) -> None:
        with Counting(saying(self.packed(2, 1000), Content_Encoding=encoding)) as server:
            assert "was not asked for" in str(failure(f"http://127.0.0.1:{server.port}"))
            assert server.came[0][1]["accept-encoding"] == "gzip, deflate"

    def test_one_packing_is_read(self) -> None:
        content = zlib.compress(b'{"items": [{"id": "1"}]}')
        with Counting(saying(content, Content_Encoding="deflate")) as server:
            assert read(f"http://127.0.0.1:{server.port}") == 1

    def test_a_trickle(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("syncline_runtime.connectors.channel.ANSWER_SECONDS", 0.5)
        monkeypatch.setattr("syncline_runtime.connectors.http.READ_ATTEMPTS", 1)

        given_up = threading.Event()

        def speak(handler: BaseHTTPRequestHandler) -> None:
            saying(b"", Content_Length="1000000")(handler)
            try:
                for _ in range(5_000):
                    handler.wfile.write(b" ")
                    time.sleep(0.02)
            except OSError:
                given_up.set()

        with Counting(speak) as server:
            assert "not whole within 0.5 s" in str(failure(f"http://127.0.0.1:{server.port}"))
            assert given_up.wait(30)

    def test_headers_without_end(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("syncline_runtime.connectors.http.READ_ATTEMPTS", 1)

        def speak(handler: BaseHTTPRequestHandler) -> None:
            handler.wfile.write(b"HTTP/1.1 200 OK\r\n")
            for number in range(100_000):
                handler.wfile.write(b"X-%d: y\r\n" % number)

        with Counting(speak) as server:
            assert "the connection broke" in str(failure(f"http://127.0.0.1:{server.port}"))


class TestCertificates:
    """TLS is verified, always: the chain, and the name."""

    @pytest.fixture
    def certified(self, tmp_path: Path) -> Callable[[str], tuple[ssl.SSLContext, Path]]:
        def make(name: str) -> tuple[ssl.SSLContext, Path]:
            key, certificate = tmp_path / "key.pem", tmp_path / "cert.pem"
            subprocess.run(
                ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=test",
                 "-addext", f"subjectAltName={name}", "-keyout", str(key), "-out", str(certificate)],
                check=True, capture_output=True,
            )  # fmt: skip
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certificate, key)
            return context, certificate

        return make

    def test_a_certificate_that_nobody_vouches_for(self, certified: Any) -> None:
        context, _ = certified("IP:127.0.0.1")
        with Counting(saying({"items": []}), context) as server:
            error = failure(f"https://127.0.0.1:{server.port}")
            assert "TLS certificate or protocol is not accepted" in str(error)
            assert server.came == []

    @pytest.mark.parametrize(("name", "well"), [("IP:127.0.0.1", True), ("DNS:other.example", False)])
    def test_a_certificate_that_is_trusted(
        self, certified: Any, name: str, well: bool, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        context, certificate = certified(name)
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
        with Counting(saying({"items": [{"id": "1"}]}), context) as server:
            if well:
                assert read(f"https://127.0.0.1:{server.port}") == 1
            else:
                assert "TLS certificate" in str(failure(f"https://127.0.0.1:{server.port}"))
                assert server.came == []

    def test_a_proxy_of_the_machine_leads_to_a_system_whose_certificate_is_asked_for(
        self, certified: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        context, certificate = certified("DNS:far.example")
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
        with Counting(saying({"items": [{"id": "1"}]}), context) as far, tunnel(far.port) as (port, asked):
            for name in ("HTTPS_PROXY", "https_proxy"):
                monkeypatch.setenv(name, f"http://127.0.0.1:{port}")
            assert read("https://far.example") == 1
            assert "TLS certificate" in str(failure("https://other.example"))
        assert asked[0] == "CONNECT far.example:443 HTTP/1.1"
        assert len(far.came) == 1


@contextmanager
def tunnel(to: int) -> Iterator[tuple[int, list[str]]]:
    """A proxy that leads every CONNECT to a port of this machine, and says what it was asked."""
    asked: list[str] = []

    def passed_on(source: socket.socket, target: socket.socket) -> None:
        with suppress(OSError):
            while content := source.recv(65536):
                target.sendall(content)
            target.shutdown(socket.SHUT_WR)

    class Proxy(StreamRequestHandler):
        def handle(self) -> None:
            asked.append(self.rfile.readline().decode().strip())
            while self.rfile.readline().strip():
                pass
            self.wfile.write(b"HTTP/1.1 200 OK\r\n\r\n")
            with socket.create_connection(("127.0.0.1", to)) as far:
                back = threading.Thread(target=passed_on, args=(far, self.connection), daemon=True)
                back.start()
                passed_on(self.connection, far)
                back.join()

    with ThreadingTCPServer(("127.0.0.1", 0), Proxy) as server:
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        try:
            yield server.server_address[1], asked
        finally:
            server.shutdown()


def test_a_proxy_is_never_between_us_and_this_machine(other: Counting, monkeypatch: pytest.MonkeyPatch) -> None:
    with Counting(saying({"items": []})) as server:
        monkeypatch.setenv("HTTP_PROXY", f"http://127.0.0.1:{other.port}")
        monkeypatch.setenv("http_proxy", os.environ["HTTP_PROXY"])
        read(f"http://127.0.0.1:{server.port}")
        assert (len(server.came), other.accepted) == (1, 0)
