"""What the compiler's commands share: how a project is named, how help is laid out, what exit codes mean."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TextIO

import click

from syncline_compiler.source import PROJECT_FILE, find_root

FAULT = 1
"""The project is at fault."""

project_option = click.option(
    "--project",
    "project",
    type=click.Path(path_type=Path),
    metavar="DIR",
    help=f"The project, a folder with {PROJECT_FILE}. Default: this folder or the nearest above it that has one.",
)


def examples(*lines: str) -> str:
    """Lay out examples at the end of a help text; the mark keeps click from joining the lines."""
    return "\b\nExamples:\n" + "\n".join(f"  {line}" for line in lines)


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
