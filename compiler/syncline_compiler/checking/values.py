"""Whether plain values of a spec, such as the records of scenarios, are values of a type, and whole records.

In: what the YAML reader makes of a value, and a type. Out: None, or what is wrong in words that fit under the place.
Diagnostics: SYN0222 (a record without what is required).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any

from syncline_compiler.checking.constants import UnfitConstantError, fitted
from syncline_compiler.diagnostics.diagnostic import Collector
from syncline_compiler.functions.codes import CURRENCIES
from syncline_compiler.model.typed import Constant
from syncline_compiler.model.types import TEXT, Type
from syncline_compiler.source import Span
from syncline_compiler.spelling import did_you_mean
from syncline_runtime.system import NativeField, Resource


def misfit(value: Any, to: Type) -> str | None:
    """Say why a value is none of the type; None if it is one."""
    if value is None:
        return None if to.nullable else f"{to} is never null"
    check = _CHECKS.get(to.kind)
    return check(value, to) if check is not None else _coded(value, to)


def native_misfit(value: Any, field: NativeField) -> str | None:
    """Say why a value is none of a native field; None if it is one."""
    if field.values and value is not None and str(value) not in field.values:
        remedy = did_you_mean(str(value), field.values, kind="values")
        return f"`{str(value)[:60]}` is no value of `{field.name}`: {remedy}"
    length, scale = field.length, field.scale
    measures = Type(field.type, not field.required, length=length, precision=field.precision, scale=scale)
    return misfit(value, measures)


def report_missing(resource: Resource, natives: Mapping[str, Any], span: Span, diagnostics: Collector) -> None:
    """Report what a made-up record lacks although its system shows it of every record: a field that is required is never null."""
    missing = [
        one.name for one in resource.fields
        if one.required and one.readable and not one.partial and natives.get(one.name) in (None, "")
    ]  # fmt: skip
    if missing:
        named = ", ".join(f"`{name}`" for name in missing)
        label = f"a record of `{resource.name}` has {named}, and this one has not"
        remedy = f"add {', '.join(f'`{name}: …`' for name in missing)}"
        diagnostics.report("SYN0222", span, label=label, help=remedy)


def _text(value: Any, to: Type) -> str | None:
    if isinstance(value, (list, dict, bool)):
        return "text is expected"
    if to.length is not None and len(str(value)) > to.length:
        return f"{len(str(value))} characters are too many for {to.present()}"
    return None


def _int(value: Any, _: Type) -> str | None:
    return None if isinstance(value, int) and not isinstance(value, bool) else "a whole number is expected"


def _decimal(value: Any, to: Type) -> str | None:
    if isinstance(value, bool) or not isinstance(value, (int, Decimal)):
        return "a number is expected"
    _, digits, exponent = Decimal(value).as_tuple()
    scale = max(0, -int(exponent))
    whole = len(digits) + int(exponent)
    if to.precision is not None and (scale > (to.scale or 0) or whole > to.precision - (to.scale or 0)):
        return f"`{value}` does not fit {to.present()}"
    return None


def _money(value: Any, to: Type) -> str | None:
    if not isinstance(value, dict) or set(value) != {"amount", "currency"}:
        return "an amount and its currency are expected: {amount: 12.50, currency: EUR}"
    if value["currency"] not in CURRENCIES:
        return f"`{str(value['currency'])[:60]}` is no currency"
    return _decimal(value["amount"], to)


def _coded(value: Any, to: Type) -> str | None:
    """Check an enum, date, email and the like: what is written as text."""
    if not isinstance(value, str):
        return f"{to.present()} is written as text"
    try:
        fitted(Constant(value, TEXT), to)
    except UnfitConstantError as unfit:
        return str(unfit)
    return None


_CHECKS: dict[str, Callable[[Any, Type], str | None]] = {
    "text": _text,
    "ref": _text,
    "int": _int,
    "decimal": _decimal,
    "money": _money,
    "bool": lambda value, _: None if isinstance(value, bool) else "true or false is expected",
    "list": lambda value, _: None if isinstance(value, list) else "a list is expected",
    "json": lambda _, __: None,
}
