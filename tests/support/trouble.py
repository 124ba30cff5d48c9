"""What befalls the systems of a history: lists that cannot be read, writes that fail, answers that get lost."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import pytest

from support.world import World
from syncline_runtime.stages import deliver


@dataclass
class Trouble:
    """Faults that are drawn for some runs of a world: of these members, in writes by these operations."""

    world: World
    random: random.Random
    members: Sequence[str]
    operations: Sequence[str]
    losing: bool

    def unread(self) -> frozenset[str]:
        """Let one system be unreadable in some runs; name it."""
        unread = frozenset(name for name in self.members if self.random.random() < 0.1)
        for name in unread:
            self.world.sandbox.fault(name, "html", operation="list", times=99)
        return unread

    def lossy(self, run: Callable[[], object], patch: pytest.MonkeyPatch) -> bool:
        """Run once with lost answers and failing writes, if it comes to that; tell whether it did."""
        if not self.losing or self.random.random() >= 0.5:
            return False
        for name in self.members:
            for fault in ("500_before", "reset_after", "500_after"):
                self.world.sandbox.fault(name, fault, operation=self.random.choice(self.operations), times=3)
        with patch.context() as hurried:
            hurried.setattr(deliver, "PATIENCE", 0.0)
            run()
        self.end(but="list")
        return True

    def end(self, but: str = "") -> None:
        """Let all systems be well again, but for faults of this operation."""
        for name in self.members:
            faults = self.world.sandbox.stand_ins[name].faults
            faults[:] = [fault for fault in faults if fault.operation == but]
