"""The one format of YAML: what it looks like, and what it leaves alone."""

from __future__ import annotations

import pytest

from syncline_compiler.passes.format_yaml import format_yaml

UNTIDY = """\

# What a customer is.


object:   account
version : 1.0.0
label: '"Customer"'   # as people say
fields:

    name : {type: text(80),form: squash ,  required: yes}
    tax_id: { "type" : 'text(20)?', # may be absent
       pii: business }
      # of the main address
    country: "country"


    status:
        type:   'enum'
        values:
         - prospect
         -   "no"
         # not used any more:
         # - lost
parts:
   # lines: order_line
derived:
    balance: >-

        sum(a)
          - sum(b)

identity:
-   same: [ email,
      country ]
-
    # by likeness
    similar: {name: 0.90}
    unless: email in
        shared
    # what then?
    then: Null
# the end
"""

TIDY = """\
# What a customer is.

object: account
version: 1.0.0
label: '"Customer"' # as people say
fields:
  name: {type: text(80), form: squash, required: yes}
  tax_id: {type: "text(20)?", # may be absent
           pii: business}
  # of the main address
  country: country

  status:
    type: enum
    values:
      - prospect
      - "no"
      # not used any more:
      # - lost
parts:
  # lines: order_line
derived:
  balance: >-

    sum(a)
      - sum(b)

identity:
  - same: [email, country]
  -
    # by likeness
    similar: {name: 0.90}
    unless: email in shared
    # what then?
    then: null
# the end
"""


def test_format() -> None:
    assert format_yaml(UNTIDY) == TIDY
    assert format_yaml(TIDY) == TIDY


@pytest.mark.parametrize("quoted", [
    '"no"', '"On"', '"y"', '"1"', '"012"', '"0o7"', '"1:30"', '"1.50"', '"1_000"', '"2026-01-01"', '"null"', '"~"', '"="', '"<<"',
    '"+41 44"', '";"', '""', '" a"', '"a "', '"a  b"', '"a: b"', '"a #b"', '"a:"', '"#a"', '"- a"', '"@a"', '"%a"', '"{a}"',
    '"é\\n"', '"\\u200b"', '"---a"', '"*"',
])  # fmt: skip
def test_quotes_that_are_needed(quoted: str) -> None:
    assert format_yaml(f"a: {quoted}\n") == f"a: {quoted}\n"


@pytest.mark.parametrize("quoted", ['"a?"', '"a, b"', '"a[0]"', '"{a}"'])
def test_quotes_that_are_needed_between_brackets(quoted: str) -> None:
    assert format_yaml(f"a: [{quoted}]\n") == f"a: [{quoted}]\n"


@pytest.mark.parametrize(
    "plain", ["email?", "decimal(12,2)", "env:TOKEN", "https://crm.example.com", 'a == "b"', "-x", "a#b", "é"]
)
def test_quotes_that_nobody_needs(plain: str) -> None:
    assert format_yaml(f"a: '{plain}'\n") == f"a: {plain}\n"


def test_what_does_not_fit_is_filled_beneath_its_first_item() -> None:
    members = ", ".join(f"member_{number}: {{type: text, required: true}}" for number in range(5))
    filled = format_yaml(f"a:\n  b: {{{members}}}\n")
    assert max(map(len, filled.splitlines())) <= 120
    assert "\n      member_2: {type: text" in filled
    assert format_yaml(filled.replace("\n      ", " ")) == filled


def test_markers_of_one_document_and_line_ends() -> None:
    assert format_yaml("\ufeff# a\r\n---\r\nb:   1\r\n...\r\n") == "# a\nb: 1\n"


def test_text_blocks_end_as_they_did() -> None:
    for text in ("a: |+\n  x\n\n\nb: 1\n", "a: |-\n  x\n\nb: 1\n", "a: |2-\n   x\n", "- >\n  x\n  y\n\n   z\n"):
        assert format_yaml(text) == text
    assert format_yaml("a: |\n     x\n       y") == "a: |-\n  x\n    y\n"


@pytest.mark.parametrize("text", ["a: &x 1\n", "a:   [1\n", "a:  1\na: 2\n", "? |\n  a\n  b\n:   1\n", "a:  !x 1\n"])
def test_what_it_cannot_write_stays_as_it_is(text: str) -> None:
    assert format_yaml(text) == text


def test_nothing_but_comments() -> None:
    assert format_yaml("\n\n  # a\n\n\n# b\n\n") == "# a\n\n# b\n"
    assert format_yaml("\n") == ""
