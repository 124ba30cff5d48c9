"""Functions over distinct values: what SQL cannot do."""

from __future__ import annotations

import pytest

from syncline_compiler.functions import REGISTRY
from syncline_runtime.values import FUNCTIONS, apply_function


@pytest.mark.parametrize(
    ("value", "region", "canonical"),
    [
        ("+49 30 123456", "", "+4930123456"), ("030/123 456", "DE", "+4930123456"), ("(415) 555-2671", "US", "+14155552671"),
        ("00 49 30 123456", "DE", "+4930123456"), ("0171 1234567", "DE", "+491711234567"),
        ("12", "DE", None), ("555-2671", "US", None), ("", "DE", None),
        ("call me", "DE", None), ("030/123 456", "", None),
    ],
)  # fmt: skip
def test_phone(value: str, region: str, canonical: str | None) -> None:
    assert apply_function("phone", f"region={region}", value) == canonical
    if canonical is not None:  # a number in its one form is read as itself, whatever the region
        assert apply_function("phone", "region=FR", canonical) == canonical


@pytest.mark.parametrize(
    ("form", "made"), [("NFC", "é ﬁ"), ("NFKC", "é fi"), ("NFD", "e\u0301 ﬁ"), ("NFKD", "e\u0301 fi")]
)
def test_normal_forms(form: str, made: str) -> None:
    assert apply_function("normal", f"form={form}", "e\u0301 ﬁ") == made


@pytest.mark.parametrize(
    ("text", "made"),
    [('{"a": 12345678901234567.89, "b": [1e3, true, null]}', '{"a":"12345678901234567.89","b":["1e3",true,null]}'),
     ("[", None), ("", None), ('{"a": NaN}', None), ('"é"', '"é"')],
)  # fmt: skip
def test_json_in_texts(text: str, made: str | None) -> None:
    assert apply_function("json", "", text) == made


def test_the_library_and_the_runtime_know_the_same_functions() -> None:
    assert {function.runtime for function in REGISTRY.values() if function.runtime} == set(FUNCTIONS)
