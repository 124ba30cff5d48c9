"""`syncline state`: is it whole, make it again, make it smaller. What the commands do is in ``upkeep``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import click

from syncline_runtime import report
from syncline_runtime.cli import examples
from syncline_runtime.cli_options import Asked, age, release_options


@click.group(epilog=examples("syncline state verify --env production", "syncline state rebuild --env production"))
def state() -> None:
    """See to the state: what is known of every record, folded from segments that the ledger registers."""


@state.command(epilog=examples("syncline state rebuild --env sandbox"))
@release_options
def rebuild(at: Asked) -> int:
    """Make the state again from the segments, row for row the same."""
    from syncline_runtime.upkeep.integrity import rebuild_state

    document = rebuild_state(at.place, report.progress())
    report.done()
    at.answer(document, lambda: click.echo(f"rebuilt from {document['segments']} segments"))
    return 0


@state.command(epilog=examples("syncline state verify --env sandbox"))
@release_options
def verify(at: Asked) -> int:
    """Check every segment's hash, and that the state is what they fold to; exits 5 if not."""
    from syncline_runtime.upkeep.integrity import verify_state

    document = verify_state(at.place, report.progress())
    report.done()
    at.answer(document, lambda: _tell_verified(document))
    return 0 if document["ok"] else 5


def _tell_verified(document: Mapping[str, Any]) -> None:
    if document["ok"]:
        click.echo(f"state and segments agree ({document['segments']} segments)")
    else:
        click.echo(f"the state differs from its segments: {', '.join(document['differing'])}")
        click.echo("  make it again with `syncline state rebuild`")


@state.command(epilog=examples("syncline state compact --keep 30d"))
@click.option(
    "--keep", callback=age, default="90d", show_default=True,
    help="Landed rows and outcomes older than this go, unless something is open that began before.",
)  # fmt: skip
@release_options
def compact(
    at: Asked,
    keep: int,
) -> int:
    """Put many small segments together into few; the state they fold to stays the same, row for row.

    Runs do this by themselves now and then. What is known of records never goes; what goes is the past that `replay`
    reads again, `rollback` undoes and `trace` tells.
    """
    from syncline_runtime.upkeep.compaction import compact_state

    document = compact_state(at.place, keep, report.progress())
    report.done()
    at.answer(document, lambda: _tell_compacted(document))
    return 0


def _tell_compacted(document: Mapping[str, Any]) -> None:
    before, after = document["before"], document["after"]
    click.echo(f"{before['segments']} segments became {after['segments']}")
    click.echo(f"  {_size(before['bytes'])} became {_size(after['bytes'])}")
    if document["strays_removed"]:
        click.echo(f"  {document['strays_removed']} files that interrupted work had left were removed")
    if document["rows_dropped"]:
        click.echo(f"  {document['rows_dropped']} landed rows and outcomes were past their time and went")
    if document["bodies_dropped"]:
        click.echo(f"  {document['bodies_dropped']} bodies of writes were past their time and went")


def _size(bytes_: int) -> str:
    return f"{bytes_ / 1e6:.1f} MB" if bytes_ >= 100_000 else f"{bytes_ / 1e3:.1f} kB"


@state.command(epilog=examples("syncline state rebaseline account status ; look at it, then add --approve ID"))
@click.argument("sync")
@click.argument("field", nargs=-1)
@click.option("--approve", help="Id of what may be taken as agreed.")
@release_options
def rebaseline(
    at: Asked,
    sync: str,
    field: tuple[str, ...],
    approve: str | None,
) -> int:
    """Take what the members of a sync hold now as agreed, for some fields or all; exits 3 until that is approved.

    For when a change made worthless what was agreed: a field has another type (SYN5015), a migration was done by hand on both
    sides. Nothing is sent; the next runs write there only what somebody edits from now on.
    """
    from syncline_runtime.upkeep.rebaseline import rebaseline as rebasing

    document = rebasing(at.begun, sync, field, approve, report.progress())
    report.done()
    at.answer(document, lambda: _tell_rebaselined(document))
    return 4 if document["unread"] else 3 if document["agreed"] and not document["done"] else 0


def _tell_rebaselined(document: Mapping[str, Any]) -> None:
    if not document["agreed"]:
        click.echo("nothing to take: everything that is compared agrees with its base")
    for one in document["agreed"]:
        verb = "agreed" if document["done"] else "would be agreed"
        click.echo(f"  {one['connection']}.{one['field']}: {one['records']} records {verb} as they are there")
    for name, why in document["unread"].items():
        click.echo(f"not read: {name}: {why}")
    if document["agreed"] and not document["done"]:
        click.echo(f"to do this: the same command with --approve {document['change_set'][: report.SHORT_ID]}")
