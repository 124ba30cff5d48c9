"""The one layout of YAML files: indentation by two, one space between tokens, no more than one empty line.

In: the tree of a document. Out: its text. Flow and block style stay as they were chosen.
Invariant: laying out twice is laying out once.
"""

from __future__ import annotations

from collections.abc import Iterable

from syncline_compiler.formatting.flow import flow_lines
from syncline_compiler.formatting.scalars import WIDTH, block_lines, is_open, key_of, lines_of
from syncline_compiler.formatting.tree import Collection, Comment, Document, Entry, Node, Scalar

STEP = 2


def laid_out(document: Document) -> str:
    """Write a document; UnusualError if it holds what the layout has no form for, such as a key of many lines."""
    page = _Page()
    if document.root is not None:
        page.entry(document.root, 0, "")
    page.comments(document.after, 0)
    return "".join(f"{line}\n" for line in page.lines)


class _Page:
    """The lines so far, and the dashes with which the next one begins."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.dashes = ""
        self.fresh = True  # nothing stands in this block yet: no empty line begins it
        self.open = False  # an empty line here would belong to the text above

    def entry(self, entry: Entry, indent: int, start: str) -> None:
        """Write what begins with ``start``: a key, a dash, or nothing at the root."""
        self.comments(entry.before, indent)
        self.blank(entry.blank)
        if isinstance(entry.value, Collection) and not entry.value.is_flow:
            self.block(entry.value, entry.beside, indent, start)
        else:
            self.leaf(entry, indent, start)

    def block(self, node: Collection, beside: tuple[Comment, ...], indent: int, start: str) -> None:
        if start == "-" and not beside:
            self.dashes = f"{self.dashes or ' ' * indent}- "
        elif start:
            self.line(indent, start, *(comment.text for comment in beside))
            self.fresh = True
        within = indent + STEP if start else indent
        for entry in node.entries:
            self.entry(entry, within, f"{key_of(entry.key)}:" if entry.key is not None else "-")
        self.comments(node.after, within)

    def leaf(self, entry: Entry, indent: int, start: str) -> None:
        within = indent + STEP if start else indent
        margin = indent
        if entry.beside:
            first, *rest = entry.beside
            on_line = first.column < 0
            self.line(indent, start, first.text if on_line else "")
            self.comments(rest if on_line else entry.beside, within)
            start, margin = "", within
        lines = _lines_of(entry.value, margin + len(start) + bool(start), within)
        if entry.behind is not None:
            at = 0 if isinstance(entry.value, Scalar) and entry.value.is_block else -1
            lines[at] = _joined(lines[at], entry.behind.text)
        self.line(margin, start, lines[0])
        self.lines += lines[1:]
        self.open = isinstance(entry.value, Scalar) and is_open(entry.value)

    def line(self, indent: int, *parts: str) -> None:
        self.lines.append((self.dashes or " " * indent) + _joined(*parts))
        self.dashes, self.fresh, self.open = "", False, False

    def comments(self, comments: Iterable[Comment], indent: int) -> None:
        for comment in comments:
            if self.dashes:
                self.lines.append(self.dashes.rstrip())
                self.dashes = ""
            self.blank(comment.blank)
            self.line(indent, comment.text)

    def blank(self, wanted: bool) -> None:
        if wanted and not (self.dashes or self.fresh or self.open):
            self.lines.append("")


def _lines_of(node: Node, column: int, within: int) -> list[str]:
    """Write a value that begins at ``column``; lines after the first come whole, indented by ``within`` at least."""
    if isinstance(node, Collection):
        return flow_lines(node, column)
    first, *rest = block_lines(node) if node.is_block else lines_of(node, room=WIDTH - column)
    return [first, *(" " * within + line if line else "" for line in rest)]


def _joined(*parts: str) -> str:
    return " ".join(filter(None, parts))
