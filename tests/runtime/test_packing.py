"""Packed rows are, unpacked, what they were: also where values are null, long, odd or hard to write."""

from __future__ import annotations

from pathlib import Path

from syncline_runtime.packing import few, key_column, near, packed, packed_columns, unpacked
from syncline_runtime.segments import SegmentStore
from syncline_runtime.state import LINK_COLUMNS, State, quoted, text

MONEY = "STRUCT(amount DECIMAL(18,4), currency VARCHAR)"
COLUMNS = {
    "_native_id": "VARCHAR", "_open": "BOOLEAN", "_written": "BIGINT", "native.a": "VARCHAR", "native.b": "VARCHAR",
    "agreed.money": MONEY, "agreed.number": "DECIMAL(18,2)", "agreed.days": "BIGINT", "agreed.on": "DATE",
    "agreed.at": "TIMESTAMPTZ", "agreed.local": "TIMESTAMP", "agreed.flag": "BOOLEAN", "agreed.text": "VARCHAR",
}  # fmt: skip
ROWS = """
    ('1', true, 7, '["x", null, {"a": "b"}]', '', ROW(12345678901234.5678, 'EUR'), 1234567890123456.78,
     9223372036854775807, '0001-01-01', '2026-10-25 00:30:00.123456+00', '2026-10-25 02:30:00.5', false, 'a"b\\c'),
    ('2', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL),
    ('3"', false, -1, 'NULL', 'Łódź 山田 🙂', ROW(-0.5, NULL), -0.01, -1, '9999-12-31', '1969-12-31 23:59:59+00',
     '1970-01-01', true, chr(10) || chr(9) || chr(1) || 'null')
"""


def test_unpacked_rows_are_what_was_packed(tmp_path: Path) -> None:
    state = State(tmp_path, SegmentStore(tmp_path / "segments"))
    state.empty("rows", COLUMNS)
    state.execute(f"INSERT INTO rows VALUES {ROWS}")
    made = packed(COLUMNS, {name: quoted(name) for name in COLUMNS})
    state.make("lying", f"SELECT {', '.join(f'{value} AS {quoted(name)}' for name, value in made.items())} FROM rows")
    assert set(made) == set(packed_columns(COLUMNS))
    back = unpacked(COLUMNS, "SELECT * FROM lying")
    for one, other in (("SELECT * FROM rows", back), (back, "SELECT * FROM rows")):
        assert state.scalar(f"SELECT count(*) FROM (({one}) EXCEPT ALL ({other}))") == 0
    assert state.scalar(f"SELECT count(*) FROM ({back})") == 3
    state.close()


def test_columns_of_which_nothing_is_told_are_null(tmp_path: Path) -> None:
    state = State(tmp_path, SegmentStore(tmp_path / "segments"))
    made = packed(COLUMNS, {"_native_id": "'1'", "native.b": "'kept'"})
    state.empty("lying", packed_columns(COLUMNS))
    state.execute(f"INSERT INTO lying ({', '.join(map(quoted, made))}) SELECT {', '.join(made.values())}")
    rows = state.rows(f"SELECT * FROM ({unpacked(COLUMNS, 'SELECT * FROM lying')})")
    assert rows == [tuple({"_native_id": "1", "native.b": "kept"}.get(name) for name in COLUMNS)]
    state.close()


def test_an_id_with_the_key_of_another_is_not_taken_for_it(tmp_path: Path) -> None:
    state = State(tmp_path, SegmentStore(tmp_path / "segments"))
    made = packed(LINK_COLUMNS, {"native_id": "id"})
    ids = "SELECT CAST(range AS VARCHAR) AS id FROM range(400000)"
    state.make(
        "lying", f"SELECT {', '.join(f'{value} AS {quoted(name)}' for name, value in made.items())} FROM ({ids})"
    )
    key = quoted(key_column("native_id"))
    (one, other), *_ = state.rows(
        f"SELECT min(native_id), max(native_id) FROM lying GROUP BY {key} HAVING count(*) = 2"
    )
    assert one != other
    asked = f"SELECT {text(one)} UNION ALL SELECT 'nobody'"
    found = few("lying", near("lying", "native_id", asked), "native_id")
    assert sorted(state.rows(f"SELECT * FROM {found}")) == sorted([(one,), (other,)])
    assert state.rows(f"SELECT * FROM {found} WHERE native_id IN ({asked})") == [(one,)]
    state.close()
