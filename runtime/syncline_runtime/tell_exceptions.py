"""The exception queue as text for people."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

import click

from syncline_runtime.report import short, table

COLOURS = {"critical": "red", "error": "red", "warning": "yellow"}
FEW = 5  # records of a group that are named


def tell_list(document: Mapping[str, Any], *, each: bool) -> None:
    """One block per fault, the weightiest first, with the records that it keeps."""
    if not document["groups"]:
        click.echo("nothing waits")
        return
    by_id = {one["id"]: one for one in document["exceptions"]}
    records = len({(one["object"], one["connection"], _record(one)) for one in by_id.values()})
    faults = len(document["groups"])
    click.secho(f"{_many(records, 'record')} {_does(records)} for {_many(faults, 'reason')}", bold=True)
    for group in document["groups"]:
        _tell_group(group, [by_id[one] for one in group["ids"]], None if each else FEW)
    click.echo("\nevidence and what to do:  syncline exceptions show ID   ·   the reason:  syncline explain CODE")


def _tell_group(group: Mapping[str, Any], ones: list[Mapping[str, Any]], most: int | None) -> None:
    click.echo()
    click.secho(f"{group['code']} {group['severity']}", fg=COLOURS.get(group["severity"]), nl=False, bold=True)
    where = f"{group['connection']}.{group['resource']}".rstrip(".")
    click.echo(f"  {group['message']}")
    click.echo(
        f"  sync {group['sync']} · {where} · field {group['field'] or '–'} · rule {group['rule'] or '–'}"
        f" · owner {group['owner'] or '–'}"
    )
    click.echo(
        f"  {_kind(group)} · {_many(group['records'], 'record')}, seen {group['count']}× "
        f"from {group['first_seen']} to {group['last_seen']} UTC"
    )
    for one in ones[:most]:
        click.echo(
            f"    #{one['id']:<5} {_record(one):<24} {_state(one):<24} correlation id {one['correlation_id'] or '–'}"
        )
    if most is not None and len(ones) > most:
        click.echo(f"    … and {len(ones) - most} more (--each)")


def _many(number: int, what: str) -> str:
    return f"{number} {what}" + ("" if number == 1 else "s")


def _does(number: int) -> str:
    return "waits" if number == 1 else "wait"


def _kind(one: Mapping[str, Any]) -> str:
    return f"{one['category']}, {one['pattern']}" if one["pattern"] else str(one["category"])


def _record(one: Mapping[str, Any]) -> str:
    return str(one["native_id"] or short(one["canonical_id"]) or "–")


def _state(one: Mapping[str, Any]) -> str:
    if awaited := one.get("waits_for"):
        keeper = f" (#{awaited['exception']})" if awaited["exception"] else ""
        return f"waits for {awaited['object']} {awaited['record'][:12]}{keeper}"
    if one["state"] == "assigned":
        return f"assigned to {one['assignee']}"
    if one["state"] == "waived" and one["waived_until"]:
        return f"waived until {one['waived_until'][:10]}"  # people name a day
    return str(one["state"])


def tell_one(document: Mapping[str, Any]) -> None:
    """One exception: what, where, the evidence, what people did, what to do."""
    one = document["exception"]
    click.secho(
        f"#{one['id']} {one['code']} {one['severity']} · {_state(one)}", fg=COLOURS.get(one["severity"]), bold=True
    )
    click.echo(one["message"])
    facts = [
        ("record", f"{one['object']} {_record(one)} in {one['connection']}.{one['resource']}".rstrip(".")),
        ("canonical id", one["canonical_id"]),
        ("sync", one["sync"]),
        ("field", f"{one['field']} (owner: {one['owner'] or '–'})" if one["field"] else ""),
        ("rule", one["rule"]),
        ("kind", f"{_kind(one)}" + (f", on the side of the {one['side']}" if one["side"] else "")),
        ("seen", f"{one['count']}× from {one['first_seen']} to {one['last_seen']} UTC"),
        (
            "runs",
            one["first_run"] if one["first_run"] == one["last_run"] else f"{one['first_run']} … {one['last_run']}",
        ),
        ("correlation id", one["correlation_id"]),
        ("the same fault", f"{document['alike']} records (--group acts on all)" if document["alike"] > 1 else ""),
        ("keeps waiting", ", ".join(f"#{number}" for number in document["keeps_waiting"])),
    ]
    for name, fact in facts:
        if fact:
            click.echo(f"  {name:<15} {fact}")
    _tell_values(document)
    for note in document["notes"]:
        click.echo(f"  {note['at']} {note['by']}: {note['action']}" + (f": {note['text']}" if note["text"] else ""))
    if document["next"]:
        click.secho("what to do:", bold=True)
        for step in document["next"]:
            click.echo(f"  {step}")
    click.echo(f"  syncline explain {one['code']}   (what this means)")


def _tell_values(document: Mapping[str, Any]) -> None:
    if document["values"]:
        click.echo("values in the system:")
        for name, value in document["values"].items():
            click.echo(f"  {name} = {_plain(value)}")
    if document["candidates"]:
        click.echo("what each member shows:")
        rows = [(c["member"], _plain(c["value"]), "owner" if c["owner"] else "") for c in document["candidates"]]
        table(("member", "value", ""), rows)
    if write := document["write"]:
        click.echo(f"the write: {write['operation']}, {write['state']}, of run {write['run']}")
        for name, value in write["fields"].items():
            click.echo(f"  {name} = {_plain(value)}")
        if write["answer"]:
            click.echo(f"what {document['exception']['connection']} said: {write['answer']}")
        table(
            ("at (UTC)", "outcome", "status", "category", "their code", "their words"),
            [tuple(attempt.values()) for attempt in write["attempts"]],
        )


def _plain(value: Any) -> str:
    if value is None:
        return "(empty)"
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def tell_done(document: Mapping[str, Any], says: str) -> None:
    """Say what an action made of each exception."""
    ones = document["exceptions"]
    for one in ones[:FEW]:
        click.echo(f"#{one['id']} {_record(one)}: {says.format(**one)}")
    if len(ones) > FEW:
        click.echo(f"… and {len(ones) - FEW} more")


def tell_became(ones: Iterable[Mapping[str, Any]]) -> None:
    """Say what became of exceptions that were tried again."""
    says = {
        "resolved": ("resolved", "green"),
        "superseded": ("superseded: there is nothing to write any more", "green"),
        "retried": ("not looked at yet: a later run does", "yellow"),
        "waiting": ("still waits for another record", "yellow"),
    }
    for one in ones:
        what, colour = says.get(one["state"], (f"still there: {one['message']}", "red"))
        click.secho(f"#{one['id']} {_record(one)}: {what}", fg=colour)
