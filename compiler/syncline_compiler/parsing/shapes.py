"""Statements that look alike: each shape of a statement is parsed once, and said again with other words.

In: the text of a mapping. Out: its statements, or None where the text has to be read as a whole: a mistake in it, a
bracket or ``case`` that spans lines, anything out of the ordinary.
The tree of a statement depends on the kinds of its tokens alone, and what kind a token is depends on no word that is
not a keyword. So ``Name <-> X | upper`` is parsed once for all names; the parser stays the only judge of what is one.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, NamedTuple

from lark import Token, Tree

from syncline_compiler.parsing.depth import beyond_bounds
from syncline_runtime.frozen import dataclass

LONGEST = 400
"""Characters of a line; longer ones are read with the whole text, where every bound is kept."""
MOST = 10_000
"""Shapes that are kept."""

_TOKEN = re.compile(
    r"""[ \t]*(?:(?P<word>(?:[^\W\d]\w*)(?:\.\w+)*)|(?P<text>"(?:[^"\\\n]|\\.)*")|(?P<number>\d+(?:\.\d+)*)
    |(?P<member>\.\w+(?:\.\w+)*)|(?P<sign><->|<-|->|==|!=|<=|>=|\?\?|[<>=+*/|@,{}()-])|(?P<comment>\#.*)|(?P<other>[^ \t]))""",
    re.VERBOSE,
)
_GOES_ON = re.compile(r"[ \t]*(?:\||\?\?|(?:and|or|else|because|then|when|where)\b)")
_SPANNING = frozenset({"case", "end"})


class _Word(NamedTuple):
    """One token of a line: how it is written, and its columns, from 1."""

    text: str
    column: int
    end: int


@dataclass(frozen=True)
class _Node:
    """A rule's callback and what it is given: nodes, kinds and places of tokens, None."""

    say: Callable[..., Any]
    given: tuple[_Node | tuple[str, int] | None, ...]


class Shapes:
    """The shapes of statements met so far.

    ``parse`` gives the tree of one line, or None; ``builder`` has a method for each rule; ``keywords`` are the words and
    signs that the grammar knows.
    """

    def __init__(self, parse: Callable[[str], Tree[Any] | None], builder: Any, keywords: frozenset[str]) -> None:
        self._parse, self._builder, self._keywords = parse, builder, keywords
        self._known: dict[str, _Node | None] = {}

    def read(self, text: str) -> list[Any] | None:
        """Give the statements of a whole text; None where it has to be read as a whole."""
        if "\r" in text or "`" in text or "\f" in text:
            return None
        lines = text.split("\n")
        if any(map(_GOES_ON.match, lines)) or len(max(lines, key=len)) > LONGEST:
            return None
        statements = []
        for number, line in enumerate(lines, 1):
            words, shape = self._shape(line)
            if not words:
                continue
            is_new = shape is not None and shape not in self._known
            node = self._node(shape, words) if shape is not None else None
            if node is None:
                return None
            statement = _say(node, words, number)
            if is_new and beyond_bounds(
                [statement]
            ):  # all of this shape are: they are told by the whole text's reading
                self._known[str(shape)] = None
                return None
            statements.append(statement)
        return statements

    def _shape(self, line: str) -> tuple[list[_Word], str | None]:
        """Give the tokens of a line, and what they look like; no shape where the line may not be one statement."""
        words: list[_Word] = []
        shape: list[str] = []
        depth = 0
        for match in _TOKEN.finditer(line):
            kind = str(match.lastgroup)
            if kind == "comment":
                continue
            text, (start, end) = match[kind], match.span(kind)
            words.append(_Word(text, start + 1, end + 1))
            if kind == "other" or text in _SPANNING:
                return words, None
            depth += (text == "(") - (text == ")")
            shape.append(self._looks(kind, text))
        return words, " ".join(shape) if depth == 0 else None

    def _looks(self, kind: str, text: str) -> str:
        if kind == "sign" or text in self._keywords:
            return text
        if kind == "word":
            return "word" if "." not in text else "path"
        return kind + str(text.count(".")) if kind == "number" else kind

    def _node(self, shape: str, words: list[_Word]) -> _Node | None:
        if shape in self._known:
            return self._known[shape]
        node = self._parsed(words)
        if len(self._known) < MOST:
            self._known[shape] = node
        return node

    def _parsed(self, words: list[_Word]) -> _Node | None:
        """Parse one line of these words; None where it is not one statement."""
        starts, at = {}, 0
        for place, word in enumerate(words):
            starts[at] = place
            at += len(word.text) + 1
        tree = self._parse(" ".join(word.text for word in words) + "\n")
        if tree is None or len(tree.children) != 1 or not isinstance(tree.children[0], Tree):
            return None
        return self._placed(tree.children[0], starts)

    def _placed(self, tree: Tree[Any], starts: dict[int, int]) -> _Node:
        given: list[_Node | tuple[str, int] | None] = []
        for child in tree.children:
            if isinstance(child, Tree):
                given.append(self._placed(child, starts))
            else:
                given.append((child.type, starts[child.start_pos or 0]) if child is not None else None)
        return _Node(getattr(self._builder, str(tree.data)), tuple(given))


class _Said(Token):
    """A token with its place, and without what only a parser asks of one."""

    __slots__ = ()

    def __new__(cls, kind: str, word: _Word, number: int) -> _Said:
        made = str.__new__(cls, word.text)
        made.type, made.line, made.end_line = kind, number, number
        made.column, made.end_column = word.column, word.end
        return made


def _say(node: _Node, words: list[_Word], number: int) -> Any:
    """Build a statement of these words, on line ``number``."""
    arguments: list[Any] = []
    for given in node.given:
        if isinstance(given, _Node):
            arguments.append(_say(given, words, number))
        elif given is None:
            arguments.append(None)
        else:
            kind, place = given
            word = words[place]
            arguments.append(_Said(kind, word, number))
    return node.say(*arguments)
