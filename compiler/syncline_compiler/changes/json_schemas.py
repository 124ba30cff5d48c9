"""How one JSON Schema came of another: whether each value that the one accepts is accepted by the other.

In: two schemas of one value, without those of its members. Out: wider, narrower, another. Invariant: sound: what is called wider accepts
all that was accepted before; keywords of which nothing is known make it another.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Literal

Width = Literal["wider", "narrower", "another"]
_MOST = frozenset({"maxLength", "maximum", "exclusiveMaximum", "maxItems", "maxProperties"})
_LEAST = frozenset({"minLength", "minimum", "exclusiveMinimum", "minItems", "minProperties"})
_CONDITIONS = frozenset({"pattern", "format", "multipleOf", "uniqueItems", "contains", "propertyNames", "const", "not"})
_WORDS = frozenset({"title", "description", "$comment", "examples", "default", "deprecated"})


def width(before: Mapping[str, Any], after: Mapping[str, Any]) -> Width | None:
    """Tell how a schema changed; None where it accepts the same."""
    ways = {
        way
        for keyword in before.keys() | after.keys()
        if keyword not in _WORDS and before.get(keyword) != after.get(keyword)
        for way in _of_keyword(keyword, before.get(keyword), after.get(keyword))
    }
    return ways.pop() if len(ways) == 1 else "another" if ways else None


def _of_keyword(keyword: str, before: Any, after: Any) -> Iterator[Width]:
    if keyword == "type":
        yield from _sets(_types(before), _types(after))
    elif keyword == "enum":
        yield from _sets(_texts(before), _texts(after))
    elif keyword in ("items", "additionalProperties"):
        yield from _inner(True if before is None else before, True if after is None else after)
    elif before is None or after is None:
        known = keyword in _MOST | _LEAST | _CONDITIONS
        yield ("wider" if after is None else "narrower") if known else "another"
    elif keyword in _MOST:
        yield "wider" if after > before else "narrower"
    elif keyword in _LEAST:
        yield "wider" if after < before else "narrower"
    elif keyword == "multipleOf":
        yield "wider" if before % after == 0 else "narrower" if after % before == 0 else "another"
    else:
        yield "another"


def _sets(before: frozenset[str] | None, after: frozenset[str] | None) -> Iterator[Width]:
    """Compare what is listed; None: anything."""
    if before is None or after is None:
        yield "wider" if after is None else "narrower"
        return
    if after - before:
        yield "wider"
    if before - after:
        yield "narrower"


def _types(value: Any) -> frozenset[str] | None:
    if value is None:
        return None
    listed = {value} if isinstance(value, str) else set(value)
    return frozenset(listed | ({"integer"} if "number" in listed else set()))


def _texts(value: Any) -> frozenset[str] | None:
    return None if value is None else frozenset(map(repr, value))


def _inner(before: Any, after: Any) -> Iterator[Width]:
    """Compare schemas of what is within; ``True`` accepts anything, ``False`` nothing."""
    if isinstance(before, bool) or isinstance(after, bool):
        if before != after:
            yield "wider" if before is False or after is True else "narrower"
        return
    of = width(before, after)
    if of is not None:
        yield of
