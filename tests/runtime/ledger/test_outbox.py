from __future__ import annotations

import pytest

from runtime.ledger.bench import SECOND, Bench, intent
from syncline_runtime.errors import InternalError, StateError
from syncline_runtime.ledger import Claim, Failure, Reference


def records(claims: list[Claim]) -> list[str]:
    return [one.intent.canonical_id for one in claims]


def test_claims_come_in_order_and_once(bench: Bench) -> None:
    bench.start()
    bench.seal(*(intent(f"c{number}") for number in range(5)), intent("c9", "pay"))
    assert records(bench.claim(most=2)) == ["c0", "c1"]
    assert records(bench.claim(most=9)) == ["c2", "c3", "c4"]
    assert bench.claim() == []
    assert records(bench.claim("pay")) == ["c9"]


def test_a_claim_that_ran_out_can_be_taken_again_and_the_old_one_is_void(bench: Bench) -> None:
    bench.start()
    bench.seal(intent())
    old = bench.claim()[0]
    bench.clock.pass_(61)
    assert records(bench.claim()) == ["c1"]
    for late in (
        lambda: bench.send(old),
        lambda: bench.ledger.outbox.release(bench.lease, old),
        lambda: bench.ledger.outbox.acknowledge(bench.lease, old, "n1"),
        lambda: bench.ledger.outbox.fail(bench.lease, old, Failure("dead", "vendor")),
    ):
        with pytest.raises(StateError, match="no longer ours") as caught:
            late()
        assert caught.value.error_code == "SYN6009"


def test_a_claim_of_an_earlier_lease_is_void(bench: Bench) -> None:
    bench.start()
    bench.seal(intent())
    sent = bench.send(bench.claim()[0])
    bench.next_run()
    with pytest.raises(StateError, match="no longer ours"):
        bench.ledger.outbox.acknowledge(bench.lease, sent, "n1")


def test_a_delivery_from_claim_to_ack(bench: Bench) -> None:
    bench.start()
    bench.seal(intent("c1", payload={"name": "Ada", "owner": {"ref": "c0"}}))
    sent = bench.send(bench.claim()[0], {"name": "Ada", "owner": "77"})
    assert (sent.intent.state, sent.intent.attempts, sent.intent.first_sent_at) == ("sending", 1, bench.clock.now)
    bench.clock.pass_(0.5)
    seq = bench.ledger.outbox.acknowledge(bench.lease, sent, "n1", "v7", {"id": "n1", "name": "ADA"})
    (ack,) = bench.ledger.register.unconfirmed_acks()
    assert (ack.seq, ack.native_id, ack.version, ack.operation) == (seq, "n1", "v7", "create")
    assert (ack.payload, ack.returned) == ({"name": "Ada", "owner": "77"}, {"id": "n1", "name": "ADA"})
    (attempt,) = bench.ledger.intents.attempts(sent.intent.id)
    assert (attempt.no, attempt.outcome, (attempt.ended_at or 0) - attempt.started_at) == (1, "acked", SECOND // 2)
    (kept,) = bench.ledger.intents.of_record("c1")
    assert (kept.state, kept.native_id) == ("acked", "n1")
    assert bench.claim() == []


def test_an_ack_without_a_native_id_keeps_the_known_one(bench: Bench) -> None:
    bench.start()
    bench.seal(intent(operation="update", native_id="n7"))
    bench.deliver(bench.claim()[0])
    assert bench.ledger.register.unconfirmed_acks()[0].native_id == "n7"


def test_a_retry_waits_for_its_time_and_sends_what_was_sent(bench: Bench) -> None:
    bench.start()
    bench.seal(intent("c1"), intent("c2"))
    first = bench.claim(most=1)[0]
    resolved = {"name": "as sent"}
    later = bench.clock.now + 10 * SECOND
    failure = Failure("retryable", "rate_limit", "429", 429, "slow down", retry_at=later)
    bench.ledger.outbox.fail(bench.lease, bench.send(first, resolved), failure)
    assert records(bench.claim()) == ["c2"]
    bench.clock.pass_(10)
    again = bench.claim()[0]
    assert (again.intent.attempts, again.intent.category, again.intent.vendor_code) == (1, "rate_limit", "429")
    assert (again.payload, again.sent) == ({"name": "Name of c1"}, resolved)
    sent = bench.send(again)
    assert sent.sent == resolved
    bench.ledger.outbox.acknowledge(bench.lease, sent, "n1")
    attempts = bench.ledger.intents.attempts(sent.intent.id)
    assert [(one.no, one.outcome, one.status, one.message) for one in attempts] == [
        (1, "retryable", 429, "slow down"),
        (2, "acked", None, ""),
    ]


def test_an_outage_uses_no_attempt(bench: Bench) -> None:
    bench.start()
    bench.seal(intent())
    for sends in (1, 2, 3):
        sent = bench.send(bench.claim()[0])
        assert (sent.intent.attempts, sent.intent.sends) == (1, sends)
        bench.ledger.outbox.fail(bench.lease, sent, Failure("retryable", "transport", uses_attempt=False))
    assert len(bench.ledger.intents.attempts(1)) == 3


def test_order_per_record_is_kept_and_others_go_on(bench: Bench) -> None:
    bench.start()
    bench.seal(intent("c1"), intent("c1", part_key="a"), intent("c1", "pay"), intent("c2"), intent("c1", part_key="b"))
    claims = bench.claim()
    assert [(one.intent.canonical_id, one.intent.part_key) for one in claims] == [("c1", ""), ("c2", "")]
    bench.deliver(claims[0], "n1")
    (part,) = bench.claim()
    assert part.intent.part_key == "a"
    bench.ledger.outbox.fail(bench.lease, bench.send(part), Failure("ambiguous", "transport"))
    assert bench.claim() == []
    bench.ledger.outbox.fail(bench.lease, bench.ledger.outbox.claim_ambiguous(
        bench.lease, bench.run.id, "erp", 9, SECOND)[0], Failure("dead", "transport"))  # fmt: skip
    assert [one.intent.part_key for one in bench.claim()] == ["b"]


def test_a_reference_is_known_from_an_ack(bench: Bench) -> None:
    bench.start()
    owner = Reference("account", "c1", "erp")
    bench.seal(intent("i1", object="invoice", references=(owner,)), intent("c1"))
    (claim,) = bench.claim()
    assert claim.intent.canonical_id == "c1"
    assert next((one.canonical_id, one.state) for one in bench.ledger.intents.unfinished()) == ("i1", "waiting")
    bench.deliver(claim, "77")
    (claim,) = bench.claim()
    assert claim.references == {owner: "77"}
    assert bench.ledger.register.native_ids([owner, Reference("account", "c2", "erp")]) == {owner: "77"}


def test_a_reference_is_known_from_the_state(bench: Bench) -> None:
    bench.start()
    owner, other = Reference("account", "c1", "erp"), Reference("account", "c2", "erp")
    bench.seal(intent("i1", references=(owner,)), intent("i2", references=(owner, other)))
    (claim,) = bench.claim(resolve=lambda wanted: {owner: "5"} if owner in wanted else {})
    assert (claim.intent.canonical_id, claim.references) == ("i1", {owner: "5"})
    assert [one.state for one in bench.ledger.intents.unfinished()] == ["pending", "waiting"]


def test_waiting_intents_do_not_hide_those_behind_them(bench: Bench) -> None:
    bench.start()
    nobody = Reference("account", "nobody", "erp")
    bench.seal(*(intent(f"i{number}", references=(nobody,)) for number in range(25)), intent("c1"))
    assert records(bench.claim(most=10)) == ["c1"]
    assert bench.claim() == []


def test_an_intent_wakes_only_when_all_references_are_known(bench: Bench) -> None:
    bench.start()
    references = (Reference("account", "c1", "erp"), Reference("account", "c2", "erp"))
    bench.seal(intent("i1", references=references), intent("c1"), intent("c2"))
    first, second = bench.claim()
    bench.deliver(first, "1")
    assert bench.claim() == []
    bench.deliver(second, "2")
    assert list(bench.claim()[0].references.values()) == ["1", "2"]


def test_an_update_wakes_nobody(bench: Bench) -> None:
    bench.start()
    bench.seal(intent("i1", references=(Reference("account", "c1", "erp"),)), intent("c1", operation="update"))
    bench.deliver(bench.claim()[0], "1")
    assert bench.claim() == []


@pytest.mark.parametrize("outcome", ["rejected", "dead"])
def test_what_ended_badly_is_not_sent_again(bench: Bench, outcome: str) -> None:
    bench.start()
    bench.seal(intent())
    bench.ledger.outbox.fail(bench.lease, bench.send(bench.claim()[0]), Failure(outcome, "validation"))  # type: ignore[arg-type]
    bench.clock.pass_(3600)
    assert bench.claim() == []
    assert bench.ledger.outbox.claim_ambiguous(bench.lease, bench.run.id, "erp", 9, SECOND) == []


def test_an_ambiguous_intent_ends_in_each_way(bench: Bench) -> None:
    bench.start()
    bench.seal(*(intent(f"c{number}") for number in range(4)))
    for claim in bench.claim():
        bench.ledger.outbox.fail(bench.lease, bench.send(claim), Failure("ambiguous", "transport"))
    assert bench.claim() == []
    found, absent, again, open_ = bench.ledger.outbox.claim_ambiguous(bench.lease, bench.run.id, "erp", 9, SECOND)
    bench.ledger.outbox.acknowledge(bench.lease, found, "n0")
    bench.ledger.outbox.fail(bench.lease, absent, Failure("retryable", "transport"))
    bench.ledger.outbox.acknowledge(bench.lease, bench.send(again), "n2")
    bench.ledger.outbox.release(bench.lease, open_, next_at=bench.clock.now + 5 * SECOND)
    assert [one.state for one in bench.ledger.intents.of_run(bench.run.id)] == [
        "acked",
        "retryable",
        "acked",
        "ambiguous",
    ]
    assert bench.ledger.outbox.claim_ambiguous(bench.lease, bench.run.id, "erp", 9, SECOND) == []
    bench.clock.pass_(5)
    assert len(bench.ledger.outbox.claim_ambiguous(bench.lease, bench.run.id, "erp", 9, SECOND)) == 1


def test_only_what_is_sent_can_be_acknowledged(bench: Bench) -> None:
    bench.start()
    bench.seal(intent())
    claim = bench.claim()[0]
    with pytest.raises(StateError):
        bench.ledger.outbox.acknowledge(bench.lease, claim, "n1")
    sent = bench.send(claim)
    with pytest.raises(InternalError, match="is sending and cannot be sent"):
        bench.send(sent)
    with pytest.raises(StateError):
        bench.send(claim)
    bench.ledger.outbox.acknowledge(bench.lease, sent, "n1")
    with pytest.raises(StateError):
        bench.ledger.outbox.acknowledge(bench.lease, sent, "n1")
    assert len(bench.ledger.register.acks()) == 1


def test_steps_together_are_one_transaction(bench: Bench) -> None:
    bench.start()
    bench.seal(intent("c1"), intent("c2"))
    first, second = bench.claim()
    with pytest.raises(RuntimeError), bench.ledger.together(bench.lease):  # noqa: PT012
        bench.send(first)
        raise RuntimeError
    assert {one.state for one in bench.ledger.intents.unfinished()} == {"pending"}
    with bench.ledger.together(bench.lease):
        bench.deliver(first, "n1")
        bench.deliver(second, "n2")
    assert bench.ledger.intents.unfinished() == []


def test_a_step_that_failed_within_others_takes_them_along(bench: Bench) -> None:
    bench.start()
    bench.seal(intent("c1"), intent("c2"))
    first, second = bench.claim()
    sent = bench.send(first)
    with pytest.raises(InternalError, match="nothing was recorded"), bench.ledger.together(bench.lease):  # noqa: PT012
        bench.ledger.outbox.acknowledge(bench.lease, sent, "n1")
        with pytest.raises(StateError):
            bench.ledger.outbox.acknowledge(bench.lease, second, "n2")
    assert bench.ledger.register.acks() == []
