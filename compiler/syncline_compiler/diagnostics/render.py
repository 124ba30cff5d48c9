"""Shows diagnostics: as text with the source, as JSON for machines, as annotations for GitHub.

In: diagnostics in order, and the sources. Out: text. Invariant: nothing of the user's files reaches a terminal as a
control character, and the text of a secret is masked.
"""

from __future__ import annotations

import json
import posixpath
import textwrap
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from syncline_compiler.diagnostics.diagnostic import Collector, Diagnostic, Edit
from syncline_compiler.source import LIBRARY, SourceFile, Span
from syncline_runtime.frozen import dataclass

JSON_VERSION = 1
MASKED_CODES = frozenset({"SYN0801"})
SHOWN_AGAIN = 4
WIDEST_LINE = 160
WRAPPED_AT = 100

Sources = Mapping[str, SourceFile]

_RESET, _BOLD, _RED, _YELLOW, _BLUE, _GREEN = (
    "\x1b[0m",
    "\x1b[1m",
    "\x1b[1;31m",
    "\x1b[1;33m",
    "\x1b[1;34m",
    "\x1b[1;32m",
)
_COLOURS = {"error": _RED, "warning": _YELLOW}


@dataclass(frozen=True)
class _Mark:
    """A place to underline, with its label; the main one with carets."""

    span: Span
    label: str
    main: bool


def render_text(diagnostics: Collector, sources: Sources, *, folder: str = "", colour: bool = False) -> str:
    """Render as text, each diagnostic with its source, and a line of totals; nothing if there are none.

    ``folder`` is the way from the working directory to the project, so that shown paths can be opened.
    """
    secrets = [span for one in diagnostics for span in _secrets(one)]
    parts = [_rendered(diagnostic, sources, secrets, folder, _Paint(colour)) for diagnostic in diagnostics]
    more = f"; {diagnostics.beyond:,} of them are not shown" if diagnostics.beyond else ""
    return "\n".join([*parts, f"{totals(diagnostics)}{more}{_mended(diagnostics)}\n"]) if parts else ""


def totals(diagnostics: Collector) -> str:
    """Count errors and warnings in words."""
    counts = ((diagnostics.errors, "error"), (diagnostics.warnings, "warning"))
    said = [f"{count} {word}{'s' if count > 1 else ''}" for count, word in counts if count]
    return " and ".join(said) or "no errors"


def _mended(diagnostics: Collector) -> str:
    """Say how many of the mistakes can be mended without a doubt."""
    sure = sum(bool(diagnostic.fixes) for diagnostic in diagnostics)
    return f"; `syncline check --fix` mends {_of_all(sure, len(diagnostics))}" if sure else ""


def _of_all(some: int, all_: int) -> str:
    if some < all_:
        return f"{some} of them"
    return "it" if all_ == 1 else "them"


def _secrets(diagnostic: Diagnostic) -> Iterator[Span]:
    """Give the places of secrets: masked wherever their lines are shown, since other mistakes stand in them too."""
    if diagnostic.code in MASKED_CODES:
        yield from (diagnostic.span, *(span for span, _ in diagnostic.again))


def _rendered(diagnostic: Diagnostic, sources: Sources, secrets: Sequence[Span], folder: str, paint: _Paint) -> str:
    """Render one diagnostic in the manner of rustc."""
    marks = [_Mark(diagnostic.span, diagnostic.label, True)]
    marks += [_Mark(span, "and here", False) for span, _ in diagnostic.again[:SHOWN_AGAIN]]
    marks += [_Mark(span, label, False) for span, label in diagnostic.secondary]
    width = len(str(max(mark.span.line for mark in marks)))
    severity = paint(f"{diagnostic.severity}[{diagnostic.name}]", _COLOURS[diagnostic.severity])
    lines = [f"{severity}{paint(f': {diagnostic.summary}', _BOLD)}"]
    for path in dict.fromkeys(mark.span.path for mark in marks):
        first = next(mark for mark in marks if mark.span.path == path)
        arrow = "-->" if path == diagnostic.span.path else ":::"
        lines.append(f"{' ' * width}{paint(arrow, _BLUE)} {clean(_located(first.span, folder))}")
        of_file = [mark for mark in marks if mark.span.path == path]
        masked = [span for span in secrets if span.path == path]
        lines += _excerpt(of_file, sources.get(path), width, masked, _COLOURS[diagnostic.severity], paint)
    lines += _notes(diagnostic, width, paint)
    return "\n".join(lines) + "\n"


def render_json(diagnostics: Collector, *, folder: str = "") -> str:
    """Render as JSON: stable and versioned; members are added, never renamed."""
    document = {
        "version": JSON_VERSION,
        "diagnostics": [diagnostic_as_json(diagnostic, folder) for diagnostic in diagnostics],
        "errors": diagnostics.errors,
        "warnings": diagnostics.warnings,
    }
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def render_github(diagnostics: Collector, *, folder: str = "") -> str:
    """Render as workflow commands, which GitHub shows beside the changed lines."""
    return "".join(f"{_annotation(diagnostic, folder)}\n" for diagnostic in diagnostics)


class _Paint:
    """Colours text, or leaves it."""

    def __init__(self, colour: bool) -> None:
        self._colour = colour

    def __call__(self, text: str, code: str) -> str:
        return f"{code}{text}{_RESET}" if self._colour and text else text


def _excerpt(
    marks: list[_Mark], source: SourceFile | None, width: int, masked: Sequence[Span], colour: str, paint: _Paint
) -> Iterable[str]:
    """Show the marked lines of one file, in order, with a gap sign between lines that are not neighbours."""
    if source is None or not source.text:
        yield from (f"{' ' * width} {paint('=', _BLUE)} {mark.label}" for mark in marks if mark.label)
        return
    bar = paint("|", _BLUE)
    yield f"{' ' * width} {bar}"
    previous = None
    for number in sorted({mark.span.line for mark in marks}):
        if previous is not None and number > previous + 1:
            yield paint("...", _BLUE)
        previous = number
        yield f"{paint(str(number).rjust(width), _BLUE)} {bar} {_shown(source, number, masked)}".rstrip()
        for mark in sorted((mark for mark in marks if mark.span.line == number), key=lambda mark: -mark.span.column):
            yield f"{' ' * width} {bar} {_underline(mark, source, paint, colour if mark.main else _BLUE)}"


def _underline(mark: _Mark, source: SourceFile, paint: _Paint, colour: str) -> str:
    line = source.line(mark.span.line)
    start = min(mark.span.column - 1, WIDEST_LINE)
    end = mark.span.end_column - 1 if mark.span.end_line == mark.span.line else len(line)
    before = _columns(clean(line[:start])) or start - len(line[:start])
    length = max(_columns(clean(line[start : min(end, WIDEST_LINE)])), 1)
    sign = "^" if mark.main else "-"
    return f"{' ' * before}{paint(f'{sign * length} {clean(mark.label)}'.rstrip(), colour)}"


def _shown(source: SourceFile, number: int, masked: Sequence[Span]) -> str:
    line = source.line(number)
    for span in masked:
        if span.line <= number <= span.end_line:
            start = span.column - 1 if span.line == number else 0
            end = span.end_column - 1 if span.end_line == number else len(line)
            line = line[:start] + "*" * (end - start) + line[end:]
    return clean(line[:WIDEST_LINE]) + ("…" if len(line) > WIDEST_LINE else "")


def _notes(diagnostic: Diagnostic, width: int, paint: _Paint) -> Iterable[str]:
    for kind, texts in (("note", _details(diagnostic)), ("help", diagnostic.helps)):
        for text in texts:
            head = f"{' ' * width} {paint('=', _BLUE)} {paint(kind, _BOLD)}: "
            indent = " " * (width + len(kind) + 5)
            wrapped = textwrap.wrap(clean(text), WRAPPED_AT, break_long_words=False, break_on_hyphens=False)
            yield head + f"\n{indent}".join(wrapped or [""])


def _details(diagnostic: Diagnostic) -> tuple[str, ...]:
    more = len(diagnostic.again) - SHOWN_AGAIN
    return (
        (*diagnostic.details, f"the same at {more} more place{'s' if more > 1 else ''}")
        if more > 0
        else diagnostic.details
    )


def clean(text: str) -> str:
    """Replace what would move a terminal's cursor or hide text; a tab is four columns."""
    return "".join(
        "    " if character == "\t" else "\N{REPLACEMENT CHARACTER}" if _hides(character) else character
        for character in text
    )


def _hides(character: str) -> bool:
    return unicodedata.category(character) in ("Cc", "Cf", "Cs")


def _columns(text: str) -> int:
    """Count the columns that a terminal uses: wide characters take two, combining ones none."""
    return sum(
        0 if unicodedata.combining(character) else 2 if unicodedata.east_asian_width(character) in "WF" else 1
        for character in text
    )


def diagnostic_as_json(diagnostic: Diagnostic, folder: str) -> dict[str, Any]:
    """Give one diagnostic as a JSON value."""
    shown: dict[str, Any] = {
        "code": diagnostic.code,
        "severity": diagnostic.severity,
        "summary": diagnostic.summary,
        **_span_as_json(diagnostic.span, folder),
        "label": diagnostic.label,
        "details": list(diagnostic.details),
        "help": list(diagnostic.helps),
        "secondary": [{**_span_as_json(span, folder), "label": label} for span, label in diagnostic.secondary],
    }
    if diagnostic.rule is not None:
        shown |= {"rule": diagnostic.rule, "about": diagnostic.about}
    if diagnostic.fixes:
        shown["fix"] = _edit_as_json(diagnostic.fixes[0], folder)
        shown["edits"] = [_edit_as_json(edit, folder) for edit in diagnostic.fixes]
    if diagnostic.again:
        shown["again"] = [_span_as_json(span, folder) for span, _ in diagnostic.again]
    return shown


def _edit_as_json(edit: Edit, folder: str) -> dict[str, Any]:
    return {**_span_as_json(edit.span, folder), "text": edit.text}


def _span_as_json(span: Span, folder: str) -> dict[str, Any]:
    return {
        "file": _path(span, folder),
        "line": span.line,
        "column": span.column,
        "end_line": span.end_line,
        "end_column": span.end_column,
    }


def _annotation(diagnostic: Diagnostic, folder: str) -> str:
    text = "\n".join([diagnostic.label or diagnostic.summary, *diagnostic.details, *diagnostic.helps])
    title = f"{diagnostic.name}: {diagnostic.summary}"
    return github_line(diagnostic.severity, diagnostic.span, title, text, folder)


def github_line(level: str, span: Span, title: str, text: str, folder: str) -> str:
    """Give a workflow command by which GitHub shows a text beside a line."""
    where = f"file={as_property(_path(span, folder))},line={span.line},endLine={span.end_line},col={span.column}"
    if span.end_line == span.line:  # GitHub takes the end column only within one line, and counts it in.
        where += f",endColumn={max(span.end_column - 1, span.column)}"
    return f"::{level} {where},title={as_property(title)}::{as_message(text)}"


def _located(span: Span, folder: str) -> str:
    return f"{_path(span, folder)}:{span.line}:{span.column}"


def _path(span: Span, folder: str) -> str:
    if span.path.startswith(LIBRARY):
        return span.path
    return posixpath.normpath(posixpath.join(folder, span.path))


def as_message(text: str) -> str:
    """Write the text of a workflow command of GitHub."""
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def as_property(text: str) -> str:
    """Write the value of a property of a workflow command."""
    return as_message(text).replace(":", "%3A").replace(",", "%2C")
