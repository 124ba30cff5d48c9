"""Natives and wire records: presence, digits, tags and forms."""

from __future__ import annotations

from dataclasses import replace
from unicodedata import normalize
from urllib.parse import parse_qsl

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runtime.connectors.described import BOOK_FIELDS, TAGS, books, shop
from syncline_runtime.connectors import jsontext, wire
from syncline_runtime.connectors.jsontext import Digits
from syncline_runtime.errors import RequestFailed
from syncline_runtime.system import NativeField, Resource

CUSTOMER = shop().resource("Customer")


def test_missing_null_and_empty_are_three_things() -> None:
    assert wire.flatten(CUSTOMER, jsontext.parse('{"id":"1","name":"","status":null,"money":{}}')) == {
        "id": "1",
        "name": "",
        "status": None,
    }


@pytest.mark.parametrize(
    ("record", "natives"),
    [
        ('{"id":"1","city":null,"phones":[]}', {"id": "1", "city": None, "phone": None}),
        ('{"id":"1","city":{"code":"B"},"phones":[{"at":null}]}', {"id": "1", "city": "B", "phone": None}),
        ('{"id":"1","city":{},"phones":[{}]}', {"id": "1"}),
        ('{"id":"1"}', {"id": "1"}),
    ],
)
def test_below_a_null_and_past_the_end_of_a_list_there_is_null(record: str, natives: dict[str, str | None]) -> None:
    fields = (
        NativeField("id", "text", "id"),
        NativeField("city", "text", "city.code"),
        NativeField("phone", "text", "phones.0.at.code"),
    )
    assert wire.flatten(Resource("R", "R", "id", fields), jsontext.parse(record)) == natives


def test_text_comes_in_composed_and_otherwise_unchanged() -> None:
    fields = (NativeField("id", "text", "id"), NativeField("name", "text", "name"), NativeField("tags", "list", "tags"),
              NativeField("owner", "text", "owner", ref="User"))  # fmt: skip
    apart, together = "e\u0301", "\u00e9"
    record = {"id": apart, "name": f" {apart} ﬁ²\u00a0", "tags": [apart], "owner": apart}
    assert wire.flatten(Resource("R", "R", "id", fields), record) == {
        "id": apart, "name": f" {together} ﬁ²\u00a0", "tags": f'["{together}"]', "owner": apart,
    }  # fmt: skip


def test_text_of_each_kind() -> None:
    record = jsontext.parse(
        '{"id":7,"money":{"credit":1.50},"staff":12345678901234567890,"vip":1,"tags":[1.10,{"a":true}],"name":{"x":1}}'
    )
    assert wire.flatten(CUSTOMER, record) == {
        "id": "7",
        "credit": "1.50",
        "staff": "12345678901234567890",
        "vip": "true",
        "tags": '["1.10",{"a":true}]',
        "name": '{"x":1}',
    }


def test_assemble_writes_numbers_as_they_are() -> None:
    natives = {"name": "Ada", "credit": "12345678901234567.890", "vip": "false", "tags": '["x"]', "ext": None}
    assert jsontext.render(wire.assemble(CUSTOMER, natives)) == (
        '{"name":"Ada","money":{"credit":12345678901234567.890},"vip":false,"tags":["x"],"ext":{"ref":null}}'
    )


@pytest.mark.parametrize(
    ("name", "text"), [("credit", "1,5"), ("credit", "1e"), ("staff", ' 1", "x": 2'), ("vip", "yes"), ("tags", "[")]
)
def test_unfit_text_is_a_mapping_failure_that_does_not_show_it(name: str, text: str) -> None:
    with pytest.raises(RequestFailed) as failed:
        wire.assemble(CUSTOMER, {name: text})
    assert (failed.value.category, failed.value.place) == ("mapping", f"Customer.{name}")
    assert text not in str(failed.value)


def test_where_and_how_a_field_is_sent_may_differ() -> None:
    fields = (
        NativeField("account", "text", "account.id", write_at="account_id"),
        NativeField("price", "decimal", "price", quoted=True),
        NativeField("note", "text", "note", empty_is_null=True),
        NativeField("city", "text", "addresses.0.city"),
    )
    resource = Resource("R", "R", "account", fields)
    natives = {"account": "a", "price": "1.50", "note": None, "city": "Rome"}
    sent = wire.assemble(resource, natives)
    assert sent == {"account_id": "a", "price": "1.50", "note": "", "addresses": [{"city": "Rome"}]}
    assert not isinstance(sent["price"], Digits)
    shown = wire.assemble(resource, natives, sending=False)
    assert wire.flatten(resource, shown) == natives


def test_tagged_values_both_ways() -> None:
    system = books()
    entry = system.resource("Entry")
    stamp = {"year": 2026, "month": 1, "day": 2, "hour": 3, "minute": 4, "second": 5, "microsecond": 60}
    record = {
        "amount": {"__class__": "Decimal", "decimal": "1.50"},
        "due": {"__class__": "date", "year": Digits("2026"), "month": Digits("1"), "day": Digits("2")},
        "write_date": {"__class__": "datetime", **{name: Digits(part) for name, part in stamp.items()}},
    }
    natives = {"amount": "1.50", "due": "2026-01-02", "write_date": "2026-01-02T03:04:05.000060"}
    assert wire.flatten(entry, record, system) == natives
    assert wire.assemble(entry, natives, system, sending=False) == record
    zoned = tuple(replace(f, type="instant") if f.name == "write_date" else f for f in BOOK_FIELDS)
    assert wire.flatten(replace(entry, fields=zoned), record, system)["write_date"] == "2026-01-02T03:04:05.000060Z"


def test_an_unknown_tag_stays_visible() -> None:
    assert wire.untagged({"__class__": "Odd", "x": Digits("1")}, TAGS) == {"__class__": "Odd", "x": "1"}


def test_items_of_a_child_list_get_the_child_s_types() -> None:
    line = Resource("Line", "Line", "id", (NativeField("id", "text", "id"), NativeField("n", "decimal", "n")))
    bill = Resource("Bill", "Bill", "id", (NativeField("id", "text", "id"), NativeField("ls", "list", "ls", of="Line")))
    system = replace(shop(), resources=(line, bill))
    sent = wire.assemble(bill, {"ls": '[{"id":"1","n":"2.50"}]'}, system)
    assert jsontext.render(sent) == '{"ls":[{"id":"1","n":2.50}]}'


def test_forms_nest_with_brackets() -> None:
    value = {"a": {"b": "c d&", "l": [True, None]}, "n": Digits("1.50")}
    assert parse_qsl(wire.form(value), keep_blank_values=True) == [
        ("a[b]", "c d&"),
        ("a[l][0]", "true"),
        ("a[l][1]", ""),
        ("n", "1.50"),
    ]


COMPOSED = st.text().map(lambda text: normalize("NFC", text))


@given(
    st.fixed_dictionaries(
        {},
        optional={
            "name": st.none() | COMPOSED,
            "credit": st.none() | st.decimals(allow_nan=False, allow_infinity=False).map(lambda d: f"{d:f}"),
            "vip": st.none() | st.sampled_from(["true", "false"]),
            "ext": st.none() | COMPOSED,
        },
    )
)
def test_flatten_undoes_assemble(natives: dict[str, str | None]) -> None:
    sent = jsontext.parse(jsontext.render(wire.assemble(CUSTOMER, natives)))
    assert wire.flatten(CUSTOMER, sent) == natives
