"""Make the tables of ISO codes and names in ``compiler/syncline_compiler/tables`` from the libraries that keep them.

In: the Python packages iso3166 (MIT), iso3166-2 (MIT), iso4217 (public domain) and tzdata (Apache-2.0), and the unpacked
npm packages of CLDR (Unicode-3.0) in the folder given. Out: JSON that is checked in, so that the same specs give the same
release on every machine, whatever is installed there::

    python -m venv .tables && .tables/bin/pip install iso3166 iso3166-2 iso4217 tzdata
    for p in core localenames-full numbers-full subdivisions-full; do npm pack cldr-$p && mkdir cldr-$p &&
      tar xzf cldr-$p-[0-9]*.tgz -C cldr-$p --strip 1; done
    .tables/bin/python compiler/tools/make_tables.py .
"""

from __future__ import annotations

import json
import re
import sys
import unicodedata
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import iso3166
import iso3166_2
import iso4217
import tzdata

TABLES = Path(__file__).parents[1] / "syncline_compiler" / "tables"
WITHDRAWN = {"mo", "sh"}
"""Language codes that CLDR names still and ISO 639 has withdrawn."""
EVERYDAY = {
    "US": ["USA", "U.S.A."], "GB": ["Great Britain"], "NL": ["Holland", "The Netherlands"], "AE": ["UAE"], "VA": ["Vatican"],
    "MK": ["Macedonia"], "BS": ["The Bahamas"], "GM": ["The Gambia"], "PH": ["The Philippines"],
}  # fmt: skip
"""English names that people write and no list has."""
_VARIANT = re.compile(r"^(?P<code>[A-Z]{2}|[a-z]{2})(?:-alt-[a-z]+)?$")


def main(cldr: Path) -> None:
    """Write every table."""
    core = _json(cldr / "cldr-core/coverageLevels.json")
    levels = core.get("coverageLevels") or core["effectiveCoverageLevels"]
    languages = sorted(code for code, level in levels.items() if level == "modern")
    countries = {one.alpha2: one for one in iso3166.countries}
    spoken = sorted(code for code in _names(cldr, "en", "languages") if len(code) == 2 and code not in WITHDRAWN)
    _write("countries", {code: [one.alpha3, one.numeric] for code, one in countries.items()})
    _write("languages", spoken)
    _write("currencies", _currencies())
    _write("numbers", _numbers(cldr, languages))
    _write("subdivisions", _subdivisions(cldr))
    _write("zones", (Path(tzdata.__file__).parent / "zones").read_text().split())
    for language in languages:
        names: dict[str, dict[str, list[str]]] = {
            "countries": {
                code: names for code, names in _names(cldr, language, "territories").items() if code in countries
            },
            "languages": {code: names for code, names in _names(cldr, language, "languages").items() if len(code) == 2},
        }
        if language == "en":
            for code, one in countries.items():
                names["countries"][code] = _distinct(
                    [*names["countries"][code], one.apolitical_name, one.name, *EVERYDAY.get(code, [])]
                )
        _write(f"names/{language}", names)
    sources = {f"cldr-{name}": _json(cldr / f"cldr-{name}/package.json")["version"]
               for name in ("localenames-full", "numbers-full", "subdivisions-full")}  # fmt: skip
    sources |= {name: version(name) for name in ("iso3166", "iso3166-2", "iso4217", "tzdata")}
    _write("sources", sources)


def _names(cldr: Path, language: str, kind: str) -> dict[str, list[str]]:
    """Code → names, the usual one first."""
    found = _json(cldr / f"cldr-localenames-full/main/{language}/{kind}.json")["main"][language]
    names: dict[str, list[str]] = {}
    for key, name in found["localeDisplayNames"][kind].items():
        match = _VARIANT.match(key)
        if match and name != match["code"]:
            place = names.setdefault(match["code"], [])
            place.append(_nfc(name)) if "-alt-" in key else place.insert(0, _nfc(name))
    return {code: _distinct(all_names) for code, all_names in sorted(names.items())}


def _currencies() -> dict[str, Any]:
    """Give current codes with their number and the digits of their smallest unit; None where there is none."""
    table = ElementTree.parse(Path(iso4217.__file__).parent / "table.xml").getroot()
    rows: dict[str, list[str | int | None]] = {}
    for entry in table.iter("CcyNtry"):
        code, number, units = (entry.findtext(tag) for tag in ("Ccy", "CcyNbr", "CcyMnrUnts"))
        if code is not None:
            rows[code] = [number, int(units) if units and units.isdigit() else None]
    return {"published": table.attrib["Pblshd"], "current": dict(sorted(rows.items()))}


def _numbers(cldr: Path, languages: list[str]) -> dict[str, list[str]]:
    """Locale → decimal sign, grouping sign, sizes of groups; regions only where they differ from their language."""
    found: dict[str, list[str]] = {}
    for folder in sorted((cldr / "cldr-numbers-full/main").iterdir(), key=lambda folder: folder.name):
        language = folder.name.split("-")[0]
        if folder.name not in languages and not re.fullmatch(r"[a-z]{2}-[A-Z]{2}", folder.name):
            continue
        numbers = _json(folder / "numbers.json")["main"][folder.name]["numbers"]
        symbols = numbers.get("symbols-numberSystem-latn")
        if symbols is None or language not in languages:
            continue
        pattern = numbers["decimalFormats-numberSystem-latn"]["standard"].split(";")[0].split(".")[0]
        groups = [str(len(part)) for part in pattern.split(",")[1:]]
        signs = [symbols["decimal"], symbols["group"], "-".join(reversed(groups))]
        if found.get(language) != signs:
            found[folder.name] = signs
    return found


def _subdivisions(cldr: Path) -> dict[str, dict[str, list[str]]]:
    """Code → language → names; "" holds the names of the standard itself, which are in the country's own language."""
    listed = _json(Path(iso3166_2.__file__).parent / "iso3166-2.json")
    english = _json(cldr / "cldr-subdivisions-full/subdivisions/en/en.json")["subdivisions"]["localeDisplayNames"]
    codes = _two_letter_languages(cldr)
    found: dict[str, dict[str, list[str]]] = {}
    for rows in listed.values():
        for code, row in rows.items():
            names = {"": [_nfc(row["name"])]}
            name = english["subdivisions"].get(code.replace("-", "").lower())
            if name:
                names["en"] = [_nfc(name)]
            for other, language in re.findall(r"([^,(]+?) \((\w+)\)", row.get("localOtherName") or ""):
                if language in codes:
                    names.setdefault(codes[language], []).append(_nfc(other))
            found[code] = {language: _distinct(all_names) for language, all_names in sorted(names.items())}
    return dict(sorted(found.items()))


def _two_letter_languages(cldr: Path) -> Mapping[str, str]:
    aliases = _json(cldr / "cldr-core/supplemental/aliases.json")["supplemental"]["metadata"]["alias"]["languageAlias"]
    return {
        code: alias["_replacement"]
        for code, alias in aliases.items()
        if len(code) == 3 and re.fullmatch("[a-z]{2}", alias["_replacement"]) and alias["_reason"] == "overlong"
    }


def _distinct(names: list[str]) -> list[str]:
    return list(dict.fromkeys(names))


def _nfc(text: str) -> str:
    return unicodedata.normalize("NFC", " ".join(text.split()))


def _json(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))


def _write(name: str, table: object) -> None:
    path = TABLES / f"{name}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    text = json.dumps(table, ensure_ascii=False, separators=(",", ":"), sort_keys=isinstance(table, dict))
    # One entry a line, so that an update can be read as a difference.
    path.write_text(re.sub(r'(?<=[\]}]),(?=")', ",\n", text) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
