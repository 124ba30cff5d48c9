"""What people decided: consent to change sets, and choices for fields under review.

In: who, what and why. Out: ``Approval`` and ``Decision``.
Invariant: an approval serves one run; a decision is never changed, a later one stands above it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from sqlalchemy import and_, bindparam, select

from syncline_runtime.encoding import dumps
from syncline_runtime.ledger.cases import Approval, Decision
from syncline_runtime.ledger.database import Database, Prepared, Row, Transaction, given
from syncline_runtime.ledger.facts import Lease
from syncline_runtime.ledger.schema import approval, decision, decision_end, payload
from syncline_runtime.ledger.states import DecisionState

_APPROVAL = Prepared(
    lambda: select(approval.c.change_set, approval.c.by, approval.c.reason, approval.c.at, approval.c.used_run).where(
        approval.c.realm_id == bindparam("realm"), approval.c.change_set == bindparam("of")
    )
)
_APPROVE = Prepared(lambda: approval.insert())
_USE = Prepared(
    lambda: (
        approval.update()
        .where(
            approval.c.realm_id == bindparam("realm"),
            approval.c.change_set == bindparam("of"),
            approval.c.used_run.is_(None),
        )
        .values(given("used_run"))
    )
)
_WORDS = and_(
    payload.c.realm_id == decision.c.realm_id, payload.c.kind == "decision", payload.c.subject == decision.c.id
)
_ENDED = and_(decision_end.c.realm_id == decision.c.realm_id, decision_end.c.decision_id == decision.c.id)
_SELECT = (
    select(
        decision.c.id, decision.c.object, decision.c.canonical_id, decision.c.field, decision.c.choice,
        decision.c.by, decision.c.at, decision.c.exception_id, payload.c.body, decision_end.c.state,
    )
    .outerjoin(payload, _WORDS)
    .outerjoin(decision_end, _ENDED)
    .where(decision.c.realm_id == bindparam("realm"))
    .order_by(decision.c.id)
)  # fmt: skip
_DECISIONS = Prepared(lambda: _SELECT.where(decision.c.id > bindparam("after")))
_STANDING = Prepared(lambda: _SELECT.where(decision_end.c.state.is_(None), decision.c.field != ""))
_END = Prepared(lambda: decision_end.insert())
_DECIDE = Prepared(lambda: decision.insert())
_ADD_VALUES = Prepared(lambda: payload.insert())


class Decisions:
    """The approvals and decisions of a realm."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def approve(self, change_set: str, by: str, reason: str = "") -> Approval:
        """Record a person's consent to one change set; the first consent stands."""
        with self._database.write() as change:
            row = change.row(_APPROVAL, of=change_set)
            if row is None:
                change.run(_APPROVE, change_set=change_set, by=by, reason=reason, at=change.now)
                return Approval(change_set, by, reason, change.now)
        return Approval(*row)

    def approval(self, change_set: str) -> Approval | None:
        """Give the consent to a change set, if there is one."""
        with self._database.read() as look:
            row = look.row(_APPROVAL, of=change_set)
        return None if row is None else Approval(*row)

    def use(self, held: Lease, change_set: str, run: str) -> bool:
        """Take the consent for a run; False if there is none or another run has used it."""
        with self._database.write(held) as change:
            return change.run(_USE, of=change_set, to_used_run=run) == 1

    def decide(
        self,
        of: tuple[str, str, str],
        choice: str,
        by: str,
        exception: int | None = None,
        values: Mapping[str, Any] | None = None,
    ) -> Decision:
        """Record a choice for (object, canonical id, field)."""
        with self._database.write() as change:
            made = Decision(change.bump("decision"), *of, choice, by, change.now, exception, values)
            place = {"object": made.object, "canonical_id": made.canonical_id}
            change.run(
                _DECIDE, id=made.id, **place, field=made.field, choice=choice, by=by, at=made.at, exception_id=exception
            )
            if values is not None:
                body = dumps(values).decode()
                change.run(_ADD_VALUES, kind="decision", subject=made.id, **place, body=body)
        return made

    def standing(self) -> list[Decision]:
        """Give the decisions about fields that are in force, the last one for each, oldest first."""
        with self._database.read() as look:
            found = [_decision(row) for row in look.rows(_STANDING)]
        return list({(one.object, one.canonical_id, one.field): one for one in found}.values())

    def all(self, after: int = 0) -> list[Decision]:
        """Give the decisions with a higher id, oldest first; the last one for a field stands."""
        with self._database.read() as look:
            return [_decision(row) for row in look.rows(_DECISIONS, after=after)]


def _decision(row: Row) -> Decision:
    return Decision(*(*row[:8], json.loads(row[8]) if row[8] else None, row[9] or "standing"))


def end(change: Transaction, run: str, ended: Mapping[int, DecisionState]) -> None:
    """Record which decisions are carried out, or overtaken, and with them those that they stand above."""
    if not ended:
        return
    standing = [_decision(row) for row in change.rows(_STANDING)]
    over = {(one.object, one.canonical_id, one.field): ended[one.id] for one in standing if one.id in ended}
    for one in standing:
        state = over.get((one.object, one.canonical_id, one.field))
        if state is not None and (one.id in ended or one.id < max(ended)):
            change.run(_END, decision_id=one.id, state=state, run_id=run)
