"""A change: one thing that specs say otherwise than before, with the rule that speaks of it."""

from __future__ import annotations

from syncline_compiler.changes.fact import Fact, Item, Key
from syncline_compiler.changes.kinds import KINDS, Direction
from syncline_compiler.changes.rules import Rule, Verdict
from syncline_compiler.source import Span
from syncline_runtime.frozen import dataclass


@dataclass(frozen=True)
class Change:
    """One thing that specs say otherwise than before; ``before`` or ``after`` is None where nothing was, or is, said."""

    item: Item
    key: Key
    direction: Direction
    rule: Rule
    before: Fact | None
    after: Fact | None
    consequences: tuple[str, ...] = ()  # other items that it changes without a word of theirs

    @property
    def verdict(self) -> Verdict:
        """What it is to those who rely on it."""
        return self.rule.verdict

    @property
    def span(self) -> Span | None:
        """Where it is said now, or else was."""
        return (self.after or self.before or Fact(self.key)).span

    @property
    def what(self) -> str:
        """What changed, for people: ``field account.fax``."""
        kind = KINDS[self.key.kind]
        names = (*((self.item.name,) if kind.within else ()), *self.key.names)
        if not names and kind.says.endswith(" of"):
            names = (self.item.name,)
        return f"{kind.says} {'.'.join(names)}".strip()

    @property
    def said(self) -> tuple[str | None, str | None]:
        """What is said before and after, as it is written where that is known of both."""
        written = all(one.shown for one in (self.before, self.after) if one is not None)
        before, after = (
            None if one is None else " ".join((one.shown if written else one.value).split())
            for one in (self.before, self.after)
        )
        return before, after
