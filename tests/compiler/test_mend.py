"""Edits that mend: which are certain, and what ``check --fix`` makes of a project."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from click.testing import CliRunner

from syncline_compiler.cli_check import check as command
from syncline_compiler.pipeline import Compilation, mend_project
from syncline_compiler.source import SourceFile
from syncline_compiler.spelling import certain

Check = Callable[[Mapping[str, str]], Compilation]
Template = dict[str, SourceFile]

OBJECT, SYNC, PROJECT = "objects/account.yaml", "syncs/account.yaml", "syncline.yaml"
CRM, CODES, CRM_MAP = "systems/crm.yaml", "codes/crm_account_status.yaml", "mappings/crm_account.map"
ERP_MAP = "mappings/erp_partner.map"


@pytest.mark.parametrize(
    ("name", "known", "meant"),
    [
        ("nmae", ["name", "email"], "name"),
        ("emial", ["name", "email"], "email"),
        ("Email", ["name", "email"], "email"),
        ("creditlimit", ["credit_limit", "credit"], "credit_limit"),
        ("credit_limt", ["credit_limit", "credit"], "credit_limit"),
        ("BillingCountrCode", ["BillingCountryCode", "BillingCity"], "BillingCountryCode"),
        ("erm", ["crm", "erp"], None),  # too short to be sure
        ("line2", ["line1"], None),  # a number is no slip
        ("rate_a", ["rate_b"], None),
        ("mail", ["email", "main"], None),  # two are near
        ("status", ["state"], None),
        ("Name", ["name", "NAME"], None),
        ("", ["name"], None),
        ("anything", [], None),
    ],
)
def test_certain(name: str, known: list[str], meant: str | None) -> None:
    assert certain(name, known) == meant


SLIPS = [
    (OBJECT, "version: 1.0.0", "verison: 1.0.0"),  # a key
    (OBJECT, "required: true, critical", "requierd: true, critical"),
    (OBJECT, "type: text(80), form", "type: string(80), form"),  # a type of another language
    (OBJECT, "type: enum", "type: Enum"),
    (OBJECT, "required: true, label: Status", "required: yes, label: Status"),
    (OBJECT, "form: squash, required", "form: Squash, required"),
    (OBJECT, "same: [email]", "same: [emial]"),
    (CODES, "for: account.status", "for: account.statsu"),
    (CODES, "Open: active", "Open: actve"),
    (SYNC, "object: account@1", "object: acount@1"),
    (SYNC, "members: {crm: crm.Account", "members: {crm: crm.Acount"),
    (SYNC, "credit_limit: erp", "credit_limitt: erp"),
    (SYNC, "unowned_edit: restore", "unowned_edit: restroe"),
    (SYNC, "freshness:", "freshnes:"),
    (CRM, "id: {type: text, write: false}", "id: {type: text, wriet: false}"),
    (CRM, "version: updated_at", "version: updatd_at"),
    (CRM, "{size}", "{siez}"),
    (CRM, "protocol: rest", "protocol: REST"),
    (CRM_MAP, "mapping crm.Account", "mapping crm.account"),
    (CRM_MAP, "<-> account@1", "<-> acount@1"),
    (CRM_MAP, "country      <->", "countri      <->"),
    (CRM_MAP, "<-> email | email", "<-> emial | email"),
    (CRM_MAP, "| country", "| coutnry"),
    (CRM_MAP, "code crm_account_status", "code crm_acount_status"),
    (ERP_MAP, 'take when title != "" and mail is not null', 'take when title != "" && mail is not null'),
    (ERP_MAP, 'take when title != "" and mail is not null', "take when title != '' and mail is not null"),
    (SYNC, "hold: {erp: name is null or email is null}", "hold: {erp: name is null || email is null}"),
]  # fmt: skip


MORE = {
    ERP_MAP: ("name         <->", 'take when title != "" and mail is not null\nname         <->'),
    SYNC: ("hold: {erp: true}", "hold: {erp: name is null or email is null}"),
}
"""Conditions that the template has not."""


@pytest.mark.parametrize(("path", "right", "slip"), SLIPS, ids=[slip for _, _, slip in SLIPS])
def test_a_slip_is_mended(path: str, right: str, slip: str, project: Path) -> None:
    for file, (old, new) in MORE.items():
        (project / file).write_text((project / file).read_text().replace(old, new, 1))
    before = (project / path).read_text()
    assert right in before
    (project / path).write_text(before.replace(right, slip, 1))
    changed = mend_project(project, lambda path: True)
    assert {name: source.text for name, source in changed.items()} == {path: before}


UNCERTAIN = [
    (OBJECT, "type: text(80), form", "type: number, form"),  # how exact?
    (OBJECT, "type: text(80), form", "type: datetime, form"),  # in which zone?
    (OBJECT, "required: true, label: Status", 'required: "yes", label: Status'),
    (OBJECT, "label: Status}", "label: Status, lable: State}"),  # the right key stands there already
    (SYNC, "members: {crm: crm.Account", "members: {crm: cmr.Account"),
    (CRM_MAP, "country      <->", "county       <-> country | country\ncountry      <->"),  # it would stand twice
]


@pytest.mark.parametrize(("path", "right", "wrong"), UNCERTAIN, ids=[wrong for _, _, wrong in UNCERTAIN])
def test_what_is_not_certain_stays(path: str, right: str, wrong: str, project: Path) -> None:
    before = (project / path).read_text()
    assert right in before
    (project / path).write_text(before.replace(right, wrong, 1))
    assert mend_project(project, lambda path: True) == {}


def test_many_at_once_and_one_after_another(project: Path) -> None:
    """The header's mistake hides those of the lines until it is mended."""
    before = (project / CRM_MAP).read_text()
    broken = before.replace("crm.Account", "crm.account").replace("email | email", "emial | emial")
    (project / CRM_MAP).write_text(broken.replace("country | country", "contry | coutnry"))
    assert {name: source.text for name, source in mend_project(project, lambda path: True).items()} == {CRM_MAP: before}


def test_one_bad_edit_keeps_no_other_from_being_made(project: Path) -> None:
    before = (project / CRM_MAP).read_text()
    twice = "county       <-> country | country\ncountry      <->"
    (project / CRM_MAP).write_text(before.replace("country      <->", twice).replace("| email", "| emial"))
    (changed,) = mend_project(project, lambda path: True).values()
    assert "| email\n" in changed.text
    assert "county" in changed.text


def test_check_fix(project: Path) -> None:
    before = {path: (project / path).read_text() for path in (OBJECT, CRM_MAP)}
    (project / OBJECT).write_text(before[OBJECT].replace("label:", "lable:", 1).replace("\n", "\r\n"))
    (project / CRM_MAP).write_text(before[CRM_MAP].replace("| email", "| emial"))
    told = CliRunner().invoke(command, ["--fix", "--project", str(project), str(project / "mappings")])
    assert told.exit_code == 0, "nothing is said of other folders"
    assert (project / CRM_MAP).read_text() == before[CRM_MAP]
    assert "lable" in (project / OBJECT).read_text()
    told = CliRunner().invoke(command, ["--fix", "--project", str(project)])
    assert "account.yaml: mended" in told.output
    assert told.exit_code == 0
    assert (project / OBJECT).read_bytes().decode() == before[OBJECT].replace("\n", "\r\n")
    assert "mended" not in CliRunner().invoke(command, ["--fix", "--project", str(project)]).output


def test_edits_are_shown_to_tools(project: Path) -> None:
    (project / SYNC).write_text((project / SYNC).read_text().replace("crm: crm.Account", "crm: crm.Acount"))
    told = CliRunner().invoke(command, ["--format", "json", "--project", str(project)])
    (found,) = json.loads(told.output)["diagnostics"]
    assert found["fix"]["text"] == "Account"
    assert (found["fix"]["line"], found["fix"]["column"], found["fix"]["end_column"]) == (4, 20, 26)
