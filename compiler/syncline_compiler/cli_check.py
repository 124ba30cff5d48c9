"""The command ``check``: mistakes are shown, mended where that is certain, or waived to take up an existing project."""

from __future__ import annotations

import getpass
import itertools
import os
import sys
from collections.abc import Container
from dataclasses import replace
from datetime import date, datetime, timedelta
from pathlib import Path

import click

from syncline_compiler.cache import Cache, Finding
from syncline_compiler.cli_options import FAULT, day_of, examples, project_option, root_of, show, today_option
from syncline_compiler.diagnostics.diagnostic import Collector
from syncline_compiler.source import read_sources
from syncline_compiler.writing import ProjectRefusedError, write_files, write_text

WAIVED_FOR = timedelta(days=90)


@click.command(
    epilog=examples("syncline check", "syncline check --format json examples/quickstart", "syncline check account.map")
)
@click.option(
    "--format",
    "form",
    type=click.Choice(["text", "json", "github"]),
    default="text",
    show_default=True,
    help="text for people, json for tools, github for annotations in a pull request.",
)
@today_option
@click.option("--baseline", "taking_up", is_flag=True, help="First waive what policies and warnings find now.")
@click.option("--owner", metavar="NAME", help="With --baseline: who looks after the waivers. Default: the steward.")
@click.option(
    "--until",
    type=click.DateTime(["%Y-%m-%d"]),
    metavar="DAY",
    help="With --baseline: the day on which the waivers end. Default: in 90 days.",
)
@click.option("--fix", "fixing", is_flag=True, help="First mend what is certain, such as misspelt names and keys.")
@project_option
@click.argument("path", type=click.Path(path_type=Path), required=False)
def check(
    form: str,
    today: datetime | None,
    taking_up: bool,
    owner: str | None,
    until: datetime | None,
    fixing: bool,
    project: Path | None,
    path: Path | None,
) -> None:
    """Look for mistakes in a project.

    PATH is a project's folder, or one file of a project: then only what is said about that file is shown, or mended.
    """
    root = root_of(project, path)
    if fixing:
        _mend(root, path)
    day = day_of(today)
    if taking_up:
        _take_up(root, day, owner, until.date() if until is not None else day + WAIVED_FOR)
    known = _find(root, day)
    shown = replace(known, diagnostics=_about(known.diagnostics, root, path))
    show(shown, root, form)
    if form == "text" and not len(shown.diagnostics):
        waived = f", {known.waived} waived" if known.waived else ""
        click.echo(f"{root.name}: no mistakes in {known.files} files{waived}", err=True)
    sys.exit(FAULT if shown.diagnostics.failed else 0)


def _find(root: Path, day: date) -> Finding:
    """Check a project, or remember what was found of it; nothing of the compiler is imported for the latter."""
    files = list(read_sources(root))
    cache = Cache(root, f"check {day}", files)
    known = cache.recall()
    if known is None:
        from syncline_compiler.piecewise import check_pieces

        known, memory = check_pieces(files, day, cache.memory())
        cache.keep(known, memory)
    return known


def _take_up(root: Path, today: date, owner: str | None, until: date) -> None:
    """Write waivers of all that may be waived into a policy of its own."""
    from syncline_compiler.governance.baseline import waivable, waivers_text
    from syncline_compiler.passes.format_yaml import format_yaml
    from syncline_compiler.pipeline import check_project

    compilation = check_project(root, today)
    places = waivable(compilation.diagnostics)
    if not places:
        click.echo("nothing to waive", err=True)
        return
    name, path = _free_name(root, compilation.sources)
    who = owner or compilation.steward or getpass.getuser()
    try:
        write_files(root, {path: format_yaml(waivers_text(name, places, owner=who, today=today, until=until))})
    except ProjectRefusedError as error:
        raise click.UsageError(str(error)) from None
    found = sum(map(len, places.values()))
    click.echo(f"{path}: {found} waived until {until.isoformat()}, looked after by {who}", err=True)


def _free_name(root: Path, sources: Container[str]) -> tuple[str, str]:
    """Find a name for a policy that the project does not have, and its file."""
    names = (f"waivers_{number}" if number else "waivers" for number in itertools.count())
    free = ((name, f"policies/{name}.yaml") for name in names)
    return next((name, path) for name, path in free if path not in sources and not (root / path).exists())


def _about(diagnostics: Collector, root: Path, path: Path | None) -> Collector:
    """Keep what is said about one file or folder, if one is asked for."""
    within = _within(root, path)
    return diagnostics.about(within) if within else diagnostics


def _within(root: Path, path: Path | None) -> str:
    """Give the way from the project to the file or folder that is asked for; "" for all of it."""
    if path is None or path.resolve() == root or not path.resolve().is_relative_to(root):
        return ""
    return path.resolve().relative_to(root).as_posix()


def _mend(root: Path, path: Path | None) -> None:
    from syncline_compiler.pipeline import mend_project

    within = _within(root, path)
    changed = mend_project(root, lambda file: not within or file == within or file.startswith(f"{within}/"))
    for file, source in changed.items():
        try:
            write_text(root / file, source.text)
        except ProjectRefusedError as error:
            raise click.UsageError(str(error)) from None
        click.echo(f"{Path(os.path.relpath(root / file)).as_posix()}: mended", err=True)
