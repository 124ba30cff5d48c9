"""Many records in one request: each has an answer of its own, and an end of its own."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from support.world import FROM_A_TO_B, NAME_AND_KIND, World, problems, system, world, writes
from syncline_runtime.connectors.connection import _HttpConnection
from syncline_runtime.connectors.http import HttpClient
from syncline_runtime.errors import RequestFailed
from syncline_runtime.exception_queue import listed
from syncline_runtime.sandbox.store import FaultError
from syncline_runtime.upkeep.session import opened_ledger

RECORDS, ROWS = 23, 8
SHAPES = {
    "position": """
        item: {id: "{id}", set: "{record}"}
        answers: results
        done: {success: true}
        error_code_at: errors.0.code
        error_message_at: errors.0.message
""",
    "echo": """
        item: {ref: "{row}", path: {$path: "/rec/{id}"}, body: "{record}"}
        answers: responses
        status: status
        record_at: body
        error_code_at: body.code
        echo: {sent: "{row}", at: ref}
""",
    "apart": """
        item: {id: "{id}", trace: "{key}", properties: "{record}"}
        answers: results
        failed: errors
        error_code_at: code
        echo: {sent: "{key}", at: [trace, context.trace.0]}
""",
}
B = """
system: b
version: 1.0.0
auth: {{kind: bearer}}
resources:
  Rec:
    id: id
    fields: {{id: {{type: text, write: false}}, name: {{type: text, required: true}}, kind: text}}
    list: {{request: {{path: /rec}}}}
    get: {{path: "/rec/{{id}}"}}
    create:
      request: {{path: /rec}}
      find: {{request: {{path: /find, query: {{name: "{{marker}}"}}}}, field: name}}
      batch:
        request: {{path: /batch/create, body: {{all: "{{items}}"}}}}
        rows: 8
{create}
    update:
      request: {{path: "/rec/{{id}}"}}
      batch:
        request: {{path: /batch/update, body: {{all: "{{items}}"}}}}
        rows: 8
{update}
    delete: {{request: {{path: "/rec/{{id}}"}}}}
"""


def files(shape: str) -> dict[str, str]:
    """Describe system ``b`` with batches of one shape; creates leave out what names a record."""
    create = SHAPES[shape].replace('id: "{id}", ', "").replace('path: {$path: "/rec/{id}"}, ', "")
    return {
        "a.yaml": system("a", Rec="name: {type: text, required: true}, kind: text"),
        "b.yaml": B.format(create=create, update=SHAPES[shape]),
        "rec.yaml": NAME_AND_KIND,
        "sync.yaml": FROM_A_TO_B + "delivery: {attempts: 2, within: 2h}\n",
        "a.map": "mapping a.Rec <-> rec@1\n\nname <-> name\nkind <-> kind\n",
        "b.map": "mapping b.Rec <-> rec@1\n\nname <-> name\nkind <-> kind\n",
    }


@pytest.fixture(params=SHAPES)
def shop(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    with world(tmp_path, monkeypatch, files(request.param)) as made:
        for number in range(RECORDS):
            made.add("a", name=f"N{number:02}", kind="x")
        yield made


@pytest.fixture
def one_shape(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    with world(tmp_path, monkeypatch, files("echo")) as made:
        for number in range(RECORDS):
            made.add("a", name=f"N{number:02}", kind="x")
        yield made


@pytest.fixture
def requests(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """Count writes by path."""
    seen: Counter[str] = Counter()
    real: Any = HttpClient.write

    async def write(self: Any, request: Any, *args: Any, **more: Any) -> Any:
        seen[request.path] += 1
        return await real(self, request, *args, **more)

    monkeypatch.setattr(HttpClient, "write", write)
    return seen


def poison(shop: World, kind: str) -> None:
    """Let the far side refuse records of a kind."""
    store = shop.sandbox.stand_ins["b"].stores["Rec"]
    real = store.create

    def strict(natives: Any) -> Any:
        if natives.get("kind") == kind:
            raise FaultError("validation", "poison", "no such kind")
        return real(natives)

    store.create = strict  # type: ignore[method-assign]


def test_records_go_together_and_their_answers_find_them(shop: World, requests: Counter[str]) -> None:
    done = shop.run()
    assert (done.exit_code, done.acked, requests) == (0, RECORDS, {"/batch/create": 3})
    for one in shop.records("a"):
        shop.edit("a", one["id"], kind=f"k{one['name']}"[:5])
    assert shop.run().acked == RECORDS
    assert requests["/batch/update"] == 3
    assert {one["name"]: one["kind"] for one in shop.records("b")} == {
        one["name"]: one["kind"] for one in shop.records("a")
    }
    assert writes(shop.run()) == [], "links and bases are those of the right records"


def test_a_row_that_is_refused_is_put_before_people_alone(shop: World) -> None:
    poison(shop, "bad")
    bad = shop.by("name", "a")
    for name in ("N03", "N17"):
        shop.edit("a", bad[name]["id"], kind="bad")
    done = shop.run()
    assert (done.delivered.acked, done.delivered.failed, done.delivered.paused) == ({"b": RECORDS - 2}, {"b": 2}, {})
    assert [(one["code"], one["category"]) for one in _exceptions(shop)] == [("SYN5401", "validation")] * 2
    with opened_ledger(shop.place) as ledger:
        codes = [one.vendor_code for one in ledger.intents.of_run(done.run_id) if one.state == "rejected"]
    assert codes == ["poison"] * 2
    assert sorted(shop.by("name", "b")) == [f"N{n:02}" for n in range(RECORDS) if n not in (3, 17)]
    assert writes(shop.run()) == []


def _exceptions(shop: World) -> list[dict[str, Any]]:
    return list(listed(shop.place, (), {})["exceptions"])


def test_a_row_that_poisons_its_batch_is_found_by_halves(one_shape: World, requests: Counter[str]) -> None:
    shop = one_shape
    poison(shop, "bad")
    shop.edit("a", shop.by("name", "a")["N12"]["id"], kind="bad")
    shop.sandbox.fault("b", "all_or_none", times=1000)
    done = shop.run()
    assert (done.delivered.acked, done.delivered.failed) == ({"b": RECORDS - 1}, {"b": 1})
    assert [one["native_id"] or one["rule"] for one in _exceptions(shop)] == ["create"]
    assert requests["/batch/create"] <= 3 + 6, "two halves at each of three steps"
    with opened_ledger(shop.place) as ledger:
        attempts = {one.attempts for one in ledger.intents.of_run(done.run_id) if one.state == "acked"}
    assert attempts == {1}, "what was refused for another's sake uses up no attempt"
    assert writes(shop.run()) == []


@pytest.mark.parametrize("fault", ["reset_after", "silent_row"])
def test_what_became_of_rows_without_an_answer_is_found_out_for_each(one_shape: World, fault: str) -> None:
    shop = one_shape
    shop.sandbox.fault("b", fault, resource="Rec", operation="create", times=1)
    shop.run()
    for _ in range(3):
        shop.clock.let_pass(3600)
        shop.run()
    assert sorted(shop.by("name", "b")) == [f"N{n:02}" for n in range(RECORDS)], "none doubled, none lost"
    assert writes(shop.run()) == []
    assert _exceptions(shop) == []


def test_a_lot_holds_one_write_of_a_record_and_keeps_their_order(one_shape: World) -> None:
    """A create and an update of one record never share a request, and never change places."""
    shop = one_shape
    shop.run()
    seen: list[tuple[str, ...]] = []
    real: Any = _HttpConnection.write_together

    async def write_together(self: Any, resource: str, contract: Any, rows: Any) -> Any:
        seen.append(tuple(row.native_id for row in rows))
        assert len(set(seen[-1])) == len(rows) <= ROWS
        return await real(self, resource, contract, rows)

    shop_records = shop.records("a")
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(_HttpConnection, "write_together", write_together)
        for kind in ("p", "q"):
            for one in shop_records:
                shop.edit("a", one["id"], kind=kind)
            shop.run()
    assert sum(map(len, seen)) == 2 * RECORDS
    assert {one["kind"] for one in shop.records("b")} == {"q"}


def test_a_whole_that_is_refused_for_good_costs_each_record_its_own_exception(
    one_shape: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Permission is a matter of the credential and not of a row: nothing is sent in halves."""
    calls = 0

    async def write_together(self: Any, resource: str, contract: Any, rows: Any) -> Any:
        nonlocal calls
        calls += 1
        error = RequestFailed("not allowed", category="permission", status=403)
        error.together = len(rows)
        return [error] * len(rows)

    monkeypatch.setattr(_HttpConnection, "write_together", write_together)
    done = one_shape.run()
    assert (calls, done.delivered.failed) == (3, {"b": RECORDS})
    assert {code for code, _, _ in problems(done)} <= {"SYN5401"}
