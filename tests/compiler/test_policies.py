"""Policies: rules asked of the spec model, severities, waivers, and the baseline that is shipped."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import date
from pathlib import Path

import click
import pytest
from click.testing import CliRunner, Result

from syncline_compiler.cli import COMMANDS
from syncline_compiler.diagnostics.diagnostic import Collector
from syncline_compiler.governance.row import Governed
from syncline_compiler.governance.tables import TABLES, rows_of
from syncline_compiler.passes.import_packs import import_packs
from syncline_compiler.passes.load import load
from syncline_compiler.pipeline import Compilation, check_project, check_sources, compile_project
from syncline_compiler.source import SourceFile, read_sources

Check = Callable[[Mapping[str, str]], Compilation]
EXAMPLES = Path(__file__).parents[2] / "examples"
GROUP = click.Group("syncline", commands=dict(COMMANDS))
POLICY = "policies/ours.yaml"


def run(*arguments: str | Path) -> Result:
    result = CliRunner().invoke(GROUP, [str(argument) for argument in arguments])
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exc_info
    return result


def rule(select: str, require: str, *, where: str = "", message: str = "{name} is wrong", more: str = "") -> str:
    condition = f"    where: '{where}'\n" if where else ""
    return (
        "policy: ours\nversion: 1.0.0\nrules:\n  it:\n"
        f"    select: {select}\n{condition}    require: '{require}'\n    message: '{message}'\n{more}"
    )


def waiver(at: str, *, rule: str = "ours.it", expires: str = "2999-12-31") -> str:
    return f"waivers:\n  - {{rule: {rule}, at: {at}, reason: r, owner: o, expires: {expires}}}\n"


def said(compilation: Compilation) -> list[tuple[str, str, str]]:
    return [(d.severity, d.name, d.label) for d in compilation.diagnostics]


def found(check: Check, text: str, **files: str) -> list[str]:
    compilation = check({POLICY: text, **files})
    assert all(d.code == "SYN0901" for d in compilation.diagnostics), said(compilation)
    return [d.about or "" for d in compilation.diagnostics]


@pytest.mark.parametrize(
    ("select", "require", "where", "expected"),
    [
        ("objects", "fields < 5", "", ["account"]),
        ("objects", "synced and identity_rules > 0", "", []),
        ("fields", "pii is not null", "nullable", ["account.country", "account.credit_limit"]),
        ("fields", "owner == \"crm\"", "", ["account.credit_limit"]),
        ("fields", "writers == 2 and readers == 2", "", []),
        ("fields", "length >= 100", "length is not null", ["account.name"]),
        ("syncs", "freshness <= 900 and attempts in (5, 6)", "", []),
        ("syncs", "covers_create or covers_update", "", ["account"]),
        ("syncs", "steward ?? label ?? name != \"account\"", "", ["account"]),
        ("members", "holds == \"always\"", "", ["account.crm"]),
        ("objects", "count(fields where required) < 2", "", ["account"]),
        ("objects", "any(fields.pii == \"contact\") and count(syncs) == 1", "", []),
        ("objects", "all(fields.label is not null) and all(fields.required)", "", ["account"]),
        ("objects", "max(fields.length) >= 80 and sum(fields.values) == 3", "", []),
        ("syncs", "first(members.connection, members.connection) == \"crm\"", "", []),
        ("syncs", "last(members.connection, members.connection where originates) != \"crm\"", "", ["account"]),
        ("syncs", "any(members.on_leave == \"delete\")", "any(fields where critical)", ["account"]),
        ("systems", "count(resources) == 1 and any(native_fields where name == \"title\")", "", ["crm"]),
        ("resources", "all(native_fields.name | matches \"[a-z_]+\") and count(mappings) == 1", "", []),
        ("fields", "name | matches \"[a-z]+\"", "", ["account.credit_limit"]),
        ("fields", "starts_with(name, \"c\") or ends_with(name, \"s\") or contains(name, \"mai\")", "", ["account.name"]),
        ("members", "not originates", "", ["account.crm"]),
        ("mappings", "two_way == lines and not takes", "", []),
        ("mappings", "synced and object == \"invoice\"", "", ["crm.Account.account", "erp.Partner.account"]),
        ("systems", "auth != \"bearer\"", "used", ["crm"]),
        ("systems", "limited and not proves_account", "", []),
        ("resources", "repeatable and incremental", "", ["erp.Partner"]),
        ("native_fields", "writable", "system == \"crm\"", ["crm.Account.id", "crm.Account.updated_at"]),
        ("codes", "meaning_of == \"account.status\" and rows >= 3", "", []),
        ("connections", "not stand_in", "", ["sandbox.crm", "sandbox.erp"]),
        ("fields", 'kind == "field" and synced and unit is null', "", []),
        ("objects", 'case when fields > 3 then "many" else "few" end == "few"', "", ["account"]),
        ("objects", 'left(label, 1) == upper(left(label, 1)) and lower(name) == name', "", []),
    ],
)  # fmt: skip
def test_rules_are_asked_of_what_they_select(
    check: Check, select: str, require: str, where: str, expected: list[str]
) -> None:
    message = "wrong" if select in ("members", "mappings", "connections") else "{name} is wrong"
    assert sorted(found(check, rule(select, require, where=where, message=message))) == expected


def test_a_finding_stands_where_its_row_does(check: Check) -> None:
    text = rule("fields", "pii is not null", where='type == "email"', message="`{object}.{name}`: {values}, {critical}")
    files = {"objects/account.yaml": "object: account\nversion: 1.0.0\nfields:\n  name: {type: text(80), required: true}\n"
             "  email: email?\n  country: country?\n  credit_limit: money?\n"
             "  status: {type: enum, values: [prospect, active, closed]}\nidentity: [{same: [email]}]\n"}  # fmt: skip
    compilation = check({POLICY: text, **files})
    assert [(str(d.span), d.label, d.severity) for d in compilation.diagnostics] == [
        ("objects/account.yaml:5:3", "`account.email`: 0, no", "warning")
    ]
    assert compilation.project is not None, "a warning compiles"


def test_severities(check: Check) -> None:
    text = rule("objects", "fields < 5", more="    severity: error\n")
    compilation = check({POLICY: text})
    assert said(compilation) == [("error", "SYN0901 ours.it", "account is wrong")]
    assert compilation.project is None
    project = "syncline: 1\nproject: shop\nenvironments: {s: {crm: {stand_in: true}, erp: {stand_in: true}}}\n"
    lowered = check({POLICY: text, "syncline.yaml": f"{project}rules: {{ours.it: warning}}\n"})
    assert said(lowered) == [("warning", "SYN0901 ours.it", "account is wrong")]
    off = check({POLICY: text, "syncline.yaml": f"{project}rules: {{ours.it: off}}\n"})
    assert said(off) == []


def test_checks_that_warn_are_set_too(check: Check, template: dict[str, SourceFile]) -> None:
    path = "mappings/erp_partner.map"
    files = {path: template[path].text.replace("email        <-> mail | email\n", "")}
    assert [(d.severity, d.code) for d in check(files).diagnostics] == [("warning", "SYN0603")]
    text = template["syncline.yaml"].text
    raised = check({**files, "syncline.yaml": text + "rules: {SYN0603: error}\n"})
    assert [(d.severity, d.code) for d in raised.diagnostics] == [("error", "SYN0603")]
    assert raised.project is None
    off = check({**files, "syncline.yaml": text + "rules: {SYN0603: off}\n"})
    assert said(off) == []
    waived = check({**files, POLICY: "policy: ours\n" + waiver("mappings/*.map", rule="SYN0603")})
    assert {d.code for d in waived.diagnostics} == {"SYN0603", "SYN0905"}, "* is one part of a name, and no glob"
    place = str(next(iter(check(files).diagnostics)).span.path)
    (unmatched,) = (one for one in waived.diagnostics if one.code == "SYN0905")
    assert unmatched.helps[-1] == f"or write where it finds something: `{place}`"
    waived = check({**files, POLICY: "policy: ours\n" + waiver(place, rule="SYN0603")})
    assert (said(waived), waived.waived) == ([], 1)


@pytest.mark.parametrize(
    ("at", "left"),
    [
        ("account.email", ["account.country", "account.credit_limit"]),
        ("[account.email, account.country]", ["account.credit_limit"]),
        ("account.*", []),
        ("'*.*'", []),
        ("objects/account.yaml", []),
    ],
)
def test_waivers(check: Check, at: str, left: list[str]) -> None:
    text = rule("fields", "critical", where="nullable")
    assert found(check, text) == ["account.email", "account.country", "account.credit_limit"]
    assert found(check, text + waiver(at)) == left


@pytest.mark.parametrize("at", ["account", "account.emial", "account.email.x", "'*'", "objects/contact.yaml"])
def test_a_waiver_that_matches_nothing(check: Check, at: str) -> None:
    text = rule("fields", "critical", where='name == "email"')
    found = said(check({POLICY: text + waiver(at)}))
    assert [(severity, code) for severity, code, _ in found] == [
        ("warning", "SYN0901 ours.it"), ("warning", "SYN0905"),
    ]  # fmt: skip


def test_days_count_in_check_alone(project: Path) -> None:
    (project / "policies").mkdir()
    text = rule("objects", "fields < 5", more="    severity: error\n") + waiver("account", expires="2026-05-31")
    (project / POLICY).write_text(text)
    assert said(check_project(project, date(2026, 5, 31))) == []
    ended = said(check_project(project, date(2026, 6, 1)))
    assert [code for _, code, _ in ended] == ["SYN0904"], "one mistake, one diagnostic"
    compiled = compile_project(project)
    assert said(compiled) == []
    (project / POLICY).unlink()
    assert compiled.files == compile_project(project).files, "policies are no part of a release"
    (project / POLICY).write_text(text)
    assert run("check", project, "--today", "2026-05-31").exit_code == 0
    assert run("check", project, "--today", "2026-06-01").exit_code == 1
    assert run("check", project, "--today", "31.5.2026").exit_code == 2


def test_no_rule_is_asked_while_an_error_stands(check: Check, template: dict[str, SourceFile]) -> None:
    sync = template["syncs/account.yaml"].text.replace("credit_limit: erp", "credit_limit: epr")
    text = rule("fields", "owner is not null") + waiver("account.email")
    assert [d.code for d in check({POLICY: text, "syncs/account.yaml": sync}).diagnostics] == ["SYN0205"]


@pytest.mark.parametrize(
    ("text", "code", "label"),
    [
        (rule("fields", "pi is null"), "SYN0907", "a field of an object has no field `pi`"),
        (rule("fields", "pii is null", where="nme is null"), "SYN0907", "a field of an object has no field `nme`"),
        (rule("fields", "pii is null", message="{nme}"), "SYN0907", "a field of an object has no field `nme`"),
        (rule("fields", "required == 1"), "SYN0309", None),
        (rule("fields", "name"), "SYN0301", None),
        (rule("fields", "name =="), "SYN0101", None),
        (rule("fields", 'name == "a" | country'), "SYN0301", None),
        (rule("fields", "run.started_at is null"), "SYN0908", "`run.started_at` cannot be asked of specs"),
        (rule("fields", "phone(name, \"DE\") is null"), "SYN0908", None),
        (rule("feilds", "name is null"), "SYN0008", None),
        ("policy: ours\nversion: 1.0.0\n", "SYN0008", "a policy has `rules`, or `waivers` of them"),
        (rule("fields", "critical").replace("version: 1.0.0\n", ""), "SYN0008",
         "a policy with rules has a version: `version: 1.0.0`"),
        ("policy: ours\n" + waiver("a", expires="2026-02-30"), "SYN0008", "a day is expected, such as 2027-03-01"),
        ("policy: ours\n" + waiver("a", rule="SYN0501"), "SYN0906", None),
        ("policy: ours\n" + waiver("a", rule="SYN0901"), "SYN0906", None),
        ("policy: ours\n" + waiver("a", rule="ours.nothing"), "SYN0902", "no rule is called `ours.nothing`"),
    ],
)  # fmt: skip
def test_mistakes_in_policies(check: Check, text: str, code: str, label: str | None) -> None:
    compilation = check({POLICY: text})
    assert [d.code for d in compilation.diagnostics] == [code]
    assert label is None or [d.label for d in compilation.diagnostics] == [label]


def test_rules_of_what_could_not_be_imported_are_not_reported_again(check: Check) -> None:
    text = "syncline: 1\nproject: a\nenvironments: {s: {crm: {stand_in: true}, erp: {stand_in: true}}}\n"
    text += "imports: {policies: [baselin@1]}\nrules: {baseline.sync_has_steward: off}\n"
    waived = "policy: ours\n" + waiver("account", rule="baseline.sync_has_steward")
    assert [d.code for d in check({"syncline.yaml": text, POLICY: waived}).diagnostics] == ["SYN0210"]


def test_braces_in_names_are_not_filled_in_again(check: Check) -> None:
    text = rule("systems", "label is null", message="{label}")
    crm = "system: erp\nversion: 1.0.0\nlabel: '{name}'\nresources: {Partner: {id: code, fields: {code: text}}}\n"
    files = {"systems/erp.yaml": crm, "systems/crm.yaml": "", "syncs/account.yaml": "", "mappings/crm_account.map": "",
             "mappings/erp_partner.map": "", "syncline.yaml": "syncline: 1\nproject: a\n"}  # fmt: skip
    assert "{name}" in [label for _, _, label in said(check({POLICY: text, **files}))]


@pytest.mark.parametrize("example", ["quickstart", "quote-to-cash"])
def test_every_table_has_the_attributes_it_promises(example: str) -> None:
    files = list(read_sources(EXAMPLES / example))
    compilation, quiet = check_sources(files), Collector()
    written = load(files, quiet)
    assert compilation.project is not None
    assert written is not None
    governed = Governed(compilation.project, import_packs(written, quiet)[0])
    kinds = {"text": str, "int": int, "bool": bool, "date": str}
    for name, table in TABLES.items():
        rows = list(rows_of(name, governed))
        assert rows or name in ("events", "scenarios")
        assert len({row.address for row in rows}) == len(rows), f"{name}: an address names one row"
        for row in rows:
            assert set(row.values) == set(table.attributes)
            for attribute, kind in table.attributes.items():
                value = row.values[attribute]
                assert (value is None and kind.nullable) or type(value) is kinds[kind.kind], (name, attribute, value)


def test_the_quickstart_keeps_the_baseline() -> None:
    compilation = check_project(EXAMPLES / "quickstart")
    assert compilation.governance is not None
    assert len([rule for rule in compilation.governance.rules if rule.severity != "off"]) >= 11
    assert said(compilation) == []


def test_the_baseline_asks_every_field_for_its_label_and_owner(check: Check, template: dict[str, SourceFile]) -> None:
    project = template["syncline.yaml"].text + "steward: Team\nimports: {policies: [baseline@1]}\n"
    account = template["objects/account.yaml"].text.replace(
        "\nidentity:", '\n  fax: "text(30)?"\nderived: {twice: "credit_limit + credit_limit"}\nidentity:'
    )
    compilation = check({"syncline.yaml": project, "objects/account.yaml": account})
    found = {(d.rule, d.about) for d in compilation.diagnostics}
    assert {("baseline.field_has_label", f"account.{name}") for name in ("fax", "twice")} <= found
    assert {about for rule, about in found if rule == "baseline.field_has_owner"} == {"account.fax"}


def test_baseline_waives_what_is_found(project: Path) -> None:
    path = project / "syncline.yaml"
    path.write_text(path.read_text() + "imports: {policies: [baseline@1]}\n")
    before = said(check_project(project))
    assert len(before) > 1
    result = run("check", project, "--baseline", "--owner", "Ada", "--today", "2026-06-01", "--until", "2026-08-01")
    assert (result.exit_code, result.stdout) == (0, "")
    assert f"policies/waivers.yaml: {len(before)} waived until 2026-08-01, looked after by Ada" in result.stderr
    assert said(check_project(project, date(2026, 8, 1))) == []
    assert {code for _, code, _ in said(check_project(project, date(2026, 8, 2)))} == {"SYN0904"}
    assert run("fmt", "--check", "--project", project).exit_code == 0
    again = run("check", project, "--baseline", "--today", "2026-06-01")
    assert (again.exit_code, "nothing to waive" in again.stderr) == (0, True)


def test_baseline_takes_another_name_if_one_is_taken(project: Path) -> None:
    path = project / "syncline.yaml"
    path.write_text(path.read_text() + "steward: Team\nimports: {policies: [baseline@1]}\n")
    sync = project / "syncs" / "account.yaml"
    sync.write_text(sync.read_text().replace("freshness: 15m\n", ""))
    (project / "policies").mkdir()
    (project / "policies" / "waivers.yaml").write_text("policy: waivers\n" + waiver("a", rule="SYN0603"))
    result = run("check", project, "--baseline", "--today", "2026-06-01")
    assert "policies/waivers_1.yaml: 1 waived until 2026-08-30, looked after by Team" in result.stderr
    assert "SYN0905" in result.stdout, "what matches nothing is not waived"


def test_rules_are_listed(project: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    lines = run("rules").stdout.splitlines()
    assert any(line.split()[:2] == ["SYN0501", "error"] for line in lines)
    assert any(line.split()[:2] == ["baseline.sync_has_steward", "warning"] for line in lines)
    path = project / "syncline.yaml"
    path.write_text(path.read_text() + "rules: {SYN0603: error, ours.it: off}\n")
    (project / "policies").mkdir()
    (project / POLICY).write_text(rule("objects", "fields < 5", more="    docs: Why not\n"))
    listed = json.loads(run("rules", "--project", project, "--format", "json").stdout)
    by_name = {one["rule"]: one for one in listed["rules"]}
    assert (by_name["SYN0603"]["severity"], by_name["SYN0603"]["default"]) == ("error", "warning")
    assert by_name["ours.it"] == {
        "rule": "ours.it", "kind": "policy", "severity": "off", "default": "warning", "summary": "… is wrong",
        "asks": "select objects require fields < 5", "docs": "Why not",
    }  # fmt: skip
    assert not any(name.startswith("baseline") for name in by_name)
    assert "SYN5001" not in by_name, "what only runs report is no check"
    assert any("off (warning)" in line for line in run("rules", "--project", project).stdout.splitlines())


def test_attributes_are_listed() -> None:
    tables = json.loads(run("rules", "--attributes", "--format", "json").stdout)["tables"]
    assert tables["fields"]["pii"] == "text?"
    assert "  pii                text?" in run("rules", "--attributes").stdout
    assert "  and over what belongs to it: members, scenarios, fields" in run("rules", "--attributes").stdout


def test_a_rule_is_explained(project: Path) -> None:
    (project / "policies").mkdir()
    (project / POLICY).write_text(rule("objects", "fields < 5", more="    docs: Why not\n    help: Do it\n"))
    result = run("explain", "ours.it", "--project", project)
    assert (result.exit_code, result.stdout.splitlines()[0]) == (0, "ours.it: … is wrong")
    assert "select objects require fields < 5" in result.stdout
    assert run("explain", "ours.that", "--project", project).exit_code == 2
