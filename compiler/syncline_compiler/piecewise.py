"""A project looked at island by island: what was found of one before is taken from memory.

In: the files of a project, what is remembered. Out: the finding about all of it, and the files of the release, one after
the other. Invariant: both are those of the project as a whole. As soon as it is not certain that they would be, such as
when an island has an error about a name, whose remedy may lie anywhere, ``WholeError`` says to look at the project as a whole.
"""

from __future__ import annotations

import gc
from collections import Counter
from collections.abc import Generator, Iterable, Iterator, Mapping
from dataclasses import field, replace
from datetime import date
from pathlib import Path
from typing import Any

from syncline_compiler.cache import Finding, hashed, kept_files, stamps
from syncline_compiler.changes.gather import item_of_policy, item_of_system, items_of
from syncline_compiler.changes.lock import LockError, load_lock
from syncline_compiler.changes.versions import Stand, stand_of
from syncline_compiler.diagnostics.diagnostic import MOST_EFFORT, MOST_TRIED, Collector, Diagnostic
from syncline_compiler.emit.plan import emit_index, emit_plans, emit_system, plan_file
from syncline_compiler.memory import Known, Memory, hash_of
from syncline_compiler.model.document import Declared, WrittenProject
from syncline_compiler.model.island import Island, Ties
from syncline_compiler.model.spec import ProjectSpec
from syncline_compiler.model.spec_system import SystemSpec
from syncline_compiler.passes.apply_waivers import apply_waivers
from syncline_compiler.passes.find_islands import find_islands, ties_of, ties_of_mapping
from syncline_compiler.passes.load import load_alone
from syncline_compiler.passes.lower import lower
from syncline_compiler.passes.parse_mapping import parse_expression
from syncline_compiler.passes.resolve_policies import resolve_policies
from syncline_compiler.passes.resolve_system import resolve_systems
from syncline_compiler.pipeline import check_sources, check_written, compile_sources, lint
from syncline_compiler.source import LOCK_FILE, PACK_FILE, PROJECT_FILE, SourceFile, Unreadable, is_remote
from syncline_compiler.writing import Content, Kept, Made, write_release
from syncline_runtime.frozen import dataclass
from syncline_runtime.system import System

MOST_HELD = 2_000
"""Specs that are held from when their ties are read until their island's turn comes; more are read twice."""

SWEEP = 32
"""Islands and systems after which garbage is looked for: their models refer to each other, and nobody else looks for it here."""


class WholeError(Exception):
    """The project has to be looked at as a whole."""


class MistakenError(Exception):
    """The project has errors, so that there is no release; holds what was found."""

    def __init__(self, finding: Finding) -> None:
        super().__init__()
        self.finding = finding


@dataclass
class Piecewise:
    """One look at a project. ``new`` gathers what is to be remembered; ``release``: whether one is to be made.

    ``kept`` are the files of an earlier release that can be taken over, by path, with their hashes. ``lock``: what every item is
    held against; as soon as one differs the project is looked at as a whole, which says what is due.
    """

    sources: dict[str, SourceFile]
    lock: SourceFile | None
    today: date
    old: Memory
    kept: Mapping[str, Kept] = field(default_factory=dict)
    release: bool = False
    new: Memory = field(default_factory=Memory)
    _held: dict[str, Declared[Any]] = field(default_factory=dict)
    _left: Counter[str] = field(default_factory=Counter)  # islands to come that a file belongs to
    _hashes: dict[str, str] = field(default_factory=dict)
    _used: set[str] = field(default_factory=set)  # systems of the release
    _failed: bool = False
    _systems: dict[str, str] = field(default_factory=dict)  # system of the release → hash of its file
    _looked: int = 0

    def look(self) -> Generator[tuple[str, Content], None, Finding]:
        """Give the files of the release, if one is to be made, and at the end the finding."""
        project = self._declared(PROJECT_FILE)
        ties = {path: self._ties(path) for path in self.sources if path != PROJECT_FILE}
        islands = find_islands(project.spec, ties, self.sources)
        if islands is None or len(islands) < 2:
            raise WholeError
        self._left.update(path for island in islands for path in island.paths)
        known: list[Known] = []
        for island in islands:
            found = yield from self._island(island, project)
            known.append(found)
            yield from self._let_go(island, ties)
        finding = self._finding(known, project, ties)
        if self.lock is not None and not finding.diagnostics.failed:
            yield self._settled(self.lock, known, ties)
        if self.release and finding.diagnostics.failed:
            raise MistakenError(finding)
        if self.release:
            shares = [one.share for one in known if one.share is not None]
            yield from emit_index(project.spec.project, shares, self._systems)
        return finding

    def _ties(self, path: str) -> Ties:
        source = self.sources[path]
        is_mapping = path.endswith(".map")
        key = self._hashes[path] = hash_of(["mapping" if is_mapping else "spec", source.text])
        ties = self.old.ties.get(key)
        if ties is None:
            ties = ties_of_mapping(source) if is_mapping else ties_of(self._declared(path))
        if ties is None:
            raise WholeError
        self.new.ties[key] = ties
        return ties

    def _declared(self, path: str) -> Declared[Any]:
        """Read a spec, or give it if it is held."""
        held = self._held.get(path)
        if held is not None:
            return held
        declared = load_alone(self.sources[path]) if path in self.sources else None
        if declared is None:
            raise WholeError
        if len(self._held) < MOST_HELD or self._left[path] > 1:
            self._held[path] = declared
        return declared

    def _island(self, island: Island, project: Declared[ProjectSpec]) -> Generator[tuple[str, Content], None, Known]:
        """Look at an island, or remember it, if its plans are at hand too."""
        key = self._key(island, project)
        known = self.old.islands.get(key)
        if known is None or not self._suffices(known):
            known = yield from self._looked_at(self._written(island, project))
            self._sweep()
        elif self.release and known.share is not None:
            yield from ((plan_file(name), self.kept[plan_file(name)]) for name in known.share.plans)
        if known.share is not None:
            self._used.update(known.share.systems)
        if known.failed:
            self._failed = True
        else:
            self.new.islands[key] = known
        return known

    def _let_go(self, island: Island, ties: Mapping[str, Ties]) -> Iterator[tuple[str, Content]]:
        """Hold no longer what no island to come is made from; a system's file is made before that, once all have used it."""
        for path in island.paths:
            self._left[path] -= 1
            if self._left[path]:
                continue
            if ties[path].kind == "system" and ties[path].name in self._used and not self._failed:
                yield self._system(path, ties[path].name)
            self._held.pop(path, None)

    def _sweep(self) -> None:
        self._looked += 1
        if self._looked % SWEEP == 0:
            gc.collect(0)  # what has come since the last time, and nothing else

    def _key(self, island: Island, project: Declared[ProjectSpec]) -> str:
        parts = [str(self.today), project.document.source.text]
        for path in island.paths:
            parts += [path, self._hashes[path]]
        for system, names in sorted(island.resources.items()):
            parts += [system, *sorted(names)]
        return hash_of(parts)

    def _suffices(self, known: Known) -> bool:
        """Tell whether all is remembered that is asked for now."""
        if self.lock is not None and known.stands is None:
            return False
        return not self.release or self._has_plans(known)

    def _has_plans(self, known: Known) -> bool:
        if known.share is None:
            return False
        plans = {plan_file(name): hashed for name, hashed in known.share.plans.items()}
        return all(path in self.kept and self.kept[path].sha256 == hashed for path, hashed in plans.items())

    def _looked_at(self, written: WrittenProject) -> Generator[tuple[str, Content], None, Known]:
        diagnostics, lints = Collector(self.sources), Collector(self.sources)
        project = check_written(written, diagnostics)
        if diagnostics.failed:
            if not _is_told_here(diagnostics):
                raise WholeError
            return Known(tuple(diagnostics), (), diagnostics.effort)
        lint(project, written, self.today, lints)
        if lints.failed:
            raise WholeError
        guessed, tried = (sum(both) for both in zip(diagnostics.effort, lints.effort, strict=True))
        share = (yield from emit_plans(project, lower(project))) if self.release else None
        stands = None
        if self.lock is not None:
            stands = tuple(map(stand_of, items_of(project, written, systems=False)))
        return Known(tuple(diagnostics), tuple(lints), (guessed, tried), share, stands)

    def _written(self, island: Island, project: Declared[ProjectSpec]) -> WrittenProject:
        """Give the specs of an island as a project of their own."""
        specs: dict[str, dict[str, Declared[Any]]] = {}
        for path in island.paths:
            if not path.endswith(".map"):
                kind, _ = next(iter((declared := self._declared(path)).document.value.items()))
                specs.setdefault(kind, {})[getattr(declared.spec, kind)] = declared
        return WrittenProject(
            project=_bound(project, island),
            objects=specs.get("object", {}),
            systems={
                name: _within(declared, island.resources[name]) for name, declared in specs.get("system", {}).items()
            },
            codes=specs.get("codes", {}),
            syncs=specs.get("sync", {}),
            events=specs.get("event", {}),
            policies={},
            scenarios=specs.get("scenario", {}),
            models=specs.get("model", {}),
            mappings=tuple(self.sources[path] for path in island.paths if path.endswith(".map")),
        )

    def _finding(self, known: Iterable[Known], project: Declared[ProjectSpec], ties: dict[str, Ties]) -> Finding:
        """Put together what was found, and apply what the project says of it."""
        known = list(known)
        if any(sum(one.effort[at] for one in known) > most for at, most in ((0, MOST_EFFORT), (1, MOST_TRIED))):
            raise WholeError
        failed = sum(one.failed for one in known)
        if failed > 1:
            raise WholeError
        found: dict[object, Diagnostic] = {}
        for one in known:
            for diagnostic in (*one.diagnostics, *(one.lints if not failed else ())):
                found.setdefault((diagnostic.code, diagnostic.span, diagnostic.label), diagnostic)
        diagnostics = Collector.of(found.values(), self.sources)
        policies = {one.name: self._declared(path) for path, one in ties.items() if one.kind == "policy"}
        written = WrittenProject(project, {}, {}, {}, {}, {}, policies, {}, ())
        governance = resolve_policies(written, parse_expression, diagnostics)
        if diagnostics.failed and not failed:
            raise WholeError
        today = None if self.release else self.today
        waived = apply_waivers(governance, diagnostics, complete=not failed, today=today)
        return Finding(diagnostics, self.sources, waived)

    def _settled(self, lock: SourceFile, known: Iterable[Known], ties: Mapping[str, Ties]) -> tuple[str, Content]:
        """Give the lock as a file of the release; WholeError if any item is not as it says."""
        key = hash_of([lock.text])
        held = self.old.locks.get(key)
        if held is None:
            try:
                held = tuple(map(stand_of, load_lock(lock.text).items.values()))
            except LockError:
                raise WholeError from None
        self.new.locks[key] = held
        stands = [stand for one in known for stand in one.stands or ()]
        for path, one in ties.items():
            if one.kind == "system":
                stands.append(self._stand_of_system(path, one.name))
            elif one.kind == "policy":
                stands += map(stand_of, item_of_policy(one.name, self._declared(path)))
        if set(stands) != set(held):
            raise WholeError
        return LOCK_FILE, Made(lock.text.encode())

    def _stand_of_system(self, path: str, name: str) -> Stand:
        key = self._hashes[path]
        stand = self.old.stands.get(key)
        if stand is None:
            declared = self._declared(path)
            stand = stand_of(item_of_system(self._resolved(declared, name), declared))
        self.new.stands[key] = stand
        return stand

    def _resolved(self, declared: Declared[Any], name: str) -> System:
        project = WrittenProject(declared, {}, {name: declared}, {}, {}, {}, {}, {}, ())
        return resolve_systems(project, Collector())[name]

    def _system(self, path: str, name: str) -> tuple[str, Content]:
        key = self._hashes[path]
        kept = self.kept.get(f"systems/{name}.json")
        if kept is not None and kept.sha256 == self.old.systems.get(key):
            self._systems[name] = self.new.systems[key] = kept.sha256
            return f"systems/{name}.json", kept
        self._sweep()
        file, content = emit_system(self._resolved(self._declared(path), name))
        self._systems[name] = self.new.systems[key] = content.sha256
        return file, content


def check_pieces(files: Iterable[SourceFile | Unreadable], today: date, old: Memory) -> tuple[Finding, Memory | None]:
    """Check a project, island by island if it has any; gives also what is to be remembered then."""
    files = list(files)
    try:
        pieces = Piecewise(*_readable(files), today, old)
        return _exhausted(pieces.look()), pieces.new
    except WholeError:
        compilation = check_sources(files, today)
        return Finding(compilation.diagnostics, compilation.sources, compilation.waived), None


def release_pieces(
    files: Iterable[SourceFile | Unreadable], today: date, out: Path, old: Memory
) -> tuple[Finding, Memory | None]:
    """Compile a project and write its release, island by island if it has any; gives also what is to be remembered then."""
    files = list(files)
    released: dict[str, str] = {}
    try:
        pieces = Piecewise(*_readable(files), today, old, kept_files(out, old), release=True)
        looking = _Looking(pieces.look())
        write_release(out, hashed(looking, released))
        now = stamps(out)
        return replace(looking.finding, released=released, stamps=now), pieces.new.with_release(released, now)
    except MistakenError as error:
        return error.finding, old
    except WholeError:
        return _released_whole(files, today, out), None


def _released_whole(files: Iterable[SourceFile | Unreadable], today: date, out: Path) -> Finding:
    compilation = compile_sources(files, today)
    finding = Finding(compilation.diagnostics, compilation.sources, compilation.waived)
    if compilation.release is None:
        return finding
    released: dict[str, str] = {}
    write_release(out, hashed(compilation.release, released))
    return replace(finding, released=released, stamps=stamps(out))


class _Looking(Iterator[tuple[str, Content]]):
    """The files of a release while they are made; ``finding`` is there when all of them are."""

    def __init__(self, look: Generator[tuple[str, Content], None, Finding]) -> None:
        self._look = look
        self.finding: Finding

    def __next__(self) -> tuple[str, Content]:
        try:
            return next(self._look)
        except StopIteration as end:
            self.finding = end.value
            raise


def _exhausted(look: Generator[tuple[str, Content], None, Finding]) -> Finding:
    looking = _Looking(look)
    for _ in looking:
        raise AssertionError("a check makes no files")
    return looking.finding


def _readable(files: Iterable[SourceFile | Unreadable]) -> tuple[dict[str, SourceFile], SourceFile | None]:
    """Give the files by path, in their order, and the lock if there is one."""
    found = {}
    for file in sorted(files, key=lambda one: one.path):
        if isinstance(file, Unreadable) or file.path.rpartition("/")[2] == PACK_FILE or is_remote(file.path):
            raise WholeError
        found[file.path] = file
    lock = found.pop(LOCK_FILE, None)
    return found, lock


def _is_told_here(diagnostics: Collector) -> bool:
    """Tell whether the errors of an island are the same in the project as a whole: none is about a name from elsewhere.

    Of fields only one may be unknown: where more are, the header above them may be meant for another object.
    """
    errors = [one for one in diagnostics if one.severity == "error"]
    codes = {one.code for one in errors}
    unknown = len(errors) == 1 and codes <= {"SYN0203", "SYN0204"} and not errors[0].again
    return not diagnostics.beyond and (unknown or all(code[:5] in ("SYN01", "SYN03", "SYN04") for code in codes))


def _bound(project: Declared[ProjectSpec], island: Island) -> Declared[ProjectSpec]:
    """Give the project file with the connections of an island alone."""
    environments = {
        environment: {name: written[name] for name in written.keys() & island.connections}
        for environment, written in project.spec.environments.items()
    }
    return replace(project, spec=project.spec.model_copy(update={"environments": environments}))


def _within(declared: Declared[SystemSpec], names: frozenset[str]) -> Declared[SystemSpec]:
    """Give a system with some of its resources."""
    spec, document = declared.spec, declared.document
    if len(names) == len(spec.resources):
        return declared
    few: dict[str, Any] = {
        key: {name: one for name, one in getattr(spec, key).items() if name in names}
        for key in ("resources", "sandbox")
    }
    value = {**document.value, "resources": {name: document.value["resources"][name] for name in few["resources"]}}
    return Declared(spec.model_copy(update=few), replace(document, value=value))
