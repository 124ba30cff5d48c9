"""Whether what a spec calls a JSON Schema is one, of 2020-12.

In: a schema as written. Out: for each mistake its place within the schema, and words.
Invariant: one walk over the schema, whatever it holds, and nothing outside of it is read. What passes here passes the
meta-schema too; words that the dialect does not have are refused, since a misspelt one would check nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from decimal import Decimal
from typing import Any

from syncline_compiler.spelling import did_you_mean

DIALECT = "https://json-schema.org/draft/2020-12/schema"
TYPES = ("array", "boolean", "integer", "null", "number", "object", "string")
Path = tuple[str | int, ...]
Problems = Iterator[tuple[Path, str]]


def problems_of(schema: Mapping[str, Any]) -> Problems:
    """Find what is wrong with a schema."""
    if str(schema.get("$schema", DIALECT)).rstrip("#") != DIALECT:
        yield ("$schema",), "only the dialect of 2020-12 is understood"
        return
    yield from _schema(schema, ())


def _schema(value: Any, place: Path) -> Problems:
    if not isinstance(value, Mapping | bool):
        yield place, "a schema is expected: a mapping, true or false"
    for key, member in value.items() if isinstance(value, Mapping) else ():
        check = _KEYWORDS.get(key)
        if check is not None:
            yield from check(member, (*place, key))
        else:
            remedy = did_you_mean(key, _KEYWORDS, kind="keywords")
            yield (*place, key), f"JSON Schema has no keyword `{key[:60]}`: {remedy}"


def _schemas(value: Any, place: Path) -> Problems:
    if not isinstance(value, list) or not value:
        yield place, "a list of schemas is expected"
        return
    for index, member in enumerate(value):
        yield from _schema(member, (*place, index))


def _named_schemas(value: Any, place: Path) -> Problems:
    if not isinstance(value, Mapping):
        yield place, "a mapping of names to schemas is expected"
        return
    for name, member in value.items():
        yield from _schema(member, (*place, name))


def _named_lists(value: Any, place: Path) -> Problems:
    if not isinstance(value, Mapping) or not all(map(_are_names, value.values())):
        yield place, "a mapping of names to lists of different names is expected"


def _type(value: Any, place: Path) -> Problems:
    names = value if isinstance(value, list) and value else [value]
    unknown = [str(name) for name in names if name not in TYPES]
    if unknown:
        yield place, f"JSON Schema has no type `{unknown[0][:60]}`: {did_you_mean(unknown[0], TYPES, kind='types')}"
    elif len(set(names)) < len(names):
        yield place, "each type is named once"


def _reference(value: Any, place: Path) -> Problems:
    if not isinstance(value, str):
        yield place, "a place within the schema is expected, such as #/$defs/money"
    elif not value.startswith("#"):
        yield place, "this leads out of the schema, and nothing outside is read"


def _plain(words: str, fits: Callable[[Any], bool]) -> Callable[[Any, Path], Problems]:
    return lambda value, place: iter([] if fits(value) else [(place, f"{words} is expected")])


def _is_number(value: Any) -> bool:
    return isinstance(value, int | Decimal) and not isinstance(value, bool)


def _are_names(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(name, str) for name in value) and len(set(value)) == len(value)


_KEYWORDS: Mapping[str, Callable[[Any, Path], Problems]] = {
    keyword: check
    for keywords, check in (
        ("items contains additionalProperties propertyNames not if then else unevaluatedItems unevaluatedProperties "
         "contentSchema", _schema),
        ("allOf anyOf oneOf prefixItems", _schemas),
        ("properties patternProperties dependentSchemas $defs", _named_schemas),
        ("dependentRequired", _named_lists),
        ("type", _type),
        ("$ref", _reference),
        ("$schema $comment title description format pattern contentEncoding contentMediaType",
         _plain("text", lambda value: isinstance(value, str))),
        ("uniqueItems deprecated readOnly writeOnly", _plain("true or false", lambda value: isinstance(value, bool))),
        ("minimum maximum exclusiveMinimum exclusiveMaximum", _plain("a number", _is_number)),
        ("multipleOf", _plain("a number above 0", lambda value: _is_number(value) and value > 0)),
        ("minLength maxLength minItems maxItems minProperties maxProperties minContains maxContains",
         _plain("a whole number from 0", lambda value: _is_number(value) and value >= 0 and value == int(value))),
        ("enum examples", _plain("a list", lambda value: isinstance(value, list))),
        ("required", _plain("a list of different names", _are_names)),
        ("const default", _plain("", lambda _: True)),
    )
    for keyword in keywords.split()
}  # fmt: skip
"""Every keyword for a schema that stands alone, and what may stand behind it; none that gives it another name."""
