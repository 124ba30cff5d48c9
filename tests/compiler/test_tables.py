"""The tables of codes and names: as current as they claim, and compared in the engine as when compiling."""

from __future__ import annotations

import json
import re

import pytest
from sqlglot import exp

from language import engine
from syncline_compiler.functions import codes, names


def test_currencies_are_those_of_2026() -> None:
    current = json.loads((codes.TABLES / "currencies.json").read_text())
    assert current["published"] >= "2026-01-01"
    assert {"XCG", "XAD", "VED", "SLE", "ZWG"} <= set(current["current"])  # amendments 176, 179, 170, 171, 177
    assert {"ANG", "BGN", "HRK"} & set(current["current"]) == set()  # replaced by XCG and twice by EUR
    assert {"ANG", "BGN", "HRK"} <= set(codes.CURRENCIES)  # invoices of the past


@pytest.mark.parametrize(
    ("currency", "digits"),
    [("EUR", 2), ("JPY", 0), ("ISK", 0), ("KWD", 3), ("TND", 3), ("CLF", 4), ("UGX", 0), ("HUF", 2)],
)
def test_minor_units(currency: str, digits: int) -> None:
    assert codes.MINOR_UNITS[currency] == digits


def test_codes_have_their_shapes() -> None:
    assert len(codes.COUNTRIES) == 250  # 249 of ISO 3166-1, and Kosovo
    assert all(re.fullmatch("[A-Z]{2}", code) for code in codes.COUNTRIES)
    assert all(re.fullmatch("[A-Z]{3} [0-9]{3}", " ".join(others)) for others in codes.COUNTRY_CODES.values())
    assert all(re.fullmatch("[a-z]{2}", code) for code in codes.LANGUAGES)
    assert all(re.fullmatch("[A-Z]{2}-[A-Z0-9]{1,3}", code) for code in codes.subdivisions())
    assert len({number for number, _ in codes._CURRENT.values()}) == len(codes._CURRENT)


def _all_names() -> set[str]:
    tables = [codes.names_in(language, of) for language in codes.named_languages() for of in ("countries", "languages")]
    found = {name for table in tables for all_names in table.values() for name in all_names}
    return found | {name for by in codes.subdivisions().values() for all_names in by.values() for name in all_names}


def test_names_are_compared_in_the_engine_as_when_compiling() -> None:
    listed = sorted(_all_names())
    fold = names.fold(exp.column("name")).sql("duckdb")
    found = engine().execute(f"SELECT name, {fold} FROM (SELECT unnest(?::VARCHAR[]) AS name)", [listed]).fetchall()
    assert {name: there for name, there in found if there != codes.folded(name)} == {}
    assert len(listed) > 40_000


@pytest.mark.parametrize("language", codes.named_languages())
def test_names_are_read_back(language: str) -> None:
    countries = dict(names._named("countries", language, ""))
    assert len(countries) > 190
    by_name = codes.by_name([codes.names_in(language, "countries")])
    assert all(by_name[codes.folded(name)] == code for code, name in countries.items())


@pytest.mark.parametrize(
    ("name", "code"),
    [("United States of America", "US"), ("USA", "US"), ("UK", "GB"), ("Great Britain", "GB"), ("Korea, Republic of", "KR"),
     ("Russian Federation", "RU"), ("Viet Nam", "VN"), ("Czech Republic", "CZ"), ("Turkey", "TR"), ("Côte d’Ivoire", "CI"),
     ("Cote d'Ivoire", "CI"), ("Ivory Coast", "CI"), ("Holland", "NL"), ("South Korea", "KR"), ("Hong Kong", "HK")],
)  # fmt: skip
def test_english_names_that_systems_send(name: str, code: str) -> None:
    assert codes.by_name([codes.names_in("en", "countries")])[codes.folded(name)] == code


def test_the_engine_knows_every_zone() -> None:
    known = {name for (name,) in engine().execute("SELECT name FROM pg_timezone_names()").fetchall()}
    assert codes.zones() <= known
