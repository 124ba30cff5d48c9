"""The reference: every function stands in it, forms are as they are declared, and examples read as the language does."""

from __future__ import annotations

import pytest

from language import check, codes_of, expression
from syncline_compiler.functions import REGISTRY, WRITTEN
from syncline_compiler.functions.forms import FORMS, Form
from syncline_compiler.functions.reference import SECTIONS, known_names, render_function, render_reference

INTERNAL = {
    "as_is", "fits", "given", "same", "differs", "and", "or", "is_true", "decimal_of_text", "decimal_of_int", "decimal_exactly",
    "text_of_decimal", "text_of_decimal_in", "text_of_currency", "words_of_bool", "numbers_of_bool", "local_text_of_instant",
    "epoch_of_instant", "epoch_ms_of_instant", "amount_in_currency", "minor_in_currency", "join_exactly", "join_lines", "part_in",
}  # fmt: skip
"""What only the compiler applies."""


def test_every_function_stands_in_a_section() -> None:
    listed = [function.name for _, modules in SECTIONS for module in modules for function in module.FUNCTIONS]
    assert sorted(listed) == sorted(REGISTRY)
    page = render_reference()
    for name in WRITTEN:
        assert render_function(name) is not None or REGISTRY[name].doc in page, name
    shown = {name for name, function in REGISTRY.items() if f"\n{function.doc}\n" in page}
    assert set(REGISTRY) - shown == INTERNAL


def test_entry_says_everything() -> None:
    assert render_function("unpad") == (
        "### unpad\n\nTakes a character away at the beginning, such as the zeros of `unpad 10 \"0\"`; a two-way line fills them up "
        "again.\n\n"
        "* Written: `| unpad length \"sign\"`\n"
        "* Takes text, gives text\n"
        "* Way back: up to its form: what is written reads as the same form again\n"
        "* Cost: low\n"
        '* Examples: `"000042" | unpad 6 "0"` → `"42"` · `"0000" | unpad 6 "0"` → `""`'
    )  # fmt: skip
    assert "`2 + 3` → `5`" in (render_function("+") or "")
    assert "`1 in (1, 2)` → `true`" in render_reference()
    assert "`12.5 EUR + 1 USD` → *fails*" in render_reference()
    assert render_function("nonsense") is None
    assert {"round", "code", "first", "??"} <= set(known_names())


@pytest.mark.parametrize("form", FORMS, ids=lambda form: form.name)
def test_forms_compile(form: Form) -> None:
    if form.place == "object":
        assert expression(form.example)[1] == []
        return
    two_ways = form.example.replace("<-", "<->") if "<->" not in form.example else form.example
    if form.name == "ref by":  # nothing tells the users of this little world apart
        assert codes_of(form.example + "\n") == ["SYN0304"]
        return
    assert codes_of(form.example + "\n") == []
    typed, diagnostics = check(two_ways + "\n")
    assert diagnostics.failed is (form.inverts == "none")
    if form.inverts != "none" and typed is not None:
        assert typed.lines[0].identity is (form.inverts == "bijection")
