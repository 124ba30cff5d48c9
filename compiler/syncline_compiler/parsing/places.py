"""Where tokens stand in the project, whether their text is a file of its own or a value inside YAML."""

from __future__ import annotations

from lark import Token

from syncline_compiler.source import Span, span_of
from syncline_runtime.frozen import dataclass


@dataclass(frozen=True)
class Places:
    """Turns token positions into spans. ``fixed``: the text's own layout is lost (folded or escaped YAML)."""

    path: str
    line_offset: int = 0
    column_offset: int = 0  # of the first line
    fixed: Span | None = None

    def of(self, token: Token) -> Span:
        """Give the span of one token."""
        if not self.line_offset and not self.column_offset and self.fixed is None:  # in a file of its own
            return span_of((self.path, token.line or 1, token.column or 1, token.end_line or 1, token.end_column or 1))
        return self.at(token.line or 1, token.column or 1, token.end_line or 1, token.end_column or 1)

    def at(self, line: int, column: int, end_line: int, end_column: int) -> Span:
        """Give the span of a range counted within the text."""
        if self.fixed is not None:
            return self.fixed
        return Span(
            self.path,
            line + self.line_offset,
            column + (self.column_offset if line == 1 else 0),
            end_line + self.line_offset,
            end_column + (self.column_offset if end_line == 1 else 0),
        )


def places_within(text: str, span: Span) -> Places:
    """Give the places of an expression written at ``span``: exact where it is one plain or simply quoted line."""
    width = span.end_column - span.column
    if span.line == span.end_line and width - len(text) in {0, 2}:
        quote = (width - len(text)) // 2
        return Places(span.path, span.line - 1, span.column - 1 + quote)
    return Places(span.path, fixed=span)


def between(first: Span, last: Span) -> Span:
    """From the start of one span to the end of another."""
    return span_of((*first[:3], *last[3:]))
