"""Small worlds in one process: a project of two systems, their stand-ins, and runs between them."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from functools import cache
from pathlib import Path
from random import Random
from typing import Any

import pytest

from support.clock import TestClock
from support.engine import PARSED, project, release_of
from support.postgres import url_of_new_ledger
from syncline_runtime import Options, plan_release, run_release
from syncline_runtime.connectors import Surroundings
from syncline_runtime.ledger import FILE, Realm, open_ledger
from syncline_runtime.plan import Release
from syncline_runtime.result import RunResult
from syncline_runtime.sandbox import serve
from syncline_runtime.sandbox.server import Sandbox
from syncline_runtime.upkeep.integrity import verify_state
from syncline_runtime.upkeep.session import Place

PROJECT = "syncline: 1\nproject: t\nenvironments: {t: {a: {stand_in: true}, b: {stand_in: true}}}\n"
HEAD = "system: {name}\nversion: 1.0.0\nprotocol: rest\nauth: {{kind: bearer}}\nresources:\n"


FROM_A_TO_B = """sync: rec
object: rec@1
members: {a: a.Rec, b: b.Rec}
exists: {originate: [a], hold: {b: true}}
owners: {"*": a}
"""
"""A sync of what ``a`` decides and ``b`` holds."""
NAME_AND_KIND = """object: rec
version: 1.0.0
fields: {name: {type: text, required: true, label: Name}, kind: {type: "text?", label: Kind}}
identity: [{same: [name]}]
"""
"""An object whose records are known by their names."""


def system(name: str, **resources: str) -> str:
    """Describe a system: resource name → its fields as flow YAML; each is listed whole, read, created and updated."""
    return HEAD.format(name=name) + "".join(_resource(*one) for one in resources.items())


def _resource(name: str, fields: str) -> str:
    path = f"/{name.lower()}"
    return f"""
  {name}:
    id: id
    fields: {{id: {{type: text, write: false}}, {fields}}}
    list: {{request: {{path: {path}}}}}
    get: {{path: "{path}/{{id}}"}}
    create: {{request: {{method: POST, path: {path}}}, idempotency: {{header: Idempotency-Key, keeps: 24h}}}}
    update: {{request: {{method: PATCH, path: "{path}/{{id}}"}}}}
    delete: {{request: {{method: DELETE, path: "{path}/{{id}}"}}}}
"""


class World:
    """Stand-ins of the systems of a release, somebody who works in them, and runs."""

    def __init__(self, sandbox: Sandbox, release: Release, folder: Path, clock: TestClock) -> None:
        self.sandbox, self.release, self.folder = sandbox, release, folder
        self.clock = clock
        state, ledger = folder / "state", url_of_new_ledger()
        if ledger is None and not state.exists():
            state.mkdir()
            (state / FILE).write_bytes(_bare_ledger())
        self.options = Options(state, ledger, around=Surroundings(clock, Random(1), threads=1, parsed=PARSED))

    def change(self, files: Mapping[str, str]) -> None:
        """Go on with the release of other specs."""
        self.release = compiled(files, self.folder / f"changed-{len(list(self.folder.iterdir()))}")

    def run(self, **options: Any) -> RunResult:
        return run_release(self.release, "t", replace(self.options, **options))

    def plan(self) -> RunResult:
        return plan_release(self.release, "t", self.options)

    @property
    def words(self) -> list[str]:
        """What names release, environment and state to a command."""
        ledger = ["--ledger", self.options.ledger] if self.options.ledger else []
        return ["--release", str(self.release.folder), "--env", "t", "--state", str(self.options.state), *ledger]

    @property
    def place(self) -> Place:
        """Whose state it is and where it lies."""
        return Place(
            self.release, self.release.binding("t"), self.options.state, self.options.ledger, self.options.around
        )

    def assert_whole(self) -> None:
        """Check that the state is what its segments fold to."""
        assert verify_state(self.place)["differing"] == []

    def add(self, of: str, resource: str = "Rec", **natives: Any) -> str:
        """Make a record by hand and give its id."""
        return str(self.sandbox.stand_ins[of].edit(resource, "POST", "", natives)["id"])

    def edit(self, of: str, native_id: str, resource: str = "Rec", **natives: Any) -> None:
        self.sandbox.stand_ins[of].edit(resource, "PATCH", native_id, natives)

    def drop(self, of: str, native_id: str, resource: str = "Rec") -> None:
        self.sandbox.stand_ins[of].edit(resource, "DELETE", native_id, {})

    def records(self, of: str, resource: str = "Rec") -> list[dict[str, Any]]:
        return self.sandbox.stand_ins[of].wire_records(resource)

    def by(self, field: str, of: str, resource: str = "Rec") -> dict[Any, dict[str, Any]]:
        """Give the records by the value of one field, which tells them apart."""
        found = self.records(of, resource)
        keyed = {one[field]: one for one in found}
        assert len(keyed) == len(found)
        return keyed


@cache
def _bare_ledger() -> bytes:
    """Give a ledger of nothing, made once: making its tables takes as long as a run."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / FILE
        open_ledger(path, Realm("t", "t"), TestClock().now).close()
        return path.read_bytes()


@contextmanager
def world(folder: Path, monkeypatch: pytest.MonkeyPatch, files: Mapping[str, str]) -> Iterator[World]:
    """Compile a project of systems ``a`` and ``b`` and serve stand-ins for them."""
    release = compiled(files, folder / "first")
    clock = TestClock()
    with serve(release.systems, seeds={}, now=clock.moment) as sandbox:
        monkeypatch.setenv("SYNCLINE_SANDBOX_URL", sandbox.url)
        yield World(sandbox, release, folder, clock)


def compiled(files: Mapping[str, str], folder: Path) -> Release:
    """Compile a project of systems ``a`` and ``b`` below a folder."""
    return release_of(project(folder / "project", {"syncline.yaml": PROJECT, **files}), folder / "release")


def writes(result: RunResult) -> list[tuple[str, str, str, str]]:
    """Say what a run would write: connection, resource, operation, part."""
    return sorted((one.connection, one.resource, one.operation, one.part) for one in result.changes.writes)


def problems(result: RunResult) -> list[tuple[str, str, str]]:
    """Say what a run put before people: code, connection, field."""
    return sorted((one["code"], one["connection"], one["field"]) for one in result.exceptions)
