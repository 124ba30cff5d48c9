"""What the runtime's commands share: their options, the release and state that these name, and the form of answers."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import click

from syncline_runtime import report
from syncline_runtime.binding import Binding
from syncline_runtime.cli import compiled, project_root
from syncline_runtime.errors import ReleaseError
from syncline_runtime.plan import Release, load_release

Command = Callable[..., Any]


def release_options(command: Command) -> Command:
    """Add the options by which every command finds release, environment and state."""
    for option in reversed(
        (
            click.option(
                "--release",
                type=click.Path(path_type=Path),
                help="Release folder; inside a project it is compiled first.",
            ),
            click.option(
                "--env", "environment", help="Environment whose binding is used; may be left out if there is one."
            ),
            click.option(
                "--state", type=click.Path(path_type=Path), help="State folder (default: .syncline/state/ENV)."
            ),
            click.option("--ledger", help="Database URL of the ledger (default: a file in the state folder)."),
            click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True),
        )
    ):
        command = option(command)
    return command


def load(release: Path | None, environment: str | None) -> tuple[Release, Binding, Path]:
    """Give the release, the binding, and the folder that the default state lies in."""
    root = project_root()
    home = root or Path.cwd()
    if release is None:
        if root is None:
            raise ReleaseError(
                "there is no release here and no project to compile",
                place=str(home),
                mend="name a release folder with --release, or change into a project (syncline.yaml)",
            )
        release = root / ".syncline" / "release"
        compiled(root, release)
    loaded = load_release(release)
    return loaded, loaded.binding(environment), home


def state_folder(state: Path | None, home: Path, binding: Binding) -> Path:
    """Give the state folder that is meant."""
    return state or home / ".syncline" / "state" / binding.environment


def run_options(
    state: Path, ledger: str | None, syncs: tuple[str, ...], approve: str | None = None, **more: Any
) -> Any:
    """Give the options of a run that shows its progress."""
    from syncline_runtime.run import Options  # the engine is imported by the commands that run something

    return Options(state=state, ledger=ledger, syncs=syncs, approve=approve, progress=report.progress(), **more)


def answer(form: str, document: Mapping[str, Any], told: Callable[[], None]) -> None:
    """Print a document as JSON, or tell it as text."""
    if form == "json":
        click.echo(json.dumps(document, indent=2, ensure_ascii=False, sort_keys=True))
    else:
        told()
