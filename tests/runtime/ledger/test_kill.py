"""A process that works on a ledger is killed at random moments; what it reported must be there, and nothing half."""

from __future__ import annotations

import os
import random
import signal
import sqlite3
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest
from alembic import command
from sqlalchemy import Engine, event

from runtime.ledger.bench import REALM, SECOND, across, intent
from syncline_runtime.ledger import Failure, Lease, Ledger, Run, Seal, open_ledger
from syncline_runtime.ledger.database import Database
from syncline_runtime.ledger.engine import file_engine
from syncline_runtime.ledger.migrate import configuration
from syncline_runtime.ledger.schema import meta, realm
from syncline_runtime.segments import Segment

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
RECORDS = 40
KILLS = 25


def now() -> int:
    return time.time_ns() // 1000


def killed(work: Callable[[int], None], after: float) -> list[str]:
    """Run ``work`` in a child, kill it after some seconds, and return the lines it wrote to the descriptor it gets."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            work(writing)
        finally:
            os._exit(1)
    os.close(writing)
    time.sleep(after)
    os.kill(child, signal.SIGKILL)
    with os.fdopen(reading) as lines:
        told = lines.read().splitlines()
    _, status = os.waitpid(child, 0)
    assert os.WIFSIGNALED(status), "the child failed by itself"
    return told


def run_for_ever(path: Path, seed: int, tell: int) -> None:
    """Seal, deliver, fail, confirm; tell what was committed."""
    chance = random.Random(seed)
    with open_ledger(path, REALM, now) as ledger:
        while True:
            lease = ledger.leases.acquire(["account"])
            run = ledger.runs.begin(lease, "release", "binding", ["account"])
            ledger.intents.recover(lease, run)
            seal(ledger, lease, run, chance)
            os.write(tell, f"sealed {run.id}\n".encode())
            deliver(ledger, lease, run, chance, tell)
            acks = [one.seq for one in ledger.register.unconfirmed_acks()]
            segment = Segment("base", "account/erp", run.id, f"base/{run.id}.parquet", "00", 1, 1)
            ledger.register.confirm(lease, run.id, acks, [segment])
            os.write(tell, "".join(f"confirmed {seq}\n" for seq in acks).encode())
            ledger.runs.close(lease, run.id, "done", 0, {})
            ledger.leases.release(lease)


def seal(ledger: Ledger, lease: Lease, run: Run, chance: random.Random) -> None:
    busy = {one.canonical_id for one in ledger.intents.unfinished()}
    free = [f"c{number}" for number in range(RECORDS) if f"c{number}" not in busy]
    made = [intent(one, operation="update") for one in free if chance.random() < 0.7]
    segment = Segment("landed", "account/crm", run.id, f"landed/{run.id}.parquet", "00", 1, 1)
    ledger.seal(lease, Seal(run.id, [segment], made, counts=across(made)))


def deliver(ledger: Ledger, lease: Lease, run: Run, chance: random.Random, tell: int) -> None:
    for one in ledger.outbox.claim_ambiguous(lease, run.id, "erp", 100, 60 * SECOND):
        ledger.outbox.fail(lease, one, Failure("retryable", "transport"))
    for claim in ledger.outbox.claim(lease, run.id, "erp", 30, 60 * SECOND):
        sent = ledger.outbox.sending(lease, claim, {"sent": claim.intent.id}, now() + 30 * SECOND)
        os.write(tell, f"sent {claim.intent.id}\n".encode())
        if chance.random() < 0.8:
            seq = ledger.outbox.acknowledge(lease, sent, f"n{claim.intent.id}", returned={"x": 1})
            os.write(tell, f"acked {seq}\n".encode())
        else:
            outcome = chance.choice(["rejected", "retryable", "ambiguous", "dead"])
            ledger.outbox.fail(lease, sent, Failure(outcome, "transport"))  # type: ignore[arg-type]


@pytest.mark.slow
def test_what_a_killed_process_reported_is_there_and_nothing_half(tmp_path: Path, empty_ledger: Path) -> None:
    path = tmp_path / "ledger.sqlite"
    path.write_bytes(empty_ledger.read_bytes())
    chance = random.Random(7)
    told: list[str] = []
    for seed in range(20 * KILLS):  # a busy machine gets less far between kills
        told += killed(lambda tell, seed=seed: run_for_ever(path, seed, tell), chance.uniform(0.01, 0.2))  # type: ignore[misc]
        assert problems(path, told) == []
        if seed >= KILLS and len([line for line in told if line.startswith("acked")]) > KILLS:
            break
    assert any(line.startswith("acked") for line in told)


def test_a_killed_making_leaves_no_half_ledger(tmp_path: Path) -> None:
    chance = random.Random(11)
    for number in range(8):
        path = tmp_path / str(number) / "ledger.sqlite"
        killed(lambda _, path=path: keep(path), chance.uniform(0.001, 0.15))  # type: ignore[misc]
        keep_once(path)
        assert problems(path, []) == []


def keep(path: Path) -> None:
    with open_ledger(path, REALM, now):
        time.sleep(60)


def keep_once(path: Path) -> None:
    with open_ledger(path, REALM, now) as ledger:
        ledger.leases.acquire(["account"])


def problems(path: Path, told: list[str]) -> list[str]:
    """Everything that the ledger's invariants forbid, read without the ledger's own code."""
    with closing(sqlite3.connect(path)) as raw:
        return [*_damage(raw), *_lost(raw, told), *_halves(raw)]


def _damage(raw: sqlite3.Connection) -> Iterator[str]:
    if raw.execute("PRAGMA integrity_check").fetchall() != [("ok",)]:
        yield "the file is damaged"
    yield from (f"{row} refers to nothing" for row in raw.execute("PRAGMA foreign_key_check"))


def _lost(raw: sqlite3.Connection, told: list[str]) -> Iterator[str]:
    known = {
        "acked": {row[0] for row in raw.execute("SELECT seq FROM ack")},
        "confirmed": {row[0] for row in raw.execute("SELECT seq FROM ack WHERE confirmed_run IS NOT NULL")},
        "sent": {row[0] for row in raw.execute("SELECT intent_id FROM attempt")},
        "sealed": {row[0] for row in raw.execute("SELECT id FROM run WHERE sealed_at IS NOT NULL")},
    }
    for line in told:
        what, _, which = line.partition(" ")
        if (which if what == "sealed" else int(which)) not in known[what]:
            yield f"lost: {line}"


_FORBIDDEN = {
    "two open intents of a member": "SELECT canonical_id FROM intent WHERE state IN "
    "('pending', 'waiting', 'sending', 'retryable', 'ambiguous') GROUP BY canonical_id, connection, part_key "
    "HAVING count(*) > 1",
    "a gap in n": "SELECT canonical_id FROM intent GROUP BY canonical_id, connection, part_key "
    "HAVING max(n) <> count(*) OR min(n) <> 1",
    "acked without an ack": "SELECT id FROM intent WHERE state = 'acked' AND id NOT IN (SELECT intent_id FROM ack)",
    "an ack without acked": "SELECT intent_id FROM ack WHERE intent_id NOT IN "
    "(SELECT id FROM intent WHERE state = 'acked')",
    "closed by no run": "SELECT id FROM intent WHERE closed_run IS NULL AND state IN "
    "('acked', 'rejected', 'dead', 'superseded')",
    "sent without an attempt": "SELECT id FROM intent WHERE sends <> "
    "(SELECT count(*) FROM attempt WHERE intent_id = intent.id)",
    "sending without a resolved payload": "SELECT id FROM intent WHERE state IN ('sending', 'ambiguous') AND id NOT IN "
    "(SELECT subject FROM payload WHERE kind = 'sent')",
    "an intent without payload": "SELECT id FROM intent WHERE id NOT IN "
    "(SELECT subject FROM payload WHERE kind = 'intent')",
    "a returned payload without ack": "SELECT subject FROM payload WHERE kind = 'returned' AND subject NOT IN "
    "(SELECT intent_id FROM ack)",
    "intents of a run that was not sealed": "SELECT id FROM intent WHERE run_id IN "
    "(SELECT id FROM run WHERE sealed_at IS NULL)",
    "a sealed run without its segment": "SELECT id FROM run WHERE sealed_at IS NOT NULL AND id NOT IN "
    "(SELECT run_id FROM segment WHERE kind = 'landed')",
    "a sequence given twice": "SELECT seq FROM segment WHERE seq IN (SELECT seq FROM ack)",
    "a sequence above the counter": "SELECT seq FROM (SELECT seq FROM segment UNION SELECT seq FROM ack) "
    "WHERE seq > (SELECT value FROM counter WHERE name = 'seq')",
}


def _halves(raw: sqlite3.Connection) -> Iterator[str]:
    for problem, query in _FORBIDDEN.items():
        yield from (f"{problem}: {row[0]}" for row in raw.execute(query))
    sealed = Counter(dict(raw.execute("SELECT run_id, count(*) FROM intent GROUP BY run_id").fetchall()))
    said = raw.execute("SELECT run_id, value FROM count WHERE equation = 'across' AND name = 'new_intents'")
    yield from (f"{run} sealed {sealed[run]} of {value} intents" for run, value in said if sealed[run] != value)


def older(path: Path) -> None:
    """Make a ledger as the first program left it."""
    database = Database(file_engine(path, 5 * SECOND), str(path), now)
    with database.write() as change:
        command.upgrade(configuration(change.connection), "0001")
        change.connection.execute(
            meta.insert().values(id=1, format=1, program="0.1", created_at=1, fingerprint_key="00" * 32)
        )
        change.connection.execute(
            realm.insert().values(project=REALM.project, environment=REALM.environment, tenant=REALM.tenant)
        )
    database.close()


def upgrade_until(path: Path, last: int) -> int:
    """Upgrade in a child that is killed before its n-th statement; gives its exit code, or how it was killed."""
    child = os.fork()
    if child == 0:
        number = 0

        def count(*_: object) -> None:
            nonlocal number
            number += 1
            if number == last:
                os.kill(os.getpid(), signal.SIGKILL)

        event.listen(Engine, "before_cursor_execute", count)
        open_ledger(path, REALM, now).close()
        os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def test_a_migration_that_was_killed_is_made_again(tmp_path: Path) -> None:
    """At each statement: the ledger is the older one, or the newer one, and what it knew is there."""
    first, fresh = tmp_path / "first.sqlite", tmp_path / "fresh" / "ledger.sqlite"
    older(first)
    keep_once(fresh)
    last, status = 1, -signal.SIGKILL
    while status == -signal.SIGKILL:
        path = tmp_path / f"{last}.sqlite"
        path.write_bytes(first.read_bytes())
        status = upgrade_until(path, last)
        keep_once(path)
        assert tables(path) == tables(fresh), last
        with closing(sqlite3.connect(path)) as raw:
            assert raw.execute("SELECT fingerprint_key FROM meta").fetchall() == [("00" * 32,)]
        last += 3
    assert status == 0
    assert last > 10


def tables(path: Path) -> list[str]:
    with closing(sqlite3.connect(path)) as raw:
        return sorted(name for (name,) in raw.execute("SELECT name FROM sqlite_master WHERE sql IS NOT NULL"))
