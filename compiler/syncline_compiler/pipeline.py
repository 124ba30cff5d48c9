"""Every pass of the compiler, in order.

In: a project's folder. Out: ``Compilation``: diagnostics, the checked project, and the files of the release.
Invariant: a check that finds a mistake goes on; nothing is lowered or emitted while an error stands.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import UTC, date, datetime
from functools import cached_property
from itertools import chain
from pathlib import Path

from syncline_compiler.checking.names import Names
from syncline_compiler.diagnostics.diagnostic import Collector, Diagnostic
from syncline_compiler.diagnostics.mend import mended
from syncline_compiler.emit.plan import emit
from syncline_compiler.model.document import WrittenProject
from syncline_compiler.model.resolved import CodeTable, ResolvedObject, ResolvedProject
from syncline_compiler.model.resolved_policy import Governance
from syncline_compiler.model.typed import Expression
from syncline_compiler.model.types import BOOL, Type
from syncline_compiler.passes.apply_waivers import apply_waivers
from syncline_compiler.passes.check_clocks import check_clocks
from syncline_compiler.passes.check_conditions import check_conditions
from syncline_compiler.passes.check_crossed import check_crossed
from syncline_compiler.passes.check_cursors import check_cursors
from syncline_compiler.passes.check_delivery import check_delivery
from syncline_compiler.passes.check_deprecated import check_deprecated
from syncline_compiler.passes.check_environments import check_environments
from syncline_compiler.passes.check_expressions import Objects, check_expressions
from syncline_compiler.passes.check_identity import check_identity
from syncline_compiler.passes.check_imports import check_imports
from syncline_compiler.passes.check_keys import check_keys
from syncline_compiler.passes.check_leaving import check_leaving
from syncline_compiler.passes.check_likeness import check_likeness
from syncline_compiler.passes.check_loops import check_loops
from syncline_compiler.passes.check_matching import check_matching
from syncline_compiler.passes.check_moved import check_moved
from syncline_compiler.passes.check_native_values import check_native_values
from syncline_compiler.passes.check_ownership import check_ownership
from syncline_compiler.passes.check_policies import check_policies
from syncline_compiler.passes.check_privacy import check_privacy
from syncline_compiler.passes.check_rates import check_rates
from syncline_compiler.passes.check_readiness import check_readiness
from syncline_compiler.passes.check_references import check_known, check_references
from syncline_compiler.passes.check_remotes import check_remotes
from syncline_compiler.passes.check_seeds import check_seeds
from syncline_compiler.passes.check_systems import check_systems
from syncline_compiler.passes.check_types import check_expression, check_mapping
from syncline_compiler.passes.check_units import check_units
from syncline_compiler.passes.check_unused import check_unused
from syncline_compiler.passes.check_versions import check_versions
from syncline_compiler.passes.check_writers import check_writers
from syncline_compiler.passes.import_packs import import_packs
from syncline_compiler.passes.load import load
from syncline_compiler.passes.lower import lower
from syncline_compiler.passes.parse_mapping import parse_expression, parse_mapping
from syncline_compiler.passes.resolve_codes import resolve_codes
from syncline_compiler.passes.resolve_environments import connections, resolve_environments
from syncline_compiler.passes.resolve_events import resolve_events
from syncline_compiler.passes.resolve_mappings import resolve_mappings
from syncline_compiler.passes.resolve_object import resolve_objects
from syncline_compiler.passes.resolve_owners import resolve_owners
from syncline_compiler.passes.resolve_policies import resolve_policies
from syncline_compiler.passes.resolve_scenarios import Stage, resolve_scenarios
from syncline_compiler.passes.resolve_sync import Bound, resolve_syncs
from syncline_compiler.passes.resolve_system import resolve_systems
from syncline_compiler.source import LOCK_FILE, SourceFile, Span, Unreadable, is_remote, is_shown, read_sources
from syncline_compiler.writing import Made
from syncline_runtime.frozen import dataclass
from syncline_runtime.system import System


@dataclass(frozen=True)
class Compilation:
    """What came of a project. ``project`` is None, and so is ``release``, if an error stands.

    ``known`` is what could be made of the project even so, and ``written`` the specs; both are for those who ask questions.
    """

    sources: Mapping[str, SourceFile]
    diagnostics: Collector
    project: ResolvedProject | None = None
    known: ResolvedProject | None = None
    written: WrittenProject | None = None
    governance: Governance | None = None  # the rules that were asked
    steward: str | None = None  # who answers for the project
    waived: int = 0  # findings that waivers cover
    warned: tuple[Diagnostic, ...] = ()  # warnings of checks as they were found: neither severities nor waivers applied
    release: Iterator[tuple[str, Made]] | None = None  # path and content of its files, made one after the other

    @cached_property
    def files(self) -> dict[str, bytes] | None:
        """All files of the release at once, by path; takes them from ``release``."""
        return dict(sorted(self.release)) if self.release is not None else None


def compile_project(root: Path, today: date | None = None) -> Compilation:
    """Read and compile a project: load, resolve, check, lower, emit."""
    return compile_sources(read_sources(root), today)


def compile_sources(files: Iterable[SourceFile | Unreadable], today: date | None = None) -> Compilation:
    """Compile a project whose files are read already. What is compiled is the same on every day.

    Waivers do not end here: what was accepted and released goes on, and `check` says that it is to be decided again.
    """
    files = list(files)
    checked = check_sources(files, today, waivers_end=False)
    if checked.project is None:
        return checked
    # A release says what its specs said, where that is settled: who has it can compare others with it.
    locks = [(LOCK_FILE, Made(file.text.encode())) for file in _locks(files)]
    # Nobody asks while plans are made: what was written is let go.
    return replace(checked, known=None, written=None, release=chain(release_of(checked) or (), locks))


def _locks(files: Iterable[SourceFile | Unreadable]) -> Iterator[SourceFile]:
    return (file for file in files if file.path == LOCK_FILE and isinstance(file, SourceFile))


def release_of(checked: Compilation) -> Iterator[tuple[str, Made]] | None:
    """Give the files of the release of a checked project, one after the other; None if it has mistakes."""
    return emit(checked.project, lower(checked.project)) if checked.project is not None else None


def check_project(root: Path, today: date | None = None, *, waivers_end: bool = True) -> Compilation:
    """Load, resolve and check a project; ``today`` is the day by which sunsets and waivers are judged: this day."""
    return check_sources(list(read_sources(root)), today, waivers_end=waivers_end)


def mend_project(root: Path, within: Callable[[str], bool]) -> Mapping[str, SourceFile]:
    """Mend what is certain in the files that ``within`` accepts, without writing; gives the files that changed."""
    files = list(read_sources(root))
    unreadable = [file for file in files if isinstance(file, Unreadable)]
    return mended(
        {file.path: file for file in files if isinstance(file, SourceFile)},
        lambda sources: check_sources([*sources.values(), *unreadable]).diagnostics,
        within,
    )


def check_sources(
    files: Iterable[SourceFile | Unreadable], today: date | None = None, *, waivers_end: bool = True
) -> Compilation:
    """Check a project whose files are read already, in any order; with its lock among them versions are checked, too."""
    files = list(files)
    lock = next(_locks(files), None)
    remotes = [file for file in files if is_remote(file.path) and isinstance(file, SourceFile)]
    files = [file for file in files if isinstance(file, Unreadable) or is_shown(file.path)]
    sources = {file.path: file for file in files if isinstance(file, SourceFile)}
    diagnostics = Collector(dict(sources))
    written = load(files, diagnostics)
    if written is None:
        return Compilation(sources, diagnostics)
    written, imported = import_packs(written, diagnostics)
    sources |= {file.path: file for file in imported}
    project = check_written(written, diagnostics)
    today = today or datetime.now(UTC).date()
    governance = resolve_policies(written, parse_expression, diagnostics)
    sound = not diagnostics.failed
    if sound:
        lint(project, written, today, diagnostics)
        check_policies(project, written, governance.rules, diagnostics)
    if sound and remotes:
        check_remotes(project, written, remotes, diagnostics)
    if sound and lock is not None:
        check_versions(project, written, lock, today, diagnostics)
    warned = tuple(one for one in diagnostics if one.rule is None and one.severity == "warning")
    waived = apply_waivers(governance, diagnostics, complete=sound, today=today if waivers_end else None)
    found = None if diagnostics.failed else project
    steward = written.project.spec.steward
    return Compilation(sources, diagnostics, found, project, written, governance, steward, waived, warned)


def lint(project: ResolvedProject, written: WrittenProject, today: date, diagnostics: Collector) -> None:
    """Check what can be said only of a project without mistakes: what is not used, not watched, on its way out, or made up wrong."""
    check_seeds(written, project.systems, diagnostics)
    check_imports(project, written, diagnostics)
    check_unused(project, written, diagnostics)
    check_crossed(project.mappings, diagnostics)
    check_deprecated(project, written, today, diagnostics)
    check_readiness(project, written, diagnostics)


def check_written(written: WrittenProject, diagnostics: Collector) -> ResolvedProject:
    """Resolve and check specs that are read already."""
    systems = resolve_systems(written, diagnostics)
    check_systems(written, systems, diagnostics)
    check_cursors(written, systems, diagnostics)
    fields = resolve_objects(written, diagnostics)
    codes = resolve_codes(written, fields, diagnostics)
    typing = _Typing(systems, codes, written.broken)
    objects = check_expressions(written, fields, parse_expression, typing.expression, BOOL, diagnostics)
    bound = _bind(written, systems, objects, typing, diagnostics)
    syncs = resolve_syncs(written, bound, diagnostics)
    syncs = tuple(resolve_owners(sync, written, systems, diagnostics) for sync in syncs)
    for sync in syncs:
        check_ownership(sync, written, systems, diagnostics)
        check_leaving(sync, written, systems, diagnostics)
        check_identity(sync, written, systems, diagnostics)
        check_matching(sync, written, diagnostics)
        check_clocks(sync, written, systems, diagnostics)
        check_delivery(sync, written, systems, diagnostics)
    check_likeness(objects, diagnostics)
    check_keys(written, objects, systems, syncs, diagnostics)
    check_native_values(bound.mappings.values(), written, systems, codes, diagnostics)
    check_units(bound.mappings.values(), written, diagnostics)
    check_conditions(objects, syncs, bound.mappings.values(), written, diagnostics)
    check_writers(syncs, written, diagnostics)
    check_loops(syncs, objects, diagnostics)
    check_privacy(syncs, written, objects, systems, diagnostics)
    check_rates(syncs, written, systems, diagnostics)
    check_moved(written, diagnostics)
    used = connections(written)
    check_environments(written, systems, used, diagnostics)
    stage = Stage(objects, systems, used, bound.condition)
    check_known(syncs, written, diagnostics)
    ordered = check_references(syncs, diagnostics)
    return ResolvedProject(
        name=written.project.spec.project,
        objects=objects,
        systems=systems,
        codes=codes,
        syncs=ordered.syncs,
        mappings=tuple(mapping for _, mapping in sorted(bound.mappings.items())),
        connections=used,
        environments=resolve_environments(written, systems, diagnostics),
        events=resolve_events(written, objects, systems, bound.mapped, diagnostics),
        # What does not fit a scenario because of another mistake is no mistake of the scenario.
        scenarios=resolve_scenarios(written, stage, Collector() if diagnostics.failed else diagnostics),
        order=ordered.order,
        refers=ordered.refers,
    )


@dataclass(frozen=True)
class _Typing:
    """The mapping language's passes, as the passes over specs call them."""

    systems: Mapping[str, System]
    codes: Mapping[str, CodeTable]
    broken: Mapping[str, frozenset[str]]

    def names(self, objects: Objects) -> Names:
        return Names(objects=objects, systems=self.systems, codes=self.codes, broken=self.broken)

    def expression(
        self,
        text: str,
        span: Span,
        item: ResolvedObject,
        objects: Objects,
        diagnostics: Collector,
        wanted: Type | None,
    ) -> Expression | None:
        parsed = parse_expression(text, span, diagnostics)
        if parsed is None:
            return None
        return check_expression(parsed, item, self.names(objects), diagnostics, wanted)


def _bind(
    written: WrittenProject,
    systems: Mapping[str, System],
    objects: Objects,
    typing: _Typing,
    diagnostics: Collector,
) -> Bound:
    """Parse, bind and type every mapping; one with errors of its own is known but not used further."""
    # One after the other: what was written is let go once it is typed.
    parsed = (parse_mapping(source, diagnostics) for source in written.mappings)
    readable = (mapping for mapping in parsed if mapping is not None)
    mappings, unusable = {}, set()
    names = typing.names(objects)
    for bound in resolve_mappings(readable, written, systems, objects, diagnostics):
        found = diagnostics.told
        typed = check_mapping(bound.written, bound.system, bound.object, names, diagnostics)
        if diagnostics.told > found:
            unusable.add(bound.key)
        else:
            # What is said of a mapping as a whole is said of its first line.
            mappings[bound.key] = replace(typed, span=bound.written.header.span)
    return Bound(
        objects=objects,
        systems=systems,
        mappings=mappings,
        unusable=frozenset(unusable),
        complete=len(mappings) + len(unusable) == len(written.mappings),
        condition=lambda text, span, item: typing.expression(text, span, item, objects, diagnostics, BOOL),
    )
