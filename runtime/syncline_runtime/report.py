"""What commands print: documents for programs, text for people.

In: results and documents. Out: JSON values (``version`` rises when a member changes its meaning) and text on stdout.
Values of fields tagged as PII are masked; canonical ids are shortened for people and whole in documents.
"""

from __future__ import annotations

import json
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import click

from syncline_runtime.plan import Release
from syncline_runtime.private import private_natives

if TYPE_CHECKING:
    from rich.status import Status

    from syncline_runtime.result import RunResult
    from syncline_runtime.stages.delivered import Delivered
    from syncline_runtime.stages.diff import Candidate

DOCUMENT_VERSION = 1
MASK = "•••"
SHORT_ID = 16  # digits of the id of a change set that people are shown
_status: list[Status] = []


def progress() -> Callable[[str, str], None]:
    """Progress on a terminal, silence elsewhere."""
    if not sys.stderr.isatty():
        return lambda stage, what: None
    from rich.console import Console  # only where there is a terminal to draw on

    status = Console(stderr=True).status("starting")
    status.start()
    _status.append(status)
    return lambda stage, what: status.update(f"{stage}: {what}")


def done() -> None:
    """End the progress line."""
    while _status:
        _status.pop().stop()


def short(canonical_id: str) -> str:
    """Give a canonical id for people."""
    return canonical_id[:10]


def moment(micros: int | None) -> str:
    """Give a time for people, UTC."""
    return "" if micros is None else datetime.fromtimestamp(micros / 1e6, UTC).strftime("%Y-%m-%d %H:%M:%S")


# documents


def plan_document(release: Release, result: RunResult) -> dict[str, Any]:
    """Say what ``plan --format json`` prints."""
    natives = _Natives(release)
    return {
        "version": DOCUMENT_VERSION,
        "project": release.index.project,
        "release": release.hash,
        "change_set": result.changes.id,
        "writes": [_write(natives, one) for one in result.changes.writes],
        "totals": _totals(result.changes.writes),
        "outcomes": result.outcomes,
        "exceptions": result.exceptions,
        "unread": result.unread,
        "guards": [str(one) for one in result.findings],
        "under_way": result.under_way,
        "counts": result.counts,
        "exit_code": result.exit_code,
    }


def run_document(release: Release, result: RunResult) -> dict[str, Any]:
    """Say what ``run --format json`` prints."""
    document = plan_document(release, result)
    return document | {
        "run": result.run_id,
        "sent": result.acked + sum(result.delivered.failed.values()),
        **delivered_document(result.delivered),
        "stopped": result.stopped,
        "recovered": result.recovered,
        "earlier": {"acknowledged": result.earlier.acked, "failed": result.earlier.failed},
    }


def delivered_document(done: Delivered) -> dict[str, Any]:
    """Say what came of a delivery, per connection."""
    return {
        "acknowledged": done.acked,
        "failed": done.failed,
        "paused": {name: str(error) for name, error in done.paused.items()},
        "left": done.left,
    }


class _Natives:
    """What writes replace and send, without the values of fields that hold personal data."""

    def __init__(self, release: Release) -> None:
        self._release = release
        self._private: dict[tuple[str, str, str], set[str]] = {}

    def of(self, one: Candidate) -> tuple[dict[str, Any], dict[str, Any]]:
        """Give what a write replaces, as it was read, and what it sends."""
        from syncline_runtime.result import replaced  # brings all stages along, which --help does not need

        where = one.sync, one.connection, one.resource
        if where not in self._private:
            self._private[where] = private_natives(self._release, *where)
        private = self._private[where]
        if one.part in {field.name for field in self._release.plans[one.sync].fields if field.pii}:
            private = {*json.loads(one.payload)}
        return _masked(replaced(one), private), _masked(json.loads(one.payload), private)


def _masked(natives: Mapping[str, Any], private: set[str]) -> dict[str, Any]:
    return {name: MASK if value is not None and name in private else value for name, value in natives.items()}


def _write(natives: _Natives, one: Candidate) -> dict[str, Any]:
    before, after = natives.of(one)
    return {
        "sync": one.sync,
        "connection": one.connection,
        "resource": one.resource,
        "operation": one.operation,
        "canonical_id": one.canonical_id,
        "native_id": one.native_id,
        "part": one.part,
        "fields": after,
        "before": before,
        "correlation_id": one.correlation_id,
    }


def _totals(writes: Iterable[Candidate]) -> dict[str, dict[str, int]]:
    totals: dict[str, Counter[str]] = {}
    for one in writes:
        totals.setdefault(f"{one.sync}/{one.connection}", Counter())[one.operation] += 1
    return {name: dict(sorted(counter.items())) for name, counter in sorted(totals.items())}


# text


def tell_plan(release: Release, result: RunResult) -> None:
    """Totals first, then each write, then what waits."""
    _tell_totals("would write", result)
    natives = _Natives(release)
    for one in result.changes.writes:
        click.echo(f"  {_line(natives, one)}")
    _tell_rest(result)
    for left in result.under_way:
        click.echo(
            f"  … {left['connection']}.{left['resource']} {left['operation']} of an earlier run is {left['state']}: a run finds out first"
        )
    if result.changes.writes:
        id_ = result.changes.id[:SHORT_ID]
        click.echo(
            f"change set {id_}" + (f"; a run with --approve {id_} makes exactly this" if result.findings else "")
        )


def tell_run(release: Release, result: RunResult) -> None:
    """Say what a run did."""
    del release
    if result.recovered:
        click.echo(f"took over {result.recovered} writes of an interrupted run")
    acked, failed = (sum(each.values()) for each in (result.earlier.acked, result.earlier.failed))
    if acked or failed:
        click.echo(
            f"writes that earlier runs had left: {acked} acknowledged" + (f", {failed} failed" if failed else "")
        )
    _tell_totals("wrote", result)
    tell_delivered(result.delivered)
    if result.stopped:
        click.secho("stopped before the end: what was under way is recorded", fg="yellow")
    _tell_rest(result)


def tell_delivered(done: Delivered) -> None:
    """Say what came of a delivery."""
    failed = sum(done.failed.values())
    click.echo(f"{sum(done.acked.values())} acknowledged" + (f", {failed} failed" if failed else ""))
    for name, error in done.paused.items():
        click.secho(f"  {name} paused: {error}", fg="yellow")
    for name, number in done.left.items():
        click.secho(f"  {number} to {name} not through yet: the next run goes on with them", fg="yellow")


def _tell_totals(verb: str, result: RunResult) -> None:
    totals = _totals(result.changes.writes)
    if not totals:
        click.echo(f"nothing to write: {_why_nothing(result)}")
        return
    parts = [f"{name} " + ", ".join(f"{n} {op}" for op, n in ops.items()) for name, ops in totals.items()]
    click.secho(f"{verb} {len(result.changes.writes)}: " + " · ".join(parts), bold=True)


def _why_nothing(result: RunResult) -> str:
    """Say why nothing is to be written: agreement only of those that were asked."""
    if result.unread:
        return f"{len(result.unread)} resource{'s were' if len(result.unread) > 1 else ' was'} not read"
    return "all else agrees" if result.exceptions else "every member agrees"


SIGN = {"create": ("+", "green"), "update": ("~", "yellow"), "delete": ("-", "red"), "link": ("=", "cyan")}


def _line(natives: _Natives, one: Candidate) -> str:
    sign, colour = SIGN[one.operation]
    before, after = natives.of(one)
    fields = ", ".join(
        f"{name}=" + (f"{_value(before[name])} → " if name in before else "") + _value(value)
        for name, value in after.items()
    )
    what = f"{one.connection}.{one.resource}"
    head = click.style(f"{sign} {what:<24}", fg=colour)
    return f"{head} {one.native_id or 'new':<14} {one.sync} {short(one.canonical_id)}  {fields}"


def _value(value: Any) -> str:
    if isinstance(value, dict) and "$ref" in value:
        return f"→{value['$ref'][0]} {short(value['$ref'][2])}"
    written = json.dumps(value, ensure_ascii=False) if not isinstance(value, str) else value
    return written if len(written) <= 40 else written[:39] + "…"


def _tell_rest(result: RunResult) -> None:
    for one in result.outcomes:
        if one["outcome"] in ("unowned_edit", "overwrite", "review", "merged", "altered"):
            what = one["outcome"].replace("_", " ")
            click.secho(
                f"  ! {what}: {one['sync']} {short(one['canonical_id'])} {one['field']} in {one['connection']}: {one['action']}",
                fg="yellow",
            )
    if result.exceptions:
        click.secho(
            f"{len(result.exceptions)} wait{'s' if len(result.exceptions) == 1 else ''} (see `syncline exceptions`):",
            fg="red",
        )
        for one in result.exceptions[:10]:
            click.echo(
                f"  {one['code']} {one['sync']} {one['connection']} {one['native_id'] or short(one['canonical_id'])}: {one['message']}"
            )
        if len(result.exceptions) > 10:
            click.echo(f"  … and {len(result.exceptions) - 10} more")
    for name, error in result.unread.items():
        click.secho(f"not read: {name}: {error}", fg="red")
    for finding in result.findings:
        click.secho(f"guard: {finding}", fg="red")


def table(headings: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """Print rows under headings, aligned."""
    from rich import box  # only text output needs it
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    made = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for heading in headings:
        made.add_column(heading, overflow="fold")
    for row in rows:
        made.add_row(*(Text("" if value is None else str(value)) for value in row))
    width = None if sys.stdout.isatty() else 160
    Console(width=width).print(made)


def tell_status(document: Mapping[str, Any]) -> None:
    """Give runs, backlog and counts."""
    if not document["runs"]:
        click.echo("no run yet: `syncline run` makes the first")
        return
    table(
        ("run", "started (UTC)", "status", "exit", "writes", "acked", "failed", "exceptions", "unowned edits"),
        [
            (
                one["id"], one["started_at"], one["status"], one["exit_code"], one["summary"].get("writes", ""),
                sum(one["summary"].get("acknowledged", {}).values()), sum(one["summary"].get("failed", {}).values()),
                one["summary"].get("exceptions", ""), one["summary"].get("unowned_edits", ""),
            )
            for one in document["runs"]
        ],
    )  # fmt: skip
    if document["backlog"]:
        click.echo("outbox:")
        table(("connection", "state", "intents", "since (UTC)"), [tuple(one.values()) for one in document["backlog"]])
    for equation, title in (
        ("in", "read = duplicate + filtered + left scope + rejected + review + late + tombstone + matched"),
        ("across", "candidates = unchanged + held + new intents"),
        ("out", "open before + new = acked + rejected + waived + superseded + dead + open after"),
    ):
        rows = _equation(document["counts"], equation)
        if rows:
            click.echo(f"{title}:")
            for row in rows:
                click.echo(f"  {row}")
    if document["counts"]:
        run = document["conservation"]["run"]
        click.secho(
            f"every count of run {run} adds up"
            if document["conservation"]["holds"]
            else "the counts do not add up (a bug of ours):",
            fg="green" if document["conservation"]["holds"] else "red",
        )
    for one in document["conservation"]["broken"]:
        click.secho(f"  {one}", fg="red")
    click.echo(f"open exceptions: {document['open_exceptions']}")


def _equation(counts: Sequence[Mapping[str, Any]], equation: str) -> list[str]:
    grouped: dict[str, list[str]] = {}
    for one in counts:
        if one["equation"] == equation and (one["value"] or one["name"] in ("read", "candidates", "open_before")):
            detail = f" ({one['detail']})" if one["detail"] else ""
            grouped.setdefault(f"{one['sync']} {one['subject']}", []).append(f"{one['name']}{detail} {one['value']}")
    return [f"{name}: " + " · ".join(sorted(terms)) for name, terms in grouped.items()]


def tell_preflight(document: Mapping[str, Any]) -> None:
    """One line per connection."""
    for one in document["connections"]:
        mark = click.style("ok  ", fg="green") if one["ok"] else click.style("fail", fg="red")
        proof = " · ".join(f"{name} {one[name]}" for name in ("account", "environment") if one.get(name))
        click.echo(f"{mark} {one['connection']} ({one['system']})  {proof or one.get('error', '')}")
        for line in (*one.get("notes", ()), *_credential_lines(one)):
            click.echo(f"       {line}")
        if one.get("error") and proof:
            click.echo(f"       {one['error']}")
        if one.get("help"):
            click.echo(f"         help: {one['help']}")
        for problem in one["problems"]:
            colour = {"error": "red", "warning": "yellow"}[problem["severity"]]
            click.echo(f"       {click.style(problem['severity'], fg=colour)}: {problem['message']}")
            click.echo(f"         help: {problem['help']}")


def _credential_lines(one: Mapping[str, Any]) -> Iterator[str]:
    """Say what preflight found out about scopes, clock and limits."""
    needed, granted = one.get("scopes_needed", ()), one.get("scopes_granted")
    if needed:
        known = "what is granted cannot be asked" if granted is None else f"{len(set(needed) & set(granted))} granted"
        yield f"scopes: {len(needed)} needed, {known}"
    if "clock_ahead_seconds" in one:
        ahead = one["clock_ahead_seconds"]
        yield f"clock: {f'{ahead:+} s' if ahead else 'agrees'}"
    if "requests_left" in one:
        yield f"requests: {one['requests_left']}{f' of {all_}' if (all_ := one.get('requests_in_all')) else ''} left"
