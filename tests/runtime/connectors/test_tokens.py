"""Access tokens: one refresh for many refusals, rotation shared by runs and processes, tokens that stay where they belong."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import stat
import subprocess
import sys
import time
import types
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from runtime.connectors.described import shop
from support.authority import Authority
from support.clock import TestClock
from syncline_runtime.authentication import Assertion, Auth, Grant
from syncline_runtime.binding import Connection
from syncline_runtime.clock import SYSTEM_CLOCK, Clock
from syncline_runtime.connectors import ConnectionHandle, Surroundings, open_connection
from syncline_runtime.errors import ReleaseError, RequestFailed, SystemFailure
from syncline_runtime.request import Request
from syncline_runtime.system import System

TOKEN = Request("/oauth/token", "POST")


@pytest.fixture(autouse=True)
def _client(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CLIENT", "client-1")
    monkeypatch.setenv("CLIENT_SECRET", "client-secret-1")


def described(grant: Grant, **changes: object) -> System:
    return replace(shop("none"), auth=Auth("oauth2", grant=grant), account=None, environment=None, **changes)


ROTATING = described(Grant("refresh_token", TOKEN, rotates=True, scopes=("read", "write")))
OWN = described(Grant("client_credentials", TOKEN))


def to(url: str, refresh: str = "", **changes: object) -> Connection:
    references = {"client_id": "env:CLIENT", "client_secret": "env:CLIENT_SECRET"}
    references |= {"refresh_token": refresh} if refresh else {}
    return replace(Connection("my_shop", "shop", url, references), **changes)  # type: ignore[arg-type]


@contextlib.asynccontextmanager
async def opened(system: System, to: Connection, clock: Clock = SYSTEM_CLOCK) -> AsyncIterator[ConnectionHandle]:
    async with open_connection(system, to, Surroundings(clock)) as handle:
        yield handle


async def read(handle: ConnectionHandle) -> int:
    return len([page async for page in handle.read("Customer")])


def reading(system: System, to: Connection, times: int = 1, clock: Clock = SYSTEM_CLOCK) -> None:
    async def story() -> None:
        async with opened(system, to, clock) as handle:
            await asyncio.gather(*(read(handle) for _ in range(times)))

    asyncio.run(story())


def kept(path: Path) -> dict[str, object]:
    return json.loads(path.read_text())  # type: ignore[no-any-return]


def test_client_credentials_are_asked_for_once(tmp_path: Path) -> None:
    with Authority() as authority:
        reading(OWN, to(authority.url), times=20)
        assert [form["grant_type"] for form in authority.asked] == ["client_credentials"]
        assert authority.let_in == 20


def test_many_refusals_make_one_refresh(tmp_path: Path) -> None:
    path = tmp_path / "token"
    path.write_text("first-refresh-token\n")
    with Authority(takes=0.05) as authority:

        async def story() -> None:
            async with opened(ROTATING, to(authority.url, f"file:{path}")) as handle:
                await read(handle)
                authority.tokens.clear()  # as if somebody had revoked them
                await asyncio.gather(*(read(handle) for _ in range(30)))

        asyncio.run(story())
        assert [form["refresh_token"] for form in authority.asked] == ["first-refresh-token", "refresh-1"]
        assert authority.let_in == 31
    assert kept(path)["refresh_token"] == "refresh-2"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_the_next_run_uses_what_the_last_one_left(tmp_path: Path) -> None:
    path = tmp_path / "token"
    path.write_text("first-refresh-token")
    with Authority() as authority:
        for _ in range(3):
            reading(ROTATING, to(authority.url, f"file:{path}"))
        assert len(authority.asked) == 1
        authority.tokens.clear()
        reading(ROTATING, to(authority.url, f"file:{path}"))
        assert len(authority.asked) == 2


def test_processes_share_a_token_that_rotates(tmp_path: Path) -> None:
    """Each process finds the token revoked and must renew it; a token used twice would lock all of them out."""
    path = tmp_path / "token"
    path.write_text("first-refresh-token")
    program = (
        "import sys; from runtime.connectors.test_tokens import *\n"
        "reading(ROTATING, to(sys.argv[1], 'file:' + sys.argv[2]), times=5)"
    )
    here = str(Path(__file__).parents[2])
    with Authority(takes=0.2) as authority:
        begun = [
            subprocess.Popen(
                [sys.executable, "-c", program, authority.url, str(path)],
                env={**os.environ, "PYTHONPATH": here, "SECRET": "x"},
            )
            for _ in range(4)
        ]
        assert [process.wait(60) for process in begun] == [0, 0, 0, 0]
        assert authority.revoked is False
        assert len(authority.asked) == 1  # the others found its access token
        assert authority.let_in == 20


def test_a_token_is_kept_before_it_is_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "sealed"
    folder.mkdir()
    path = folder / "token"
    path.write_text("first-refresh-token")

    def refuse(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("syncline_runtime.connectors.kept.os.replace", refuse)
    with Authority() as authority:
        with pytest.raises(ReleaseError, match="cannot be written"):
            reading(ROTATING, to(authority.url, f"file:{path}"))
        assert authority.let_in == 0
    assert sorted(found.name for found in folder.iterdir()) == ["token", "token.lock"]


def test_a_rotated_token_that_cannot_be_kept_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REFRESH", "first-refresh-token")
    with Authority() as authority, pytest.raises(ReleaseError, match="another refresh token") as failed:
        reading(ROTATING, to(authority.url, "env:REFRESH"))
    assert "refresh-1" not in str(failed.value)


def test_a_token_that_does_not_rotate_may_stay_where_nothing_can_be_written(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REFRESH", "first-refresh-token")
    with Authority(rotates=False) as authority:
        reading(described(Grant("refresh_token", TOKEN)), to(authority.url, "env:REFRESH"), times=3)
        assert (len(authority.asked), authority.let_in) == (1, 3)


def test_a_token_is_renewed_before_it_runs_out() -> None:
    clock = TestClock()
    with Authority(lifetime=600) as authority:

        async def story() -> None:
            async with opened(OWN, to(authority.url), clock) as handle:
                for seconds in (0, 500, 50):
                    clock.let_pass(seconds)
                    await read(handle)

        asyncio.run(story())
        assert len(authority.asked) == 2  # a minute before its end it counts as run out
        assert authority.let_in == 3


@pytest.mark.parametrize(("changed", "asked"), [({"until": 1}, 1), ({"made": 2**40}, 1), ({}, 0)])
def test_what_was_kept_is_used_while_it_is_good(tmp_path: Path, changed: dict[str, int], asked: int) -> None:
    """A token made in the future was kept by another clock: nothing can be said of its end."""
    path = tmp_path / "token"
    now = int(time.time())
    grant = {"refresh_token": "first-refresh-token", "access_token": "kept", "made": now, "until": now + 3600}
    path.write_text(json.dumps({**grant, **changed}))
    with Authority(tokens={"kept"}) as authority:
        reading(ROTATING, to(authority.url, f"file:{path}"))
        assert len(authority.asked) == asked


def test_who_refuses_to_give_a_token_is_not_asked_again(tmp_path: Path) -> None:
    path = tmp_path / "token"
    path.write_text("spent-long-ago")
    with Authority() as authority:

        async def story() -> list[BaseException | int]:
            async with opened(ROTATING, to(authority.url, f"file:{path}")) as handle:
                return await asyncio.gather(*(read(handle) for _ in range(10)), return_exceptions=True)

        failed = asyncio.run(story())
        assert len(authority.asked) == 1
    error = failed[0]
    assert isinstance(error, RequestFailed)
    assert (error.category, error.vendor_code, error.retry) == ("authentication", "invalid_grant", False)
    assert "authorise syncline anew" in str(error)
    assert "spent-long-ago" not in str(error)


def test_a_new_token_that_is_refused_is_not_renewed() -> None:
    with Authority() as authority:
        authority.api = lambda path, headers: (401, {})  # type: ignore[method-assign,assignment]
        with pytest.raises(RequestFailed, match="does not accept our credential"):
            reading(OWN, to(authority.url))
        assert len(authority.asked) == 1


def test_a_token_endpoint_that_is_down_may_be_tried_again() -> None:
    with Authority() as authority:
        answers = [(503, {}), (429, {})]
        give = authority.token
        authority.token = lambda form, header: answers.pop(0) if answers else give(form, header)  # type: ignore[method-assign,assignment]
        reading(OWN, to(authority.url), clock=TestClock())
        assert authority.let_in == 1


def test_each_origin_sees_what_is_meant_for_it() -> None:
    with Authority() as authority, Authority() as interface:
        interface.tokens = authority.tokens
        system = replace(OWN, origins={"any": (interface.url, authority.url)})
        reading(system, to(interface.url, token_origin=authority.url))
        assert (len(authority.asked), authority.seen) == (1, [])
        assert (interface.asked, interface.let_in) == ([], 1)
        assert "client-secret-1" not in str(interface.seen)


@pytest.mark.parametrize("origins", [{}, {"any": ("https://elsewhere.example",)}, {"live": ()}])
def test_a_token_origin_that_the_description_does_not_name(origins: dict[str, tuple[str, ...]]) -> None:
    with Authority() as authority:
        allowed = {"any": (*origins.get("any", ()), authority.url)} if origins.get("any") else origins
        system = replace(OWN, origins=allowed)
        with pytest.raises(ReleaseError, match="none of the origins"):
            reading(system, to(authority.url, token_origin="https://evil.example"))
        assert authority.asked == []


def test_a_keyring_keeps_what_rotates(monkeypatch: pytest.MonkeyPatch) -> None:
    kept = {("syncline", "crm"): "first-refresh-token"}
    keyring = types.ModuleType("keyring")
    keyring.get_password = lambda service, user: kept[service, user]  # type: ignore[attr-defined]
    keyring.set_password = lambda service, user, text: kept.update({(service, user): text})  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "keyring", keyring)
    with Authority() as authority:
        for _ in range(2):
            reading(ROTATING, to(authority.url, "keyring:syncline/crm"))
        assert len(authority.asked) == 1
    assert json.loads(kept["syncline", "crm"])["refresh_token"] == "refresh-1"


def test_what_a_token_endpoint_says_is_not_repeated(monkeypatch: pytest.MonkeyPatch) -> None:
    with Authority() as authority:
        authority.token = lambda form, header: (400, {"error": f"unknown {header}"})  # type: ignore[method-assign,assignment]
        with pytest.raises(RequestFailed) as failed:
            reading(OWN, to(authority.url))
    assert (failed.value.vendor_code, "Basic" in str(failed.value)) == (None, False)


def test_waiting_for_another_holder_ends(tmp_path: Path) -> None:
    from syncline_runtime.connectors.kept import KeptGrant

    path = tmp_path / "token"
    path.write_text("x")
    grant = KeptGrant(f"file:{path}", "my_shop")

    async def story() -> None:
        async with grant.alone(SYSTEM_CLOCK), grant.alone(TestClock()):
            raise AssertionError("two at a time")

    with pytest.raises(SystemFailure, match="another process"):
        asyncio.run(story())


class TestAssertions:
    """RFC 7523: who holds the private key is the client."""

    def system(self, algorithm: str = "RS256") -> System:
        claims = {"iss": "{client_id}", "sub": "{username}", "aud": "https://login.example.com"}
        assertion = Assertion(claims, algorithm)  # type: ignore[arg-type]
        return described(Grant("jwt_bearer", TOKEN, client="none", assertion=assertion))

    def bound(self, url: str, path: Path) -> Connection:
        references = {"client_id": "env:CLIENT", "username": "env:USERNAME", "key": f"file:{path}", "key_id": "env:KID"}
        return Connection("my_shop", "shop", url, references)

    @pytest.fixture
    def key(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
        pytest.importorskip("jwt")
        rsa = pytest.importorskip("cryptography.hazmat.primitives.asymmetric.rsa")
        from cryptography.hazmat.primitives import serialization as to

        made = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        path = tmp_path / "key.pem"
        path.write_bytes(made.private_bytes(to.Encoding.PEM, to.PrivateFormat.PKCS8, to.NoEncryption()))
        self.public = made.public_key()
        monkeypatch.setenv("USERNAME", "robot@example.com")
        monkeypatch.setenv("KID", "key-7")
        return path

    def judge(self, form: dict[str, str], now: float) -> str:
        import jwt

        assert form["grant_type"] == "urn:ietf:params:oauth:grant-type:jwt-bearer"
        assert jwt.get_unverified_header(form["assertion"])["kid"] == "key-7"
        skipped = {"verify_iat": False, "verify_exp": False}
        claims = jwt.decode(
            form["assertion"], self.public, ["RS256"], options=skipped, audience="https://login.example.com"
        )
        assert (claims["iss"], claims["sub"]) == ("client-1", "robot@example.com")
        return "" if claims["iat"] - 30 <= now <= claims["exp"] else "invalid_grant"

    @pytest.mark.parametrize(("ahead", "asked"), [(0, 1), (-3600, 2), (3600, 2)])
    def test_a_clock_that_is_wrong_is_put_right_once(self, key: Path, ahead: float, asked: int) -> None:
        with Authority(judge=self.judge, ahead=ahead) as authority:
            reading(self.system(), self.bound(authority.url, key))
            assert (len(authority.asked), authority.let_in) == (asked, 1)
            assert len({form["assertion"] for form in authority.asked}) == asked

    def test_a_key_of_another_kind(self, key: Path) -> None:
        with Authority(judge=self.judge) as authority, pytest.raises(ReleaseError, match="does not serve") as failed:
            reading(self.system("ES256"), self.bound(authority.url, key))
        assert "PRIVATE KEY" not in str(failed.value)
        assert failed.value.__cause__ is None
