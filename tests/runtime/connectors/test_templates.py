"""Templates: what filling gives, and that the sandbox can read it backwards."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from syncline_runtime.connectors import jsontext
from syncline_runtime.connectors.jsontext import Digits
from syncline_runtime.connectors.templates import ABSENT, fill, fill_path, fill_query, read_path, wrapped
from syncline_runtime.errors import ReleaseError
from syncline_runtime.sandbox.inverse import match, match_path

VALUES = {"id": Digits("7"), "marker": "a b/c", "token": ABSENT, "none": None, "record": {"a": {"b": [1, True]}}}
VALUES["lines"] = [{"n": "1"}, {}]


@pytest.mark.parametrize(
    ("template", "filled"),
    [
        ("{id}", Digits("7")),
        ("no. {id}!", "no. 7!"),
        ("{record.a.b.1}", True),
        ("{token}", ABSENT),
        ("x{token}", "x"),
        ({"a": "{token}", "b": "{none}", "c": ["{token}", "{id}"]}, {"b": None, "c": [Digits("7")]}),
        ({"$json": {"id": "{id}", "text": "{id}!"}}, '{"id":7,"text":"7!"}'),
        ({"$base64url_json": [["id", "=", "{id}"]]}, "W1siaWQiLCI9Iiw3XV0="),
        ({"$join": ["Session ", {"$base64": "{id}:{marker}"}]}, "Session NzphIGIvYw=="),
        ({"$when": {"given": ["{token}", "{none}"], "then": 1, "else": 2}}, Digits("1")),
        ({"$when": {"known": ["{none}"], "then": 1, "else": "{id}"}}, Digits("7")),
        ({"a": {"$when": {"given": ["{token}"], "then": 1}}}, {}),
        ({"$each": {"of": "{lines}", "add": {"k": "{id}"}}}, [{"n": "1", "k": Digits("7")}, {"k": Digits("7")}]),
        ({"a": {"$each": {"of": "{token}", "add": {"k": 1}}}}, {}),
        ("{not a name} {}", "{not a name} {}"),
    ],
)
def test_fill(template: Any, filled: Any) -> None:
    result = fill(template, VALUES)
    assert result == filled
    assert type(result) is type(filled)


def test_what_was_added_to_each_can_be_taken_out_again() -> None:
    template = {"lines": [["create", {"$each": {"of": "{lines}", "add": {"type": "line", "k": "{id}"}}}]]}
    assert match(template, fill(template, VALUES)) == {"lines": VALUES["lines"], "id": Digits("7")}


def test_an_unknown_name_is_refused() -> None:
    with pytest.raises(ReleaseError, match=r"names \{nobody\}"):
        fill("{nobody}", VALUES)


@pytest.mark.parametrize("bad", ["", ".", "..", None, ABSENT])
def test_a_path_needs_usable_ids(bad: Any) -> None:
    with pytest.raises(ReleaseError, match="needs a usable"):
        fill_path("/x/{id}", {"id": bad})


def test_ids_cannot_change_a_path() -> None:
    assert fill_path("/x/{id}/y", {"id": "../a?b=1#c%2F ü"}) == "/x/..%2Fa%3Fb%3D1%23c%252F%20%C3%BC/y"


def test_queries_repeat_lists_and_leave_out_what_has_no_value() -> None:
    query = {"f": ["id", "name"], "a": "{token}", "b": "{none}", "c": True, "d": "{id}"}
    assert fill_query(query, VALUES) == [("f", "id"), ("f", "name"), ("c", "true"), ("d", "7")]


def test_paths_into_json() -> None:
    assert read_path({"a": [{"b": None}]}, "a.0.b") is None
    assert read_path({"a": [{"b": None}]}, "a.1.b") is ABSENT
    assert read_path([1], "") == [1]
    assert wrapped("a.0.b", 1) == {"a": [{"b": 1}]}


_TEXT = st.text(max_size=12)
_VALUE = st.one_of(_TEXT, st.none(), st.booleans(), st.integers().map(lambda n: Digits(n)))
_TEMPLATES = [
    "{a}",
    {"x": "{a}", "y": {"z": ["{b}", "fixed", 3]}},
    {"$base64url_json": [["write_date", ">", "{a}"], ["n", "=", "{b}"]]},
    {"$json": {"a": "{a}", "b": None}},
    ["one", "{a}", ["{b}"]],
]


@given(st.sampled_from(_TEMPLATES), _VALUE, _VALUE)
def test_matching_a_filled_template_gives_its_values_back(template: Any, a: Any, b: Any) -> None:
    found = match(template, fill(template, {"a": a, "b": b}))
    assert found is not None
    assert all(found[name] == value for name, value in (("a", a), ("b", b)) if name in found)
    assert "a" in found


@given(_TEXT.filter(lambda text: text not in ("", ".", "..")))
def test_paths_match_what_they_were_filled_with(text: str) -> None:
    assert match_path("/x/{id}/y", fill_path("/x/{id}/y", {"id": text})) == {"id": text}


_NUMBER = st.from_regex(r"-?(0|[1-9][0-9]{0,20})(\.[0-9]{1,20})?", fullmatch=True).map(Digits)
_JSON = st.recursive(
    st.one_of(st.none(), st.booleans(), _TEXT, _NUMBER),
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(_TEXT, inner, max_size=4)),
)


@given(_JSON)
def test_json_keeps_every_digit(value: Any) -> None:
    text = jsontext.render(value)
    assert jsontext.render(jsontext.parse(text)) == text


@pytest.mark.parametrize("text", ["NaN", "Infinity", "-Infinity", "{'a':1}", "01", "1 2", "", "[1", b"\xff"])
def test_what_is_not_json(text: str | bytes) -> None:
    with pytest.raises(jsontext.NotJsonError):
        jsontext.parse(text)


@pytest.mark.parametrize("bad", [Digits("1,5"), Digits("1\n"), 1.5, {"a": Digits("")}])
def test_what_cannot_be_written(bad: Any) -> None:
    with pytest.raises(jsontext.NotJsonError):
        jsontext.render(bad)
