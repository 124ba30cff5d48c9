"""Batches that cannot be told apart, or that lose what protects a single write."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import pytest

from syncline_compiler.pipeline import Compilation

Check = Callable[[Mapping[str, str]], Compilation]

CRM = """
system: crm
version: 1.0.0
auth: {kind: bearer}
resources:
  Account:
    id: id
    version: stamp
    fields:
      id: {type: text, write: false}
      name: {type: text(80), required: true}
      email: text
      country: text(2)
      status: {type: text, values: [New, Open, Closed], required: true}
      credit_limit: "decimal(12,2)"
      currency: text(3)
      stamp: {type: instant, write: false}
    list: {request: {path: /accounts}}
    get: {path: "/accounts/{id}"}
    update:
      request: {path: "/accounts/{id}"}
      MORE
      batch:
        request: {path: /batch, body: BODY}
        item: ITEM
        answers: results
        TOLD
"""
SYNC = """
sync: account
object: account@1
members: {crm: crm.Account, erp: erp.Partner}
exists: {originate: [crm, erp], hold: {crm: true, erp: true}}
owners: {"*": crm, credit_limit: erp}
freshness: 15m
"""
GOOD = {
    "MORE": "sends: changed",
    "BODY": '{all: "{items}"}',
    "ITEM": '{n: "{row}", id: "{id}", set: "{record}"}',
    "TOLD": "status: s",
}


@pytest.mark.parametrize(
    ("changes", "label"),
    [
        ({}, None),
        ({"BODY": '{all: "{record}"}'}, "no record stands in this request"),
        ({"ITEM": '{set: "{record}"}'}, "nothing says which record a row updates"),
        ({"ITEM": '{id: "{id}"}'}, "nothing of the record is sent"),
        ({"ITEM": '{id: "{field.id}", set: "{field.name}"}'}, None),
        ({"MORE": "precondition: {header: If-Match}"}, "`If-Match` is not sent with rows: what somebody else wrote is overwritten"),
        ({"TOLD": "status: s\n        echo: {at: n}"}, None),
        ({"TOLD": "status: s\n        echo: {sent: all, at: n}"}, "this is the same for every row"),
        ({"TOLD": 'status: s\n        echo: {sent: "{key}", at: n}'}, "`{key}` cannot come back: `item` does not send it"),
        ({"TOLD": 'status: s\n        echo: {sent: "{field.email}", at: n}'}, None),
        ({"TOLD": "record_at: r"}, "`status`, `done` or `failed` is expected: what tells which rows were written"),
        ({"TOLD": "failed: bad"}, "`answers` and `echo` are expected: what tells whose answers stand at `failed`"),
        ({"ITEM": '{id: "{id}", set: "{records}"}'}, "nothing fills `{records}`"),
    ],
)  # fmt: skip
def test_batches(check: Check, changes: Mapping[str, str], label: str | None) -> None:
    text = CRM
    for name, value in {**GOOD, **changes}.items():
        text = text.replace(name, value)
    found = [one for one in check({"systems/crm.yaml": text}).diagnostics if one.code != "SYN0705"]
    assert [one.label for one in found][:1] == ([label] if label else [])


def test_rows_without_a_key_are_no_safe_creates(check: Check) -> None:
    create = CRM.replace("update:", "create:").replace('"/accounts/{id}"}\n      MORE', "/accounts}\n      MORE")
    found = {}
    for item in ('{set: "{record}"}', '{set: "{record}", key: "{key}"}'):
        text = create
        for name, value in {**GOOD, "MORE": "idempotency: {header: Idempotency-Key}", "ITEM": item}.items():
            text = text.replace(name, value)
        told = check({"systems/crm.yaml": text, "syncs/account.yaml": SYNC}).diagnostics
        found[item] = [one.label for one in told if one.code == "SYN0701"]
    assert list(found.values()) == [["rows of its `batch` go without a key"], []]
