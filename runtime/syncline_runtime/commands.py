"""The runtime's commands: options in, text or JSON out. What they do is in ``run`` and ``explain``."""

from __future__ import annotations

from pathlib import Path

import click

from syncline_runtime import report
from syncline_runtime.cli import compiled, examples, project_root
from syncline_runtime.cli_erase import erase
from syncline_runtime.cli_exceptions import exceptions
from syncline_runtime.cli_links import links
from syncline_runtime.cli_options import Asked, age, release_options
from syncline_runtime.cli_promote import promote
from syncline_runtime.cli_recovery import backfill, replay, rollback
from syncline_runtime.cli_state import state
from syncline_runtime.errors import InternalError, ReleaseError
from syncline_runtime.plan import load_release


@click.command(epilog=examples("syncline plan --env sandbox"))
@click.argument("sync", nargs=-1)
@release_options
def plan(
    at: Asked,
    sync: tuple[str, ...],
) -> int:
    """Show the writes that a run would make; exits 3 if there are any."""
    from syncline_runtime.run import plan_release

    loaded = at.place.release
    result = plan_release(loaded, at.place.binding, at.options(sync))
    report.done()
    at.answer(report.plan_document(loaded, result), lambda: report.tell_plan(loaded, result))
    return result.exit_code


@click.command(epilog=examples("syncline run account --env production --format json"))
@click.argument("sync", nargs=-1)
@click.option("--approve", help="Id of the change set that may pass its guards.")
@click.option(
    "--within", callback=age, help="Begin nothing more after this time (10m, 2h); what is left is for the next run."
)
@release_options
def run(at: Asked, sync: tuple[str, ...], approve: str | None, within: int | None) -> int:
    """Run the syncs of a release once: read, decide, seal, deliver, confirm."""
    from syncline_runtime.run import run_release

    loaded = at.place.release
    result = run_release(
        loaded, at.place.binding, at.options(sync, approve, within=None if within is None else within / 1e6)
    )
    report.done()
    at.answer(report.run_document(loaded, result), lambda: report.tell_run(loaded, result))
    return result.exit_code


@click.command(epilog=examples("syncline deliver --env production --ledger postgresql://…   (on a second machine)"))
@click.argument("sync", nargs=-1)
@click.option("--within", callback=age, help="Begin nothing more after this time (10m, 2h).")
@release_options
def deliver(at: Asked, sync: tuple[str, ...], within: int | None) -> int:
    """Help to send what the last run has sealed, beside that run or after it; nothing is planned here."""
    from syncline_runtime.helping import help_deliver

    done = help_deliver(
        at.begun.release, at.place.binding, at.options(sync, within=None if within is None else within / 1e6)
    )
    report.done()
    document = report.delivered_document(done)
    at.answer(document, lambda: report.tell_delivered(done))
    return 4 if done.paused else 1 if done.failed else 0


@click.command(epilog=examples("syncline status --format json"))
@click.option("--runs", default=5, show_default=True, help="How many runs to show.")
@release_options
def status(
    at: Asked,
    runs: int,
) -> int:
    """Show the last runs, what waits in the outbox, and the conservation counts; exits 70 if those do not add up."""
    from syncline_runtime import explain

    document = explain.status(at.place, runs)
    at.answer(document, lambda: report.tell_status(document))
    return 0 if document["conservation"]["holds"] else InternalError.exit_code


@click.command(
    epilog=examples("syncline trace account A-2 email   (the id: of any system, crm:A-2 of one; or the canonical one)")
)
@click.argument("object", metavar="OBJECT")
@click.argument("id", metavar="ID")
@click.argument("field", required=False)
@release_options
def trace(
    at: Asked,
    object: str,
    id: str,
    field: str | None,
) -> int:
    """Tell of one record where its values came from, which values lost and why, and every write made."""
    from syncline_runtime import tell_trace, tracing

    document = tracing.trace(at.place, object, id, field)
    at.answer(document, lambda: tell_trace.tell(document, field))
    return 0


@click.command(epilog=examples("syncline preflight --env production"))
@release_options
def preflight(at: Asked) -> int:
    """Ask every system of the binding who it is; exits 4 if one cannot be used."""
    from syncline_runtime import preflight as checking

    document = checking.preflight(at.place.release, at.place.binding)
    at.answer(document, lambda: report.tell_preflight(document))
    return 0 if all(one["ok"] for one in document["connections"]) else 4


@click.command(epilog=examples("syncline sandbox --port 8787"))
@click.option("--port", default=8787, show_default=True, help="Port on 127.0.0.1.")
@click.option(
    "--release", type=click.Path(path_type=Path), help="Release folder; inside a project it is compiled first."
)
def sandbox(port: int, release: Path | None) -> int:
    """Serve stateful stand-ins of all systems of a release, with their seed records, until stopped.

    What is posted to /_fault makes the next such request fail: {"system": "crm", "fault": "500_after", "operation": "create"}. A word that
    is no fault is answered with all that there are.
    """
    from syncline_runtime.sandbox.command import sandbox_command_body

    root = project_root()
    if release is None and root is not None:
        release = root / ".syncline" / "release"
        compiled(root, release)
    if release is None:
        raise ReleaseError("there is no release here and no project to compile", mend="name one with --release")
    return sandbox_command_body(load_release(release).systems, port, echo=lambda text: click.echo(text))


COMMANDS: dict[str, click.Command] = {
    "plan": plan, "run": run, "deliver": deliver, "status": status, "exceptions": exceptions, "trace": trace,
    "preflight": preflight, "sandbox": sandbox, "state": state, "erase": erase, "links": links,
    "promote": promote, "replay": replay, "backfill": backfill, "rollback": rollback,
}  # fmt: skip
