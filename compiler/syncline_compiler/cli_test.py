"""The command ``test``: scenarios are played, and what is not as expected is told."""

from __future__ import annotations

import gc
import itertools
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from syncline_compiler.cli_options import FAULT, examples, has_colour, project_option, root_of
from syncline_compiler.source import find_root
from syncline_compiler.writing import ProjectRefusedError, write_text

if TYPE_CHECKING:
    from syncline_compiler.model.document import Declared
    from syncline_compiler.pipeline import Compilation
    from syncline_compiler.scenarios import ScenarioReport, ScenarioResult
    from syncline_compiler.scenarios.coverage import CoverageReport
    from syncline_compiler.scenarios.mutation import Judged, MutationReport


@click.command(
    epilog=examples(
        "syncline test",
        "syncline test life_of_a_customer",
        "syncline test scenarios --format junit",
        "syncline test --update && git diff",
        "syncline test --coverage",
        "syncline test --mutate",
    )
)
@click.option(
    "--format",
    "form",
    type=click.Choice(["text", "json", "junit", "github", "gitlab"]),
    default="text",
    show_default=True,
    help="text for people; junit, github and gitlab for what builds show; json for other tools.",
)
@click.option(
    "--update", "updating", is_flag=True, help="Write what came into the scenarios that expect something else."
)
@click.option(
    "--coverage",
    "covering",
    is_flag=True,
    help="Tell which lines, codes, branches, rules and failures no scenario meets.",
)
@click.option(
    "--mutate", "mutating", is_flag=True, help="Make small mistakes in the specs and tell which no scenario notices."
)
@click.option("--most", type=click.IntRange(1), help="With --mutate: so many mistakes at most, evenly chosen.")
@click.option("--jobs", type=click.IntRange(1), help="With --mutate: processes. Default: one for each core.")
@project_option
@click.argument("scenarios", nargs=-1, metavar="[SCENARIO|PATH]...")
def test(
    form: str,
    updating: bool,
    covering: bool,
    mutating: bool,
    most: int | None,
    jobs: int | None,
    project: Path | None,
    scenarios: tuple[str, ...],
) -> None:
    """Play scenarios: offline, through the plans and the runtime of production, against stand-ins in this process.

    A SCENARIO is named as in its file; PATH is the file, a folder of such files, or a project. Default: all. Exits 1 if
    something is not as expected.
    """
    from syncline_compiler.pipeline import check_project
    from syncline_compiler.scenarios import FaultyProjectError, run_scenarios
    from syncline_compiler.scenarios.coverage import Watch

    root = _root(project, scenarios)
    folder = Path(os.path.relpath(root)).as_posix()
    checked = check_project(root, waivers_end=False)
    gc.freeze()  # what was compiled stays; runs make garbage with cycles, which the command line does not look for
    gc.enable()
    try:
        watch = Watch(checked.project, checked.written) if covering and checked.project and checked.written else None
        after = watch.after if watch is not None else lambda play: None
        report = run_scenarios(checked, _chosen(checked, root, scenarios), _teller(form, folder), after, root)
    except FaultyProjectError as error:
        _show_mistakes(error.compilation, folder)
        sys.exit(FAULT)
    _end_progress()
    coverage = watch.report() if watch is not None else None
    if form != "json":
        _print(report, coverage, form, folder)
    if updating:
        _update(checked, report, root)
    mutation = None
    if mutating and not report.failed:
        mutation = _mutate(root, checked, report, most, jobs or os.cpu_count() or 1)
        _tell_mutants(mutation, form, folder)
    if form == "json":
        _print(report, coverage, form, folder, mutation)
    sys.exit(FAULT if any(not (updating and one.ended) for one in report.failed) else 0)


def _print(
    report: ScenarioReport,
    coverage: CoverageReport | None,
    form: str,
    folder: str,
    mutation: MutationReport | None = None,
) -> None:
    """Print what machines read, or the rest of what people do."""
    from syncline_compiler.scenarios.formats import FORMATS, as_json
    from syncline_compiler.scenarios.told import tell_coverage, totals

    if form == "json":
        click.echo(as_json(report, folder, coverage, mutation), nl=False)
    elif form != "text":
        click.echo(FORMATS[form](report, folder), nl=False)
    elif coverage is not None:
        click.echo(tell_coverage(coverage, folder=folder), nl=False)
    click.echo(totals(report), err=True)


def _root(project: Path | None, named: tuple[str, ...]) -> Path:
    """Find the project: by --project, by the first path that is named, or the one around this folder."""
    paths = [Path(name) for name in named if Path(name).exists()]
    return root_of(project, paths[0] if paths and project is None and find_root(paths[0]) else None)


def _chosen(checked: Compilation, root: Path, named: tuple[str, ...]) -> set[str] | None:
    """Give the scenarios that are named, by name or by where they stand; None: all."""
    known: Mapping[str, Declared[Any]] = checked.written.scenarios if checked.written is not None else {}
    if not named or checked.project is None:
        return None
    chosen: set[str] = set()
    for name in named:
        found = {name} if name in known else _within(known, root, Path(name))
        if not found:
            raise click.UsageError(
                f"no scenario is called {name!r}, and none stands there; there are: {', '.join(sorted(known)) or 'none'}"
            )
        chosen |= found
    return chosen


def _within(known: Mapping[str, Declared[Any]], root: Path, path: Path) -> set[str]:
    """Name the scenarios that stand in a file or below a folder."""
    if not path.exists():
        return set()
    wanted = path.resolve()
    files = {name: (root / declared.document.source.path).resolve() for name, declared in known.items()}
    return {name for name, file in files.items() if file == wanted or file.is_relative_to(wanted)}


def _teller(form: str, folder: str) -> Any:
    """Give what is to be done with each result at once: told, or counted on a terminal."""
    from syncline_compiler.scenarios.told import tell

    def told(result: ScenarioResult) -> None:
        if form == "text":
            click.echo(tell(result, folder=folder, colour=has_colour(sys.stdout)), nl=False)
        elif sys.stderr.isatty():
            click.echo(f"\r\x1b[K{result.name}", nl=False, err=True)

    return told


def _update(checked: Compilation, report: ScenarioReport, root: Path) -> None:
    """Write what came into the scenarios that were played to their end."""
    from syncline_compiler.scenarios.recording import recorded

    assert checked.written is not None
    for result in report.failed:
        declared = checked.written.scenarios[result.name]
        source = declared.document.source
        after = recorded(source.text, declared.spec.expect, result.happened) if result.ended else source.text
        if after != source.text:
            try:
                write_text(root / source.path, after)
            except ProjectRefusedError as error:
                raise click.UsageError(str(error)) from None
            click.echo(f"{Path(os.path.relpath(root / source.path)).as_posix()}: updated", err=True)


def _mutate(root: Path, checked: Compilation, report: ScenarioReport, most: int | None, jobs: int) -> MutationReport:
    """Make small mistakes, and find out which of them a scenario notices."""
    from syncline_compiler.scenarios.mutation import mutate

    tried = itertools.count(1)

    def told(judged: Judged) -> None:
        if sys.stderr.isatty():
            click.echo(f"\r\x1b[K{next(tried)} {judged.mutant.span}", nl=False, err=True)

    mutation = mutate(root, checked, report, most=most, jobs=jobs, told=told)
    _end_progress()
    return mutation


def _tell_mutants(mutation: MutationReport, form: str, folder: str) -> None:
    """Tell people which mistakes no scenario notices; beside what machines read, on standard error."""
    from syncline_compiler.scenarios.told import score, tell_mutants

    if form != "json":
        told = tell_mutants(mutation, folder=folder, colour=form == "text" and has_colour(sys.stdout))
        click.echo(told, nl=False, err=form != "text")
    click.echo(score(mutation), err=True)


def _end_progress() -> None:
    if sys.stderr.isatty():
        click.echo("\r\x1b[K", nl=False, err=True)


def _show_mistakes(compilation: Compilation, folder: str) -> None:
    from syncline_compiler.diagnostics.render import render_text

    text = render_text(compilation.diagnostics, compilation.sources, folder=folder, colour=has_colour(sys.stderr))
    click.echo(text, nl=False, err=True)
    click.echo("scenarios are played once the project has no mistakes", err=True)
