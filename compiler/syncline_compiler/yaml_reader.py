"""YAML text to plain values with positions; hostile or surprising YAML is refused here.

In: ``SourceFile``. Out: ``Document``: text, int, Decimal, bool, None, lists and dicts, and the place of every key and
value. Diagnostics: SYN0002 (syntax), SYN0003 (refused feature), SYN0004 (duplicate key), SYN0005 (limits).
Invariant: parsing is iterative over events and stops at the limits, so time and memory are bounded by the file's size.
Scalars follow the YAML 1.2 core schema in its JSON spelling: ``no``, ``012`` and ``1:30`` are text.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import field
from decimal import Decimal
from typing import Any

import yaml

from syncline_compiler.diagnostics.diagnostic import Collector, Edit
from syncline_compiler.model.document import Document, Place
from syncline_compiler.source import CONFLICT, CONFLICT_REMEDY, SourceFile, Span, span_of
from syncline_runtime.frozen import dataclass

MAX_DEPTH = 32
MAX_NODES = 50_000

_INT = re.compile(r"-?(?:0|[1-9][0-9]{0,30})", re.ASCII)
_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]{0,30})(?:\.[0-9]{1,30})?(?:[eE][-+]?[0-9]{1,3})?", re.ASCII)
_WORDS = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL"), None),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}

_PROBLEMS = {
    "mapping values are not allowed in this context": "a `:` is not expected here",
    "found character that cannot start any token": "a value cannot begin with this character",
    "did not find expected key": "a key is expected here",
    "did not find expected node content": "a value is expected here",
    "did not find expected '-' indicator": "a `-` is expected here, as in the lines above",
    "did not find expected ',' or '}'": "a `,` or `}` is expected here",
    "did not find expected ',' or ']'": "a `,` or `]` is expected here",
    "found unexpected end of stream": "the file ends here",
    "control characters are not allowed": "a control character",
}
"""What the parser says, in words that fit under a place."""
_BEGUN, _REST = re.compile(r"\w+\(\d+"), re.compile(r"\d+\)[?~]*")
_OPENED = {
    "while parsing a flow mapping": "this `{` is not closed",
    "while parsing a flow sequence": "this `[` is not closed",
    "while scanning a quoted scalar": "this quote is not closed",
}


class _RefusedError(Exception):
    """Ends the reading of one file; its diagnostic is reported."""


@dataclass
class _Open:
    """A collection that is being read."""

    value: list[Any] | dict[str, Any]
    place: Place
    start: Any
    key: str | None = None
    at: Place = ()  # of the member whose key was read


@dataclass
class _Reader:
    source: SourceFile
    diagnostics: Collector
    keys: dict[Place, Span] = field(default_factory=dict)
    values: dict[Place, Span] = field(default_factory=dict)
    stack: list[_Open] = field(default_factory=list)
    nodes: int = 0
    documents: int = 0
    twice: bool = False  # something is reported that keeps the document from being used
    long: Span | None = None  # the last quoted text that goes on over the end of its line
    root: Any = None

    def read(self) -> None:
        for event in _events(self.source.text):
            meet = _MET.get(type(event))
            if meet is not None:
                meet(self, event)

    def start_document(self, event: yaml.DocumentStartEvent) -> None:
        self.documents += 1
        if self.documents > 1:
            self.refuse("SYN0003", event, "a second document", "one file holds one document: move this to its own file")
        if event.tags:
            self.refuse("SYN0003", event, "a %TAG directive", "remove it: specs have no tags")
        if event.version not in (None, (1, 2)):
            self.refuse("SYN0003", event, "another version of YAML", "remove the directive: specs are YAML 1.2")

    def alias(self, event: yaml.AliasEvent) -> None:
        self.refuse("SYN0003", event, "an alias", "write the value out where it is used")

    def begin(self, event: yaml.CollectionStartEvent) -> None:
        self.check(event)
        opened: list[Any] | dict[str, Any] = [] if isinstance(event, yaml.SequenceStartEvent) else {}
        if self.stack and isinstance(self.stack[-1].value, dict) and self.stack[-1].key is None:
            self.refuse("SYN0003", event, "a list or mapping as a key", "keys are plain text")
        place = self.place()
        self.add(opened)
        self.stack.append(_Open(opened, place, event.start_mark))
        if len(self.stack) > MAX_DEPTH:
            self.refuse("SYN0005", event, f"nested deeper than {MAX_DEPTH} levels", "nothing in a spec nests this deep")

    def check(self, event: Any) -> None:
        self.nodes += 1
        if self.nodes > MAX_NODES:
            self.refuse("SYN0005", event, f"more than {MAX_NODES:,} values", "split the file")
        if event.anchor is not None:
            self.refuse("SYN0003", event, "an anchor", "write the value out where it is used")
        if event.tag is not None:
            self.refuse("SYN0003", event, "a tag", "remove it: types follow from the key, and text can be quoted")

    def scalar(self, event: yaml.ScalarEvent) -> None:
        self.check(event)
        holder = self.stack[-1] if self.stack else None
        if holder is not None and isinstance(holder.value, dict) and holder.key is None:
            self.start_member(holder, event)
            return
        self.values[self.place()] = span = _scalar_span(self.source, event)
        if event.style in ("'", '"') and span.end_line > span.line:
            self.long = Span(span.path, span.line, span.column, span.line, span.column + 1)
        self.add(plain_value(event.value) if event.implicit[0] else event.value)

    def start_member(self, holder: _Open, event: yaml.ScalarEvent) -> None:
        name, span = event.value, _scalar_span(self.source, event)
        if name == "<<" and event.implicit[0]:
            self.refuse("SYN0003", event, "a merge key", "write the members out where they are used")
        if event.implicit[0] and _REST.fullmatch(name):
            self.check_cut(holder, name, span)
        if name in holder.value:
            first = self.keys[(*holder.place, name)]
            self.diagnostics.report(
                "SYN0004", span, label=f"`{name}` stands here again", secondary=[(first, "first given here")],
                help="keep one of the two",
            )  # fmt: skip
            self.twice = True
            if self.diagnostics.full(self.source.path):
                raise _RefusedError
            name = f"{name} once more"  # The document is not used; reading goes on to find other mistakes.
        holder.key, holder.at = name, (*holder.place, name)
        self.keys[holder.at] = span

    def check_cut(self, holder: _Open, rest: str, span: Span) -> None:
        """Report a value that its own comma has cut in two: ``{type: decimal(10,2)}``."""
        last = next(reversed(holder.value), None)
        begun = holder.value.get(last) if isinstance(holder.value, dict) and last is not None else None
        if not isinstance(begun, str) or not _BEGUN.fullmatch(begun):
            return
        start, whole = self.values[(*holder.place, str(last))], f'"{begun},{rest}"'
        place = Span(span.path, start.line, start.column, span.end_line, span.end_column)
        self.diagnostics.report(
            "SYN0008", place, label="the comma ends the value here", help=f"quote it: `{whole}`", fix=Edit(place, whole)
        )
        self.twice = True

    def place(self) -> Place:
        if not self.stack:
            return ()
        holder = self.stack[-1]
        return (*holder.place, len(holder.value)) if isinstance(holder.value, list) else holder.at

    def add(self, value: Any) -> None:
        if not self.stack:
            self.root = value
            return
        holder = self.stack[-1]
        if isinstance(holder.value, list):
            holder.value.append(value)
        else:
            holder.value[holder.key or ""] = value
            holder.key = None

    def end(self, event: Any) -> None:
        closed = self.stack.pop()
        self.values[closed.place] = _collection_span(self.source, closed.start, event.end_mark)

    def refuse(self, code: str, event: Any, what: str, remedy: str) -> None:
        mark = event.start_mark
        span = Span(self.source.path, mark.line + 1, mark.column + 1, mark.line + 1, mark.column + 2)
        self.diagnostics.report(code, span, label=what, help=remedy)
        raise _RefusedError


_MET: dict[type, Callable[[_Reader, Any], None]] = {
    yaml.DocumentStartEvent: _Reader.start_document,
    yaml.AliasEvent: _Reader.alias,
    yaml.ScalarEvent: _Reader.scalar,
    yaml.MappingStartEvent: _Reader.begin,
    yaml.SequenceStartEvent: _Reader.begin,
    yaml.MappingEndEvent: _Reader.end,
    yaml.SequenceEndEvent: _Reader.end,
}


def read_yaml(source: SourceFile, diagnostics: Collector) -> Document | None:
    """Read one document; None if the file is refused or empty (SYN0002 … SYN0005)."""
    if source.conflict is not None:
        diagnostics.report("SYN0002", source.conflict, label=CONFLICT, help=CONFLICT_REMEDY)
        return None
    reader = _Reader(source, diagnostics)
    try:
        reader.read()
    except _RefusedError:
        return None
    except yaml.YAMLError as error:
        _report_syntax(source, error, reader.long, diagnostics)
        return None
    if reader.twice:
        return None
    reader.values.setdefault((), Span(source.path, 1, 1, 1, 2))
    return Document(source, reader.root, reader.keys, reader.values)


def _events(text: str) -> Iterator[Any]:
    loader = getattr(yaml, "CLoader", yaml.Loader)(text)
    return iter(loader.get_event, None)


def plain_value(text: str) -> Any:
    """Give what a text without quotes stands for."""
    if text in _WORDS:
        return _WORDS[text]
    if _INT.fullmatch(text):
        return int(text)
    return Decimal(text) if _NUMBER.fullmatch(text) else text


def _scalar_span(source: SourceFile, event: Any) -> Span:
    """Give the text without its quotes, so that an offset into a plain or quoted one-line text is a column."""
    start, end = event.start_mark, event.end_mark
    quoted = event.style in ("'", '"') and start.line == end.line
    margin = 1 if quoted and end.column - start.column > 2 else 0
    if event.style in ("|", ">"):
        return Span(source.path, start.line + 1, start.column + 1, start.line + 1, start.column + 2)
    return span_of((source.path, start.line + 1, start.column + 1 + margin, end.line + 1, end.column + 1 - margin))


def _collection_span(source: SourceFile, start: Any, end: Any) -> Span:
    """Give a collection's place; a block collection ends where the next thing begins, so only its first line counts."""
    line = start.line + 1
    if end.line == start.line:
        return Span(source.path, line, start.column + 1, line, max(end.column, start.column + 1) + 1)
    length = len(source.line(line).rstrip())
    return Span(source.path, line, start.column + 1, line, max(length, start.column + 1) + 1)


def _report_syntax(source: SourceFile, error: yaml.YAMLError, long: Span | None, diagnostics: Collector) -> None:
    problem = str(getattr(error, "problem", None) or getattr(error, "reason", None) or "this is not YAML")
    span = _one_character(source, getattr(error, "problem_mark", None), error)
    begun = getattr(error, "context_mark", None)
    opened = _OPENED.get(str(getattr(error, "context", None)))
    secondary = [(_one_character(source, begun, error), opened)] if begun is not None and opened else []
    if long is not None and begun is not None and begun.line < long.line + 1 <= span.line:
        secondary = [(long, "this quote is closed on a later line only")]
    diagnostics.report(
        "SYN0002", span, label=_PROBLEMS.get(problem, problem), help=_remedy(source, span.line), secondary=secondary
    )


def _one_character(source: SourceFile, mark: Any, error: yaml.YAMLError) -> Span:
    """Find the place of an error; one at the end of the file is shown behind its last text."""
    line, column = (mark.line + 1, mark.column + 1) if mark is not None else _position(source, error)
    while line > 1 and not source.line(line).strip():
        line -= 1
        column = len(source.line(line)) + 1
    return Span(source.path, line, column, line, column + 1)


def _position(source: SourceFile, error: yaml.YAMLError) -> tuple[int, int]:
    """Find the line and column of a refused character; a reader error knows only its offset in bytes."""
    before = source.text.encode()[: getattr(error, "position", 0) or 0].decode(errors="ignore")
    offset = len(before)
    return before.count("\n") + 1, offset - before.rfind("\n")


def _remedy(source: SourceFile, line: int) -> str:
    if "\t" in source.line(line)[: len(source.line(line)) - len(source.line(line).lstrip())]:
        return "indent with spaces: YAML does not allow tabs there"
    return "check the indentation and brackets; quote text that holds `: `, ` #` or begins with a sign"
