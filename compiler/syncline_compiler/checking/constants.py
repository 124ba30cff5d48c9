"""Literals as constants of the type that their place expects."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date, datetime
from unicodedata import normalize

from syncline_compiler.functions.codes import COUNTRIES, CURRENCIES, LANGUAGES, subdivisions
from syncline_compiler.functions.durations import MICROSECONDS
from syncline_compiler.model import syntax
from syncline_compiler.model.typed import Constant
from syncline_compiler.model.types import BOOL, INT, NULL, Type
from syncline_compiler.spelling import Advice, did_you_mean


class UnfitConstantError(ValueError):
    """A literal that is no value of the type; the text is a label for the place."""

    def __init__(self, problem: str, remedy: Advice | None = None) -> None:
        super().__init__(problem)
        self.remedy = remedy or ()


def constant(literal: syntax.Literal) -> Constant:
    """Give a literal with the type it has by itself."""
    match literal.kind:
        case "text":
            text = normalize("NFC", str(literal.value))
            return Constant(text, Type("text", length=max(len(text), 1)))
        case "int":
            return Constant(literal.value, INT)
        case "decimal":
            whole, _, fraction = str(literal.value).lstrip("-").partition(".")
            return Constant(literal.value, Type("decimal", precision=len(whole + fraction), scale=len(fraction)))
        case "bool":
            return Constant(literal.value, BOOL)
    return Constant(None, NULL)


def fitted(value: Constant, to: Type) -> Constant | None:
    """Give the constant as a value of another type; None where only a conversion could make it one."""
    if value.value is None:
        return Constant(None, to.or_null())
    if value.type.kind == "int" and to.kind == "decimal":
        return Constant(f"{value.value}", Type("decimal", precision=max(len(str(value.value).lstrip("-")), 1), scale=0))
    if value.type.kind != "text" or not isinstance(value.value, str):
        return None
    if to.kind == "enum":
        if value.value not in to.values:
            remedy = did_you_mean(value.value, to.values, kind=f"values of {to.present()}")
            raise UnfitConstantError(f'"{value.value[:60]}" is no value of {to.present()}', remedy)
        return Constant(value.value, to.present())
    if to.kind == "duration":
        return _duration(value.value)
    check = _CHECKS.get(to.kind)
    if check is None:
        return None
    if not check(value.value):
        large = value.value.upper()
        meant = f'write "{large}"' if to.kind in _LARGE and check(large) else None
        raise UnfitConstantError(f'"{value.value[:60]}" is no {to.kind}', meant)
    return Constant(value.value, to.present())


_LARGE = {"country", "currency", "subdivision"}
_DURATION = re.compile(
    r"P(?:(?P<weeks>\d{1,6})W)?(?:(?P<days>\d{1,7})D)?"
    r"(?:T(?:(?P<hours>\d{1,9})H)?(?:(?P<minutes>\d{1,9})M)?(?:(?P<seconds>\d{1,9})S)?)?"
)


def _duration(text: str) -> Constant:
    """Read a duration as ISO 8601 writes it; fractions of seconds only the engine reads."""
    match = _DURATION.fullmatch(text)
    counted = {unit: count for unit, count in match.groupdict().items() if count is not None} if match else {}
    if not counted:
        raise UnfitConstantError(f'"{text[:60]}" is no duration: write ISO 8601, such as "PT15M" or "P30D"')
    return Constant(sum(int(count) * MICROSECONDS[unit] for unit, count in counted.items()), Type("duration"))


def _date(text: str) -> bool:
    return _parses(date.fromisoformat, text) and re.fullmatch(r"\d{4}-\d\d-\d\d", text) is not None


def _instant(text: str) -> bool:
    return _parses(datetime.fromisoformat, text) and re.search(r"T.*(Z|[+-]\d\d:\d\d)$", text) is not None


def _parses(read: Callable[[str], object], text: str) -> bool:
    try:
        read(text)
    except ValueError:
        return False
    return True


_CHECKS: dict[str, Callable[[str], bool]] = {
    "country": COUNTRIES.__contains__,
    "currency": CURRENCIES.__contains__,
    "language": LANGUAGES.__contains__,
    "subdivision": lambda text: text in subdivisions(),
    "date": _date,
    "instant": _instant,
    "email": lambda text: re.fullmatch(r"[^\s@]+@[^\s@]+\.[^\s@]+", text) is not None,
    "phone": lambda text: re.fullmatch(r"\+[1-9]\d{5,14}", text) is not None,
    "url": lambda text: re.match(r"https?://", text) is not None,
}
