"""Golden reviews: for each pair of states what is said there and back, and that the pairs show every rule of the catalogue."""

from __future__ import annotations

import pytest
from syrupy.assertion import SnapshotAssertion

from change_pairs import Pair, checked, difference, pairs, reviewed
from syncline_compiler.changes.rules import rules
from syncline_compiler.review.text import render_review


@pytest.mark.parametrize("pair", pairs(), ids=lambda pair: pair.pair)
def test_pair(pair: Pair, snapshot: SnapshotAssertion) -> None:
    one, other = pair.files
    there, back = reviewed(one, other), reviewed(other, one)
    assert [finding.change.rule.id for finding in there.findings] == pair.there
    assert [finding.change.rule.id for finding in back.findings] == pair.back
    assert [one.code for side in pair.files for one in checked(side).diagnostics if one.severity == "error"] == []
    texts = ("\n".join(difference(one, other)), render_review(there), render_review(back))
    assert "\n\n".join(text.rstrip("\n") for text in texts) + "\n" == snapshot


def test_every_rule_is_shown() -> None:
    shown = {rule for pair in pairs() for rule in (*pair.there, *pair.back)}
    assert sorted(shown ^ rules().keys()) == []


def test_what_comes_back_is_the_mirror() -> None:
    """A pair of one change is told on the way back by the mirror of its rule."""
    single = [pair for pair in pairs() if len(pair.there) == len(pair.back) == 1]
    wrong = {pair.pair for pair in single if rules()[pair.there[0]].mirror != pair.back[0]}
    assert len(single) > 60
    assert wrong == set()
