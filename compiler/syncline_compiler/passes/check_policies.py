"""Check policies: every rule is asked of every row that it selects.

In: a checked project, the rules that govern it. Diagnostics: SYN0901, with the rule's severity and words.
Invariant: the work is bounded by rules times rows, and findings come in the order of the source.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import field
from functools import partial

from syncline_compiler.diagnostics.diagnostic import Collector
from syncline_compiler.governance.evaluate import Values, asked
from syncline_compiler.governance.row import Governed, Row, Value
from syncline_compiler.governance.tables import LINKS, rows_of
from syncline_compiler.model.document import WrittenProject
from syncline_compiler.model.resolved import ResolvedProject
from syncline_compiler.model.resolved_policy import PLACEHOLDER, ResolvedRule
from syncline_runtime.frozen import dataclass


def check_policies(
    project: ResolvedProject, written: WrittenProject, rules: Sequence[ResolvedRule], diagnostics: Collector
) -> None:
    """Ask every rule that is not off; each table is filled once, and only if a rule selects it."""
    model = _Model(Governed(project, written))
    for rule in rules:
        if rule.severity != "off":
            _ask(rule, model, diagnostics)


@dataclass(frozen=True)
class _Model:
    """The tables that were filled, and for each link the rows by what they belong to."""

    governed: Governed
    rows: dict[str, list[Row]] = field(default_factory=dict)
    linked: dict[tuple[str, str], Mapping[tuple[Value, ...], list[Values]]] = field(default_factory=dict)

    def of(self, table: str) -> list[Row]:
        if table not in self.rows:
            self.rows[table] = list(rows_of(table, self.governed))
        return self.rows[table]

    def related(self, table: str, name: str) -> Callable[[Values], Sequence[Values]]:
        """Give the function that finds the rows which a row of a table sees by a name."""
        link = LINKS[table][name]
        there, here = zip(*link.keys, strict=True)
        if (table, name) not in self.linked:
            found: dict[tuple[Value, ...], list[Values]] = defaultdict(list)
            for row in self.of(link.table):
                found[tuple(row.values[key] for key in there)].append(row.values)
            self.linked[table, name] = found
        by_key = self.linked[table, name]
        return lambda values: by_key.get(tuple(values[key] for key in here), ())


def _ask(rule: ResolvedRule, model: _Model, diagnostics: Collector) -> None:
    related = partial(model.related, rule.select)
    where = asked(rule.where, related) if rule.where is not None else None
    require = asked(rule.require, related)
    for row in model.of(rule.select):
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
