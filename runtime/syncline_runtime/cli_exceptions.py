"""`syncline exceptions`: list what waits, look at one, and decide what becomes of it.

Without a command's name it lists: scripts rely on that. What the commands do is in ``exception_queue`` and
``exception_actions``.
"""

from __future__ import annotations

import getpass
from collections.abc import Callable
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import click

from syncline_runtime import report
from syncline_runtime.cli import examples
from syncline_runtime.cli_options import Asked, release_options
from syncline_runtime.errors import UsageError

if TYPE_CHECKING:
    from syncline_runtime.exception_actions import Act
    from syncline_runtime.exception_deletion import Fate

STATES = ("open", "assigned", "waiting", "retried", "waived", "resolved", "superseded")
Options = dict[str, Any]


class Queue(click.Group):
    """A group that lists when no command is named."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Put ``list`` before words that begin with no command's name."""
        if not args or (args[0] not in self.commands and args[0] not in ctx.help_option_names):
            args = ["list", *args]
        return super().parse_args(ctx, args)


@click.group(
    cls=Queue, epilog=examples("syncline exceptions account --category validation", "syncline exceptions show 12")
)
def exceptions() -> None:
    """List the records that wait, and why; decide what becomes of them."""


def _person() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a user id without a name, as in containers
        return "unknown"


def _acting(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add what every action takes: the exceptions, who acts, and the words that go with it."""
    for option in (
        click.option("--group", "whole_group", is_flag=True, help="Everything with the same fault as these."),
        click.option("--by", help="Who decides this (default: you)."),
        click.argument("ids", metavar="ID...", nargs=-1, type=int, required=True),
    ):
        command = option(command)
    return release_options(command)


def _act(ids: tuple[int, ...], options: Options, words: str | None = None) -> Act:
    from syncline_runtime.exception_actions import Act

    return Act(ids, options["by"] or _person(), words or "", options["whole_group"])


@exceptions.command("list", epilog=examples("syncline exceptions list invoice --status waiting --format json"))
@click.argument("sync", required=False)
@click.option("--category", help="Only of this category: validation, conflict, mapping, permission …")
@click.option("--status", multiple=True, type=click.Choice(STATES), help="Only in this state; may be repeated.")
@click.option("--owner", help="Only about fields of this owner.")
@click.option("--assignee", help="Only those that this person has.")
@click.option("--field", help="Only about this field.")
@click.option("--code", help="Only with this code.")
@click.option("--each", is_flag=True, help="Name every record of a group.")
@click.option("--all", "everything", is_flag=True, help="Also those that are waived or over.")
@release_options
def list_(at: Asked, **options: Any) -> int:
    """List the records that wait: field, rule, reason, correlation id."""
    from syncline_runtime import exception_queue, tell_exceptions

    filters = ("sync", "category", "owner", "assignee", "field", "code")
    by = {name: options[name] for name in filters if options[name] is not None}
    states = STATES if options["everything"] else options["status"]
    document = exception_queue.listed(at.place, states, by)
    at.answer(document, lambda: tell_exceptions.tell_list(document, each=options["each"]))
    return 0


@exceptions.command(epilog=examples("syncline exceptions show 12"))
@click.argument("id", type=int)
@click.option("--reveal", is_flag=True, help="Show personal data; takes a --reason, and is noted.")
@click.option("--reason", help="Why personal data are looked at.")
@click.option("--by", help="Who looks (default: you).")
@release_options
def show(at: Asked, **options: Any) -> int:
    """Show one exception: the evidence, what each member shows, what was done, what to do."""
    from syncline_runtime import exception_queue, tell_exceptions

    if options["reveal"] and not options["reason"]:
        raise UsageError("personal data are shown for a reason only", mend="give it with --reason")
    reveal = (options["by"] or _person(), options["reason"]) if options["reveal"] else None
    document = exception_queue.shown(at.place, options["id"], reveal)
    at.answer(document, lambda: tell_exceptions.tell_one(document))
    return 0


@exceptions.command(epilog=examples("syncline exceptions assign 12 14 --to ada --group"))
@click.option("--to", required=True, help="Who shall see to it.")
@click.option("--note", help="Words that go with it.")
@_acting
def assign(at: Asked, ids: tuple[int, ...], **options: Any) -> int:
    """Give exceptions to somebody."""
    from syncline_runtime import exception_actions

    document = exception_actions.assign(at.place, _act(ids, options, options["note"]), options["to"])
    return _tell(at, document, "assigned to {assignee}")


@exceptions.command(epilog=examples('syncline exceptions waive 12 --reason "test customer" --until 2027-01-31'))
@click.option("--reason", required=True, help="Why it may stay as it is.")
@click.option("--until", type=click.DateTime(["%Y-%m-%d"]), help="When it is asked again; for ever if not given.")
@_acting
def waive(at: Asked, ids: tuple[int, ...], until: datetime | None, **options: Any) -> int:
    """Accept faults as they are: nothing is written for them, and runs do not complain."""
    from syncline_runtime import exception_actions

    end = None if until is None else int(until.replace(tzinfo=UTC).timestamp() * 1_000_000)
    document = exception_actions.waive(at.place, _act(ids, options, options["reason"]), end)
    return _tell(at, document, "waived" if end is None else "waived until {waived_until} UTC")


@exceptions.command(epilog=examples("syncline exceptions resolve 12 --take crm"))
@click.option("--note", help="What was done about it.")
@click.option("--take", metavar="MEMBER", help="The value that this member shows shall stay.")
@click.option("--value", help="This value shall stay.")
@click.option("--empty", is_flag=True, help="The field shall be empty.")
@_acting
def resolve(at: Asked, ids: tuple[int, ...], **options: Any) -> int:
    """Close exceptions; a field in review with the value that shall stay."""
    from syncline_runtime import exception_actions

    if options["take"] is None and options["value"] is None and not options["empty"]:
        if not options["note"]:
            raise UsageError(
                "say what was done about it", mend="with --note; a field in review takes --take or --value"
            )
        document = exception_actions.close(at.place, _act(ids, options, options["note"]))
        return _tell(at, document, "resolved; a run that meets it again tells it anew")
    return _decide(at, ids, None, options)


@exceptions.command(epilog=examples("syncline exceptions edit 12 --value DE"))
@click.option("--field", help="Which field, if the exception does not name it.")
@click.option("--value", help="The value that the field shall have.")
@click.option("--take", metavar="MEMBER", help="The value that this member shows.")
@click.option("--empty", is_flag=True, help="The field shall be empty.")
@click.option("--note", help="Words that go with it.")
@_acting
def edit(at: Asked, ids: tuple[int, ...], field: str | None, **options: Any) -> int:
    """Give a field a value: a decision that the next run writes, unless a system has a newer value by then."""
    return _decide(at, ids, field, options)


def _decide(at: Asked, ids: tuple[int, ...], field: str | None, options: Options) -> int:
    from syncline_runtime import exception_decision

    given = [name for name in ("take", "value", "empty") if options[name] not in (None, False)]
    if len(given) != 1 or len(ids) != 1 or options["whole_group"]:
        raise UsageError(
            "a decision is about one exception and one value", mend="give one ID and one of --take, --value, --empty"
        )
    choice = exception_decision.Choice(options["take"], options["value"])
    document = exception_decision.decide(at.place, _act(ids, options, options["note"]), choice, field)
    return _tell(at, document, f"decided ({document['field']}: {document['choice']}); the next run writes it")


@exceptions.command(epilog=examples("syncline exceptions deleted 12 --keep   (or --recreate, or --delete)"))
@click.option("--keep", "fate", flag_value="keep", help="The others keep it; where it was deleted it stays deleted.")
@click.option("--recreate", "fate", flag_value="recreate", help="It is made again where it was deleted.")
@click.option("--delete", "fate", flag_value="delete", help="The others delete it, too, whatever was edited since.")
@click.option("--note", help="Words that go with it.")
@_acting
def deleted(at: Asked, ids: tuple[int, ...], fate: Fate | None, **options: Any) -> int:
    """Say what becomes of a record that was deleted in one system and is still there in others."""
    from syncline_runtime import exception_deletion

    if fate is None or len(ids) != 1 or options["whole_group"]:
        raise UsageError(
            "this is about one exception and one choice", mend="give one ID, and --keep, --recreate or --delete"
        )
    document = exception_deletion.settle(at.place, _act(ids, options, options["note"]), fate)
    by_hand = f"; {', '.join(document['by_hand'])} cannot delete: do it by hand" if document["by_hand"] else ""
    return _tell(at, document, f"decided ({fate}); the next run does it{by_hand}")


@exceptions.command(epilog=examples("syncline exceptions retry 12 --group"))
@click.option("--absent", is_flag=True, help="You have looked: the record is not in the system.")
@click.option("--later", is_flag=True, help="Leave it to the next run instead of running now.")
@click.option("--note", help="Words that go with it.")
@_acting
def retry(at: Asked, ids: tuple[int, ...], absent: bool, later: bool, **options: Any) -> int:
    """Plan again from what the systems hold now and write that; what was refused is never sent again as it was."""
    from syncline_runtime import exception_actions, tell_exceptions
    from syncline_runtime.run import run_release

    act = _act(ids, options, options["note"])
    document = exception_actions.retry(at.place, act, absent=absent)
    if later:
        return _tell(at, document, "the next run plans it again")
    syncs = tuple(sorted({one["sync"] for one in document["exceptions"]}))
    result = run_release(at.place.release, at.place.binding, at.options(syncs))
    report.done()
    document = exception_actions.became(at.place, [one["id"] for one in document["exceptions"]])
    document |= {"run": result.run_id, "exit_code": result.exit_code}
    at.answer(document, lambda: tell_exceptions.tell_became(document["exceptions"]))
    return result.exit_code


@exceptions.command(epilog=examples("syncline exceptions link 12 --to erp:4711   (or --new: a record of its own)"))
@click.option("--to", metavar="ID", help="The record that it is: an id of any system, or a canonical one.")
@click.option("--new", is_flag=True, help="It is none of those known, but a record of its own.")
@click.option("--reason", help="How you know.")
@_acting
def link(at: Asked, ids: tuple[int, ...], to: str | None, new: bool, **options: Any) -> int:
    """Say which record it is, where the rules of identity leave that to a person."""
    from syncline_runtime import exception_link

    if (to is None) != new or len(ids) != 1 or options["whole_group"]:
        raise UsageError("a link is about one exception", mend="give one ID, and --to ID or --new")
    document = exception_link.link(at.place, _act(ids, options, options["reason"]), to)
    return _tell(at, document, f"linked to {document['linked_to'][:10]}; the next run goes on from there")


def _tell(at: Asked, document: dict[str, Any], says: str) -> int:
    from syncline_runtime import tell_exceptions

    at.answer(document, lambda: tell_exceptions.tell_done(document, says))
    return 0
