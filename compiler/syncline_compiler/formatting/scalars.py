"""How one value of a YAML file is written: with quotes only where some reader needs them.

Invariants: the value stays what it is. A text that a reader of another version of YAML takes for a number, a date or a
truth value keeps the quotes that it has, and so does one without letters, since people take that for something else
too. Writing what was written changes nothing.
"""

from __future__ import annotations

import re

from yaml.nodes import ScalarNode
from yaml.resolver import Resolver

from syncline_compiler.formatting.tree import Scalar
from syncline_compiler.yaml_reader import plain_value

WIDTH = 120
_PLAIN_IN_BLOCK = re.compile(r"(?:[^-?:,\[\]{}#&*!|>'\"%@`]|-(?! )).*")
_PLAIN_IN_FLOW = re.compile(r"(?:[^-?:,\[\]{}#&*!|>'\"%@`]|-(?! ))[^,?\[\]{}]*")
_NEVER_PLAIN = re.compile(r"^(?:---|\.\.\.)|^(?:0o[0-7]+|[yYnN]|[\W\d_]*)$|: | #|:$|^ | $|  ")
_SIGN = re.compile(r"[|>]([-+]?)([1-9]?)([-+]?)")
LONGEST_KEY = 1000
"""Longer keys are no keys for YAML, unless they are marked by a ``?``."""
_TEXT = "tag:yaml.org,2002:str"
_SPELLED = {None: "null", True: "true", False: "false"}
_RESOLVER = Resolver()


class UnusualError(Exception):
    """The file holds what the layout has no form for."""


def lines_of(scalar: Scalar, *, room: int, in_flow: bool = False) -> list[str]:
    """Write a plain or quoted scalar, on one line where that has at most ``room`` characters or was written so.

    Lines after the first are not indented.
    """
    if "\n" not in scalar.raw:
        return [_on_one_line(scalar, in_flow)]
    joined = None if "\n" in scalar.value else _joined(scalar, in_flow)
    if joined is not None and len(joined) <= room:
        return [joined]
    first, *rest = scalar.raw.split("\n")
    return [_without_end(first), *(_without_end(line.lstrip()) for line in rest)]


def key_of(scalar: Scalar, *, in_flow: bool = False) -> str:
    """Write a key, which is always text; UnusualError if it has no room before a ``:``."""
    written = (_joined(scalar, in_flow) or scalar.raw) if scalar.value else '""'
    if scalar.is_block or "\n" in scalar.value or "\n" in written or len(written) > LONGEST_KEY:
        raise UnusualError
    return written


def block_lines(scalar: Scalar) -> list[str]:
    """Write a block scalar: its sign, then its lines, which are not indented."""
    sign, *lines = scalar.raw.split("\n")
    asked = _SIGN.match(sign)
    assert asked is not None
    if lines and not lines[-1].strip():
        del lines[-1]  # what stands before the next key
    while lines and not is_open(scalar) and not lines[-1].strip():
        del lines[-1]
    first = next((line for line in lines if line.strip()), "")
    width = scalar.outer + int(asked[2]) if asked[2] else len(first) - len(first.lstrip(" "))
    content = [line[width:] for line in lines]
    said = "2" if next(filter(None, content), "").startswith(" ") else ""
    ends = asked[1] or asked[3] or ("" if scalar.value.endswith("\n") or not scalar.value else "-")
    return [f"{sign[0]}{said}{ends}", *content]


def is_open(scalar: Scalar) -> bool:
    """Whether empty lines behind a block scalar belong to it."""
    asked = _SIGN.match(scalar.raw) if scalar.is_block else None
    return asked is not None and "+" in asked[0]


def _on_one_line(scalar: Scalar, in_flow: bool) -> str:
    if scalar.style is not None:
        return _joined(scalar, in_flow) or scalar.raw
    value = plain_value(scalar.raw)
    return _SPELLED[value] if scalar.raw and (value is None or isinstance(value, bool)) else scalar.raw


def _joined(scalar: Scalar, in_flow: bool) -> str | None:
    """Write a scalar without line ends on one line; None if only its own spelling will do."""
    value = scalar.value
    if scalar.style is None or _can_be_plain(value, in_flow):
        return value
    if scalar.style == '"':
        return f'"{value}"' if "\\" not in scalar.raw else None
    if value.isprintable() and not re.search(r'["\\]', value):
        return f'"{value}"'
    return "'" + value.replace("'", "''") + "'"


def _can_be_plain(value: str, in_flow: bool) -> bool:
    shape = _PLAIN_IN_FLOW if in_flow else _PLAIN_IN_BLOCK
    if not value.isprintable() or _NEVER_PLAIN.search(value) or not shape.fullmatch(value):
        return False
    elsewhere: str = _RESOLVER.resolve(ScalarNode, value, (True, False))  # type: ignore[no-untyped-call]
    return elsewhere == _TEXT and isinstance(plain_value(value), str)


def _without_end(line: str) -> str:
    """Take spaces off the end of a line, unless the last of them is escaped."""
    bare = line.rstrip(" \t")
    return line if bare.endswith("\\") else bare
