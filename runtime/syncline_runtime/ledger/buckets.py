"""Token buckets and outages of credentials, as all processes that use them see them.

In: a credential's name, what it may do, what happened. Out: ``Grant``. Invariants: no more is granted to all together
than the bucket holds; while a system rests after failures one request at a time is let through to see whether it is back.
Whoever asks takes enough for a moment, so that this costs one transaction in a while and not one for each request.
"""

from __future__ import annotations

from typing import NamedTuple

from sqlalchemy import bindparam, select, text

from syncline_runtime.ledger.database import Database, Prepared, Transaction, given
from syncline_runtime.ledger.schema import bucket

WHOLE = 1_000_000
"""Parts of a token: the ledger holds whole numbers."""
PROBE_SECONDS = 20  # for which nobody else looks whether a system is back
ASK_AGAIN = 1.0  # seconds after which those who wait for that ask again

_OF = (bucket.c.realm_id == bindparam("realm"), bucket.c.credential == bindparam("of"))
_ONE = Prepared(
    lambda: (
        select(bucket.c.tokens, bucket.c.filled_at, bucket.c.paused_until, bucket.c.rests_until, bucket.c.probed_until)
        .where(*_OF)
        .with_for_update()
    )
)
_MAKE = Prepared(
    lambda: text(
        "INSERT INTO bucket (realm_id, credential, tokens, filled_at, paused_until, rests_until, probed_until) "
        "VALUES (:realm, :of, :tokens, :at, 0, 0, 0) ON CONFLICT DO NOTHING"
    )
)
_TAKE = Prepared(lambda: bucket.update().where(*_OF).values(given("tokens", "filled_at")))
_PROBE = Prepared(lambda: bucket.update().where(*_OF).values(given("probed_until")))
_PAUSE = Prepared(lambda: bucket.update().where(*_OF).values(given("paused_until")))
_REST = Prepared(lambda: bucket.update().where(*_OF).values(**given("rests_until"), probed_until=0))


class Grant(NamedTuple):
    """Requests that may be made now, or the seconds until it is worth to ask again.

    ``rests``: seconds for which nobody shall write, since the system fails; 0 for who may look whether it is back.
    """

    tokens: float
    wait: float = 0.0
    rests: float = 0.0


class Buckets:
    """The buckets of a realm."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def take(self, of: str, capacity: float, rate: float, most: float, *, writes: bool) -> Grant:
        """Take up to ``most`` tokens of a bucket that holds ``capacity`` and fills with ``rate`` a second."""
        with self._database.write() as change:
            tokens, filled_at, paused_until, rests_until, probed_until = self._found(change, of, capacity)
            rests = self._rests(change, of, rests_until, probed_until, writes=writes)
            if change.now < paused_until:
                return Grant(0.0, (paused_until - change.now) / 1e6, rests)
            held = min(capacity, tokens / WHOLE + max(0, change.now - filled_at) / 1e6 * rate)
            if held < 1:
                return Grant(0.0, (1 - held) / rate, rests)
            granted = min(float(int(held)), max(1.0, most)) if rests_until == 0 else 1.0
            change.run(_TAKE, of=of, to_tokens=int((held - granted) * WHOLE), to_filled_at=change.now)
        return Grant(granted, 0.0, rests)

    def _rests(self, change: Transaction, of: str, rests_until: int, probed_until: int, *, writes: bool) -> float:
        """Seconds for which a system rests; who writes first after that sees whether it is back, while others wait."""
        if not rests_until:
            return 0.0
        if change.now < rests_until:
            return (rests_until - change.now) / 1e6
        if change.now < probed_until:
            return min(ASK_AGAIN, (probed_until - change.now) / 1e6)
        if writes:
            change.run(_PROBE, of=of, to_probed_until=change.now + PROBE_SECONDS * 1_000_000)
        return 0.0

    def pause(self, of: str, seconds: float) -> None:
        """Let nobody make a request for so long; a longer pause that stands already is kept."""
        with self._database.write() as change:
            paused_until = max(self._found(change, of, 0.0)[2], change.now + int(seconds * 1e6))
            change.run(_PAUSE, of=of, to_paused_until=paused_until)

    def rest(self, of: str, seconds: float | None) -> None:
        """Let a system rest that fails, but for one who looks after that time whether it is back; None: it is back."""
        with self._database.write() as change:
            self._found(change, of, 0.0)
            change.run(_REST, of=of, to_rests_until=0 if seconds is None else change.now + int(seconds * 1e6))

    def _found(self, change: Transaction, of: str, capacity: float) -> tuple[int, int, int, int, int]:
        """Read a bucket, which is full at first."""
        row = change.row(_ONE, of=of)
        if row is None:
            change.run(_MAKE, of=of, tokens=int(capacity * WHOLE), at=change.now)
            row = change.row(_ONE, of=of)
        assert row is not None
        tokens, filled_at, paused_until, rests_until, probed_until = row
        return tokens, filled_at, paused_until, rests_until, probed_until
