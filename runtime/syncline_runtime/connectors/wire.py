"""Between wire records and native text: ``flatten`` what a system says, ``assemble`` what we say to it.

In: JSON values as ``jsontext`` parses them. Out: one text or None per native field; a field that the record does not
hold is absent, which is neither null nor "". Numbers keep their digits, booleans read true and false, lists and
objects are JSON text in which numbers are strings, tagged values become the text that they stand for. Text comes in as
Unicode NFC, so that one letter written in two ways is no difference; ids stay as they are, and nothing else is changed.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final
from unicodedata import normalize
from urllib.parse import quote_plus

from syncline_runtime.connectors import jsontext
from syncline_runtime.connectors.jsontext import Digits
from syncline_runtime.connectors.templates import ABSENT, listed, read_parts, split_path, write_path
from syncline_runtime.errors import RequestFailed
from syncline_runtime.system import NativeField, Resource, System, TaggedValues

_DATE: Final = ("year", "month", "day")
_STAMP: Final = re.compile(r"(\d{4})-(\d\d)-(\d\d)(?:[T ](\d\d):(\d\d)(?::(\d\d)(?:\.(\d{1,6}))?)?)?(?:Z|[+]00:?00)?")


def flatten(resource: Resource, record: Any, system: System | None = None) -> dict[str, str | None]:
    """Read native text per field of one wire record; fields that it does not hold are absent."""
    return flattener(resource, system)(record)


def flattener(resource: Resource, system: System | None = None) -> Callable[[Any], dict[str, str | None]]:
    """``flatten`` for many records of one resource."""
    tagged = system.tagged if system else None
    utc = system is not None and tagged is not None and system.zone == "UTC"
    fields = [
        (field.name, split_path(field.at), _special(field, utc), field.ref is None and field.name != resource.id)
        for field in resource.fields
        if field.readable
    ]

    def flatten_one(record: Any) -> dict[str, str | None]:
        natives: dict[str, str | None] = {}
        for name, parts, special, composed in fields:
            # Most fields are text right below the record: what follows is the same for them, only quicker.
            value = record.get(parts[0], ABSENT) if len(parts) == 1 else _told(record, parts)
            if value is ABSENT:
                continue
            text = value if type(value) is str or value is None else _native_text(value, tagged)
            if text is not None and not text.isascii() and composed:
                text = normalize("NFC", text)
            natives[name] = special(text, value) if special else text
        return natives

    return flatten_one


def _special(field: NativeField, utc: bool) -> Callable[[str | None, Any], str | None] | None:
    """Choose what else is done to the text of a field; nothing for most."""
    if field.empty_is_null:
        return lambda text, _value: text or None
    if field.type == "bool":  # some systems show a stored truth as a number
        return lambda text, value: {"0": "false", "1": "true"}.get(text or "", text) if _is_digits(value) else text
    if field.type == "instant" and utc:  # a tagged time has no offset of its own; the system's zone says UTC
        return lambda text, value: f"{text}Z" if text and isinstance(value, dict) else text
    return None


def _told(record: Any, parts: tuple[str, ...]) -> Any:
    """Read a field's value: below a null, and past the end of a list that is there, it is null and not missing."""
    value = read_parts(record, parts)
    for length in range(1, len(parts) if value is ABSENT else 0):
        around = read_parts(record, parts[:length])
        ended = isinstance(around, list) and parts[length].isdecimal() and int(parts[length]) >= len(around)
        if around is None or ended:
            return None
    return value


def _is_digits(value: Any) -> bool:
    return isinstance(value, Digits)


def assemble(
    resource: Resource,
    natives: Mapping[str, str | None],
    system: System | None = None,
    *,
    sending: bool = True,
    looked_up: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Build the wire record of these natives, at their ``at`` (``write_at`` when ``sending``).

    ``looked_up`` are wire values by field name that take the place of the natives' own.
    Raises RequestFailed (mapping) for a text that its field's type cannot hold.
    """
    record: dict[str, Any] = {}
    for name, text in natives.items():
        field = resource.native(name)
        path = field.write_at if sending and field.write_at is not None else field.at
        instead = looked_up or {}
        write_path(record, path, instead[name] if name in instead else wire_value(resource, field, text, system))
    assembled: dict[str, Any] = listed(record)
    return assembled


def wire_values(resource: Resource, natives: Mapping[str, str | None], system: System | None = None) -> dict[str, Any]:
    """Build the wire value of each native, by field name: what ``{record.name}`` takes its values from."""
    return {name: wire_value(resource, resource.native(name), text, system) for name, text in natives.items()}


def wire_value(resource: Resource, field: NativeField, text: str | None, system: System | None = None) -> Any:
    """One native as it stands on the wire; items of a list of child records get the types of the child's fields."""
    if text is None:
        return "" if field.empty_is_null and field.type == "text" else None
    tagged = system.tagged if system else None
    tag = tagged.native.get(field.type) if tagged and not field.plain else None
    if tagged and tag:
        return _tag(tagged, tag, text, f"{resource.name}.{field.name}")
    match field.type:
        case "int" | "decimal":
            return _number(resource, field, text)
        case "bool":
            if text not in ("true", "false"):
                raise _unfit(resource, field, "neither true nor false")
            return text == "true"
        case "json" | "list":
            parsed = _parsed(resource, field, text)
            return _typed_items(parsed, field, system) if field.of and system else parsed
        case _:
            return text


def form(value: Any) -> str:
    """Write a wire record as form-encoded text: ``a[b]=c``, lists ``a[0]=c``, null as nothing."""
    return "&".join(f"{quote_plus(name)}={quote_plus(text)}" for name, text in _form_pairs(value, ""))


def untagged(value: Any, tagged: TaggedValues | None) -> Any:
    """Give a wire value in which every tagged value, at any depth, is the text that it stands for."""
    if isinstance(value, dict):
        if tagged and tagged.key in value:
            text = _untag(value, tagged)
            if text is not None:
                return text
        return {name: untagged(item, tagged) for name, item in value.items()} if tagged else value
    if tagged and isinstance(value, list):
        return [untagged(item, tagged) for item in value]
    return value


def _native_text(value: Any, tagged: TaggedValues | None) -> str | None:
    if value is None:
        return None
    if isinstance(value, str):
        return str(value)
    if value is True:
        return "true"
    if value is False:
        return "false"
    plain = untagged(value, tagged)
    return plain if isinstance(plain, str) else jsontext.render_plain(plain)


def _untag(value: Mapping[str, Any], tagged: TaggedValues) -> str | None:
    members = tagged.types.get(str(value[tagged.key]))
    if members is None:
        return None
    parts = [value.get(member) for member in members]
    if len(parts) == 1:
        return jsontext.as_text(parts[0])
    if any(not isinstance(part, str) or not part.isdecimal() for part in parts):
        return None
    return _stamp_text(members, [int(str(part)) for part in parts])


def _stamp_text(members: tuple[str, ...], parts: list[int]) -> str:
    date, clock = ("", parts)
    if members[:3] == _DATE:
        date, clock = (f"{parts[0]:04d}-{parts[1]:02d}-{parts[2]:02d}", parts[3:])
    time = ":".join(f"{part:02d}" for part in clock[:3])
    fraction = f".{clock[3]:06d}" if len(clock) > 3 else ""
    return f"{date}{'T' if date and time else ''}{time}{fraction}"


def _tag(tagged: TaggedValues, tag: str, text: str, place: str) -> dict[str, Any]:
    members = tagged.types[tag]
    if len(members) == 1:
        return {tagged.key: tag, members[0]: text}
    match = _STAMP.fullmatch(text)
    if not match:
        raise RequestFailed(f"a value is no date or time that {tag!r} can hold", category="mapping", place=place)
    fraction = int((match[7] or "").ljust(6, "0"))
    numbers = [int(part or 0) for part in match.groups()[:6]] + [fraction]
    return {tagged.key: tag, **{name: Digits(number) for name, number in zip(members, numbers, strict=False)}}


def _number(resource: Resource, field: NativeField, text: str) -> str:
    if not jsontext.is_number(text):
        raise _unfit(resource, field, "not a number")
    return text if field.quoted else Digits(text)


def _parsed(resource: Resource, field: NativeField, text: str) -> Any:
    try:
        return jsontext.parse(text)
    except jsontext.NotJsonError:
        raise _unfit(resource, field, "not JSON text") from None


def _typed_items(items: Any, field: NativeField, system: System) -> Any:
    child = system.resource(field.of or "")
    if not isinstance(items, list):
        return items
    return [assemble(child, flatten(child, item), system) if isinstance(item, dict) else item for item in items]


def _unfit(resource: Resource, field: NativeField, why: str) -> RequestFailed:
    return RequestFailed(
        f"a value for the {field.type} field is {why}",
        category="mapping",
        place=f"{resource.name}.{field.name}",
        mend="correct the mapping line that fills this field",
    )


def _form_pairs(value: Any, prefix: str) -> Iterator[tuple[str, str]]:
    if isinstance(value, Mapping):
        for name, item in value.items():
            yield from _form_pairs(item, f"{prefix}[{name}]" if prefix else str(name))
    elif isinstance(value, (list, tuple)):
        for index, item in enumerate(value):
            yield from _form_pairs(item, f"{prefix}[{index}]")
    else:
        yield prefix, jsontext.as_text(value)
