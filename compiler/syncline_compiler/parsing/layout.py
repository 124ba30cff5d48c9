"""The one layout of mapping files: spaces between tokens, indentation, arrows in columns.

In: the text of a mapping that has no syntax error. Out: the same tokens and comments in the same order.
Invariant: laying out twice is laying out once; only spaces and line ends change.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import groupby

from syncline_runtime.frozen import dataclass

INDENT = "  "

_TOKEN = re.compile(
    r"""(?P<comment>\#[^\r\n]*)|(?P<text>"(?:[^"\\\r\n]|\\.)*")
    |(?P<name>(?:[^\W\d]\w*|`[^`\r\n]+`)(?:\.(?:\w+|`[^`\r\n]+`))*)|(?P<number>\d+(?:\.\d+)*)
    |(?P<member>\.(?:\w+|`[^`\r\n]+`)(?:\.(?:\w+|`[^`\r\n]+`))*)
    |(?P<arrow><->|<-|->)|(?P<sign>==|!=|<=|>=|\?\?|[<>=+*/|-])|(?P<mark>[()@,{}])|(?P<space>[ \t\r]+)""",
    re.VERBOSE,
)
_WORDS = frozenset(
    {
        "when", "and", "or", "not", "is", "in", "where", "then", "else", "because", "case", "end", "pick", "each",
        "reject", "review", "null", "take", "let", "mapping",
    }
)  # fmt: skip
_GOES_ON = re.compile(r"(?:\||\?\?|(?:and|or|else|because|then|when|where)\b)")


@dataclass(frozen=True)
class _Token:
    kind: str
    text: str
    spaced: bool  # a space stands before it in the source


@dataclass
class _Row:
    """One line of the result: its parts left of, at and right of an arrow; most rows have no arrow."""

    indent: str
    left: str
    arrow: str = ""
    right: str = ""
    comment: str = ""
    plain: bool = False  # the left side is one name, so that it stands in a column
    blank: bool = False
    goes_on: bool = False  # part of the statement above

    def text(self, width: int, arrow_width: int) -> str:
        """Write the row with its left side and arrow padded to these widths."""
        body = self.left
        if self.arrow:
            body = f"{self.left.ljust(width)} {self.arrow.ljust(arrow_width)} {self.right}".rstrip()
        comment = f"  {self.comment}" if self.comment and body else self.comment
        return f"{self.indent}{body}{comment}".rstrip()


def laid_out(text: str) -> str:
    """Lay a mapping out anew."""
    rows = list(_without_spare_blanks(_rows(text.split("\n"))))
    lines: list[str] = []
    for _, run in groupby(rows, key=_RunKey()):
        lines += _aligned(list(run))
    return "\n".join(lines) + "\n" if lines else ""


def _aligned(run: Sequence[_Row]) -> Iterator[str]:
    columns = [row for row in run if row.plain]
    width = max((len(row.left) for row in columns), default=0)
    arrow = max((len(row.arrow) for row in columns), default=0)
    for row in run:
        yield row.text(width, arrow) if row.plain else row.text(0, 0)


class _RunKey:
    """Numbers runs of rows whose arrows stand in one column.

    A blank line, a comment of its own, another statement or another indentation ends a run; lines that go on do not.
    """

    def __init__(self) -> None:
        self.number, self.indent = 0, ""

    def __call__(self, row: _Row) -> int:
        if not row.goes_on and (not row.arrow or row.indent != self.indent):
            self.number += 1
            self.indent = row.indent
        return self.number


def _without_spare_blanks(rows: Iterator[_Row]) -> Iterator[_Row]:
    pending, started = False, False
    for row in rows:
        if row.blank:
            pending = started
            continue
        if pending:
            yield _Row("", "", blank=True)
        pending, started = False, True
        yield row


def _rows(lines: Sequence[str]) -> Iterator[_Row]:
    block, depth = 0, 0
    for number, line in enumerate(lines):
        tokens = list(_tokens(line))
        comment = tokens.pop().text if tokens and tokens[-1].kind == "comment" else ""
        if not tokens:
            inner = bool(depth) or (bool(comment) and _continues(lines[number + 1 :]))
            yield _Row(INDENT * (block + inner), "", comment=comment.rstrip(), blank=not comment, goes_on=inner)
            continue
        first = tokens[0]
        goes_on = bool(depth) or (_GOES_ON.match(first.text) is not None)
        if first.text == "}":
            block = 0
        closes = depth == 1 and first.text in {"end", ")"}
        indent = INDENT * (block + (goes_on and not closes))
        yield _row(indent, tokens, comment.rstrip(), goes_on)
        depth = max(0, depth + sum(_opens(token) for token in tokens))
        if tokens[-1].text == "{":
            block = 1


def _continues(following: Sequence[str]) -> bool:
    """Whether the next line that is no comment goes on with a statement begun before."""
    code = next((line.strip() for line in following if line.strip() and not line.lstrip().startswith("#")), "")
    return _GOES_ON.match(code) is not None


def _row(indent: str, tokens: Sequence[_Token], comment: str, goes_on: bool) -> _Row:
    at = next((index for index, token in enumerate(tokens) if token.kind == "arrow"), None)
    if at is None or goes_on or tokens[0].text == "mapping":
        return _Row(indent, _joined(tokens), comment=comment, goes_on=goes_on)
    plain = at == 1 and tokens[0].kind == "name"
    return _Row(indent, _joined(tokens[:at]), tokens[at].text, _joined(tokens[at + 1 :]), comment, plain)


def _tokens(line: str) -> Iterator[_Token]:
    spaced = False
    for match in _TOKEN.finditer(line):
        kind = str(match.lastgroup)
        if kind != "space":
            yield _Token(kind, match[0], spaced)
        spaced = kind == "space"


def _opens(token: _Token) -> int:
    if token.text in {"(", "case"}:
        return 1
    return -1 if token.text in {")", "end"} else 0


def _joined(tokens: Sequence[_Token]) -> str:
    made = ""
    before: _Token | None = None
    signed = False  # the token before is a sign that belongs to what follows
    steps = [False]  # by open brackets: whether a step's arguments stand here
    for token in tokens:
        gap = before is not None and not signed and _gap(before, token)
        made += (" " if gap else "") + token.text
        signed = token.text == "-" and (before is None or steps[-1] or _is_sign(before))
        _follow(steps, token)
        before = token
    return made


def _follow(steps: list[bool], token: _Token) -> None:
    """Keep track of where steps begin and end."""
    if token.text == "(":
        steps.append(False)
    elif token.text == ")" and len(steps) > 1:
        steps.pop()
    elif token.text == "|":
        steps[-1] = True
    elif token.text in {"else", ",", "->", "where"}:
        steps[-1] = False


def _gap(before: _Token, token: _Token) -> bool:
    if token.text in {")", ",", "@"} or before.text in {"(", "@"}:
        return False
    if token.text == "(" and before.kind == "name" and before.text not in _WORDS:
        return token.spaced
    return True


def _is_sign(before: _Token) -> bool:
    """Whether a minus belongs to the number behind it: nothing stands before it that it could be taken from."""
    if before.kind in {"sign", "arrow"} or before.text in {"(", ","}:
        return True
    return before.text in _WORDS - {"end", "null"} and before.kind == "name"
