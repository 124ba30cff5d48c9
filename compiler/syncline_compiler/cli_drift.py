"""The command ``drift``: what a system has by now, against what its description says."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping
from pathlib import Path

import click

from syncline_compiler.cli_options import examples, project_option, root_of
from syncline_compiler.cli_review import format_option, show_review
from syncline_compiler.drift.look import Against, look
from syncline_compiler.drift.reading import KINDS, read_shape
from syncline_compiler.drift.remote import DriftError, SourceKind
from syncline_compiler.pipeline import Compilation, check_project
from syncline_compiler.spelling import nearest


@click.command(
    epilog=examples(
        "syncline drift crm --from openapi.yaml",
        "syncline drift erp --from describe/ --kind describe --format markdown=drift.md",
        "syncline drift crm --from samples/ --schema Account=customers",
    )
)
@click.argument("system")
@click.option(
    "--from",
    "told",
    required=True,
    type=click.Path(path_type=Path),
    metavar="FILE|DIR",
    help="What tells of the system: an OpenAPI 3 document, JSON Schemas, what it describes of itself, or records.",
)
@click.option("--kind", type=click.Choice(KINDS), help="What it is. Default: as it says of itself.")
@click.option(
    "--schema",
    "named",
    multiple=True,
    metavar="RESOURCE=NAME",
    help="Under which name it has a resource. May be given several times.",
)
@click.option("--all", "everything", is_flag=True, help="Tell fields that the description does without, too.")
@format_option
@project_option
def drift(
    system: str,
    told: Path,
    kind: SourceKind | None,
    named: tuple[str, ...],
    everything: bool,
    forms: tuple[str, ...],
    project: Path | None,
) -> None:
    """Compare the description of SYSTEM with what it is told to be by now, and name the mappings that break.

    Told are renamed, removed and retyped fields, what creates have to name, new values and changed limits; renames are
    guessed, and said to be. What a document is silent about is no drift. Nothing is asked of any system.

    Exits with 0 if the description fits, 1 if something breaks what the specs rely on, 3 if something drifted that breaks
    nothing.
    """
    root = root_of(project, None)
    checked = _checked(root, system)
    assert checked.known is not None
    try:
        shape = read_shape(told, kind, checked.known.systems[system], _names(named))
    except DriftError as error:
        raise click.UsageError(str(error)) from None
    found = look(checked, system, Against(shape, str(told), everything=everything))
    show_review(found, root, forms)
    sys.exit(found.exit_code)


def _checked(root: Path, system: str) -> Compilation:
    """Check the project, as far as it can be understood; it has to have the system."""
    checked = check_project(root, waivers_end=False)
    known: Iterable[str] = checked.known.systems if checked.known is not None else ()
    if checked.known is None or checked.written is None or system not in known:
        guess = nearest(system, known)
        meant = (
            f"did you mean {guess}?"
            if guess
            else f"it has: {', '.join(known) or 'none that can be read: see `syncline check`'}"
        )
        raise click.UsageError(f"the project has no system {system!r}; {meant}")
    return checked


def _names(named: tuple[str, ...]) -> Mapping[str, str]:
    parts = [one.partition("=") for one in named]
    if any(not name or not told for name, _, told in parts):
        raise click.UsageError("--schema takes RESOURCE=NAME, such as Account=CustomerRecord")
    return {name: told for name, _, told in parts}
