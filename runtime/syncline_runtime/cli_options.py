"""What the runtime's commands share: their options, the place that these name, and the form of answers."""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from syncline_runtime import report
from syncline_runtime.binding import secret
from syncline_runtime.cli import compiled, project_root
from syncline_runtime.errors import ReleaseError
from syncline_runtime.plan import load_release
from syncline_runtime.secret_stores import STORES

if TYPE_CHECKING:
    from syncline_runtime.options import Options
    from syncline_runtime.upkeep.session import Place

Command = Callable[..., int]
_REFERENCES = tuple(f"{kind}:" for kind in ("env", "file", "keyring", *STORES))


def _database_url(ctx: click.Context, param: click.Parameter, written: str | None) -> str | None:
    """Read a URL, or the reference to one: its password is seen by all who see the command line.

    What is neither is refused: a mistyped word would be a new file, with an empty ledger in it.
    """
    if written is None:
        return None
    url = secret(written, "--ledger") if written.startswith(_REFERENCES) else written
    if "://" not in url:
        what = repr(written) if url is written else f"what stands at {written!r}"
        raise click.BadParameter(f"{what} is no database URL such as postgresql+psycopg://host/name", ctx, param)
    return url


_OPTIONS = (
    click.option(
        "--release", type=click.Path(path_type=Path), help="Release folder; inside a project it is compiled first."
    ),
    click.option("--env", "environment", help="Environment whose binding is used; may be left out if there is one."),
    click.option("--state", type=click.Path(path_type=Path), help="State folder (default: .syncline/state/ENV)."),
    click.option(
        "--ledger",
        callback=_database_url,
        help="Database URL of the ledger, or where it lies, such as env:LEDGER_URL (default: a file in the state folder).",
    ),
    click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True),
)


UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86_400}


def age(ctx: click.Context, param: click.Parameter, written: str | None) -> int | None:
    """Read a length of time (`90d`, `12h`, `30m`) as microseconds."""
    if written is None:
        return None
    found = re.fullmatch(r"(\d{1,7})([smhd])", written)
    if found is None:
        raise click.BadParameter(f"{written!r} is no length of time: write it as 90d, 12h or 30m", ctx, param)
    return int(found[1]) * UNITS[found[2]] * 1_000_000


@dataclass
class Asked:
    """What a command is asked about, and the form of its answer."""

    release: Path | None
    environment: str | None
    state: Path | None
    ledger: str | None
    form: str

    @cached_property
    def place(self) -> Place:
        """Release, binding and state; a project is compiled first."""
        from syncline_runtime.upkeep.session import Place  # the engine is imported by the commands that need it

        root = project_root()
        home = root or Path.cwd()
        release = self.release or _compiled(root, home)
        loaded = load_release(release)
        binding = loaded.binding(self.environment)
        folder = self.state or home / ".syncline" / "state" / binding.environment
        return Place(loaded, binding, folder, self.ledger)

    @property
    def begun(self) -> Place:
        """The place, where something has run; StateError (SYN6008) where not."""
        from syncline_runtime.upkeep.session import refuse_unbegun

        refuse_unbegun(self.place)
        return self.place

    def options(self, syncs: tuple[str, ...] = (), approve: str | None = None, **more: Any) -> Options:
        """Give the options of a run that shows its progress."""
        from syncline_runtime.options import Options

        place, progress = self.place, report.progress()
        return Options(state=place.folder, ledger=place.ledger, syncs=syncs, approve=approve, progress=progress, **more)

    def answer(self, document: Mapping[str, Any], told: Callable[[], None]) -> None:
        """Print a document as JSON, or tell it as text."""
        if self.form == "json":
            click.echo(json.dumps(document, indent=2, ensure_ascii=False, sort_keys=True))
        else:
            told()


def release_options(command: Command) -> Command:
    """Add the options by which a command finds release, environment and state; it is given them as one ``Asked``."""

    @functools.wraps(command)
    def called(
        release: Path | None, environment: str | None, state: Path | None, ledger: str | None, form: str, **own: Any
    ) -> int:
        return command(Asked(release, environment, state, ledger, form), **own)

    for option in reversed(_OPTIONS):
        called = option(called)
    return called


def _compiled(root: Path | None, home: Path) -> Path:
    if root is None:
        raise ReleaseError(
            "there is no release here and no project to compile",
            place=str(home),
            mend="name a release folder with --release, or change into a project (syncline.yaml)",
        )
    release = root / ".syncline" / "release"
    compiled(root, release)
    return release
