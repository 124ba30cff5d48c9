"""A proxy before a server that loses answers or requests on command.

It forwards every request and counts those that write. When told to, it lets the server do what was asked and keeps the
answer to itself (``hold``), or keeps the request from the server (``swallow``), until the client has gone away. Or it breaks
the connection (``break``), also after the server did it (``break after``), refuses (``busy``, ``fail``, ``fail after``), or lets the
answer come in part (``cut``) or slowly (``trickle``).
"""

from __future__ import annotations

import http.client
import select
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Literal
from urllib.parse import urlsplit

READS = ("GET", "HEAD", "OPTIONS")
PATIENCE = 60.0
"""Seconds that a test waits for the moment it asked for."""

Fate = Literal["pass", "hold", "swallow", "break", "break after", "busy", "fail", "fail after", "cut", "trickle"]
Chooses = Callable[[str, str, int], Fate]
"""Decides over a writing request: by method, path and how many writes came before it."""


def passing(method: str, path: str, before: int) -> Fate:
    """Let everything through."""
    return "pass"


def the_first(start: str, fate: Fate, method: str = "POST") -> Chooses:
    """Choose a fate for the first write whose path starts so."""
    chosen: list[str] = []

    def choose(asked: str, path: str, before: int) -> Fate:
        if asked == method and path.startswith(start) and not chosen:
            chosen.append(path)
            return fate
        return "pass"

    return choose


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    proxy: Proxy

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Clients that are killed break their connections: that is what this is for."""


class Proxy:
    """A proxy on a loopback port. ``choose`` may be changed at any time; ``waiting`` is set once a client waits in vain."""

    def __init__(self, target: str) -> None:
        parts = urlsplit(target)
        assert parts.hostname is not None
        self.target, self.base = (parts.hostname, parts.port or 80), parts.path
        self.choose: Chooses = passing
        self.writes: list[tuple[str, str]] = []
        self.waiting = threading.Event()
        self._lock, self._reads = threading.Lock(), False
        self._server = _Server(("127.0.0.1", 0), _Handler)
        self._server.proxy = self
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}{self.base}"

    def start(self) -> None:
        """Serve until ``stop``."""
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()

    def stop(self) -> None:
        """Stop serving."""
        self._server.shutdown()
        self._server.server_close()

    def arm(self, choose: Chooses, *, reads: bool = False) -> None:
        """Decide from now on by ``choose``, over writes or over all, and count from zero."""
        with self._lock:
            self.choose, self.writes, self._reads = choose, [], reads
            self.waiting.clear()

    def decide(self, method: str, path: str) -> Fate:
        """Decide over a request and note it."""
        if method in READS and not self._reads:
            return "pass"
        with self._lock:
            fate = self.choose(method, path.removeprefix(self.base), len(self.writes))
            self.writes.append((method, path.removeprefix(self.base)))
        return fate


@contextmanager
def before(target: str) -> Iterator[Proxy]:
    """A proxy before a server, until the block ends."""
    proxy = Proxy(target)
    proxy.start()
    try:
        yield proxy
    finally:
        proxy.stop()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server

    def do(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        fate = self.server.proxy.decide(self.command, self.path)
        answer = self.answered(body, fate)
        if answer is None:
            self.close_connection = True
            return
        self.send_response_only(answer[0])
        for name, value in answer[1]:
            if name.lower() not in ("connection", "transfer-encoding", "content-length", "keep-alive"):
                self.send_header(name, value)
        self.send_header("Content-Length", str(len(answer[2])))
        self.end_headers()
        self.tell(answer[2], fate)

    def answered(self, body: bytes, fate: Fate) -> tuple[int, list[tuple[str, str]], bytes] | None:
        """Give what is answered, None for nothing."""
        if fate in ("busy", "fail"):
            return (503 if fate == "busy" else 500), [], b""
        answer = None if fate in ("swallow", "break") else self.forward(body)
        if fate in ("hold", "swallow"):
            self.server.proxy.waiting.set()
            _until_gone(self.connection)
        if fate in ("hold", "break after"):
            return None
        return (500, [], b"") if fate == "fail after" else answer

    def tell(self, content: bytes, fate: Fate) -> None:
        """Write the content of an answer, or what the fate leaves of it."""
        if fate == "cut":
            self.wfile.write(content[: len(content) // 2])
            self.close_connection = True
            return
        step = max(1, len(content) // 20 + 1 if fate == "trickle" else len(content))
        for start in range(0, len(content), step):
            self.wfile.write(content[start : start + step])
            time.sleep(0.1 if fate == "trickle" else 0)

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = do_HEAD = do  # noqa: N815 - the names are http.server's

    def forward(self, body: bytes) -> tuple[int, list[tuple[str, str]], bytes]:
        asked = http.client.HTTPConnection(*self.server.proxy.target, timeout=60)
        try:
            headers = {name: value for name, value in self.headers.items() if name.lower() != "connection"}
            asked.request(self.command, self.path, body or None, headers)
            answer = asked.getresponse()
            return answer.status, answer.getheaders(), answer.read()
        finally:
            asked.close()

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing."""


def _until_gone(client: socket.socket) -> None:
    """Wait until the other end of a connection is closed."""
    end = time.monotonic() + 2 * PATIENCE
    while time.monotonic() < end:
        readable, _, _ = select.select([client], [], [], 0.2)
        if readable:
            try:
                if not client.recv(65536):
                    return
            except OSError:
                return
