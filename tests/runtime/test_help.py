"""Every command shows how it is typed, each example on a line of its own, so that it can be copied."""

from __future__ import annotations

from collections.abc import Iterator

import click
import pytest

from syncline_runtime.commands import COMMANDS


def commands() -> Iterator[tuple[str, click.Command]]:
    """Give every command by its words, and groups."""
    for name, command in COMMANDS.items():
        yield name, command
        if isinstance(command, click.Group):
            yield from ((f"{name} {below}", one) for below, one in command.commands.items())


@pytest.mark.parametrize(("words", "command"), list(commands()), ids=[words for words, _ in commands()])
def test_every_command_shows_examples(words: str, command: click.Command) -> None:
    told = command.get_help(click.Context(command, info_name=words)).partition("Examples:\n")[2].splitlines()
    assert told
    assert all(line.startswith(f"    syncline {words}") for line in told), told
