"""YAML text as a tree of what was written: every value with its style, every comment beside what it is about.

In: the text of a document that ``yaml_reader`` accepts. Out: ``Document``. Values and styles come from PyYAML's events,
comments from the gaps between them.
Invariant: no comment is lost, and their order stays; one on a line of its own belongs to the block whose indentation it
shares.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Callable, Iterator
from typing import Any

import yaml

from syncline_runtime.frozen import dataclass

_COMMENT = re.compile(r"#[^\n\x85\u2028\u2029]*")
_CHARACTER = re.compile(r"[^\n]")
_BEHIND_SIGN = re.compile(r"[|>][-+1-9]*[ \t]*(.*)")
_LINE_OR_FLOW_END = re.compile(r"[\n}\]]")
_FRAME = (yaml.StreamStartEvent, yaml.StreamEndEvent, yaml.DocumentStartEvent, yaml.DocumentEndEvent)


@dataclass(frozen=True)
class Comment:
    """A comment. ``column`` counts from 0, and is -1 behind something else; ``blank``: an empty line stands before it."""

    text: str
    start: int
    column: int
    blank: bool


@dataclass(frozen=True)
class Scalar:
    """A value or key without parts. ``raw`` is its text in the file, ``outer`` the indentation of the block around it."""

    value: str
    style: str | None
    raw: str
    outer: int

    @property
    def is_block(self) -> bool:
        """Whether it is written as lines of its own, behind ``|`` or ``>``."""
        return self.style in ("|", ">")


@dataclass(frozen=True)
class Entry:
    """A member, an item, or the root; ``beside`` stands between its key or dash and its value, ``behind`` on its line."""

    key: Scalar | None
    value: Node
    before: tuple[Comment, ...]
    beside: tuple[Comment, ...]
    behind: Comment | None
    blank: bool


@dataclass(frozen=True)
class Collection:
    """A list or mapping; ``after`` stands between its last entry and its end."""

    is_mapping: bool
    is_flow: bool
    entries: tuple[Entry, ...]
    after: tuple[Comment, ...]


Node = Scalar | Collection


@dataclass(frozen=True)
class Document:
    """A file: its root, if it has one, what stands behind it, and the text of every comment in order."""

    root: Entry | None
    after: tuple[Comment, ...]
    comments: tuple[str, ...]


def read_tree(text: str) -> Document:
    """Read a document whose lines end as Unix has them."""
    return _Walk(text).document()


class _Walk:
    """One walk over the events; ``comments`` are those that have found no place yet."""

    def __init__(self, text: str) -> None:
        events = yaml.parse(text, Loader=getattr(yaml, "CLoader", yaml.Loader))
        self.events: list[Any] = [event for event in events if not isinstance(event, _FRAME)]
        self.text, self.bare = text, _without_scalars(text, self.events)
        self.comments = deque(self._comment(match) for match in _COMMENT.finditer(self.bare))
        self.bare = _COMMENT.sub(_spaces, self.bare)
        self.at = 0
        self.position = 0  # behind the last key, dash or value
        self.blocks = [(-1, True)]  # around: column, and whether it is a mapping

    def document(self) -> Document:
        comments = tuple(comment.text for comment in self.comments)
        root = self._root() if any(map(_is_written, self.events)) else None
        return Document(root, tuple(self.comments), comments)

    def _root(self) -> Entry:
        start = self._here().start_mark.index
        if _is_block_collection(self._here()):
            return Entry(None, self._node(), (), (), None, False)
        return self._entry(None, start, self._before(start))

    def _node(self) -> Node:
        event = self._here()
        if _is_scalar(event):
            return self._scalar()
        self.at += 1
        mapping = isinstance(event, yaml.MappingStartEvent)
        if event.flow_style:
            entries = tuple(self._flow_entries(mapping))
            self.position = self._here().end_mark.index
            after = self._before(self.position)
        else:
            self.blocks.append((self._column(event.start_mark.index), mapping))
            entries = tuple(self._block_entries(mapping))
            column = self.blocks[-1][0]
            # A list may stand in the column of the mapping around it, and a comment there is the mapping's.
            after = self._closing(column + (self.blocks[-2][0] == column))
            self.blocks.pop()
        self.at += 1
        return Collection(mapping, bool(event.flow_style), entries, after)

    def _scalar(self) -> Scalar:
        event = self._here()
        self.at += 1
        self.position = event.end_mark.index
        raw = self.text[event.start_mark.index : self.position]
        return Scalar(event.value, event.style or None, raw, max(self.blocks[-1][0], 0))

    def _block_entries(self, mapping: bool) -> Iterator[Entry]:
        while not _is_end(self._here()):
            start = self._here().start_mark.index if mapping else self.bare.index("-", self.position)
            before = self._before(start)
            self.position = start + 1
            yield self._entry(self._scalar() if mapping else None, start, before)

    def _entry(self, key: Scalar | None, start: int, before: tuple[Comment, ...]) -> Entry:
        """Read a value in block style."""
        blank = self._is_blank_above(start)
        if _is_block_collection(self._here()):
            beside = self._on_line(self._here().start_mark.index)
            return Entry(key, self._node(), before, beside, None, blank)
        beside = self._before(self._here().start_mark.index)
        value = self._node()
        # What stands behind the sign of a block scalar lies within it.
        is_block = isinstance(value, Scalar) and value.is_block
        behind = self._before(self.position) if is_block else self._on_line()
        inside = self._closing(self.blocks[-1][0] + 1) if isinstance(value, Scalar) and not value.raw else ()
        if inside:
            return Entry(key, Collection(True, False, (), inside), before, beside + behind, None, blank)
        return Entry(key, value, before, beside, next(iter(behind), None), blank)

    def _flow_entries(self, mapping: bool) -> Iterator[Entry]:
        while not _is_end(self._here()):
            before = self._before(self._here().start_mark.index)
            key = self._scalar() if mapping else None
            before += self._before(self._here().start_mark.index)
            value = self._node()
            yield Entry(key, value, before, (), next(iter(self._on_line()), None), False)

    def _here(self) -> Any:
        return self.events[self.at]

    def _before(self, end: int) -> tuple[Comment, ...]:
        """Take the comments that stand before a place."""
        return tuple(self._take_while(lambda comment: comment.start < end))

    def _on_line(self, end: int | None = None) -> tuple[Comment, ...]:
        """Take the comment behind the last key, dash or value, if one stands on its line and before what ends there."""
        found = _LINE_OR_FLOW_END.search(self.bare, self.position)
        line_end = found.start() if found is not None else len(self.text)
        return self._before(line_end if end is None else min(end, line_end))

    def _closing(self, least: int) -> tuple[Comment, ...]:
        """Take what is indented by ``least``, and further than the block that goes on behind it."""
        ends = next((n for n in range(len(self.events) - self.at) if not _is_end(self.events[self.at + n])), None)
        if ends is None:
            return tuple(self._take_while(lambda comment: comment.column >= least))
        column, mapping = self.blocks[-1 - ends]
        end = self.events[self.at + ends].start_mark.index if mapping else self.bare.index("-", self.position)
        least = max(least, column + 1)
        return tuple(self._take_while(lambda comment: comment.start < end and comment.column >= least))

    def _take_while(self, fits: Callable[[Comment], bool]) -> Iterator[Comment]:
        while self.comments and fits(self.comments[0]):
            yield self.comments.popleft()

    def _comment(self, match: re.Match[str]) -> Comment:
        start = match.start()
        column = self._column(start)
        own = not self.text[start - column : start].strip()
        return Comment(match[0].rstrip(), start, column if own else -1, self._is_blank_above(start))

    def _column(self, index: int) -> int:
        return index - self.text.rfind("\n", 0, index) - 1

    def _is_blank_above(self, index: int) -> bool:
        end = self.text.rfind("\n", 0, index)
        return end >= 0 and not self.text[self.text.rfind("\n", 0, end) + 1 : end].strip()


def _is_written(event: Any) -> bool:
    """Whether an event stands in the text; behind ``---`` alone there is a null that nobody wrote."""
    return bool(event.start_mark.index < event.end_mark.index)


def _is_scalar(event: Any) -> bool:
    return isinstance(event, yaml.ScalarEvent)


def _is_block_collection(event: Any) -> bool:
    return isinstance(event, yaml.CollectionStartEvent) and not event.flow_style


def _is_end(event: Any) -> bool:
    return isinstance(event, yaml.CollectionEndEvent)


def _without_scalars(text: str, events: list[Any]) -> str:
    """Blank out the scalars, so that what is left are comments and marks such as ``-`` and ``{``."""
    parts, position = [], 0
    for event in events:
        if _is_scalar(event):
            start, end = event.start_mark.index, event.end_mark.index
            comment = _BEHIND_SIGN.match(text, start, end) if event.style in ("|", ">") else None
            shown, hidden = comment.span(1) if comment is not None else (start, start)
            parts += [text[position:start], " " * (shown - start), text[shown:hidden]]
            parts.append(_CHARACTER.sub(" ", text[hidden:end]))
            position = end
    return "".join([*parts, text[position:]])


def _spaces(match: re.Match[str]) -> str:
    return " " * len(match[0])
