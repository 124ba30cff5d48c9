"""Lists and mappings in flow style: on one line where they fit, filled line by line beneath their first item otherwise.

Invariants: the lines after the first are indented further than the block around them; a comment ends its line.
"""

from __future__ import annotations

from collections.abc import Iterable

from syncline_compiler.formatting.scalars import WIDTH, key_of, lines_of
from syncline_compiler.formatting.tree import Collection, Comment, Entry, Node, Scalar

_ANY = 1 << 30
_MARKS = {True: ("{", "}"), False: ("[", "]")}


def flow_lines(node: Node, column: int, tail: int = 0) -> list[str]:
    """Write a value that begins at ``column``, whose last line goes on for ``tail`` characters.

    The first line is given without what stands before it, the others whole.
    """
    whole = _on_one_line(node)
    if whole is not None and column + len(whole) + tail <= WIDTH:
        return [whole]
    if isinstance(node, Scalar):
        first, *rest = lines_of(node, room=_ANY, in_flow=True)
        return [first, *(" " * column + line if line else "" for line in rest)]
    return _Filling(node, column, tail).lines


class _Filling:
    """A collection on several lines."""

    def __init__(self, node: Collection, column: int, tail: int) -> None:
        self.column, self.margin = column, " " * (column + 1)
        opening, closing = _MARKS[node.is_mapping]
        self.lines, self.must_break = [opening], False
        for at, entry in enumerate(node.entries):
            last = at == len(node.entries) - 1
            self.entry(entry, 1 + tail if last else 1)
            self.lines[-1] += "" if last else ","
            if entry.behind is not None:
                self.lines[-1] += f" {entry.behind.text}"
                self.must_break = True
        self.comments(node.after)
        if self.must_break:
            self.lines.append(" " * column + closing)
        else:
            self.lines[-1] += closing

    def entry(self, entry: Entry, tail: int) -> None:
        self.comments(entry.before)
        whole = _entry_on_one_line(entry)
        width = len(whole) if whole is not None else _ANY
        fresh = len(self.lines) == 1 and len(self.lines[0]) == 1
        if self.must_break or (not fresh and self.end() + 1 + width + tail > WIDTH):
            self.lines.append(self.margin)
        elif not fresh:
            self.lines[-1] += " "
        self.must_break = False
        key = f"{key_of(entry.key, in_flow=True)}: " if entry.key is not None else ""
        first, *rest = flow_lines(entry.value, self.end() + len(key), tail)
        self.lines[-1] += f"{key}{first or 'null'}"
        self.lines += rest

    def comments(self, comments: Iterable[Comment]) -> None:
        for comment in comments:
            self.lines.append(f"{self.margin}{comment.text}")
            self.must_break = True

    def end(self) -> int:
        """Give the column at which the last line ends."""
        return len(self.lines[-1]) + (self.column if len(self.lines) == 1 else 0)


def _on_one_line(node: Node) -> str | None:
    if isinstance(node, Scalar):
        lines = lines_of(node, room=_ANY, in_flow=True)
        return (lines[0] or "null") if len(lines) == 1 else None
    if node.after:
        return None
    parts = [_entry_on_one_line(entry) for entry in node.entries]
    opening, closing = _MARKS[node.is_mapping]
    return None if None in parts else f"{opening}{', '.join(filter(None, parts))}{closing}"


def _entry_on_one_line(entry: Entry) -> str | None:
    value = None if entry.before or entry.behind is not None else _on_one_line(entry.value)
    if value is None or entry.key is None:
        return value
    return f"{key_of(entry.key, in_flow=True)}: {value}"
