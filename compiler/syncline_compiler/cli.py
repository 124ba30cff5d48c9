"""The compiler's commands: ``init``, ``check``, ``compile``, ``explain``, ``fmt``, ``schema``.

In: arguments. Out: what was asked for on stdout, everything else on stderr, and an exit code: 0 done, 1 the project is
at fault, 2 usage. Invariant: a broken spec gives diagnostics and never a traceback.
``syncline_runtime.cli`` registers ``COMMANDS`` where the compiler is installed.
"""

from __future__ import annotations

import difflib
import os
import sys
from collections.abc import Iterable, Sequence
from datetime import date, datetime
from pathlib import Path
from typing import TextIO

import click

from syncline_compiler.diagnostics import catalogue
from syncline_compiler.diagnostics.diagnostic import Collector
from syncline_compiler.diagnostics.render import render_github, render_json, render_text, totals
from syncline_compiler.passes.format_mapping import format_mapping
from syncline_compiler.passes.parse_mapping import parse_mapping
from syncline_compiler.pipeline import Compilation, check_project, compile_project, mend_project
from syncline_compiler.project import ProjectRefusedError, create_project, write_files, write_release, write_text
from syncline_compiler.schemas import MODELS, as_text, schema_files, schema_of, schema_of_any
from syncline_compiler.source import PROJECT_FILE, SourceFile, find_root, read_sources
from syncline_compiler.spelling import nearest

FAULT, USAGE = 1, 2

_project_option = click.option(
    "--project",
    "project",
    type=click.Path(path_type=Path),
    metavar="DIR",
    help=f"The project, a folder with {PROJECT_FILE}. Default: this folder or the nearest above it that has one.",
)


_today_option = click.option(
    "--today",
    type=click.DateTime(["%Y-%m-%d"]),
    metavar="DAY",
    help="The day by which sunsets are judged, such as 2027-03-01. Default: this day.",
)


def _examples(*lines: str) -> str:
    """Lay out examples at the end of a help text; the mark keeps click from joining the lines."""
    return "\b\nExamples:\n" + "\n".join(f"  {line}" for line in lines)


@click.command(epilog=_examples("syncline init shop", "cd shop && syncline check"))
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
    epilog=_examples("syncline check", "syncline check --format json examples/quickstart", "syncline check account.map")
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
@click.option("--fix", "fixing", is_flag=True, help="First mend what is certain, such as misspelt names and keys.")
@_project_option
@click.argument("path", type=click.Path(path_type=Path), required=False)
def check(form: str, today: datetime | None, fixing: bool, project: Path | None, path: Path | None) -> None:
    """Look for mistakes in a project.

    PATH is a project's folder, or one file of a project: then only what is said about that file is shown, or mended.
    """
    root = _root(project, path)
    if fixing:
        _mend(root, path)
    compilation = check_project(root, _day(today))
    shown = _about(compilation.diagnostics, root, path)
    _show(shown, compilation, root, form)
    if form == "text" and not len(shown):
        click.echo(f"{root.name}: no mistakes in {len(compilation.sources)} files", err=True)
    sys.exit(FAULT if shown.failed else 0)


@click.command(name="compile", epilog=_examples("syncline compile --out release"))
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    required=True,
    metavar="DIR",
    help="Where the release is written; an older release there is replaced as a whole.",
)
@_today_option
@_project_option
def compile_(out: Path, today: datetime | None, project: Path | None) -> None:
    """Compile a project to a release: plans, release.json and a binding for each environment.

    Nothing at DIR changes if the project has errors.
    """
    root = _root(project, None)
    compilation = compile_project(root, _day(today))
    _show(compilation.diagnostics, compilation, root, "text", to_stderr=True)
    if compilation.release is None:
        sys.exit(FAULT)
    try:
        written = write_release(out, compilation.release)
    except ProjectRefusedError as error:
        raise click.UsageError(str(error)) from None
    click.echo(f"{written} files written to {out}", err=True)


@click.command(epilog=_examples("syncline explain SYN0501", "syncline explain --list"))
@click.argument("code", required=False)
@click.option("--list", "listing", is_flag=True, help="List every code with its summary.")
def explain(code: str | None, listing: bool) -> None:
    """Explain a diagnostic: what it means, why it matters, what fails and how it is mended."""
    if listing:
        for known in catalogue.codes():
            page = catalogue.page(known)
            click.echo(f"{known}  {'at run time' if page.at_run_time else page.severity:<11}  {page.summary}")
        return
    if code is None:
        raise click.UsageError("name a code, such as SYN0501, or use --list")
    wanted = code.strip().upper()
    if wanted not in catalogue.codes():
        raise click.UsageError(f"there is no code {code!r}.{_near(wanted)}")
    page = catalogue.page(wanted)
    click.echo(f"{wanted}: {page.summary}\n\n{page.text.strip()}")


@click.command(epilog=_examples("syncline fmt", "syncline fmt --check --diff", "syncline fmt account.map"))
@click.option("--check", "checking", is_flag=True, help="Change nothing; exit 1 if a file is not in the one format.")
@click.option("--diff", "diff", is_flag=True, help="Show what would change, and change nothing.")
@_project_option
@click.argument("paths", nargs=-1, type=click.Path(exists=True, path_type=Path))
def fmt(checking: bool, diff: bool, project: Path | None, paths: tuple[Path, ...]) -> None:
    """Bring mappings (.map files) into the one format.

    PATH is a mapping or a folder of mappings. Default: all mappings of the project. A file with a syntax error is left
    as it is, and the exit code is 1.
    """
    changed = unreadable = 0
    for path in _mappings(paths or (_root(project, None),)):
        before = _read(path)
        unreadable += _report_syntax(path, before)
        after = format_mapping(before)
        if after == before:
            continue
        changed += 1
        if diff:
            click.echo(_difference(path, before, after), nl=False)
        if not (checking or diff):
            _write(path, after)
        click.echo(f"{path}: {'not in the one format' if checking or diff else 'formatted'}", err=True)
    sys.exit(FAULT if unreadable or (changed and checking) else 0)


@click.command(
    epilog=_examples("syncline schema sync", "syncline schema --out .schemas", "syncline schema > syncline.schema.json")
)
@click.argument("kind", required=False, type=click.Choice(sorted(MODELS)))
@click.option(
    "--out", type=click.Path(path_type=Path), metavar="DIR", help="Write the schema of every kind into this folder."
)
def schema(kind: str | None, out: Path | None) -> None:
    """Print the JSON Schema of one kind of spec, or one schema for all files.

    Editors complete and check specs by it. A project that `syncline init` made has them in .schemas already.
    """
    if out is None:
        click.echo(as_text(schema_of(kind) if kind else schema_of_any()), nl=False)
        return
    if kind is not None:
        raise click.UsageError("--out writes every kind: name no KIND with it")
    files = schema_files()
    try:
        write_files(out, files)
    except ProjectRefusedError as error:
        raise click.UsageError(str(error)) from None
    click.echo(f"{len(files)} schemas written to {out}", err=True)


COMMANDS: dict[str, click.Command] = {
    "init": init,
    "check": check,
    "compile": compile_,
    "explain": explain,
    "fmt": fmt,
    "schema": schema,
}


def _root(project: Path | None, path: Path | None) -> Path:
    """Find the project that a command is about; --project wins, then PATH, then this folder."""
    start = project or path or Path.cwd()
    if not start.exists():
        raise click.UsageError(f"{start} does not exist")
    root = find_root(start)
    if root is None:
        where = "this folder" if start == Path.cwd() else str(start)
        raise click.UsageError(f"no {PROJECT_FILE} in {where} or above it; `syncline init DIR` makes a project")
    return root


def _day(given: datetime | None) -> date | None:
    return given.date() if given is not None else None


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
        _write(root / file, source.text)
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
        text = render_text(diagnostics, compilation.sources, folder=folder, colour=_has_colour(stream))
        click.echo(text, nl=False, err=to_stderr)


def _has_colour(stream: TextIO) -> bool:
    """Colour only on a terminal, and not if its user wants none (no-color.org)."""
    return stream.isatty() and not os.environ.get("NO_COLOR")


def _near(code: str) -> str:
    guess = nearest(code, catalogue.codes())
    groups = [known for length in (5, 4) for known in catalogue.codes() if known[:length] == code[:length]]
    near = list(dict.fromkeys([*([guess] if guess else []), *groups]))[:5]
    return f" Did you mean {', '.join(near)}?" if near else " `syncline explain --list` lists all."


def _mappings(paths: Sequence[Path]) -> Iterable[Path]:
    for path in paths:
        if path.is_dir():
            yield from (path / file.path for file in read_sources(path) if file.path.endswith(".map"))
        else:
            yield path


def _report_syntax(path: Path, text: str) -> bool:
    """Show the syntax errors of a mapping; say whether there are any."""
    source, diagnostics = SourceFile(path.as_posix(), text), Collector()
    parse_mapping(source, diagnostics)
    shown = render_text(diagnostics, {source.path: source}, colour=_has_colour(sys.stderr))
    click.echo(shown, nl=False, err=True)
    return diagnostics.failed


def _read(path: Path) -> str:
    try:
        return path.read_bytes().decode("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise click.UsageError(f"{path} cannot be read: {error}") from None


def _write(path: Path, text: str) -> None:
    try:
        write_text(path, text)
    except ProjectRefusedError as error:
        raise click.UsageError(str(error)) from None


def _difference(path: Path, before: str, after: str) -> str:
    lines = difflib.unified_diff(
        before.splitlines(keepends=True), after.splitlines(keepends=True), str(path), f"{path} (formatted)"
    )
    return "".join(lines)
