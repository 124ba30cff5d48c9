"""Personal data on its way into systems."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import pytest

from syncline_compiler.pipeline import Compilation
from syncline_compiler.source import SourceFile

Check = Callable[[Mapping[str, str]], Compilation]
Template = dict[str, SourceFile]

OBJECT, ERP_MAP = "objects/account.yaml", "mappings/erp_partner.map"


def said(check: Check, template: Template, cleared: str, *, line: str = "", derived: str = "") -> list[str]:
    erp = template["systems/erp.yaml"].text.replace("protocol: rest", f"protocol: rest\n{cleared}")
    account = template[OBJECT].text.replace("identity:", f"{derived}\nidentity:")
    mapping = template[ERP_MAP].text
    if line:
        mapping = mapping.replace("email        <-> mail | email", line)
    found = check({"systems/erp.yaml": erp, OBJECT: account, ERP_MAP: mapping}).diagnostics
    return [f"{one.code} {one.label}" for one in found]


KIND = "SYN0711 `email` holds personal data of kind `contact`"


@pytest.mark.parametrize(
    ("cleared", "line", "found"),
    [
        ("", "", []),
        ("cleared_for: [contact]", "", []),
        ("cleared_for: [business]", "", [KIND]),
        ("cleared_for: []", "", [KIND]),
        ("cleared_for: []", "email <- mail | email", []),
        ("cleared_for: []", 'email <- mail | email\nemail ?? "no@x.example" -> mail', [KIND]),
        ("cleared_for: []", "email <- mail | email\nreach -> mail", [KIND]),
    ],
)
def test_what_is_sent(check: Check, template: Template, cleared: str, line: str, found: list[str]) -> None:
    derived = 'derived: {reach: "email ?? name", to: reach}'
    assert said(check, template, cleared, line=line, derived=derived) == found


def test_parts_are_sent_too(check: Check, template: Template) -> None:
    person = "object: person\nversion: 1.0.0\nfields: {number: int, phone: {type: text(20)?, pii: contact}}\n"
    erp = template["systems/erp.yaml"].text.replace("protocol: rest", "protocol: rest\ncleared_for: []")
    erp = erp.replace("      mail: text\n", "      mail: text\n      people: list\n")
    account = template[OBJECT].text.replace("identity:", "parts: {people: {of: person, key: number}}\nidentity:")
    each = 'email <- mail | email\npeople <-> each people {\n  number <-> n | int else reject "no number"\n  phone <-> p\n}'
    mapping = template[ERP_MAP].text.replace("email        <-> mail | email", each)
    files = {"systems/erp.yaml": erp, OBJECT: account, ERP_MAP: mapping, "objects/person.yaml": person}
    found = [one.label for one in check(files).diagnostics if one.code == "SYN0711"]
    assert found == ["`phone` holds personal data of kind `contact`"]


@pytest.mark.parametrize(
    ("tag", "get", "codes"),
    [
        ("", "email", ["SYN0713"]),
        (", pii: contact", "email", []),
        ("", 'case when mail is null then null else "known@x.example" end', ["SYN0713"]),
    ],
)
def test_a_tag_that_is_lost(check: Check, template: Template, tag: str, get: str, codes: list[str]) -> None:
    erp = template["systems/erp.yaml"].text.replace("      mail: text\n", "      mail: {type: text, pii: contact}\n")
    account = template[OBJECT].text.replace(", pii: contact", tag)
    line = "email <- mail | email" if get == "email" else f"email <- {get} | email"
    mapping = template[ERP_MAP].text.replace("email        <-> mail | email", line)
    found = check({"systems/erp.yaml": erp, OBJECT: account, ERP_MAP: mapping}).diagnostics
    assert [one.code for one in found] == codes
