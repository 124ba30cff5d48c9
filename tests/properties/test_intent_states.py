"""The ledger's intents against a small model, through any order of seals, claims, sends, answers and crashes."""

from __future__ import annotations

import shutil
import tempfile
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import hypothesis.strategies as st
import pytest
from hypothesis import HealthCheck, settings
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    consumes,
    initialize,
    invariant,
    multiple,
    precondition,
    rule,
)

from runtime.ledger.bench import REALM, SECOND, Bench, Clock, across, intent, new_bench
from syncline_runtime.errors import InternalError, StateError
from syncline_runtime.ledger import Claim, Failure, NewIntent, Reference, Seal, open_ledger
from syncline_runtime.ledger.states import CLOSED, FOLLOWERS, OPEN

RECORDS = ("c0", "c1", "c2", "c3")
PARTS = ("", "p")


@cache
def empty_ledger() -> bytes:
    """A fresh ledger to copy: making one runs the migrations."""
    with tempfile.TemporaryDirectory() as folder:
        made = new_bench(Path(folder) / "ledger.sqlite")
        made.ledger.close()
        return made.path.read_bytes()


@dataclass
class Modelled:
    """What the model knows of one intent."""

    id: int
    record: str
    part: str
    run: str
    n: int
    wants: str | None
    state: str = "pending"
    sends: int = 0
    token: int = 0
    until: int = 0
    acked: bool = False


class Intents(RuleBasedStateMachine):
    claims = Bundle("claims")

    @initialize()
    def start(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="syncline-states-"))
        path = self.folder / "ledger.sqlite"
        path.write_bytes(empty_ledger())
        clock = Clock()
        self.bench = Bench(open_ledger(path, REALM, clock), clock, path)
        self.model: dict[int, Modelled] = {}
        self.generation = 0
        self.bench.start()

    def teardown(self) -> None:
        if hasattr(self, "bench"):
            self.bench.ledger.close()
            shutil.rmtree(self.folder)

    def busy(self, record: str) -> bool:
        return any(one.record == record and one.state in OPEN for one in self.model.values())

    @rule(
        members=st.lists(st.tuples(st.sampled_from(RECORDS), st.sampled_from(PARTS)), min_size=1, unique=True),
        wants=st.sampled_from((None, *RECORDS)),
    )
    def seal(self, members: list[tuple[str, str]], wants: str | None) -> None:
        """A run seals new intents; one that is asked for a busy record seals nothing."""
        run = self.bench.run
        kept = self.bench.ledger.runs.get(run.id)
        if kept is not None and kept.status == "sealed":
            run = self.bench.next_run()
            self.generation += 1
        made = [self.planned(record, part, wants) for record, part in members]
        seal = Seal(run.id, intents=made, counts=across(made))
        if any(self.busy(record) for record, _ in members):
            with pytest.raises(InternalError):
                self.bench.ledger.seal(self.bench.lease, seal)
            return
        assert self.bench.ledger.seal(self.bench.lease, seal).intents == len(made)
        first = len(self.model) + 1
        found = [one for one in self.bench.ledger.intents.of_run(run.id)]
        for (record, part), one in zip(members, found, strict=True):
            n = 1 + sum((old.record, old.part) == (record, part) for old in self.model.values())
            self.model[one.id] = Modelled(one.id, record, part, run.id, n, wants if wants != record else None)
        assert first == min(one.id for one in found)

    def planned(self, record: str, part: str, wants: str | None) -> NewIntent:
        references = (Reference("account", wants, "erp"),) if wants and wants != record else ()
        return intent(record, part_key=part, references=references)

    @rule(target=claims, most=st.integers(1, 5))
    def claim(self, most: int) -> object:
        taken = self.bench.claim(most=most)
        for one in taken:
            known = self.model[one.intent.id]
            assert known.state in ("pending", "waiting", "retryable")
            assert not self.blocked(known)
            assert known.sends or self.known(known)
            self.take(known, one)
        for known in self.model.values():
            if known.state == "pending" and self.is_free(known) and not self.blocked(known) and not self.known(known):
                known.state = self.actual(known)  # waits as soon as a claim came across it
                assert known.state in ("pending", "waiting")
        return multiple(*((self.generation, one) for one in taken))

    @rule(target=claims)
    def claim_ambiguous(self) -> object:
        taken = self.bench.ledger.outbox.claim_ambiguous(self.bench.lease, self.bench.run.id, "erp", 9, 60 * SECOND)
        for one in taken:
            known = self.model[one.intent.id]
            assert known.state == "ambiguous"
            self.take(known, one)
        return multiple(*((self.generation, one) for one in taken))

    def take(self, known: Modelled, claim: Claim) -> None:
        assert self.is_free(known)
        known.token, known.until = claim.token, claim.deadline

    def is_free(self, known: Modelled) -> bool:
        return known.token == 0 or known.until < self.bench.clock.now

    def is_good(self, held: tuple[int, Claim]) -> bool:
        """Whether a claim is of this run's lease and nobody took the intent since."""
        generation, claim = held
        return generation == self.generation and self.model[claim.intent.id].token == claim.token

    def blocked(self, one: Modelled) -> bool:
        return any(
            other.record == one.record and other.id < one.id and other.state in OPEN for other in self.model.values()
        )

    def known(self, one: Modelled) -> bool:
        return one.wants is None or any(
            other.acked and other.record == one.wants and other.part == "" for other in self.model.values()
        )

    def actual(self, one: Modelled) -> str:
        (found,) = (each for each in self.bench.ledger.intents.of_record(one.record) if each.id == one.id)
        return found.state

    @rule(target=claims, held=consumes(claims))
    def send(self, held: tuple[int, Claim]) -> object:
        generation, claim = held
        known = self.model[claim.intent.id]
        if not self.is_good(held) or claim.intent.state == "sending" or known.state == "sending":
            with pytest.raises((InternalError, StateError)):
                self.bench.send(claim)
            return multiple(held) if self.is_good(held) and claim.intent.state == "sending" else multiple()
        sent = self.bench.send(claim, {"resolved": claim.intent.id})
        known.state, known.sends, known.until = "sending", known.sends + 1, sent.deadline
        assert sent.intent.sends == known.sends
        return multiple((generation, sent))

    @rule(held=consumes(claims))
    def acknowledge(self, held: tuple[int, Claim]) -> None:
        _, claim = held
        known = self.model[claim.intent.id]
        if not self.is_good(held) or known.state not in ("sending", "ambiguous"):
            with pytest.raises(StateError):
                self.bench.ledger.outbox.acknowledge(self.bench.lease, claim, "n")
            self.release(held)
            return
        self.bench.ledger.outbox.acknowledge(self.bench.lease, claim, f"n{known.id}")
        known.state, known.token, known.acked = "acked", 0, True
        if known.part == "":
            for other in self.model.values():
                if other.state == "waiting" and other.wants == known.record:
                    other.state = "pending"

    @rule(held=consumes(claims), outcome=st.sampled_from(("retryable", "rejected", "ambiguous", "dead")))
    def fail(self, held: tuple[int, Claim], outcome: str) -> None:
        _, claim = held
        known = self.model[claim.intent.id]
        failure = Failure(outcome, "transport")  # type: ignore[arg-type]
        if not self.is_good(held) or outcome not in FOLLOWERS[known.state]:  # type: ignore[index]
            with pytest.raises(StateError):
                self.bench.ledger.outbox.fail(self.bench.lease, claim, failure)
            self.release(held)
            return
        self.bench.ledger.outbox.fail(self.bench.lease, claim, failure)
        known.state, known.token = outcome, 0

    def release(self, held: tuple[int, Claim]) -> None:
        """Give a claim back where it is still good, so that the intent is not lost to the test."""
        known = self.model[held[1].intent.id]
        if self.is_good(held) and known.state in ("pending", "retryable", "ambiguous"):
            self.bench.ledger.outbox.release(self.bench.lease, held[1])
            known.token = 0

    @precondition(lambda self: self.model)
    @rule(pick=st.integers(0, 1000))
    def waive(self, pick: int) -> None:
        known = list(self.model.values())[pick % len(self.model)]
        changed = self.bench.ledger.intents.waive(self.bench.lease, [known.id], self.bench.run.id)
        assert changed == ("waived" in FOLLOWERS[known.state])  # type: ignore[index]
        if changed:
            known.state, known.token = "waived", 0

    @rule(after=st.sampled_from((0, 31, 61)))
    def crash(self, after: int) -> None:
        """The process dies and another one takes over; the old claims come to nothing."""
        self.bench.clock.pass_(after)
        self.bench.ledger.leases.release(self.bench.lease)
        self.generation += 1
        run = self.bench.start()
        self.bench.ledger.intents.recover(self.bench.lease, run)
        for known in self.model.values():
            if known.state == "sending":
                known.state = "ambiguous"
            if known.state in ("pending", "waiting") and known.sends == 0:
                known.state = "superseded"
            known.token = 0

    @invariant()
    def states_agree(self) -> None:
        if not hasattr(self, "bench"):
            return
        found = {
            one.id: (one.state, one.n, one.sends)
            for record in RECORDS
            for one in self.bench.ledger.intents.of_record(record)
        }
        assert found == {one.id: (one.state, one.n, one.sends) for one in self.model.values()}

    @invariant()
    def acks_agree(self) -> None:
        if hasattr(self, "bench"):
            acks = self.bench.ledger.register.acks()
            assert sorted(one.intent for one in acks) == sorted(one.id for one in self.model.values() if one.acked)
            assert len({one.seq for one in acks}) == len(acks)

    @invariant()
    def work_agrees(self) -> None:
        if hasattr(self, "bench"):
            last: dict[tuple[str, str], Modelled] = {}
            for one in self.model.values():
                last[one.record, one.part] = one
            open_work = {one.record for one in last.values() if one.state in ("rejected", "dead", "superseded")}
            assert {record for _, record in self.bench.ledger.intents.open_work()} == open_work


def test_followers_are_states_and_closed_ones_send_nothing() -> None:
    assert set(FOLLOWERS) == {*OPEN, *CLOSED}
    for state in CLOSED:
        assert set(FOLLOWERS[state]) <= {"waived"}


TestIntents = Intents.TestCase
TestIntents.settings = settings(
    max_examples=30, stateful_step_count=25, deadline=None, suppress_health_check=list(HealthCheck)
)
