# ruff: noqa: D102 - a method is its rule of grammar.lark
"""Builds syntax trees while the parser runs: one method per rule of ``grammar.lark``.

In: tokens and built parts. Out: nodes of ``model.syntax`` and, for whole files, a flat list of statements.
Invariant: no exception leaves a method; what the grammar could not refuse is noted in ``mistakes``.
"""

from __future__ import annotations

import re
from typing import Any

from lark import Token

from syncline_compiler.model import syntax
from syncline_compiler.model.syntax import Direction, Expression
from syncline_compiler.parsing.places import Places, between
from syncline_compiler.source import Span
from syncline_runtime.frozen import dataclass

MOST_DIGITS = 38
"""Digits of a number: what the engine's decimals hold."""

_DIRECTIONS: dict[str, Direction] = {"<->": "both", "<-": "read", "->": "write"}
_OPERATORS = {
    "==": "eq", "!=": "ne", "<": "lt", "<=": "le", ">": "gt", ">=": "ge",
    "+": "add", "-": "sub", "*": "mul", "/": "div",
}  # fmt: skip
_PART = re.compile(r"`([^`]+)`|(\w+)")
_ESCAPE = re.compile(r'\\(?:(["\\ntr])|u([0-9a-fA-F]{4})|(.))')
_COMMENT = re.compile(r'("(?:[^"\\]|\\.)*"|`[^`]*`)|#.*')
_PLAIN = {"n": "\n", "t": "\t", "r": "\r", '"': '"', "\\": "\\"}


@dataclass(frozen=True)
class EachOpen:
    """``part <-> each list {``: its lines follow until an ``EachClose``."""

    direction: Direction
    part: Expression
    list: syntax.Name
    span: Span


@dataclass(frozen=True)
class EachClose:
    """A closing brace on a line of its own."""

    span: Span


Statement = syntax.Header | syntax.Take | syntax.Let | syntax.Reject | syntax.Line | EachOpen | EachClose


class TreeBuilder:
    """The parser's callbacks. ``begin`` before each text."""

    def begin(self, text: str, places: Places) -> None:
        """Start on a new text."""
        self.places = places
        self.lines = text.split("\n")
        self.mistakes: list[tuple[Span, str]] = []

    # Statements

    def mapping_file(self, *statements: Statement) -> list[Statement]:
        return list(statements)

    def lone_expression(self, expression: Expression) -> Expression:
        return expression

    def header(self, keyword: Token, resource: Token, _: Token, target: Token, version: Token | None) -> syntax.Header:
        last = version if version is not None else target
        return syntax.Header(
            self._name(resource), self._name(target), str(version) if version is not None else None,
            between(self.places.of(keyword), self.places.of(last)),
        )  # fmt: skip

    def take(self, keyword: Token, condition: Expression) -> syntax.Take:
        return syntax.Take(condition, between(self.places.of(keyword), condition.span))

    def let(self, keyword: Token, name: Token, value: Expression) -> syntax.Let:
        return syntax.Let(self._name(name), value, between(self.places.of(keyword), value.span))

    def reject(self, keyword: Token, condition: Expression, because: Token) -> syntax.Reject:
        span = between(self.places.of(keyword), self.places.of(because))
        return syntax.Reject(condition, self._text(because), span)

    def line(self, left: Expression, arrow: Token, right: Expression | Token) -> syntax.Line:
        target = self._name(right) if isinstance(right, Token) else right
        span = between(left.span, target.span)
        return syntax.Line(_DIRECTIONS[arrow], left, target, span, self._written(left.span, target.span))

    both = read = write = line

    def each_open(self, part: Expression, arrow: Token, _: Token, items: Token) -> EachOpen:
        name = self._name(items)
        return EachOpen(_DIRECTIONS[arrow], part, name, between(part.span, name.span))

    def each_close(self, brace: Token) -> EachClose:
        return EachClose(self.places.of(brace))

    # Expressions

    def pipeline(self, value: Expression, *steps: syntax.Step | syntax.Otherwise) -> Expression:
        return syntax.Pipeline(value, steps, between(value.span, steps[-1].span)) if steps else value

    def step(self, function: Token, *arguments: Expression | Token) -> syntax.Step:
        name = self._name(function)
        given = tuple(argument for argument in arguments if not isinstance(argument, Token))
        last = arguments[-1] if arguments else function
        end = self.places.of(last) if isinstance(last, Token) else last.span
        return syntax.Step(name, given, between(name.span, end))

    def otherwise(self, keyword: Token, action: Token, message: Token | None = None) -> syntax.Otherwise:
        span = between(self.places.of(keyword), self.places.of(message if message is not None else action))
        text = self._text(message) if message is not None else None
        return syntax.Otherwise(str(action), text, span)  # type: ignore[arg-type]

    def disjunction(self, *operands: Expression) -> syntax.Operation:
        return syntax.Operation("or", operands, between(operands[0].span, operands[-1].span))

    def conjunction(self, *operands: Expression) -> syntax.Operation:
        return syntax.Operation("and", operands, between(operands[0].span, operands[-1].span))

    def negation(self, keyword: Token, operand: Expression) -> syntax.Operation:
        return syntax.Operation("not", (operand,), between(self.places.of(keyword), operand.span))

    def operation(self, left: Expression, operator: Token, right: Expression) -> syntax.Operation:
        return syntax.Operation(_OPERATORS[operator], (left, right), between(left.span, right.span))

    comparison = sum = product = operation

    def nullness(self, operand: Expression, negated: Token | None, null: Token) -> syntax.Nullness:
        return syntax.Nullness(operand, negated is not None, between(operand.span, self.places.of(null)))

    def membership(self, operand: Expression, negated: Token | None, _: Token, *options: Any) -> syntax.Membership:
        if len(options) == 1:
            table: syntax.Name = options[0]
            return syntax.Membership(operand, table, negated is not None, between(operand.span, table.span))
        span = between(operand.span, self.places.of(options[-1]))
        return syntax.Membership(operand, options[1:-1], negated is not None, span)

    def fallback(self, value: Expression, other: Expression) -> syntax.Operation:
        return syntax.Operation("coalesce", (value, other), between(value.span, other.span))

    def minus(self, sign: Token, operand: Expression) -> Expression:
        span = between(self.places.of(sign), operand.span)
        if isinstance(operand, syntax.Literal) and operand.kind in {"int", "decimal"}:
            return _negated(operand, span)
        return syntax.Operation("negate", (operand,), span)

    def signed(self, sign: Token, digits: Token) -> syntax.Literal:
        number = self.literal(digits)
        return _negated(number, between(self.places.of(sign), number.span))

    def literal(self, token: Token) -> syntax.Literal:
        span = self.places.of(token)
        match token.type:
            case "STRING":
                return syntax.Literal("text", self._text(token), span)
            case "INTEGER":
                return syntax.Literal("int", int(self._digits(token)), span)
            case "DECIMAL":
                return syntax.Literal("decimal", self._digits(token), span)
            case "NULL":
                return syntax.Literal("null", None, span)
        return syntax.Literal("bool", token.type == "TRUE", span)

    def name(self, token: Token) -> syntax.Name:
        return self._name(token)

    def call(self, function: Token, _: Token, *rest: Any) -> syntax.Call:
        *arguments, where, close = rest
        given = tuple(argument for argument in arguments if argument is not None)
        name = self._name(function)
        return syntax.Call(name, given, where, between(name.span, self.places.of(close)))

    def where(self, _: Token, condition: Expression) -> Expression:
        return condition

    def bracket(self, _: Token, inner: Expression, __: Token) -> Expression:
        return inner

    def case(self, keyword: Token, *rest: Any) -> syntax.Case:
        branches = tuple(part for part in rest if isinstance(part, tuple))
        *others, end = rest[len(branches) :]
        return syntax.Case(branches, next(iter(others), None), between(self.places.of(keyword), self.places.of(end)))

    def branch(self, condition: Expression, value: Expression) -> tuple[Expression, Expression]:
        return condition, value

    def pick(self, keyword: Token, items: Token, where: Expression | None, member: Token) -> syntax.Pick:
        span = between(self.places.of(keyword), self.places.of(member))
        return syntax.Pick(self._name(items), where, self._name(member), span)

    # Tokens

    def _name(self, token: Token) -> syntax.Name:
        if "`" in token:
            parts = tuple(quoted or plain for quoted, plain in _PART.findall(token))
        else:
            parts = tuple(token.lstrip(".").split("."))
        return syntax.Name(parts, self.places.of(token))

    def _digits(self, token: Token) -> str:
        if len(token) <= MOST_DIGITS + 1 and token.isascii():
            return str(token)
        self.mistakes.append((self.places.of(token), f"a number has at most {MOST_DIGITS} digits, 0 to 9"))
        return "0"

    def _text(self, token: Token) -> str:
        body = token[1:-1]
        return _ESCAPE.sub(lambda match: self._escaped(match, token), body) if "\\" in body else str(body)

    def _escaped(self, match: re.Match[str], token: Token) -> str:
        sign, number, _ = match.groups()
        if sign:
            return _PLAIN[sign]
        if number and number != "0000" and not 0xD800 <= int(number, 16) <= 0xDFFF:
            return chr(int(number, 16))
        label = f'`{match[0]}` is no character; known are \\n \\t \\r \\" \\\\ \\u00e9'
        self.mistakes.append((self.places.of(token), label))
        return ""

    def _written(self, first: Span, last: Span) -> str:
        if first.line == last.end_line and "#" not in self.lines[first.line - 1]:
            return self.lines[first.line - 1].strip()
        lines = (_COMMENT.sub(r"\1", line).strip() for line in self.lines[first.line - 1 : last.end_line])
        return " ".join(line for line in lines if line)


def _negated(number: syntax.Literal, span: Span) -> syntax.Literal:
    if isinstance(number.value, int):
        return syntax.Literal("int", -number.value, span)
    digits = str(number.value)
    return syntax.Literal("decimal", digits[1:] if digits.startswith("-") else f"-{digits}", span)
