"""The command ``compile``: a project to a release."""

from __future__ import annotations

import os
import sys
from datetime import date, datetime
from pathlib import Path

import click

from syncline_compiler.cache import Cache, Finding, holds
from syncline_compiler.cli_options import FAULT, day_of, examples, project_option, root_of, show, today_option
from syncline_compiler.memory import Memory
from syncline_compiler.source import LOCK_FILE, SourceFile, Unreadable, read_with_lock
from syncline_compiler.writing import ProjectRefusedError, write_text


@click.command(
    name="compile", epilog=examples("syncline compile --out release", "syncline compile --bump --out release")
)
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    required=True,
    metavar="DIR",
    help="Where the release is written; an older release there is replaced as a whole.",
)
@click.option("--bump", is_flag=True, help=f"First raise the versions that changes demand, and write {LOCK_FILE}.")
@today_option
@project_option
@click.option("--brief", is_flag=True, hidden=True)  # what commands ask that compile on the way to something else
def compile_(out: Path, bump: bool, brief: bool, today: datetime | None, project: Path | None) -> None:
    """Compile a project to a release: plans, release.json and a binding for each environment.

    Nothing at DIR changes if the project has errors. Where the project has a syncline.lock, every change since it was written shows in
    the version of what changed; --bump sees to that, and makes the lock of a project that has none.
    """
    root, day = root_of(project, None), day_of(today)
    if bump:
        _bump(root, day)
    files = list(read_with_lock(root))
    cache = Cache(root, f"compile {day}", files)
    known = cache.recall()
    is_new = known is None or not holds(out, known)
    if known is None or is_new:
        known, memory = _compile(files, day, out, cache.memory())
        cache.keep(known, memory)
        done = f"{len(known.released or ())} files written to {out}"
    else:
        done = f"nothing changed: the {len(known.released or ())} files in {out} are up to date"
    if brief and known.released is not None:
        if is_new:
            click.echo(_in_brief(done, known), err=True)
        return
    show(known, root, "text", to_stderr=True)
    if known.released is None:
        sys.exit(FAULT)
    click.echo(done, err=True)


def _in_brief(done: str, known: Finding) -> str:
    count = known.diagnostics.warnings
    return f"{done} ({count} warning{'s' if count > 1 else ''}: see `syncline check`)" if count else done


def _bump(root: Path, day: date) -> None:
    """Write the versions that are due and the lock; a project with mistakes is left as it is."""
    from syncline_compiler.bump import bumped

    try:
        for path, text in bumped(root, day).items():
            write_text(root / path, text)
            click.echo(f"{Path(os.path.relpath(root / path)).as_posix()}: written", err=True)
    except ProjectRefusedError as error:
        raise click.UsageError(str(error)) from None


def _compile(
    files: list[SourceFile | Unreadable], day: date, out: Path, memory: Memory
) -> tuple[Finding, Memory | None]:
    from syncline_compiler.piecewise import release_pieces  # a second that a project without changes need not wait

    try:
        return release_pieces(files, day, out, memory)
    except ProjectRefusedError as error:
        raise click.UsageError(str(error)) from None
