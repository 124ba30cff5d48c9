"""The normal form: what is written otherwise and means the same has one, and what means something else another."""

from __future__ import annotations

import pytest

from language import checked
from syncline_compiler.changes.normal_form import normal_form


def form(condition: str) -> str:
    take = checked(f"name <- Name\ntake when {condition}\n").take
    assert take is not None
    return normal_form(take)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ('Name == "a" and Text == "b"', 'Text == "b" and Name == "a"'),
        ('Name == "a" and (Text == "b" and Flag)', 'Flag and Name == "a" and Text == "b"'),
        ('Name == "a" or Name == "a"', 'Name == "a"'),
        ('"a" == Name', 'Name == "a"'),
        ("Whole > 3", "3 < Whole"),
        ("Whole >= 3", "3 <= Whole"),
        ('not not (Name == "a")', 'Name == "a"'),
        ('not (Name == "a")', 'Name != "a"'),
        ('Name in ("a", "b")', 'Name in ("b", "a", "b")'),
        ("Whole + Amount > 1", "Amount + Whole > 1"),
        ('upper(upper(Name)) == "A"', 'upper(Name) == "A"'),
        ('trim(squash(Name)) == "A"', 'squash(Name) == "A"'),
        ('case when Text == "x" then "a" else "a" end == Name', '"a" == Name'),
    ],
)
def test_the_same(one: str, other: str) -> None:
    assert form(one) == form(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ('Name == "a" and Text == "b"', 'Name == "a" or Text == "b"'),
        ("Whole > 3", "Whole >= 3"),
        ("Whole > 3", "Whole < 3"),
        ("Whole - Amount > 1", "Amount - Whole > 1"),
        ('Name == "a"', 'Text == "a"'),
        ('Name == "a"', 'Name == "A"'),
        ('squash(trim(Name)) == "A"', 'trim(Name) == "A"'),
        ('lower(upper(Name)) == "a"', 'upper(Name) == "a"'),
        ('left(Name, 1) == "a"', 'left(Name, 2) == "a"'),
    ],
)
def test_not_the_same(one: str, other: str) -> None:
    assert form(one) != form(other)
