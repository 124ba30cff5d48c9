"""Every way of authentication that a description can name: a stand-in lets in who knows the word, and nobody else."""

from __future__ import annotations

import asyncio
import socket
import threading
from dataclasses import replace
from datetime import timedelta

import pytest

from runtime.connectors.described import bound, shop
from runtime.sandbox.test_server import stand_in
from support.clock import TestClock
from syncline_runtime.authentication import Assertion, Auth, Grant, Signature, secrets_of
from syncline_runtime.binding import Connection
from syncline_runtime.connectors import Surroundings, open_connection
from syncline_runtime.errors import ReleaseError, RequestFailed
from syncline_runtime.request import Request
from syncline_runtime.sandbox import serve
from syncline_runtime.system import System

TOKEN = Request("/token", "POST", body={"audience": "{account}"})
SIGNS = "{method}\n{host}\n{path}\n{query}\n{timestamp}\n{nonce}\n{body_hash}"
HEADERS = {"X-Time": "{timestamp}", "X-Nonce": "{nonce}", "Authorization": "HMAC {key_id}:{signature}"}
WAYS = {
    "none": Auth(),
    "basic": Auth("basic"),
    "bearer": Auth("bearer", header="X-Token", scheme=""),
    "key in a header": Auth("api_key", header="X-Key"),
    "key in the query": Auth("api_key", query="key"),
    "client credentials": Auth("oauth2", grant=Grant("client_credentials", TOKEN, scopes=("read",))),
    "client in the body": Auth("oauth2", grant=Grant("client_credentials", TOKEN, client="body")),
    "refresh token": Auth("oauth2", grant=Grant("refresh_token", TOKEN, rotates=True)),
    "public client": Auth("oauth2", grant=Grant("refresh_token", TOKEN, client="none")),
    "assertion": Auth(
        "oauth2", grant=Grant("jwt_bearer", TOKEN, client="none", assertion=Assertion({"iss": "{client_id}"}))
    ),
    "signed": Auth("signed", signature=Signature(SIGNS, HEADERS)),
    "signed otherwise": Auth("signed", signature=Signature("{body}{timestamp}", HEADERS, "sha1", "base64", "epoch_ms")),
    "signed, key as hex": Auth(
        "signed", signature=Signature("{path}{query}", HEADERS, "sha512", timestamp="iso", key="hex")
    ),
}


def guarded(auth: Auth) -> System:
    return replace(shop(customers=3), auth=auth, account=None, environment=None)


def story(system: System, to: Connection, url: str, clock: TestClock, wait: float = 0.0) -> int:
    async def told() -> int:
        async with open_connection(system, to, Surroundings(clock)) as handle:
            contract = system.resource("Customer").create
            assert contract
            await handle.write("Customer", contract, native_id=None, natives={"name": "Zoë & Söhne"}, key="k")
            clock.let_pass(wait)
            return sum([len(page.rows) async for page in handle.read("Customer")])  # type: ignore[union-attr]

    return asyncio.run(told())


@pytest.mark.parametrize("name", WAYS)
def test_who_knows_the_word_is_let_in(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    system, clock = guarded(WAYS[name]), TestClock()
    with serve([system], now=clock.moment) as sandbox:
        monkeypatch.setenv("SYNCLINE_SANDBOX_URL", sandbox.url)
        assert story(system, stand_in(system), sandbox.url, clock, wait=4000.0) == 4


@pytest.mark.parametrize("name", [name for name in WAYS if name not in ("none", "assertion")])
def test_another_word_is_refused(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    system, clock = guarded(WAYS[name]), TestClock()
    monkeypatch.setenv("SECRET", "c0ffee")
    references = dict.fromkeys((*secrets_of(system.auth), "key_id"), "env:SECRET")
    with serve([system], now=clock.moment) as sandbox:
        to = replace(bound(system, sandbox.url), credential=references)
        with pytest.raises(RequestFailed) as failed:
            story(system, to, sandbox.url, clock)
        assert failed.value.category == "authentication"


@pytest.mark.parametrize("name", ["client credentials", "refresh token", "assertion"])
def test_who_is_forgotten_asks_again(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    system, clock = guarded(WAYS[name]), TestClock()
    with serve([system], now=clock.moment) as sandbox:
        monkeypatch.setenv("SYNCLINE_SANDBOX_URL", sandbox.url)
        sandbox.fault("shop", "401", operation="list")
        assert story(system, stand_in(system), sandbox.url, clock) == 4


@pytest.mark.parametrize(("ahead", "tries"), [(timedelta(0), 1), (timedelta(hours=1), 2), (timedelta(hours=-1), 2)])
def test_a_signature_of_a_wrong_clock_is_made_again(
    ahead: timedelta, tries: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    system, clock = guarded(WAYS["signed"]), TestClock()
    with serve([system], now=lambda: clock.moment() + ahead) as sandbox:
        monkeypatch.setenv("SYNCLINE_SANDBOX_URL", sandbox.url)
        asked: list[object] = []
        check = sandbox.stand_ins["shop"]._door.check
        sandbox.stand_ins["shop"]._door.check = lambda call: (asked.append(call), check(call))[1]  # type: ignore[assignment,method-assign,func-returns-value]
        story(system, stand_in(system), sandbox.url, clock)
        assert len(asked) == tries + 3  # one write, and three pages of a list


def test_what_is_signed_is_what_is_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    """The very bytes are signed: escapes of the path, order of the query, the body as it goes out."""
    seen: list[bytes] = []
    server = socket.create_server(("127.0.0.1", 0))

    def answer() -> None:
        for _ in range(1):
            to, _ = server.accept()
            with to:
                seen.append(to.recv(65536))
                to.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 32\r\n\r\n")
                to.sendall('{"customer":{"id":"a b/ü?x=1"}}'.encode())

    thread = threading.Thread(target=answer)
    thread.start()
    monkeypatch.setenv("SECRET", "k3y")
    system = guarded(Auth("signed", signature=Signature("{method} {path}?{query}", {"X-S": "{signature}"})))
    to = Connection("my_shop", "shop", f"http://127.0.0.1:{server.getsockname()[1]}", {"key": "env:SECRET"})

    async def told() -> None:
        async with open_connection(system, to, Surroundings(TestClock())) as handle:
            await handle.get("Customer", "a b/ü?x=1")

    with server:
        asyncio.run(told())
    thread.join()
    import hashlib
    import hmac

    line, *headers = seen[0].decode().split("\r\n")
    method, target, _ = line.split(" ")
    assert target == "/customers/a%20b%2F%C3%BC%3Fx%3D1"
    wanted = hmac.new(b"k3y", f"{method} {target}?".encode(), hashlib.sha256).hexdigest()
    assert f"X-S: {wanted}" in headers


@pytest.mark.parametrize("written", ["base64", "hex"])
def test_a_key_that_is_not_written_as_described(written: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECRET", "not such a key!")
    system = guarded(Auth("signed", signature=Signature("{path}", {"X": "{signature}"}, key=written)))  # type: ignore[arg-type]
    with pytest.raises(ReleaseError, match=f"not written in {written}") as failed:
        story(system, replace(bound(system, "http://127.0.0.1:9"), credential={"key": "env:SECRET"}), "", TestClock())
    assert "such a key" not in str(failed.value)
