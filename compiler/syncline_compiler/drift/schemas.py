"""JSON Schemas, those of OpenAPI 3.0 and 3.1 among them, as fields by path.

In: a document and a schema in it. Out: ``Seen``: what the schema tells, with references, ``allOf`` and alternatives put together.
Raises DriftError for references that lead outside of the document, nowhere, or in a circle. Invariant: work is bounded by ``MOST_VISITS``,
whatever refers to what.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import field
from decimal import Decimal
from typing import Any
from urllib.parse import unquote

from syncline_compiler.drift.remote import MOST_FIELDS, DriftError, RemoteField
from syncline_runtime.frozen import dataclass
from syncline_runtime.system import NativeTypeName, Resource

MOST_VISITS = 30_000
MOST_REFERENCES = 50
"""References one after the other, until something is told."""
_TYPES: Mapping[str, NativeTypeName] = {
    "string": "text", "integer": "int", "number": "decimal", "boolean": "bool", "object": "json", "array": "list",
}  # fmt: skip
_FORMATS: Mapping[str, NativeTypeName] = {"date": "date", "date-time": "instant"}


@dataclass(frozen=True)
class Seen:
    """What a schema tells of a value."""

    types: frozenset[str] = frozenset()
    format: str | None = None
    nullable: bool = False
    values: tuple[Any, ...] | None = None
    length: int | None = None
    step: Decimal | None = None  # multipleOf
    most: Decimal | None = None  # maximum
    count: int | None = None  # maxItems
    read_only: bool = False
    write_only: bool = False
    deprecated: bool = False
    properties: Mapping[str, tuple[Any, ...]] = field(default_factory=dict)  # each with the schemas it has to keep to
    required: frozenset[str] = frozenset()
    items: Any = None
    more: bool = False  # says that there are members which it does not list

    @property
    def type(self) -> NativeTypeName | None:
        """The native type, where it is one."""
        if self.types == {"integer", "number"}:
            return "decimal"
        if len(self.types) != 1:
            return None  # one of several, such as an id or the record itself: what comes is not told
        (name,) = self.types
        return _FORMATS.get(self.format or "", "text") if name == "string" else _TYPES.get(name)

    @property
    def scale(self) -> int | None:
        """Digits after the point, where steps tell them."""
        if self.step is None or self.step <= 0 or not self.step.is_finite():
            return None
        exponent = self.step.normalize().as_tuple().exponent
        return max(0, -exponent) if isinstance(exponent, int) else None

    @property
    def precision(self) -> int | None:
        """Digits in all, where a maximum and steps tell them."""
        if self.most is None or self.scale is None or not self.most.is_finite() or self.most.adjusted() > 40:
            return None
        return max(1, self.most.adjusted() + 1) + self.scale

    @property
    def is_open(self) -> bool:
        """Whether members may be there that are not listed."""
        return self.more or not self.properties


def objects_of(resource: Resource) -> frozenset[str]:
    """Give the objects in which described fields stand, by their paths: what else is in objects is nobody's concern."""
    steps = [path.split(".") for native in resource.fields for path in (native.at, native.write_at or native.at)]
    return frozenset(".".join(one[:length]) for one in steps for length in range(1, len(one)))


class Schemas:
    """The schemas of one document."""

    def __init__(self, document: Any) -> None:
        self.document = document
        self._visits = 0

    def resolved(self, node: Any) -> Any:
        """Follow local references until something is told."""
        for _ in range(MOST_REFERENCES):
            if not (isinstance(node, Mapping) and isinstance(node.get("$ref"), str)):
                return node
            node = self._target(node["$ref"])
        raise DriftError("references lead in a circle, and tell nothing")

    def _target(self, reference: str) -> Any:
        if not reference.startswith("#"):
            raise DriftError(
                f"`{reference[:80]}` lies in another document: put everything into one file (bundle it) first"
            )
        found = self.document
        start, *steps = reference[1:].split("/")
        for step in steps if not start else [start]:  # names of anchors are not looked for
            name = unquote(step).replace("~1", "/").replace("~0", "~")
            if isinstance(found, Mapping) and name in found:
                found = found[name]
            elif isinstance(found, list) and name.isdecimal() and int(name) < len(found):
                found = found[int(name)]
            else:
                raise DriftError(f"`{reference[:80]}` leads nowhere in the document")
        return found

    def seen(self, *nodes: Any) -> Seen:
        """Put together what schemas tell that all hold."""
        found = Seen()
        for node in nodes:
            found = _both(found, self._one(node, frozenset()))
        return found

    def _one(self, node: Any, within: frozenset[int]) -> Seen:
        self._visits += 1
        if self._visits > MOST_VISITS:
            raise DriftError(f"the schemas of the document refer to each other more than {MOST_VISITS:,} times")
        target = self.resolved(node)
        if not isinstance(target, Mapping) or id(target) in within:
            return Seen()
        within |= {id(target)}
        found = _own(target)
        beside = {key: value for key, value in node.items() if key != "$ref"} if target is not node else {}
        found = _both(found, _own(beside)) if beside else found
        for part in _listed(target, "allOf"):
            found = _both(found, self._one(part, within))
        for key in ("oneOf", "anyOf"):
            if alternatives := [self._one(part, within) for part in _listed(target, key)]:
                found = _both(found, _either(alternatives))
        return found

    def fields(self, seen: Seen, through: frozenset[str]) -> dict[str, RemoteField]:
        """Give the fields of an object by their paths; of objects within it those that stand at the paths ``through``."""
        found: dict[str, RemoteField] = {}
        self._collect(seen, "", through, found, required=True)
        return found

    def _collect(
        self, seen: Seen, prefix: str, through: frozenset[str], found: dict[str, RemoteField], *, required: bool
    ) -> None:
        for name, schemas in seen.properties.items():
            if len(found) >= MOST_FIELDS:
                raise DriftError(f"an object of the document has more than {MOST_FIELDS:,} fields")
            one, path = self.seen(*schemas), f"{prefix}{name}"
            needed = required and name in seen.required
            inner = bool(one.properties) and path in through
            found[path] = _field(path, one, needed=needed, open_=one.type == "json" and (one.is_open or not inner))
            if inner:
                self._collect(one, f"{path}.", through, found, required=needed)

    def below(self, node: Any, path: str) -> Any:
        """Find the schema of what stands at a path of JSON; None where nothing is told of it."""
        for step in path.split(".") if path else ():
            seen = self.seen(node)
            if step.isdecimal() and seen.items is not None:
                node = seen.items
            elif step in seen.properties:
                node = {"allOf": list(seen.properties[step])}
            else:
                return None
        return node


def _field(path: str, one: Seen, *, needed: bool, open_: bool) -> RemoteField:
    values = tuple(str(value) for value in one.values or () if value is not None and str(value).strip())
    return RemoteField(
        path,
        one.type,
        length=one.length,
        precision=one.precision,
        scale=one.scale,
        required=needed and not one.read_only,
        nullable=True if one.nullable else False if needed else None,
        readable=False if one.write_only else None,
        writable=False if one.read_only else None,
        values=values or None,
        open=open_,
        deprecated=one.deprecated,
    )


def _listed(node: Mapping[str, Any], key: str) -> list[Any]:
    value = node.get(key)
    return value if isinstance(value, list) else []


def _own(node: Mapping[str, Any]) -> Seen:
    """Read what a schema says itself."""
    types = [one for one in _texts(node.get("type"))]
    values = node["enum"] if isinstance(node.get("enum"), list) else [node["const"]] if "const" in node else None
    properties = node.get("properties")
    properties = properties if isinstance(properties, Mapping) else {}
    null_value = values is not None and None in values
    return Seen(
        types=frozenset(types) - {"null"} or (frozenset({"object"}) if properties else frozenset()),
        format=node.get("format") if isinstance(node.get("format"), str) else None,
        nullable="null" in types or node.get("nullable") is True or (null_value and not types),
        values=tuple(values) if values is not None and all(_is_plain(one) for one in values) else None,
        length=_whole(node.get("maxLength")),
        step=_number(node.get("multipleOf")),
        most=_number(node.get("maximum")),
        count=_whole(node.get("maxItems")),
        read_only=node.get("readOnly") is True,
        write_only=node.get("writeOnly") is True,
        deprecated=node.get("deprecated") is True,
        properties={str(name): (schema,) for name, schema in properties.items()},
        required=frozenset(_texts(node.get("required"))),
        items=node.get("items"),
        more=node.get("additionalProperties") not in (None, False) or "patternProperties" in node,
    )


def _both(one: Seen, other: Seen) -> Seen:
    """Give what holds where both do."""
    properties = {**one.properties}
    for name, schemas in other.properties.items():
        properties[name] = (*properties.get(name, ()), *schemas)
    return Seen(
        types=(one.types & other.types or other.types or one.types) if one.types else other.types,
        format=one.format or other.format,
        nullable=one.nullable or other.nullable,
        values=other.values if one.values is None else one.values,
        length=_least(one.length, other.length),
        step=one.step or other.step,
        most=_least(one.most, other.most),
        count=_least(one.count, other.count),
        read_only=one.read_only or other.read_only,
        write_only=one.write_only or other.write_only,
        deprecated=one.deprecated or other.deprecated,
        properties=properties,
        required=one.required | other.required,
        items=one.items if one.items is not None else other.items,
        more=one.more or other.more,
    )


def _either(alternatives: Iterable[Seen]) -> Seen:
    """Give what holds whichever of several does; null among them is no alternative."""
    every = list(alternatives)
    real = [one for one in every if one.types or one.properties or one.values is not None or not one.nullable]
    if len(real) == 1:
        return _both(real[0], Seen(nullable=len(real) < len(every)))
    properties: dict[str, tuple[Any, ...]] = {}
    for one in real:
        for name, schemas in one.properties.items():
            properties[name] = ({"anyOf": [{"allOf": list(each)} for each in (properties.get(name), schemas) if each]},)
    lengths = [one.length for one in real]
    return Seen(
        types=frozenset(name for one in real for name in one.types),
        format=real[0].format if real and all(one.format == real[0].format for one in real) else None,
        nullable=any(one.nullable for one in every),
        values=_all_values(real),
        length=max(_known(lengths)) if real and None not in lengths else None,
        properties=properties,
        required=frozenset.intersection(*(one.required for one in real)) if real else frozenset(),
        more=any(one.more for one in real),
    )


def _all_values(real: Iterable[Seen]) -> tuple[Any, ...] | None:
    listed = [one.values for one in real]
    if not listed or any(values is None for values in listed):
        return None
    return tuple(dict.fromkeys(value for values in listed for value in values or ()))


def _known(numbers: Iterable[int | None]) -> Iterator[int]:
    return (number for number in numbers if number is not None)


def _least(one: Any, other: Any) -> Any:
    return min((value for value in (one, other) if value is not None), default=None)


def _texts(value: Any) -> list[str]:
    listed = value if isinstance(value, list) else [value]
    return [one for one in listed if isinstance(one, str)]


def _whole(value: Any) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and value > 0 else None


def _number(value: Any) -> Decimal | None:
    return Decimal(value) if isinstance(value, int | Decimal) and not isinstance(value, bool) else None


def _is_plain(value: Any) -> bool:
    return value is None or isinstance(value, str | int | bool | Decimal)
