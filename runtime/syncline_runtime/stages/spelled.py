"""Values in the files' own way of writing numbers, dates and times, read as everybody else writes them.

In: SQL for the text of a native field. Out: SQL for the same as JSON has numbers and ISO 8601 has dates. Invariant: a text
that is not written as the description says is never taken for another value: it says so itself, fits no type, and
normalise sets its record aside.
"""

from __future__ import annotations

from syncline_runtime.state import text
from syncline_runtime.system import FileRead, MomentText, NativeField, NumberText

_MINUS = "\u2212"
_ISO_DATE, _ISO_LOCAL = "%Y-%m-%d", "%Y-%m-%dT%H:%M:%S.%f"


def as_meant(files: FileRead | None, field: NativeField, value: str) -> str:
    """Give the value that a text of a file stands for."""
    if files is None:
        return value
    if files.nulls:
        value = f"CASE WHEN {value} IN ({', '.join(map(text, files.nulls))}) THEN NULL ELSE {value} END"
    if field.type in ("int", "decimal") and files.numbers:
        return _number(files.numbers, value)
    if field.type == "date" and files.dates:
        return _moment(files.dates, value, _ISO_DATE)
    if field.type == "local_datetime" and files.times:
        return _moment(files.times, value, _ISO_LOCAL)
    return value


def _number(numbers: NumberText, value: str) -> str:
    bare = f"regexp_replace(v, {text(numbers.group)}, '', 'g')"
    plain = f"translate({bare}, {text(numbers.point + _MINUS)}, '.-')"
    return _or_strange(value, numbers.shape, plain, f"as in {numbers.locale}")


def _moment(moments: MomentText, value: str, iso: str) -> str:
    plain = f"strftime(try_strptime(v, {text(moments.format)}), {text(iso)})"
    return _or_strange(value, moments.shape, plain, moments.format)


def _or_strange(value: str, shape: str, plain: str, expected: str) -> str:
    """Give what a text of this shape means; any other one says what was expected."""
    strange = f"concat(v, {text(f' (not {expected})')})"
    meant = f"CASE WHEN regexp_full_match(v, {text(shape)}) THEN {plain} END"
    return (
        f"CASE WHEN {value} IS NULL OR {value} = '' THEN {value} ELSE "
        f"list_transform([{value}], lambda v: coalesce({meant}, {strange}))[1] END"
    )
