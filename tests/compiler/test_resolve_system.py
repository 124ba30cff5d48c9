"""The YAML face of a system against what the runtime knows."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from syncline_compiler.diagnostics.diagnostic import Collector
from syncline_compiler.passes.load import load
from syncline_compiler.passes.resolve_system import resolve_systems
from syncline_compiler.pipeline import Compilation
from syncline_compiler.source import SourceFile
from syncline_runtime import system as compiled
from syncline_runtime.authentication import Assertion, secrets_of
from syncline_runtime.encoding import decode, dumps
from syncline_runtime.request import Probe, Request

THING = """
system: other
version: 1.0.0
network: private
resources:
  Thing:
    id: id
    moved: {from: Stuff}
    merged_into: into
    merged_from: ids
    merged_answer: {redirect: true, at: error.into, record: true}
    fields: {id: {type: text, write: false}, into: text, ids: list}
    describe: {request: {path: /fields}, items: fields, name: key, read: r, create: c, update: u}
    create:
      request: {path: /things}
      batch:
        request: {path: /batch, body: "{items}"}
        item: {n: "{row}", set: "{record}"}
        rows: 200
        bytes: 1000000
        answers: results
        failed: errors
        status: code
        done: {success: true}
        echo: {sent: "{row}", at: [n, of.n]}
        returns: id
        record_at: thing
        id_at: thing.id
        error_code_at: error.0
        error_message_at: error.1
        merged_at: survivor
limit: {requests: 1, per: 1s, left: X-Left, total: X-Limit, reset: X-Reset, kept_for_people: 20%}
granted: {request: {path: "/token/{access_token}"}, at: scopes}
"""
TOKENS = (
    THING
    + """
auth:
  kind: oauth2
  token:
    grant: jwt_bearer
    request: {path: "/token/{account}", body: {audience: api}}
    client: body
    scopes: [read, write]
    rotates: true
    lifetime: 1h
    assertion: {claims: {iss: "{client_id}", aud: [a, b]}, algorithm: ES256, lifetime: 1m}
"""
)
SIGNED = (
    THING
    + """
auth:
  kind: signed
  signature:
    signs: "{method}{path}{timestamp}{body_hash}"
    headers: {X-Key: "{key_id}", X-Time: "{timestamp}", X-Signature: "v1={signature}"}
    digest: sha512
    encoding: base64
    timestamp: iso
    key: base64
"""
)
PROJECT = SourceFile("syncline.yaml", "syncline: 1\nproject: a\n")

WHOLE = """
system: crm
version: 1.0.0
label: CRM
zone: Europe/Zurich
origins: {live: [https://crm.example.com], test: [https://*.crm.example.net/t]}
protocol: jsonrpc
environment: {request: {path: /env}}
auth:
  kind: session
  header: X-Session
  query: session
  scheme: Session
  login: {path: /login, body: {user: "{username}", password: "{password}"}}
  session: {$json: ["{result}"]}
limit: {requests: 100, per: 1m, concurrency: 8}
visible_after: 3s
headers: {Accept: application/json}
account: {request: {path: /api/me}, at: org.id}
errors:
  - {status: [400, 422], category: validation}
  - {status: 429, category: rate_limit, retry: true, where: {error.code: 7}}
  - {category: validation, given: data.userErrors.0}
error_code_at: error.code
error_message_at: error.message
scopes: [notes.read]
tagged: {key: __class__, types: {Decimal: decimal, date: [year, month, day]}, native: {decimal: Decimal}}
resources:
  Account:
    label: Customer
    id: id
    version: updated_at
    scope: {read: accounts.read, write: accounts.write}
    gone: {deleted: true}
    fields:
      id: {type: text, write: false}
      name: {type: text(80), required: true}
      status: {type: text, values: [Open, 1, true], write: false}
      country: {type: text, read: false, scope: {read: x}, lookup: {request: {path: "/c/{value}"}, at: id}}
      amount: {type: "decimal(12,2)", at: money.amount, quoted: true, plain: true, write_at: amount, pii: business}
      updated_at: {type: instant, write: false}
      contacts: {type: list, of: Contact}
      note: {type: text~, empty_is_null: true, scope: {write: notes.write}}
    list:
      request: {path: /accounts, query: {limit: "{size}"}}
      items: results
      paging: {kind: offset, size: 50}
      cursor:
        {field: updated_at, granularity: 1ms, lag: 5s, query: {since: "{cursor}", to: "{until}"}, body: {all: false}, format: wire}
      sweep: {every: 1d, keys: {request: {path: /ids}, items: ids, paging: {kind: page}, result_cap: 9000}}
      complete: false
      result_cap: 5000
      also: [more]
      detail: true
      each: Contact
    transitions:
      - {field: status, from: Open, to: "true", first: true, request: {path: "/accounts/{id}/close/{field.note}"}}
    get_at: account
    get: {path: "/accounts/{id}"}
    create:
      request: {path: /accounts, headers: {X: y}, encoding: form}
      record_at: data
      id_at: data.id
      sends: all
      wrap: account
      external_id: note
      then_update: [name]
      idempotency: {header: Idempotency-Key, keeps: 24h}
      marker: note
      find:
        request: {path: /search}
        items: hits
        paging:
          {kind: next_link, first: 0, next: a, next_header: Link, from_last: id, more: b, total: c}
    update: {request: {method: PUT, path: "/accounts/{id}"}, precondition: {header: If-Match}, scope: accounts.edit}
    delete: {request: {rpc: account.delete, body: ["{id}"]}}
  Contact: {id: id, parent: account, fields: {id: text, account: {type: text, ref: Account}}}
  Receipt:
    id: id
    fields: {id: text}
    list: {table: crm.receipts}
    get: {path: /graphql, graphql: "query($id: ID!) { receipt(id: $id) {id} }", body: {id: "{id}"}}
    create: {request: {path: /receipts}}
    update: {replaces: true}
    delete: {request: {path: "/receipts/{id}"}}
  Drop:
    id: id
    fields: {id: text}
    files: {pattern: "in/*.json", format: json, encoding: latin-1, items: rows, complete: true}
  Row:
    id: id
    fields: {id: {type: text, at: "1"}}
    files:
      {pattern: "*.csv", delimiter: ";", quote: "'", escape: "^", header: false, nulls: ["NULL"], locale: de-CH, dates: "%d.%m.%Y",
       times: "%d.%m.%Y %H:%M", settles: 1m, ready: .ok}
sandbox:
  Account: [{id: a1, amount: 12.50, n: 3}]
"""


def resolve(text: str) -> tuple[compiled.System, Collector]:
    diagnostics = Collector()
    project = load([PROJECT, SourceFile("s.yaml", text)], diagnostics)
    assert project is not None, list(diagnostics)
    (system,) = resolve_systems(project, diagnostics).values()
    return system, diagnostics


def test_whole_system() -> None:
    system, diagnostics = resolve(WHOLE)
    assert list(diagnostics) == []
    account = system.resource("Account")
    assert (system.zone, system.visible_after, system.scopes) == ("Europe/Zurich", 3, ("notes.read",))
    assert system.limit == compiled.Limit(100, 60, 8)
    assert system.auth.login == Request("/login", "POST", body={"user": "{username}", "password": "{password}"})
    assert system.account == Probe(Request("/api/me"), "org.id")
    assert system.errors[1] == compiled.ErrorRule("rate_limit", (429,), {"error.code": 7}, retry=True)
    assert system.errors[2] == compiled.ErrorRule("validation", given=("data.userErrors.0",))
    asked = system.resource("Receipt").get
    assert asked is not None
    assert (asked.method, asked.call, asked.graphql) == ("POST", "graphql", "query($id: ID!) { receipt(id: $id) {id} }")
    assert system.tagged == compiled.TaggedValues(
        "__class__", {"Decimal": ("decimal",), "date": ("year", "month", "day")}, {"decimal": "Decimal"}
    )
    assert account.native("amount") == compiled.NativeField(
        "amount",
        "decimal",
        "money.amount",
        precision=12,
        scale=2,
        pii="business",
        write_at="amount",
        quoted=True,
        plain=True,
    )
    assert account.native("status").values == ("Open", "1", "true")
    assert account.native("note").scope_write == "notes.write"
    assert account.list is not None
    assert account.list.cursor == compiled.Cursor(
        "updated_at", 1_000, 5_000_000, "wire", {"since": "{cursor}", "to": "{until}"}, {"all": False}
    )
    assert account.get == Request("/accounts/{id}")
    assert (account.list.also, account.list.detail, account.list.each) == (("more",), True, "Contact")
    assert account.create is not None
    assert account.create.request.method == "POST"
    assert (account.create.idempotency_keeps, account.create.scope) == (86_400, "accounts.write")
    assert account.create.find is not None
    assert (account.create.find.field, account.create.find.items) == ("note", "hits")
    assert account.create.find.paging.next_header == "Link"
    assert [(step.source, step.target) for step in account.transitions] == [("Open", "true")]
    assert account.update is not None
    assert (account.update.precondition_header, account.update.scope) == ("If-Match", "accounts.edit")
    assert account.delete is not None
    assert (account.delete.returns, account.delete.request.method) == ("nothing", "POST")
    assert system.resource("Drop").files == compiled.FileRead(
        "in/*.json", "json", encoding="latin-1", items="rows", complete=True
    )
    assert system.sandbox == {"Account": [{"id": "a1", "amount": "12.50", "n": 3}]}


def test_a_system_survives_its_encoding() -> None:
    import json

    system, _ = resolve(WHOLE)
    assert decode(compiled.System, json.loads(dumps(system))) == system


def test_tokens_and_signatures() -> None:
    tokens, signed = (resolve(text)[0].auth for text in (TOKENS, SIGNED))
    assert tokens.grant is not None
    assert tokens.grant.request == Request("/token/{account}", "POST", body={"audience": "api"}, encoding="form")
    assert tokens.grant.assertion == Assertion({"iss": "{client_id}", "aud": ["a", "b"]}, "ES256", 60)
    assert secrets_of(tokens) == ("client_id", "client_secret", "key")
    assert secrets_of(signed) == ("key", "key_id")


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("grant: jwt_bearer", "grant: refresh_token"),
        ("kind: oauth2", "kind: bearer"),
        ("assertion:", "unknown:"),
    ],
)
def test_ways_of_authentication_that_do_not_hold_together(before: str, after: str) -> None:
    diagnostics = Collector()
    load([PROJECT, SourceFile("s.yaml", TOKENS.replace(before, after))], diagnostics)
    assert list(diagnostics)


def test_everything_that_the_runtime_knows_can_be_said() -> None:
    said: set[tuple[str, str]] = set()
    there: set[tuple[str, str]] = set()

    def walk(value: Any) -> None:
        if dataclasses.is_dataclass(value) and not isinstance(value, type):
            for member in dataclasses.fields(value):
                default = member.default_factory() if callable(member.default_factory) else member.default
                there.add((type(value).__name__, member.name))
                if getattr(value, member.name) != default:
                    said.add((type(value).__name__, member.name))
                walk(getattr(value, member.name))
        elif isinstance(value, tuple):
            for item in value:
                walk(item)

    for text in (WHOLE, TOKENS, SIGNED):
        walk(resolve(text)[0])
    assert there - said == set()


@pytest.mark.parametrize(
    ("before", "after", "code", "label"),
    [
        ("id: id\n    version", "id: idd\n    version", "SYN0204", "`crm.Account` has no field `idd`"),
        ("field: updated_at", "field: updated", "SYN0204", "`crm.Account` has no field `updated`"),
        ("marker: note", "marker: notes", "SYN0204", "`crm.Account` has no field `notes`"),
        ("of: Contact", "of: Contacts", "SYN0202", "`crm` has no resource `Contacts`"),
        ("ref: Account", "ref: Acount", "SYN0202", "`crm` has no resource `Acount`"),
        ("parent: account", "parent: acount", "SYN0204", "`crm.Contact` has no field `acount`"),
        ("  Account: [{id: a1", "  Accounts: [{id: a1", "SYN0202", "`crm` has no resource `Accounts`"),
        ("each: Contact", "each: Contacts", "SYN0202", "`crm` has no resource `Contacts`"),
        ("then_update: [name]", "then_update: [names]", "SYN0204", "`crm.Account` has no field `names`"),
        ("{field: status", "{field: state", "SYN0204", "`crm.Account` has no field `state`"),
        ("text(80)", "string(80)", "SYN0207", "there is no type `string`"),
    ],
)
def test_names_within_a_system(before: str, after: str, code: str, label: str) -> None:
    assert before in WHOLE
    _, diagnostics = resolve(WHOLE.replace(before, after))
    assert [(d.code, d.label) for d in diagnostics] == [(code, label)]


def test_a_secret_in_a_header_is_refused_and_masked(check: Callable[[Mapping[str, str]], Compilation]) -> None:
    from syncline_compiler.diagnostics.render import render_text

    text = """
system: till
version: 1.0.0
headers: {Authorization: Bearer abc123}
resources:
  Sale:
    id: number
    fields: {number: text}
    list: {request: {path: /sales, query: {api_key: abc456, token: "{token}"}}}
"""
    compilation = check({"systems/till.yaml": text})
    assert [d.code for d in compilation.diagnostics] == ["SYN0801", "SYN0801"]
    assert "abc" not in render_text(compilation.diagnostics, compilation.sources)
