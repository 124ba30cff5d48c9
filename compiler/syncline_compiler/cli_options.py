"""What the compiler's commands share: how a project is named, how help is laid out, what exit codes mean."""

from __future__ import annotations

import os
import sys
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TextIO

import click

from syncline_compiler.cache import Finding
from syncline_compiler.diagnostics.render import render_github, render_json, render_text, totals
from syncline_compiler.source import PROJECT_FILE, find_root
from syncline_runtime.cli import examples as examples

FAULT = 1
"""The project is at fault."""

project_option = click.option(
    "--project",
    "project",
    type=click.Path(path_type=Path),
    metavar="DIR",
    help=f"The project, a folder with {PROJECT_FILE}. Default: this folder or the nearest above it that has one.",
)


today_option = click.option(
    "--today",
    type=click.DateTime(["%Y-%m-%d"]),
    metavar="DAY",
    help="The day by which sunsets and waivers are judged, such as 2027-03-01. Default: this day.",
)


def root_of(project: Path | None, path: Path | None) -> Path:
    """Find the project that a command is about; --project wins, then PATH, then this folder."""
    start = project or path or Path.cwd()
    if not start.exists():
        raise click.UsageError(f"{start} does not exist")
    root = find_root(start)
    if root is None:
        where = "this folder" if start == Path.cwd() else str(start)
        raise click.UsageError(f"no {PROJECT_FILE} in {where} or above it; `syncline init DIR` makes a project")
    return root


def has_colour(stream: TextIO) -> bool:
    """Colour only on a terminal, and not if its user wants none (no-color.org)."""
    return stream.isatty() and not os.environ.get("NO_COLOR")


def day_of(given: datetime | None) -> date:
    """Give the day that is asked for; this day if none is."""
    return given.date() if given is not None else datetime.now(UTC).date()


def show(found: Finding, root: Path, form: str, *, to_stderr: bool = False) -> None:
    """Print diagnostics in one of the forms; their totals go to stderr where a form has no room for them."""
    folder = Path(os.path.relpath(root)).as_posix()
    if form == "json":
        click.echo(render_json(found.diagnostics, folder=folder), nl=False)
    elif form == "github":
        click.echo(render_github(found.diagnostics, folder=folder), nl=False)
        click.echo(totals(found.diagnostics), err=True)
    else:
        stream = sys.stderr if to_stderr else sys.stdout
        text = render_text(found.diagnostics, found.sources, folder=folder, colour=has_colour(stream))
        click.echo(text, nl=False, err=to_stderr)
