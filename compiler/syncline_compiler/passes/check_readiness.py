"""Check readiness: what a sync should have before it meets real systems: a promise, scenarios, a way on without it.

In: the project, checked. Diagnostics: SYN0933 … SYN0935.
Invariant: a sync all of whose connections are stand-ins in every environment is left in peace: who begins is not nagged.
"""

from __future__ import annotations

from collections.abc import Iterator

from syncline_compiler.diagnostics.diagnostic import Collector
from syncline_compiler.model.document import Declared, WrittenProject
from syncline_compiler.model.members import fields_mapped
from syncline_compiler.model.resolved import ResolvedField, ResolvedProject, ResolvedSync
from syncline_compiler.model.spec import SyncSpec

COVERED = ("create", "update", "cancel", "exception")
"""What befalls the records of every sync, and is worth a scenario each."""


def check_readiness(project: ResolvedProject, written: WrittenProject, diagnostics: Collector) -> None:
    """Check every sync that meets a real system in some environment."""
    real = {
        binding.connection for bindings in project.environments.values() for binding in bindings if not binding.stand_in
    }
    for sync in project.syncs:
        declared = written.syncs[sync.name]
        if any(member.connection in real for member in sync.members):
            _check_monitored(sync, diagnostics)
            _check_scenarios(sync, project, diagnostics)
            _check_fallback(sync, declared, diagnostics)


def _check_monitored(sync: ResolvedSync, diagnostics: Collector) -> None:
    """Check that it would be seen if a critical field fell behind, or was kept in step with nothing."""
    unseen = list(_unmonitored(sync))
    if not unseen:
        return
    listed = ", ".join(f"`{field.name}`" for field in unseen[:4]) + (" …" if unseen[4:] else "")
    if sync.freshness is None:
        label, remedy = f"nobody sees if {listed} falls behind", "promise how soon changes arrive: `freshness: 15m`"
    else:
        label, remedy = f"no member maps {listed}", "map it, or take `critical` away"
    diagnostics.report(
        "SYN0933", sync.span, label=label, help=remedy,
        secondary=[(field.span, "critical") for field in unseen[:4]],
    )  # fmt: skip


def _unmonitored(sync: ResolvedSync) -> Iterator[ResolvedField]:
    mapped = {name for member in sync.members for name in fields_mapped(member.mapping)}
    for field in sync.object.fields:
        if field.critical and (sync.freshness is None or field.name not in mapped):
            yield field


def _check_scenarios(sync: ResolvedSync, project: ResolvedProject, diagnostics: Collector) -> None:
    covered = {kind for one in project.scenarios.values() if one.sync == sync.name for kind in one.covers}
    missing = [kind for kind in COVERED if kind not in covered]
    if missing:
        listed = ", ".join(f"`{kind}`" for kind in missing)
        diagnostics.report(
            "SYN0934", sync.span, label=f"no scenario of `{sync.name}` covers {listed}",
            help=f"write a scenario with `sync: {sync.name}` and `covers: [{', '.join(missing)}]`",
        )  # fmt: skip


def _check_fallback(sync: ResolvedSync, declared: Declared[SyncSpec], diagnostics: Collector) -> None:
    if declared.spec.fallback is None:
        diagnostics.report(
            "SYN0935", sync.span, label="nothing says what people do while this stands still",
            help="say who does what: `fallback: {after: 4h, who: …, steps: […], recognised_by: […]}`",
        )  # fmt: skip
