"""Resolve policies: rules typed over the tables of the spec model, severities of the project, waivers.

In: ``PolicySpec`` with its document, what the project file says under ``rules``. Out: ``Governance``.
Diagnostics: SYN0902 (unknown rule), SYN0903 (waiver without reason, owner or day), SYN0906 (what cannot be set or
waived), SYN0907 (unknown attribute), SYN0908 (function that rules do not have), SYN0909 (waiver in a pack), and those
of expressions. Invariant: a rule with a mistake is left out, and its name stays known.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from syncline_compiler.checking.expressions import Typer
from syncline_compiler.checking.names import Names, Scope
from syncline_compiler.checking.size import Bounds
from syncline_compiler.diagnostics import catalogue
from syncline_compiler.diagnostics.diagnostic import Collector
from syncline_compiler.governance.evaluate import beyond
from syncline_compiler.governance.tables import TABLES, Table, linked_objects
from syncline_compiler.model import syntax
from syncline_compiler.model.document import Declared, Place, WrittenProject
from syncline_compiler.model.resolved_policy import (
    PLACEHOLDER,
    Governance,
    ResolvedRule,
    ResolvedWaiver,
    RuleSeverity,
    WaivedPlace,
)
from syncline_compiler.model.spec_policy import PolicySpec, RuleSpec
from syncline_compiler.model.typed import Expression
from syncline_compiler.source import Span
from syncline_compiler.spelling import did_you_mean
from syncline_runtime.frozen import dataclass

Parse = Callable[[str, Span, Collector], syntax.Expression | None]
POLICY_CODE = "SYN0901"
"""The code of every finding of a policy rule; rules have names of their own."""

_Declared = Declared[PolicySpec]


@dataclass(frozen=True)
class _Known:
    """The rules there are, by name; ``project`` knows the policies that could not be understood."""

    rules: Mapping[str, tuple[_Declared, str]]
    project: WrittenProject


def resolve_policies(project: WrittenProject, parse: Parse, diagnostics: Collector) -> Governance:
    """Resolve every policy of the project, imported ones too."""
    policies = sorted(project.policies.items())
    given = project.project.spec.rules
    known = _Known(
        {f"{name}.{rule}": (declared, rule) for name, declared in policies for rule in declared.spec.rules}, project
    )
    for name in given:
        _check_named(name, project.project.key("rules", name), known, diagnostics, raised=given[name] == "error")
    typed = [_rule(name, *known.rules[name], given, parse, diagnostics) for name in known.rules]
    imported = {one.name for one in project.imports if one.kind == "policy"}
    waivers = [
        waiver for name, declared in policies for waiver in _waivers(declared, known, name in imported, diagnostics)
    ]
    codes = {name: severity for name, severity in given.items() if name in catalogue.codes()}
    return Governance(tuple(rule for rule in typed if rule is not None), tuple(waivers), codes)


def _rule(
    name: str,
    declared: _Declared,
    rule: str,
    given: Mapping[str, RuleSeverity],
    parse: Parse,
    diagnostics: Collector,
) -> ResolvedRule | None:
    spec, place = declared.spec.rules[rule], ("rules", rule)
    table = TABLES[spec.select]
    require = _condition(spec.require, declared.at(*place, "require"), table, parse, diagnostics)
    where = _condition(spec.where, declared.at(*place, "where"), table, parse, diagnostics) if spec.where else None
    _check_message(spec.message, declared.at(*place, "message"), table, diagnostics)
    if require is None or (spec.where is not None and where is None):
        return None
    return ResolvedRule(
        name=name,
        select=spec.select,
        text=_written(spec),
        where=where,
        require=require,
        message=spec.message,
        help=spec.help,
        docs=spec.docs,
        severity=given.get(name, spec.severity),
        default=spec.severity,
        span=declared.key(*place),
    )


def _written(spec: RuleSpec) -> str:
    where = f" where {spec.where}" if spec.where else ""
    return f"select {spec.select}{where} require {spec.require}"


def _condition(text: str, span: Span, table: Table, parse: Parse, diagnostics: Collector) -> Expression | None:
    """Type a condition over a table; None if it has a mistake."""
    parsed = parse(text, span, diagnostics)
    if parsed is None:
        return None
    scope = Scope("canonical", table.one, "SYN0907", object=table.as_object())
    typed = Typer(Names(linked_objects(table.name), {}, {}), scope, diagnostics).condition(parsed)
    if typed.type.kind == "unknown" or not Bounds().hold(typed, span, diagnostics):
        return None
    stray = next(beyond(typed), None)
    if stray is not None:
        remedy = (
            "rules have comparisons, and, or, not, in, is null, ??, +, -, functions of text such as lower and matches, and count, "
            "any, all and the like over what belongs to a row"
        )
        diagnostics.report("SYN0908", span, label=f"`{stray}` cannot be asked of specs", help=remedy)
        return None
    return typed


def _check_message(text: str, span: Span, table: Table, diagnostics: Collector) -> None:
    for name in PLACEHOLDER.findall(text):
        if name not in table.attributes:
            remedy = did_you_mean(name, table.attributes, kind="attributes")
            diagnostics.report("SYN0907", span, label=f"{table.one} has no field `{name[:60]}`", help=remedy)


def _check_named(name: str, span: Span, known: _Known, diagnostics: Collector, *, raised: bool) -> bool:
    """Check that a rule or code exists and may be set or waived; tell whether it does."""
    if name in known.rules:
        return True
    if name in catalogue.codes() and not catalogue.page(name).at_run_time:
        if name == POLICY_CODE:
            remedy = did_you_mean(name, known.rules, kind="rules")
            diagnostics.report("SYN0906", span, label="every policy rule has this code: name the rule", help=remedy)
        elif catalogue.page(name).severity == "error" and not raised:
            label = f"`{name}` is an error: what it finds cannot be compiled, whoever accepts it"
            diagnostics.report("SYN0906", span, label=label, help=f"mend what it finds: `syncline explain {name}`")
        return True
    if not known.project.is_broken("policy", name.partition(".")[0]):
        remedy = did_you_mean(name, [*known.rules, *_settable()], kind="rules")
        diagnostics.report("SYN0902", span, label=f"no rule is called `{name}`", help=remedy)
    return False


def _settable() -> Iterator[str]:
    """Name the codes whose severity a project may set, and whose findings may be waived."""
    return (code for code in catalogue.codes() if catalogue.page(code).severity == "warning" and code != POLICY_CODE)


def _waivers(declared: _Declared, known: _Known, imported: bool, diagnostics: Collector) -> Iterator[ResolvedWaiver]:
    for index, spec in enumerate(declared.spec.waivers):
        place: Place = ("waivers", index)
        if imported:
            label = "a pack cannot know what a project may leave undone"
            remedy = "write the waiver into a policy of the project itself"
            diagnostics.report("SYN0909", declared.at(*place, "rule"), label=label, help=remedy)
            continue
        _check_whole(declared, index, diagnostics)
        if _check_named(spec.rule, declared.at(*place, "rule"), known, diagnostics, raised=False):
            places = [WaivedPlace(text, _place(declared, index, at)) for at, text in enumerate(spec.at)]
            yield ResolvedWaiver(spec.rule, tuple(places), spec.expires, spec.owner, declared.at(*place, "rule"))


def _check_whole(declared: _Declared, index: int, diagnostics: Collector) -> None:
    spec = declared.spec.waivers[index]
    words = {"reason": "reason", "owner": "owner", "expires": "day"}
    lacking = [word for key, word in words.items() if getattr(spec, key) is None]
    if lacking:
        diagnostics.report(
            "SYN0903", declared.at("waivers", index, "rule"), label=f"this waiver has no {', no '.join(lacking)}",
            help="write why it is accepted, who looks after it, and until which day: `expires: 2027-03-31`",
        )  # fmt: skip


def _place(declared: _Declared, index: int, at: int) -> Span:
    """Find where a place of a waiver stands, in a list or alone."""
    return declared.at("waivers", index, "at", at)
