"""Check policies: every rule is asked of every row that it selects.

In: a checked project, the rules that govern it. Diagnostics: SYN0901, with the rule's severity and words.
Invariant: the work is bounded by rules times rows, and findings come in the order of the source.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from syncline_compiler.diagnostics.diagnostic import Collector
from syncline_compiler.governance.evaluate import asked
from syncline_compiler.governance.row import Governed, Row, Value
from syncline_compiler.governance.tables import rows_of
from syncline_compiler.model.document import WrittenProject
from syncline_compiler.model.resolved import ResolvedProject
from syncline_compiler.model.resolved_policy import PLACEHOLDER, ResolvedRule


def check_policies(
    project: ResolvedProject, written: WrittenProject, rules: Sequence[ResolvedRule], diagnostics: Collector
) -> None:
    """Ask every rule that is not off; each table is filled once, and only if a rule selects it."""
    governed = Governed(project, written)
    rows: dict[str, list[Row]] = {}
    for rule in rules:
        if rule.severity == "off":
            continue
        if rule.select not in rows:
            rows[rule.select] = list(rows_of(rule.select, governed))
        _ask(rule, rows[rule.select], diagnostics)


def _ask(rule: ResolvedRule, rows: Sequence[Row], diagnostics: Collector) -> None:
    where = asked(rule.where) if rule.where is not None else None
    require = asked(rule.require)
    for row in rows:
        if (where is None or where(row.values)) and not require(row.values):
            _report(rule, row, diagnostics)


def _report(rule: ResolvedRule, row: Row, diagnostics: Collector) -> None:
    assert rule.severity != "off"
    diagnostics.report(
        "SYN0901",
        row.span,
        label=_filled(rule.message, row.values),
        detail=rule.docs or (),
        help=rule.help or (),
        rule=rule.name,
        about=row.address,
        severity=rule.severity,
    )


def _filled(message: str, values: Mapping[str, Value]) -> str:
    """Put a row's attributes into a message."""
    return PLACEHOLDER.sub(lambda match: _shown(values[match[1]]), message)


def _shown(value: Value) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "nothing" if value is None else str(value)
