"""Scenarios of a project, played one after the other in this process.

In: a project, and which of its scenarios. Out: ``ScenarioReport``. Invariants: what is played is the release that
`compile` makes, through ``run_release``; each scenario has a state of its own, which is gone afterwards.
"""

from __future__ import annotations

import shutil
import tempfile
import time
from collections.abc import Callable, Collection
from pathlib import Path

from syncline_compiler.emit.plan import emit
from syncline_compiler.model.document import Declared
from syncline_compiler.model.resolved import ResolvedScenario
from syncline_compiler.model.spec_scenario import ScenarioSpec
from syncline_compiler.passes.lower import lower
from syncline_compiler.pipeline import Compilation, check_project
from syncline_compiler.scenarios.judge import judge
from syncline_compiler.scenarios.play import Play, StepFailedError
from syncline_compiler.scenarios.report import Happened, ScenarioReport, ScenarioResult
from syncline_compiler.writing import write_release
from syncline_runtime.plan import load_release
from syncline_runtime.sandbox.rehearsal import House

Told = Callable[[ScenarioResult], None]


class FaultyProjectError(Exception):
    """The project has mistakes, so that nothing can be played; holds what was found."""

    def __init__(self, compilation: Compilation) -> None:
        super().__init__(f"the project has mistakes: {', '.join(map(str, compilation.diagnostics))}")
        self.compilation = compilation


def run_scenarios(
    project: Path | Compilation,
    names: Collection[str] | None = None,
    told: Told = lambda result: None,
    after: Callable[[Play], None] = lambda play: None,
    root: Path | None = None,
) -> ScenarioReport:
    """Play scenarios of a project by name, in the order of their names (None: all); ``told`` hears of each at once.

    ``project``: its folder, or what `check` made of it; ``after`` is called after each run, while what it left is there
    to be looked at; ``root`` is the folder of a project that was checked, for scenarios that begin with an earlier
    release. Raises FaultyProjectError if it has errors.
    """
    checked = project if isinstance(project, Compilation) else check_project(project, waivers_end=False)
    if checked.project is None or checked.written is None:
        raise FaultyProjectError(checked)
    with tempfile.TemporaryDirectory(prefix="syncline-test-", dir=fast_folder()) as folder:
        write_release(Path(folder) / "release", emit(checked.project, lower(checked.project)))
        home = project if isinstance(project, Path) else root
        with House(load_release(Path(folder) / "release"), Path(folder) / "house", home) as house:
            begun, results = time.perf_counter(), []
            for name, resolved in checked.project.scenarios.items():
                if names is None or name in names:
                    declared = checked.written.scenarios[name]
                    results.append(play_one(declared, resolved, house, Path(folder) / name, after))
                    told(results[-1])
    return ScenarioReport(checked.project.name, tuple(results), time.perf_counter() - begun)


def play_one(
    declared: Declared[ScenarioSpec],
    resolved: ResolvedScenario,
    house: House,
    folder: Path,
    after: Callable[[Play], None] = lambda play: None,
) -> ScenarioResult:
    """Play one scenario and hold it against what it expects."""
    begun = time.perf_counter()
    play: Play | None = None
    try:
        play = Play.on(declared, house, folder, after)
        play.do_all()
        with play.rehearsal.looked() as look:
            happened, failures = judge(declared, resolved, play.rehearsal.made, look)
        ended = True
    except StepFailedError as error:
        happened, failures, ended = Happened(), (error.failure,), False
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return ScenarioResult(
        name=resolved.name,
        label=resolved.label,
        sync=resolved.sync,
        span=resolved.span,
        failures=failures,
        runs=play.rehearsal.runs if play is not None else 0,
        seconds=time.perf_counter() - begun,
        ended=ended,
        happened=happened,
    )


def fast_folder() -> Path | None:
    """Find a folder in memory: what lies there need not outlast anything, and nobody waits for a disk."""
    memory = Path("/dev/shm")
    return memory if memory.is_dir() else None
