"""The standard library of the mapping language: every function is declared once, here and nowhere else.

``REGISTRY`` holds the functions by the name that stands in typed expressions and in the IR; ``WRITTEN`` groups them
by the name people write, which functions over other types share (``instant`` of a text, of seconds, of a local time).
"""

from __future__ import annotations

from collections.abc import Mapping

from syncline_compiler.functions import (
    amounts,
    calendar,
    documents,
    durations,
    locales,
    logic,
    names,
    numbers,
    parts,
    patterns,
    reckoning,
    rounding,
    shapes,
    texts,
    times,
    zones,
)
from syncline_compiler.functions.conversion import from_native, native_text, to_native
from syncline_compiler.functions.function import Function

_MODULES = (
    texts,
    parts,
    patterns,
    numbers,
    rounding,
    locales,
    logic,
    shapes,
    names,
    times,
    durations,
    calendar,
    zones,
    documents,
    amounts,
    reckoning,
)
_ALL = tuple(function for module in _MODULES for function in module.FUNCTIONS)

REGISTRY: Mapping[str, Function] = {function.name: function for function in _ALL}

WRITTEN: Mapping[str, tuple[Function, ...]] = {
    name: tuple(function for function in _ALL if function.written == name)
    for name in sorted({function.written for function in _ALL} - {""})
}

__all__ = ["REGISTRY", "WRITTEN", "Function", "from_native", "native_text", "to_native"]
