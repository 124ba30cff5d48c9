"""What compiles in other tools and goes wrong later: clocks, keys, references, conditions, copied lines."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import pytest

from syncline_compiler.pipeline import Compilation
from syncline_compiler.source import SourceFile

Check = Callable[[Mapping[str, str]], Compilation]
Template = Mapping[str, SourceFile]
CRM, ERP, SYNC = "systems/crm.yaml", "systems/erp.yaml", "syncs/account.yaml"
CRM_MAP, ERP_MAP, OBJECT, PROJECT = (
    "mappings/crm_account.map", "mappings/erp_partner.map", "objects/account.yaml", "syncline.yaml",
)  # fmt: skip
NEWEST = "  email: {by: newest, clock: {crm: updated_at, erp: write_date}}\n"
CLOCK = "updated_at: {type: instant, write: false}"
HOLD = "hold: {erp: true}"

Change = tuple[str, str, str]
CHANGES: list[tuple[list[Change], list[tuple[str, str]]]] = [
    # clocks
    ([(SYNC, "owners:\n", f"owners:\n{NEWEST}")], []),
    ([(SYNC, "owners:\n", f"owners:\n{NEWEST}"), (CRM, CLOCK, CLOCK.replace("instant", "local_datetime"))],
     [("SYN0503", "`updated_at` is a local time: against the clock of another system it is hours off")]),
    ([(SYNC, "owners:\n", f"owners:\n{NEWEST}"), (CRM, CLOCK, CLOCK.replace("instant", "local_datetime")),
      (CRM, "protocol: rest", "protocol: rest\nzone: UTC")], []),
    ([(SYNC, "owners:\n", f"owners:\n{NEWEST}".replace("updated_at", "name"))],
     [("SYN0503", "`name` is text, which tells no moment")]),
    ([(SYNC, "owners:\n", f"owners:\n{NEWEST}".replace("updated_at", "made")), (CRM, CLOCK, f"{CLOCK}\n      made: {{type: instant}}")],
     [("SYN0503", "`made` is the clock, and `updated_at` is what rises with each change")]),
    ([(SYNC, "owners:\n", f"owners:\n{NEWEST}"), (CRM, CLOCK, f"{CLOCK}\n      revision: {{type: int}}"),
      (CRM, "version: updated_at # rises with each change", "version: revision"),
      (CRM, '      cursor: {field: updated_at, granularity: 1s, lag: 5s, query: {updated_since: "{cursor}"}}\n', "")], []),
    # conditions
    ([(SYNC, HOLD, 'hold: {erp: status != "closed"}')], []),
    ([(SYNC, HOLD, 'hold: {erp: status == "closed" and status == "active"}')],
     [("SYN0314", "this is never met: `erp` is given no record")]),
    ([(SYNC, HOLD, 'hold: {erp: status != "closed" or status != "active"}')],
     [("SYN0314", "this is always met: `erp` is given every record")]),
    ([(OBJECT, "identity:", 'derived:\n  kind: case when status == "active" then "on" else "off" end\n'
       'invariants:\n  one: kind != "On"\nidentity:')], [("SYN0314", '`kind` is never "On"')]),
    ([(OBJECT, "identity:", 'invariants:\n  one: (status | text) in ("active", "lost")\nidentity:')],
     [("SYN0314", 'this is never "lost"')]),
    ([(ERP_MAP, "name ", '"A" -> state\ntake when state == "P"\nname '), (ERP_MAP, "status       <-> state", "status       <- state")],
     [("SYN0314", "a record that is written from here is not taken")]),
    # keys
    ([(SYNC, "originate: [crm]", "originate: [crm, erp]")],
     [("SYN0608", "a record without `email` that two of these have is made once more in each")]),
    ([(SYNC, "originate: [crm]", "originate: [crm, erp]"), (CRM_MAP, "name ", 'reject when email is null because "x"\nname '),
      (ERP_MAP, "name ", 'reject when mail is null because "x"\nname ')], []),
    ([(OBJECT, "- same: [email]", "- same: [name]"), (ERP_MAP, "<-> title", "<-> title | truncate 80")],
     [("SYN0609", "`erp` reads `name` through `truncate`, and records are matched by it")]),
    ([(OBJECT, "- same: [email]", "- same: [name]"), (ERP_MAP, "<-> title", "<-> title | truncate 80"),
      (CRM_MAP, "<-> name", "<-> name | truncate 80")], []),
    ([(ERP, "idempotency: {header: X-Request-Id, keeps: 24h}", "external_id: title")],
     [("SYN0605", "`title` is the external id: a create with a value that is there changes that record")]),
    ([(ERP, "idempotency: {header: X-Request-Id, keeps: 24h}", "external_id: mail")], []),
    ([(ERP, "idempotency: {header: X-Request-Id, keeps: 24h}",
       'marker: mail\n      find: {request: {path: "/api/partners", query: {mail: "{marker}"}}}')],
     [("SYN0703", "`mail` is written here, over the mark")]),
    # environments
    ([(PROJECT, "    crm: {stand_in: true}", '    crm: {origin: "http://127.0.0.1:80", credential: {token: "env:T"}}')], []),
    ([(PROJECT, "    crm: {stand_in: true}", '    crm: {origin: "http://crm.test", credential: {token: "env:T"}}')],
     [("SYN0808", "the credential of `crm` is sent so that everybody on the way can read it")]),
]  # fmt: skip


@pytest.mark.parametrize(("changes", "expected"), CHANGES, ids=[str(number) for number in range(len(CHANGES))])
def test_change(changes: list[Change], expected: list[tuple[str, str]], check: Check, template: Template) -> None:
    files: dict[str, str] = {}
    for path, before, after in changes:
        text = files.get(path, template[path].text)
        assert before in text
        files[path] = text.replace(before, after, 1)
    assert [(one.code, one.label) for one in check(files).diagnostics] == expected
