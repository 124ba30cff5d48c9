"""The command ``docs``: what the specs say, for those who do not read specs."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import click

from syncline_compiler.cache import Finding
from syncline_compiler.cli_options import FAULT, examples, project_option, root_of, show
from syncline_compiler.docs.documentation import Documentation, about, as_json
from syncline_compiler.docs.gather import gather
from syncline_compiler.docs.pages import MARK, render_one_page, render_pages
from syncline_compiler.pipeline import check_project
from syncline_compiler.query.project_query import ProjectQuery
from syncline_compiler.writing import ProjectRefusedError, write_pages, write_text

STDOUT = Path("-")
FOLDER = Path("build") / "docs"
"""Where pages go within the project if nobody says where; specs there are not read."""


@click.command(
    epilog=examples(
        "syncline docs",
        "syncline docs --out handbook --source https://git.example.com/specs/blob/main",
        "syncline docs --format json | jq '.objects[].fields[] | select(.pii)'",
        "syncline docs --out - objects/account.yaml",
    )
)
@click.option(
    "--format",
    "form",
    type=click.Choice(["markdown", "json"]),
    default="markdown",
    show_default=True,
    help="markdown for people, json for tools.",
)
@click.option(
    "--out",
    type=click.Path(path_type=Path, allow_dash=True),
    metavar="FOLDER|-",
    help=f"Where it goes: a folder of pages, which replaces an older one ({FOLDER} in the project), or for JSON a file; - prints it.",
)
@click.option(
    "--source", metavar="URL", help="Where the specs can be read, for links to their lines. Default: in the project."
)
@project_option
@click.argument("paths", nargs=-1, type=click.Path(exists=True, path_type=Path), metavar="[PATH]...")
def docs(form: str, out: Path | None, source: str | None, project: Path | None, paths: tuple[Path, ...]) -> None:
    """Write down what the specs say: the field dictionary, code tables, ownership and lineage.

    Every field is told with its label, type, format, unit, accepted values, owner, who provides it and who gets it, and
    with the fields that it is made of and that it feeds, through which steps and by which line.

    PATH is a project's folder, or files and folders of a project: then only what is declared there is told. Nothing is
    written while the project has errors.
    """
    root = root_of(project, paths[0] if paths else None)
    documentation = _documentation(root, paths)
    if form == "json":
        _put(as_json(documentation), out or STDOUT)
    elif out == STDOUT:
        _put(render_one_page(documentation), STDOUT)
    else:
        _write(documentation, out if out is not None else root / FOLDER, root, source)


def _documentation(root: Path, paths: tuple[Path, ...]) -> Documentation:
    compilation = check_project(root)
    if compilation.project is None:
        show(Finding(compilation.diagnostics, compilation.sources, compilation.waived), root, "text", to_stderr=True)
        sys.exit(FAULT)
    documentation = gather(ProjectQuery(compilation), compilation.governance)
    within = [_within(path, root) for path in paths]
    return about(documentation, within) if within and "." not in within else documentation


def _within(path: Path, root: Path) -> str:
    """Give the way from the project to a file or folder of it."""
    if not path.resolve().is_relative_to(root):
        raise click.UsageError(f"{path} is not in the project {root}")
    return path.resolve().relative_to(root).as_posix()


def _write(documentation: Documentation, out: Path, root: Path, source: str | None) -> None:
    try:
        written = write_pages(out, render_pages(documentation, source or _way(out, root)), MARK)
    except ProjectRefusedError as error:
        raise click.UsageError(str(error)) from None
    click.echo(f"{written} pages written to {Path(os.path.relpath(out)).as_posix()}", err=True)


def _way(out: Path, root: Path) -> str | None:
    """Give the way from the pages to the specs, if the pages lie in the project."""
    return Path(os.path.relpath(root, out)).as_posix() if out.resolve().is_relative_to(root) else None


def _put(text: str, out: Path) -> None:
    if out == STDOUT:
        click.echo(text, nl=False)
        return
    try:
        write_text(out, text)
    except ProjectRefusedError as error:
        raise click.UsageError(str(error)) from None
    click.echo(f"written to {out}", err=True)
