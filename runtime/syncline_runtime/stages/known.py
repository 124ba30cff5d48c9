"""What the state knows of the records that writes are about.

In: intents and references. Out: native ids from links, images and versions from the base. Invariant: nothing is asked of
a system.
"""

# names and texts reach these statements through `quoted` and `text` only

from __future__ import annotations

from collections.abc import Mapping, Sequence

from syncline_runtime.ledger import Intent, Reference
from syncline_runtime.stages.context import RunContext
from syncline_runtime.state import quoted, text


class Known:
    """Records as one connection was last seen to hold them."""

    def __init__(self, run: RunContext, connection: str) -> None:
        self._run, self._connection = run, connection

    def ids(self, wanted: Sequence[Reference]) -> dict[Reference, str]:
        """Native ids of references, from the links of the state."""
        by_id = {(one.object, one.canonical_id): one for one in wanted}
        ids = ", ".join(text(cid) for _, cid in by_id) or "''"
        rows = self._run.state.rows(
            f"SELECT object, canonical_id, native_id FROM {quoted('links:all')} WHERE state = 'live' "
            f"AND connection = {text(self._connection)} AND canonical_id IN ({ids})"
        )
        return {by_id[o, cid]: native for o, cid, native in rows if (o, cid) in by_id}

    def linked(self, intents: Sequence[Intent]) -> frozenset[int]:
        """Tell which intents to create a record are of one that the connection is known to hold by now."""
        wanted = {
            one.id: Reference(one.object, one.canonical_id, one.connection)
            for one in intents
            if one.operation == "create" and not one.part_key
        }
        known = self.ids(list(wanted.values())) if wanted else {}
        return frozenset(number for number, reference in wanted.items() if reference in known)

    def version(self, intent: Intent) -> str | None:
        """Give the version of the record that the update was decided on."""
        if intent.native_id is None:
            return None
        table = quoted(f"base:{intent.sync}/{intent.connection}")
        rows = self._run.state.rows(f"SELECT _version FROM {table} WHERE _native_id = {text(intent.native_id)}")
        return rows[0][0] if rows else None

    def image(self, intent: Intent) -> Mapping[str, str | None]:
        """Give the record as last seen, for contracts that send all of it."""
        plan = self._run.release.plans[intent.sync]
        member = plan.member(intent.connection)
        if intent.native_id is None or member.resource != intent.resource:
            return {}
        listed = ", ".join(quoted(f"native.{name}") for name in member.natives)
        rows = self._run.state.rows(
            f"SELECT {listed} FROM {quoted(f'base:{plan.name}/{member.connection}')} WHERE _native_id = {text(intent.native_id)}"
        )
        return dict(zip(member.natives, rows[0], strict=True)) if rows else {}
