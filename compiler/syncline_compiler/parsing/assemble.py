"""Puts the statements of a file together: one header first, ``each`` blocks around their lines.

Reports SYN0103 (header), SYN0104 (braces), SYN0105 (a statement where it cannot stand, or a left side that is no name).
"""

from __future__ import annotations

from dataclasses import field

from syncline_compiler.diagnostics.diagnostic import Collector
from syncline_compiler.model import syntax
from syncline_compiler.parsing.build import EachClose, EachOpen, Statement
from syncline_compiler.source import SourceFile, Span
from syncline_runtime.frozen import dataclass


def assemble(statements: list[Statement], source: SourceFile, diagnostics: Collector) -> syntax.Mapping | None:
    """Build the mapping; None if the statements do not make one."""
    before = len(diagnostics)
    header = _header(statements, source, diagnostics)
    file = _File(diagnostics)
    for statement in statements:
        file.add(statement)
    file.close()
    if header is None or len(diagnostics) > before:
        return None
    end = source.text.count("\n") + 1
    return syntax.Mapping(
        header, tuple(file.takes), tuple(file.lets), tuple(file.lines), tuple(file.parts), tuple(file.rejects),
        Span(source.path, 1, 1, end, len(source.text) - source.text.rfind("\n")),
    )  # fmt: skip


@dataclass
class _File:
    """The file so far; ``open`` is the block that awaits its brace, ``block`` the lines in it."""

    diagnostics: Collector
    takes: list[syntax.Take] = field(default_factory=list)
    lets: list[syntax.Let] = field(default_factory=list)
    lines: list[syntax.Line] = field(default_factory=list)
    parts: list[syntax.Each] = field(default_factory=list)
    rejects: list[syntax.Reject] = field(default_factory=list)
    block: list[syntax.Line] = field(default_factory=list)
    open: EachOpen | None = None

    def add(self, statement: Statement) -> None:
        """Put one statement where it belongs."""
        match statement:
            case syntax.Line():
                self._check_left(statement)
                (self.lines if self.open is None else self.block).append(statement)
            case EachOpen():
                self.close()
                self.open, self.block = statement, []
            case EachClose():
                self._end(statement)
            case syntax.Header():
                pass
            case _:
                self._add_whole(statement)

    def close(self) -> None:
        """Report a block that was never closed."""
        if self.open is not None:
            self.diagnostics.report("SYN0104", self.open.span, label="this block has no `}` on a line of its own")
            self.open = None

    def _add_whole(self, statement: syntax.Take | syntax.Let | syntax.Reject) -> None:
        if self.open is not None:
            label = "this speaks of the whole record and cannot stand inside `each`"
            self.diagnostics.report("SYN0105", statement.span, label=label, help="move it above the block")
        elif isinstance(statement, syntax.Take):
            self.takes.append(statement)
        elif isinstance(statement, syntax.Let):
            self.lets.append(statement)
        else:
            self.rejects.append(statement)

    def _end(self, brace: EachClose) -> None:
        if self.open is None:
            self.diagnostics.report("SYN0104", brace.span, label="no block is open here")
            return
        part = self.open.part
        if isinstance(part, syntax.Name):
            block = syntax.Each(self.open.direction, part, self.open.list, tuple(self.block), self.open.span)
            self.parts.append(block)
        else:
            self.diagnostics.report("SYN0105", part.span, label="the name of a part is expected left of the arrow")
        self.open = None

    def _check_left(self, line: syntax.Line) -> None:
        if line.direction == "write" or isinstance(line.left, syntax.Name):
            return
        self.diagnostics.report(
            "SYN0105",
            line.left.span,
            label="the name of a canonical field is expected left of this arrow",
            help="the canonical side is on the left and the native side on the right; "
            "an expression over canonical fields is written with `-> NativeField`",
        )


def _header(statements: list[Statement], source: SourceFile, diagnostics: Collector) -> syntax.Header | None:
    headers = [statement for statement in statements if isinstance(statement, syntax.Header)]
    if not headers or statements[0] is not headers[0]:
        place = statements[0].span if statements else Span(source.path, 1, 1, 1, 2)
        label = "`mapping system.Resource <-> object@1` is expected first"
        diagnostics.report("SYN0103", headers[0].span if headers else place, label=label)
        return None
    for repeated in headers[1:]:
        diagnostics.report("SYN0103", repeated.span, label="a file maps one resource: this is the second header")
    header = headers[0]
    if len(header.resource.parts) != 2 or len(header.object.parts) != 1:
        diagnostics.report("SYN0103", header.span, label="write `mapping system.Resource <-> object@1`")
    return header
