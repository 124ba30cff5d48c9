"""The command ``drift``: what a system has by now, against what its description says."""

from __future__ import annotations

import difflib
import os
import sys
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import click

from syncline_compiler.cli_options import examples, project_option, root_of
from syncline_compiler.cli_review import format_option, show_review
from syncline_compiler.drift.compare import seen_through
from syncline_compiler.drift.live import Live, read_live
from syncline_compiler.drift.locked import Locked, dump_remote, load_remote
from syncline_compiler.drift.look import Against, look
from syncline_compiler.drift.propose import propose
from syncline_compiler.drift.reading import KINDS, read_shape
from syncline_compiler.drift.remote import DriftError
from syncline_compiler.pipeline import Compilation, check_project, check_sources
from syncline_compiler.review.report import Review
from syncline_compiler.source import MAX_REMOTE, REMOTE_FOLDER, SourceFile, read_beside, read_sources
from syncline_compiler.spelling import nearest
from syncline_compiler.writing import ProjectRefusedError, write_files, write_text

_OPTIONS = (
    click.option(
        "--from",
        "told",
        type=click.Path(path_type=Path),
        metavar="FILE|DIR",
        help="What tells of the system: an OpenAPI 3 document, JSON Schemas, what it describes of itself, or records. "
        "Default: what was locked.",
    ),
    click.option("--kind", type=click.Choice(KINDS), help="What it is. Default: as it says of itself."),
    click.option(
        "--schema",
        "named",
        multiple=True,
        metavar="RESOURCE=NAME",
        help="Under which name it has a resource. May be given several times.",
    ),
    click.option("--live", is_flag=True, help="Ask the system itself: its description of fields, and some records."),
    click.option("--env", "environment", metavar="NAME", help="With --live: the environment. Default: the only one."),
    click.option("--connection", metavar="NAME", help="With --live: which, where the system has several."),
    click.option("--all", "everything", is_flag=True, help="Tell fields that the description does without, too."),
    click.option("--since-lock", is_flag=True, help="Tell only what is otherwise than in the locked shape."),
    click.option("--diff", "showing", is_flag=True, help="Show the edit that --update would make, and nothing else."),
    click.option("--update", "updating", is_flag=True, help="Edit the system description; mappings stay as they are."),
    click.option("--renames", is_flag=True, help="With --update or --diff: take guessed renames for true."),
    click.option("--lock", "locking", is_flag=True, help=f"Keep what was told in {REMOTE_FOLDER}/SYSTEM.json."),
    format_option,
    project_option,
)


def _options(command: Any) -> Any:
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


@click.command(
    epilog=examples(
        "syncline drift crm --from openapi.yaml",
        "syncline drift crm --from openapi.yaml --update --lock",
        "syncline drift crm --from new.json --since-lock --format markdown=drift.md",
        "syncline drift erp --from describe/ --kind describe --diff",
        "syncline drift crm --from samples/ --schema Account=customers",
        "syncline drift crm --live --env production",
        "syncline drift",
    )
)
@click.argument("system", required=False)
@_options
def drift(system: str | None, **options: Any) -> None:
    """Compare the description of SYSTEM with what it is told to be by now, and name what breaks.

    Told are renamed, removed and retyped fields, what creates have to name, new values and changed limits; renames are
    guessed, and said to be. What a document is silent about is no drift. Nothing is asked of any system without --live, and
    nothing written to it. With neither --from nor --live descriptions are held against what was locked: those of all
    systems if none is named.

    Exits with 0 if the description fits, 1 if something breaks what the specs rely on, 3 if something drifted that breaks
    nothing.
    """
    root = root_of(options["project"], None)
    checked = _checked(root)
    _check_options(system, options)
    try:
        names = [_known(system, checked)] if system is not None else _locked_systems(root, checked)
        found = [_Look(root, name, options).show(checked) for name in names]
    except (DriftError, ProjectRefusedError) as error:
        raise click.UsageError(str(error)) from None
    together = replace(
        found[0],
        against=found[0].against if len(found) == 1 else REMOTE_FOLDER,
        findings=tuple(finding for one in found for finding in one.findings),
        notes=tuple(note for one in found for note in one.notes),
    )
    if not options["showing"]:
        show_review(together, root, options["forms"])
    sys.exit(together.exit_code)


def _check_options(system: str | None, options: Mapping[str, Any]) -> None:
    told, live = options["told"] is not None, options["live"]
    if told and live:
        raise click.UsageError("either --from or --live is expected")
    if system is None and (told or live):
        raise click.UsageError("name the system that this tells of, such as: syncline drift crm --from openapi.yaml")
    if not (told or live) and (options["locking"] or options["since_lock"]):
        raise click.UsageError("--lock and --since-lock go with --from or --live: what tells of the system by now")
    if not live and (options["environment"] or options["connection"]):
        raise click.UsageError("--env and --connection go with --live")


class _Look:
    """One look at one system: read, told, and as it is asked for written down."""

    def __init__(self, root: Path, system: str, options: Mapping[str, Any]) -> None:
        self.root, self.system, self.options = root, system, options

    def show(self, checked: Compilation) -> Review:
        """Look, and edit or lock if that is asked for; give what drifted, or still does."""
        against = self._against(checked)
        if not against.shape.objects:
            untold = f"{against.label} tells of no resource of {self.system} ({', '.join(against.shape.untold)})"
            raise DriftError(f"{untold}: --schema RESOURCE=NAME says what is told under another name")
        proposing = self.options["showing"] or self.options["updating"]
        edited = self._proposed(checked, against) if proposing else None
        if self.options["locking"]:
            self._lock(against)
        return look(checked, self.system, against, edited)

    def _against(self, checked: Compilation) -> Against:
        assert checked.known is not None
        told: Path | None = self.options["told"]
        everything = self.options["everything"]
        since = _locked(self.root, self.system).shape if self.options["since_lock"] else None
        if self.options["live"]:
            live = Live(self.options["environment"], self.options["connection"])
            return Against(read_live(checked.known, self.system, live), "what it says itself", since, everything)
        if told is None:
            locked = _locked(self.root, self.system)
            label = f"{REMOTE_FOLDER}/{self.system}.json ({locked.source})"
            return Against(locked.shape, label, everything=everything)
        named = _names(self.options["named"])
        shape = read_shape(told, self.options["kind"], checked.known.systems[self.system], named)
        return Against(shape, told.as_posix(), since, everything)

    def _proposed(self, checked: Compilation, against: Against) -> Compilation | None:
        """Show the edit, and make it if that is asked for; give the project as it is then, None if it is as it was."""
        assert checked.known is not None
        assert checked.written is not None
        declared = checked.written.systems[self.system]
        source = declared.document.source
        path = self.root / source.path
        if not path.is_file():
            raise DriftError(f"{source.path} is not this project's: its description is edited where it comes from")
        overlay = seen_through(checked.known.systems[self.system], against.shape, everything=against.everything)
        proposal = propose(
            source.text, declared.spec, checked.known.systems[self.system], overlay, renames=self.options["renames"]
        )
        to_stderr = any("=" not in form for form in self.options["forms"])
        shown = Path(os.path.relpath(path)).as_posix()
        lines = difflib.unified_diff(source.lines, proposal.text.split("\n"), shown, shown, n=2, lineterm="")
        for line in lines:
            click.echo(line, err=to_stderr)
        for left in proposal.left:
            click.echo(f"left: {left}", err=True)
        if not self.options["updating"] or proposal.text == source.text:
            return None
        written = SourceFile(source.path, proposal.text)
        files = [written if one.path == source.path else one for one in read_sources(self.root)]
        edited = check_sources(files, waivers_end=False)
        if edited.known is None or self.system not in edited.known.systems:
            raise DriftError(f"what was told cannot be written into {shown}: see --diff")
        write_text(path, proposal.text)
        click.echo(f"{shown}: written", err=True)
        return edited

    def _lock(self, against: Against) -> None:
        source = self.options["told"].name if self.options["told"] is not None else against.label
        text = dump_remote(self.system, source, against.shape)
        name = f"{REMOTE_FOLDER}/{self.system}.json"
        write_files(self.root, {name: text})
        click.echo(f"{Path(os.path.relpath(self.root / name)).as_posix()}: written", err=True)


def _checked(root: Path) -> Compilation:
    """Check the project, as far as it can be understood."""
    checked = check_project(root, waivers_end=False)
    if checked.known is None or checked.written is None:
        raise click.UsageError("the project cannot be read: see `syncline check`")
    return checked


def _known(system: str, checked: Compilation) -> str:
    known: Iterable[str] = checked.known.systems if checked.known is not None else ()
    if system not in known:
        guess = nearest(system, known)
        meant = f"did you mean {guess}?" if guess else f"it has: {', '.join(known) or 'none'}"
        raise click.UsageError(f"the project has no system {system!r}; {meant}")
    return system


def _locked_systems(root: Path, checked: Compilation) -> list[str]:
    assert checked.known is not None
    found = [name for name in checked.known.systems if (root / REMOTE_FOLDER / f"{name}.json").is_file()]
    if not found:
        raise DriftError(f"nothing is locked in {REMOTE_FOLDER}: name what tells of a system with --from")
    return found


def _locked(root: Path, system: str) -> Locked:
    name = f"{REMOTE_FOLDER}/{system}.json"
    file = read_beside(root, name, MAX_REMOTE)
    if file is None:
        raise DriftError(f"there is no {name}: name what tells of the system with --from, and keep it with --lock")
    if not isinstance(file, SourceFile):
        raise DriftError(f"{name}: {file.why}; {file.remedy}")
    try:
        return load_remote(file.text)
    except DriftError as error:
        raise DriftError(f"{name}: {error}; --from with --lock writes it anew") from None


def _names(named: tuple[str, ...]) -> Mapping[str, str]:
    parts = [one.partition("=") for one in named]
    if any(not name or not told for name, _, told in parts):
        raise click.UsageError("--schema takes RESOURCE=NAME, such as Account=CustomerRecord")
    return {name: told for name, _, told in parts}
