"""A first set of waivers for a project that takes up policies: what is found today is accepted until a day.

In: findings. Out: the text of a policy that waives them. Invariant: errors of the specs themselves are not among them.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from datetime import date

from syncline_compiler.diagnostics import catalogue
from syncline_compiler.diagnostics.diagnostic import Diagnostic

UNMATCHED = "SYN0905"


def waivable(found: Iterable[Diagnostic]) -> Mapping[str, list[str]]:
    """Gather what may be waived: rule or code, and the places of its findings."""
    places: dict[str, set[str]] = {}
    for one in found:
        if one.rule is not None and one.about is not None:
            places.setdefault(one.rule, set()).add(one.about)
        elif catalogue.page(one.code).severity == "warning" and one.code != UNMATCHED:
            places.setdefault(one.code, set()).add(one.span.path)
    return {rule: sorted(at) for rule, at in sorted(places.items())}


def waivers_text(name: str, places: Mapping[str, list[str]], *, owner: str, today: date, until: date) -> str:
    """Write a policy that waives findings until a day."""
    reason = f"Stood when the rule was taken up on {today.isoformat()}"
    lines = [
        "# What stood when rules were taken up. Each is to be mended, or decided upon, by its day.",
        f"policy: {name}",
        "waivers:",
    ]
    for rule, at in places.items():
        lines += [f"  - rule: {rule}", "    at:", *(f"      - {json.dumps(one, ensure_ascii=False)}" for one in at)]
        lines += [f"    reason: {json.dumps(reason)}", f"    owner: {json.dumps(owner, ensure_ascii=False)}"]
        lines.append(f"    expires: {until.isoformat()}")
    return "\n".join(lines) + "\n"
