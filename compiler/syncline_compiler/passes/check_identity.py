"""Check identity: whether records of different members that are one are recognised as one.

In: ``ResolvedSync``. Diagnostics: SYN0203, SYN0601 … SYN0603, SYN0607.
Invariant (of a sync without these): two members that both bring records into being cannot double a customer unseen.
"""

from __future__ import annotations

from collections.abc import Mapping

from syncline_compiler.blocking import joins_by_too_little
from syncline_compiler.diagnostics.diagnostic import Collector
from syncline_compiler.model.document import WrittenProject
from syncline_compiler.model.members import fields_read, resource_of
from syncline_compiler.model.resolved import IdentityRule, ResolvedMember, ResolvedSync
from syncline_compiler.spelling import did_you_mean
from syncline_runtime.system import System


def check_identity(
    sync: ResolvedSync, project: WrittenProject, systems: Mapping[str, System], diagnostics: Collector
) -> None:
    """Check that every member's records can be matched with those of the others, and those that people enter too.

    Where likeness of too little is all there is, that is the mistake (SYN0604), and what follows of it is none.
    """
    if sync.object.identity and all(joins_by_too_little(rule, sync.object) for rule in sync.object.identity):
        return
    _check_recognised(sync, project, diagnostics)
    if len(sync.members) == 1:
        return
    rules = sync.object.identity
    if not rules and project.objects[sync.object.name].spec.identity:
        return
    originators = [member for member in sync.members if member.originates]
    if not rules and len(originators) > 1:
        _report_no_identity(sync, originators, project, diagnostics)
        return
    for member in sync.members:
        others_originate = any(other is not member for other in originators)
        if others_originate and not _can_be_matched(member, rules):
            _report_unmatched(member, sync, project, systems, diagnostics)


def _report_no_identity(
    sync: ResolvedSync, originators: list[ResolvedMember], project: WrittenProject, diagnostics: Collector
) -> None:
    declared = project.syncs[sync.name]
    diagnostics.report(
        "SYN0601", sync.object.span, label=f"nothing says when two records of `{sync.object.name}` are one",
        secondary=[
            (declared.at("exists", "originate"), " and ".join(f"`{m.connection}`" for m in originators) + " originate")
        ],
        help="give the object an `identity`, such as `- same: [email]`",
    )  # fmt: skip


def _can_be_matched(member: ResolvedMember, rules: tuple[IdentityRule, ...]) -> bool:
    read = fields_read(member.mapping)
    return any(rule.applies_to(read) for rule in rules if rule.then != "create")


def _report_unmatched(
    member: ResolvedMember,
    sync: ResolvedSync,
    project: WrittenProject,
    systems: Mapping[str, System],
    diagnostics: Collector,
) -> None:
    resource = resource_of(member, systems)
    if not member.originates and resource.list is None and resource.files is None:
        return  # Its records are never read as a list, so that there is nothing to match.
    code = "SYN0602" if member.originates else "SYN0603"
    read = fields_read(member.mapping)
    places = [
        (rule.span, f"{', '.join(f'`{name}`' for name in rule.fields if name not in read)} not read from there")
        for rule in sync.object.identity
    ]
    rules = project.objects[sync.object.name]
    diagnostics.report(
        code, member.mapping.span, label=f"`{member.connection}` reads the fields of no identity rule",
        secondary=places or [(rules.at("object"), "no identity rules here")],
        help="map the fields of one rule for reading, or add a rule over fields that this member has",
    )  # fmt: skip


def _check_recognised(sync: ResolvedSync, project: WrittenProject, diagnostics: Collector) -> None:
    """Check that records which people enter by hand are found again, and not made a second time."""
    declared = project.syncs[sync.name]
    fallback = declared.spec.fallback
    if fallback is None:
        return
    known = [field.name for field in sync.object.fields]
    for index, name in enumerate(fallback.recognised_by):
        if name not in known:
            span = declared.at("fallback", "recognised_by", index)
            remedy = did_you_mean(name, known, kind=f"fields of `{sync.object.name}`")
            label = f"`{sync.object.name}` has no field `{name}`"
            diagnostics.report("SYN0203", span, label=label, help=remedy)
            return
    if len(sync.object.identity) < len(project.objects[sync.object.name].spec.identity):
        return
    given = set(fallback.recognised_by)
    if len(sync.members) < 2 or any(rule.by_key and set(rule.same) <= given for rule in sync.object.identity):
        return
    rules = [rule for rule in sync.object.identity if rule.same]
    diagnostics.report(
        "SYN0607", declared.key("fallback", "recognised_by"), label="no identity rule goes by these fields alone",
        secondary=[(rule.span, f"needs {' and '.join(f'`{name}`' for name in rule.same)}") for rule in rules[:3]],
        help="have people enter the fields of one rule, and name these",
    )  # fmt: skip
