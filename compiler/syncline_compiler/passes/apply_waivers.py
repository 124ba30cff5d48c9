"""Apply what the project says of findings: severities of check codes, and waivers.

In: the findings of all checks, ``Governance``, and the day (None where days do not count, as in ``compile``).
Out: the findings that stand, and how many are waived. Diagnostics: SYN0904 (waiver past its day), SYN0905 (waiver that
matches nothing).
Invariant: an error of the specs themselves is never lowered, hidden or waived.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date

from syncline_compiler.diagnostics.diagnostic import Collector, Diagnostic
from syncline_compiler.model.resolved_policy import Governance, ResolvedWaiver, RuleSeverity, WaivedPlace
from syncline_compiler.source import Span
from syncline_runtime.frozen import dataclass

UNMATCHED = "SYN0905"
"""A waiver that matches nothing: known only here, so that its severity is applied here too."""


@dataclass(frozen=True)
class _Waived:
    """The places of all waivers: by rule and exact pattern, and by rule those with ``*``."""

    exact: Mapping[tuple[str, str], Span]
    wide: Mapping[str, Sequence[WaivedPlace]]

    def covering(self, found: Diagnostic) -> Span | None:
        """Find the place that covers a finding; an error of the specs themselves has none."""
        if found.rule is None and found.severity == "error":
            return None
        name = found.rule or found.code
        exact = self.exact.get((name, found.about or "")) or self.exact.get((name, found.span.path))
        return exact or next((one.span for one in self.wide.get(name, ()) if _fits(one.pattern, found.about)), None)


def apply_waivers(governance: Governance, diagnostics: Collector, *, complete: bool, today: date | None) -> int:
    """Apply severities and waivers; count what is waived.

    ``complete``: every check has run, so that a waiver without a finding matches nothing. An expired waiver still covers
    what it names, and is an error itself: one mistake, one diagnostic.
    """
    places = _places(governance.waivers)
    waived: dict[Span, list[Diagnostic]] = {}
    elsewhere: dict[str, list[str]] = {}

    def judge(found: Diagnostic) -> Diagnostic | None:
        severity = governance.codes.get(found.code) if found.severity == "warning" else None
        if severity == "off":
            return None
        span = places.covering(found)
        if span is not None:
            waived.setdefault(span, []).append(found)
            return None
        elsewhere.setdefault(found.rule or found.code, []).append(found.about or found.span.path)
        return replace(found, severity=severity) if severity is not None else found

    diagnostics.revise(judge)
    for waiver in governance.waivers:
        _check_day(waiver, [one for place in waiver.places for one in waived.get(place.span, ())], today, diagnostics)
        if complete:
            severity = governance.codes.get(UNMATCHED, "warning")
            _check_matching(waiver, waived, elsewhere.get(waiver.rule, ()), severity, diagnostics)
    return sum(map(len, waived.values()))


def _places(waivers: Sequence[ResolvedWaiver]) -> _Waived:
    exact: dict[tuple[str, str], Span] = {}
    wide: dict[str, list[WaivedPlace]] = {}
    for waiver in waivers:
        for place in waiver.places:
            if "*" in place.pattern:
                wide.setdefault(waiver.rule, []).append(place)
            else:
                exact.setdefault((waiver.rule, place.pattern), place.span)
    return _Waived(exact, wide)


def _fits(pattern: str, address: str | None) -> bool:
    """Whether each part of an address is the pattern's, ``*`` being any."""
    wanted, parts = pattern.split("."), (address or "").split(".")
    return len(wanted) == len(parts) and all(one in ("*", part) for one, part in zip(wanted, parts, strict=True))


def _check_matching(
    waiver: ResolvedWaiver, waived: Mapping[Span, object], elsewhere: Sequence[str], severity: RuleSeverity,
    diagnostics: Collector,
) -> None:  # fmt: skip
    for place in waiver.places:
        if place.span not in waived and severity != "off":
            label = f"`{waiver.rule}` finds nothing at `{place.pattern}`"
            remedy = ["remove it: what it was for is mended, or was never there"]
            if elsewhere:
                found = ", ".join(f"`{one}`" for one in list(dict.fromkeys(elsewhere))[:3])
                remedy.append(f"or write where it finds something: {found}")
            diagnostics.report(UNMATCHED, place.span, label=label, help=remedy, severity=severity)


def _check_day(waiver: ResolvedWaiver, found: Sequence[Diagnostic], today: date | None, diagnostics: Collector) -> None:
    if today is None or waiver.expires is None or waiver.expires >= today.isoformat():
        return
    diagnostics.report(
        "SYN0904", waiver.span, label=f"this waiver of `{waiver.rule}` ended on {waiver.expires}",
        secondary=[(one.span, one.label) for one in found[:3]],
        help=f"mend what it covers, or let {waiver.owner or 'its owner'} say why it may stand longer",
    )  # fmt: skip
