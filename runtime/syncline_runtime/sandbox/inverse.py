"""Reading templates backwards: which values must have been filled in to make this request.

In: a template of a system description and what arrived. Out: the placeholders' values by name, or None if the template
cannot have made it. Invariant: ``match(t, fill(t, values))`` gives back the values that ``t`` names.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Mapping, Sequence
from typing import Any, Final
from urllib.parse import unquote

from syncline_runtime.connectors import jsontext
from syncline_runtime.connectors.templates import ABSENT, PLACEHOLDER, placeholders

Found = dict[str, Any]
_WORDS: Final = ("$json", "$base64url_json", "$base64", "$join", "$when", "$each", "$path")


def match(template: Any, value: Any) -> Found | None:
    """Find the values with which the template fills to this value."""
    if isinstance(template, str):
        return _match_text(template, value)
    if isinstance(template, Mapping):
        word = next(iter(template)) if len(template) == 1 else ""
        return _match_word(word, template[word], value) if word in _WORDS else _match_object(template, value)
    if isinstance(template, (list, tuple)):
        return _match_list(template, value) if isinstance(value, list) else None
    return {} if value is not ABSENT and jsontext.as_text(value) == jsontext.as_text(template) else None


def match_path(template: str, path: str) -> Found | None:
    """Find the values with which the path template fills to this path; each is one percent-encoded segment."""
    parts = PLACEHOLDER.split(template)
    pattern = "".join("([^/]+)" if index % 2 else re.escape(part) for index, part in enumerate(parts))
    fits = re.fullmatch(pattern, path)
    return dict(zip(parts[1::2], map(unquote, fits.groups()), strict=True)) if fits else None


def match_query(template: Mapping[str, Any], query: Mapping[str, list[str]]) -> Found | None:
    """Find the values with which the query template fills to these parameters; others may stand beside them."""
    found: Found = {}
    for name, part in template.items():
        given = query.get(name)
        if given is None:
            values: Found | None = {} if may_be_absent(part) else None
        else:
            values = match(part, list(given) if isinstance(part, (list, tuple)) else given[0])
        if values is None:
            return None
        found |= values
    return found


def may_be_absent(template: Any) -> bool:
    """Whether filling a template can give nothing: it has a placeholder that stands alone, or is null."""
    if isinstance(template, str):
        return PLACEHOLDER.fullmatch(template) is not None
    if isinstance(template, Mapping) and len(template) == 1 and next(iter(template)) in _WORDS:
        return any(True for _ in placeholders(template))
    return template is None


def _match_text(template: str, value: Any) -> Found | None:
    whole = PLACEHOLDER.fullmatch(template)
    if whole:
        return {} if value is ABSENT else {whole[1]: value}
    if value is ABSENT or isinstance(value, (dict, list)):
        return None
    return _match_parts([template], jsontext.as_text(value))


def _match_parts(templates: Sequence[str], text: str) -> Found | None:
    parts = PLACEHOLDER.split("".join(templates))
    pattern = "".join("(.*?)" if index % 2 else re.escape(part) for index, part in enumerate(parts))
    fits = re.fullmatch(pattern, text, re.DOTALL)
    return dict(zip(parts[1::2], fits.groups(), strict=True)) if fits else None


def _match_word(word: str, inner: Any, value: Any) -> Found | None:
    if word == "$when":
        found = match(inner.get("then", ABSENT), value)
        return match(inner["else"], value) if found is None and "else" in inner else found
    if word == "$each":
        return _match_each(inner, value)
    if word == "$path":
        return match_path(inner, jsontext.as_text(value))
    if word == "$join":
        return _match_parts([str(item) for item in inner], jsontext.as_text(value))
    try:
        text = jsontext.as_text(value)
        if word == "$base64":
            return match(inner, base64.b64decode(text, validate=True).decode())
        if word == "$base64url_json":
            text = base64.urlsafe_b64decode(text.encode()).decode()
        return match(inner, jsontext.parse(text))
    except (binascii.Error, ValueError):
        return None


def _match_each(inner: Mapping[str, Any], value: Any) -> Found | None:
    """Take what was added out of each object again; the first one tells what was filled in."""
    if not isinstance(value, list) or not all(isinstance(item, Mapping) for item in value):
        return None
    added = inner["add"]
    found = match(inner["of"], [{name: part for name, part in item.items() if name not in added} for item in value])
    first = _match_object(added, {name: value[0].get(name) for name in added}) if value else {}
    return None if found is None or first is None else found | first


def _match_object(template: Mapping[str, Any], value: Any) -> Found | None:
    if not isinstance(value, Mapping) or set(value) - set(template):
        return None
    found: Found = {}
    for name, part in template.items():
        values = match(part, value[name]) if name in value else ({} if may_be_absent(part) else None)
        if values is None:
            return None
        found |= values
    return found


def _match_list(template: Sequence[Any], value: Sequence[Any]) -> Found | None:
    """Pair items in order; an item that may be absent may have been left out."""
    if not template:
        return None if value else {}
    if value:
        first, rest = match(template[0], value[0]), None
        if first is not None:
            rest = _match_list(template[1:], value[1:])
        if first is not None and rest is not None:
            return first | rest
    return _match_list(template[1:], value) if may_be_absent(template[0]) else None
