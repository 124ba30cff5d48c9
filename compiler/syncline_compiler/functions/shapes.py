"""Texts of a known shape: countries, currencies, emails and the like, and booleans written in many ways.

A canonical value of these kinds is always in its one form, so that the way back writes it as it is.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from syncline_compiler.functions import tree
from syncline_compiler.functions.codes import COUNTRIES, CURRENCIES, LANGUAGES, refused_country
from syncline_compiler.functions.function import (
    Example,
    Function,
    Inverse,
    Options,
    RefusedArguments,
    Setting,
    Value,
)
from syncline_compiler.functions.kinds import TEXTUAL
from syncline_compiler.functions.names import subdivision
from syncline_compiler.model.types import BOOL, INT, TEXT, Kind, Type
from syncline_compiler.sql_tree import exp

_TEXT = (Value("value", TEXTUAL),)
_INT: frozenset[Kind] = frozenset({"int"})
_BOOL: frozenset[Kind] = frozenset({"bool"})
_AS_IS = Inverse(((0, "as_is"),))
# no counted or Unicode classes: RE2 unfolds them, which makes a pattern cost 270 times as much
_UNSEEN = (
    r"\x00-\x20\x7f-\xa0\xad\x{1680}\x{2000}-\x{200b}\x{200e}\x{200f}\x{2028}-\x{202f}\x{205f}-\x{206f}\x{3000}\x{feff}"
)
"""Spaces, controls, marks of direction and signs of no width, which come along when people copy."""
_SIGN = rf"{_UNSEEN}@,;:<>()\[\]\\\""
_LABEL = rf"[^{_SIGN}._-][^{_SIGN}._]*"
_EMAIL = rf"[^{_SIGN}]+@(?:{_LABEL}\.)+[^{_SIGN}._-]{{2}}[^{_SIGN}._]*"
_HOST = rf"[^{_UNSEEN}/?#@\"<>:.\[\]]+"
_URL = rf"(?i:https?)://(?:\[[0-9A-Fa-f:.]+\]|{_HOST}(?:\.{_HOST})*\.?)(?::[0-9]+)?(?:[/?#][^{_UNSEEN}\"<>]*)?"


def _kind(kind: Kind) -> Callable[[Sequence[Type], Options], Type]:
    plain = Type(kind)
    return lambda _, __: plain


def _read(kind: Kind) -> tuple[Value]:
    """Give the parameter of a reading: a text, or what it is read as already; an email is no country."""
    return (Value("value", frozenset({"text", kind})),)


def _one_of(pattern: str) -> Callable[[Sequence[exp.Expression], Options], exp.Expression]:
    return lambda a, _: tree.matched(exp.Upper(this=a[0]), pattern)


def _email(arguments: Sequence[exp.Expression], _: Options) -> exp.Expression:
    at = tree.text("@")
    found = tree.matched(arguments[0], _EMAIL)
    domain = exp.Lower(this=tree.call("SPLIT_PART", arguments[0], at, tree.number(2)))
    local = tree.call("SPLIT_PART", found, at, tree.number(1))
    return exp.DPipe(this=exp.DPipe(this=local, expression=at), expression=domain)


def _choice(arguments: Sequence[exp.Expression], options: Options) -> exp.Expression:
    word = arguments[0]
    return tree.when(
        (tree.equal(word, tree.text(options["yes"])), tree.boolean(True)),
        (tree.equal(word, tree.text(options["no"])), tree.boolean(False)),
    )


def _number_choice(arguments: Sequence[exp.Expression], options: Options) -> exp.Expression:
    return _choice((tree.cast(arguments[0], "VARCHAR"),), options)


def _chosen(arguments: Sequence[exp.Expression], options: Options) -> exp.Expression:
    return tree.when(
        (arguments[0], tree.text(options["yes"])),
        (exp.Not(this=tree.operand(arguments[0])), tree.text(options["no"])),
    )


def _bool(_: Sequence[Type], options: Options) -> Type:
    if options.get("yes") == options.get("no") and options:
        raise RefusedArguments("yes and no are written in the same way")
    return BOOL


def _region(value: str) -> str | None:
    return refused_country(value)


_WORDS = (Setting("yes", "text"), Setting("no", "text"))
_YN = {"yes": "Y", "no": "N"}
_10 = {"yes": "1", "no": "0"}

FUNCTIONS = (
    Function(
        "country", "country", _read("country"), _kind("country"), "Checks an ISO 3166 code of two letters and writes it large.",
        _one_of("|".join(COUNTRIES)), can_fail=True, inverse=_AS_IS, cost="pattern",
        examples=(Example(("'de'",), "DE"), Example(("'XX'",), None), Example(("'Germany'",), None)),
    ),
    Function(
        "currency", "currency", (*_read("currency"), Setting("case", "word", ("lower",), default="upper")), _kind("currency"),
        "Checks an ISO 4217 code and writes it large; `currency lower` writes it small on the way back.",
        _one_of("|".join(CURRENCIES)), can_fail=True, inverse=Inverse(((0, "text_of_currency"),)),
        cost="pattern",
        examples=(Example(("'eur'",), "EUR", {"case": "upper"}), Example(("'EURO'",), None, {"case": "upper"})),
    ),
    Function(
        "text_of_currency", "", (*_TEXT, Setting("case", "word", ("lower",), default="upper")), lambda _, __: TEXT,
        "A currency as a system writes it.",
        lambda a, o: exp.Lower(this=a[0]) if o.get("case") == "lower" else a[0],
        inverse=Inverse(((0, "currency"),)),
        examples=(Example(("'EUR'",), "eur", {"case": "lower"}), Example(("'EUR'",), "EUR", {"case": "upper"})),
    ),
    Function(
        "language", "language", _read("language"), _kind("language"), "Checks an ISO 639 code of two letters and writes it small.",
        lambda a, _: tree.matched(exp.Lower(this=a[0]), "|".join(LANGUAGES)), can_fail=True, inverse=_AS_IS, cost="pattern",
        examples=(Example(("'DE'",), "de"), Example(("'zz'",), None)),
    ),
    Function(
        "subdivision", "subdivision", _read("subdivision"), _kind("subdivision"),
        "Checks an ISO 3166-2 code, such as DE-BY, against the list of all and writes it large.", subdivision,
        can_fail=True, inverse=_AS_IS, cost="pattern",
        examples=(Example(("'de-by'",), "DE-BY"), Example(("'DE-XX'",), None), Example(("'Bayern'",), None)),
    ),
    Function(
        "email", "email", _read("email"), _kind("email"), "Checks the shape of an address and writes its domain small.",
        _email, can_fail=True, inverse=_AS_IS, cost="pattern",
        examples=(
            Example(("'Ada@Example.COM'",), "Ada@example.com"), Example(("'ada@localhost'",), None),
            Example(("'a b@example.com'",), None), Example(("''",), None),
            Example(("'ada+tag@Müller.example'",), "ada+tag@müller.example"), Example(("'ada@example.com\u00a0'",), None),
            Example(("'ada\u200b@example.com'",), None), Example(("'a@b@example.com'",), None),
        ),
    ),
    Function(
        "url", "url", _read("url"), _kind("url"), "Checks the shape of a web address: http or https, without a user and password.",
        lambda a, _: tree.matched(a[0], _URL), can_fail=True, inverse=_AS_IS, cost="pattern",
        examples=(Example(("'https://example.com/a?b=c'",), "https://example.com/a?b=c"),
                  Example(("'javascript:alert(1)'",), None), Example(("'example.com'",), None),
                  Example(("'http://bücher.example:8080/ä'",), "http://bücher.example:8080/ä"),
                  Example(("'http://[::1]:80/'",), "http://[::1]:80/"), Example(("'https://u:p@example.com/'",), None),
                  Example(("'https://example..com'",), None), Example(("'https://:80/'",), None),
                  Example(("'https://example.com/\u202e'",), None)),
    ),
    Function(
        "phone", "phone", (*_read("phone"), Setting("region", "text", check=refused_country)), _kind("phone"),
        "Reads a phone number, in the country given where it has no prefix, and writes it as E.164, which has no place for an "
        "extension: `ext. 5` is left out.",
        None, can_fail=True, inverse=_AS_IS, runtime="phone", cost="runtime",
    ),
    Function(
        "bool_of_text", "bool", _TEXT, _bool, "Reads `true` and `false`, nothing else.",
        lambda a, _: _choice(a, {"yes": "true", "no": "false"}), can_fail=True,
        inverse=Inverse(((0, "text_of_bool"),)),
        examples=(Example(("'true'",), "true"), Example(("'Y'",), None), Example(("'1'",), None),
                  Example(("'TRUE'",), None)),
    ),
    Function(
        "text_of_bool", "text", (Value("value", _BOOL),), lambda _, __: TEXT, "`true` or `false`.",
        lambda a, _: _chosen(a, {"yes": "true", "no": "false"}), inverse=Inverse(((0, "bool_of_text"),)),
        examples=(Example(("true",), "true"), Example(("NULL::BOOLEAN",), None)),
    ),
    Function(
        "bool_of_words", "bool", (*_TEXT, *_WORDS), _bool, "Reads a yes and a no written in a system's own words.",
        _choice, can_fail=True, inverse=Inverse(((0, "words_of_bool"),)),
        examples=(Example(("'Y'",), "true", _YN), Example(("'y'",), None, _YN), Example(("'N'",), "false", _YN)),
    ),
    Function(
        "words_of_bool", "", (Value("value", _BOOL), *_WORDS), lambda _, __: TEXT, "A system's word for yes or no.",
        _chosen, inverse=Inverse(((0, "bool_of_words"),)), examples=(Example(("false",), "N", _YN),),
    ),
    Function(
        "bool_of_numbers", "bool", (Value("value", _INT), *_WORDS), _bool, "Reads a yes and a no written as numbers.",
        _number_choice, can_fail=True, inverse=Inverse(((0, "numbers_of_bool"),)),
        examples=(Example(("1",), "true", _10), Example(("2",), None, _10)),
    ),
    Function(
        "numbers_of_bool", "", (Value("value", _BOOL), *_WORDS), lambda _, __: INT, "A system's number for yes or no.",
        lambda a, o: tree.cast(_chosen(a, o), "BIGINT"), inverse=Inverse(((0, "bool_of_numbers"),)),
        examples=(Example(("false",), "0", _10),),
    ),
)  # fmt: skip
