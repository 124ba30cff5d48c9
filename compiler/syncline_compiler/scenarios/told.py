"""Results of scenarios as people read them: text, and annotations beside the lines of a pull request.

In: results. Out: text. Invariant: nothing of the user's files reaches a terminal as a control character.
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterator

from syncline_compiler.diagnostics.render import clean
from syncline_compiler.scenarios.coverage import CoverageReport
from syncline_compiler.scenarios.mutation import MutationReport
from syncline_compiler.scenarios.report import Failure, ScenarioReport, ScenarioResult
from syncline_compiler.source import Span

_RESET, _RED, _GREEN, _BOLD = "\x1b[0m", "\x1b[31m", "\x1b[32m", "\x1b[1m"
_COLOURS = {"-": _RED, "+": _GREEN}


def tell(result: ScenarioResult, *, folder: str = "", colour: bool = False) -> str:
    """Tell of one scenario: a line, and what is not as expected."""
    return "\n".join(_lines(result, folder, colour)) + "\n"


def _lines(result: ScenarioResult, folder: str, colour: bool) -> Iterator[str]:
    verdict = _painted("ok  ", _GREEN, colour) if result.passed else _painted("FAIL", _RED, colour)
    yield f"{verdict}  {_painted(result.name, _BOLD, colour)} ({result.sync}, {_runs(result.runs)})"
    for failure in result.failures:
        yield f"      {located(failure.span, folder)}: {clean(failure.summary)}"
        yield from (f"        {_painted(clean(line), _COLOURS.get(line[:1], ''), colour)}" for line in failure.lines)
        if failure.help:
            yield f"        help: {clean(failure.help)}"


def totals(report: ScenarioReport) -> str:
    """Count in words."""
    failed, all_ = len(report.failed), len(report.results)
    scenarios = f"{all_} scenario{'' if all_ == 1 else 's'}"
    verdict = f"{failed} failed" if failed else "passed" if all_ == 1 else "all passed"
    pace = f", {report.runs / report.seconds:.1f} a second" if report.runs and report.seconds else ""
    return f"{scenarios}: {verdict} ({_runs(report.runs)} in {report.seconds:.1f} s{pace})"


def _runs(count: int) -> str:
    return f"{count} run{'' if count == 1 else 's'}"


def tell_mutants(report: MutationReport, *, folder: str = "", colour: bool = False) -> str:
    """Tell of the mutants that no scenario noticed, and the score."""
    lines = [
        f"{_painted('missed', _RED, colour)}  {located(one.mutant.span, folder)}: {clean(one.mutant.what)}"
        + (" (no scenario of its syncs)" if one.fate == "no scenario" else "")
        for one in report.judged
        if one.fate in ("survived", "no scenario")
    ]
    return "".join(f"{line}\n" for line in lines)


def tell_coverage(report: CoverageReport, *, folder: str = "") -> str:
    """Tell what no scenario exercises, by kind, and the counts."""
    lines = []
    for kind, (seen, of) in report.counted().items():
        lines.append(f"{kind}: {seen} of {of} exercised" if of else f"{kind}: there are none")
        lines += [
            f"  {located(one.span, folder)}: not seen: {clean(one.what)}" for one in report.missed if one.kind == kind
        ]
    return "".join(f"{line}\n" for line in lines)


def score(report: MutationReport) -> str:
    """Give the score in words."""
    if report.score is None:
        return "mutation score: no mutant compiles"
    of = report.count("noticed", "survived", "no scenario")
    still = report.count("does not compile")
    some = f", {len(report.judged)} of {report.of} tried" if len(report.judged) < report.of else ""
    return (
        f"mutation score: {report.score:.0%} ({report.count('noticed')} of {of} mutants noticed; {still} more do not "
        f"compile{some})"
    )


def text_of(failure: Failure) -> str:
    """Give a failure as lines of text without its place."""
    return "\n".join([failure.summary, *failure.lines, *([f"help: {failure.help}"] if failure.help else [])])


def located(span: Span, folder: str) -> str:
    """Say where something stands, from the working directory."""
    return f"{path_of(span, folder)}:{span.line}:{span.column}"


def path_of(span: Span, folder: str) -> str:
    """Give the way from the working directory to the file."""
    return posixpath.normpath(posixpath.join(folder, span.path))


def _painted(text: str, code: str, colour: bool) -> str:
    return f"{code}{text}{_RESET}" if colour and code else text
