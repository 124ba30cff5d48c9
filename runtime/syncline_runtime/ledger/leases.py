"""Leases: who may plan and deliver which scopes, and the tokens that fence those who no longer may.

In: scopes, which are names of syncs, a holder, a time to live. Out: ``Lease``.
Invariants: a token is never given twice, and at most one lease holds a scope. A lease that has run out still fences
nobody: its holder may go on until another one takes the scope. Beside the one who plans a sync *helpers* may deliver
what it has sealed, each under a scope of its own, ``deliver:ID:SYNC``.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Sequence
from datetime import UTC, datetime

from sqlalchemy import bindparam, select

from syncline_runtime.errors import LeaseHeld
from syncline_runtime.ledger import holder
from syncline_runtime.ledger.database import Database, Prepared, Row, Transaction, given
from syncline_runtime.ledger.facts import Lease
from syncline_runtime.ledger.schema import lease

DEFAULT_TTL = 60_000_000
HELPING = "deliver:"
OF_HELPED = len(HELPING) + 18
"""Where, counted from 1, the name of the sync stands in the scope of a helper."""

_ALL = Prepared(
    lambda: (
        select(lease.c.scope, lease.c.holder, lease.c.token, lease.c.acquired_at, lease.c.expires_at)
        .where(lease.c.realm_id == bindparam("realm"))
        .with_for_update()
    )
)
HELPERS = Prepared(
    lambda: (
        select(lease.c.scope)
        .where(lease.c.realm_id == bindparam("realm"), lease.c.scope.startswith(HELPING))
        .order_by(lease.c.scope)
        .with_for_update()
    )
)
_OF_SCOPE = (lease.c.realm_id == bindparam("realm"), lease.c.scope == bindparam("of"))
_OF_TOKEN = (lease.c.realm_id == bindparam("realm"), lease.c.token == bindparam("held"))
_FREE = Prepared(lambda: lease.delete().where(*_OF_SCOPE))
_TAKE = Prepared(lambda: lease.insert())
_EXTEND = Prepared(lambda: lease.update().where(*_OF_TOKEN).values(given("expires_at")))
_RELEASE = Prepared(lambda: lease.delete().where(*_OF_TOKEN))


def is_helper(held: Lease) -> bool:
    """Tell whether a lease is one to deliver only."""
    return held.scopes[0].startswith(HELPING)


def sync_of(scope: str) -> str:
    """Give the sync that a lease is about."""
    return scope[OF_HELPED - 1 :] if scope.startswith(HELPING) else scope


class Leases:
    """The leases of a realm."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def acquire(
        self,
        scopes: Sequence[str],
        by: str | None = None,
        ttl: int = DEFAULT_TTL,
        is_gone: Callable[[str], bool] = holder.is_gone,
        *,
        beside_helpers: bool = False,
    ) -> Lease:
        """Take all scopes or none, for ``ttl`` microseconds.

        A scope is free when nobody holds it, its lease has run out, or ``is_gone`` knows that its holder ended; and when
        nobody helps to deliver it, but for one who lets them end their work (``beside_helpers``).
        Raises LeaseHeld, naming who holds which scope since when.
        """
        by = by or holder.this_process()
        wanted = tuple(sorted(set(scopes)))
        with self._database.write() as change:
            for row in change.rows(_ALL):
                if row[0] in wanted or (sync_of(row[0]) in wanted and not beside_helpers):
                    self._take_over(change, row, is_gone)
            token = change.bump("lease")
            until = change.now + ttl
            for scope in wanted:
                change.run(_TAKE, scope=scope, holder=by, token=token, acquired_at=change.now, expires_at=until)
        return Lease(wanted, by, token, change.now, until)

    def renew(self, held: Lease, ttl: int = DEFAULT_TTL) -> Lease:
        """Hold on to a lease; StateError (SYN6009) if another run has taken it."""
        with self._database.write(held) as change:
            change.run(_EXTEND, held=held.token, to_expires_at=change.now + ttl)
        return Lease(held.scopes, held.holder, held.token, held.acquired_at, change.now + ttl)

    def release(self, held: Lease) -> None:
        """Give the scopes back; does nothing for what another run has taken."""
        with self._database.write() as change:
            change.run(_RELEASE, held=held.token)

    def help(self, syncs: Sequence[str], by: str | None = None, ttl: int = DEFAULT_TTL) -> Lease:
        """Take the right to deliver what is sealed for some syncs, beside whoever plans them."""
        mark = f"{HELPING}{secrets.token_hex(8)}:"
        return self.acquire([f"{mark}{sync}" for sync in syncs], by, ttl)

    def helpers(self, syncs: Sequence[str]) -> list[Lease]:
        """Give the leases under which others deliver these syncs."""
        found = [one for one in self.current() if one.scopes[0].startswith(HELPING)]
        return [one for one in found if sync_of(one.scopes[0]) in syncs]

    def sweep(self, syncs: Sequence[str], is_gone: Callable[[str], bool] = holder.is_gone) -> None:
        """End the leases on these syncs of holders that have certainly ended: what they had claimed is free."""
        with self._database.write() as change:
            for scope, who, *_ in change.rows(_ALL):
                if sync_of(scope) in syncs and is_gone(who):
                    change.run(_FREE, of=scope)

    def fence(self, helpers: Sequence[Lease]) -> None:
        """Take the leases of helpers away: what they write from now on changes nothing."""
        with self._database.write() as change:
            for one in helpers:
                change.run(_RELEASE, held=one.token)

    def planner(self, syncs: Sequence[str]) -> frozenset[int]:
        """Give the tokens under which these syncs are planned now."""
        return frozenset(one.token for one in self.current() if set(one.scopes) & set(syncs))

    def current(self) -> list[Lease]:
        """All leases that have not run out, one per scope."""
        with self._database.read() as look:
            return [Lease((row[0],), *row[1:]) for row in look.rows(_ALL) if row[4] > look.now]

    def _take_over(self, change: Transaction, row: Row, is_gone: Callable[[str], bool]) -> None:
        scope, who, _, since, until = row
        if until > change.now and not is_gone(who):
            raise LeaseHeld(
                f"{scope} is being worked on by {holder.tell(who)} since {_instant(since)}",
                place=self._database.place,
                mend=f"wait for it to end, or stop it; a lease that is not renewed is free at {_instant(until)}",
            )
        change.run(_FREE, of=scope)


def _instant(micros: int) -> str:
    return datetime.fromtimestamp(micros // 1_000_000, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
