"""JSON that keeps the digits of numbers.

In: bytes from the wire. Out: JSON values in which a number is ``Digits``, text with the very digits that were sent;
and back. Invariant: no number passes through a binary float; NaN, Infinity and members told twice never come in or go out. Half of a
surrogate pair, which is no Unicode, comes in as ``GARBLED`` and its number: whoever reads the record must set it aside.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any, NoReturn

GARBLED = "\ufdd0"  # a code point that Unicode keeps for use inside of programs; no text that is exchanged has it
_HALF_PAIR = re.compile("[\ud800-\udfff]")
_WHOLE = re.compile(r"-?[0-9]{1,4000}")
_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?")


class Digits(str):
    """A JSON number as written: text for everyone but ``render``, which writes it without quotes."""

    __slots__ = ()


class NotJsonError(ValueError):
    """Text that is not strict JSON; the message holds no part of it."""


def parse(text: str | bytes) -> Any:
    """Parse strict JSON; raises NotJsonError, with the line, for anything else, NaN and broken UTF-8 included."""
    try:
        value = json.loads(
            text, parse_float=Digits, parse_int=Digits, parse_constant=_refuse, object_pairs_hook=_object
        )
        return _marked(value) if _half_pairs_possible(text) else value
    except json.JSONDecodeError as error:
        raise NotJsonError(f"not JSON at line {error.lineno} column {error.colno}") from None
    except UnicodeDecodeError as error:
        raise NotJsonError(f"not UTF-8 at byte {error.start}") from None
    except RecursionError:
        raise NotJsonError("JSON that is nested too deeply") from None


def _marked(value: Any) -> Any:
    """Give a value with marks in the place of half surrogate pairs."""
    if isinstance(value, str):
        found = _HALF_PAIR.search(value)
        return _HALF_PAIR.sub(lambda half: f"{GARBLED}{ord(half.group()):x}", value) if found else value
    if isinstance(value, list):
        return [_marked(item) for item in value]
    if isinstance(value, dict):
        return {_marked(key): _marked(item) for key, item in value.items()}
    return value


def _half_pairs_possible(text: str | bytes) -> bool:
    if isinstance(text, bytes):  # escaped, or as the three bytes that UTF-8 does not allow and Python's parser does
        return b"\\ud" in text or b"\\uD" in text or b"\xed" in text
    return "\\ud" in text or "\\uD" in text


def is_number(text: str) -> bool:
    """Whether a text can stand in JSON as a number, as it is."""
    return _NUMBER.fullmatch(text) is not None


def render(value: Any) -> str:
    """Write a JSON value in compact form; Digits become numbers, Python floats are refused."""
    if isinstance(value, Digits):
        if not is_number(value):
            raise NotJsonError("a number with other characters than digits")
        return str(value)
    if isinstance(value, Mapping):
        return "{" + ",".join(f"{_quoted(str(key))}:{render(item)}" for key, item in value.items()) + "}"
    if isinstance(value, (list, tuple)):
        return "[" + ",".join(map(render, value)) + "]"
    if isinstance(value, float):
        raise NotJsonError("a binary float")
    return _quoted(value)


def render_plain(value: Any) -> str:
    """Write a JSON value in which every number that is not whole stands as text: how lists and objects are landed.

    The engine would read such a number as a binary float; whole ones keep their digits in it.
    """
    return _PLAIN.encode(_whole_numbers(value))


_PLAIN = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), allow_nan=False)


def _whole_numbers(value: Any) -> Any:
    if isinstance(value, Digits):
        return int(value) if _WHOLE.fullmatch(value) else value
    if isinstance(value, list):
        return [_whole_numbers(item) for item in value]
    if isinstance(value, Mapping):
        return {name: _whole_numbers(item) for name, item in value.items()}
    return value


def as_text(value: Any) -> str:
    """Write a wire value as it stands inside longer text: true and false in lower case, nothing for null."""
    if isinstance(value, str):
        return str(value)
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return render(value)


def _quoted(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


def _object(members: list[tuple[str, Any]]) -> dict[str, Any]:
    known = dict(members)
    if len(known) < len(members):
        raise NotJsonError("JSON with a member that is told twice: which one holds is not known")
    return known


def _refuse(_name: str) -> NoReturn:
    raise NotJsonError("NaN or Infinity, which JSON does not have")
