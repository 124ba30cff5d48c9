"""Two expressions: proved equal, told apart by the smallest row, or not proved."""

from __future__ import annotations

import pytest

from language import CODES, CRM, OBJECTS, checked
from syncline_compiler.changes.normal_form import normal_form
from syncline_compiler.model.resolved import ResolvedProject
from syncline_compiler.model.typed import Expression
from syncline_compiler.review.proof import told_apart
from syncline_compiler.review.report import Proof

PROJECT = ResolvedProject("p", OBJECTS, {"crm": CRM}, CODES, (), (), {}, {})
CHOSEN = 'status <- case when Flag then "closed" else "active" end'
RESOURCE = CRM.resource("Account")


def get(line: str) -> Expression:
    found = checked(line + "\n").lines[0].get
    assert found is not None
    return found


def compare(one: str, other: str) -> Proof:
    return told_apart(get(one), get(other), RESOURCE, (PROJECT, PROJECT))


@pytest.mark.parametrize(
    ("one", "other", "row", "before", "after"),
    [
        ("label <- Short", "label <- Short | upper", {"Short": "a"}, "a", "A"),
        ("label <- Short", "label <- Short ?? Other | truncate 20", {"Short": None, "Other": ""}, None, ""),
        ('phone <- Text | phone "GB"', 'phone <- Text | phone "DE"', {"Text": "020 7946 0090"}, "+442079460090", "+492079460090"),
        ("status <- Status | code status", CHOSEN, {"Flag": None, "Status": None}, None, "active"),
        ("day <- Text | date else null", "day <- Text | date", {"Text": ""}, None, "set aside"),
        ("count <- Whole", "count <- Whole + 1", {"Whole": "0"}, "0", "1"),
        ("rate <- Amount | round 1", "rate <- Amount | round 0", {"Amount": "0.5"}, "0.50", "1.00"),
    ],
)  # fmt: skip
def test_the_smallest_row(
    one: str, other: str, row: dict[str, str | None], before: str | None, after: str | None
) -> None:
    proof = compare(one, other)
    assert (proof.kind, dict(proof.row), proof.before, proof.after) == ("differs", row, before, after)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("shout <- Text | trim | upper", "shout <- Text | upper | trim"),
        ("count <- Whole + 0", "count <- Whole"),
    ],
)
def test_what_no_row_tells_apart_is_not_called_equal(one: str, other: str) -> None:
    proof = compare(one, other)
    assert proof.kind == "not proved"
    assert proof.rows > 3
    assert normal_form(get(one)) != normal_form(get(other))


def test_what_asks_for_other_records_is_not_tried() -> None:
    assert compare("owner <- Owner | ref user", "owner <- Owner | ref user else null") == Proof("not proved")
