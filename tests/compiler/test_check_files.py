"""How files are written: what is said of it must be known, and fit together."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import pytest

from syncline_compiler.pipeline import Compilation

AGENCY = """
system: agency
version: 1.0.0
protocol: files
resources:
  Rating:
    id: no
    fields: {no: {type: text, at: "1"}, grade: {type: text, at: "2"}}
    files:
      {pattern: "*.csv", header: false, encoding: cp1252, locale: de-CH, dates: "%d.%m.%Y", quote: "'", delimiter: ";"}
"""


@pytest.mark.parametrize(
    ("before", "after", "label"),
    [
        ("encoding: cp1252", "encoding: latin-99", "`latin-99` is no encoding known here"),
        ("locale: de-CH", "locale: German", '"German" is no locale known here: did you mean `de`?'),
        ('dates: "%d.%m.%Y"', 'dates: "%d.%M.%Y"', "`%M` is minutes, and there are no hours: the month is `%m`"),
        ('dates: "%d.%m.%Y"', 'times: "%H:%M"', "a date is read from its year, month and day"),
        ('at: "2"', "at: grade", "without a header, columns have numbers only, from 1"),
        ('quote: "\'"', 'quote: ";"', "`delimiter`, `quote` and `escape` are three signs of one line"),
        ("header: false", "format: json", "`delimiter`, `quote`, `escape`, `header` and `locale` are of `format: csv`"),
    ],
)
def test_a_way_of_writing_that_nobody_can_read(
    check: Callable[[Mapping[str, str]], Compilation], before: str, after: str, label: str
) -> None:
    assert before in AGENCY
    found = check({"agency.yaml": AGENCY.replace(before, after)}).diagnostics
    assert [(one.code, one.label) for one in found] == [("SYN0008", label)]


def test_a_way_of_writing_that_is_known(check: Callable[[Mapping[str, str]], Compilation]) -> None:
    assert [one.code for one in check({"agency.yaml": AGENCY}).diagnostics] == []
