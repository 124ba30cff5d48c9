"""The reference of the mapping language, from the functions' own entries.

In: the library. Out: Markdown: all of it (``render_reference``), or one name (``render_function``). Invariant: nothing is
said here that an entry does not say; examples are those that run as tests.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Sequence
from types import ModuleType

from syncline_compiler.functions import (
    WRITTEN,
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
from syncline_compiler.functions.forms import FORMS, Form
from syncline_compiler.functions.function import Example, Function, RefusedArguments, Value
from syncline_compiler.model.types import MONEY, Type

SECTIONS: tuple[tuple[str, Sequence[ModuleType]], ...] = (
    ("Texts", (texts, parts, patterns)),
    ("Numbers", (numbers, rounding, locales)),
    ("Money", (amounts, reckoning)),
    ("Dates, times and durations", (times, zones, calendar, durations)),
    ("Codes, names and shapes", (shapes, names)),
    ("JSON", (documents,)),
    ("Comparison and logic", (logic,)),
)
_OPERATOR = re.compile(r"[Ww]ritten `([^`]+)`")
_LITERAL = re.compile(r"^(?:DATE|TIMESTAMPTZ|TIMESTAMP) '(.*)'$")
_AMOUNT = re.compile(r"\{'amount': ([-0-9.]+), 'currency': '?(\w+)'?\}")
_TYPES = {"money": MONEY, "decimal": Type("decimal", precision=12, scale=2)}
_BACK = {
    "bijection": "exactly",
    "normal form": "up to its form: what is written reads as the same form again",
    "none": "none: such a line goes one way",
}
_COSTS = {
    "low": "low", "pattern": "a pattern over each value", "table": "a constant table of the plan",
    "runtime": "outside of SQL, once for each distinct value", "join": "a join", "list": "the elements of a list",
    "group": "a grouped join",
}  # fmt: skip


def render_reference() -> str:
    """Give the whole reference as one Markdown page."""
    lines = ["# Functions of the mapping language", ""]
    for title, modules in SECTIONS:
        lines += [f"## {title}", ""]
        for name in sorted({heading(function) for function in _functions(modules)} - {""}):
            mine = [function for function in _functions(modules) if heading(function) == name]
            lines += [*_entry(name, mine), ""]
    lines += ["## Tables, references, choices and other records", ""]
    for form in FORMS:
        lines += [*_form(form), ""]
    return "\n".join(lines).rstrip() + "\n"


def render_function(name: str) -> str | None:
    """Give what is known of one written name, operator or form; None if nothing is called so."""
    every = [function for _, modules in SECTIONS for function in _functions(modules)]
    mine = [function for function in every if heading(function) == name]
    forms = [form for form in FORMS if name in form.name.split(", ")]
    entries = [*([_entry(name, mine)] if mine else []), *map(_form, forms)]
    return "\n\n".join("\n".join(entry) for entry in entries) or None


def known_names() -> list[str]:
    """Give every name that can be looked up."""
    return sorted({*WRITTEN, *(name for form in FORMS for name in form.name.split(", "))})


def _functions(modules: Iterable[ModuleType]) -> Iterator[Function]:
    for module in modules:
        yield from module.FUNCTIONS


def heading(function: Function) -> str:
    """Give the name under which a function stands: as it is written, or its operator; none for the compiler's own."""
    operator = _OPERATOR.search(function.doc)
    return operator[1] if operator and not _is_step(function) else function.written


def _is_step(function: Function) -> bool:
    return bool(function.written) and "Also written" in function.doc


def _entry(name: str, functions: Sequence[Function]) -> list[str]:
    lines = [f"### {name}"]
    for function in functions:
        lines += ["", function.doc, ""]
        if name == function.written:
            lines.append(f"* Written: {function.usage}")
        lines += [
            f"* Takes {_taken(function)}, gives {_given(function)}{' or fails' if function.can_fail else ''}",
            f"* Way back: {_back(function)}",
            f"* Cost: {_COSTS[function.cost]}",
        ]
        shown = list(dict.fromkeys(_example(function, example) for example in function.examples))
        lines += ["* Examples: " + " · ".join(shown)] if shown else []
    return lines


def _form(form: Form) -> list[str]:
    return [
        f"### {form.name}", "", form.doc, "",
        f"* Written: `{form.usage}`", f"* Way back: {_BACK[form.inverts]}", f"* Cost: {_COSTS[form.cost]}",
        f"* Example: `{form.example}`",
    ]  # fmt: skip


def _taken(function: Function) -> str:
    texts = [_kinds(parameter) for parameter in function.parameters if isinstance(parameter, Value)]
    return " and ".join(texts) + (" …" if function.repeats else "") or "nothing"


def _kinds(parameter: Value) -> str:
    kinds = sorted(parameter.kinds - {"null", "unknown"})
    if len(kinds) > 9:
        return "anything" if len(kinds) > 13 else "anything that has an order"
    return "text" if {"text", "url"} <= set(kinds) else " or ".join(kinds)


def _given(function: Function) -> str:
    """Give the kind of the result: the same for the first and the last kind that goes in, or that of what goes in."""
    results = [_kind_for(function, place) for place in (0, -1)]
    if results[0] == results[1]:
        return results[0]
    return "the same kind"


def _kind_for(function: Function, place: int) -> str:
    kinds = [sorted(parameter.kinds - {"null", "unknown"})[place] for parameter in function.values]
    options = {**{setting.name: "2" for setting in function.settings}, "country": "DE", "new": "", "old": "x"}
    options |= function.examples[0].options if function.examples else {}
    try:
        return function.type_of([_TYPES.get(kind, Type(kind)) for kind in kinds], options).kind
    except RefusedArguments:
        return "a value"


def _back(function: Function) -> str:
    inverse = function.inverse
    if inverse is not None and inverse.form is not None:
        return f"for fields that declare `form: {inverse.form}`"
    return _BACK[function.inverts]


def _example(function: Function, example: Example) -> str:
    carried = example.result is None and function.excused is None and any("NULL" in one for one in example.arguments)
    failed = example.result is None and function.can_fail and not carried
    return f"`{_call(function, example)}` → {'*fails*' if failed else f'`{_result(function, example)}`'}"


def _call(function: Function, example: Example) -> str:
    """Write a call as it stands in a mapping: an operator between values, else a step."""
    plain = function.values[0].kinds <= {"json", "list"}
    values = [_literal(argument, plain=plain) for argument in example.arguments]
    operator = heading(function)
    if operator != function.written:
        return _operated(operator, values)
    words = [function.written]
    for parameter in function.parameters[1:]:
        if isinstance(parameter, Value):
            words.append(values.pop(1))
        elif (
            value := example.options.get(parameter.name, parameter.words[0] if parameter.words else None)
        ) is not None:
            bare = parameter.kind == "int" or value in parameter.words
            words += [] if value == parameter.default else [value if bare else _quoted(value)]
    return f"{values[0]} | {' '.join([*words, *values[1:]])}"


def _operated(operator: str, values: Sequence[str]) -> str:
    if operator == "in (…)":
        return f"{values[0]} in ({', '.join(values[1:])})"
    return f"{values[0]} {operator}" if len(values) == 1 else f" {operator} ".join(values)


def _result(function: Function, example: Example) -> str:
    if example.result is None:
        return "null"
    textual = _given(function) == "text" or (
        _given(function) == "the same kind" and example.arguments[0].startswith("'")
    )
    return _quoted(example.result) if textual else _money(example.result)


def _literal(argument: str, *, plain: bool = False) -> str:
    """Write an SQL literal of an example as people do; ``plain``: JSON, which needs no quotes."""
    bare = _money(re.sub(r"::[A-Z]+(\([0-9, ]+\))?", "", argument))
    dated = _LITERAL.match(bare)
    if dated is not None:
        return dated[1]
    if bare.startswith("'"):
        text = bare[1:-1].replace("''", "'")
        return text if plain else _quoted(text)
    if bare == "NULL":
        return "null"
    return bare.strip("()") if re.fullmatch(r"\(-?[0-9]+\)", bare) else bare


def _money(text: str) -> str:
    return _AMOUNT.sub(lambda found: f"{found[1]} {found[2]}".replace(" NULL", ""), text)


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)
