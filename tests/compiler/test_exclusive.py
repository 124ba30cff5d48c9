"""Which conditions are proved never to hold, alone or together, and which always do."""

from __future__ import annotations

import pytest

from language import checked
from syncline_compiler.model.exclusive import always_holds, never_holds, never_together


@pytest.mark.parametrize(
    ("one", "other", "apart"),
    [
        ('Status == "New"', 'Status == "Open"', True),
        ('Status == "New"', 'Status != "New"', True),
        ('Status == "New"', 'Status != "Open"', False),
        ('Status in ("New", "Open")', 'Status in ("Closed")', True),
        ('Status in ("New", "Open")', 'Status in ("Open", "Closed")', False),
        ('Status in ("New")', 'Status == "Closed"', True),
        ("Amount > 0.00", "Amount < 0.00", True),
        ("Amount > 0.00", "Amount <= 0.00", True),
        ("Amount >= 0.00", "Amount <= 0.00", False),
        ("Amount > 0.00", "Amount < 1.00", False),
        ("0.00 < Amount", "Amount < 0.00", True),
        ("Whole == 1", "Whole > 2", True),
        ("Whole == 3", "Whole > 2", False),
        ("Whole in (1, 5)", "Whole > 2", False),
        ("Text is null", "Text is not null", True),
        ("Text is null", 'Text == "x"', True),
        ("Text is null", 'Text != "x"', False),
        ("Text is null", "Other is not null", False),
        ("Flag", "not Flag", True),
        ("Flag", "Flag", False),
        ('Name is not null and Status == "New"', 'Status == "Open" and Name is not null', True),
        ('Status == "New" or Flag', 'Status == "Open"', False),
        ("Amount > 0.00 and Text is not null", "Text is null", True),
    ],
)
def test_never_together(one: str, other: str, apart: bool) -> None:
    first, second = (checked(f"take when {condition}\nname <-> Name\n").take for condition in (one, other))
    assert never_together(first, second) is apart
    assert never_together(second, first) is apart


def test_no_condition_is_met_by_all() -> None:
    taken = checked("take when Flag\nname <-> Name\n").take
    assert not never_together(taken, None)
    assert not never_together(None, taken)


@pytest.mark.parametrize(
    ("condition", "never", "always"),
    [
        ('Status == "New" and Status == "Open"', True, False),
        ('Status == "New" or Status == "Open"', False, False),
        ('Status != "New" or Status != "Open"', False, True),
        ('Status != "New" and Status != "Open"', False, False),
        ('not (Status == "New" and Flag)', False, False),
        ('not (Status == "New") or Status == "New"', False, True),
        ('Status == "New" and not (Status == "New")', True, False),
        ("Amount > 5.00 and Amount < 3.00", True, False),
        ("Text is null or Text is not null", False, True),
        ("Text is null and Text is not null", True, False),
        ('Text != "a" or Text != "b"', False, True),
        ('Text == "a" or Text != "a"', False, True),
        ('Text is null and Text != "a"', False, False),
        ("Text == null and Text is null", False, False),
        ("Flag and not Flag", True, False),
        ("Flag or not Flag", False, True),
        ("Amount > 0.00 or Amount <= 0.00", False, False),  # both are false where it is null
    ],
)
def test_conditions_without_effect(condition: str, never: bool, always: bool) -> None:
    taken = checked(f'reject when {condition} because "x"\nname <-> Name\n').rejects[0].condition
    assert (never_holds(taken), always_holds(taken)) == (never, always)
