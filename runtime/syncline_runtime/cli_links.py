"""`syncline links`: which ids of which systems are one record, and changes of that by a person."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from typing import Any

import click

from syncline_runtime import report
from syncline_runtime.cli import examples
from syncline_runtime.cli_options import Asked, release_options

Command = Callable[..., Any]
REASON = click.option("--reason", default="", help="Why; kept with the link.")
OBJECT = click.argument("object", metavar="OBJECT")
CONNECTION = click.argument("connection", metavar="CONNECTION")
NATIVE_ID = click.argument("native_id", metavar="NATIVE_ID")


def _said(row: Mapping[str, Any]) -> tuple[str, ...]:
    if row["state"] == "redirect":
        return ("", row["native_id"][:12], "redirect", f"to {row['canonical_id'][:12]}", *_how(row))
    return (row["connection"], row["native_id"], row["state"], row["canonical_id"][:12], *_how(row))


def _how(row: Mapping[str, Any]) -> tuple[str, ...]:
    by = row["by"] or row["rule"] or ""
    return (
        row["how"] or "",
        f"{by}: {row['rule']}" if row["by"] and row["rule"] else by,
        report.moment(row["at"]) or "",
        row["run"] or "",
    )


def _tell(rows: list[dict[str, Any]]) -> None:
    report.table(("connection", "native id", "state", "record", "how", "by", "at", "run"), [_said(row) for row in rows])


@click.group(epilog=examples("syncline links list account", "syncline links show account crm:A-2"))
def links() -> None:
    """Show which records of different systems are one, and put that right."""


@links.command("list", epilog=examples("syncline links list account --ended"))
@OBJECT
@click.option("--ended", is_flag=True, help="Those that ended, instead of those that hold.")
@release_options
def list_(
    at: Asked,
    object: str,
    ended: bool,
) -> int:
    """List the links of an object."""
    from syncline_runtime import crosswalk

    holds = "state IN ('live', 'double')"
    with crosswalk.reading(at.place, object) as found:
        rows = found.rows(f"NOT ({holds})" if ended else holds)
    at.answer({"version": report.DOCUMENT_VERSION, "links": rows}, lambda: _tell(rows))
    return 0


@links.command(
    epilog=examples("syncline links show account 0015g00000XyZ   (the id: canonical, or of any system, retired or not)")
)
@OBJECT
@click.argument("id", metavar="ID")
@release_options
def show(
    at: Asked,
    object: str,
    id: str,
) -> int:
    """Show every link that a record has or had, and what was merged into it."""
    from syncline_runtime import crosswalk

    with crosswalk.reading(at.place, object) as found:
        cid, rows = found.resolve(id), found.history(id)
    document = {"version": report.DOCUMENT_VERSION, "canonical_id": cid, "links": rows}
    if at.form == "text":
        click.echo(f"{object} {cid}")
    at.answer(document, lambda: _tell(rows))
    return 0


def _change(at: Asked, do: Callable[[Any], str], said: str, options: Mapping[str, Any]) -> int:
    from syncline_runtime import crosswalk

    by = os.environ.get("USER", "unknown")
    with crosswalk.changing(at.place, options["object"], by=by, reason=options["reason"]) as changed:
        cid = do(changed)
    document = {"version": report.DOCUMENT_VERSION, "canonical_id": cid, "changed": changed.changed}
    at.answer(document, lambda: click.echo(f"{said} {cid[:12]}; the next run acts on it"))
    return 0


def _native(options: Mapping[str, Any]) -> Any:
    from syncline_runtime.crosswalk import Native

    return Native(options["connection"], options["native_id"])


@links.command(
    epilog=examples("syncline links link account erp 4711 0015g00000XyZ --reason 'same VAT number, seen on paper'")
)
@OBJECT
@CONNECTION
@NATIVE_ID
@click.argument("to", metavar="ID")
@REASON
@release_options
def link(at: Asked, **options: Any) -> int:
    """Say that a record of a system is a known record, named by any of its ids."""
    return _change(at, lambda links: str(links.link(_native(options), options["to"])), "linked to", options)


@links.command(epilog=examples("syncline links unlink account erp 4711 --reason 'another branch'"))
@OBJECT
@CONNECTION
@NATIVE_ID
@REASON
@release_options
def unlink(at: Asked, **options: Any) -> int:
    """End a link that is wrong; no rule makes it again, and the record waits for `link` or `split`."""
    return _change(at, lambda links: str(links.unlink(_native(options))), "unlinked from", options)


@links.command(epilog=examples("syncline links split account erp 4711"))
@OBJECT
@CONNECTION
@NATIVE_ID
@REASON
@release_options
def split(at: Asked, **options: Any) -> int:
    """Say that a record of a system is one of its own, whatever it was linked to."""
    return _change(at, lambda links: str(links.split(_native(options))), "a record of its own:", options)


@links.command(epilog=examples("syncline links merge account 9f2c11 0015g00000XyZ --reason 'merged by sales'"))
@OBJECT
@click.argument("gone", metavar="ID")
@click.argument("into", metavar="INTO")
@REASON
@release_options
def merge(at: Asked, **options: Any) -> int:
    """Say that one record is part of another; all ids of the first lead to the second for ever."""
    return _change(at, lambda links: str(links.merge(options["gone"], options["into"])), "merged into", options)
