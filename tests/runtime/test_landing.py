"""Landing in the engine makes the rows that a look at each record would make."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from syncline_runtime.connectors import failures, jsontext, wire
from syncline_runtime.connectors.lines import NotSureError, PageReader, shape_of
from syncline_runtime.connectors.results import raw_hash
from syncline_runtime.request import Request
from syncline_runtime.segments import SegmentStore
from syncline_runtime.stages.gathering import GATHERED, LONGER, WHOLE, enough
from syncline_runtime.stages.landing import Batch, land_batch
from syncline_runtime.state import State, landed_columns
from syncline_runtime.system import Cursor, ListRead, NativeField, Resource, System

RESOURCE = Resource(
    "Customer",
    "Customer",
    "id",
    (
        NativeField("id", "text", "id"),
        NativeField("Näme's", "text", "name"),
        NativeField("vip", "bool", "flags.vip"),
        NativeField("city", "text", "address.place.city", empty_is_null=True),
        NativeField("credit", "decimal", "credit"),
        NativeField("tags", "list", "tags"),
        NativeField("owner", "text", "owner", ref="Customer"),
        NativeField("secret", "text", "secret", readable=False),
        NativeField("changed", "instant", "changed"),
    ),
    version="changed",
    list=ListRead(Request("/customers"), "items", cursor=Cursor("changed")),
    gone={"flags.gone": True, "state": "0"},
)
SYSTEM = System("shop", "1.0.0", "Shop", (RESOURCE,))
LANDED = ["id", "Näme's", "vip", "city", "credit", "tags", "owner", "secret"]

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=6)
numbers = st.one_of(st.integers(-(10**25), 10**25), st.decimals(allow_nan=False, allow_infinity=False, places=3))
scalars = st.one_of(
    st.none(), st.booleans(), numbers, texts, st.sampled_from(["", "0", "1", 0, 1, "a\u0301", "\ufdd1"])
)
values = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=2) | st.dictionaries(texts, inner, max_size=2), max_leaves=4
)


def some(**fields: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    """Objects that hold some of these members."""
    return st.fixed_dictionaries({}, optional=fields)


records = st.builds(
    lambda id, rest: {"id": id, **rest},
    st.one_of(st.integers(1, 10**20), texts.filter(bool)),
    some(
        name=values,
        flags=st.one_of(st.none(), some(vip=scalars, gone=scalars)),
        address=st.one_of(st.none(), some(place=st.one_of(st.none(), some(city=values)))),
        credit=scalars,
        tags=values,
        owner=scalars,
        state=scalars,
        changed=st.one_of(st.none(), st.sampled_from(["2026-01-31T10:00:00Z", "2026-01-31"])),
        other=values,
    ),
)


@pytest.fixture(scope="module")
def state(tmp_path_factory: pytest.TempPathFactory) -> Iterator[State]:
    folder = tmp_path_factory.mktemp("state")
    opened = State(folder, SegmentStore(folder / "segments"))
    yield opened
    opened.close()


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(page=st.lists(records, min_size=1, max_size=4), ascii_only=st.booleans(), spaced=st.booleans())
def test_lines_land_as_rows_do(state: State, page: list[Any], ascii_only: bool, spaced: bool) -> None:
    body = written({"items": page}, ascii_only, spaced)
    reader = reader_of()
    parsed = reader.parse(body)
    if not reader.sure:
        return
    try:
        lines = reader.lines([parsed["items"]])
    except NotSureError:
        return
    path = state.spool / "page.jsonl"
    path.write_bytes(lines.content)
    state.empty("landed", landed_columns(LANDED))
    land_batch(state, RESOURCE, "landed", landed_columns(LANDED), Batch(path, 5, "r", lines.partial))
    columns = ["_native_id", "_op", "_version", "_seq", "_raw_hash", "_missing", "_correlation"]
    named = ", ".join(f'"{column}"' for column in landed_columns(LANDED))
    landed = state.rows(f"SELECT {named} FROM landed ORDER BY _seq")
    assert list(landed_columns(LANDED))[: len(columns)] == columns
    assert [list(row) for row in landed] == [
        expected(one, number) for number, one in enumerate(jsontext.parse(body)["items"], 5)
    ]


def expected(record: Any, number: int) -> list[Any]:
    natives = wire.flatten(RESOURCE, record)
    missing = [name for name in LANDED if name not in natives]
    gone = failures.holds(record, RESOURCE.gone)
    return [
        natives["id"],
        "delete" if gone else "partial",  # the secret is never told
        natives.get("changed"),
        number,
        raw_hash(natives),
        ["secret", *(name for name in missing if name != "secret")],
        f"r-{number}",
        *(natives.get(name) for name in LANDED),
    ]


def written(value: Any, ascii_only: bool, spaced: bool) -> bytes:
    separators = (", ", ": ") if spaced else (",", ":")
    return json.dumps(value, ensure_ascii=ascii_only, separators=separators, default=float).encode()


def reader_of() -> PageReader:
    shape = shape_of(SYSTEM, RESOURCE, RESOURCE.list)  # type: ignore[arg-type]
    assert shape is not None
    return PageReader(shape)


@pytest.mark.parametrize(
    "body",
    [
        '{"items": [{"id": 1, "name": "a", "name": "b"}]}',
        '{"items": [{"id": 1, "other": {"x": 1, "x": "\\u0022:"}}]}',
        '{"items": [{"id": 1, "address": {}}, {"id": 2, "owner": 1, "owner": 2}]}',
        '{"items": [{"id": 1, "x": 1}, {"id": 2, "x": 1, "x": 2}, {"id": 3}]}',
    ],
)
def test_a_member_told_twice_is_refused(body: str) -> None:
    reader = reader_of()
    parsed = reader.parse(body.encode())
    with pytest.raises(NotSureError):
        reader.lines([parsed["items"]])
    with pytest.raises(jsontext.NotJsonError, match="told twice"):
        reader.reread()


def test_a_name_with_a_colon_hides_no_member_told_twice() -> None:
    """Members are counted by their colons, and a field that is not told is written, too."""
    fields = tuple(NativeField(name, "text", name) for name in ("id", "crm:vat", "city"))
    resource = Resource("Customer", "Customer", "id", fields, list=ListRead(Request("/customers"), "items"))
    assert resource.list
    reader = PageReader(shape_of(System("shop", "1.0.0", "Shop", (resource,)), resource, resource.list))
    parsed = reader.parse(b'{"items": [{"id": "1", "city": "a", "city": "b"}]}')
    with pytest.raises(NotSureError):
        reader.lines([parsed["items"]])
    parsed = reader.parse(b'{"items": [{"id": "1", "city": "a"}, {"id": "2", "crm:vat": "x:y"}]}')
    assert reader.lines([parsed["items"]]).rows == 2


@pytest.mark.parametrize("body", ['{"items": [], "items": [{"id": 1}]}', '{"items": [], "next": 1, "next": 2}'])
def test_a_member_told_twice_beside_the_list_is_refused(body: str) -> None:
    with pytest.raises(jsontext.NotJsonError, match="told twice"):
        reader_of().parse(body.encode())


@pytest.mark.parametrize(
    "body",
    [
        '{"items": [{"name": "a"}]}',
        '{"items": [{"id": ""}]}',
        '{"items": [{"id": null}]}',
        '{"items": [{"id": ["a"]}]}',
        '{"items": ["a"]}',
        '{"items": [{"id": 1, "flags": "none"}]}',
        '{"items": {"id": 1}}',
        '{"also": [{"id": 1}], "items": [{"id": 1}]}',
        '{"items": [{"id": 1, "name": "\\uFDd1"}]}',
        '{"items": [{"id": 1, "name": "\ufdd1"}]}',
        '{"items": [{"id": 1, "other": "\\ud800"}]}',
        '{"result": []}',
    ],
)
def test_what_is_not_clear_is_left_to_a_closer_look(body: str) -> None:
    reader = reader_of()
    parsed = reader.parse(body.encode())
    if reader.sure:
        with pytest.raises(NotSureError):
            reader.lines([parsed["items"]])


@pytest.mark.parametrize(
    "damaged", [b'{"items":[{"id":1,"x":"\xff"}]}', b'{"items":[{"id":NaN}]}', b'{"items":[{"id":1}']
)
def test_damaged_pages_are_refused_wherever_the_damage_is(damaged: bytes) -> None:
    with pytest.raises(jsontext.NotJsonError):
        reader_of().parse(damaged)


def test_members_that_nobody_described_are_read_quickly_once_they_are_known() -> None:
    reader = reader_of()
    for more in (
        {},
        {"x": 1.5},
        {"x": {"y": [1]}, "address": {"zip": "1", "place": None}},
        {"address": None, "z": True},
    ):
        body = reader.parse(written({"items": [{"id": 1, **more}, {"id": 2}], "next": "b"}, True, False))
        assert reader.sure
        assert body["next"] == "b"
        assert reader.last([body["items"]]) == {"id": 2, "address": {"place": {}}, "flags": {}}
        assert reader.lines([body["items"]]).rows == 2


def test_digits_are_kept(state: State) -> None:
    body = b'{"items":[{"id":12345678901234567890123,"credit":12345678901234567.890,"tags":[1.50,7],"name":-1e400}]}'
    reader = reader_of()
    path = state.spool / "page.jsonl"
    path.write_bytes(reader.lines([reader.parse(body)["items"]]).content)
    state.empty("landed", landed_columns(LANDED))
    land_batch(state, RESOURCE, "landed", landed_columns(LANDED), Batch(path, 0, "r", True))
    assert state.rows('SELECT _native_id, "native.credit", "native.tags", "native.Näme\'s" FROM landed') == [
        ("12345678901234567890123", "12345678901234567.890", '["1.50",7]', "-1e400")
    ]


def test_cursor_values_order_as_instants_do(state: State, tmp_path: Path) -> None:
    moments = ["2026-01-31T10:00:00+02:00", "2026-01-31T09:30:00Z", "2026-01-31T09:00:00.5Z", None]
    path = state.spool / "page.jsonl"
    path.write_text("".join(json.dumps({"id": "1", "changed": moment}) + "\n" for moment in moments))
    state.empty("landed", landed_columns(LANDED))
    found = land_batch(state, RESOURCE, "landed", landed_columns(LANDED), Batch(path, 0, "r", False))
    assert set(found) == set(filter(None, moments))  # each of another shape; which is the latest is told elsewhere


natives = st.dictionaries(
    st.sampled_from(["a", "b", "c"]), st.one_of(st.none(), st.text("x~=bc\ufdd1", max_size=4)), max_size=3
)


@given(one=natives, other=natives)
def test_only_equal_rows_have_equal_hashes(one: dict[str, str | None], other: dict[str, str | None]) -> None:
    assert (raw_hash(one) == raw_hash(other)) == (one == other)


def test_a_value_that_reads_like_the_next_field_is_told_from_it() -> None:
    assert raw_hash({"a": "\ufdd1b=", "c": None}) != raw_hash({"a": "", "b": "", "c": None})


@pytest.mark.parametrize(("row", "most"), [(30, 8.0), (100, 11.75), (200, 23.5), (1_000, 8.0), (100_000, 8.0)])
def test_small_rows_are_gathered_until_the_engine_can_keep_them_as_they_are(row: int, most: float) -> None:
    """``most``: the megabytes that are gathered of rows of so many bytes."""
    size = next(size for size in itertools.count(2**17, 2**17) if enough(size, size // row))
    assert size / 2**20 == most
    assert size // row >= WHOLE or size == GATHERED


def test_what_is_gathered_is_bounded_however_rows_change() -> None:
    assert enough(LONGER * GATHERED, WHOLE // 2)
