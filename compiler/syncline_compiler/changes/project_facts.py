"""What a project says of itself, as facts: its name, and the guards that its changes are held to.

In: the project file and policies as written. Out: one item. Invariant: of several budgets for the same the strictest is the fact; what a
pull request may loosen to get through is a fact, so that loosening it is told.
"""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

from syncline_compiler.changes.fact import Fact, Item, ItemFacts, Key
from syncline_compiler.changes.gather import UNVERSIONED
from syncline_compiler.changes.kinds import strictness
from syncline_compiler.model.document import WrittenProject
from syncline_compiler.source import PROJECT_FILE


def item_of_project(written: WrittenProject) -> ItemFacts:
    """Give what the project says of itself."""
    project = written.project
    facts = (
        Fact(Key("project.name"), project.spec.project, project.at("project")),
        *_budgets(written),
        *(Fact(Key("severity", (rule,)), said, project.at("rules", rule)) for rule, said in project.spec.rules.items()),
        *_waivers(written),
    )
    item = Item("project", PROJECT_FILE)
    return ItemFacts(item, UNVERSIONED, facts, project.at("project"), versioned=False, steward=project.spec.steward)


def _budgets(written: WrittenProject) -> Iterator[Fact]:
    """Give the strictest budget of each measure, shares and counts apart."""
    found: dict[Key, Fact] = {}
    for text in written.project.spec.review.fail_if:
        measure, sign, limit = text.split(" ")
        share = "%" if limit.endswith("%") else ""
        key = Key("budget", (f"the share of {measure}" if share else measure,))
        value = f"{sign} {Decimal(limit.rstrip('%')).normalize():f}{share}"
        known = found.get(key)
        if known is None or strictness(value) < strictness(known.value):
            found[key] = Fact(key, value, written.project.at("review", "fail_if"), text)
    yield from found.values()


def _waivers(written: WrittenProject) -> Iterator[Fact]:
    for declared in written.policies.values():
        for number, one in enumerate(declared.spec.waivers):
            for place in one.at:
                key = Key("waiver", (f"{one.rule} at {place}",))
                yield Fact(key, f"until {one.expires}", declared.at("waivers", number))
