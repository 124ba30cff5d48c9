"""What keeps checking within bounds, part by part; whole hostile projects are in ``tests/faults``."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import pytest

from syncline_compiler.checking.derivation import circles, in_order
from syncline_compiler.diagnostics.diagnostic import KEPT, KEPT_PER_FILE, MOST_EFFORT, MOST_TRIED, Collector
from syncline_compiler.diagnostics.render import render_text
from syncline_compiler.functions.patterns import effort
from syncline_compiler.pipeline import Compilation
from syncline_compiler.source import Span
from syncline_compiler.spelling import did_you_mean

Check = Callable[[Mapping[str, str]], Compilation]

ACCOUNT = """
object: account
version: 1.0.0
fields:
  name: {type: text(80), form: squash, required: true}
  email: email?
  country: country?
  status: {type: enum, values: [prospect, active, closed], required: true}
  credit_limit: money?
identity:
  - same: [email]
"""


def at(line: int, path: str = "a.yaml") -> Span:
    return Span(path, line, 1, line, 2)


def test_errors_beyond_what_anybody_reads_are_counted() -> None:
    diagnostics = Collector()
    for line in range(1, KEPT_PER_FILE + 11):
        diagnostics.report("SYN0301", at(line), label="a")
    diagnostics.report("SYN0301", at(1, "b.yaml"), label="a")
    assert len(diagnostics) == KEPT_PER_FILE + 1
    assert (diagnostics.errors, diagnostics.beyond) == (KEPT_PER_FILE + 11, 10)
    assert render_text(diagnostics, {}).endswith("1011 errors; 10 of them are not shown\n")


def test_errors_of_many_files_are_counted_too() -> None:
    diagnostics = Collector()
    for number in range(KEPT + 5):
        diagnostics.report("SYN0301", at(1, f"{number}.yaml"))
    assert (len(diagnostics), diagnostics.errors) == (KEPT, KEPT + 5)


def test_warnings_are_all_kept_since_waivers_name_them() -> None:
    diagnostics = Collector()
    for line in range(1, KEPT_PER_FILE + 11):
        diagnostics.report("SYN0932", at(line), label="a")
    assert diagnostics.warnings == len(diagnostics) == KEPT_PER_FILE + 10


def test_guesses_end_when_they_have_taken_long_enough() -> None:
    diagnostics = Collector()
    known = [f"field_{number}" for number in range(MOST_EFFORT // 2)]
    for line in range(1, 5):
        diagnostics.report("SYN0209", at(line), label=str(line), help=did_you_mean("feild_7", known, kind="fields"))
    helps = [one.helps[0] for one in diagnostics]
    assert helps[:2] == ["did you mean `field_7`?"] * 2
    assert all(text.startswith("known fields: `field_0`, ") for text in helps[2:])


def test_an_unknown_name_at_many_places_is_one_mistake_with_all_of_them() -> None:
    diagnostics = Collector()
    for line in (3, 1, 2, 3):
        diagnostics.report("SYN0204", at(line), label="nobody knows `x`")
    (one,) = diagnostics
    assert (one.span.line, [span.line for span, _ in one.again]) == (1, [2, 3])


@pytest.mark.parametrize(("pattern", "least", "most"), [
    ("[A-Z]{2}-[0-9]+", 0, 10), ("a" * 900, 100, 600), (r"[\p{L} ]{1,60}", 500, 1500), (r"\pL{400}", 3000, 9000),
    (r"(?:\pL{10}){10}", 1000, 3000), ("((", 0, 10), ("a{", 0, 10), (")a(", 0, 10), ("\\", 0, 10),
])  # fmt: skip
def test_what_a_pattern_takes(pattern: str, least: int, most: int) -> None:
    assert least <= effort(pattern) <= most


def test_patterns_are_tried_within_bounds_and_each_once() -> None:
    diagnostics = Collector()
    assert not diagnostics.affords("one", MOST_TRIED)
    assert all(diagnostics.affords("same", 1000) for _ in range(100))
    assert [diagnostics.affords(str(number), 1000) for number in range(9)] == [True] * 5 + [False] * 4


def test_derived_fields_in_order_and_in_circles() -> None:
    a, b, c, d, e = ((name, "x") for name in "abcde")
    needs = {a: [b], b: [c], c: [], d: [e, a], e: [d]}
    assert in_order(needs) == [c, b, a, d, e]
    assert list(circles(needs, {d, e})) == [[d, e]]
    assert list(circles({a: [a]}, {a})) == [[a]]


def test_a_long_chain_of_derived_fields_is_typed_in_one_go(check: Check) -> None:
    chain = "".join(f"  d{number}: d{number + 1} + 1\n" for number in range(100)) + "  d100: length(name)\n"
    assert list(check({"objects/account.yaml": f"{ACCOUNT}derived:\n{chain}"}).diagnostics) == []


def test_circles_are_told_once_and_nothing_else_is(check: Check) -> None:
    derived = "derived:\n  a: b + 1\n  b: c + 1\n  c: a + 1\n  d: a + 1\n  e: length(name) + 1\n"
    found = check({"objects/account.yaml": ACCOUNT + derived}).diagnostics
    way = "`account.a` → `account.b` → `account.c` → `account.a`"
    assert [(one.code, one.label) for one in found] == [("SYN0106", f"this is made of itself: {way}")]


def test_a_word_of_the_same_name_is_no_circle(check: Check) -> None:
    fields = ACCOUNT.replace("fields:", "fields:\n  begun: date?")
    derived = "derived:\n  month: due | month\n  due: begun | plus 1 month\n  wrong: month + nothing\n"
    codes = [one.code for one in check({"objects/account.yaml": fields + derived}).diagnostics]
    assert codes == ["SYN0203"]


@pytest.mark.parametrize("derived", [
    "".join(f"  d{number + 1}: d{number} + 1\n" for number in range(200)),
    "".join(f"  d{number + 1}: case when d{number} > 0 then d{number} else 0 end\n" for number in range(40)),
    "".join(f"  e{number}: {' + '.join(['d0'] * 600)}\n" for number in range(100)),
])  # fmt: skip
def test_derived_fields_written_out_in_full_are_bounded(check: Check, derived: str) -> None:
    found = check({"objects/account.yaml": f"{ACCOUNT}derived:\n  d0: length(name)\n{derived}"}).diagnostics
    assert {one.code for one in found} == {"SYN0102"}


def test_a_mapping_has_so_many_lets(check: Check, template: Mapping[str, object]) -> None:
    lets = "".join(f"let l{number} = name\n" for number in range(201))
    text = f"mapping erp.Partner <-> account@1\n{lets}name <-> title\n"
    assert "SYN0102" in {one.code for one in check({"mappings/erp_partner.map": text}).diagnostics}
