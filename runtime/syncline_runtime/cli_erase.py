"""`syncline erase`: a record leaves everything that syncline keeps."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import click

from syncline_runtime import report
from syncline_runtime.cli import examples
from syncline_runtime.cli_options import Asked, release_options

HOLDS = {"yes": "still holds it", "no": "no longer holds it", "unknown": "could not be asked"}


@click.command(epilog=examples("syncline erase contact crm:4711   (the id: canonical, or of a system)"))
@click.argument("object", metavar="OBJECT")
@click.argument("id", metavar="ID")
@release_options
def erase(
    at: Asked,
    object: str,
    id: str,
) -> int:
    """Erase all that is kept of a record, for good, and say what each system still holds of it.

    Values leave segments, state, ledger and their files; a keyed tombstone stays, so that the next run does not take the
    record in again. The systems' own copies are not touched. Exits 3 if one still holds it, 4 if one could not be asked.
    """
    from syncline_runtime.upkeep.erasure import erase as erasing

    document = erasing(at.place, object, id, report.progress())
    report.done()
    at.answer(document, lambda: tell_erased(document))
    return exit_code(document)


def exit_code(document: Mapping[str, Any]) -> int:
    """Say whether somebody has something left to do."""
    holds = {one["holds"] for one in document["systems"]}
    return 3 if "yes" in holds else 4 if "unknown" in holds else 0


def tell_erased(document: Mapping[str, Any]) -> None:
    """Print what an erasure came to."""
    if document["before"]:
        click.echo("erased before: nothing of it is kept here")
        return
    click.echo(
        f"erased: {document['rows_removed']} rows in {document['segments_rewritten']} segments, "
        f"{document['ledger_rows']} in the ledger; the next runs do not take it in again"
    )
    for one in document["systems"]:
        click.echo(f"  {one['connection']}.{one['resource']} {one['native_id']}: {HOLDS[one['holds']]}{_remedy(one)}")
    click.echo("  backups of the state folder are yours to see to")


def _remedy(one: Mapping[str, Any]) -> str:
    if one["holds"] == "unknown":
        return f" ({one['why']})"
    if one["holds"] == "no":
        return ""
    return (
        "; it can be deleted over its interface" if one["can_delete"] else "; somebody has to delete it there by hand"
    )
