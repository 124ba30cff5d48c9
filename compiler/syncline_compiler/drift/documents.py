"""Documents of vendors as plain values: JSON or YAML, bounded in size and depth, without anything that runs or expands.

In: a path. Out: dicts, lists, texts, int, Decimal, bool, None. Raises DriftError. Invariant: time and memory are bounded by the file's
size, which is bounded; nothing but the file is read.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import yaml

from syncline_compiler.drift.remote import DriftError
from syncline_compiler.source import Unreadable, read_one
from syncline_compiler.yaml_reader import plain_value

MOST_BYTES = 32 << 20
MOST_DEPTH = 100


def read_text(path: Path) -> str:
    """Read a file as text."""
    if not path.exists():
        raise DriftError(f"there is no file {path}")
    found = read_one(path, MOST_BYTES)
    if isinstance(found, Unreadable):
        raise DriftError(f"{path}: {found.why}; {found.remedy}")
    return found.text


def read_document(path: Path) -> Any:
    """Read a document; JSON by its first character, else YAML."""
    text = read_text(path)
    try:
        return _shallow(_json(text) if text.lstrip()[:1] in ("{", "[") else _yaml(text), path)
    except DriftError:
        raise
    except RecursionError:
        raise DriftError(f"{path}: nested too deep to be a description of anything") from None
    except (ValueError, ArithmeticError, yaml.YAMLError) as error:
        said = " ".join(str(error).split())[:200]
        raise DriftError(f"{path}: neither JSON nor YAML: {said}") from None


def _json(text: str) -> Any:
    return json.loads(text, parse_float=Decimal, parse_constant=str)


def _shallow(value: Any, path: Path) -> Any:
    """Refuse what is nested deeper than any description; level by level, so that depth costs no stack."""
    level, depth = [value], 0
    while level := [inner for one in level for inner in _inner(one)]:
        depth += 1
        if depth > MOST_DEPTH:
            raise DriftError(f"{path}: nested deeper than {MOST_DEPTH} levels: no description of fields is")
    return value


def _inner(value: Any) -> Iterator[Any]:
    if isinstance(value, dict):
        yield from value.values()
    elif isinstance(value, list):
        yield from value


def _yaml(text: str) -> Any:
    """Build the values of one YAML document; aliases and tags are refused, as in specs."""
    root: list[Any] = []
    stack: list[tuple[Any, list[Any]]] = [(root, [])]  # a collection, and the key that waits for its value
    for event in yaml.parse(text, Loader=getattr(yaml, "CLoader", yaml.Loader)):
        if isinstance(event, yaml.AliasEvent) or getattr(event, "tag", None) is not None:
            raise DriftError(f"line {_line(event)}: aliases and tags of YAML are not read: write it as JSON")
        if isinstance(event, yaml.ScalarEvent):
            _put(stack, plain_value(event.value) if event.implicit[0] else event.value, event.value)
        elif isinstance(event, yaml.CollectionStartEvent):
            made: Any = {} if isinstance(event, yaml.MappingStartEvent) else []
            _put(stack, made, None)
            stack.append((made, []))
            if len(stack) > MOST_DEPTH:
                raise DriftError(f"line {_line(event)}: nested deeper than {MOST_DEPTH} levels")
        elif isinstance(event, yaml.CollectionEndEvent):
            stack.pop()
    if len(root) != 1:
        raise DriftError("one YAML document is expected")
    return root[0]


def _put(stack: list[tuple[Any, list[Any]]], value: Any, name: str | None) -> None:
    holder, key = stack[-1]
    if isinstance(holder, list):
        holder.append(value)
    elif key:
        holder[key.pop()] = value
    elif name is None:
        raise DriftError("a list or mapping is a key there: no description has such keys")
    else:
        key.append(name)


def _line(event: yaml.Event) -> int:
    return event.start_mark.line + 1 if event.start_mark is not None else 0
