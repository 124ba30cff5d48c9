"""A ledger with a clock that tests turn by hand, and short ways to fill it."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from sqlalchemy import inspect

from syncline_runtime.ledger import (
    Claim,
    Count,
    Lease,
    Ledger,
    Member,
    NewException,
    NewIntent,
    Realm,
    Run,
    Seal,
    open_ledger,
)

REALM = Realm("quickstart", "sandbox")
START = 1_700_000_000_000_000
SECOND = 1_000_000


@dataclass
class Clock:
    now: int = START

    def __call__(self) -> int:
        return self.now

    def pass_(self, seconds: float) -> None:
        self.now += int(seconds * SECOND)


def intent(record: str = "c1", connection: str = "erp", **others: object) -> NewIntent:
    values = {
        "sync": "account",
        "object": "account",
        "connection": connection,
        "resource": "Party",
        "operation": "create",
        "canonical_id": record,
        "payload": {"name": f"Name of {record}"},
        **others,
    }
    return NewIntent(**values)  # type: ignore[arg-type]


def trouble(native_id: str = "n1", **others: object) -> NewException:
    values = {
        "sync": "account",
        "object": "account",
        "connection": "crm",
        "resource": "Account",
        "native_id": native_id,
        "field": "country",
        "rule": "country",
        "code": "SYN5001",
        "category": "mapping",
        "message": "country is not known",
        **others,
    }
    return NewException(**values)  # type: ignore[arg-type]


def across(intents: list[NewIntent]) -> list[Count]:
    """The counts that a run would give for these intents."""
    terms: dict[tuple[str, str], int] = {}
    for one in intents:
        if one.origin == "merge":
            terms[one.sync, one.connection] = terms.get((one.sync, one.connection), 0) + 1
    return [
        Count(sync, "across", connection, name, number)
        for (sync, connection), number in terms.items()
        for name in ("candidates", "new_intents")
    ]


@dataclass
class Bench:
    ledger: Ledger
    clock: Clock
    location: str | Path
    lease: Lease = field(init=False)
    run: Run = field(init=False)

    @property
    def path(self) -> Path:
        """The file of a ledger in a file."""
        return Path(self.location)

    def start(self, *syncs: str) -> Run:
        """Acquire the lease and begin a run."""
        syncs = syncs or ("account",)
        self.lease = self.ledger.leases.acquire(syncs)
        self.run = self.ledger.runs.begin(self.lease, "release", "binding", syncs)
        return self.run

    def next_run(self) -> Run:
        """Close this run and begin another one."""
        self.ledger.runs.close(self.lease, self.run.id, "done", 0, {})
        self.ledger.leases.release(self.lease)
        self.clock.pass_(60)
        return self.start(*self.run.syncs)

    def seal(self, *intents: NewIntent, **others: object) -> None:
        """Seal the run with intents, with counts that add up."""
        made = list(intents)
        self.ledger.seal(self.lease, Seal(self.run.id, intents=made, **{"counts": across(made), **others}))  # type: ignore[arg-type]

    def claim(self, connection: str = "erp", most: int = 10, **others: object) -> list[Claim]:
        return self.ledger.outbox.claim(self.lease, self.run.id, connection, most, 60 * SECOND, **others)  # type: ignore[arg-type]

    def send(self, claim: Claim, resolved: dict[str, object] | None = None) -> Claim:
        return self.ledger.outbox.sending(self.lease, claim, resolved, self.clock.now + 30 * SECOND)

    def deliver(self, claim: Claim, native_id: str | None = None) -> int:
        """Send and acknowledge."""
        return self.ledger.outbox.acknowledge(self.lease, self.send(claim), native_id)

    def states(self) -> dict[Member, str]:
        """The state of the last intent per member, of all runs."""
        last: dict[Member, str] = {}
        for run in reversed(self.ledger.runs.last(1000)):
            for one in self.ledger.intents.of_run(run.id):
                last[one.member] = one.state
        return last

    def tables_with(self, secret: str) -> set[str]:
        """Name the tables in which a text stands."""
        with self.ledger._database.read() as look:
            names = inspect(look.connection).get_table_names()
            rows = {name: look.connection.exec_driver_sql(f'SELECT * FROM "{name}"').fetchall() for name in names}
        return {name for name, each in rows.items() if secret in str(each)}

    def reopen(self) -> Ledger:
        """Open the same ledger a second time, as another process would."""
        return open_ledger(self.location, REALM, self.clock, patience=200_000)


def new_bench(location: str | Path) -> Bench:
    """Open a ledger, made if it is not there."""
    clock = Clock()
    return Bench(open_ledger(location, REALM, clock), clock, location)
