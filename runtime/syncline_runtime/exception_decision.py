"""What people decide of a field: which value stays.

In: an exception about a field of a known record, a choice. Out: a decision in the ledger, with what each member showed when
it was made; the next run carries it out through the merge (see ``stages/decisions``).
Invariant: nothing is decided that could never come true, or over what nobody has seen.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

from syncline_runtime.errors import UsageError
from syncline_runtime.exception_actions import Act, done, standing
from syncline_runtime.ledger import ExceptionRecord, Ledger
from syncline_runtime.plan import Plan, PlanField
from syncline_runtime.state import State, quoted, text
from syncline_runtime.upkeep.session import Place, opened_state

FORMS = {
    "country": ("a country has two capital letters, such as DE", r"[A-Z]{2}"),
    "currency": ("a currency has three capital letters, such as EUR", r"[A-Z]{3}"),
    "language": ("a language is written as in en or pt-BR", r"[a-z]{2,3}(-[A-Za-z0-9]+)*"),
    "email": ("an email address is written as in ada@example.com", r"[^@\s]+@[^@\s]+"),
    "phone": ("a phone number begins with + and its country, such as +4930123456", r"\+[0-9]{4,15}"),
    "url": ("an address begins as in https://", r"[a-zA-Z][a-zA-Z0-9+.-]*://\S+"),
    "ref": ("a reference is a canonical id, which `trace` tells", r"[0-9a-f]{32}"),
}
"""What canonical values of a type look like."""
MONEY = re.compile(r"(-?[0-9]+(?:\.[0-9]+)?) ([A-Z]{3})")


@dataclass(frozen=True)
class Choice:
    """The value that shall stay: a member's, or one that is given (None: empty)."""

    take: str | None = None
    value: str | None = None


def decide(place: Place, act: Act, choice: Choice, field: str | None = None) -> dict[str, Any]:
    """Record which value a field shall have; the next run writes it, unless a member has a newer one by then."""
    with opened_state(place) as (ledger, state):
        (one,) = standing(ledger, act)
        plan = place.release.plans.get(one.sync)
        if plan is None or not one.canonical_id:
            raise UsageError(
                f"exception {one.id} is about a record that is not known yet, so that no field of it can be decided",
                mend=f"mend it where it comes from ({one.connection}); the next run takes it up",
            )
        target = _field(plan, one, field)
        seen = _seen(ledger, state, plan, one, target)
        value = _value(state, target, choice, seen)
        _refuse_unwritable(plan, target, seen, value)
        said = f"take {choice.take}" if choice.take else "value"
        decided = {"value": value, "take": choice.take, "seen": seen}
        ledger.decisions.decide((one.object, one.canonical_id, target.name), said, act.by, one.id, decided)
        ledger.casework.retry(
            [one], act.by, f"{target.name}: {said}" + (f"; {act.words}" if act.words else ""), "decide"
        )
        return done(ledger, "decide", [one]) | {"field": target.name, "choice": said}


def _field(plan: Plan, one: ExceptionRecord, asked: str | None) -> PlanField:
    """Give the canonical field that is meant: as asked, or the one that the exception names."""
    fields = {field.name: field for field in plan.fields if field.owner != "derived"}
    name = asked or one.field
    if name not in fields and asked is None:
        members = [member for member in plan.members if member.connection == one.connection]
        lines = {slot.name for member in members for slot in member.slots if name and name in slot.line}
        named = sorted(lines & set(fields))
        name = named[0] if len(named) == 1 else ""
    if name not in fields:
        raise UsageError(
            f"{plan.object} has no field {asked!r} that can be decided"
            if asked
            else f"exception {one.id} names no one field",
            mend=f"name one with --field: {', '.join(sorted(fields))}",
        )
    return fields[name]


def _seen(ledger: Ledger, state: State, plan: Plan, one: ExceptionRecord, field: PlanField) -> dict[str, str | None]:
    """Give what each member showed of the field when it was looked at last, as text."""
    told = (ledger.exceptions.values(one.id) or {}).get("members")
    if told and one.field == field.name:
        return dict(told)
    found: dict[str, str | None] = {}
    for member in plan.members:
        if any(slot.name == field.name and slot.reads for slot in member.slots):
            rows = state.rows(
                f"SELECT CAST({quoted(f'agreed.{field.name}')} AS VARCHAR) "
                f"FROM {quoted(f'base:{plan.name}/{member.connection}')} "
                f"WHERE _cid = {text(one.canonical_id)} AND _status = 'linked'"
            )
            found.update((member.connection, value) for (value,) in rows)
    return found


def _value(state: State, field: PlanField, choice: Choice, seen: dict[str, str | None]) -> str | None:
    if choice.take is not None:
        if choice.take not in seen:
            raise UsageError(
                f"{choice.take} shows no value of {field.name}",
                mend=f"take one of: {', '.join(sorted(seen)) or 'none'}",
            )
        return seen[choice.take]
    if choice.value is None:
        if field.required:
            raise UsageError(f"{field.name} is required and never empty", mend="give a value")
        return None
    given = choice.value
    if why := _misfit(field, given):
        raise UsageError(f"the value does not fit {field.name}: {why}", mend="give it in the form of the field")
    if (money := MONEY.fullmatch(given)) and field.sql_type.startswith("STRUCT"):
        given = f"{{'amount': {money[1]}, 'currency': '{money[2]}'}}"
    value = state.scalar(f"SELECT CAST(TRY_CAST({text(given)} AS {field.sql_type}) AS VARCHAR)")
    if value is None:
        raise UsageError(
            f"the value does not fit {field.name}, which is {_kind(field)}", mend="give it in the form of the field"
        )
    return str(value)


def _misfit(field: PlanField, given: str) -> str | None:
    """Say why a value is none that mappings could have made; None if it is one, as far as its type tells."""
    if field.values and given not in field.values:
        near = get_close_matches(given, field.values, 1)
        return f"it is one of {', '.join(field.values)}" + (f"; did you mean {near[0]}?" if near else "")
    if field.length is not None and len(given) > field.length:
        return f"{len(given)} characters are more than {field.length}"
    says, pattern = FORMS.get(field.kind, ("", ""))
    return None if not pattern or re.fullmatch(pattern, given) else says


def _kind(field: PlanField) -> str:
    return "an amount with its currency, such as 12.50 EUR" if field.sql_type.startswith("STRUCT") else field.sql_type


def _refuse_unwritable(plan: Plan, field: PlanField, seen: dict[str, str | None], value: str | None) -> None:
    """Refuse what would never come true: a member that is not written to would show another value for ever."""
    for member in plan.members:
        slot = next((slot for slot in member.slots if slot.name == field.name), None)
        if slot is None or slot.writes or member.connection not in seen or seen[member.connection] == value:
            continue
        raise UsageError(
            f"{member.connection} has another value of {field.name} and is not written to",
            mend=f"change it in {member.connection}: the next run takes it from there",
        )
