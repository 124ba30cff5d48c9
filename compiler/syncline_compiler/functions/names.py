"""Countries, subdivisions, languages and currencies by other codes and by their names in many languages.

A name is compared without accents, case and punctuation. The names stand in the SQL as a constant table, so that a plan
needs nothing beside itself.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cache

from syncline_compiler.functions import codes, tree
from syncline_compiler.functions.function import Example, Function, Inverse, Options, Setting, Value
from syncline_compiler.functions.kinds import TEXTUAL
from syncline_compiler.model.types import CURRENCY, Kind, Type
from syncline_compiler.spelling import did_you_mean
from syncline_compiler.sql_tree import Tree, exp

_BETWEEN = r"[^\p{L}\p{N}]+"
_TEXT = (Value("value", TEXTUAL),)
_COUNTRY, _LANGUAGE, _SUBDIVISION = Type("country"), Type("language"), Type("subdivision")

Build = Callable[[Sequence[Tree], Options], Tree]
Pairs = Sequence[tuple[str, str]]


def fold(node: Tree) -> Tree:
    """Give a name as it is compared: see ``codes.folded``."""
    small = exp.Lower(this=tree.call("STRIP_ACCENTS", node))
    return exp.Trim(this=tree.call("REGEXP_REPLACE", small, tree.text(_BETWEEN), tree.text(" "), tree.text("g")))


def looked_up(node: Tree, pairs: Pairs) -> Tree:
    """Give what a constant table says of a value; null where it has no row."""
    keys, found = (exp.Array(expressions=[tree.text(pair[side]) for pair in pairs]) for side in (0, 1))
    return tree.call("MAP_EXTRACT_VALUE", tree.call("MAP", keys, found), node)


def _given(result: Type) -> Callable[[Sequence[Type], Options], Type]:
    return lambda _, __: result


def _spoken(options: Options) -> list[str]:
    return options["language"].split()


@cache
def _names(of: str, language: str, country: str) -> Mapping[str, tuple[str, ...]]:
    return codes.subdivision_names_in(language, country) if of == "subdivisions" else codes.names_in(language, of)


@cache
def _by_name(of: str, languages: str, country: str) -> Pairs:
    return tuple(codes.by_name(_names(of, language, country) for language in languages.split()).items())


@cache
def _named(of: str, languages: str, country: str) -> Pairs:
    """Give code → the name that is read as this code again."""
    back = dict(_by_name(of, languages, country))
    first = _names(of, languages.split()[0], country)
    return tuple((code, names[0]) for code, names in sorted(first.items()) if back.get(codes.folded(names[0])) == code)


def _of_name(of: str) -> Build:
    return lambda a, o: looked_up(fold(a[0]), _by_name(of, o["language"], o.get("country", "")))


def _to_name(of: str) -> Build:
    return lambda a, o: looked_up(a[0], _named(of, o["language"], o.get("country", "")))


def _name_length(of: str) -> Callable[[Sequence[Type], Options], Type]:
    def result(_: Sequence[Type], options: Options) -> Type:
        pairs = _named(of, options["language"], options.get("country", ""))
        return Type("text", length=max((len(name) for _, name in pairs), default=1))

    return result


def _language(value: str) -> str | None:
    known = codes.named_languages()
    wrong = next((word for word in value.split() if word not in known), None if value.split() else "")
    if wrong is None:
        return None
    remedy = codes.by_english_name(wrong, known) or did_you_mean(wrong, known, kind="languages")
    return f'no names are known in "{wrong[:40]}": {remedy}'


def _country(value: str) -> str | None:
    return codes.refused_country(value)


@cache
def _subdivision_pattern(country: str) -> str:
    groups: dict[str, list[str]] = {}
    for code in codes.subdivisions():
        groups.setdefault(code[:2], []).append(code[3:])
    chosen = [country] if country else sorted(groups)
    return "|".join(f"{one}-(?:{'|'.join(groups[one])})" for one in chosen if one in groups) or "-"


def subdivision(arguments: Sequence[Tree], options: Options) -> Tree:
    """Check an ISO 3166-2 code against the list of all."""
    return tree.matched(exp.Upper(this=arguments[0]), _subdivision_pattern(options.get("country", "")))


def _joined(arguments: Sequence[Tree], _: Options) -> Tree:
    value, country = arguments
    return subdivision([exp.DPipe(this=exp.DPipe(this=country, expression=tree.text("-")), expression=value)], {})


def _prefixed(arguments: Sequence[Tree], options: Options) -> Tree:
    country = tree.text(f"{options['country']}-")
    return subdivision([exp.DPipe(this=country, expression=tree.operand(arguments[0]))], options)


def _only(arguments: Sequence[Tree], options: Options) -> Tree:
    mine = tree.call("STARTS_WITH", arguments[0], tree.text(f"{options['country']}-"))
    return tree.when((mine, _part(arguments, options)))


def _part(arguments: Sequence[Tree], _: Options) -> Tree:
    return tree.call("SUBSTRING", arguments[0], tree.number(4))


def _other(pairs: Pairs) -> tuple[Build, Build]:
    """Give a reading of another code, with small or large letters, and the way back."""
    back = tuple((other, code) for code, other in pairs)
    return (lambda a, _: looked_up(exp.Upper(this=a[0]), back)), (lambda a, _: looked_up(a[0], pairs))


def _kind(kind: Kind) -> tuple[Value, ...]:
    return (Value("value", frozenset({kind})),)


_of_alpha3, _to_alpha3 = _other([(code, others[0]) for code, others in codes.COUNTRY_CODES.items()])
_of_numeric, _to_numeric = _other([(code, others[1]) for code, others in codes.COUNTRY_CODES.items()])
_of_number, _to_number = _other(list(codes.CURRENCY_NUMBERS.items()))
_NAME = Setting("by", "word", ("name",))
_LANGUAGES = Setting("language", "text", check=_language)
_IN = Setting("country", "text", check=_country)
_ALPHA3, _NUMERIC = Setting("by", "word", ("alpha3",)), Setting("by", "word", ("numeric",))
_DE, _DE_EN, _US = {"language": "de"}, {"language": "de en"}, {"country": "US"}
_BAVARIA = {"language": "en", "country": "DE"}

FUNCTIONS = (
    Function(
        "country_of_name", "country", (*_TEXT, _NAME, _LANGUAGES), _given(_COUNTRY),
        'Reads the name of a country in one language or several, as `country name "de en"`; accents, case and punctuation '
        "do not count. A two-way line writes the name in the first language.",
        _of_name("countries"), can_fail=True, inverse=Inverse(((0, "name_of_country"),)), cost="table",
        examples=(
            Example(("'Österreich'",), "AT", _DE), Example(("'OSTERREICH '",), "AT", _DE), Example(("'Austria'",), None, _DE),
            Example(("'Austria'",), "AT", _DE_EN), Example(("'Korea, Republic of'",), "KR", _DE_EN),
            Example(("'Elbonia'",), None, _DE_EN),
        ),
    ),
    Function(
        "name_of_country", "name", (*_kind("country"), _LANGUAGES), _name_length("countries"),
        "The name of a country in a language.", _to_name("countries"), can_fail=True, cost="table",
        inverse=Inverse(((0, "country_of_name"),)),
        examples=(Example(("'AT'",), "Österreich", _DE), Example(("'??'",), None, _DE)),
    ),
    Function(
        "country_of_alpha3", "country", (*_TEXT, _ALPHA3), _given(_COUNTRY),
        "Reads an ISO 3166 code of three letters, as `country alpha3`.", _of_alpha3, can_fail=True,
        inverse=Inverse(((0, "alpha3_of_country"),)), cost="table",
        examples=(Example(("'deu'",), "DE"), Example(("'DE'",), None)),
    ),
    Function(
        "alpha3_of_country", "alpha3", _kind("country"), _given(Type("text", length=3)),
        "The ISO 3166 code of three letters.", _to_alpha3, can_fail=True, inverse=Inverse(((0, "country_of_alpha3"),)),
        cost="table", examples=(Example(("'DE'",), "DEU"), Example(("'??'",), None)),
    ),
    Function(
        "country_of_numeric", "country", (*_TEXT, _NUMERIC), _given(_COUNTRY),
        "Reads an ISO 3166 code of three digits, as payment terminals send it: `country numeric`.", _of_numeric,
        can_fail=True, inverse=Inverse(((0, "numeric_of_country"),)), cost="table",
        examples=(Example(("'276'",), "DE"), Example(("'040'",), "AT"), Example(("'40'",), None)),
    ),
    Function(
        "numeric_of_country", "numeric", _kind("country"), _given(Type("text", length=3)),
        "The ISO 3166 code of three digits.", _to_numeric, can_fail=True, inverse=Inverse(((0, "country_of_numeric"),)),
        cost="table", examples=(Example(("'AT'",), "040"), Example(("'??'",), None)),
    ),
    Function(
        "currency_of_numeric", "currency", (*_TEXT, _NUMERIC), _given(CURRENCY),
        "Reads an ISO 4217 code of three digits, as payment terminals send it: `currency numeric`.", _of_number,
        can_fail=True, inverse=Inverse(((0, "numeric_of_currency"),)), cost="table",
        examples=(Example(("'978'",), "EUR"), Example(("'036'",), "AUD"), Example(("'000'",), None)),
    ),
    Function(
        "numeric_of_currency", "numeric", _kind("currency"), _given(Type("text", length=3)),
        "The ISO 4217 code of three digits.", _to_number, can_fail=True, inverse=Inverse(((0, "currency_of_numeric"),)),
        cost="table", examples=(Example(("'EUR'",), "978"), Example(("'BGN'",), None)),
    ),
    Function(
        "language_of_name", "language", (*_TEXT, _NAME, _LANGUAGES), _given(_LANGUAGE),
        'Reads the name of a language in one language or several, as `language name "en"`.', _of_name("languages"),
        can_fail=True, inverse=Inverse(((0, "name_of_language"),)), cost="table",
        examples=(Example(("'Französisch'",), "fr", _DE), Example(("'klingonisch'",), None, _DE)),
    ),
    Function(
        "name_of_language", "name", (*_kind("language"), _LANGUAGES), _name_length("languages"),
        "The name of a language in a language.", _to_name("languages"), can_fail=True, cost="table",
        inverse=Inverse(((0, "language_of_name"),)),
        examples=(Example(("'fr'",), "Französisch", _DE), Example(("'??'",), None, _DE)),
    ),
    Function(
        "language_of_tag", "language", (*_TEXT, Setting("by", "word", ("tag",))), _given(_LANGUAGE),
        "The language of a locale such as `de-AT` or `en_US`, as `language tag`; the region is left out.",
        lambda a, _: tree.matched(
            tree.call("SPLIT_PART", exp.Lower(this=tree.call("REPLACE", a[0], tree.text("_"), tree.text("-"))), tree.text("-"),
                      tree.number(1)), "|".join(codes.LANGUAGES)),
        can_fail=True, cost="pattern",
        examples=(Example(("'en_US'",), "en"), Example(("'de-AT'",), "de"), Example(("'xx-DE'",), None)),
    ),
    Function(
        "subdivision_of_name", "subdivision", (*_TEXT, _NAME, _LANGUAGES, _IN), _given(_SUBDIVISION),
        'Reads the name of a state or province of one country, as `subdivision name "en" "DE"`; the name in a language of '
        "the country is known too.",
        _of_name("subdivisions"), can_fail=True, inverse=Inverse(((0, "name_of_subdivision"),)), cost="table",
        examples=(Example(("'Bavaria'",), "DE-BY", _BAVARIA), Example(("'Bayern'",), "DE-BY", _BAVARIA),
                  Example(("'Tirol'",), None, _BAVARIA)),
    ),
    Function(
        "name_of_subdivision", "name", (*_kind("subdivision"), _LANGUAGES, _IN), _name_length("subdivisions"),
        "The name of a state or province in a language, or in a language of the country where there is none.",
        _to_name("subdivisions"), can_fail=True, inverse=Inverse(((0, "subdivision_of_name"),)), cost="table",
        examples=(Example(("'DE-BY'",), "Bavaria", _BAVARIA), Example(("'AT-7'",), None, _BAVARIA)),
    ),
    Function(
        "subdivision_in", "subdivision", (*_TEXT, _IN), _given(_SUBDIVISION),
        'Reads the code of a state or province within its country, such as CA with `subdivision "US"`.', _prefixed,
        can_fail=True, inverse=Inverse(((0, "part_in"),)), cost="pattern",
        examples=(Example(("'ca'",), "US-CA", _US), Example(("'BY'",), None, _US)),
    ),
    Function(
        "part_in", "", (*_kind("subdivision"), _IN), _given(Type("text", length=3)),
        "The code of a state or province within one country; fails for another.", _only, can_fail=True,
        inverse=Inverse(((0, "subdivision_in"),)),
        examples=(Example(("'US-CA'",), "CA", _US), Example(("'DE-BY'",), None, _US)),
    ),
    Function(
        "subdivision_of", "subdivision", (*_TEXT, Value("country", frozenset({"country"}), reads="country")), _given(_SUBDIVISION),
        "Reads the code of a state or province within the country beside it: `subdivision(State, Country)`.", _joined,
        can_fail=True, inverse=Inverse(((0, "part_of_subdivision"), (1, "country_of_subdivision"))), cost="pattern",
        examples=(Example(("'ca'", "'US'"), "US-CA"), Example(("'BY'", "'US'"), None)),
    ),
    Function(
        "part_of_subdivision", "part", _kind("subdivision"), _given(Type("text", length=3)),
        "The code of a state or province within its country.", _part, examples=(Example(("'US-CA'",), "CA"),),
    ),
    Function(
        "country_of_subdivision", "country", _kind("subdivision"), _given(_COUNTRY),
        "The country of a state or province.",
        lambda a, _: exp.Left(this=a[0], expression=tree.number(2)), examples=(Example(("'US-CA'",), "US"),),
    ),
)  # fmt: skip
