"""What came of a scenario held against what it expects.

In: a play that was done, and a look at the state. Out: what happened, in the words of expectations, and a failure for
each expectation that is not met. Invariant: writes of one connection are compared in their order; between two
connections there is none, since they are delivered side by side.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

from syncline_compiler.emit.sql import scalar
from syncline_compiler.lowering.expression import Frame, lower
from syncline_compiler.model.document import Declared
from syncline_compiler.model.resolved import ResolvedScenario
from syncline_compiler.model.spec_scenario import (
    ExpectedExceptionSpec,
    ExpectedRecordSpec,
    ExpectedWriteSpec,
    ScenarioSpec,
)
from syncline_compiler.model.typed import Expression, fields_in
from syncline_compiler.scenarios.report import Failure, Happened
from syncline_compiler.scenarios.words import canonical_value, flow, native_value, same
from syncline_compiler.source import Span
from syncline_runtime.frozen import dataclass
from syncline_runtime.ledger.cases import ExceptionRecord
from syncline_runtime.sandbox.rehearsal import Look, Made

Told = Mapping[str, Any]
Pair = tuple[int | None, int | None]
"""The place of something in what was expected, and in what came."""
_UPDATE = "if that is right, `syncline test --update` writes it into the scenario"
_MOST_SHOWN = 3


def judge(
    declared: Declared[ScenarioSpec], resolved: ResolvedScenario, made: Sequence[Made], look: Look
) -> tuple[Happened, tuple[Failure, ...]]:
    """Say what happened, and what of it was not expected."""
    judging = _Judging(declared, resolved, look)
    happened = Happened(
        writes=tuple(judging.write(one) for one in made),
        records=tuple(judging.picked()),
        exceptions=tuple(_exception(one) for one in sorted(look.exceptions, key=lambda one: one.id)),
    )
    failures = (*judging.writes(happened), *judging.records(happened), *judging.exceptions(happened))
    return happened, failures


@dataclass(frozen=True)
class _Judging:
    """One scenario before the judge."""

    declared: Declared[ScenarioSpec]
    resolved: ResolvedScenario
    look: Look

    def write(self, made: Made) -> Told:
        """Say a write as an expectation would."""
        place = f"{made.connection}.{made.write.resource}"
        operation = {"transition": "update"}.get(made.write.operation, made.write.operation)
        resource = self.look.release.system_of(made.connection).resource(made.write.resource)
        natives = {name: native_value(text, resource.native(name)) for name, text in made.write.natives.items()}
        return {
            operation: place,
            **({"id": made.write.native_id} if operation != "create" else {}),
            **({"with": natives} if natives else {}),
        }

    def picked(self) -> Iterator[tuple[Told, ...]]:
        """Give the records that each expectation picks."""
        for expected, condition in zip(self.declared.spec.expect.records, self.resolved.conditions, strict=True):
            plan = next(plan for plan in self.look.release.in_order if plan.object == expected.of)
            kinds = {field.name: field.kind for field in plan.fields}
            if condition is not None and _unmapped(condition, kinds):
                yield ()
                continue
            rows = self.look.records(plan.name, scalar(lower(condition, Frame(""))) if condition else None)
            yield tuple({name: canonical_value(value, kinds[name]) for name, value in row.items()} for row in rows)

    def writes(self, happened: Happened) -> Iterator[Failure]:
        expected = self.declared.spec.expect.writes
        if expected is None:
            return
        pairs = paired_writes(expected, happened.writes)
        for connection in self.look.release.index.connections:
            here = [pair for pair in pairs if _is_at(_place(pair, expected, happened.writes), connection)]
            missed = [i for i, j in here if i is not None and j is None]
            if missed or any(i is None for i, _ in here):
                yield Failure(
                    self.at("writes", missed[0]) if missed else self.declared.key("expect", "writes"),
                    f"the writes to `{connection}` are not as expected",
                    tuple(_line(pair, expected, happened.writes) for pair in here),
                    _UPDATE,
                )

    def records(self, happened: Happened) -> Iterator[Failure]:
        for index, expected in enumerate(self.declared.spec.expect.records):
            rows = happened.records[index]
            condition = self.resolved.conditions[index]
            plan = next(plan for plan in self.look.release.in_order if plan.object == expected.of)
            if condition is not None and (lost := _unmapped(condition, {field.name for field in plan.fields})):
                yield Failure(
                    self.at("records", index, "where"),
                    f"no system says what `{lost[0]}` is: no mapping of `{expected.of}` has a line for it",
                    help="ask for another field, or map this one",
                )
                continue
            if len(rows) != expected.count:
                yield self.miscounted(index, expected, rows)
                continue
            row = next((row for row in rows if wrong(expected, row)), None)
            if row is not None:
                fields = wrong(expected, row)
                yield Failure(
                    self.at("records", index, "has", fields[0]),
                    f"the {expected.of} is not as expected",
                    (
                        *(f"- {name}: {flow(expected.has[name])}" for name in fields),
                        *(f"+ {name}: {flow(row.get(name))}" for name in fields),
                    ),
                    _UPDATE,
                )

    def miscounted(self, index: int, expected: ExpectedRecordSpec, rows: Sequence[Told]) -> Failure:
        """Tell of records that are too many or too few."""
        which = f" where {expected.where}" if expected.where else ""
        more = len(rows) - _MOST_SHOWN
        shown = [f"+ {flow({name: row.get(name) for name in expected.has} or row)}" for row in rows[:_MOST_SHOWN]]
        return Failure(
            self.at("records", index),
            f"{expected.count} of {expected.of}{which} expected, {len(rows)} found",
            (*shown, *([f"  and {more} more"] if more > 0 else [])),
            "look whether `where` and `count` say what is meant, and whether the record was set aside (`exceptions`)",
        )

    def exceptions(self, happened: Happened) -> Iterator[Failure]:
        expected = self.declared.spec.expect.exceptions
        if expected is None:
            return
        pairs = paired_exceptions(expected, happened.exceptions)
        missed = [i for i, j in pairs if i is not None and j is None]
        left = [happened.exceptions[j] for i, j in pairs if i is None and j is not None]
        if missed or left:
            code = left[0]["code"] if left else expected[missed[0]].code
            yield Failure(
                self.at("exceptions", missed[0]) if missed else self.declared.key("expect", "exceptions"),
                "the records that are set aside are not the expected ones",
                (*(f"- {flow(_said(expected[index]))}" for index in missed), *(f"+ {flow(one)}" for one in left)),
                f"`syncline explain {code}` says what that means; {_UPDATE}",
            )

    def at(self, *place: str | int) -> Span:
        return self.declared.at("expect", *place)


def paired_writes(expected: Sequence[ExpectedWriteSpec], came: Sequence[Told]) -> list[Pair]:
    """Pair expected writes with those that came; None stands where one of the two is missing."""
    connections = dict.fromkeys(
        place.partition(".")[0] for place in (*(one.target[1] for one in expected), *map(_written, came))
    )
    pairs: list[Pair] = []
    for connection in connections:
        wanted = [index for index, one in enumerate(expected) if _is_at(one.target[1], connection)]
        got = [index for index, one in enumerate(came) if _is_at(_written(one), connection)]
        aligned = _aligned([expected[index] for index in wanted], [came[index] for index in got])
        pairs += [(None if i is None else wanted[i], None if j is None else got[j]) for i, j in aligned]
    return pairs


def paired_exceptions(expected: Sequence[ExpectedExceptionSpec], came: Sequence[Told]) -> list[Pair]:
    """Pair expected exceptions with those that came, in whatever order."""
    left = list(range(len(came)))
    pairs: list[Pair] = []
    for index, one in enumerate(expected):
        met = next((j for j in left if _is_exception(one, came[j])), None)
        pairs.append((index, met))
        if met is not None:
            left.remove(met)
    return [*pairs, *((None, j) for j in left)]


def _aligned(expected: Sequence[ExpectedWriteSpec], came: Sequence[Told]) -> list[Pair]:
    """Pair expected writes with those that came, in order and as many as fit (a longest common subsequence)."""
    best = [[0] * (len(came) + 1) for _ in range(len(expected) + 1)]
    for i in reversed(range(len(expected))):
        for j in reversed(range(len(came))):
            met = 1 + best[i + 1][j + 1] if _is_write(expected[i], came[j]) else 0
            best[i][j] = max(met, best[i + 1][j], best[i][j + 1])
    pairs: list[Pair] = []
    i = j = 0
    while i < len(expected) and j < len(came):
        if _is_write(expected[i], came[j]) and best[i][j] == 1 + best[i + 1][j + 1]:
            pairs.append((i, j))
            i, j = i + 1, j + 1
        elif best[i + 1][j] >= best[i][j + 1]:
            pairs.append((i, None))
            i += 1
        else:
            pairs.append((None, j))
            j += 1
    return [
        *pairs,
        *((rest, None) for rest in range(i, len(expected))),
        *((None, rest) for rest in range(j, len(came))),
    ]


def _line(pair: Pair, expected: Sequence[ExpectedWriteSpec], came: Sequence[Told]) -> str:
    wanted, got = pair
    if wanted is None and got is not None:
        return f"+ {flow(came[got])}"
    assert wanted is not None
    return f"{'-' if got is None else ' '} {flow(_said(expected[wanted]))}"


def _place(pair: Pair, expected: Sequence[ExpectedWriteSpec], came: Sequence[Told]) -> str:
    wanted, got = pair
    return expected[wanted].target[1] if wanted is not None else _written(came[got or 0])


def _written(came: Told) -> str:
    """Give the connection and resource of a write."""
    return str(next(iter(came.values())))


def _is_at(place: str, connection: str) -> bool:
    return place.partition(".")[0] == connection


def _is_write(expected: ExpectedWriteSpec, came: Told) -> bool:
    verb, place = expected.target
    if came.get(verb) != place or (expected.id is not None and expected.id != came.get("id")):
        return False
    return "with_" not in expected.model_fields_set or same(expected.with_, came.get("with", {}))


def _unmapped(condition: Expression, known: Collection[str]) -> list[str]:
    """Name the fields of a condition that no member maps, so that records do not have them."""
    return [one.name for one in fields_in(condition) if one.scope == "canonical" and one.name not in known]


def wrong(expected: ExpectedRecordSpec, row: Told) -> list[str]:
    """Name the fields of a record that are not as expected."""
    return [name for name, value in expected.has.items() if not same(value, row.get(name))]


def _exception(met: ExceptionRecord) -> Told:
    told = {"code": met.code, "at": f"{met.connection}.{met.resource}", "id": met.native_id, "field": met.field}
    return {name: value for name, value in told.items() if value}


def _is_exception(expected: ExpectedExceptionSpec, came: Told) -> bool:
    return all(came.get(name) == value for name, value in _said(expected).items())


def _said(expected: ExpectedWriteSpec | ExpectedExceptionSpec) -> dict[str, Any]:
    return expected.model_dump(by_alias=True, exclude_unset=True)
