"""An authorization server and the interface it guards, strict where real ones are: on loopback, in threads."""

from __future__ import annotations

import base64
import hashlib
import json
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, unquote_plus, urlsplit


@dataclass
class Authority:
    """Refresh tokens are good once, and one that comes a second time revokes all (RFC 9700 section 4.14)."""

    client: tuple[str, str] = ("client-1", "client-secret-1")
    refresh: str = "first-refresh-token"
    rotates: bool = True
    lifetime: int = 3600
    ahead: float = 0.0  # seconds by which its clock is ahead
    takes: float = 0.0  # seconds that giving a token takes
    judge: Callable[[dict[str, str], float], str] | None = None  # form, now → an error code, or ""
    tokens: set[str] = field(default_factory=set)
    asked: list[dict[str, str]] = field(default_factory=list)
    seen: list[tuple[str, dict[str, str]]] = field(default_factory=list)  # path, headers
    let_in: int = 0
    revoked: bool = False
    _one: threading.Lock = field(default_factory=threading.Lock)

    def __enter__(self) -> Authority:
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
        self._server.daemon_threads = True
        self._server.authority = self  # type: ignore[attr-defined]
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def token(self, form: dict[str, str], authorization: str) -> tuple[int, dict[str, Any]]:
        time.sleep(self.takes)
        with self._one:
            self.asked.append(form)
            if self.judge is not None:
                if problem := self.judge(form, time.time() + self.ahead):
                    return 400, {"error": problem, "error_description": "words with a secret in them"}
            elif not self._knows(authorization):
                return 401, {"error": "invalid_client"}
            if form["grant_type"] == "refresh_token" and not self._redeems(form["refresh_token"]):
                return 400, {"error": "invalid_grant"}
            number = len(self.asked)
            access = f"access-{number}-{hashlib.sha256(str(number).encode()).hexdigest()[:8]}"
            self.tokens.add(access)
            answer = {
                "access_token": access,
                "token_type": "bearer",
                "expires_in": self.lifetime,
                "scope": "read write",
            }
            if form["grant_type"] == "refresh_token" and self.rotates:
                self.refresh = answer["refresh_token"] = f"refresh-{number}"
            return 200, answer

    def _knows(self, authorization: str) -> bool:
        decoded = base64.b64decode(authorization.removeprefix("Basic ")).decode()
        return tuple(unquote_plus(part) for part in decoded.split(":")) == self.client

    def _redeems(self, token: str) -> bool:
        if token != self.refresh or self.revoked:
            self.revoked = True
            self.tokens.clear()
            return False
        return True

    def api(self, path: str, headers: dict[str, str]) -> tuple[int, Any]:
        self.seen.append((path, headers))
        if headers.get("authorization", "").removeprefix("Bearer ") not in self.tokens:
            return 401, {"error": "who are you?"}
        self.let_in += 1
        return 200, {"items": []}


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = -1
    disable_nagle_algorithm = True

    def do_POST(self) -> None:
        authority: Authority = self.server.authority  # type: ignore[attr-defined]
        content = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        path = urlsplit(self.path).path
        headers = {name.lower(): value for name, value in self.headers.items()}
        if path == "/oauth/token":
            status, body = authority.token(dict(parse_qsl(content.decode())), headers.get("authorization", ""))
        else:
            status, body = authority.api(self.path, headers)
        text = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    do_GET = do_POST  # noqa: N815

    def date_time_string(self, timestamp: float | None = None) -> str:
        authority: Authority = self.server.authority  # type: ignore[attr-defined]
        return formatdate(time.time() + authority.ahead, usegmt=True)

    def log_message(self, format: str, *args: Any) -> None:
        pass
