"""Which conditions are proved never to hold together."""

from __future__ import annotations

import pytest

from language import checked
from syncline_compiler.model.exclusive import never_together


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
