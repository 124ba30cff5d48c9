"""Preflight: what is told of each connection before anything is run."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from support.world import World, system, world
from syncline_runtime.commands import preflight
from syncline_runtime.connectors.templates import read_path, write_path
from syncline_runtime.sandbox.routes import Asked, Call
from syncline_runtime.sandbox.stand_in import Reply

TELLS = """
limit: {requests: 1000, per: 1s, left: X-Left, total: X-Limit}
account: {request: {path: /me}, at: account}
granted: {request: {path: /me}, at: scopes}
scopes: [recs.read, recs.write, secrets.read]
resources:"""
FIELDS = (
    "Name: {type: text(80), required: true, at: names.short}, Kind: {type: text, scope: {read: secrets.read}}, "
    "Note: text, Born: {type: date, write: false}"
)
DESCRIBE = """
    scope: {read: recs.read, write: recs.write}
    describe:
      {request: {path: /rec/describe}, items: result.fields, read: may.read, create: may.create, update: may.update}
"""
A = system("a", Rec=FIELDS).replace("\nresources:", TELLS) + DESCRIBE
FILES = {
    "rec.yaml": "object: rec\nversion: 1.0.0\nidentity: [{same: [name]}]\n"
    "fields: {name: {type: text(80), required: true}, note: text?, kind: text?}\n",
    "a.yaml": A,
    "b.yaml": system("b", Rec=FIELDS.replace(", scope: {read: secrets.read}", "")),
    "a.map": "mapping a.Rec <-> rec@1\nname <-> Name\nkind <- Kind\nnote <-> Note\n",
    "b.map": "mapping b.Rec <-> rec@1\nname <-> Name\nkind <-> Kind\nnote -> Note\n",
    "rec_sync.yaml": "sync: rec\nobject: rec@1\nmembers: {a: a.Rec, b: b.Rec}\nexists: {originate: [a], hold: {b: true}}\n"
    'owners: {"*": a, note: a}\nfreshness: 15m\n',
}


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    with world(tmp_path, monkeypatch, FILES) as made:
        for of in ("a", "b"):
            made.sandbox.stand_ins[of]._now = lambda: datetime.now(UTC)
        made.sandbox.now = lambda: datetime.now(UTC)
        made.add("a", Name="Ada", Kind="x", Note="n", Born="1815-12-10")
        yield made


def asked(world: World) -> tuple[int, dict[str, Any], str]:
    """Ask as JSON and as text; give exit code, what is told of ``a``, and the text."""
    told = CliRunner().invoke(preflight, [*world.words, "--format", "json"], standalone_mode=False)
    text = CliRunner().invoke(preflight, world.words, standalone_mode=False)
    assert told.return_value == text.return_value
    document = json.loads(told.stdout)
    assert (document["version"], document["environment"]) == (1, "t")
    return told.return_value, document["connections"][0], text.stdout


def answering(world: World, change: Callable[[Asked, Any], Any]) -> None:
    """Let the stand-in answer otherwise: ``change`` gets what is asked and the body."""
    stand_in = world.sandbox.stand_ins["a"]
    done = stand_in._done

    def changed(of: Asked, call: Call, url: str) -> Reply:
        reply = done(of, call, url)
        return replace(reply, body=change(of, reply.body))

    stand_in._done = changed  # type: ignore[method-assign]


def test_a_connection_that_may_do_what_it_must(here: World) -> None:
    code, told, text = asked(here)
    assert (code, told["ok"], told["reachable"], told["problems"]) == (0, True, True, [])
    assert told["account"] == "sandbox"
    assert told["scopes_needed"] == ["recs.read", "recs.write", "secrets.read"]
    assert told["scopes_granted"] == ["recs.read", "recs.write", "secrets.read"]
    assert told["clock_ahead_seconds"] == 0
    assert 900 < told["requests_left"] <= told["requests_in_all"] == 1000
    assert "scopes: 3 needed, 3 granted" in text
    assert "clock: agrees" in text
    assert "Rec: readable (1 on the first page)" in text
    assert "of 1000 left" in text


def test_a_scope_that_is_not_granted(here: World) -> None:
    answering(here, lambda of, body: {**body, "scopes": "recs.read,other"} if "scopes" in body else body)
    code, told, text = asked(here)
    assert (code, told["ok"]) == (4, False)
    assert [problem["message"] for problem in told["problems"]] == ["not granted: recs.write, secrets.read"]
    assert "error: not granted: recs.write, secrets.read" in text


@pytest.mark.parametrize(
    ("wire", "use", "message"),
    [
        ("Note", "update", "Rec: Note may not be changed"),
        ("names", "create", "Rec: Name may not be set on create"),
        ("Kind", "read", "Rec: Kind may not be read"),
        ("Kind", "update", ""),  # the mapping only reads it
        ("Born", "read", ""),  # no mapping reads it
    ],
)
def test_a_field_that_may_not_be_used(here: World, wire: str, use: str, message: str) -> None:
    def without(of: Asked, body: Any) -> Any:
        for item in body["result"]["fields"] if of.route.operation == "describe" else ():
            if item["name"] == wire:
                write_path(item, f"may.{use}", False)
        return body

    answering(here, without)
    code, told, _ = asked(here)
    assert [problem["message"] for problem in told["problems"]] == ([message] if message else [])
    assert code == (4 if message else 0)


def test_a_field_that_no_record_shows(here: World) -> None:
    """Some systems leave out what a credential may not read, and answer 200."""

    def without(of: Asked, body: Any) -> Any:
        if of.route.operation == "list":
            for record in body:
                record.pop("Kind")
        return body

    answering(here, without)
    code, told, text = asked(here)
    assert (code, told["ok"]) == (0, True)
    assert "warning: Rec: no record of the first page holds Kind" in text


@pytest.mark.parametrize(("ahead", "words"), [(600, "600 s ahead of ours"), (-600, "600 s behind ours")])
def test_a_clock_that_is_wrong(here: World, ahead: int, words: str) -> None:
    here.sandbox.now = lambda: datetime.now(UTC) + timedelta(seconds=ahead)
    code, told, text = asked(here)
    assert (code, abs(told["clock_ahead_seconds"] - ahead) <= 2) == (0, True)
    assert words[4:] in text


def test_another_account(here: World) -> None:
    answering(here, lambda of, body: {**body, "account": "someone else"} if "account" in body else body)
    binding = here.release.folder / "bindings" / "t.json"
    said = json.loads(binding.read_text())
    next(one for one in said["connections"] if one["name"] == "a")["account"] = "sandbox"
    binding.write_text(json.dumps(said))
    code, told, text = asked(here)
    assert (code, told["ok"], told["reachable"]) == (4, False, True)
    assert "the binding wants account 'sandbox', and the system is 'someone else'" in text


def test_a_system_that_is_not_there(here: World) -> None:
    here.sandbox.close()
    code, told, text = asked(here)
    assert (code, told["ok"], told["reachable"], told["category"]) == (4, False, False, "transport")
    assert "no answer from the system" in text


def test_nothing_is_written(here: World) -> None:
    asked(here)
    assert here.sandbox.log == []
    assert read_path(here.records("a")[0], "names.short") == "Ada"
