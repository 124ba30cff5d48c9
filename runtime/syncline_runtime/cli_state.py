"""`syncline state`: verify the state, and make it again. What the commands do is in ``explain``."""

from __future__ import annotations

from pathlib import Path

import click

from syncline_runtime.cli_options import answer, load, release_options, state_folder


@click.group()
def state() -> None:
    """Verify or rebuild the state, the cache that is folded from segments."""


@state.command(epilog="Example:  syncline state rebuild --env sandbox")
@release_options
def rebuild(release: Path | None, environment: str | None, state: Path | None, ledger: str | None, form: str) -> int:
    """Make the state again from the segments, row for row the same."""
    from syncline_runtime import explain

    loaded, binding, home = load(release, environment)
    document = explain.rebuild_state(loaded, binding, state_folder(state, home, binding), ledger)
    answer(form, document, lambda: click.echo(f"rebuilt from {document['segments']} segments"))
    return 0


@state.command(epilog="Example:  syncline state verify --env sandbox")
@release_options
def verify(release: Path | None, environment: str | None, state: Path | None, ledger: str | None, form: str) -> int:
    """Check every segment's hash, and that the state is what they fold to; exits 5 if not."""
    from syncline_runtime import explain

    loaded, binding, home = load(release, environment)
    document = explain.verify_state(loaded, binding, state_folder(state, home, binding), ledger)
    answer(
        form,
        document,
        lambda: click.echo("state and segments agree" if document["ok"] else "the state differs: rebuild it"),
    )
    return 0 if document["ok"] else 5
