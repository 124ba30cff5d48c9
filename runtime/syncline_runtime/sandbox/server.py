"""Serving stand-ins over HTTP on loopback.

In: system descriptions. Out: a running server: each system below ``/<name>/``, and for tests and demonstrations
``GET /`` (what is served), ``POST /_fault``, ``GET /_log`` (every write that was done), and
``/_records/<system>/<resource>`` (GET all; POST, PATCH and DELETE as someone at that system would).
Invariant: it listens on 127.0.0.1 only.
"""

from __future__ import annotations

import contextlib
import json
import shutil
import socket
import struct
import tempfile
import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Final
from urllib.parse import parse_qs, unquote, urlsplit

from syncline_runtime.connectors import jsontext
from syncline_runtime.connectors.templates import ABSENT
from syncline_runtime.errors import UsageError
from syncline_runtime.sandbox.drops import seed_rows, write_drops
from syncline_runtime.sandbox.routes import Call
from syncline_runtime.sandbox.stand_in import FAULTS, Planned, Reply, StandIn
from syncline_runtime.sandbox.store import FaultError
from syncline_runtime.sandbox.tables import write_tables
from syncline_runtime.system import System

HOST: Final = "127.0.0.1"
_STALL_SECONDS: Final = 120.0
_PAGE: Final = "<!doctype html><title>Maintenance</title><p>We will be back soon."


@dataclass
class Sandbox:
    """A running sandbox; a context manager that ends it."""

    url: str
    stand_ins: Mapping[str, StandIn]
    folders: Mapping[str, Path]
    log: list[dict[str, Any]]
    _server: ThreadingHTTPServer
    _files: Path
    now: Callable[[], datetime]
    databases: Mapping[str, Path] = field(default_factory=dict)
    _closing: threading.Event = field(default_factory=threading.Event)

    def __enter__(self) -> Sandbox:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Stop answering, and remove the folders of file systems."""
        self._closing.set()
        self._server.shutdown()
        self._server.server_close()
        shutil.rmtree(self._files, ignore_errors=True)

    def fault(self, system: str, fault: str, *, resource: str = "*", operation: str = "*", times: int = 1) -> None:
        """Let the next requests of this kind fail."""
        if fault not in FAULTS:
            raise FaultError("validation", "fault", f"a fault is one of {', '.join(FAULTS)}")
        self.stand_ins[system].faults.append(Planned(resource, operation, fault, times))

    def describe(self) -> dict[str, Any]:
        """Say what is served, and where."""
        systems: dict[str, Any] = {name: {"origin": f"{self.url}/{name}"} for name in self.stand_ins}
        systems |= {name: {"folder": str(path)} for name, path in self.folders.items()}
        systems |= {name: {"database": str(path)} for name, path in self.databases.items()}
        return {"systems": systems}


def serve(
    systems: Iterable[System] | Mapping[str, System],
    *,
    port: int = 0,
    seeds: Mapping[str, Mapping[str, Any]] | None = None,
    now: Callable[[], datetime] = lambda: datetime.now(UTC),
) -> Sandbox:
    """Serve stand-ins in threads of this process; port 0 takes a free one. UsageError if the port is taken."""
    described = list(systems.values() if isinstance(systems, Mapping) else systems)
    log: list[dict[str, Any]] = []
    given = seeds or {}
    stand_ins = {
        system.name: StandIn(system, given.get(system.name), now, log.append)
        for system in described
        if system.protocol not in ("files", "sql")
    }
    server = _bind(port)
    files = Path(tempfile.mkdtemp(prefix="syncline-sandbox-"))
    folders = {system.name: files / system.name for system in described if system.protocol == "files"}
    databases = {system.name: files / f"{system.name}.db" for system in described if system.protocol == "sql"}
    for system in described:
        if system.name in folders:
            folders[system.name].mkdir()
            write_drops(system, seed_rows(system, given.get(system.name, system.sandbox)), folders[system.name])
        if system.name in databases:
            write_tables(system, seed_rows(system, given.get(system.name, system.sandbox)), databases[system.name])
    sandbox = Sandbox(
        f"http://{HOST}:{server.server_address[1]}", stand_ins, folders, log, server, files, now, databases
    )
    server.sandbox = sandbox
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
    return sandbox


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    sandbox: Sandbox

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing: a client that goes away is its own matter, and our faults make many do so."""


def _bind(port: int) -> _Server:
    try:
        return _Server((HOST, port), _Handler)
    except (OSError, OverflowError) as error:
        raise UsageError(
            f"port {port} cannot be used ({getattr(error, 'strerror', None) or error})",
            place="sandbox",
            mend="end what uses it, or choose another with --port",
        ) from None


class _Handler(BaseHTTPRequestHandler):
    """Reads a request, asks the stand-in, writes the reply in one piece."""

    protocol_version = "HTTP/1.1"
    wbufsize = -1  # headers and body leave together: apart, each answer would wait for a delayed acknowledgement
    disable_nagle_algorithm = True
    server: _Server

    def do_GET(self) -> None:
        """Answer any method."""
        split = urlsplit(self.path)
        length = int(self.headers.get("Content-Length") or 0)
        content = self.rfile.read(length)
        name, _, below = split.path.removeprefix("/").partition("/")
        stand_in = self.server.sandbox.stand_ins.get(name)
        try:
            if stand_in is None:
                self._write(Reply(200, self._control(name, below, content)))
                return
        except (FaultError, KeyError, ValueError) as error:
            self._write(Reply(400, {"error": {"message": f"{type(error).__name__}: {error}"}}))
            return
        headers = {key.lower(): value for key, value in self.headers.items()}
        query = parse_qs(split.query, keep_blank_values=True)
        call = Call(self.command, f"/{below}", query, headers, content, self.path)
        self._write(stand_in.answer(call, f"{self.server.sandbox.url}{split.path}"))

    do_POST = do_PUT = do_PATCH = do_DELETE = do_GET  # noqa: N815

    def date_time_string(self, timestamp: float | None = None) -> str:  # noqa: ARG002
        """Give the time of the sandbox's own clock, for the Date header."""
        return format_datetime(self.server.sandbox.now(), usegmt=True)

    def log_message(self, format: str, *args: Any) -> None:
        """Log nothing: addresses hold values."""

    def _control(self, name: str, below: str, content: bytes) -> Any:
        sandbox = self.server.sandbox
        match name, self.command:
            case "", "GET":
                return sandbox.describe()
            case "_log", "GET":
                return list(sandbox.log)
            case "_fault", "POST":
                asked = json.loads(content)
                sandbox.fault(asked.pop("system"), asked.pop("fault"), **asked)
                return {"ok": True}
            case "_records", method:
                system, resource, *rest = [unquote(part) for part in below.split("/")]
                stand_in = sandbox.stand_ins[system]
                if method == "GET":
                    return stand_in.wire_records(resource)
                natives = jsontext.parse(content) if content else {}
                return stand_in.edit(resource, method, rest[0] if rest else "", natives)
        raise FaultError("not_found", "not_found", f"nothing is served at /{name}")

    def _write(self, reply: Reply) -> None:
        if reply.manner == "reset":
            self._reset()
            return
        if reply.manner == "stall":
            self.server.sandbox._closing.wait(_STALL_SECONDS)
            self._reset()
            return
        page = reply.manner == "html"
        content = _PAGE.encode() if page else b"" if reply.body is ABSENT else _rendered(reply.body)
        self.send_response(200 if page else reply.status)
        if content:
            self.send_header("Content-Type", "text/html; charset=utf-8" if page else "application/json")
        for header, value in reply.headers.items():
            self.send_header(header, value)
        if reply.status != 204 or page:
            self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def _reset(self) -> None:
        """Break the connection off, so that the client sees a reset and no answer."""
        with contextlib.suppress(OSError):
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.connection.close()
        self.close_connection = True


def _rendered(body: Any) -> bytes:
    return jsontext.render(body).encode()
