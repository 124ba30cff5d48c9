"""Filling the templates of system descriptions, and reading and writing dotted paths.

In: a template (see ``system.py``) and named values. Out: a JSON value, a path, or query parameters.
Invariant: a value never becomes part of a path's structure (it is percent-encoded), and a name that the connector does
not know is refused, not sent as it stands.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator, Mapping
from typing import Any, Final
from urllib.parse import quote

from syncline_runtime.connectors import jsontext
from syncline_runtime.errors import ReleaseError

PLACEHOLDER: Final = re.compile(r"\{([a-z_]+(?:\.\w+)*)\}")


class _Absent:
    """The one value that stands for a member that is not there; unlike null it is never sent."""

    def __repr__(self) -> str:
        return "ABSENT"

    def __bool__(self) -> bool:
        return False


ABSENT: Final = _Absent()


def read_path(value: Any, path: str) -> Any:
    """Read the value at a dotted path, ABSENT if any step is missing; the empty path is the whole value."""
    return read_parts(value, split_path(path))


def split_path(path: str) -> tuple[str, ...]:
    """Split a dotted path into its steps."""
    return tuple(path.split(".")) if path else ()


def read_parts(value: Any, parts: tuple[str, ...]) -> Any:
    """Read the value at the end of these steps, ABSENT if any is missing; a number steps into a list."""
    for part in parts:
        if isinstance(value, Mapping):
            if part not in value:
                return ABSENT
            value = value[part]
        elif isinstance(value, (list, tuple)) and part.isdecimal() and int(part) < len(value):
            value = value[int(part)]
        else:
            return ABSENT
    return value


def write_path(target: dict[str, Any], path: str, value: Any) -> None:
    """Put a value at a dotted path, making the objects on the way; numbered steps make lists in ``listed``."""
    *steps, last = split_path(path)
    for step in steps:
        target = target.setdefault(step, {})
    target[last] = value


def wrapped(path: str | None, value: Any) -> Any:
    """Make an object that holds ``value`` at ``path`` and nothing else; the value itself for the empty path."""
    if not path:
        return value
    target: dict[str, Any] = {}
    write_path(target, path, value)
    return listed(target)


def listed(value: Any) -> Any:
    """Turn objects whose names are 0, 1, 2 … into lists, at every depth."""
    if isinstance(value, dict):
        if value and all(name == str(i) for i, name in enumerate(value)):
            return [listed(item) for item in value.values()]
        return {name: listed(item) for name, item in value.items()}
    return value


def fill(template: Any, values: Mapping[str, Any]) -> Any:
    """Fill a template; ABSENT where a lone placeholder has no value, and absent members and items are left out."""
    if isinstance(template, str):
        return _fill_text(template, values)
    if isinstance(template, Mapping):
        return _fill_object(template, values)
    if isinstance(template, (list, tuple)):
        return [filled for item in template if (filled := fill(item, values)) is not ABSENT]
    if isinstance(template, int) and not isinstance(template, bool):
        return jsontext.Digits(template)
    return template


def fill_text(template: Any, values: Mapping[str, Any]) -> str | None:
    """Fill a template whose result is text (a header, a query parameter); None when it has no value."""
    filled = fill(template, values)
    return None if filled is ABSENT or filled is None else jsontext.as_text(filled)


def fill_path(template: str, values: Mapping[str, Any]) -> str:
    """Fill a request path; each value is one percent-encoded segment and may not be empty, "." or ".."."""

    def segment(match: re.Match[str]) -> str:
        value = _value(match[1], values)
        text = "" if value is ABSENT else jsontext.as_text(value)
        if text in ("", ".", ".."):
            raise ReleaseError(
                f"the path {template!r} needs a usable {{{match[1]}}}", mend="check the id of this record in its system"
            )
        return quote(text, safe="")

    return PLACEHOLDER.sub(segment, template)


def fill_query(query: Mapping[str, Any], values: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Fill query parameters in order; a list repeats its name, null and absent values are left out."""
    return list(_parameters(query, values))


def placeholders(template: Any) -> Iterator[str]:
    """List the names of all placeholders of a template, in order, with their paths."""
    if isinstance(template, str):
        yield from PLACEHOLDER.findall(template)
    elif isinstance(template, Mapping):
        for item in template.values():
            yield from placeholders(item)
    elif isinstance(template, (list, tuple)):
        for item in template:
            yield from placeholders(item)


def _parameters(query: Mapping[str, Any], values: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for name, template in query.items():
        filled = fill(template, values)
        for item in filled if isinstance(filled, list) else [filled]:
            if item is not ABSENT and item is not None:
                yield name, jsontext.as_text(item)


def _fill_object(template: Mapping[str, Any], values: Mapping[str, Any]) -> Any:
    if len(template) == 1:
        word, inner = next(iter(template.items()))
        if word == "$when":
            return _fill_when(inner, values)
        if word == "$each":
            return _fill_each(inner, values)
        if word == "$path":
            return fill_path(inner, values)
        if word in _ENCODERS:
            filled = fill(inner, values)
            return ABSENT if filled is ABSENT else _ENCODERS[word](filled)
    members = ((name, fill(item, values)) for name, item in template.items())
    return {name: item for name, item in members if item is not ABSENT}


def _fill_when(template: Mapping[str, Any], values: Mapping[str, Any]) -> Any:
    """Choose by what is there; ``given`` asks for any value, null included, ``known`` for all, null excluded."""
    given = [fill(name, values) for name in template.get("given", ())]
    known = [fill(name, values) for name in template.get("known", ())]
    fits = any(value is not ABSENT for value in given) or not given
    fits = fits and all(value is not ABSENT and value is not None for value in known)
    chosen = "then" if fits else "else"
    return fill(template[chosen], values) if chosen in template else ABSENT


def _fill_each(template: Mapping[str, Any], values: Mapping[str, Any]) -> Any:
    """Give each object of the list ``of`` the members ``add`` too."""
    items = fill(template["of"], values)
    if not isinstance(items, list):
        return items
    added = fill(template["add"], values)
    return [{**item, **added} if isinstance(item, Mapping) else item for item in items]


def _fill_text(template: str, values: Mapping[str, Any]) -> Any:
    whole = PLACEHOLDER.fullmatch(template)
    if whole:
        return _value(whole[1], values)
    return PLACEHOLDER.sub(lambda match: _inside(match[1], values), template)


def _inside(name: str, values: Mapping[str, Any]) -> str:
    value = _value(name, values)
    return "" if value is ABSENT else jsontext.as_text(value)


def _value(name: str, values: Mapping[str, Any]) -> Any:
    root, _, path = name.partition(".")
    if root not in values:
        raise ReleaseError(
            f"a template of the system description names {{{root}}}, which is not known at this place",
            mend=f"known here: {', '.join(sorted(values))}",
        )
    return read_path(values[root], path)


def _base64(value: Any) -> str:
    return base64.b64encode(jsontext.as_text(value).encode()).decode()


def _base64url_json(value: Any) -> str:
    return base64.urlsafe_b64encode(jsontext.render(value).encode()).decode()


def _join(value: Any) -> str:
    return "".join(jsontext.as_text(item) for item in value)


_ENCODERS: Final = {
    "$json": jsontext.render,
    "$base64url_json": _base64url_json,
    "$base64": _base64,
    "$join": _join,
}
