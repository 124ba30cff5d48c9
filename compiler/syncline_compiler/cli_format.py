"""The command ``fmt``: specs and mappings in the one format.

In: files and folders. Out: the files rewritten, or what would change. Invariant: a file that cannot be read is told with
its mistakes and left as it is.
"""

from __future__ import annotations

import difflib
import sys
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path

import click

from syncline_compiler.cli_options import FAULT, examples, has_colour, project_option, root_of
from syncline_compiler.diagnostics.diagnostic import Collector
from syncline_compiler.diagnostics.render import render_text
from syncline_compiler.layouts import laid_out
from syncline_compiler.source import SourceFile, Unreadable, is_remote, read_one, read_sources
from syncline_compiler.writing import ProjectRefusedError, write_text


@click.command(epilog=examples("syncline fmt", "syncline fmt --check --diff", "syncline fmt account.map syncs"))
@click.option("--check", "checking", is_flag=True, help="Change nothing; exit 1 if a file is not in the one format.")
@click.option("--diff", "diff", is_flag=True, help="Show what would change, and change nothing.")
@project_option
@click.argument("paths", nargs=-1, type=click.Path(exists=True, path_type=Path))
def fmt(checking: bool, diff: bool, project: Path | None, paths: tuple[Path, ...]) -> None:
    """Bring specs (YAML) and mappings (.map) into the one format.

    PATH is a file or a folder. Default: all of the project. Values, comments and the order of keys stay, and so does the
    choice between [a, b] and lines of their own. A file with a syntax error is left as it is, and the exit code is 1.
    """
    changed = unreadable = 0
    for file in _files(paths or (root_of(project, None),)):
        after = _formatted(file)
        if after is None or isinstance(file, Unreadable):
            unreadable += 1
        elif after != file.text:
            changed += 1
            if diff:
                click.echo(_difference(file, after), nl=False)
            if not (checking or diff):
                rewrite(Path(file.path), after)
            click.echo(f"{file.path}: {'not in the one format' if checking or diff else 'formatted'}", err=True)
    sys.exit(FAULT if unreadable or (changed and checking) else 0)


def rewrite(path: Path, text: str) -> None:
    """Replace a file's text."""
    try:
        write_text(path, text)
    except ProjectRefusedError as error:
        raise click.UsageError(str(error)) from None


def _files(paths: Iterable[Path]) -> Iterator[SourceFile | Unreadable]:
    """Read files, and all of folders; each under the path by which it can be written."""
    for path in paths:
        if path.is_dir():
            specs = (file for file in read_sources(path) if not is_remote(file.path))
            yield from (replace(file, path=(path / file.path).as_posix()) for file in specs)
        else:
            yield read_one(path)


def _formatted(file: SourceFile | Unreadable) -> str | None:
    """Give the text in the one format; None, with the reasons told, for a file that cannot be read."""
    diagnostics, sources = Collector(), {}
    text = None
    if isinstance(file, Unreadable):
        diagnostics.report(file.code, file.span, label=file.why, help=file.remedy)
    else:
        sources[file.path] = file
        text = laid_out(file, diagnostics)
    if text is None:
        click.echo(render_text(diagnostics, sources, colour=has_colour(sys.stderr)), nl=False, err=True)
    return text


def _difference(file: SourceFile, after: str) -> str:
    before = file.text.splitlines(keepends=True)
    return "".join(difflib.unified_diff(before, after.splitlines(keepends=True), file.path, f"{file.path} (formatted)"))
