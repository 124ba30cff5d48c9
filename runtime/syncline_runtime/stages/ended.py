"""Ended: exceptions whose cause a run found gone, and those that no longer apply.

In: standing exceptions, and what the run looked at. Out: ids to close as *resolved* (the fault is mended) or *superseded*
(the record, or the need to write it, is gone).
Invariant: what a run did not look at stays as it is; what only a person can end is left to people.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from syncline_runtime.ledger import ExceptionRecord
from syncline_runtime.ledger import Member as LedgerMember
from syncline_runtime.ledger.states import STANDING
from syncline_runtime.stages.context import RunContext, prefix_of
from syncline_runtime.state import quoted, text

DELIVERY = "SYN54"  # ends with an ack, or once nothing is to be written
BY_PEOPLE = ("SYN5013",)
MOST = 1_000_000
KEY = {"id": "BIGINT", "sync": "VARCHAR", "connection": "VARCHAR", "record": "VARCHAR"}


@dataclass
class Ended:
    """Ids of exceptions that are over."""

    resolved: list[int] = field(default_factory=list)
    superseded: list[int] = field(default_factory=list)


def end_exceptions(run: RunContext, settled: Sequence[LedgerMember]) -> Ended:
    """Find standing exceptions that are over; ``settled`` are members that need nothing any more."""
    standing = run.ledger.exceptions.find(STANDING, MOST)
    ended = Ended()
    if not standing:
        return ended
    met = {one.identity for one in run.exceptions}
    members = {(one.connection, one.canonical_id, one.part_key) for one in settled}
    looked_at, gone = _looked_at(run, standing)
    for one in standing:
        if one.sync not in run.release.plans:
            ended.superseded.append(one.id)
        elif one.code.startswith(DELIVERY):
            if (one.connection, one.canonical_id, one.field) in members:
                ended.superseded.append(one.id)  # somebody has put the far side right by hand
        elif one.code not in BY_PEOPLE and one.identity not in met:
            if one.id in looked_at:
                ended.resolved.append(one.id)
            elif one.id in gone:
                ended.superseded.append(one.id)
    return ended


def _looked_at(run: RunContext, standing: Sequence[ExceptionRecord]) -> tuple[set[int], set[int]]:
    """Give the exceptions whose records this run looked at, and those whose records are gone."""
    rows = [(one.id, one.sync, one.connection, one.native_id or one.canonical_id) for one in standing]
    run.state.fill("standing", KEY, rows)
    concerned = {(one.sync, one.connection) for one in standing}
    return _found(run, _seen(run, concerned)), _found(run, _gone(run, concerned))


def _found(run: RunContext, queries: Iterator[tuple[str, str, str]]) -> set[int]:
    return {
        number
        for sync, connection, query in queries
        for (number,) in run.state.rows(
            f"SELECT s.id FROM standing AS s SEMI JOIN ({query}) AS q ON q.record = s.record "
            f"WHERE s.sync = {text(sync)} AND s.connection = {text(connection)}"
        )
    }


def _seen(run: RunContext, concerned: set[tuple[str, str]]) -> Iterator[tuple[str, str, str]]:
    for plan in run.plans:
        for member in plan.members:
            if plan.name in run.idle or (plan.name, member.connection) not in concerned:
                continue
            query = f"SELECT _native_id AS record FROM {quoted(f'{prefix_of(plan, member)}/image')}"
            if plan.name in run.touched:
                query += f" UNION ALL SELECT _cid FROM {quoted(f'{plan.name}/dirty')}"
            yield plan.name, member.connection, query


def _gone(run: RunContext, concerned: set[tuple[str, str]]) -> Iterator[tuple[str, str, str]]:
    for plan in run.plans:
        for member in plan.members:
            if (plan.name, member.connection) in concerned:
                gone = quoted(f"{prefix_of(plan, member)}/gone")
                yield plan.name, member.connection, f"SELECT _native_id AS record FROM {gone}"
