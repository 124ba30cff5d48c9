from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import select

from runtime.ledger.bench import REALM, Bench, intent, trouble
from syncline_runtime import encoding
from syncline_runtime.errors import InternalError
from syncline_runtime.ledger import Cursor, Failure, Member, NewIntent, Realm, Seal, open_ledger
from syncline_runtime.ledger.bodies import IntentKeys, canonical
from syncline_runtime.ledger.schema import payload
from syncline_runtime.segments import Segment


def segment(run: str, name: str = "a") -> Segment:
    return Segment("landed", "account/crm", run, f"landed/account/crm/{name}.parquet", "00", 3, 100)


def test_a_seal_records_everything_at_once(bench: Bench) -> None:
    run = bench.start()
    bench.seal(
        intent("c1"),
        intent("c2"),
        segments=[segment(run.id, "a"), segment(run.id, "b")],
        exceptions=[trouble()],
        cursors=[Cursor("crm", "Account", "account", "2024-01-01")],
    )
    assert [(one.canonical_id, one.n, one.state) for one in bench.ledger.intents.unfinished()] == [
        ("c1", 1, "pending"),
        ("c2", 1, "pending"),
    ]
    assert [(one.seq, one.run, one.path[-9:]) for one in bench.ledger.register.segments()] == [
        (1, run.id, "a.parquet"),
        (2, run.id, "b.parquet"),
    ]
    assert bench.ledger.register.sequence() == 2
    assert bench.ledger.register.segments(after=1)[0].seq == 2
    assert bench.ledger.register.cursors() == {("crm", "Account", "account"): "2024-01-01"}
    assert [one.native_id for one in bench.ledger.exceptions.find()] == ["n1"]
    kept = bench.ledger.runs.get(run.id)
    assert kept is not None
    assert kept.status == "sealed"


def test_a_seal_that_fails_half_way_records_nothing(bench: Bench) -> None:
    def intents() -> Iterator[NewIntent]:
        for number in range(12_000):
            yield intent(f"c{number}", origin="operator")
        raise RuntimeError("the plan broke")

    run = bench.start()
    seal = Seal(run.id, [segment(run.id)], intents(), cursors=[Cursor("crm", "Account", "account", "x")])
    with pytest.raises(RuntimeError):
        bench.ledger.seal(bench.lease, seal)
    assert bench.ledger.intents.unfinished() == []
    assert bench.ledger.register.segments() == []
    assert bench.ledger.register.cursors() == {}
    bench.seal(intent())


def test_a_run_is_sealed_once(bench: Bench) -> None:
    bench.start()
    bench.seal()
    with pytest.raises(InternalError, match="cannot be sealed"):
        bench.seal()


def test_the_counter_rises_per_member_and_the_key_with_it(bench: Bench) -> None:
    bench.start()
    bench.seal(intent("c1"), intent("c1", "pay"), intent("c1", part_key="lines/1"))
    for claim in (*bench.claim("erp"), *bench.claim("pay")):
        bench.deliver(claim, "n")
    for claim in bench.claim("erp"):  # the part waited for its record
        bench.deliver(claim, "n")
    bench.next_run()
    bench.seal(intent("c1", operation="update"), intent("c2"))
    made = bench.ledger.intents.unfinished()
    assert [(one.canonical_id, one.part_key, one.n) for one in made] == [("c1", "", 2), ("c2", "", 1)]
    keys = {one.key for run in bench.ledger.runs.last() for one in bench.ledger.intents.of_run(run.id)}
    assert len(keys) == 5
    names = [REALM.project, REALM.environment, REALM.tenant, "account", "erp", "Party", "update", "c1", "", 2]
    assert made[0].key == encoding.digest(names)


def test_keys_are_over_the_canonical_encoding_of_any_text() -> None:
    keys = IntentKeys(Realm('a"b', "ü\n", "t"))
    one = intent('c\\"\u2028é', "e\trp", part_key="\x00")
    names = ['a"b', "ü\n", "t", "account", "e\trp", "Party", "create", one.canonical_id, "\x00", 7]
    assert keys.key(one, 7) == encoding.digest(names)


@pytest.mark.parametrize(
    "payload",
    [
        {},
        {"b": 1, "a": "é\u2028"},
        {"a": {"z": None, "b": ["x", True]}},
        {"ref": ["account", "c1"]},
        {"z": {"y": "\x00", "b": None}, "a": {}, "c": 1},
        {"a": {"z": {"y": ["x"], "b": 1}}},
    ],
)
def test_bodies_are_the_canonical_encoding(payload: dict[str, object]) -> None:
    assert canonical(payload) == encoding.dumps(payload)


@pytest.mark.parametrize("payload", [{"a": 1.5}, {"a": {"b": 1.5}}, {"a": {"b": {"c": 1.5}}}, {"a": [1.5]}])
def test_a_binary_float_is_in_no_body(payload: dict[str, object]) -> None:
    with pytest.raises(InternalError):
        canonical(payload)


@pytest.mark.parametrize("value", [1.5, [1.5], {"x": 1.5}, object()])
def test_payloads_hold_no_floats(bench: Bench, value: object) -> None:
    bench.start()
    with pytest.raises(InternalError, match="no JSON"):
        bench.seal(intent(payload={"amount": value}))


def test_no_new_intent_while_one_is_open(bench: Bench) -> None:
    bench.start()
    bench.seal(intent("c1"), intent("c2"))
    bench.next_run()
    with pytest.raises(InternalError, match="c1 on erp although intent 1 is open"):
        bench.seal(intent("c1"))
    with pytest.raises(InternalError, match="c1 on erp although intent 1 is open") as caught:
        bench.seal(intent("c1", part_key="lines"))
    assert caught.value.exit_code == 70
    bench.seal(intent("c1", "pay"), intent("c3"))


def test_no_new_intent_while_one_is_ambiguous(bench: Bench) -> None:
    bench.start()
    bench.seal(intent("c1"))
    bench.ledger.outbox.fail(bench.lease, bench.send(bench.claim()[0]), Failure("ambiguous", "transport"))
    bench.next_run()
    with pytest.raises(InternalError, match="although intent 1 is open"):
        bench.seal(intent("c1"))


@pytest.mark.parametrize("others", [0, 6000])
def test_one_intent_per_member_in_a_seal(bench: Bench, others: int) -> None:
    bench.start()
    bench.seal(intent("before"))
    bench.next_run()
    more = [intent(f"d{number}") for number in range(others)]
    with pytest.raises(InternalError):
        bench.seal(intent("c1"), *more, intent("c1"))


def test_a_closed_intent_makes_room(bench: Bench) -> None:
    bench.start()
    bench.seal(intent("c1"))
    bench.ledger.outbox.fail(bench.lease, bench.send(bench.claim()[0]), Failure("rejected", "validation"))
    bench.next_run()
    bench.seal(intent("c1", payload={"name": "other"}))
    assert bench.states() == {Member("erp", "c1"): "pending"}


def test_values_stand_in_the_payload_table_only(bench: Bench) -> None:
    secret = "Zaphod Beeblebrox"
    run = bench.start()
    bench.seal(intent("c1", payload={"name": secret}), exceptions=[trouble(values={"name": secret})])
    claim = bench.send(bench.claim()[0], {"name": secret, "x": 1})
    bench.ledger.outbox.acknowledge(bench.lease, claim, "n1", "v1", {"name": secret})
    bench.ledger.decisions.decide(("account", "c1", "name"), "crm", "ada", values={"name": secret})
    bench.ledger.runs.close(bench.lease, run.id, "done", 0, {})
    assert bench.tables_with(secret) == {"payload"}
    with bench.ledger._database.read() as look:
        kinds = set(look.connection.execute(select(payload.c.kind)).scalars())
    assert kinds == {"intent", "sent", "returned", "exception", "decision"}


def test_fingerprints_are_worthless_outside_their_ledger(bench: Bench, tmp_path: Path) -> None:
    values = {"name": "Ada", "ref": ["a", 1]}
    one = bench.ledger.intents.fingerprint(values)
    assert one == bench.ledger.intents.fingerprint(json.loads(json.dumps(values)))
    with open_ledger(tmp_path / "other.sqlite", REALM, bench.clock) as other:
        assert other.intents.fingerprint(values) != one
    assert encoding.digest(values) != one


def test_realms_of_one_database_do_not_see_each_other(bench: Bench) -> None:
    run = bench.start()
    bench.seal(intent("c1"), segments=[segment(run.id)], exceptions=[trouble()])
    tenant = Realm(REALM.project, REALM.environment, "second")
    with open_ledger(bench.location, tenant, bench.clock) as other:
        assert other.intents.unfinished() == []
        assert other.register.segments() == []
        assert other.exceptions.find() == []
        assert other.runs.last() == []
        lease = other.leases.acquire(["account"])
        second = other.runs.begin(lease, "r", "b", ["account"])
        other.seal(lease, Seal(second.id, intents=[intent("c1", origin="operator")]))
        keys = [one.key for one in (*other.intents.unfinished(), *bench.ledger.intents.unfinished())]
    assert len(set(keys)) == 2
