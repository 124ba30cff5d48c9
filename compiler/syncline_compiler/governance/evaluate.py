"""Typed expressions asked of rows, in Python: what SQL does at run time, for the few thousand rows of the spec model.

In: an expression as ``check_types`` leaves it. Out: a function of a row. Null goes through functions as it does in SQL.
Invariant: the work is linear in the expression and in the texts of the row; nothing is read but the row.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from decimal import Decimal
from functools import cache
from typing import Any

from syncline_compiler.functions.texts import SPACES, casefolded, enlarged
from syncline_compiler.model.typed import Aggregate, Apply, Case, Constant, Expression, Field, parts_of

Values = Mapping[str, Any]
Asked = Callable[[Values], Any]
Options = Mapping[str, str]
Strict = Callable[[list[Any], Options], Any]


@cache
def _matched(pattern: str, text: str) -> bool:
    # The engine takes long to load, and few rules have a pattern. Only it is sure to answer in time that is linear.
    from syncline_runtime.state import matches_pattern

    return matches_pattern(pattern, text)


_STRICT: Mapping[str, Strict] = {
    "eq": lambda a, _: a[0] == a[1],
    "ne": lambda a, _: a[0] != a[1],
    "lt": lambda a, _: a[0] < a[1],
    "le": lambda a, _: a[0] <= a[1],
    "gt": lambda a, _: a[0] > a[1],
    "ge": lambda a, _: a[0] >= a[1],
    "not": lambda a, _: not a[0],
    "in": lambda a, _: a[0] in a[1:],
    "add": lambda a, _: a[0] + a[1],
    "sub": lambda a, _: a[0] - a[1],
    "mul": lambda a, _: a[0] * a[1],
    "negate": lambda a, _: -a[0],
    "abs": lambda a, _: abs(a[0]),
    "min": lambda a, _: min(a),
    "max": lambda a, _: max(a),
    "decimal_of_int": lambda a, _: Decimal(a[0]),
    "concat": lambda a, _: "".join(a),
    "trim": lambda a, _: a[0].strip(SPACES),
    "squash": lambda a, _: " ".join(a[0].split()),
    "upper": lambda a, _: enlarged(a[0]),
    "lower": lambda a, _: a[0].lower(),
    "casefold": lambda a, _: casefolded(a[0]),
    "length": lambda a, _: len(a[0]),
    "left": lambda a, o: a[0][: int(o["length"])],
    "replace": lambda a, o: a[0].replace(o["old"], o["new"]),
    "starts_with": lambda a, _: a[0].startswith(a[1]),
    "ends_with": lambda a, _: a[0].endswith(a[1]),
    "contains": lambda a, _: a[1] in a[0],
    "matches": lambda a, o: _matched(o["pattern"], a[0]),
    "text_of_int": lambda a, _: str(a[0]),
    "text_of_code": lambda a, _: a[0],
    "text_of_date": lambda a, _: a[0],
    "as_is": lambda a, _: a[0],
}
"""Functions that give null where one of their arguments is null."""
_OWN: Mapping[str, Strict] = {
    "is_null": lambda a, _: a[0] is None,
    "is_true": lambda a, _: bool(a[0]),
    "same": lambda a, _: a[0] == a[1],
    "differs": lambda a, _: a[0] != a[1],
    "coalesce": lambda a, _: next((value for value in a if value is not None), None),
}
"""Functions with a word of their own on null."""
KNOWN = frozenset({*_STRICT, *_OWN, "and", "or"})
"""The functions that rules may use."""


Related = Callable[[str], Callable[[Values], Sequence[Values]]]
"""By the name under which other rows are seen: the function that gives those of a row."""


def beyond(expression: Expression) -> Iterator[str]:
    """Name what an expression holds that cannot be asked of rows: functions that only the engine has, codes, references."""
    if isinstance(expression, Apply):
        if expression.function not in KNOWN:
            yield expression.function
    elif not isinstance(expression, Constant | Case | Aggregate):
        if not isinstance(expression, Field):
            yield type(expression).__name__.lower()
        elif expression.scope not in ("canonical", "child"):
            yield f"{expression.scope}.{expression.name}"
    for part in parts_of(expression):
        yield from beyond(part)


def asked(expression: Expression, related: Related | None = None) -> Asked:
    """Give the function that answers an expression for a row; ``related`` finds the rows that aggregates go over."""
    match expression:
        case Constant():
            value = Decimal(str(expression.value)) if expression.type.kind == "decimal" else expression.value
            return lambda _: value
        case Field():
            name = expression.name
            return lambda row: row[name]
        case Case():
            return _case(expression, related)
        case Apply():
            return _apply(expression, related)
        case Aggregate() if related is not None:
            return _aggregate(expression, related(expression.ref))
    raise TypeError(f"{type(expression).__name__} cannot be asked of a row")


def _case(expression: Case, related: Related | None) -> Asked:
    branches = [(asked(condition, related), asked(value, related)) for condition, value in expression.branches]
    default = asked(expression.default, related) if expression.default is not None else lambda _: None

    def answer(row: Values) -> Any:
        return next((value for condition, value in branches if condition(row)), default)(row)

    return answer


def _aggregate(expression: Aggregate, others: Callable[[Values], Sequence[Values]]) -> Asked:
    value = asked(expression.value)
    where = asked(expression.where) if expression.where is not None else None
    by = asked(expression.by) if expression.by is not None else None
    reckon = _RECKONED[expression.function]

    def answer(row: Values) -> Any:
        kept = [one for one in others(row) if where is None or where(one)]
        placed = [one for one in kept if by(one) is not None] if by is not None else kept
        ordered = sorted(placed, key=by) if by is not None else placed
        return reckon([found for one in ordered if (found := value(one)) is not None])

    return answer


_RECKONED: Mapping[str, Callable[[list[Any]], Any]] = {
    "count": len,
    "sum": sum,
    "min": lambda values: min(values, default=None),
    "max": lambda values: max(values, default=None),
    "first": lambda values: values[0] if values else None,
    "last": lambda values: values[-1] if values else None,
}


def _apply(expression: Apply, related: Related | None) -> Asked:
    arguments = [asked(argument, related) for argument in expression.arguments]
    if expression.function == "and":
        return lambda row: all(argument(row) for argument in arguments)
    if expression.function == "or":
        return lambda row: any(argument(row) for argument in arguments)
    options = dict(expression.options)
    own = _OWN.get(expression.function)
    if own is not None:
        return lambda row: own([argument(row) for argument in arguments], options)
    function = _STRICT[expression.function]

    def answer(row: Values) -> Any:
        given = [argument(row) for argument in arguments]
        return None if None in given else function(given, options)

    return answer
