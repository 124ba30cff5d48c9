"""Every durable step of three pipelines: the run is killed there, and what follows is killed again somewhere.

What counts is counted in the systems: each record once, with its values; a run that changes nothing sends nothing. By
default some steps of each pipeline are tried, others each day; all of them with ``SYNCLINE_KILLS=all``.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from datetime import UTC, datetime
from random import Random
from typing import Any, NamedTuple

import pytest

from faults.kit.killing import Moment, killed, steps
from support.world import FROM_A_TO_B, NAME_AND_KIND, World, system, world, writes

SOME = 3
EVERY = os.environ.get("SYNCLINE_KILLS") == "all"
TODAY = datetime.now(UTC).date().isoformat()


def one_way() -> dict[str, str]:
    """Creates and updates, a to b, with idempotency keys."""
    rec = "name: {type: text, required: true}, kind: text"
    return {
        **{f"{n}.yaml": system(n, Rec=rec) for n in "ab"},
        "rec.yaml": NAME_AND_KIND,
        "sync.yaml": FROM_A_TO_B,
        **{f"{n}.map": f"mapping {n}.Rec <-> rec@1\n\nname <-> name\nkind <-> kind\n" for n in "ab"},
    }


def two_ways() -> dict[str, str]:
    """Both create; records refer to each other; in b the mail address is a record below."""
    rec = "name: {type: text, required: true}, note: text, up: {type: text, ref: Rec}"
    contact = """
  Contact:
    id: id
    parent: rec
    fields:
      id: {type: text, write: false}
      rec: {type: text, ref: Rec, required: true}
      kind: {type: text, required: true}
      value: {type: text, required: true}
    create: {request: {method: POST, path: "/rec/{parent}/contacts"}, idempotency: {header: Idempotency-Key, keeps: 24h}}
    update: {request: {method: PATCH, path: "/contacts/{id}"}}
    delete: {request: {method: DELETE, path: "/contacts/{id}"}}
"""
    return {
        "a.yaml": system("a", Rec=f"{rec}, mail: text"),
        "b.yaml": system("b", Rec=f"{rec}, contacts: {{type: list, of: Contact}}") + contact,
        "rec.yaml": """
            object: rec
            version: 1.0.0
            fields:
              name: {type: text, required: true, label: Name}
              note: {type: "text?", label: Note}
              up: {type: ref(rec)?, label: Above}
              mail: {type: "text?", label: Mail}
            identity: [{same: [name]}]
            """,
        "sync.yaml": """
            sync: rec
            object: rec@1
            members: {a: a.Rec, b: b.Rec}
            exists: {originate: [a, b], hold: {a: true, b: true}}
            owners: {"*": a, note: b}
            """,
        "a.map": "mapping a.Rec <-> rec@1\n\nname <-> name\nnote <-> note\nup <-> up | ref rec\nmail <-> mail\n",
        "b.map": "mapping b.Rec <-> rec@1\n\nname <-> name\nnote <-> note\nup <-> up | ref rec\n"
        'mail <-> pick contacts where kind == "email" .value\n',
    }


def ends() -> dict[str, str]:
    """Deletes, merges that a tells, and creates that are found again by a marker."""
    rec = "name: {type: text(80), required: true}, mail: text, master: text, parts: list"
    told = "path: /rec}}\n    merged_into: master\n    merged_from: parts\n    gone: {note: gone}"
    marked = "mail: text, origin: text"
    return {
        "a.yaml": system("a", Rec=rec).replace("path: /rec}}", told, 1),
        "b.yaml": system("b", Rec=f"name: {{type: text(80), required: true}}, {marked}").replace(
            "idempotency: {header: Idempotency-Key, keeps: 24h}",
            'marker: origin, find: {request: {path: /search, query: {q: "{marker}"}}}',
        ),
        "rec.yaml": """
            object: rec
            version: 1.0.0
            fields: {name: {type: text(80), required: true, label: Name}, mail: {type: "text?", label: Mail}}
            identity: [{same: [mail]}]
            """,
        "sync.yaml": FROM_A_TO_B + "when_deleted_in: {a: delete}\n",
        **{f"{n}.map": f"mapping {n}.Rec <-> rec@1\n\nname <-> name\nmail <-> mail\n" for n in "ab"},
    }


class OneWay:
    """One record is created, one updated."""

    files = one_way()

    def before(self, made: World) -> None:
        made.add("a", name="Ada")

    def work(self, made: World) -> None:
        made.edit("a", made.by("name", "a")["Ada"]["id"], kind="x")
        made.add("a", name="Bob", kind="y")

    def shows(self, made: World) -> object:
        return {name: one["kind"] for name, one in made.by("name", "b").items()}

    expected: object = {"Ada": "x", "Bob": "y"}


class TwoWays:
    """Records come on both sides, one refers to the other, and one has an address of its own."""

    files = two_ways()

    def before(self, made: World) -> None:
        made.add("a", name="Ada", mail="ada@x")

    def work(self, made: World) -> None:
        ada = made.by("name", "a")["Ada"]["id"]
        made.edit("a", ada, mail="ada@y")
        made.add("a", name="Bob", mail="bob@x", up=ada)
        made.edit("b", made.by("name", "b")["Ada"]["id"], note="theirs")
        made.add("b", name="Eva", note="new")

    def shows(self, made: World) -> object:
        found: dict[str, Any] = {}
        for of in "ab":
            known = made.by("name", of)
            names = {one["id"]: name for name, one in known.items()}
            for name, one in known.items():
                mails = [one["mail"]] if of == "a" else [each["value"] for each in one["contacts"]]
                found[f"{of} {name}"] = (one["note"], names.get(one["up"]), [mail for mail in mails if mail])
        return found

    expected: object = {
        f"{of} {name}": told
        for of in "ab"
        for name, told in {
            "Ada": ("theirs", None, ["ada@y"]),
            "Bob": (None, "Ada", ["bob@x"]),
            "Eva": ("new", None, []),
        }.items()
    }


class Ends:
    """One record is deleted, one becomes part of another, one is new."""

    files = ends()

    def before(self, made: World) -> None:
        for name in ("Ada", "Bob", "Eva"):
            made.add("a", name=name, mail=f"{name}@x")

    def work(self, made: World) -> None:
        known = made.by("name", "a")
        made.drop("a", known["Ada"]["id"])
        made.edit("a", known["Bob"]["id"], master=known["Eva"]["id"])
        made.edit("a", known["Eva"]["id"], name="Eve")
        made.add("a", name="Zoe", mail="Zoe@x")

    def shows(self, made: World) -> object:
        return sorted((one["name"], one["mail"]) for one in made.records("b"))

    expected: object = [("Bob", "Bob@x"), ("Eve", "Eva@x"), ("Zoe", "Zoe@x")]


class Staged(NamedTuple):
    """A pipeline at the moment at which runs are killed."""

    pipeline: Any
    world: World
    moment: Moment
    steps: list[str]


@pytest.fixture(scope="module", params=[OneWay, TwoWays, Ends], ids=lambda one: one.__name__)
def staged(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Staged]:
    pipeline, folder = request.param(), tmp_path_factory.mktemp("killed")
    with ExitStack() as stack:
        patch = stack.enter_context(pytest.MonkeyPatch.context())
        made = stack.enter_context(world(folder, patch, pipeline.files))
        around = replace(made.options.around, threads=1, parsed={})  # hundreds of small runs
        made.options = replace(made.options, state=folder / "state", ledger=None, around=around)
        pipeline.before(made)
        made.run()
        pipeline.work(made)
        moment = Moment(made, folder / "kept")
        yield Staged(pipeline, made, moment, steps(made))


def recovered(staged: Staged) -> None:
    """What comes after a kill makes it good, and then nothing moves."""
    made = staged.world
    for _ in range(4):
        made.clock.let_pass(60)
        sent = len(made.sandbox.log)
        if not writes(made.run()) and len(made.sandbox.log) == sent:
            break
    else:
        raise AssertionError("no run is at rest")
    assert staged.pipeline.shows(made) == staged.pipeline.expected
    made.assert_whole()


@pytest.mark.slow
@pytest.mark.in_files
def test_a_kill_at_any_durable_step_is_made_good(staged: Staged) -> None:
    random = Random(f"{TODAY} {staged.pipeline.__class__.__name__}")
    numbers = list(range(1, len(staged.steps) + 1))
    for number in numbers if EVERY else sorted(random.sample(numbers, SOME)):
        again = random.choice(numbers)
        staged.moment.put_back()
        try:
            assert killed(staged.world, number)
            killed(staged.world, again)
            recovered(staged)
        except Exception as error:
            where = f"killed {staged.steps[number - 1]} (step {number}), then at step {again}"
            raise AssertionError(f"{where}: {error}") from error
