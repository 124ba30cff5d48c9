"""Check matching: whether the values by which records are recognised are alike in all members, and there.

In: ``ResolvedSync``. Diagnostics: SYN0608, SYN0609.
Invariant (of a sync without these): one value of a key is not cut or spelled in another way by some member only, and no
two members bring records into being that no rule could recognise.
"""

from __future__ import annotations

from collections.abc import Iterator

from syncline_compiler.diagnostics.diagnostic import Collector
from syncline_compiler.model.document import WrittenProject
from syncline_compiler.model.resolved import IdentityRule, ResolvedField, ResolvedMember, ResolvedSync
from syncline_compiler.model.typed import Apply, Expression, Line, parts_of

CUTTING = frozenset({"truncate", "left", "right", "substring", "round", "floor", "ceil"})
"""Steps after which two values may be alike that were not."""
SPELLING = frozenset(
    {"upper", "lower", "trim", "squash", "casefold", "replace", "replace_matches", "unaccented", "unpad"}
)
"""Steps that bring a text to one spelling."""


def check_matching(sync: ResolvedSync, project: WrittenProject, diagnostics: Collector) -> None:
    """Check how the members read the fields of identity rules."""
    if len(sync.members) < 2 or len(sync.members) < len(project.syncs[sync.name].spec.members):
        return
    names = dict.fromkeys(name for rule in sync.object.identity for name in rule.same)
    for field in sync.object.fields:
        if field.name in names:
            _check_alike(field, sync, diagnostics)
    _check_there(sync, project, diagnostics)


def _check_alike(field: ResolvedField, sync: ResolvedSync, diagnostics: Collector) -> None:
    """Check that no member reads a key cut, or in a spelling of its own."""
    read = [(member, line) for member in sync.members if (line := _reads(member, field.name)) is not None]
    steps = {member.connection: frozenset(_steps(line.get, field)) for member, line in read}
    shared = frozenset.intersection(*steps.values()) if steps else frozenset[str]()
    for member, line in read:
        own = sorted(steps[member.connection] - shared)
        if own:
            _report_own(
                field,
                own[0],
                member,
                line,
                next((one for one, _ in read if not steps[one.connection]), None),
                diagnostics,
            )


def _report_own(
    field: ResolvedField,
    step: str,
    member: ResolvedMember,
    line: Line,
    whole: ResolvedMember | None,
    diagnostics: Collector,
) -> None:
    if step in CUTTING:
        remedy = "read it whole here, or let this member be matched by another field"
    elif step in ("upper", "lower", "trim", "squash", "casefold"):
        remedy = f"declare `form: {step}` on `{field.name}`: then every member's value is brought to it"
    else:
        remedy = f"let every member that reads `{field.name}` go through `{step}`"
    beside = [
        (found.span, f"`{whole.connection}` does not")
        for found in [whole and _reads(whole, field.name)]
        if found and whole
    ]
    diagnostics.report(
        "SYN0609", line.span, label=f"`{member.connection}` reads `{field.name}` through `{step}`, and records are matched by it",
        secondary=[*beside, (field.span, "part of an identity rule")], help=remedy,
    )  # fmt: skip


def _reads(member: ResolvedMember, name: str) -> Line | None:
    return next((line for line in member.mapping.lines if line.field == name and line.get is not None), None)


def _steps(get: Expression | None, field: ResolvedField) -> Iterator[str]:
    """Name the steps of a value that change how it is spelled, but for the form that all members' values are brought to."""
    if isinstance(get, Apply) and get.function in CUTTING | SPELLING and get.function != field.form:
        yield get.function
    for part in parts_of(get) if get is not None else ():
        yield from _steps(part, field)


def _check_there(sync: ResolvedSync, project: WrittenProject, diagnostics: Collector) -> None:
    """Check that where several members bring records into being, some rule recognises each of them."""
    originators = [member for member in sync.members if member.originates]
    rules = [
        rule
        for rule in sync.object.identity
        if rule.same and not rule.pairwise and all(_reads(one, name) for one in originators for name in rule.same)
    ]
    if any(rule.similar and rule.then != "create" for rule in sync.object.identity):
        return  # what has no key may still be alike
    absent = [_absent(rule, sync, originators) for rule in rules]
    if len(originators) < 2 or not absent or not all(absent):  # Who reads no rule whole is told by `check_identity`.
        return
    fields = list(dict.fromkeys(field for of_rule in absent for field in of_rule))
    listed = " and ".join(f"`{field.name}`" for field in fields)
    diagnostics.report(
        "SYN0608", project.syncs[sync.name].at("exists", "originate"),
        label=f"a record without {listed} that two of these have is made once more in each",
        secondary=[(field.span, "may be absent") for field in fields],
        help=(
            f"let one member bring records into being, or set those aside in the mappings: `reject when {fields[0].name} is null`",
            "or add an identity rule over fields that every record has",
        ),
    )  # fmt: skip


def _absent(rule: IdentityRule, sync: ResolvedSync, originators: list[ResolvedMember]) -> list[ResolvedField]:
    """Give the fields of a rule that a record of some originator may be without."""
    fields = [field for name in rule.same if (field := sync.object.field(name)) is not None]
    return [field for field in fields if any(_may_lack(member, field) for member in originators)]


def _may_lack(member: ResolvedMember, field: ResolvedField) -> bool:
    line = _reads(member, field.name)
    return field.type.nullable and line is not None and line.get is not None and line.get.type.nullable
