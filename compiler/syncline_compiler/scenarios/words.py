"""Values as scenarios write them, and whether two of them are the same.

In: values of the YAML reader, texts of native fields, values of the engine. Out: plain values (text, int, Decimal, bool,
None, lists, dicts), and their text in YAML. Invariant: a number keeps its digits on the way, and a difference in them
that no type knows, such as 1.50 and 1.5, is none.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from syncline_compiler.yaml_reader import plain_value
from syncline_runtime.connectors import jsontext
from syncline_runtime.system import NativeField

_PLAIN = re.compile(r"[^\W\d_](?:[\w ./@+&()*=;%$!-]|:(?! ))*(?<! )")
_OTHERS_READ = frozenset({"y", "n", "yes", "no", "on", "off"})
"""Texts that older readers of YAML take for truth values."""


def native_text(value: Any) -> str | None:
    """Give a value of a spec as the text that a native field holds."""
    if value is None:
        return None
    return (
        jsontext.render_plain(_digits(value)) if isinstance(value, (list, dict)) else jsontext.as_text(_digits(value))
    )


def _digits(value: Any) -> Any:
    if isinstance(value, list):
        return [_digits(item) for item in value]
    if isinstance(value, dict):
        return {name: _digits(item) for name, item in value.items()}
    if isinstance(value, (int, Decimal)) and not isinstance(value, bool):
        return jsontext.Digits(format(value, "f") if isinstance(value, Decimal) else value)
    return value


def native_value(text: str | None, field: NativeField) -> Any:
    """Give the text of a native field as a value that a spec could write."""
    if text is None:
        return None
    if field.type in ("int", "decimal") and jsontext.is_number(text):
        return int(text) if re.fullmatch(r"-?\d+", text) else Decimal(text)
    if field.type == "bool" and text in ("true", "false"):
        return text == "true"
    if field.type in ("list", "json"):
        return _read(text)
    return text


def canonical_value(value: Any, kind: str) -> Any:
    """Give a value of the engine as one that a spec could write; ``kind`` is the canonical type's."""
    if isinstance(value, date):  # a moment too
        return value.isoformat()
    if isinstance(value, str) and kind == "instant":
        return datetime.fromisoformat(value).replace(tzinfo=None).isoformat() + "Z"
    if isinstance(value, Mapping):
        return {name: canonical_value(item, "") for name, item in value.items()}
    if isinstance(value, str) and kind in ("list", "json"):
        return _read(value)
    if isinstance(value, Decimal):
        return _shortest(value)
    return value


def same(expected: Any, got: Any) -> bool:
    """Whether two values say the same."""
    if isinstance(expected, Mapping) and isinstance(got, Mapping):
        return expected.keys() == got.keys() and all(same(expected[name], got[name]) for name in expected)
    if isinstance(expected, list) and isinstance(got, list):
        return len(expected) == len(got) and all(map(same, expected, got))
    if isinstance(expected, bool) or isinstance(got, bool) or expected is None or got is None:
        return expected is got
    return (
        expected == got
        or _moment(expected) == _moment(got) is not None
        or _number(expected) == _number(got) is not None
    )


def _number(value: Any) -> Decimal | None:
    try:
        return Decimal(value) if isinstance(value, (int, Decimal, str)) else None
    except InvalidOperation:
        return None


def _moment(value: Any) -> datetime | None:
    try:
        return datetime.fromisoformat(value) if isinstance(value, str) and "T" in value else None
    except ValueError:
        return None


def _shortest(value: Decimal) -> Decimal:
    """Give an amount without the zeros that only its column has."""
    whole = value.normalize()
    return whole.quantize(Decimal(1)) if whole == whole.to_integral_value() else whole


def _read(text: str) -> Any:
    try:
        return json.loads(text, parse_float=Decimal)
    except ValueError:
        return text


def flow(value: Any) -> str:
    """Write a value as YAML on one line."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{name}: {flow(item)}" for name, item in value.items()) + "}"
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(map(flow, value)) + "]"
    return _text(value) if isinstance(value, str) else str(value)


def _text(value: str) -> str:
    plain = _PLAIN.fullmatch(value) and isinstance(plain_value(value), str) and value.lower() not in _OTHERS_READ
    return value if plain else json.dumps(value, ensure_ascii=False)
