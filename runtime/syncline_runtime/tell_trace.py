"""A trace as text for people: the record, its fields, what lost and why, every write."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import click

from syncline_runtime.report import table


def tell(document: Mapping[str, Any], field: str | None) -> None:
    """Give a record, or one field of it."""
    click.secho(f"{document['object']} {document['canonical_id']}", bold=True)
    for link in document["links"]:
        state = "" if link["state"] == "live" else f", {link['state']}"
        by = f": {link['rule']}" if link["rule"] else ""
        if link["state"] == "redirect":
            click.echo(f"  {link['native_id']} became part of it   ({link['how']}{by}; run {link['run']})")
            continue
        click.echo(
            f"  {link['connection']}.{link['resource']} {link['native_id']}   ({link['how']}{by}{state}; run {link['run']})"
        )
    if field is None:
        _tell_fields(document)
    else:
        for one in document["fields"]:
            _tell_field(one)
    _tell_history(document)
    _tell_writes(document, values=field is not None)
    for one in document["exceptions"]:
        click.secho(
            f"waits: #{one['id']} {one['code']} {one['message']} (correlation id {one['correlation_id']})", fg="red"
        )


def _tell_fields(document: Mapping[str, Any]) -> None:
    rows = [
        (o["field"], o["value"], o["from"], o["rule"], o["since"], ", ".join(o["agreed"])) for o in document["fields"]
    ]
    table(("field", "value", "from", "rule", "since (UTC)", "agreed with"), rows)


def _tell_field(one: Mapping[str, Any]) -> None:
    click.secho(f"{one['field']} = {_plain(one['value'])}", bold=True)
    decided = one.get("decided")
    by = (
        f"{decided['by']} decided it, {decided['at']} UTC (exception #{decided['exception']})"
        if decided
        else one["rule"]
    )
    for name, fact in (
        ("from", f"{one['from']} ({by})"),
        ("since", f"{one['since']} UTC, run {one['run']}"),
        ("agreed with", ", ".join(one["agreed"])),
    ):
        if fact:
            click.echo(f"  {name:<12} {fact}")
    for line in one["lines"]:
        click.echo(f"  {'mapped by':<12} {line['member']}: {' '.join(line['line'].split())}   ({line['place']})")
    for lost in one["lost"]:
        click.echo(f"  {'lost':<12} {_plain(lost['now'])} of {lost['connection']}: {lost['why']} (run {lost['run']})")


def _tell_history(document: Mapping[str, Any]) -> None:
    if not document["history"]:
        return
    click.echo("what happened, where a member did not show what it should:")
    rows = [
        (
            o["run"], o["connection"], o["slot"], o["outcome"], _plain(o["want"]), _plain(o["now"]), o["why"],
            o["mapping"] + ("" if o["mapping_is_current"] else " (of then)"),
        )
        for o in document["history"]
    ]  # fmt: skip
    table(("run", "member", "field", "outcome", "should be", "was there", "why", "mapping"), rows)


def _tell_writes(document: Mapping[str, Any], *, values: bool) -> None:
    if not document["writes"]:
        return
    click.echo("writes:")
    rows = [
        (
            o["at"], o["connection"], o["resource"], o["operation"], o["state"], o["attempts"],
            _fields(o, values=values),
            o["correlation_id"],
        )
        for o in document["writes"]
    ]  # fmt: skip
    table(("at (UTC)", "connection", "resource", "operation", "state", "attempts", "fields", "correlation id"), rows)


def _fields(write: Mapping[str, Any], *, values: bool) -> str:
    if not write["kept"]:
        return "(past their retention)"
    return ", ".join(f"{name}={_plain(write['values'][name])}" if values else name for name in write["fields"])


def _plain(value: Any) -> str:
    return "(empty)" if value is None else str(value)
