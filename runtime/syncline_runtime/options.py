"""How a run is made: where its state lies, which syncs, what was approved."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from syncline_runtime.connectors import Surroundings
from syncline_runtime.stages.context import Progress


@dataclass(frozen=True)
class Options:
    """How a run is made."""

    state: Path
    ledger: str | None = None  # database URL; by default a file in the state folder
    syncs: tuple[str, ...] = ()
    approve: str | None = None  # id of a change set, or the beginning of it that people are shown
    progress: Progress = lambda stage, what: None
    around: Surroundings = field(default_factory=Surroundings)
    within: float | None = None  # seconds after which nothing more is begun
    whole: bool = False  # read everything, wherever the cursors stand
    replay: tuple[str, str] | None = None  # decide again what runs from the first to the last of these read
    offline: bool = False  # nothing is asked of any system

    @property
    def command(self) -> str:
        """The command that makes such a run."""
        if self.replay:
            return f"{self._named('replay')} --from {self.replay[0]} --to {self.replay[1]}"
        return self._named("backfill" if self.whole else "run")

    @property
    def look(self) -> str:
        """The command that shows what such a run would write."""
        return f"{self.command} --plan" if self.whole or self.replay else self._named("plan")

    def _named(self, command: str) -> str:
        return " ".join(("syncline", command, *self.syncs))
