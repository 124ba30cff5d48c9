"""Whether scenarios notice small mistakes in the specs.

In: a project whose scenarios pass. Out: ``MutationReport``: each mutant, and the scenario that noticed it, if one did. Invariants:
a mutant is compiled like any project, and what does not compile is not counted; the scenarios that are played are those of the
syncs that it is about, those with few runs first, until one fails.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import cache
from multiprocessing import get_context
from pathlib import Path
from typing import Literal

from syncline_compiler.diagnostics.mend import edited
from syncline_compiler.emit.plan import emit
from syncline_compiler.passes.lower import lower
from syncline_compiler.pipeline import Compilation, check_sources
from syncline_compiler.scenarios.mutants import Mutant, mutants_of
from syncline_compiler.scenarios.report import ScenarioReport
from syncline_compiler.scenarios.runner import fast_folder, play_one
from syncline_compiler.source import SourceFile, read_sources
from syncline_compiler.writing import write_release
from syncline_runtime.errors import SynclineError
from syncline_runtime.frozen import dataclass
from syncline_runtime.plan import load_release
from syncline_runtime.sandbox.rehearsal import House

Fate = Literal["noticed", "survived", "no scenario", "does not compile"]


@dataclass(frozen=True)
class Judged:
    """A mutant and what became of it; ``by``: the scenario that noticed it."""

    mutant: Mutant
    fate: Fate
    by: str = ""


@dataclass(frozen=True)
class MutationReport:
    """All mutants that were tried, in the order of their places; ``of``: how many there are."""

    project: str
    judged: tuple[Judged, ...]
    of: int

    def count(self, *fates: Fate) -> int:
        """Count the mutants with one of these fates."""
        return sum(one.fate in fates for one in self.judged)

    @property
    def score(self) -> float | None:
        """The share of the mutants that compile which a scenario noticed; None if there are none."""
        counted = self.count("noticed", "survived", "no scenario")
        return self.count("noticed") / counted if counted else None


def mutate(
    root: Path,
    checked: Compilation,
    report: ScenarioReport,
    *,
    most: int | None = None,
    jobs: int = 1,
    told: Callable[[Judged], None] = lambda judged: None,
) -> MutationReport:
    """Try the mutants of a project, or ``most`` of them, evenly chosen; ``report`` says which scenarios pass, and their runs."""
    assert checked.project is not None
    assert checked.written is not None
    mutants = mutants_of(checked.project, checked.written, checked.sources)
    chosen = (
        mutants if most is None or most >= len(mutants) else [mutants[n * len(mutants) // most] for n in range(most)]
    )
    tasks = [(str(root), mutant, _scenarios(mutant, report)) for mutant in chosen]
    judged = []
    for one in _judge_all(tasks, jobs):
        told(one)
        judged.append(one)
    return MutationReport(checked.project.name, tuple(judged), len(mutants))


_Task = tuple[str, Mutant, tuple[str, ...]]


def _judge_all(tasks: Sequence[_Task], jobs: int) -> Iterator[Judged]:
    if jobs == 1:
        yield from map(_judge, tasks)
        return
    with ProcessPoolExecutor(jobs, mp_context=get_context("spawn")) as pool:
        yield from pool.map(_judge, tasks)


def _scenarios(mutant: Mutant, report: ScenarioReport) -> tuple[str, ...]:
    fit = sorted((one.runs, one.name) for one in report.results if one.passed and one.sync in mutant.syncs)
    return tuple(name for _, name in fit)


@cache
def _files(root: str) -> tuple[SourceFile, ...]:
    return tuple(file for file in read_sources(Path(root)) if isinstance(file, SourceFile))


def _judge(task: _Task) -> Judged:
    """Compile a project with a mistake in it, and play scenarios until one notices."""
    root, mutant, names = task
    path = mutant.span.path
    files = [SourceFile(f.path, edited(f.text, mutant.edits)) if f.path == path else f for f in _files(root)]
    checked = check_sources(files, waivers_end=False)
    if checked.project is None or checked.written is None:
        return Judged(mutant, "does not compile")
    if not names:
        return Judged(mutant, "no scenario")
    with tempfile.TemporaryDirectory(prefix="syncline-mutant-", dir=fast_folder()) as folder:
        write_release(Path(folder) / "release", emit(checked.project, lower(checked.project)))
        with House(load_release(Path(folder) / "release"), Path(folder) / "house", Path(root)) as house:
            for name in names:
                resolved = checked.project.scenarios[name]
                try:
                    result = play_one(checked.written.scenarios[name], resolved, house, Path(folder) / name)
                except SynclineError:
                    return Judged(mutant, "noticed", name)
                if not result.passed:
                    return Judged(mutant, "noticed", name)
    return Judged(mutant, "survived")
