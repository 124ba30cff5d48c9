"""What a state knows of records, as rows of native values: what a review tries two expressions on.

In: a run over a state, and which values are wanted. Out: ``KnownRows``. Rows of records that two releases may decide otherwise come
first, so that a difference that is rare is not missed.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from syncline_runtime.plan import Member, Plan, Release
from syncline_runtime.private import private_natives
from syncline_runtime.stages.context import RunContext, prefix_of
from syncline_runtime.state import quoted, text

MOST_ROWS = 1_000
"""Rows that are given of the records that may differ; where those are fewer, as many of all."""


@dataclass(frozen=True)
class Wanted:
    """Native fields of a resource of a system."""

    system: str
    resource: str
    natives: tuple[str, ...]


@dataclass(frozen=True)
class KnownRows:
    """Different rows, null or text per native field. ``private``: the fields that hold personal data."""

    rows: tuple[tuple[str | None, ...], ...] = ()
    private: frozenset[str] = frozenset()

    def and_those(self, other: KnownRows) -> KnownRows:
        """Add what is known of the same fields elsewhere."""
        return KnownRows(tuple(dict.fromkeys((*self.rows, *other.rows))), self.private | other.private)


NOTHING_KNOWN = KnownRows()


def known_rows(run: RunContext, before: Release, after: Release, wanted: Iterable[Wanted]) -> dict[Wanted, KnownRows]:
    """Give the rows of a state that ``before`` has made; fields that it did not read are not known.

    The run has a relation ``considered`` of the records (``_cid``) that may differ.
    """
    found: dict[Wanted, KnownRows] = {}
    for one in wanted:
        for plan, member in _members(run, after, one):
            if set(one.natives) <= _read_before(before, plan, member):
                rows = tuple(run.state.rows(_query(run, plan, member, one)))
                private = frozenset(private_natives(after, plan.name, member.connection, member.resource))
                found[one] = found.get(one, NOTHING_KNOWN).and_those(KnownRows(rows, private & set(one.natives)))
    return found


def together(one: Mapping[Wanted, KnownRows], other: Mapping[Wanted, KnownRows]) -> dict[Wanted, KnownRows]:
    """Put the rows of two states together."""
    return {**one, **{key: one.get(key, NOTHING_KNOWN).and_those(rows) for key, rows in other.items()}}


def _members(run: RunContext, release: Release, wanted: Wanted) -> Iterable[tuple[Plan, Member]]:
    for plan in run.plans:
        for member in plan.members:
            if (release.index.connections[member.connection], member.resource) == (wanted.system, wanted.resource):
                yield plan, member


def _read_before(release: Release, plan: Plan, member: Member) -> set[str]:
    was = release.plans.get(plan.name)
    same = (one for one in was.members if one.connection == member.connection) if was is not None else ()
    return {name for one in same if one.resource == member.resource for name in one.natives}


def _query(run: RunContext, plan: Plan, member: Member, wanted: Wanted) -> str:
    columns = [quoted(f"native.{name}") for name in wanted.natives]
    listed = ", ".join(columns)
    size = " + ".join(f"coalesce(length({column}), 0)" for column in columns)
    base = quoted(f"base:{prefix_of(plan, member)}")
    known = f"SELECT DISTINCT {listed} FROM {base} WHERE _cid IS NOT NULL AND _status <> 'gone'"
    mine = f"SELECT _cid FROM considered WHERE object = {text(plan.object)}"
    first = f"{known} AND _cid IN ({mine} ORDER BY hash(_cid), _cid LIMIT {2 * MOST_ROWS})"
    differing = f"(SELECT * FROM ({first}) ORDER BY {size}, {listed} LIMIT {MOST_ROWS})"
    if run.state.scalar(f"SELECT count(*) FROM ({mine})") >= MOST_ROWS:
        return f"{differing} ORDER BY ALL"
    # values are unpacked of those that are chosen by a plain column: of all it takes seconds
    one_in = max(1, run.state.scalar(f"SELECT count(*) FROM {base}") // (2 * MOST_ROWS))
    some = f"{known} AND hash(_native_id) % {one_in} = 0"
    return (
        f"{differing} UNION (SELECT * FROM ({some}) ORDER BY hash({listed}), {listed} LIMIT {MOST_ROWS}) ORDER BY ALL"
    )
