"""JSON: a value at a path, and texts that hold JSON.

In landed JSON every number is text already, so that none passes through a binary float. A text that a system sends with
JSON in it is read by the runtime for the same reason: the engine would make floats of its numbers.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence

from syncline_compiler.functions import tree
from syncline_compiler.functions.function import Example, Function, Inverse, Options, Setting, Value
from syncline_compiler.functions.kinds import TEXTUAL
from syncline_compiler.model.types import TEXT, Kind, Type
from syncline_compiler.sql_tree import exp

_JSON: frozenset[Kind] = frozenset({"json", "list"})
_DOCUMENT = Type("json")
_PATH = re.compile(r'(?:[^.\[\]"\\]+|\[[0-9]{1,6}\])(?:\.[^.\[\]"\\]+|\[[0-9]{1,6}\])*')
_STEP = re.compile(r"\[([0-9]+)\]|([^.\[\]]+)")


def _path(value: str) -> str | None:
    if value.startswith(("$.", "$[")):
        return f'a path begins with its first member, without `$`: "{value.lstrip("$.")[:60]}"'
    return None if _PATH.fullmatch(value) else 'a path such as "billing.lines[0].sku" is expected'


def _engine_path(options: Options) -> exp.Expression:
    steps = (
        f"[{index}]" if index else f".{json.dumps(name, ensure_ascii=False)}"
        for index, name in _STEP.findall(options["path"])
    )
    return tree.text("$" + "".join(steps))


def _maybe(result: Type) -> Type:
    return result.or_null()


def _at(arguments: Sequence[exp.Expression], options: Options) -> exp.Expression:
    return tree.call("JSON_EXTRACT_STRING", arguments[0], _engine_path(options))


def _within(arguments: Sequence[exp.Expression], options: Options) -> exp.Expression:
    found = tree.cast(tree.call("JSON_EXTRACT", arguments[0], _engine_path(options)), "VARCHAR")
    return exp.Nullif(this=found, expression=tree.text("null"))


_VALUE = (Value("value", _JSON),)
_WHERE = Setting("path", "text", check=_path)
_SKU, _LINE = {"path": "lines[0].sku"}, {"path": "lines[0]"}
_ORDER = """'{"lines":[{"sku":"A-1","price":"12345678901234567.89"}],"note":null}'"""
_STREET = """'{"Straße":{"Nº":"5"}}'"""

FUNCTIONS = (
    Function(
        "at", "at", (*_VALUE, _WHERE), lambda _, __: _maybe(TEXT),
        'The text at a path of a JSON value, as `at "billing.lines[0].sku"`; null where there is none. The first element is 0.',
        _at, nulls="own", cost="pattern",
        examples=(
            Example((_ORDER,), "A-1", _SKU), Example((_ORDER,), "12345678901234567.89", {"path": "lines[0].price"}),
            Example((_ORDER,), None, {"path": "lines[1].sku"}), Example((_ORDER,), None, {"path": "note"}),
            Example((_STREET,), "5", {"path": "Straße.Nº"}), Example((_STREET,), '{"Nº":"5"}', {"path": "Straße"}),
        ),
    ),
    Function(
        "json_at", "json", (*_VALUE, _WHERE), lambda _, __: _maybe(_DOCUMENT),
        "The JSON value at a path of another; null where there is none.", _within, nulls="own", cost="pattern",
        examples=(Example((_ORDER,), '{"sku":"A-1","price":"12345678901234567.89"}', _LINE), Example((_ORDER,), None, {"path": "x"}),
                  Example((_ORDER,), None, {"path": "note"})),
    ),
    Function(
        "json_of_text", "json", (Value("value", TEXTUAL),), lambda _, __: _DOCUMENT,
        "Reads a text that holds JSON; its numbers keep their digits, as texts.", None, can_fail=True,
        inverse=Inverse(((0, "text_of_json"),), exact=False), runtime="json", cost="runtime",
    ),
    Function(
        "text_of_json", "text", _VALUE, lambda _, __: TEXT, "A JSON value as compact text.",
        lambda a, _: a[0], examples=(Example(("'[]'",), "[]"),),
    ),
)  # fmt: skip
