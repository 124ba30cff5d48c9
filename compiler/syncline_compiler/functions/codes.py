"""ISO codes and names, from the tables in ``tables/`` (``compiler/tools/make_tables.py`` says where they come from).

In: nothing. Out: countries (3166-1), subdivisions (3166-2), currencies (4217) with their minor units, languages (639-1),
their names by language, and time zones. Invariant: what is read is part of the package, so that the same specs give the same
release everywhere; names are read only when a spec uses them.
"""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Container, Iterable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

TABLES = Path(__file__).parents[1] / "tables"
_MARKS = {"Mn", "Mc", "Me"}


def _read(name: str) -> Any:
    return json.loads((TABLES / f"{name}.json").read_text(encoding="utf-8"))


COUNTRY_CODES: Mapping[str, tuple[str, str]] = {code: tuple(others) for code, others in _read("countries").items()}
"""Two letters → three letters, three digits; Kosovo by the code that users agreed on."""
COUNTRIES = tuple(COUNTRY_CODES)
_SAID_ELSEWHERE = {"UK": "GB", "EL": "GR"}
"""Codes that tax offices and others use, and ISO 3166 does not."""
LANGUAGES = tuple(_read("languages"))
_CURRENT = _read("currencies")["current"]
WITHDRAWN: Mapping[str, int] = {
    "ANG": 2, "BGN": 2, "BYR": 0, "CUC": 2, "EEK": 2, "HRK": 2, "LTL": 2, "LVL": 2, "MRO": 2, "SLL": 2, "STD": 2, "VEF": 2, "ZWL": 2,
}  # fmt: skip
"""Currencies withdrawn since 2011: invoices of the past are in them for ever."""
MINOR_UNITS: Mapping[str, int] = {
    **WITHDRAWN, **{code: units for code, (_, units) in _CURRENT.items() if units is not None and code != "XTS"},
}  # fmt: skip
"""Digits after the point of each currency; metals and units of account have none and are no money here."""
CURRENCIES = tuple(sorted(MINOR_UNITS))
CURRENCY_NUMBERS: Mapping[str, str] = {code: number for code, (number, _) in _CURRENT.items() if code in MINOR_UNITS}
NUMBER_SIGNS: Mapping[str, tuple[str, str, str]] = {code: tuple(signs) for code, signs in _read("numbers").items()}
"""Locale → decimal sign, grouping sign, sizes of the groups from the right."""


@cache
def named_languages() -> tuple[str, ...]:
    """Give the languages in which names are known."""
    return tuple(sorted(path.stem for path in (TABLES / "names").glob("*.json")))


@cache
def names_in(language: str, of: str) -> Mapping[str, tuple[str, ...]]:
    """Give code → names of ``countries`` or ``languages`` in a language, the usual one first."""
    return {code: tuple(names) for code, names in _read(f"names/{language}")[of].items()}


@cache
def subdivisions() -> Mapping[str, Mapping[str, tuple[str, ...]]]:
    """Give code → language → names; "" is the standard's own name, in a language of the country."""
    return {
        code: {language: tuple(all_names) for language, all_names in names.items()}
        for code, names in _read("subdivisions").items()
    }


@cache
def subdivision_names_in(language: str, country: str) -> Mapping[str, tuple[str, ...]]:
    """Give code → names of a country's subdivisions: in the language where there is one, and the country's own."""
    return {
        code: tuple(dict.fromkeys([*names.get(language, ()), *names[""]]))
        for code, names in subdivisions().items()
        if code.startswith(f"{country}-")
    }


@cache
def zones() -> frozenset[str]:
    """Give the names of time zones."""
    return frozenset(_read("zones"))


def refused_country(value: str) -> str | None:
    """Say what is wrong with the code of a country; None if it is one."""
    if value in COUNTRY_CODES:
        return None
    meant = _SAID_ELSEWHERE.get(value) or (value.upper() if value.upper() in COUNTRY_CODES else None) or _named(value)
    return f'"{value[:40]}" is no ISO 3166 country' + (f': write "{meant}"' if meant else "")


def _named(value: str) -> str | None:
    return by_name([names_in("en", "countries")]).get(folded(value))


def by_english_name(name: str, known: Container[str]) -> str | None:
    """Give a remedy where a language is called by its name, such as German, and its code is known."""
    code = by_name([names_in("en", "languages")]).get(folded(name), "")
    return f"did you mean `{code}`?" if code in known else None


def folded(name: str) -> str:
    """Give a name as it is compared: small letters without accents, one space for whatever else stands between.

    The same as ``names.fold`` in the engine; a test compares the two over every name of the tables.
    """
    bare = unicodedata.normalize("NFD", name)
    letters = unicodedata.normalize("NFC", "".join(sign for sign in bare if unicodedata.category(sign) not in _MARKS))
    small = (sign.lower() if len(sign.lower()) == 1 else sign for sign in letters)
    return " ".join("".join(sign if unicodedata.category(sign)[0] in "LN" else " " for sign in small).split())


def by_name(tables: Iterable[Mapping[str, tuple[str, ...]]]) -> Mapping[str, str]:
    """Give folded name → code. A name of two codes means neither, unless it is the usual one of the first that has it."""
    usual: dict[str, str] = {}
    found: dict[str, set[str]] = {}
    for table in tables:
        for code, names in table.items():
            usual.setdefault(folded(names[0]), code)
            for name in names:
                found.setdefault(folded(name), set()).add(code)
    single = {name: next(iter(codes)) for name, codes in found.items() if len(codes) == 1}
    return dict(sorted({**single, **usual}.items()))
