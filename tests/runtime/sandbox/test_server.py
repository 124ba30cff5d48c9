"""The sandbox as a program: what it serves beside the systems, and how it starts and ends."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from runtime.connectors.described import opened, shop
from syncline_runtime import encoding
from syncline_runtime.binding import Connection
from syncline_runtime.connectors import Surroundings, open_connection
from syncline_runtime.connectors.origin import origin_of, parse_origin, refuse_elsewhere
from syncline_runtime.errors import ReleaseError, SystemFailure, UsageError
from syncline_runtime.request import Request
from syncline_runtime.sandbox import serve
from syncline_runtime.system import FileRead, Limit, NativeField, Resource, System, Write


def http(method: str, url: str, body: Any = None, **headers: str) -> tuple[int, Any]:
    content = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(
        url, content, {"Content-Type": "application/json", "Authorization": "Bearer sandbox", **headers}, method=method
    )
    try:
        with urllib.request.urlopen(request) as answer:
            return answer.status, json.loads(answer.read() or "null")
    except urllib.error.HTTPError as error:
        with error:
            return error.code, json.loads(error.read() or "null")


def drop(format: str = "csv", name: str = "in/orders-*.csv") -> System:
    fields = (NativeField("no", "text", "no"), NativeField("amount", "decimal", "amount"))
    order = Resource("Order", "Order", "no", fields, files=FileRead(name, format))  # type: ignore[arg-type]
    return System(
        "drop", "1.0.0", "Drop", (order,), protocol="files", sandbox={"Order": [{"no": "1", "amount": "1.50"}]}
    )


def stand_in(system: System, name: str = "") -> Connection:
    return Connection(name or system.name, system.name, stand_in=True)


def test_what_is_served_and_what_was_written() -> None:
    with serve([shop(customers=1), drop()]) as sandbox:
        url = sandbox.url
        listed = http("GET", f"{url}/")[1]["systems"]
        assert listed["shop"] == {"origin": f"{url}/shop"}
        assert Path(listed["drop"]["folder"]).is_dir()
        assert http("PATCH", f"{url}/shop/customers/c1", {"name": "New"})[0] == 200
        log = http("GET", f"{url}/_log")[1]
        assert [(e["method"], e["system"], e["resource"], e["id"]) for e in log] == [
            ("PATCH", "shop", "Customer", "c1")
        ]
        records = http("GET", f"{url}/_records/shop/Customer")[1]
        assert (records[0]["name"], records[0]["staff"]) == ("New", 1)


def test_someone_edits_at_the_system_and_the_version_rises() -> None:
    with serve([shop(customers=2)]) as sandbox:
        place = f"{sandbox.url}/_records/shop/Customer"
        before = http("GET", place)[1][0]["updated_at"]
        changed = http("PATCH", f"{place}/c1", {"credit": 1, "vip": True, "ext": None})[1]
        assert (changed["money"]["credit"], changed["vip"]) == (1, True)
        assert changed["updated_at"] > before
        assert http("POST", place, {"name": "More"})[1]["id"] == "customer_0001"
        http("DELETE", f"{place}/c2")
        assert [record["id"] for record in http("GET", place)[1]] == ["c1", "customer_0001"]
        assert http("PATCH", f"{place}/nobody", {"name": "x"})[0] == 400
        assert sandbox.log == []


def test_faults_are_asked_for_over_http() -> None:
    with serve([shop()]) as sandbox:
        asked = {"system": "shop", "resource": "Customer", "operation": "get", "fault": "429", "times": 2}
        assert http("POST", f"{sandbox.url}/_fault", asked) == (200, {"ok": True})
        statuses = [http("GET", f"{sandbox.url}/shop/customers/c1")[0] for _ in range(3)]
        assert statuses == [429, 429, 200]
        assert http("POST", f"{sandbox.url}/_fault", {**asked, "fault": "fire"})[0] == 400
        assert http("GET", f"{sandbox.url}/nothing")[0] == 400


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("GET", "/nowhere", None, 404),
        ("GET", "/customers/c99", None, 404),
        ("PUT", "/customers/c1", {"name": "x"}, 404),
        ("PATCH", "/customers/c1", {"nonsense": 1}, 400),
        ("PATCH", "/customers/c1", {"updated_at": "2026-01-01"}, 400),
        ("PATCH", "/customers/c1", {"name": None}, 400),
        ("GET", "/customers?offset=x&limit=1", None, 400),
        ("GET", "/customers?since=soon", None, 400),
    ],
)
def test_what_a_stand_in_refuses(method: str, path: str, body: Any, status: int) -> None:
    with serve([shop()]) as sandbox:
        found, answer = http(method, f"{sandbox.url}/shop{path}", body)
        assert found == status
        assert answer["error"]["code"]
        assert http(method, f"{sandbox.url}/shop{path}", body, Authorization="Bearer other")[0] in (401, 404)


def test_a_limit_is_kept() -> None:
    system = shop()
    limited = System(**{**vars(system), "limit": Limit(5, 60)})
    with serve([limited]) as sandbox:
        assert [http("GET", f"{sandbox.url}/shop/me")[0] for _ in range(8)].count(429) == 2


@pytest.mark.parametrize(("format", "name"), [("csv", "**/o?-*.csv"), ("json", "x.json"), ("jsonl", "*.jsonl")])
def test_file_systems_get_a_folder_with_seeds(format: str, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    system = drop(format, name)

    async def story() -> list[dict[str, str | None]]:
        async with open_connection(system, stand_in(system), Surroundings()) as handle:
            return [dict(row.natives) async for page in handle.read("Order") for row in page.rows]  # type: ignore[union-attr]

    with serve([system]) as sandbox:
        monkeypatch.setenv("SYNCLINE_SANDBOX_URL", sandbox.url)
        assert asyncio.run(story()) == [{"no": "1", "amount": "1.50"}]
        folder = sandbox.folders["drop"]
    assert not folder.exists()
    with pytest.raises(SystemFailure, match="does not serve this system"):
        asyncio.run(story())


def test_a_stand_in_is_found_by_variable_by_note_or_at_its_usual_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    connection = Connection("my_crm", "crm", stand_in=True)
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("SYNCLINE_SANDBOX_URL", raising=False)
    assert origin_of(connection).join("/x") == "http://127.0.0.1:8787/crm/x"
    (tmp_path / ".syncline").mkdir()
    (tmp_path / ".syncline" / "sandbox.json").write_text('{"url": "http://127.0.0.1:1234"}')
    assert origin_of(connection).port == 1234
    monkeypatch.setenv("SYNCLINE_SANDBOX_URL", "https://example.com")
    with pytest.raises(ReleaseError, match="on this machine only"):
        origin_of(connection)


@pytest.mark.parametrize(
    "text",
    ["example.com", "ftp://example.com", "https://", "https://u:p@example.com", "https://x.example?a=b", "https://x:y"],
)
def test_what_is_no_origin(text: str) -> None:
    with pytest.raises(ReleaseError, match="not an address"):
        parse_origin(text, "crm")


@pytest.mark.parametrize(
    ("origin", "environment", "fits"),
    [
        ("https://crm.example.com/eu", None, True),
        ("https://crm.example.com", "test", False),
        ("https://a.trial.example.com", "test", True),
        ("https://crm.example.org", None, False),
    ],
)
def test_a_system_is_where_its_description_says(
    origin: str, environment: str | None, fits: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A reference may hold any address, so that it is compared before anything is sent there."""
    monkeypatch.setenv("CRM_URL", origin)
    origins = {"live": ("https://crm.example.com",), "test": ("https://*.trial.example.com",)}
    connection = Connection("my_crm", "crm", origin="env:CRM_URL", environment=environment)
    if fits:
        refuse_elsewhere(origin_of(connection), System("crm", "1.0.0", "CRM", (), origins=origins), connection)
        return
    with pytest.raises(ReleaseError, match="none of the origins"):
        refuse_elsewhere(origin_of(connection), System("crm", "1.0.0", "CRM", (), origins=origins), connection)


def test_plain_http_stays_on_this_machine() -> None:
    with pytest.raises(ReleaseError, match="plain http"):
        parse_origin("http://10.0.0.1/", "crm")
    assert parse_origin("http://[::1]:8080/a/", "crm").join("/b") == "http://[::1]:8080/a/b"


def test_a_taken_port_is_one_clear_message() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken, pytest.raises(UsageError, match="cannot be used"):
        serve([shop()], port=taken.getsockname()[1])


def test_the_stand_in_connects_without_secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SECRET")
    with serve([shop()]) as sandbox:
        monkeypatch.setenv("SYNCLINE_SANDBOX_URL", sandbox.url)

        async def story() -> str | None:
            async with opened(shop(), "", stand_in=True) as handle:
                return (await handle.probe()).account

        assert asyncio.run(story()) == "sandbox"


PROGRAM = """
import json, pathlib, sys
from syncline_runtime import encoding
from syncline_runtime.sandbox import sandbox_command_body
from syncline_runtime.system import System
system = encoding.decode(System, json.loads(pathlib.Path("system.json").read_text()))
sys.exit(sandbox_command_body([system], 0, echo=lambda line: print(line, flush=True)))
"""


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_the_command_says_when_it_is_ready_and_ends_cleanly(tmp_path: Path, number: signal.Signals) -> None:
    (tmp_path / "system.json").write_bytes(encoding.dumps(shop()))
    with subprocess.Popen(
        [sys.executable, "-c", PROGRAM],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONWARNINGS": "error"},
    ) as process:
        assert process.stdout
        ready = process.stdout.readline()
        note = tmp_path / ".syncline" / "sandbox.json"
        url = json.loads(note.read_text())["url"]
        assert ready == f"sandbox ready at {url} (shop); stop it with Ctrl-C\n"
        assert http("GET", f"{url}/shop/me")[0] == 200
        process.send_signal(number)
        assert process.wait(10) == 0
        assert process.stderr
        assert process.stderr.read() == ""
        assert not note.exists()


def test_records_of_their_own_are_shown_inside_their_parent_and_touch_it() -> None:
    point = Resource(
        "Point",
        "Point",
        "id",
        (
            NativeField("id", "text", "id", writable=False),
            NativeField("owner", "text", "owner_id", ref="Customer", required=True),
            NativeField("value", "text", "value"),
        ),
        parent="owner",
        create=Write(Request("/customers/{parent}/points", "POST")),
        update=Write(Request("/points/{id}", "PATCH")),
        delete=Write(Request("/points/{id}", "DELETE"), returns="nothing"),
    )
    base = shop(customers=2)
    customer = base.resource("Customer")
    fields = (*customer.fields, NativeField("points", "list", "points", of="Point", writable=False))
    system = replace(base, resources=(replace(customer, fields=fields), point))

    async def story(url: str) -> None:
        async with opened(system, url) as handle:
            before = await handle.get("Customer", "c1")
            natives: dict[str, str | None] = {"value": "x"}
            made = await handle.write("Point", point.create, native_id=None, natives=natives, parent="c1")  # type: ignore[arg-type]
            after = await handle.get("Customer", "c1")
            assert before
            assert after
            assert (before.natives["points"], after.version or "") > ("", before.version or "")
            assert json.loads(after.natives["points"] or "") == [{"id": made.native_id, "owner_id": "c1", "value": "x"}]
            await handle.write("Point", point.delete, native_id=made.native_id, natives={})  # type: ignore[arg-type]
            assert (await handle.get("Customer", "c1")).natives["points"] == "[]"  # type: ignore[union-attr]

    with serve([system]) as sandbox:
        asyncio.run(story(sandbox.url))
