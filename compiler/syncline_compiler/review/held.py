"""What the policies of the branch that a request goes to find in a request, which may be older than they are.

In: both sides of a review, and the branch's governance. Out: the request's diagnostics, with these findings among them. Invariant: what
the same policies find where the request began is not told; the rules and severities that the request itself has count as well.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable

from syncline_compiler.diagnostics.diagnostic import Collector, Diagnostic
from syncline_compiler.model.resolved_policy import Governance
from syncline_compiler.passes.apply_waivers import apply_waivers
from syncline_compiler.passes.check_policies import check_policies
from syncline_compiler.pipeline import Compilation
from syncline_compiler.review.stood import said_of


def held_to(policies: Governance, before: Compilation | None, after: Compilation) -> Collector:
    """Give what is to be said of a request's specs, held to ``policies``, too."""
    stood = Counter(map(said_of, _found(policies, before))) if before is not None else Counter()
    errors = {_where(one) for one in after.diagnostics if one.severity == "error"}
    found = _found(policies, after)
    brought = [one for one in found if not stood[said_of(one)] and _where(one) not in errors]
    told = set(map(_where, brought))
    own = [one for one in after.diagnostics if _where(one) not in told]
    return Collector.of([*own, *brought], after.sources, beyond=after.diagnostics.beyond)


def _where(one: Diagnostic) -> Hashable:
    """Give what makes two findings the same, however grave: what a rule is about, the place and words of a check."""
    return (one.rule, one.about) if one.rule is not None else (one.code, one.span, one.label)


def _found(policies: Governance, side: Compilation) -> Collector:
    """Ask the rules of one side, as far as it is without mistakes, and weigh what its checks warn of."""
    found = Collector.of(side.warned, side.sources)
    if side.project is not None and side.written is not None:
        check_policies(side.project, side.written, policies.rules, found)
    apply_waivers(policies, found, complete=False, today=None)
    return found
