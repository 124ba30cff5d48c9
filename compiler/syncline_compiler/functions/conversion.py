"""From the landed text of a native field to its type, and back.

Every native value reaches SQL as text; what a system description calls an int is one only after a strict reading.
In: native fields. Out: typed expressions.
"""

from __future__ import annotations

from functools import lru_cache

from syncline_compiler.model.typed import Apply, Expression, Field
from syncline_compiler.model.types import BOOL, INSTANT, INT, Type
from syncline_runtime.system import NativeField, NativeTypeName

Measures = tuple[tuple[str, str], ...]

_READERS: dict[str, tuple[str, Type]] = {
    "int": ("int_of_text", INT),
    "bool": ("bool_of_text", BOOL),
    "date": ("date_of_text", Type("date")),
    "instant": ("instant_of_text", INSTANT),
    "local_datetime": ("local_of_text", Type("local_datetime")),
}
_WRITERS = {
    "int": "text_of_int",
    "bool": "text_of_bool",
    "date": "text_of_date",
    "instant": "text_of_instant",
    "local_datetime": "text_of_local",
}
_WIDEST = ("38", "9")


def native_type(native: NativeField) -> Type:
    """Give the type that a native field has in the language; null unless it is required or the record's id."""
    if native.type == "decimal":
        return _type("decimal", not native.required, native.precision or 38, native.scale or 0)
    return _type(native.type, not native.required, length=native.length if native.type == "text" else None)


@lru_cache(maxsize=4096)
def _type(
    kind: NativeTypeName,
    nullable: bool,
    precision: int | None = None,
    scale: int | None = None,
    length: int | None = None,
) -> Type:
    return Type(kind, nullable=nullable, precision=precision, scale=scale, length=length)


def reader_of(native: NativeField) -> str | None:
    """Name the function by which the landed text of a native field is read; None for a text, which stays as it is."""
    return "decimal_of_text" if native.type == "decimal" else _READERS.get(native.type, (None, None))[0]


def writer_of(native: NativeField) -> str | None:
    """Name the function that makes the text that a native field takes; None where that is the value itself."""
    return "text_of_decimal" if native.type == "decimal" else _WRITERS.get(native.type)


def from_native(native: NativeField, landed: Field) -> Expression:
    """Give the value of a native field: its landed text, read strictly as its type."""
    found = native_type(native)
    found = found.or_null() if landed.type.nullable else found.present()
    if native.type == "decimal":
        return Apply("decimal_of_text", (landed,), found, True, measures(native))
    if native.type in _READERS:
        return Apply(_READERS[native.type][0], (landed,), found, True)
    return landed


def to_native(native: NativeField, value: Expression) -> Expression:
    """Give the text that a native field takes for a value of its type."""
    text = Type("text", nullable=value.type.nullable)
    if native.type == "decimal":
        return Apply("text_of_decimal", (value,), text, True, measures(native))
    if native.type in _WRITERS:
        return Apply(_WRITERS[native.type], (value,), text)
    return value


def native_text(native: NativeField) -> Expression:
    """Give the present value of a native field as text in the form in which values are written to it."""
    landed = Field("native", native.name, Type("text", nullable=True))
    return to_native(native, from_native(native, landed))


def measures(native: NativeField) -> Measures:
    """Give the options of a decimal field: its digits in all and after the point."""
    if native.precision is None:
        return (("precision", _WIDEST[0]), ("scale", _WIDEST[1]))
    return (("precision", str(native.precision)), ("scale", str(native.scale or 0)))
