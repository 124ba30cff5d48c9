"""Decimals as people of a place write them: `1.234,56` in German, `1 234,56` in French, `12,34,567.8` in India.

The signs come from CLDR (``codes.NUMBER_SIGNS``). A number whose groups stand in the wrong places is no number, so that a
text of another place is refused rather than read as a thousand times too much.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from syncline_compiler.functions import tree
from syncline_compiler.functions.codes import NUMBER_SIGNS, by_english_name
from syncline_compiler.functions.function import Example, Function, Inverse, Options, Setting, Value
from syncline_compiler.functions.kinds import TEXTUAL
from syncline_compiler.functions.numbers import decimal, exactly, scale_fits
from syncline_compiler.model.types import TEXT, Kind, Type
from syncline_compiler.spelling import did_you_mean
from syncline_compiler.sql_tree import exp

_DECIMAL: frozenset[Kind] = frozenset({"decimal"})
_SPACES, _APOSTROPHES = r"[ \x{a0}\x{2009}\x{202f}]", r"['\x{2019}]"
_GROUPS = {"3": r"[1-9][0-9]{0,2}(?:G[0-9]{3})+", "3-2": r"[1-9][0-9]?(?:G[0-9]{2})*G[0-9]{3}"}
_MINUS = "\u2212"


def _signs(locale: str) -> tuple[str, str, str]:
    return NUMBER_SIGNS.get(locale) or NUMBER_SIGNS[locale.split("-")[0]]


def _locale(value: str) -> str | None:
    if re.fullmatch("[a-z]{2,3}(-[A-Z]{2})?", value) and (value in NUMBER_SIGNS or value.split("-")[0] in NUMBER_SIGNS):
        return None
    tidy = value.replace("_", "-")
    remedy = (
        f"did you mean `{tidy}`?" if tidy != value and _locale(tidy) is None else by_english_name(value, NUMBER_SIGNS)
    )
    return f'"{value[:40]}" is no locale known here: {remedy or did_you_mean(value, NUMBER_SIGNS, kind="locales")}'


def _grouping(sign: str) -> str:
    if sign.isspace():
        return _SPACES
    return _APOSTROPHES if sign in "'\u2019" else re.escape(sign)


def _pattern(locale: str, scale: int) -> str:
    point, group, sizes = _signs(locale)
    grouped = _GROUPS.get(sizes, _GROUPS["3"]).replace("G", _grouping(group))
    fraction = f"(?:{re.escape(point)}[0-9]{{1,{scale}}}0*)?" if scale else f"(?:{re.escape(point)}0+)?"
    return f"[+\\-{_MINUS}]?(?:[0-9]+|{grouped}){fraction}"


def number_text(locale: str) -> tuple[str, str, str]:
    """Give the shape of numbers in a locale, what parts groups (both RE2), and the decimal sign."""
    point, group, sizes = _signs(locale)
    grouped = _GROUPS.get(sizes, _GROUPS["3"]).replace("G", _grouping(group))
    return f"[+\\-{_MINUS}]?(?:[0-9]+|{grouped})(?:{re.escape(point)}[0-9]+)?", _grouping(group), point


def _scaled(_: Sequence[Type], options: Options) -> Type:
    scale = int(options["scale"])
    return decimal(max(18, scale), scale)


def _read(arguments: Sequence[exp.Expression], options: Options) -> exp.Expression:
    point, group, _ = _signs(options["locale"])
    scale = int(options["scale"])
    found = tree.shaped(arguments[0], _pattern(options["locale"], scale))
    bare = tree.call("REGEXP_REPLACE", found, tree.text(_grouping(group)), tree.text(""), tree.text("g"))
    plain = tree.call("TRANSLATE", bare, tree.text(point + _MINUS), tree.text(".-"))
    return tree.try_cast(plain, tree.decimal(max(18, scale), scale))


def _written(node: exp.Expression, options: Options) -> exp.Expression:
    point, _, _ = _signs(options["locale"])
    return tree.call("REPLACE", tree.cast(node, "VARCHAR"), tree.text("."), tree.text(point))


LOCALE = Setting("locale", "text", check=_locale)
_SCALE = Setting("scale", "int", check=scale_fits)
_DE, _FR, _CH, _IN = ({"scale": "2", "locale": locale} for locale in ("de", "fr", "de-CH", "en-IN"))
_OUT = {"precision": "18", **_DE}

FUNCTIONS = (
    Function(
        "decimal_in", "decimal", (Value("value", TEXTUAL), _SCALE, LOCALE), _scaled,
        'Reads a decimal as people of a place write it, as `decimal 2 "de"`; a two-way line writes it without groups.', _read,
        can_fail=True, inverse=Inverse(((0, "text_of_decimal_in"),)), cost="pattern",
        examples=(
            Example(("'1.234,56'",), "1234.56", _DE), Example(("'1234,5'",), "1234.50", _DE),
            Example(("'1,234.56'",), None, _DE), Example(("'1.23'",), None, _DE), Example(("'0.123'",), None, _DE),
            Example(("'1.234'",), "1234.00", _DE),
            Example(("'-1 234,5'",), "-1234.50", _FR), Example(("'1\u202f234,5'",), "1234.50", _FR),
            Example(("'1’234.5'",), "1234.50", _CH), Example(("'12,34,567.8'",), "1234567.80", _IN),
            Example(("'\u22121,5'",), "-1.50", _DE), Example(("'1,505'",), None, _DE), Example(("''",), None, _DE),
        ),
    ),
    Function(
        "text_of_decimal_in", "", (Value("value", _DECIMAL), Setting("precision", "int"), _SCALE, LOCALE),
        lambda _, __: TEXT, "A decimal as people of a place write it; fails where it has more digits than are written.",
        lambda a, o: _written(exactly(a[0], o), o), can_fail=True, inverse=Inverse(((0, "decimal_in"),)),
        examples=(Example(("1234.5::DECIMAL(12,2)",), "1234,50", _OUT), Example(("1.505::DECIMAL(12,3)",), None, _OUT)),
    ),
    Function(
        "format_decimal", "format", (Value("value", _DECIMAL), LOCALE), lambda _, __: TEXT,
        'A decimal as people of a place write it, without groups: `format "de"`.', lambda a, o: _written(a[0], o),
        examples=(Example(("1234.5::DECIMAL(12,2)",), "1234,50", {"locale": "de"}),),
    ),
)  # fmt: skip
