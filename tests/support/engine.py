"""Stages of one sync on hand-made rows: no ledger, no network, the plan as compiled."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from textwrap import dedent
from typing import Any

from support.clock import TestClock
from syncline_compiler.pipeline import compile_project
from syncline_compiler.writing import write_release
from syncline_runtime.connectors.surroundings import Surroundings
from syncline_runtime.fold import fold
from syncline_runtime.packing import LINKS, packed, table_of
from syncline_runtime.plan import Member, Plan, Release, load_release
from syncline_runtime.segments import SegmentStore
from syncline_runtime.stages.context import Reading, RunContext, landed_of, prefix_of
from syncline_runtime.stages.diff import bind_standing, conclude, diff
from syncline_runtime.stages.match import bind_links, match
from syncline_runtime.stages.merge import merge
from syncline_runtime.stages.normalise import normalise
from syncline_runtime.stages.references import resolve_late
from syncline_runtime.state import LINK_COLUMNS, State, base_columns, canonical_columns, landed_columns, quoted

PARSED: dict[str, Any] = {}
"""What statements were parsed to: small worlds of one process ask much the same."""


def project(folder: Path, files: Mapping[str, str]) -> Path:
    """Write a project's files (dedented) and return its folder."""
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(dedent(content), encoding="utf-8")
    return folder


def release_of(root: Path, out: Path) -> Release:
    """Compile a project that must be right, and load its release."""
    compilation = compile_project(root)
    assert compilation.release is not None, [str(d) for d in compilation.diagnostics]
    write_release(out, compilation.release)
    return load_release(out)


class Engine:
    """The stages from normalise to diff over rows given by hand."""

    def __init__(self, release: Release, folder: Path) -> None:
        self.release = release
        folder.mkdir(parents=True, exist_ok=True)
        store = SegmentStore(folder / "segments")
        self.state = State(folder, store, threads=1, parsed=PARSED)
        fold(self.state, release, [])
        self.run = RunContext(
            release=release,
            binding=None,  # type: ignore[arg-type]
            plans=release.in_order,
            realm="test/test",
            run_id="run",
            started_at=1_700_000_000_000_000,
            state=self.state,
            store=store,
            ledger=None,  # type: ignore[arg-type]
            around=Surroundings(TestClock()),
        )
        bind_links(self.run)
        for plan in release.in_order:
            for member in plan.members:
                self.land(plan, member, [], complete=False)

    def close(self) -> None:
        """Close the state."""
        self.state.close()

    def land(self, plan: Plan, member: Member, rows: Sequence[Mapping[str, Any]], *, complete: bool = True) -> None:
        """Rows as read: native fields by name, ``_native_id`` and what of the system columns matters."""
        columns = landed_columns(member.natives)
        lines = []
        for number, row in enumerate(rows):
            natives = {name: row.get(name) for name in member.natives}
            line = {
                "_op": "full", "_version": None, "_seq": number, "_missing": [], "_correlation": f"c-{number}",
                "_raw_hash": json.dumps(natives, sort_keys=True), **{f"native.{k}": v for k, v in natives.items()},
                **{k: v for k, v in row.items() if k.startswith("_")},
            }  # fmt: skip
            lines.append(json.dumps(line))
        self.state.empty(landed_of(member), columns)
        self.state.load_lines(landed_of(member), columns, lines)
        self.run.readings[member.connection, member.resource] = Reading(len(rows), complete, None)

    def base(self, plan: Plan, member: Member, rows: Iterable[Mapping[str, Any]]) -> None:
        """Stored base rows; ``agreed.*`` and ``native.*`` as given, defaults for the rest."""
        columns = base_columns(member)
        default = {
            "_status": "linked",
            "_mapping": member.mapping,
            "_open": False,
            "_slots": "," + "".join(f"{slot.name}," for slot in member.slots),
            "_disputed": "",
            "_raw_hash": "-",
        }
        given = [{**default, **row} for row in rows]
        self.state.fill("given", columns, [tuple(row.get(name) for name in columns) for row in given])
        self._keep(f"base:{prefix_of(plan, member)}", columns)

    def links(self, rows: Iterable[Mapping[str, Any]]) -> None:
        """Stored links."""
        default = {"how": "identity", "rule": "", "run": "before", "state": "live", "generation": 0}
        self.state.fill(
            "given", LINK_COLUMNS, [tuple((default | row).get(name) for name in LINK_COLUMNS) for row in rows]
        )
        self._keep(LINKS, LINK_COLUMNS)

    def _keep(self, subject: str, columns: dict[str, str]) -> None:
        made = packed(columns, {name: quoted(name) for name in columns})
        self.state.execute(
            f"INSERT INTO {quoted(table_of(subject))} ({', '.join(map(quoted, made))}) "
            f"SELECT {', '.join(made.values())} FROM given"
        )

    def canonical(self, plan: Plan, rows: Iterable[Mapping[str, Any]]) -> None:
        """Stored canonical rows."""
        default = {"_open": False, "_plan": plan.behaviour}
        self._fill(f"canonical:{plan.name}", canonical_columns(plan), [{**default, **row} for row in rows])

    def _fill(self, table: str, columns: dict[str, str], rows: Iterable[Mapping[str, Any]]) -> None:
        given = [tuple(row.get(name) for name in columns) for row in rows]
        self.state.fill("given", columns, given)
        self.state.execute(f"INSERT INTO {quoted(table)} SELECT * FROM given")

    def decide(self, open_ids: Mapping[str, Sequence[str]] | None = None) -> None:
        """Normalise, match, merge and diff."""
        for plan in self.run.plans:
            normalise(self.run, plan)
            match(self.run, plan)
        for plan in self.run.plans:
            resolve_late(self.run, plan)
        bind_standing(self.run, [], [])
        for plan in self.run.deciding:
            merge(self.run, plan, (open_ids or {}).get(plan.object, ()))
        for plan in self.run.plans:
            diff(self.run, plan)
        for plan in self.run.plans:
            conclude(self.run, plan)

    def rows(self, relation: str, columns: str = "*", order: str = "ALL") -> list[tuple[Any, ...]]:
        """Rows of a relation of the run."""
        return self.state.rows(f"SELECT {columns} FROM {quoted(relation)} ORDER BY {order}")
