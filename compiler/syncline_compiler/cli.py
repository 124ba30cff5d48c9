"""The compiler's commands: ``init``, ``check``, ``compile``; ``fmt`` is in ``cli_format``, what looks things up in ``cli_reference``.

In: arguments. Out: what was asked for on stdout, everything else on stderr, and an exit code: 0 done, 1 the project is
at fault, 2 usage. Invariant: a broken spec gives diagnostics and never a traceback.
``syncline_runtime.cli`` registers ``COMMANDS`` where the compiler is installed.
"""

from __future__ import annotations

import getpass
import itertools
import os
import sys
from collections.abc import Container
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import click

from syncline_compiler.cli_format import fmt, rewrite
from syncline_compiler.cli_options import FAULT, examples, has_colour, project_option, root_of
from syncline_compiler.cli_reference import explain, rules, schema
from syncline_compiler.diagnostics.diagnostic import Collector
from syncline_compiler.diagnostics.render import render_github, render_json, render_text, totals
from syncline_compiler.governance.baseline import waivable, waivers_text
from syncline_compiler.passes.format_yaml import format_yaml
from syncline_compiler.pipeline import Compilation, check_project, compile_project, mend_project
from syncline_compiler.project import ProjectRefusedError, create_project, write_files, write_release

WAIVED_FOR = timedelta(days=90)


_today_option = click.option(
    "--today",
    type=click.DateTime(["%Y-%m-%d"]),
    metavar="DAY",
    help="The day by which sunsets and waivers are judged, such as 2027-03-01. Default: this day.",
)


@click.command(epilog=examples("syncline init shop", "cd shop && syncline check"))
@click.argument("directory", type=click.Path(path_type=Path), metavar="DIR")
def init(directory: Path) -> None:
    """Make a small commented project in DIR, which must be empty or new.

    It keeps customers of a CRM and an ERP in step, and runs against stand-ins: no server and no account is needed.
    """
    try:
        written = create_project(directory)
    except ProjectRefusedError as error:
        raise click.UsageError(str(error)) from None
    for path in written:
        click.echo(f"  {directory / path}")
    click.echo(
        f"\nA project with {len(written)} files. Next:\n\n"
        f"  cd {directory}\n"
        "  syncline check       look for mistakes\n"
        "  syncline sandbox     start stand-ins of both systems; leave it running, go on in a second terminal\n"
        "  syncline plan        see what a run would write\n"
        "  syncline run         write it\n\n"
        "Begin reading at syncline.yaml. Editors that speak YAML (VS Code with its YAML extension, and others) complete and\n"
        "explain every key: the schemas are in .schemas, and `syncline schema --out .schemas` brings them up to date.",
        err=True,
    )


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
@_today_option
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
    day = _day(today)
    if taking_up:
        _take_up(root, day, owner, until.date() if until is not None else day + WAIVED_FOR)
    compilation = check_project(root, day)
    shown = _about(compilation.diagnostics, root, path)
    _show(shown, compilation, root, form)
    if form == "text" and not len(shown):
        waived = f", {compilation.waived} waived" if compilation.waived else ""
        click.echo(f"{root.name}: no mistakes in {len(compilation.sources)} files{waived}", err=True)
    sys.exit(FAULT if shown.failed else 0)


@click.command(name="compile", epilog=examples("syncline compile --out release"))
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    required=True,
    metavar="DIR",
    help="Where the release is written; an older release there is replaced as a whole.",
)
@_today_option
@project_option
def compile_(out: Path, today: datetime | None, project: Path | None) -> None:
    """Compile a project to a release: plans, release.json and a binding for each environment.

    Nothing at DIR changes if the project has errors.
    """
    root = root_of(project, None)
    compilation = compile_project(root, _day(today))
    _show(compilation.diagnostics, compilation, root, "text", to_stderr=True)
    if compilation.release is None:
        sys.exit(FAULT)
    try:
        written = write_release(out, compilation.release)
    except ProjectRefusedError as error:
        raise click.UsageError(str(error)) from None
    click.echo(f"{written} files written to {out}", err=True)


COMMANDS: dict[str, click.Command] = {
    "init": init,
    "check": check,
    "compile": compile_,
    "explain": explain,
    "fmt": fmt,
    "schema": schema,
    "rules": rules,
}


def _take_up(root: Path, today: date, owner: str | None, until: date) -> None:
    """Write waivers of all that may be waived into a policy of its own."""
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


def _day(given: datetime | None) -> date:
    return given.date() if given is not None else datetime.now(UTC).date()


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
    within = _within(root, path)
    changed = mend_project(root, lambda file: not within or file == within or file.startswith(f"{within}/"))
    for file, source in changed.items():
        rewrite(root / file, source.text)
        click.echo(f"{Path(os.path.relpath(root / file)).as_posix()}: mended", err=True)


def _show(diagnostics: Collector, compilation: Compilation, root: Path, form: str, *, to_stderr: bool = False) -> None:
    folder = Path(os.path.relpath(root)).as_posix()
    if form == "json":
        click.echo(render_json(diagnostics, folder=folder), nl=False)
    elif form == "github":
        click.echo(render_github(diagnostics, folder=folder), nl=False)
        click.echo(totals(diagnostics), err=True)
    else:
        stream = sys.stderr if to_stderr else sys.stdout
        text = render_text(diagnostics, compilation.sources, folder=folder, colour=has_colour(stream))
        click.echo(text, nl=False, err=to_stderr)
