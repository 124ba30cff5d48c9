"""The parser at work: one text read from end to end, whatever mistakes it holds.

In: text and its places. Out: what the grammar's rule makes of it, or None. Reports SYN0101 (unreadable line) and
SYN0102 (too large or too deep).
Invariant: every mistake is reported once, at its place; no text, however nested or long, ends in an exception.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from functools import cache, cached_property
from typing import Any

from lark import Lark, Token, Tree
from lark.exceptions import UnexpectedCharacters, UnexpectedInput, UnexpectedToken
from lark.lark import PostLex
from lark.lexer import PatternStr
from lark.parsers.lalr_analysis import Shift

from syncline_compiler.diagnostics.diagnostic import Collector, Edit
from syncline_compiler.parsing.build import TreeBuilder
from syncline_compiler.parsing.depth import DEEPEST, beyond_bounds
from syncline_compiler.parsing.expected import hint, slip, wanted
from syncline_compiler.parsing.parser import parser
from syncline_compiler.parsing.places import Places
from syncline_compiler.parsing.shapes import Shapes
from syncline_compiler.source import Span
from syncline_runtime.frozen import dataclass

LARGEST = {"mapping_file": 1 << 17, "lone_expression": 1 << 14}
"""Characters of a mapping file, and of an expression in another spec."""

_STATEMENT_LIKE = re.compile(r"\s*(?:(?:take|let|reject|mapping)\b|\}|[^#]*(?:<->|<-|->))")
_GOES_ON = re.compile(r"\s*(?:\||\?\?|(?:and|or|else|because|then|when|where)\b)")
_BRACKET = re.compile(r'"(?:[^"\\\n]|\\.)*"|#.*|(?P<open>\(|\bcase\b)|(?P<close>\)|\bend\b)')
_LINE_END = "_NEWLINE"


class LineEnds(PostLex):
    """Drops the line ends inside brackets and ``case … end``, and stops what is nested too deep."""

    always_accept = (_LINE_END,)

    def __init__(self) -> None:
        self.depth = 0

    def process(self, stream: Iterator[Token]) -> Iterator[Token]:
        """Pass on the tokens that the parser is to see."""
        self.depth = 0
        for token in stream:
            kind = token.type
            if kind == _LINE_END:
                if self.depth:
                    continue
            elif kind in {"OPEN", "CASE"}:
                self.depth += 1
                if self.depth > DEEPEST:
                    raise _TooDeepError(token)
            elif kind in {"CLOSE", "END"}:
                self.depth = max(0, self.depth - 1)
            yield token


class _TooDeepError(Exception):
    """Carries the token at which the nesting passed its bound."""


class _Callbacks:
    """What the parser calls for each rule: the builder, or while a shape is learnt, what makes a plain tree."""

    def __init__(self, builder: TreeBuilder) -> None:
        self._builder = builder
        self.learning = False

    def __getattr__(self, rule: str) -> Callable[[list[Any]], Any]:
        build = getattr(self._builder, rule)
        return lambda children: Tree(rule, children) if self.learning else build(*children)


@dataclass(frozen=True)
class _Machine:
    """The parser, made once, and what works with it."""

    parser: Lark
    callbacks: _Callbacks
    builder: TreeBuilder
    line_ends: LineEnds

    def tree(self, line: str) -> Tree[Any] | None:
        """Give the plain tree of one line; None if it has a mistake."""
        self.callbacks.learning = True
        try:
            tree: Tree[Any] = self.parser.parse(line, start="mapping_file")
            return tree
        except (UnexpectedInput, _TooDeepError):
            return None
        finally:
            self.callbacks.learning = False

    @cached_property
    def shapes(self) -> Shapes:
        """The shapes of statements met so far in this process."""
        signs = (
            terminal.pattern.value for terminal in self.parser.terminals if isinstance(terminal.pattern, PatternStr)
        )
        return Shapes(self.tree, self.builder, frozenset(signs))


@cache
def _machine() -> _Machine:
    builder, line_ends = TreeBuilder(), LineEnds()
    callbacks = _Callbacks(builder)  # a transformer that is asked for nothing but its callbacks
    return _Machine(parser(callbacks, line_ends), callbacks, builder, line_ends)


class Reading:
    """One reading of one text: reports each mistake and goes on at the next statement."""

    def __init__(self, text: str, places: Places, diagnostics: Collector) -> None:
        self.text, self.places, self.diagnostics = text, places, diagnostics
        self.errors = 0
        self.alone = False

    def read(self, start: str) -> Any:
        """Parse from ``start``; None after an error."""
        machine = _machine()
        builder = machine.builder
        if len(self.text) > LARGEST[start] + 1:
            self._report("SYN0102", self.places.at(1, 1, 1, 2), f"longer than {LARGEST[start]:,} characters")
            return None
        builder.begin(self.text, self.places)
        self.alone = start == "lone_expression"
        try:
            tree: Any = None if self.alone else machine.shapes.read(self.text)
            bounded = tree is not None  # a shape is measured once
            if tree is None:
                builder.begin(self.text, self.places)
                tree = machine.parser.parse(self.text, start=start, on_error=self.recover)
        except UnexpectedInput:
            return None
        except _TooDeepError as stop:
            self._report("SYN0102", self.places.of(stop.args[0]), f"more than {DEEPEST} levels deep")
            return None
        for span, label in builder.mistakes:
            self._report("SYN0101", span, label)
        statements = tree if isinstance(tree, list) else [tree]
        beyond = beyond_bounds(statements) if not (self.errors or bounded) else None
        if beyond is not None:
            self._report("SYN0102", *beyond)
        return None if self.errors else tree

    def recover(self, error: UnexpectedInput) -> bool:
        """Report a mistake; then drop the broken statement and read on at the line end behind it."""
        unclosed = self._unclosed(error)
        if unclosed is None:
            self._report_unexpected(error)
        else:
            label = "this bracket is not closed" if self.text[unclosed] == "(" else "this `case` has no `end`"
            self._report("SYN0101", self._at(unclosed, 1 if self.text[unclosed] == "(" else 4), label)
        if self._is_end(error) or self.alone or self.diagnostics.full(self.places.path):
            return False
        state = error.interactive_parser.parser_state
        table = state.parse_conf.parse_table.states
        while len(state.state_stack) > 1 and not _takes_line_end(table[state.state_stack[-1]]):
            state.state_stack.pop()
            state.value_stack.pop()
        if not _takes_line_end(table[state.state_stack[-1]]):
            return False
        position = error.pos_in_stream or 0
        if unclosed is None:
            position = self._line_end(position)
        else:  # What stands on this line is a statement of its own.
            position = self.text.rfind("\n", 0, position)
            _machine().line_ends.depth = 0
        self._go_on(error, position)
        return True

    def _unclosed(self, error: UnexpectedInput) -> int | None:
        """Find the bracket that swallowed a statement, or all the rest; None if that is not the mistake."""
        depth = _machine().line_ends.depth
        position = len(self.text) if self._is_end(error) else error.pos_in_stream or 0
        start = self.text.rfind("\n", 0, position) + 1
        begins = not self.text[start:position].strip() and _STATEMENT_LIKE.match(self.text, start) is not None
        if not depth or not (begins or self._is_end(error)):
            return None
        opened: list[int] = []
        for match in _BRACKET.finditer(self.text, 0, position):
            if match["open"]:
                opened.append(match.start())
            elif match["close"] and opened:
                opened.pop()
        return opened[-1] if opened else None

    @staticmethod
    def _is_end(error: UnexpectedInput) -> bool:
        return isinstance(error, UnexpectedToken) and error.token.type == "$END"

    def _at(self, position: int, length: int) -> Span:
        """Give the place of a stretch of the text within one line."""
        line, start = self.text.count("\n", 0, position) + 1, self.text.rfind("\n", 0, position) + 1
        return self.places.at(line, position - start + 1, line, position - start + 1 + length)

    def _go_on(self, error: UnexpectedInput, position: int) -> None:
        state = error.interactive_parser.lexer_thread.state
        assert state is not None  # the parser has begun
        counter = state.line_ctr
        counter.char_pos = position
        counter.line = self.text.count("\n", 0, position) + 1
        counter.line_start_pos = self.text.rfind("\n", 0, position) + 1
        counter.column = position - counter.line_start_pos + 1

    def _line_end(self, position: int) -> int:
        """Give the end of the line behind which the next statement begins."""
        depth = _machine().line_ends.depth
        end = self._end_of_line(position)
        depth += _opened(self.text[position:end])
        while end + 1 < len(self.text):
            following = self.text[end + 1 : self._end_of_line(end + 1)]
            if _STATEMENT_LIKE.match(following) or (depth <= 0 and not _GOES_ON.match(following)):
                break
            depth += _opened(following)
            end += 1 + len(following)
        return end

    def _end_of_line(self, position: int) -> int:
        end = self.text.find("\n", position)
        return end if end >= 0 else len(self.text) - 1

    def _report_unexpected(self, error: UnexpectedInput) -> None:
        accepted: set[str] = error.interactive_parser.accepts()  # type: ignore[no-untyped-call]
        if isinstance(error, UnexpectedToken):
            span, found = self.places.of(error.token), str(error.token)
        else:
            assert isinstance(error, UnexpectedCharacters)
            span, found = self.places.at(error.line, error.column, error.line, error.column + 1), error.char
        position = error.pos_in_stream or 0
        if self.text[max(position - 1, 0) : position + 1] == "||":  # The first is taken for the beginning of a step.
            position, found, accepted = position - 1, "||", {"EQUAL", "PLUS", "TIMES"}
            span = span if self.places.fixed else span._replace(column=span.column - 1)
        at_end = not found.strip()
        expected = wanted(accepted - {_LINE_END} if at_end else accepted)
        label = f"{expected} here" if at_end else f"{expected}, not `{found[:40]}`"
        remedy = hint(self.text[position : self._end_of_line(position)], accepted) if not at_end else ""
        self._report("SYN0101", span, label, remedy, self._fix(span, position))

    def _fix(self, span: Span, position: int) -> Edit | None:
        """Give the edit that mends a slip of which it is certain what is meant."""
        found = slip(self.text[position : self._end_of_line(position)], in_file=not self.alone)
        if found is None or self.places.fixed is not None:
            return None
        return Edit(span._replace(end_line=span.line, end_column=span.column + len(found[0])), found[1])

    def _report(self, code: str, span: Span, label: str, help_text: str = "", fix: Edit | None = None) -> None:
        self.errors += 1
        self.diagnostics.report(code, span, label=label, help=help_text or (), fix=fix)


def _takes_line_end(actions: dict[str, tuple[Any, Any]]) -> bool:
    return _LINE_END in actions and actions[_LINE_END][0] is Shift


def _opened(text: str) -> int:
    """How many brackets a stretch of text opens more than it closes."""
    return sum(bool(match["open"]) - bool(match["close"]) for match in _BRACKET.finditer(text))
