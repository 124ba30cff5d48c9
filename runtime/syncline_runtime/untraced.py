"""Untraced: why a record that was read is none of those that are kept in step.

In: release, ledger, state, the id that somebody asks for. Out: an error that says what the record waits for, or why nothing
is made of it; None where no system has shown it. Values are never told.
"""

from __future__ import annotations

from collections.abc import Iterator

from syncline_runtime.errors import UsageError
from syncline_runtime.ledger import Ledger
from syncline_runtime.plan import Member, Plan, Release
from syncline_runtime.state import State, quoted, text

_WHY = {
    "filtered": ("the mapping does not take it", "look at `take when` in the mapping of {resource}"),
    "unmatched": (
        "it fits no known record, and none is made of it",
        "look at the identity of {object}, and at `exists: originate` of sync {sync}",
    ),
    "double": (
        "it is a double of another record",
        "`syncline exceptions` or `syncline links list {object}` tells whose",
    ),
    "left": ("it is let go", "it is taken back once {connection} is to hold it again"),
}


def untraced(release: Release, ledger: Ledger, state: State, object_: str, id_: str) -> UsageError | None:
    """Say why the record of an object that a system shows under this id is not known; None if none was read."""
    connection, colon, native_id = id_.partition(":")
    named = (connection, native_id) if colon and connection in release.index.connections else ("", id_)
    for plan, member in _members(release, object_, named[0]):
        base = quoted(f"base:{plan.name}/{member.connection}")
        found = state.rows(f"SELECT _status FROM {base} WHERE _native_id = {text(named[1])} AND _cid IS NULL")
        if found:
            return _told(ledger, plan, member, named[1], str(found[0][0]))
    return None


def _members(release: Release, object_: str, connection: str) -> Iterator[tuple[Plan, Member]]:
    for plan in release.in_order:
        if plan.object == object_:
            yield from ((plan, member) for member in plan.members if connection in ("", member.connection))


def _told(ledger: Ledger, plan: Plan, member: Member, native_id: str, status: str) -> UsageError:
    record = f"{member.connection}.{member.resource} {native_id}"
    waiting = ledger.exceptions.find(sync=plan.name, connection=member.connection, native_id=native_id)
    if waiting:
        one = waiting[0]
        return UsageError(
            f"{record} has been read and waits: {one.message} ({one.code})",
            mend=f"`syncline exceptions show {one.id}` tells what to do",
        )
    why, mend = _WHY.get(status, (f"it is set aside ({status})", "`syncline exceptions --all` tells more"))
    resource = f"{member.connection}.{member.resource}"
    mend = mend.format(resource=resource, object=plan.object, sync=plan.name, connection=member.connection)
    return UsageError(f"{record} has been read: {why}", mend=mend)
