"""Two expressions: proved equal, told apart by the smallest row, or not proved."""

from __future__ import annotations

import pytest

from language import CODES, CRM, OBJECTS, checked
from syncline_compiler.changes.normal_form import normal_form
from syncline_compiler.model.resolved import ResolvedProject
from syncline_compiler.model.typed import Expression
from syncline_compiler.review.proof import told_apart
from syncline_compiler.review.report import Proof
from syncline_compiler.review.words import proof_of
from syncline_runtime.known_rows import NOTHING_KNOWN, KnownRows
from syncline_runtime.report import MASK

PROJECT = ResolvedProject("p", OBJECTS, {"crm": CRM}, CODES, (), (), {}, {})
CHOSEN = 'status <- case when Flag then "closed" else "active" end'
RESOURCE = CRM.resource("Account")


def get(line: str) -> Expression:
    found = checked(line + "\n").lines[0].get
    assert found is not None
    return found


def compare(one: str, other: str, known: KnownRows = NOTHING_KNOWN) -> Proof:
    return told_apart(get(one), get(other), RESOURCE, (PROJECT, PROJECT), known)


@pytest.mark.parametrize(
    ("one", "other", "row", "before", "after"),
    [
        ("label <- Short", "label <- Short | upper", {"Short": "a"}, "a", "A"),
        ("label <- Short", "label <- Short ?? Other | truncate 20", {"Short": None, "Other": ""}, None, ""),
        ('phone <- Text | phone "GB"', 'phone <- Text | phone "DE"', {"Text": "020 7946 0090"}, "+442079460090", "+492079460090"),
        ("status <- Status | code status", CHOSEN, {"Flag": None, "Status": None}, None, "active"),
        ("day <- Text | date else null", "day <- Text | date", {"Text": ""}, None, "set aside"),
        ("count <- Whole", "count <- Whole + 1", {"Whole": "0"}, "0", "1"),
        (
            'limit <- money(Amount, "EUR")', 'limit <- money(Amount | round 1, "EUR")',
            {"Amount": "99999.99"}, "99999.99 EUR", "100000.00 EUR",
        ),
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


RARE = ("label <- Short", 'label <- case when Short == "Q7" then "seven" else Short end')
KNOWN = (("Q7",), ("a",), ("b",))


def test_a_row_of_the_data_is_shown_before_one_that_is_made() -> None:
    proof = compare("label <- Short", "label <- Short | upper", KnownRows((("Longer than a",), ("B",))))
    assert (dict(proof.row), proof.before, proof.of_data) == ({"Short": "Longer than a"}, "Longer than a", True)
    assert proof_of(proof).endswith("; 1 of 2 rows of the data differ")


def test_personal_data_is_shown_where_nothing_else_tells_and_then_masked() -> None:
    private = KnownRows(KNOWN, frozenset({"Short"}))
    made = compare(*RARE, private)
    assert (dict(made.row), made.before, made.after, made.of_data) == ({"Short": "Q7"}, "Q7", "seven", False)
    assert "which is made up" in proof_of(made)
    unseen = KnownRows((("k. ",),), frozenset({"Short"}))
    found = compare("label <- Short", 'label <- Short | replace "k." "K"', unseen)
    assert (found.of_data, found.differ, [*dict(found.row).values()], found.before, found.after) == (
        True,
        1,
        [MASK],
        MASK,
        MASK,
    )


def test_how_many_rows_of_the_data_agreed_is_told() -> None:
    proof = compare("shout <- Text | trim | upper", "shout <- Text | upper | trim", KnownRows((("Only here",),)))
    assert (proof.kind, proof.known) == ("not proved", 1)
    assert "1 of them from the data" in proof_of(proof)
