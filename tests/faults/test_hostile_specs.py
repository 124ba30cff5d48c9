"""Specs by people who mean harm: each is refused, with place and reason, within a second and 256 MB."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from support.soon import slowness
from syncline_compiler.project import TEMPLATE, create_project

pytestmark = pytest.mark.slow

Make = Callable[[Path], object]
HERE = Path(__file__).parent
OBJECT, SYNC, CRM, MAP = "objects/x.yaml", "syncs/account.yaml", "systems/crm.yaml", "mappings/crm_account.map"
X = "object: x\nversion: 1.0.0\nfields: {a: int}\n"
HEADER = "mapping crm.Account <-> account@1\n"
EVENT = (
    "event: x\nversion: 1.0.0\nobject: account@1\nfrom: crm.Account\ncomes_in: {webhook: /x}\nwhen: {type: a}\n"
    "at: {id: id}\nschema: "
)
MANY = 1_990
"""Almost as many as a spec may hold of one thing."""


def file(path: str, content: str | bytes) -> Make:
    def make(root: Path) -> None:
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_bytes(content.encode() if isinstance(content, str) else content)

    return make


def mapping(body: str) -> Make:
    return file(MAP, HEADER + body)


def lines(text: str, count: int) -> str:
    return "".join(text.replace("§", str(number)) for number in range(count))


def files(count: int, content: str, suffix: str = ".yaml") -> Make:
    def make(root: Path) -> None:
        (root / "many").mkdir()
        for number in range(count):
            (root / "many" / f"f{number}{suffix}").write_text(content.replace("§", str(number)))

    return make


def links(root: Path) -> None:
    (root / "secret.yaml").symlink_to("/etc/passwd")
    (root / "up").symlink_to("..")
    (root / "round").symlink_to(root)
    (root / "self.map").symlink_to(root / "self.map")


def strange_names(root: Path) -> None:
    for name in ("a\nb';DROP TABLE x;--.yaml", "\x1b[31mred.yaml", "..yaml", "`$(touch x)`.yaml", 'a"b.map'):
        (root / name).write_text("x")
    Path(os.fsdecode(os.fsencode(root) + b"/\xff\xfe.map")).write_text("x")


def sparse(root: Path) -> None:
    with (root / "big.yaml").open("wb") as stream:
        stream.truncate(1 << 40)


HOSTILE: dict[str, tuple[str, Make]] = {
    # YAML: name → the code that refuses it, and what makes it
    "alias bomb": ("SYN0003", file(OBJECT, "a: &a [x,x,x,x,x,x,x,x,x]\n" + "".join(
        f"{one}: &{one} [{','.join([f'*{before}'] * 9)}]\n" for before, one in zip("abcdefgh", "bcdefghi", strict=True)))),
    "merge keys": ("SYN0003", file(OBJECT, X + "derived: {<<: {a: b}}\n")),
    "tag that runs code": ("SYN0003", file(OBJECT, "object: !!python/object/apply:os.system ['touch pwned']\n")),
    "custom tag": ("SYN0003", file(OBJECT, "object: !include /etc/passwd\n")),
    "nested brackets": ("SYN0005", file(OBJECT, "a: " + "[" * 500_000)),
    "nested mappings": ("SYN0005", file(OBJECT, "{a: " * 150_000)),
    "nested dashes": ("SYN0005", file(OBJECT, "- " * 500_000)),
    "nested indentation": ("SYN0005", file(OBJECT, "".join(" " * depth + "a:\n" for depth in range(1400)))),
    "question marks": ("SYN0003", file(OBJECT, "? " * 500_000)),
    "a million keys": ("SYN0005", file(OBJECT, lines("k§: 1\n", 1_000_000))),
    "keys in one mebibyte": ("SYN0005", file(OBJECT, "object: x\n" + lines("k§: 1\n", 90_000))),
    "duplicate keys": ("SYN0004", file(OBJECT, "object: x\n" + "a: 1\n" * 200_000)),
    "duplicate keys in quotes": ("SYN0004", file(OBJECT, X + '"object": y\n')),
    "a sparse terabyte": ("SYN0005", sparse),
    "one byte too many": ("SYN0005", file(OBJECT, b"#" * ((1 << 20) + 1))),
    "no UTF-8": ("SYN0001", file(OBJECT, b"object: \xff\xfe\n")),
    "UTF-16": ("SYN0001", file(OBJECT, X.encode("utf-16"))),
    "overlong UTF-8": ("SYN0001", file(OBJECT, b"object: \xc0\xaf\n")),
    "a surrogate": ("SYN0001", file(OBJECT, b"object: \xed\xa0\x80\n")),
    "NUL": ("SYN0002", file(OBJECT, b"object: x\0\n")),
    "a number of a million digits": ("SYN0008", file(OBJECT, f"object: x\nversion: {'9' * 1_000_000}\n")),
    "a name of a million letters": ("SYN0008", file(OBJECT, f"object: {'x' * 1_000_000}\n")),
    "a key of a million letters": ("SYN0002", file(OBJECT, f"{'x' * 1_000_000}: 1\n")),
    "a type of a million brackets": ("SYN0207", file(OBJECT, X.replace("int", "list(" * 100_000))),
    "unknown keys": ("SYN0006", file(OBJECT, X + lines("fielsd§: 1\n", 20_000))),
    "unknown keys below": ("SYN0006", file(CRM, "system: crm\nversion: 1.0.0\nresources:\n  A:\n    id: id\n    fields:\n"
                                           + lines("      f§: {typo: text}\n", MANY))),
    "many fields": ("SYN0008", file(OBJECT, "object: x\nversion: 1.0.0\nfields:\n" + lines("  f§: text\n", 20_000))),
    "types that do not exist": ("SYN0207", file(OBJECT, "object: x\nversion: 1.0.0\nfields:\n"
                                                + lines("  f§: texxt(§)\n", MANY))),
    "meanings that do not exist": ("SYN0209", file("codes/x.yaml", "codes: x\nversion: 1.0.0\nfor: account.status\nrows:\n"
                                                   + lines("  A§: prospekt§\n", 24_000))),
    "members of nothing": ("SYN0202", file(SYNC, "sync: account\nobject: account@1\nmembers:\n"
                                           + lines("  m§: crmm§.Acount\n", MANY))),
    "owners of nothing": ("SYN0203", file(SYNC, "sync: account\nobject: account@1\nmembers: {crm: crm.Account}\nowners:\n"
                                          + lines("  nname§: crn\n", MANY))),
    "imports of nothing": ("SYN0210", file("syncline.yaml", "syncline: 1\nproject: a\nimports:\n  objects: ["
                                           + lines("acount§@1, ", MANY) + "]\n")),
    "an import from elsewhere": ("SYN0008", file("syncline.yaml", "syncline: 1\nproject: a\nimports:\n"
                                                 '  objects: ["../../../etc/passwd@1"]\n')),
    # JSON Schemas
    "a schema from the network": ("SYN0216", file("events/x.yaml", EVENT + '{$ref: "http://127.0.0.1:9/x"}\n')),
    "a schema from the disk": ("SYN0216", file("events/x.yaml", EVENT + '{$ref: "file:///etc/passwd"}\n')),
    # expressions
    "a sum of a megabyte": ("SYN0102", mapping("email <- " + " + ".join(["email"] * 130_000) + "\n")),
    "a sum as long as may be": ("SYN0102", mapping("email <- " + " + ".join(["email"] * 16_000) + "\n")),
    "a condition as long as may be": ("SYN0102", mapping("take when " + " and ".join(["email is not null"] * 6_000) + "\n")),
    "conditions in conditions": ("SYN0102", mapping(
        "take when " + " and ".join(f'(email is null or name == "{number}")' for number in range(3_000)) + "\n")),
    "steps as long as may be": ("SYN0102", mapping("email <- email" + " | trim" * 18_000 + "\n")),
    "brackets": ("SYN0102", mapping("email <- " + "(" * 500_000 + "email" + ")" * 500_000 + "\n")),
    "open brackets": ("SYN0102", mapping("email <- " + "(" * 120_000 + "\n")),
    "not not": ("SYN0102", mapping("take when " + "not " * 32_000 + "true\n")),
    "a case as long as may be": ("SYN0102", mapping(
        "email <- case " + 'when email == "a" then "b" ' * 4_700 + "else email end\n")),
    "a list as long as may be": ("SYN0102", mapping(
        "take when email in (" + ",".join(f'"{number}"' for number in range(16_000)) + ")\n")),
    "arguments as many as may be": ("SYN0102", mapping("email <- concat(" + ",".join(["email"] * 21_000) + ")\n")),
    "a let that doubles": ("SYN0102", mapping("let a0 = email + email\n" + "".join(
        f"let a{number + 1} = a{number} + a{number}\n" for number in range(60)) + "email <- a60\n")),
    "lets": ("SYN0102", mapping(lines("let a§ = email\n", 7_000))),
    "lines that name nothing": ("SYN0203", mapping(lines("feild_§ <-> nativ_§\n", 4_500))),
    "lines that cannot be read": ("SYN0101", mapping(lines("x <- (\n", 18_000))),
    "the same line": ("SYN0310", mapping("name <-> name\n" * 9_000)),
    "blocks": ("SYN0203", mapping("contacts <-> each contacts {\n}\n" * 4_000)),
    "braces": ("SYN0101", mapping("{" * 120_000)),
    "zones that do not exist": ("SYN0304", mapping(lines('name <- updated_at | local "Europe/Berlim§" | text\n', 1_900))),
    "an expression of a megabyte in YAML": ("SYN0102", file(OBJECT, X + "derived: {d: " + " + ".join(["a"] * 250_000) + "}\n")),
    "an expression as long as may be in YAML": ("SYN0102", file(OBJECT, X + "derived: {d: " + "+".join(["a"] * 8_000) + "}\n")),
    "derived fields in a circle": ("SYN0106", file(OBJECT, X + "derived:\n" + "".join(
        f"  d{number}: d{(number + 1) % MANY} + 1\n" for number in range(MANY)))),
    "derived fields in a chain": ("SYN0102", file(OBJECT, X + "derived:\n  d0: a\n" + "".join(
        f"  d{number + 1}: d{number} + 1\n" for number in range(MANY)))),
    "derived fields that double": ("SYN0102", file(OBJECT, X + "derived:\n  d0: a\n" + "".join(
        f"  d{number + 1}: case when d{number} > 0 then d{number} else 0 end\n" for number in range(60)))),
    # regular expressions
    "a pattern that backtracks": ("SYN0313", mapping('take when matches(name, "' + "(a+)+" * 300 + '$")\n')),
    "a pattern of brackets": ("SYN0313", mapping('take when matches(name, "' + "(" * 450 + "a" + ")*" * 180 + '")\n')),
    "a pattern that repeats repeats": ("SYN0313", mapping('take when matches(name, "(((a{1,99}){1,99}){1,99}){1,99}")\n')),
    "a pattern of all letters": ("SYN0313", mapping('take when matches(name, "' + r"\\p{L}{1000}" * 80 + '")\n')),
    "a pattern that looks back": ("SYN0313", mapping(r'take when matches(name, "(a)\\1")' + "\n")),
    "many heavy patterns": ("SYN0313", mapping(lines(r'reject when matches(name, "\\pL{§}[a-z]") because "x"' + "\n", 999))),
    # folders
    "100,000 files": ("SYN0005", files(100_000, "")),
    "many folders": ("SYN0005", lambda root: [(root / f"d{number}").mkdir() for number in range(25_000)]),
    "files of no kind": ("SYN0009", files(5_000, "a")),
    "mappings of nothing": ("SYN0202", files(2_000, "mapping a.B <-> c\nx <- y\n", ".map")),
    "links": ("SYN0001", links),
    "a pipe": ("SYN0001", lambda root: os.mkfifo(root / "pipe.yaml")),
    "strange names": ("SYN0009", strange_names),
    "mappings as large as may be": ("SYN0102", files(8, "mapping a.B <-> c\n" + "x <-> y\n" * 120_000, ".map")),
}  # fmt: skip
PARTNER = (TEMPLATE / "mappings/erp_partner.map").read_text()
HARMLESS: dict[str, Make] = {
    "a long comment": file("mappings/erp_partner.map", "#" * 120_000 + "\n" + PARTNER),
    "deep folders": lambda root: root.joinpath(*["d"] * 900).mkdir(parents=True),
    "other people's files": lambda root: [(root / f"{number}.txt").touch() for number in range(50_000)],
    "a pattern that backtracks elsewhere": file(
        "mappings/erp_partner.map", PARTNER + 'reject when matches(title, "(a|aa)+$") because "no"\n'),
    "a long code table": file("codes/x.yaml", "codes: x\nversion: 1.0.0\nrows:\n" + lines("  A§: b\n", 24_000)),
    "many fields": file(OBJECT, "object: x\nversion: 1.0.0\nfields:\n" + lines("  f§: text\n", MANY)),
}  # fmt: skip
"""What is large and means no harm is read, within the same bounds."""


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("sound") / "shop"
    create_project(root)
    return root


@pytest.fixture(scope="module")
def outcomes(sound: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Any]]:
    """What came of every hostile project."""
    folder = tmp_path_factory.mktemp("hostile")
    roots = {}
    made = {
        **{name: make for name, (_, make) in HOSTILE.items()},
        **{f"{name}, read": make for name, make in HARMLESS.items()},
    }
    for number, (name, make) in enumerate(made.items()):
        roots[name] = folder / str(number)
        shutil.copytree(sound, roots[name])
        make(roots[name])
    slow = slowness()
    printed = subprocess.run(
        [sys.executable, HERE / "hostile.py", sound, *roots.values()], capture_output=True, text=True, check=True
    ).stdout.splitlines()
    slow = max(slow, slowness())
    yield {name: {"slow": slow, **json.loads(line)} for name, line in zip(roots, printed, strict=True)}
    shutil.rmtree(folder)


@pytest.mark.parametrize("name", HOSTILE)
def test_refused_with_place_and_reason(outcomes: dict[str, Any], name: str) -> None:
    outcome = outcomes[name]
    assert outcome.get("failed"), outcome
    assert HOSTILE[name][0] in outcome["codes"]
    assert outcome["place"].count(":") >= 2
    assert 0 < len(outcome["said"]) < 10_000


@pytest.mark.parametrize("name", HARMLESS)
def test_harmless_is_read(outcomes: dict[str, Any], name: str) -> None:
    assert set(outcomes[f"{name}, read"]["codes"]) <= {"SYN0932"}


@pytest.mark.parametrize("name", [*HOSTILE, *(f"{name}, read" for name in HARMLESS)])
def test_within_a_second_and_256_megabytes(outcomes: dict[str, Any], name: str) -> None:
    outcome = outcomes[name]
    assert outcome["seconds"] <= outcome["slow"]  # a second of a quiet machine
    assert outcome["megabytes"] <= 256
    assert outcome["shown"] <= 1_000_000
