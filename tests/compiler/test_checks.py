"""One change to the template, and what the checks say of it; the pages of the catalogue hold the common ones."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import pytest

from syncline_compiler.pipeline import Compilation
from syncline_compiler.source import SourceFile

Check = Callable[[Mapping[str, str]], Compilation]
Template = dict[str, SourceFile]

OBJECT, SYNC, PROJECT = "objects/account.yaml", "syncs/account.yaml", "syncline.yaml"
CRM, ERP = "systems/crm.yaml", "systems/erp.yaml"
CODES, CRM_MAP, ERP_MAP = "codes/crm_account_status.yaml", "mappings/crm_account.map", "mappings/erp_partner.map"


def said(compilation: Compilation) -> list[tuple[str, str, str]]:
    return [(d.code, str(d.span), d.label) for d in compilation.diagnostics]


CHANGES = [
    # objects
    (OBJECT, "label: Country}", "moved: {from: nation}, label: Country}", []),
    (OBJECT, "label: Country}", "moved: {from: email}, label: Country}", [
        ("SYN0008", "objects/account.yaml:10:45", "`email` is still a field: nothing was moved from it")]),
    (OBJECT, "country: {type", "country: {inverse: accounts, type", [
        ("SYN0008", "objects/account.yaml:10:22",
         "`country` is no ref, so that no other object sees these records through it")]),
    (OBJECT, "label: Country}", "form: upper, label: Country}", [
        ("SYN0008", "objects/account.yaml:10:37", "`form` is for texts, and a country is held in one form already")]),
    (OBJECT, "label: Country}", "deprecated: {since: 1.0.0, sunset: 2027-01-01, use: contry}}", [
        ("SYN0203", "objects/account.yaml:10:83", "`account` has no field `contry`")]),
    (OBJECT, "{type: text(80), form", '{type: "text(80)?", form', [
        ("SYN0008", "objects/account.yaml:7:17", "a required field is never null, and this type may be")]),
    (OBJECT, "identity:", "parts: {people: {of: account, key: nam}}\nidentity:", [
        ("SYN0203", "objects/account.yaml:15:36", "`account` has no field `nam`")]),
    (OBJECT, "identity:", "parts: {people: {of: acount, key: name}}\nidentity:", [
        ("SYN0201", "objects/account.yaml:15:22", "no object is called `acount`")]),
    (OBJECT, "  - same: [email]", "  - then: review", [
        ("SYN0007", "objects/account.yaml:16:5", "this rule compares nothing")]),
    (OBJECT, "same: [email]", "same: [emial]", [
        ("SYN0203", "objects/account.yaml:16:12", "`account` has no field `emial`")]),
    (OBJECT, "label: Country}", "label: Country}\n  parent: {type: ref(account)?, inverse: name}", [
        ("SYN0010", "objects/account.yaml:11:42", "`name` is taken already")]),
    (OBJECT, "  - same: [email]", "  - same: [email]\n    unless: nmae is null", [
        ("SYN0203", "objects/account.yaml:17:13", None)]),
    (OBJECT, "identity:", "invariants: {x: nmae is null}\nidentity:", [
        ("SYN0203", "objects/account.yaml:15:17", None)]),
    (OBJECT, "identity:", 'derived: {x: "nmae"}\nidentity:', [
        ("SYN0203", "objects/account.yaml:15:15", None)]),
    # code tables
    (CODES, "account.status", "acount.status", [
        ("SYN0201", "codes/crm_account_status.yaml:5:6", "no object is called `acount`")]),
    (CODES, "account.status", "account.stat", [
        ("SYN0203", "codes/crm_account_status.yaml:5:6", "`account` has no field `stat`")]),
    (CODES, "account.status", "account.name", [
        ("SYN0209", "codes/crm_account_status.yaml:5:6", "`account.name` is text(80), and only an enum has meanings")]),
    (CODES, "  Closed: closed", "  Closed: closed\ninverse: {closed: Open}", [
        ("SYN0209", "codes/crm_account_status.yaml:10:19",
         "`Open` would be written for `closed`, but the rows read it as `active`")]),
    # mappings
    (CRM_MAP, "mapping crm.Account", "mapping crn.Account", [
        ("SYN0202", "mappings/crm_account.map:2:9", "no system is called `crn`")]),
    (CRM_MAP, "account@1", "account@2", [
        ("SYN0201", "mappings/crm_account.map:2:25", "`account` is at version 1.0.0")]),
    (ERP_MAP, "mapping erp.Partner", "mapping crm.Account", None),
    # syncs
    (SYNC, "crm: crm.Account", "crm: crn.Account", [
        ("SYN0202", "syncs/account.yaml:4:16", "no system is called `crn`")]),
    (SYNC, "object: account@1", "object: acount", [
        ("SYN0201", "syncs/account.yaml:3:9", "no object is called `acount`")]),
    (SYNC, "freshness: 15m", "when_deleted_in: {crm: {set: {status: closed}}}", []),
    (SYNC, "freshness: 15m", "when_deleted_in: {crm: {set: {status: clsoed}}}", [
        ("SYN0221", "syncs/account.yaml:15:31", None)]),
    (SYNC, "freshness: 15m", "when_deleted_in: {crm: {set: {state: closed}}}", [
        ("SYN0203", "syncs/account.yaml:15:31", "`account` has no field `state`")]),
    (SYNC, "freshness: 15m", "when_deleted_in: {crm: {set: {credit_limit: {amount: 0, currency: EUR}}}}", [
        ("SYN0012", "syncs/account.yaml:15:31", "money cannot be set by a rule yet")]),
    (SYNC, "freshness: 15m", "when_deleted_in: {crm: delete}", [
        ("SYN0504", "syncs/account.yaml:15:24", "`erp.Partner` has no `delete`, and `erp` would have to follow")]),
    (SYNC, "credit_limit: erp", "credit_limit: {tie: review}", [
        ("SYN0007", "syncs/account.yaml:10:17", "this rule names neither an owner nor `by`")]),
    (SYNC, "credit_limit: erp", "credit_limit: {by: newest, owner: erp}", [
        ("SYN0008", "syncs/account.yaml:10:17", "a field has an owner or goes by the newest change, not both")]),
    (SYNC, "credit_limit: erp", "credit_limit: {by: newest, clock: {crm: updated_at, erp: updated}}", [
        ("SYN0204", "syncs/account.yaml:10:60", "`erp.Partner` has no field `updated`")]),
    (SYNC, "credit_limit: erp", "credit_limit: {by: newest}", [
        ("SYN0503", "syncs/account.yaml:10:18", "no clock says when `credit_limit` changed in `crm` and `erp`")]),
    (SYNC, "hold: {erp: true}", "hold: {erp: true}\n  on_leave: {erp: delete}", [
        ("SYN0504", "syncs/account.yaml:8:19", "`erp.Partner` has no `delete`")]),
    (SYNC, "hold: {erp: true}", "hold: {erp: true}\n  on_leave: {erp: unlink}", [
        ("SYN0514", "syncs/account.yaml:8:14", "`erp` holds every record: none ever leaves")]),
    (SYNC, "hold: {erp: true}", "hold: {erp: 'status == \"active\"'}\n  on_leave: {erp: unlink}", []),
    (SYNC, "hold: {erp: true}", "hold: {erp: 'status == \"active\"'}\n  on_leave: {erp: deactivate}", [
        ("SYN0515", "syncs/account.yaml:8:19", "what is to be written is not said")]),
    (SYNC, "hold: {erp: true}", "hold: {erp: 'status == \"active\"'}\n  on_leave: {erp: {deactivate: {status: closed}}}", []),
    (SYNC, "hold: {erp: true}", "hold: {erp: 'status == \"active\"'}\n  on_leave: {erp: {deactivate: {status: clsoed}}}", [
        ("SYN0221", "syncs/account.yaml:8:33", None)]),
    (SYNC, "hold: {erp: true}", "hold: {erp: 'status == \"active\"'}\n  on_leave: {erp: {deactivate: {email: null}}}", [
        ("SYN0012", "syncs/account.yaml:8:33", "a rule cannot empty a field yet")]),
    (SYNC, "object: account@1", "object: account@1\nmoved: {from: accounts, members: {crm: salesforce}}", []),
    (SYNC, "object: account@1", "object: account@1\nmoved: {from: account}", [
        ("SYN0008", "syncs/account.yaml:4:15", "`account` is still a sync: nothing was moved from it")]),
    (SYNC, "object: account@1", "object: account@1\nmoved: {members: {crm: [old, old]}}", [
        ("SYN0008", "syncs/account.yaml:4:30", "`old` was moved already, and can have one heir only")]),
    (SYNC, "object: account@1", "object: account@1\nmoved: {members: {cmr: old}}", [
        ("SYN0205", "syncs/account.yaml:4:19", "`cmr` is no member of `account`")]),
    (OBJECT, "label: Customer account", "label: Customer account\nmoved: {from: [client, account]}", [
        ("SYN0008", "objects/account.yaml:5:24", "`account` is still an object: nothing was moved from it")]),
    (CRM, "version: updated_at # rises with each change", "version: updated_at\n    moved: {from: [Customer, Account]}", [
        ("SYN0008", "systems/crm.yaml:12:30", "`Account` is still a resource: nothing was moved from it")]),
    (SYNC, "hold: {erp: true}", 'hold: {erp: nmae == "x"}', [
        ("SYN0203", "syncs/account.yaml:7:15", None)]),
    # systems
    (CRM, "updated_since: \"{cursor}\"", "updated_since: now", [
        ("SYN0706", "systems/crm.yaml:27:7", "no request holds `{cursor}`, so that every run reads everything")]),
    (CRM, "updated_at: {type: instant, write: false}", "updated_at: {type: instant, write: false, read: false}", [
        ("SYN0706", "systems/crm.yaml:27:23", "`updated_at` cannot be read: it cannot say what changed since")]),
    (CRM, "method: POST, path: /accounts}", 'path: /accounts, body: {n: "{field.nmae}"}}', [
        ("SYN0204", "systems/crm.yaml:30:45", "`crm.Account` has no field `nmae`")]),
    (CRM, "version: updated_at # rises with each change", "version: updated_at\n    merged_into: master", [
        ("SYN0204", "systems/crm.yaml:12:18", "`crm.Account` has no field `master`")]),
    (CRM, "version: updated_at # rises with each change", "version: updated_at\n    merged_from: email", [
        ("SYN0301", "systems/crm.yaml:12:18", "`email` is text, and a list of ids is expected")]),
    (CRM, "version: updated_at # rises with each change", "version: updated_at\n    merged_into: email", []),
    (CRM, "version: updated_at # rises with each change", "version: updated_at\n    merged_answer: {}", [
        ("SYN0007", "systems/crm.yaml:12:5", "nothing is said of how it is told")]),
    (CRM, 'request: {method: PATCH, path: "/accounts/{id}"}', "replaces: true", [
        ("SYN0007", "systems/crm.yaml:33:5", "to replace a record it must be found, deleted and made again")]),
    (CRM, "version: updated_at # rises with each change", "scope: {read: a.read, write: a.write}", [
        ("SYN0702", "mappings/crm_account.map:2:1", "creating and updating `Account` needs `a.write`"),
        ("SYN0702", "mappings/crm_account.map:2:1", "reading `Account` needs `a.read`")]),
    (CRM, "email: text\n", "email: {type: text, scope: {read: mail.read}}\n", [
        ("SYN0702", "mappings/crm_account.map:5:1", "reading `email` needs `mail.read`")]),
    # environments
    (PROJECT, "crm: {stand_in: true}", "crm: {origin: 'https://me:pw@crm.example.com', credential: {token: 'env:T'}}", [
        ("SYN0801", "syncline.yaml:9:20", "a user or password stands in this address")]),
    (PROJECT, "crm: {stand_in: true}", "crm: {credential: {token: 'env:T'}}", [
        ("SYN0804", "syncline.yaml:9:5", "nothing says where it is")]),
    (PROJECT, "crm: {stand_in: true}", "crm: {origin: crm.example.com, credential: {token: 'env:T'}}", [
        ("SYN0804", "syncline.yaml:9:11", "this is no address")]),
    (PROJECT, "crm: {stand_in: true}",
     "crm: {origin: 'env:CRM', credential: {token: 'file:/run/t'}, account: acme, environment: test}", [
        ("SYN0804", "syncline.yaml:9:66", "`crm` has no `account` probe that could prove it"),
        ("SYN0804", "syncline.yaml:9:81", "`crm` has no `environment` probe that could prove it")]),
    (PROJECT, "project: my_company", "project: My Company", [
        ("SYN0008", "syncline.yaml:4:10",
         "a name in lower case is expected: letters, digits, _ and -, such as quote-to-cash")]),
]  # fmt: skip


@pytest.mark.parametrize(("path", "before", "after", "expected"), CHANGES, ids=[f"{n}" for n in range(len(CHANGES))])
def test_change(
    path: str, before: str, after: str, expected: list[tuple[str, str, str | None]] | None,
    check: Check, template: Template,
) -> None:  # fmt: skip
    assert before in template[path].text
    found = said(check({path: template[path].text.replace(before, after, 1)}))
    if expected is None:
        assert found
        return
    assert [(code, span) for code, span, _ in found] == [(code, span) for code, span, _ in expected]
    for (_, _, label), (_, _, wanted) in zip(found, expected, strict=True):
        assert wanted is None or label == wanted


@pytest.mark.parametrize(
    ("text", "label"),
    [
        ("", "the file is empty"),
        ("# nothing\n", "the file is empty"),
        ("- a\n", "this is no mapping of keys to values"),
        ("text\n", "this is no mapping of keys to values"),
        ("version: 1.0.0\nobject: a\n", "`version` is no kind of spec"),
    ],
)
def test_no_kind(check: Check, text: str, label: str) -> None:
    found = said(check({"x.yaml": text or " "}))
    assert [(code, said_label) for code, _, said_label in found] == [("SYN0009", label)]


def test_a_document_of_a_vendor_among_the_specs(check: Check) -> None:
    (found,) = check({"vendor/crm.yaml": "openapi: 3.1.0\npaths: {}\n"}).diagnostics
    assert (found.code, "`syncline drift`" in found.helps[0]) == ("SYN0009", True)


def test_kinds_of_later_versions(check: Check) -> None:
    assert [code for code, _, _ in said(check({"x.yaml": "process: a\n"}))] == ["SYN0012"]


def test_two_specs_of_one_name(check: Check, template: Template) -> None:
    found = said(check({"codes/z.yaml": template[CODES].text}))
    assert found == [("SYN0010", "codes/z.yaml:2:8", "`crm_account_status` is declared here again")]


def test_two_mappings_of_the_same(check: Check, template: Template) -> None:
    found = said(check({"mappings/z.map": template[CRM_MAP].text}))
    assert [(code, span) for code, span, _ in found] == [("SYN0010", "mappings/z.map:2:9")]


ORDERS = {
    "objects/invoice.yaml": """
object: invoice
version: 1.0.0
fields:
  number: {type: text(20), required: true}
  customer: {type: ref(account), required: true, inverse: invoices}
  total: decimal(12,2)
derived:
  half: total * 0.5
identity: [{same: [number], unless: total is null}]
invariants: {positive: total is null or total >= 0}
""",
    "objects/aaa.yaml": """
object: aaa
version: 1.0.0
fields: {x: int}
""",
}


def test_derived_fields_of_other_objects_in_any_order(check: Check, template: Template) -> None:
    account = template[OBJECT].text + "derived:\n  open: sum(invoices.half)\n"
    compilation = check({**ORDERS, OBJECT: account})
    assert said(compilation) == []
    assert compilation.project is not None
    objects = compilation.project.objects
    assert [field.name for field in objects["account"].derived] == ["open"]
    assert objects["account"].derived[0].type == objects["account"].derived[0].value.type
    assert [rule.unless is not None for rule in objects["invoice"].identity] == [True]
    assert [invariant.name for invariant in objects["invoice"].invariants] == ["positive"]


def test_derived_fields_have_no_owner(check: Check, template: Template) -> None:
    account = template[OBJECT].text + "derived:\n  open: sum(invoices.total)\n"
    sync = template[SYNC].text.replace("credit_limit: erp", "credit_limit: erp\n  open: crm")
    found = said(check({**ORDERS, OBJECT: account, SYNC: sync}))
    assert [code for code, _, _ in found] == ["SYN0203"]
    assert found[0][2].startswith("`open` is derived")


def test_bindings(check: Check, template: Template) -> None:
    text = template[PROJECT].text.replace(
        "    crm: {stand_in: true}",
        "    crm: {origin: 'https://crm.example.com', credential: {token: 'env:T'}, limit: {requests: 5, per: 1m}}",
    )
    compilation = check({PROJECT: text})
    assert said(compilation) == []
    assert compilation.project is not None
    crm, erp = compilation.project.environments["sandbox"]
    assert (crm.connection, crm.origin, crm.credential) == ("crm", "https://crm.example.com", {"token": "env:T"})
    assert (crm.requests, crm.per, crm.stand_in) == (5, 60, False)
    assert (erp.connection, erp.stand_in) == ("erp", True)
    assert compilation.project.connections == {"crm": "crm", "erp": "erp"}
