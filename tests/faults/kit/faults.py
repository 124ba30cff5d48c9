"""The faults that a world draws, by name: where each is made, how often, what it is; and what must be survived in all."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Literal, NamedTuple

Where = Literal["write", "read", "odd read", "run", "between runs"]


class Fault(NamedTuple):
    """One kind of harm; ``weight`` says how often it is drawn beside the others of its place."""

    where: Where
    name: str
    weight: int
    words: str


FAULTS: Final = (
    Fault("write", "refused", 2, "the connection is refused"),
    Fault("write", "reset before", 3, "the connection breaks before the write is done"),
    Fault("write", "reset after", 4, "the connection breaks after the write was done"),
    Fault("write", "time out before", 2, "no answer, and the write is not done"),
    Fault("write", "time out after", 3, "no answer, and the write was done"),
    Fault("write", "late", 3, "no answer; the write is done up to 19 s later, after others"),
    Fault("write", "twice", 3, "the write arrives twice (a create only where it has a key)"),
    Fault("write", "429", 4, "too many requests, with Retry-After in each form, also absurd ones"),
    Fault("write", "500 before", 3, "the system fails and has done nothing"),
    Fault("write", "503 before", 2, "the system is not available, with Retry-After in each form"),
    Fault("write", "500 after", 4, "the system fails and has done it all the same"),
    Fault("write", "saved 500", 2, "the system fails, and says so for ever to whoever comes with this key"),
    Fault("write", "html before", 1, "a page with 200, and nothing is done"),
    Fault("write", "html after", 2, "a page with 200, and the write was done"),
    Fault("write", "cut off", 3, "the write was done, and half of the answer comes"),
    Fault("write", "error body", 2, "an error in the body with 200, and nothing is done"),
    Fault("write", "empty body", 2, "the write was done, and the answer is empty"),
    Fault("write", "401", 1, "the credential is refused in the middle of a run"),
    Fault("write", "403", 1, "a scope is lacking"),
    Fault("read", "refused", 2, "the connection is refused"),
    Fault("read", "reset before", 3, "the connection breaks"),
    Fault("read", "time out before", 1, "no answer"),
    Fault("read", "429", 3, "too many requests, with Retry-After in each form"),
    Fault("read", "500 before", 3, "the system fails"),
    Fault("read", "503 before", 2, "the system is not available"),
    Fault("read", "html after", 2, "a page with 200"),
    Fault("read", "cut off", 3, "half of a page of records comes"),
    Fault("read", "error body", 2, "an error in the body with 200"),
    Fault("read", "empty body", 1, "nothing with 200"),
    Fault("read", "empty list", 3, "[] with 200 where there are records"),
    Fault("read", "a text for a list", 1, "JSON of another shape"),
    Fault("read", "401", 1, "the credential is refused in the middle of a read"),
    Fault("read", "403", 1, "a scope is lost"),
    Fault("odd read", "stale", 8, "what was written within `visible_after` is not shown yet, or as it was before"),
    Fault("odd read", "short page", 3, "a record is over the edge of a page while it is read"),
    Fault("odd read", "twice in a page", 3, "a record is shown twice"),
    Fault("odd read", "another order", 2, "records in another order"),
    Fault("read", "drift", 2, "a field has another name on one page"),
    Fault("run", "killed", 0, "the process ends at a durable step: commit, fold, segment, removal, request"),
    Fault("run", "disk full", 0, "from a durable step on the disk refuses: full, I/O error or read-only"),
    Fault("run", "system down", 0, "a system answers nothing during a run"),
    Fault("run", "lease lost", 0, "the process stands still past its lease, and another one takes it"),
    Fault("run", "told to stop", 0, "the run is told to end, as SIGTERM does"),
    Fault("between runs", "keys expired", 0, "a day passes, and idempotency keys are forgotten"),
    Fault("between runs", "clock apart", 0, "a system whose clock is an hour before or behind"),
)


class Listed(NamedTuple):
    """What must be survived: the kit's faults that play it (names), and the tests in which it is played alone."""

    words: str
    played: tuple[str, ...]
    tests: tuple[str, ...]


LISTED: Final = (
    Listed(
        "kill -9 at every durable step, and again while what it left is made good",
        ("killed",),
        ("faults/test_killed_anywhere.py", "faults/test_killed_in_delivery.py", "faults/test_killed_in_compaction.py"),
    ),
    Listed(
        "done, then reset or time out; with keys, markers and upserts, with read lag",
        ("reset after", "time out after", "late", "500 after", "html after", "cut off", "empty body", "twice", "stale"),
        ("runtime/test_cut_off_creates.py", "faults/test_killed_in_delivery.py"),
    ),
    Listed("a key after its expiry, or with another payload", ("keys expired",), ("runtime/test_cut_off_creates.py",)),
    Listed("a failure that is saved for a key", ("saved 500",), ("runtime/test_cut_off_creates.py",)),
    Listed(
        "outages and storms of 429, Retry-After in each form",
        ("429", "500 before", "503 before", "refused", "reset before", "time out before", "system down"),
        ("runtime/test_outages.py", "runtime/test_stopping.py", "runtime/connectors/test_answers.py"),
    ),
    Listed("a row that poisons its batch, answers per row", (), ("runtime/test_batches.py",)),
    Listed(
        "damaged pages",
        ("html before", "html after", "cut off", "error body", "empty body", "a text for a list"),
        ("runtime/connectors/test_answers.py",),
    ),
    Listed(
        "cursor traps: records over the edge of a page, twice, in another order, token cycles, result caps",
        ("short page", "twice in a page", "another order", "empty list"),
        ("runtime/test_sweeps.py", "runtime/test_windows.py", "runtime/connectors/test_answers.py"),
    ),
    Listed("a clock an hour off, the hour that a clock shows twice", ("clock apart",), ("runtime/test_cursors.py",)),
    Listed(
        "schedulers that overlap, a worker that stands still past its lease",
        ("lease lost",),
        ("runtime/test_helping.py", "runtime/ledger/test_leases.py", "end_to_end/test_bad_input.py"),
    ),
    Listed(
        "disk full, read-only, I/O error at each write",
        ("disk full",),
        ("runtime/ledger/test_open.py", "runtime/test_stopping.py", "end_to_end/test_bad_input.py"),
    ),
    Listed("state lost, damaged, older than the ledger", (), ("runtime/test_damaged_state.py",)),
    Listed("a list that is empty without reason", ("empty list",), ("runtime/test_sweeps.py",)),
    Listed("a field that has another name in the middle of a read", ("drift",), ("runtime/test_presence.py",)),
    Listed("one record that always fails, or breaks the system", (), ("runtime/test_outages.py",)),
    Listed(
        "401 in the middle, a scope that is lost",
        ("401", "403"),
        ("runtime/test_stopping.py", "runtime/connectors/test_tokens.py"),
    ),
    Listed("from a to b and back, both sides edited (in each story)", (), ("properties/test_histories.py",)),
    Listed(
        "kill in a migration, an older program on a newer ledger",
        (),
        ("runtime/ledger/test_kill.py", "runtime/ledger/test_open.py"),
    ),
    Listed("SIGTERM", ("told to stop",), ("runtime/test_stopping.py",)),
)


def weights(where: Where) -> Mapping[str, int]:
    """Give the faults of a place with their weights."""
    return {fault.name: fault.weight for fault in FAULTS if fault.where == where}
