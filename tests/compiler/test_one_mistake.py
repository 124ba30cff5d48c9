"""One mistake gives one diagnostic: a whole project, one thing in it broken, and exactly one report.

The table holds mistakes of all kinds in the quickstart; the other tests misspell each word of the template, one at a time.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from syncline_compiler.pipeline import Compilation, check_sources
from syncline_compiler.source import SourceFile, read_sources

Check = Callable[[Mapping[str, str]], Compilation]

QUICKSTART = Path(__file__).parents[2] / "examples" / "quickstart"
FILES = {file.path: file for file in read_sources(QUICKSTART) if isinstance(file, SourceFile)}

ACCOUNT, INVOICE, PAYMENT = "objects/account.yaml", "objects/invoice.yaml", "objects/payment.yaml"
CRM, ERP, GATEWAY = "systems/crm.yaml", "systems/erp.yaml", "systems/payments.yaml"
CRM_MAP, ERP_MAP, CRM_INVOICE = "mappings/crm_account.map", "mappings/erp_partner.map", "mappings/crm_invoice.map"
SYNC, PROJECT = "syncs/account.yaml", "syncline.yaml"

MISTAKES = [
    # a name that many places use is taken away, or misspelt
    (ACCOUNT, "  tax_id: {type", "  tax_no: {type", "SYN0203"),
    (ACCOUNT, "  email: {type", "  mail: {type", "SYN0203"),
    (ACCOUNT, "object: account", "object: customer", "SYN0201"),
    (INVOICE, "inverse: invoices, ", "", "SYN0203"),
    (INVOICE, "ref(account)", "ref(acount)", "SYN0201"),
    (INVOICE, "object: invoice", "object: bill", "SYN0201"),
    (PAYMENT, "inverse: payments, ", "", "SYN0203"),
    (PAYMENT, "amount: {type", "sum: {type", "SYN0203"),
    (CRM, "      phone: {type", "      telephone: {type", "SYN0204"),
    (CRM, "  Account:\n    label", "  Customer:\n    label", "SYN0202"),
    (CRM, "parent: account_id", "parent: acount_id", "SYN0204"),
    (CRM, "of: ContactPoint", "of: ContactPint", "SYN0202"),
    (GATEWAY, "system: payments", "system: gateway", "SYN0202"),
    ("codes/erp_partner_state.yaml", "codes: erp_partner_state", "codes: erp_state", "SYN0206"),
    # a key or a type is misspelt, and what hangs on it seems to be missing
    (ACCOUNT, "fields:", "feilds:", "SYN0006"),
    (ACCOUNT, "identity:", "identitiy:", "SYN0006"),
    (ACCOUNT, "  - same: [tax_id", "  - sames: [tax_id", "SYN0006"),
    (ACCOUNT, "type: text(80)", "type: txet(80)", "SYN0207"),
    (ACCOUNT, "required: true", "required: yes", "SYN0008"),
    (INVOICE, "type: money, required", "type: mony, required", "SYN0207"),
    (CRM, "number: {type: text(20), required: true}", "number: {type: text(20), requierd: true}", "SYN0006"),
    (CRM, "due_date: date", "due_date: dat", "SYN0207"),
    (CRM, '"decimal(12,2)", at: credit.limit', '"decmal(12,2)", at: credit.limit', "SYN0207"),
    (CRM, "cursor: {field: updated_at, granularity: 1s, lag: 5s, query: {updated_since: \"{cursor}\"}}",
     "cursor: {field: updated_at, granularity: 1s, lag: 5s, qeury: {updated_since: \"{cursor}\"}}", "SYN0006"),
    (CRM, "{cursor}", "{curser}", "SYN0707"),
    (CRM, "update: {request: {method: PATCH, path: \"/api/accounts", "updat: {request: {method: PATCH, path: \"/api/accounts",
     "SYN0006"),
    (CRM, "version: updated_at", "version: updated", "SYN0204"),
    (ERP, "      marker: origin\n      find: {request: {path: /rpc, rpc: partner",
     "      maker: origin\n      find: {request: {path: /rpc, rpc: partner", "SYN0006"),
    (ERP, "auth: {kind: api_key, header", "auth: {kind: api-key, header", "SYN0008"),
    (GATEWAY, "idempotency: {header", "idempotence: {header", "SYN0006"),
    ("codes/crm_invoice_state.yaml", "rows:", "row:", "SYN0006"),
    ("codes/crm_invoice_state.yaml", "for: invoice.state", "for: invoice.status", "SYN0203"),
    ("codes/crm_invoice_state.yaml", "Draft: draft", "Draft: drafted", "SYN0209"),
    ("codes/crm_invoice_state.yaml", ", Void: cancelled", "", "SYN0401"),
    ("codes/crm_payment_status.yaml", "Paid: paid}", "Payed: paid}", "SYN0717"),
    # a derived field is broken, and others use it
    (INVOICE, "sum(payments.amount", "sum(payments.amout", "SYN0203"),
    (INVOICE, "value: total - paid", "value: total -", "SYN0101"),
    (INVOICE, "value: total - paid", "value: total - state", "SYN0306"),
    (INVOICE, 'when open <= 0 then "paid"', 'when opn <= 0 then "paid"', "SYN0203"),
    (ACCOUNT, "credit_limit >= 0", "credit_limt >= 0", "SYN0203"),
    # a mapping is broken, and its sync misses what it would give
    (CRM_MAP, "mapping crm.Account", "mapping crm.Acount", "SYN0202"),
    (CRM_MAP, "<-> account@1", "<-> acount@1", "SYN0201"),
    (CRM_MAP, "<-> account@1", "<-> account@2", "SYN0201"),
    (CRM_MAP, "name    <-> name", "name    <-> nmae", "SYN0204"),
    (CRM_MAP, "name    <-> name", "nmae    <-> name", "SYN0203"),
    (CRM_MAP, "country <-> country | country else", "country <-> country | contry else", "SYN0303"),
    (CRM_MAP, "status       <-> status | code crm_account_status", "status       <-> status", "SYN0308"),
    (CRM_MAP, "status       <-> status | code crm_account_status", "status       <-> status | code crm_status", "SYN0206"),
    (CRM_MAP, "let address =", "let adress =", "SYN0204"),
    (CRM_MAP, 'kind == "email"', 'kind == "mail"', "SYN0717"),
    (CRM_MAP, 'reject when status == "Open"', 'reject when status == "open"', "SYN0717"),
    (CRM_MAP, "money(credit_limit, currency)", "credit_limit", "SYN0306"),
    (CRM_MAP, "money(credit_limit, currency)", "money(credit_limit, currency", "SYN0101"),
    (CRM_MAP, "| round 2 -> open_balance", "-> open_balance", "SYN0307"),
    (ERP_MAP, 'take when kind == "customer"', 'take when knid == "customer"', "SYN0204"),
    (ERP_MAP, '"customer" -> kind', '"costumer" -> kind', "SYN0717"),
    (ERP_MAP, "name | truncate 60", "name", "SYN0307"),
    (CRM_INVOICE, "account_id | ref account", "account_id", "SYN0301"),
    ("mappings/payments_payment.map", "| instant epoch", "", "SYN0301"),
    # a sync is broken
    (SYNC, "object: account@1", "object: acount@1", "SYN0201"),
    (SYNC, "crm: crm.Account", "crm: crn.Account", "SYN0202"),
    (SYNC, "erp: erp.Partner", "epr: erp.Partner", "SYN0205"),
    (SYNC, "originate: [crm]", "originate: [cmr]", "SYN0205"),
    (SYNC, '"*": crm', '"*": cmr', "SYN0205"),
    (SYNC, "credit_rating: partner", "credit_ratign: partner", "SYN0203"),
    (SYNC, "credit_rating: partner", "credit_rating: crm", "SYN0502"),
    (SYNC, "clock: {crm: updated_at, erp", "clck: {crm: updated_at, erp", "SYN0006"),
    (SYNC, "clock: {crm: updated_at, erp", "clock: {crm: update_at, erp", "SYN0204"),
    (SYNC, 'erp: status != "prospect"', 'erp: statu != "prospect"', "SYN0203"),
    (SYNC, 'erp: status != "prospect"', 'erp: status != "prospekt"', "SYN0308"),
    (SYNC, "recognised_by: [tax_id, country]", "recognised_by: [country]", "SYN0607"),
    (SYNC, "originate: [crm]", "originate: [partner]", "SYN0506"),
    # a key is indented too far, or not enough: it is looked at where it belongs
    (SYNC, "delete: 1%} # more than this in one run, and a person is asked first", "delete: 1%, first_link: fill}", "SYN0006"),
    (SYNC, "  hold:\n", "hold:\n", "SYN0006"),
    (CRM, '    get: {path: "/api/accounts/{id}"}', '      get: {path: "/api/accounts/{id}"}', "SYN0006"),
    (ACCOUNT, "label: Email address}\n  phone:", "label: Email address,\n   phone:", "SYN0002"),
    (INVOICE, "    label: Still to be paid", "  label: Still to be paid", "SYN0006"),
    (INVOICE, "    label: Still to be paid", "  label: Open", "SYN0006"),
    # the sides of a line are exchanged
    (CRM_MAP, "tax_id  <-> vat_number", "vat_number <-> tax_id", "SYN0203"),
    # a header was left standing when a mapping was copied
    ("mappings/erp_payment.map", "mapping erp.Payment", "mapping erp.Invoice", "SYN0204"),
    (CRM_INVOICE, "<-> invoice@1", "<-> payment@1", "SYN0203"),
    (CRM_INVOICE, "code crm_invoice_state", "code crm_account_status", "SYN0308"),
    (CRM_MAP, "country <-> country | country else reject \"a customer needs a country: taxes depend on it\"",
     "country -> country", "SYN0502"),
    (ERP, "credit_limit: decimal(14,2)", "credit_limit: float", "SYN0207"),
    (ERP, "visible_after: 1s", "visible_after: 1h", "SYN0712"),
    # an environment is broken
    (PROJECT, "    crm: {stand_in: true}", "    cmr: {stand_in: true}", "SYN0803"),
    (PROJECT, "    crm: {stand_in: true}", "    crm: {standin: true}", "SYN0006"),
    (PROJECT, "origin: https://crm.example.com", "orgin: https://crm.example.com", "SYN0006"),
    (PROJECT, 'token: env:CRM_TOKEN', "token: abc123", "SYN0801"),
    # a file is broken: what it holds is not missed
    (PROJECT, "environments:", "environments: [", "SYN0002"),
    (PROJECT, "project: quickstart", "project: Quick start", "SYN0008"),
    (PROJECT, "  policies: [baseline@1]", "  policies: baseline@1", "SYN0008"),
    (ACCOUNT, "label: Customer account", "label: Customer: account", "SYN0002"),
    (CRM, "protocol: rest", "protocol: rest\nprotocol: rest", "SYN0004"),
    ("codes/crm_account_status.yaml", "rows:", "rows: &rows", "SYN0003"),
    (SYNC, "exists:", "exists: [", "SYN0002"),
]  # fmt: skip


@pytest.mark.parametrize(("path", "before", "after", "code"), MISTAKES, ids=[f"{m[0]}: {m[2][:40]}" for m in MISTAKES])
def test_one_mistake_gives_one_diagnostic(path: str, before: str, after: str, code: str) -> None:
    text = FILES[path].text
    assert before in text, "the example has changed: break something that is there"
    broken = SourceFile(path, text.replace(before, after, 1))
    found = check_sources([broken if file.path == path else file for file in FILES.values()]).diagnostics
    assert [f"{one.code} {one.span} {one.label}" for one in found if one.code != code] == []
    assert len(found) == 1


def words(file: SourceFile) -> list[tuple[int, int, str]]:
    """Every word of a file that is longer than three letters and stands in no comment: line, column, word."""
    return [
        (number, match.start(), match.group())
        for number, line in enumerate(file.text.split("\n"))
        for match in re.finditer(r"[A-Za-z_]{4,}", line.partition("#")[0])
    ]


def test_no_misspelt_word_gives_two(template: dict[str, SourceFile]) -> None:
    """Where the values of an enum are declared, all that use one are told; there a mistake may be told in two ways."""
    several = []
    for path, file in template.items():
        for number, column, word in words(file):
            lines = file.text.split("\n")
            if "values:" in lines[number]:
                continue
            middle = len(word) // 2
            misspelt = word[:middle] + word[middle + 1 :] + "q"
            lines[number] = lines[number][:column] + misspelt + lines[number][column + len(word) :]
            files = {**template, path: SourceFile(path, "\n".join(lines))}
            found = list(check_sources(files.values()).diagnostics)
            if len(found) > 1:
                several.append((path, number + 1, misspelt, [one.label for one in found]))
    assert several == []
