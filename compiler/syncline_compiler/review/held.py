"""What the policies of the branch that a request goes to find in a request, which may be older than they are.

In: both sides of a review, and the branch's governance. Out: the request's diagnostics, with these findings among them. Invariant: what
the same policies find where the request began is not told; the rules that the request itself has count as well.
"""

from __future__ import annotations

from collections import Counter

from syncline_compiler.diagnostics.diagnostic import Collector
from syncline_compiler.model.resolved_policy import Governance
from syncline_compiler.passes.apply_waivers import apply_waivers
from syncline_compiler.passes.check_policies import check_policies
from syncline_compiler.pipeline import Compilation
from syncline_compiler.review.stood import said_of


def held_to(policies: Governance, before: Compilation | None, after: Compilation) -> Collector:
    """Give what is to be said of a request's specs, held to ``policies``, too."""
    stood = Counter(map(said_of, _found(policies, before))) if before is not None else Counter()
    brought = [one for one in _found(policies, after) if not stood[said_of(one)]]
    told = {(one.rule, one.about) for one in brought}
    own = [one for one in after.diagnostics if one.rule is None or (one.rule, one.about) not in told]
    return Collector.of([*own, *brought], after.sources, beyond=after.diagnostics.beyond)


def _found(policies: Governance, side: Compilation) -> Collector:
    """Ask the rules of one side, as far as it is without mistakes."""
    found = Collector(side.sources)
    if side.project is not None and side.written is not None:
        check_policies(side.project, side.written, policies.rules, found)
        apply_waivers(policies, found, complete=False, today=None)
    return found
