"""Canonical JSON, and frozen dataclasses to and from it.

In: frozen dataclasses or plain JSON values. Out: bytes that are equal on every machine for equal values
(sorted keys, no spaces, UTF-8, no floats), and their SHA-256.
Invariant: ``decode(type(x), loads(dumps(x))) == x`` for every contract dataclass.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import types
import typing
from collections.abc import Callable, Iterable, Mapping
from functools import cache
from operator import attrgetter, itemgetter
from typing import Any, TypeVar

T = TypeVar("T")
PLAIN = frozenset({str, int, bool, type(None)})


class MalformedContract(ValueError):
    """A JSON document that does not have the shape its dataclass names."""


def dumps(value: Any) -> bytes:
    """Encode a contract dataclass or JSON value canonically; absent (default) members are left out."""
    return json.dumps(encode(value), separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode()


def digest(value: Any) -> str:
    """SHA-256, in hex, of the canonical bytes of a value."""
    return hashlib.sha256(dumps(value)).hexdigest()


def encode(value: Any) -> Any:
    """Turn dataclasses and tuples into JSON values with sorted keys; a member that equals its default is left out.

    ``format_version`` is always written: it is what a later program goes by.
    """
    kind: type = type(value)
    if kind in PLAIN:
        return value
    if isinstance(value, (list, tuple)):
        return [item if type(item) in PLAIN else encode(item) for item in value]
    if members := _sorted_members(kind):
        return {
            name: current if type(current) in PLAIN else encode(current)
            for (name, default), current in zip(members, _reader(kind)(value), strict=True)
            if (current is not default and current != default) or name == "format_version"
        }
    if isinstance(value, Mapping):
        return {str(key): encode(value[key]) for key in sorted(value, key=str)}
    if isinstance(value, (str, int)):
        return value
    raise MalformedContract(f"a contract holds no {kind.__name__}: write it as text")


@cache
def _sorted_members(cls: type) -> tuple[tuple[str, Any], ...]:
    """Give the members of a dataclass with their defaults, by name; none of any other class."""
    if not dataclasses.is_dataclass(cls):
        return ()
    return tuple(sorted(((field.name, _default(field)) for field in dataclasses.fields(cls)), key=itemgetter(0)))


@cache
def _reader(cls: type) -> Callable[[Any], Iterable[Any]]:
    """Give what reads the members of a dataclass, in the order of their names."""
    names = [name for name, _ in _sorted_members(cls)]
    return attrgetter(*names) if len(names) > 1 else lambda value: (getattr(value, names[0]),)


def decode(cls: type[T], value: Any, at: str = "$") -> T:
    """Build dataclass ``cls`` from a JSON value.

    Raises MalformedContract, naming the place, for an unknown or absent member or a value of another type.
    """
    if not isinstance(value, Mapping):
        raise MalformedContract(f"{at}: an object is expected")
    members = _members(typing.cast(type, cls))
    unknown = sorted(set(value) - set(members))
    if unknown:
        raise MalformedContract(f"{at}: unknown member {unknown[0]!r}")
    given = {name: _convert(members[name][0], item, f"{at}.{name}") for name, item in value.items()}
    absent = [name for name, (_, required) in members.items() if required and name not in given]
    if absent:
        raise MalformedContract(f"{at}: member {absent[0]!r} is absent")
    return cls(**given)


def _default(field: dataclasses.Field[Any]) -> Any:
    if field.default is not dataclasses.MISSING:
        return field.default
    if field.default_factory is not dataclasses.MISSING:
        return field.default_factory()
    return dataclasses.MISSING


@cache
def _members(cls: type) -> dict[str, tuple[Any, bool]]:
    hints = typing.get_type_hints(cls)
    return {f.name: (hints[f.name], _default(f) is dataclasses.MISSING) for f in dataclasses.fields(cls)}


def _convert(hint: Any, value: Any, at: str) -> Any:  # noqa: C901 - one case a kind of hint
    origin = typing.get_origin(hint)
    if hint is Any:
        return value
    if origin in (typing.Union, types.UnionType):
        if value is None:
            return None
        inner = [option for option in typing.get_args(hint) if option is not type(None)]
        return _convert(inner[0], value, at)
    if origin is tuple:
        if not isinstance(value, list):
            raise MalformedContract(f"{at}: a list is expected")
        return tuple(_convert(typing.get_args(hint)[0], item, f"{at}[{i}]") for i, item in enumerate(value))
    if origin in (dict, Mapping):
        if not isinstance(value, Mapping):
            raise MalformedContract(f"{at}: an object is expected")
        return {key: _convert(typing.get_args(hint)[1], item, f"{at}.{key}") for key, item in value.items()}
    if origin is typing.Literal:
        if value not in typing.get_args(hint):
            raise MalformedContract(f"{at}: {value!r} is none of {', '.join(map(repr, typing.get_args(hint)))}")
        return value
    if dataclasses.is_dataclass(hint):
        return decode(typing.cast(type[Any], hint), value, at)
    if not isinstance(value, hint) or (hint is int and isinstance(value, bool)):
        raise MalformedContract(f"{at}: {hint.__name__} is expected, not {type(value).__name__}")
    return value
