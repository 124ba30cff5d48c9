"""What other checkers of changes hold breaking: their concepts, re-stated as pairs of specs, and where we agree."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

import pytest
import yaml

from change_pairs import HERE, Edit, base_files, edited, reviewed
from syncline_compiler.changes.rules import rules
from syncline_compiler.review.report import GRAVE


@dataclass(frozen=True)
class Concept:
    """One concept of a peer. ``because``: why we differ."""

    peer: str
    concept: str
    theirs: Literal["breaking", "compatible"]
    rule: str
    edits: list[Edit]
    base: list[Edit] = field(default_factory=list)
    back: bool = False
    because: str = ""


CONCEPTS = [Concept(**one) for one in yaml.safe_load((HERE / "peers.yaml").read_text())]


@pytest.mark.parametrize("one", CONCEPTS, ids=lambda one: f"{one.peer}: {one.concept}")
def test_concept(one: Concept) -> None:
    before = edited(base_files(), one.base)
    after = edited(before, one.edits)
    found = reviewed(after, before) if one.back else reviewed(before, after)
    assert found.diagnostics.errors == 0
    assert one.rule in [finding.change.rule.id for finding in found.findings]
    agrees = (one.theirs == "breaking") == (rules()[one.rule].verdict in GRAVE)
    assert agrees != bool(one.because)


def test_peers_are_heard() -> None:
    assert {peer: sum(one.peer == peer for one in CONCEPTS) >= 15 for peer in ("oasdiff", "Buf", "Confluent")} == {
        "oasdiff": True, "Buf": True, "Confluent": True,
    }  # fmt: skip
    differing = [one for one in CONCEPTS if one.because]
    assert len(differing) * 8 <= len(CONCEPTS)
