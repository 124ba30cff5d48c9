"""`syncline replay`, `backfill` and `rollback`: going over what was read, and undoing what was written."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any

import click

from syncline_runtime import report
from syncline_runtime.cli import examples
from syncline_runtime.cli_options import Asked, release_options

RUN_ID = re.compile(r"[0-9A-HJKMNP-TV-Z]{26}")
HIGHEST = "Z" * 26

plan_option = click.option("--plan", "planning", is_flag=True, help="Only show the writes; exits 3 if there are any.")
approve_option = click.option("--approve", help="Id of the change set that may be written.")


@click.command(epilog=examples("syncline replay --from 2026-11-20 --to 2026-11-21T12:00 --plan"))
@click.argument("sync", nargs=-1)
@click.option("--from", "since", required=True, help="The first run: its id, or a time (UTC) since which runs count.")
@click.option("--to", "until", help="The last run: its id, or a time (UTC). Default: the newest.")
@approve_option
@plan_option
@release_options
def replay(
    at: Asked,
    sync: tuple[str, ...],
    since: str,
    until: str | None,
    approve: str | None,
    planning: bool,
) -> int:
    """Run once, and decide again all records that the runs of a window have read.

    They are decided under today's plan and from what is known of them today: nothing that was read then goes over what has
    been read since. Guards hold as in `run`.
    """
    _ = at.begun  # where nothing has run, a replay would be a first run
    window = (_run_id(since, upper=False), HIGHEST if until is None else _run_id(until, upper=True))
    return _run(at, sync, planning, approve=approve, replay=window)


@click.command(epilog=examples("syncline backfill account --plan"))
@click.argument("sync", nargs=-1)
@approve_option
@plan_option
@release_options
def backfill(
    at: Asked,
    sync: tuple[str, ...],
    approve: str | None,
    planning: bool,
) -> int:
    """Run once with every resource read whole, wherever its cursor stands.

    Finds what incremental reads have missed, deletes among it where the list shows every live record. Guards hold as in `run`.
    """
    return _run(at, sync, planning, approve=approve, whole=True)


@click.command(epilog=examples("syncline rollback 01KAN2… ; look at it, then add --approve ID"))
@click.argument("run", metavar="RUN")
@click.option("--with-creates", "creates", is_flag=True, help="Also delete the records that the run created.")
@approve_option
@release_options
def rollback(
    at: Asked,
    run: str,
    creates: bool,
    approve: str | None,
) -> int:
    """Undo the writes of a run where the systems still hold them; exits 3 until the change set is approved.

    Every record is read first. Where somebody has changed a value since, it stays, and the answer says so. What was undone is
    not written again before its owner changes it: mend the spec that made the run go wrong first.
    """
    from syncline_runtime.rollback import rollback as undo

    loaded = at.begun.release
    result = undo(loaded, at.place.binding, at.options(approve=approve), run, creates=creates)
    report.done()
    document = report.run_document(loaded, result) if approve else report.plan_document(loaded, result)
    at.answer(document | {"kept": result.kept}, lambda: _tell(loaded, result, approved=approve is not None))
    return int(result.exit_code)


def _tell(release: Any, result: Any, *, approved: bool) -> None:
    if approved:
        report.tell_run(release, result)
    elif result.changes.writes:
        report.tell_plan(release, result)
        click.echo(f"to undo this: the same command with --approve {result.changes.id[: report.SHORT_ID]}")
    else:
        click.echo("nothing to undo")
    for one in result.kept:
        click.echo(
            f"  stays: {one['connection']}.{one['resource']} {one['native_id']} ({one['operation']}): {one['why']}"
        )


def _run(at: Asked, sync: tuple[str, ...], planning: bool, **options: Any) -> int:
    from syncline_runtime.run import plan_release, run_release

    loaded, chosen = at.place.release, at.options(sync, **options)
    result = (plan_release if planning else run_release)(loaded, at.place.binding, chosen)
    report.done()
    if planning:
        at.answer(report.plan_document(loaded, result), lambda: report.tell_plan(loaded, result))
    else:
        at.answer(report.run_document(loaded, result), lambda: report.tell_run(loaded, result))
    return result.exit_code


def _run_id(written: str, *, upper: bool) -> str:
    """Read a run's id, or give the first or last id of a time."""
    from syncline_runtime.ledger.ids import first_id

    if RUN_ID.fullmatch(written):
        return written
    try:
        at = datetime.fromisoformat(written)
    except ValueError:
        raise click.BadParameter(
            f"{written!r} is neither a run's id nor a time such as 2026-11-20 or 2026-11-20T08:00"
        ) from None
    micros = int((at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp() * 1_000_000)
    return first_id(micros + (1000 if upper else 0))
