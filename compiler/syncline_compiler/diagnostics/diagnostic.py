"""What the compiler says about a project, as values.

In: reports of the passes. Out: ``Diagnostic`` values, each with the place it is about.
Invariant: summary and severity come from the code's catalogue page, so each text has one home; the summary names no
symbol of the user, labels and details do. One mistake has one diagnostic.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import field, replace
from typing import Any, Literal

from syncline_compiler.diagnostics.catalogue import page
from syncline_compiler.source import SourceFile, Span
from syncline_compiler.spelling import Advice, Guess, Remedy
from syncline_runtime.frozen import dataclass

Severity = Literal["error", "warning"]
Secondary = tuple[Span, str]
_Key = tuple[str, Span | None, str]
Help = Advice | Sequence[Advice]

SAID_ONCE = frozenset(
    {"SYN0201", "SYN0202", "SYN0203", "SYN0204", "SYN0205", "SYN0206", "SYN0209", "SYN0303", "SYN0717"}
)
"""What is said of a name is said once, with all the places where it stands: the name is wrong, or what it names is gone."""

REPORTED_PER_FILE = 100
"""A file with more mistakes of form than this shows the first ones."""
KEPT_PER_FILE, KEPT = 1_000, 2_000
"""Errors that are kept of one file, and of all; the rest is counted only."""
MOST_EFFORT = 6_000
"""Names that guesses are compared with; beyond, a remedy lists what there is."""
MOST_TRIED_AT_ONCE, MOST_TRIED = 2_000, 6_000
"""Tenths of milliseconds that trying something may take, and all of it together."""


@dataclass(frozen=True)
class Edit:
    """A replacement that mends the mistake: the text at ``span`` becomes ``text``."""

    span: Span
    text: str


@dataclass(frozen=True)
class Diagnostic:
    """One mistake: code and summary, the place with a label, what and why, and what to do.

    A finding of a policy has the name of its ``rule`` and says what it is ``about``, as waivers do: ``account.email``.
    """

    code: str
    severity: Severity
    summary: str
    span: Span
    label: str = ""
    details: tuple[str, ...] = ()
    helps: tuple[str, ...] = ()
    secondary: tuple[Secondary, ...] = ()
    fix: Edit | None = None
    rule: str | None = None
    about: str | None = None
    again: tuple[tuple[Span, Edit | None], ...] = ()  # where the same is so once more, such as an unknown name

    @property
    def name(self) -> str:
        """The code, and the rule if there is one."""
        return f"{self.code} {self.rule}" if self.rule is not None else self.code

    @property
    def fixes(self) -> tuple[Edit, ...]:
        """The edits that mend it, at every place; () if one of them is not certain."""
        edits = (self.fix, *(edit for _, edit in self.again))
        return tuple(edit for edit in edits if edit is not None) if all(edits) else ()

    @property
    def order(self) -> tuple[Span, str, str]:
        """By place, then code: the order in which diagnostics are shown."""
        return (self.span, self.code, self.label)


@dataclass
class Collector:
    """Gathers diagnostics while the checks go on. Iterates in the order of the source, whatever order they came in.

    ``sources`` are the files that an edit may mend; a remedy that is certain becomes an edit where its word is found.
    ``trial``: nobody reads what is reported, only whether anything is.
    """

    sources: Mapping[str, SourceFile] = field(default_factory=dict)
    trial: bool = False
    _found: dict[_Key, Diagnostic] = field(default_factory=dict)
    _again: dict[_Key, dict[Span, Edit | None]] = field(default_factory=dict)
    _sure: dict[_Key, Remedy] = field(default_factory=dict)
    _per_file: dict[str, int] = field(default_factory=dict)  # errors
    _effort: int = 0
    _tried: set[str] = field(default_factory=set)
    _trying: int = 0
    _kept: int = 0  # errors
    beyond: int = 0  # errors that are counted only
    told: int = 0  # how often an error was reported, the same at another place counted too
    said: int = 0  # how often anything was reported, or tried at a cost that is bounded

    @classmethod
    def of(cls, diagnostics: Iterable[Diagnostic], sources: Mapping[str, SourceFile], *, beyond: int = 0) -> Collector:
        """Give a collector of diagnostics that were found before."""
        found: dict[_Key, Diagnostic] = {
            (one.code, one.span, f"{one.label}{n}"): one for n, one in enumerate(diagnostics)
        }
        return cls(sources, _found=found, beyond=beyond)

    def report(
        self,
        code: str,
        span: Span,
        *,
        label: str = "",
        detail: str | Sequence[str] = (),
        help: Help = (),
        secondary: Sequence[Secondary] = (),
        fix: Edit | None = None,
        severity: Severity | None = None,
        rule: str | None = None,
        about: str | None = None,
        once: bool = False,
    ) -> None:
        """Add a diagnostic, of the severity on its page; one that says the same of the same place is kept once.

        ``once``: the label names what is unknown, so that it is said once for all its places, as of other names too.
        """
        key = (code, None if once or code in SAID_ONCE else span, label)
        described = page(code)
        self.said += 1
        self.told += described.severity == "error"
        if key in self._found:
            self._again.setdefault(key, {})[span] = fix or self._fix(span, self._sure.get(key))
            return
        if (severity or described.severity) == "error" and rule is None and not self._keeps(span.path):
            self.beyond += 1
            return
        remedies = tuple(map(self._remedy, (help,) if isinstance(help, (str, Remedy, Guess)) else help))
        sure = next((one for one in remedies if isinstance(one, Remedy) and one.meant is not None), None)
        if sure is not None:
            self._sure[key] = sure
        self._found[key] = Diagnostic(
            code=code,
            severity=severity or described.severity,
            summary=described.summary,
            span=span,
            label=label,
            details=(detail,) if isinstance(detail, str) and detail else tuple(detail),
            helps=tuple(str(remedy) for remedy in remedies if remedy),
            secondary=tuple(secondary),
            fix=fix or self._fix(span, sure),
            rule=rule,
            about=about,
        )

    def revise(self, judge: Callable[[Diagnostic], Diagnostic | None]) -> None:
        """Put what ``judge`` makes of each diagnostic in its place; None takes it away."""
        judged = {key: judge(diagnostic) for key, diagnostic in self._all().items()}
        self._found = {key: diagnostic for key, diagnostic in judged.items() if diagnostic is not None}

    def known(self) -> None:
        """Note that something cannot be used because of a mistake that is reported elsewhere."""
        self.said += 1
        self.told += 1

    def affords(self, text: str, effort: int) -> bool:
        """Tell whether a text may be tried that takes so many tenths of milliseconds; the same text is tried once."""
        self.said += 1
        if text in self._tried:
            return True
        if effort > MOST_TRIED_AT_ONCE or self._trying + effort > MOST_TRIED:
            return False
        self._trying += effort
        self._tried.add(text)
        return True

    def _keeps(self, path: str) -> bool:
        """Tell whether one more error of a file is kept, and count it."""
        if self._kept >= KEPT or self._per_file.get(path, 0) >= KEPT_PER_FILE:
            return False
        self._kept += 1
        self._per_file[path] = self._per_file.get(path, 0) + 1
        return True

    def _remedy(self, help: Advice) -> str | Remedy:
        if self.trial or not isinstance(help, Guess):
            return help if isinstance(help, (str, Remedy)) else ""
        self._effort += help.effort
        return help.remedy(looking=self._effort <= MOST_EFFORT)

    def _fix(self, span: Span, sure: Remedy | None) -> Edit | None:
        """Make an edit of a remedy that is certain: its word, which must stand once in the span, is replaced."""
        if sure is None or span.path not in self.sources or span.line != span.end_line:
            return None
        text = self.sources[span.path].line(span.line)[span.column - 1 : span.end_column - 1]
        found = [match.start() for match in re.finditer(rf"(?<!\w){re.escape(sure.word)}(?!\w)", text)]
        if len(found) != 1:
            return None
        start = span.column + found[0]
        return Edit(Span(span.path, span.line, start, span.line, start + len(sure.word)), sure.meant or "")

    def _all(self) -> Mapping[_Key, Diagnostic]:
        """Give the diagnostics, each with all its places."""
        for key, places in self._again.items():
            if key in self._found:
                self._found[key] = _said_at(self._found[key], places)
        self._again = {}
        return self._found

    def __iter__(self) -> Iterator[Diagnostic]:
        return iter(sorted(self._all().values(), key=lambda diagnostic: diagnostic.order))

    def __len__(self) -> int:
        return len(self._found)

    @property
    def errors(self) -> int:
        """How many errors stand."""
        return self.beyond + sum(diagnostic.severity == "error" for diagnostic in self._found.values())

    @property
    def warnings(self) -> int:
        """How many warnings stand."""
        return sum(diagnostic.severity == "warning" for diagnostic in self._found.values())

    @property
    def failed(self) -> bool:
        """Whether an error stands, so that nothing may be emitted."""
        return self.errors > 0

    @property
    def effort(self) -> tuple[int, int]:
        """What guessing and trying took, of ``MOST_EFFORT`` and ``MOST_TRIED``."""
        return self._effort, self._trying

    def about(self, path: str) -> Collector:
        """Keep the diagnostics of one file, or of the files in one folder."""
        return self.only(
            lambda one: any(f"{span.path}/".startswith(f"{path}/") for span in (one.span, *(at for at, _ in one.again)))
        )

    def only(self, keep: Callable[[Diagnostic], bool]) -> Collector:
        """Keep the diagnostics for which ``keep`` is true."""
        kept = Collector(self.sources)
        kept._found.update({key: diagnostic for key, diagnostic in self._all().items() if keep(diagnostic)})
        return kept

    def full(self, path: str) -> bool:
        """Whether a file has as many errors as are worth showing, so that what is left of it need not be looked at."""
        return self._per_file.get(path, 0) >= REPORTED_PER_FILE


def _said_at(known: Diagnostic, more: Mapping[Span, Edit | None]) -> Diagnostic:
    """Add places; the first in the order of the source is the main one, whatever order they came in."""
    places = sorted({known.span: known.fix, **dict(known.again), **more}.items())
    (first, edit), *others = places
    return replace(known, span=first, fix=edit, again=tuple(others))


def diagnostic_of(plain: Mapping[str, Any]) -> Diagnostic:
    """Give the diagnostic of which these are the members, as they come from JSON."""
    return Diagnostic(
        **{
            **plain,
            "span": Span(*plain["span"]),
            "details": tuple(plain["details"]),
            "helps": tuple(plain["helps"]),
            "secondary": tuple((Span(*span), label) for span, label in plain["secondary"]),
            "fix": _edit(plain["fix"]),
            "again": tuple((Span(*span), _edit(edit)) for span, edit in plain["again"]),
        }
    )


def _edit(plain: Mapping[str, Any] | None) -> Edit | None:
    return Edit(Span(*plain["span"]), plain["text"]) if plain is not None else None
