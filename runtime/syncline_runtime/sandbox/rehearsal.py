"""A rehearsal: stand-ins for every connection of a release in this process, and runs of the runtime between them.

In: a release and an empty folder. Out: what runs come to, every write that a stand-in has done, what the state holds.
Invariants: runs are those of production, over the same plans; no socket is opened and no clock but the rehearsal's is
asked, so that it can be made again as it was. A stand-in begins without records.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from random import Random
from shutil import copytree
from typing import Any, Final
from urllib.parse import parse_qs, urlsplit

from syncline_runtime.binding import Binding, Connection
from syncline_runtime.clock import StillClock
from syncline_runtime.connectors import Surroundings, jsontext
from syncline_runtime.connectors.nearby import Nearby, Told
from syncline_runtime.connectors.origin import origin_of
from syncline_runtime.connectors.templates import ABSENT
from syncline_runtime.connectors.wire import flatten
from syncline_runtime.errors import ReleaseError
from syncline_runtime.ledger import FILE, open_ledger
from syncline_runtime.ledger.cases import ExceptionRecord
from syncline_runtime.options import Options
from syncline_runtime.plan import PlanField, Release, load_release
from syncline_runtime.result import RunResult
from syncline_runtime.run import plan_release, run_release
from syncline_runtime.sandbox.drops import write_drops
from syncline_runtime.sandbox.routes import Call
from syncline_runtime.sandbox.stand_in import Planned, StandIn, WriteDone
from syncline_runtime.sandbox.store import FaultError, Natives
from syncline_runtime.sandbox.tables import write_tables
from syncline_runtime.state import State, quoted
from syncline_runtime.upkeep.session import Place, opened_state

START: Final = datetime(2026, 2, 1, 9, tzinfo=UTC)
ENVIRONMENT: Final = "rehearsal"
_PAGE: Final = b"<!doctype html><title>Maintenance</title>"


@dataclass(frozen=True)
class Made:
    """A write that a connection's stand-in has done, and in which run (counted from 1)."""

    run: int
    connection: str
    write: WriteDone


class House:
    """What the rehearsals of a release have in common: a state in which nothing has run, and what the engine knows."""

    def __init__(self, release: Release, folder: Path, project: Path | None = None) -> None:
        self.release, self.project, self._folder = release, project, folder
        self._earlier: dict[str, House] = {}
        self.bare = folder / "bare"
        self.parsed: dict[str, Any] = {}  # from SQL to statements
        place = Rehearsal(self, folder / "first").place
        with open_ledger(self.bare / FILE, place.realm, place.now):
            pass
        with opened_state(replace(place, folder=self.bare)):
            pass

    def earlier(self, name: str) -> House:
        """Give the house of an earlier release that lies in a folder of the project; ReleaseError if it does not."""
        place = (self.project / name).resolve() if self.project is not None else None
        if self.project is None or place is None or not place.is_relative_to(self.project.resolve()):
            raise ReleaseError("this is no folder of the project", place=name, mend="name one below syncline.yaml")
        if name not in self._earlier:
            self._earlier[name] = House(load_release(place), self._folder / f"earlier-{len(self._earlier)}")
        return self._earlier[name]

    def __enter__(self) -> House:
        return self

    def __exit__(self, *_: object) -> None:
        """Let go of what the engine knows: it complains of what is left when the program ends with an error."""
        self.parsed.clear()
        for house in self._earlier.values():
            house.parsed.clear()


class Rehearsal:
    """Stand-ins, somebody who works in them, and runs between them."""

    def __init__(self, house: House, folder: Path) -> None:
        self.release, self._house, self._folder = house.release, house, folder
        release = house.release
        self.clock = StillClock(int(START.timestamp() * 1_000_000))
        self.made: list[Made] = []
        self.runs = 0
        self._stand_ins = {name: self._stand_in(name) for name in release.index.connections}
        binding = _binding(release)
        around = Surroundings(self.clock, Random(1), self._transport, self._kept, threads=1, parsed=house.parsed)
        self.place = Place(release, binding, folder / "state", around=around)

    def upgrade(self, house: House) -> None:
        """Go on with another release: systems keep their records, and show them as it describes them."""
        before, self._house, self.release = self._stand_ins, house, house.release
        self._stand_ins = {name: self._stand_in(name) for name in house.release.index.connections}
        for name, stand_in in self._stand_ins.items():
            for resource, store in stand_in.stores.items():
                if name in before and resource in before[name].stores:
                    store.take_over(before[name].stores[resource])
        self.place = replace(self.place, release=house.release, binding=_binding(house.release))

    def _stand_in(self, connection: str) -> StandIn:
        return StandIn(
            self.release.system_of(connection), {}, self.clock.moment, wrote=partial(self._noted, connection)
        )

    def _noted(self, connection: str, write: WriteDone) -> None:
        self.made.append(Made(self.runs, connection, write))

    # what happens in the systems

    def befall(self, connection: str, resource: str, native_id: str, natives: Natives) -> None:
        """Let a record appear or change in a system."""
        self._stand_ins[connection].stores[resource].befall(native_id, natives)

    def remove(self, connection: str, resource: str, native_id: str) -> bool:
        """Delete a record in a system; False if it has no such record."""
        try:
            self._stand_ins[connection].stores[resource].delete(native_id)
        except FaultError:
            return False
        return True

    def holds(self, connection: str, resource: str, native_id: str) -> bool:
        """Whether a system has a record."""
        record = self._stand_ins[connection].stores[resource].records.get(native_id)
        return record is not None and not record.gone

    def fail(self, connection: str, fault: str, *, resource: str, operation: str, times: int) -> None:
        """Let the next requests of this kind fail."""
        self._stand_ins[connection].faults.append(Planned(resource, operation, fault, times))

    def shown(self, connection: str, resource: str) -> list[Natives]:
        """Give what a system shows of its records now, as it would be landed."""
        stand_in = self._stand_ins[connection]
        described = stand_in.system.resource(resource)
        none: Natives = dict.fromkeys(field.name for field in described.fields)
        return [none | flatten(described, record, stand_in.system) for record in stand_in.wire_records(resource)]

    # what the runtime does

    def run(self, syncs: Sequence[str] = (), approve: str | None = None) -> RunResult:
        """Make one run; raises what a run raises."""
        self.runs += 1
        self._get_ready()
        return run_release(self.release, self.place.binding, self._options(syncs, approve))

    def plan(self, syncs: Sequence[str] = ()) -> RunResult:
        """Do what a run does before it records anything; raises what that raises."""
        self._get_ready()
        return plan_release(self.release, self.place.binding, self._options(syncs))

    def _options(self, syncs: Sequence[str], approve: str | None = None) -> Options:
        return Options(self.place.folder, syncs=tuple(syncs), approve=approve, around=self.place.around)

    @contextmanager
    def looked(self) -> Iterator[Look]:
        """Open what the runs left, to look at it."""
        self._get_ready()
        with opened_state(self.place) as (ledger, state):
            yield Look(self.release, state, ledger.exceptions.find())

    # the ways of connections

    def _transport(self, connection: str) -> Nearby:
        base = origin_of(self.place.binding.connection(connection)).base
        return Nearby(partial(self._answer, self._stand_ins[connection], base))

    def _answer(
        self, stand_in: StandIn, base: str, method: str, url: str, headers: Mapping[str, str], content: bytes
    ) -> Told:
        split = urlsplit(url)
        target = f"{split.path}?{split.query}" if split.query else split.path
        query = parse_qs(split.query, keep_blank_values=True)
        call = Call(method, split.path.removeprefix(base), query, headers, content, target)
        reply = stand_in.answer(call, split._replace(query="").geturl())
        match reply.manner:
            case "stall":
                return Told(manner="silent")
            case "reset":
                return Told(manner="broken")
            case "html":
                return Told(200, {"Content-Type": "text/html; charset=utf-8"}, _PAGE)
        body = b"" if reply.body is ABSENT else jsontext.render(reply.body).encode()
        return Told(reply.status, {"Content-Type": "application/json", **reply.headers}, body)

    def _kept(self, connection: str) -> Path:
        return self._folder / "kept" / connection

    def _get_ready(self) -> None:
        """Begin with a state in which nothing has run; write the files of stand-ins that are no servers, as they are now."""
        if not self.place.folder.exists():
            copytree(self._house.bare, self.place.folder)
        for name, stand_in in self._stand_ins.items():
            system, path = stand_in.system, self._kept(name)
            if system.protocol not in ("files", "sql"):
                continue
            live = {
                resource: [dict(record.natives) for record in store.records.values() if not record.gone]
                for resource, store in stand_in.stores.items()
            }
            if system.protocol == "files":
                path.mkdir(parents=True, exist_ok=True)
                write_drops(system, live, path)
            else:
                path.parent.mkdir(parents=True, exist_ok=True)
                write_tables(system, live, path)


@dataclass(frozen=True)
class Look:
    """What the state holds after some runs."""

    release: Release
    state: State
    exceptions: Sequence[ExceptionRecord]  # those that ask somebody, newest first

    def records(self, sync: str, condition: str | None = None) -> list[dict[str, Any]]:
        """Give the canonical records of a sync, by field; ``condition`` is SQL over them as ``g``. Instants are texts."""
        plan = self.release.plans[sync]
        fields = [field.name for field in plan.fields]
        columns = ", ".join(_column(field) for field in plan.fields)
        rows = self.state.rows(
            f"SELECT {columns} FROM {quoted(f'canonical:{sync}')} AS g "
            f"WHERE NOT COALESCE(g._ceased, false){f' AND {condition}' if condition else ''} ORDER BY g._cid"
        )
        return [dict(zip(fields, row, strict=True)) for row in rows]

    def hold(self, conditions: Sequence[str], rows: Sequence[Mapping[str, str | None]]) -> list[bool]:
        """Say of each condition over native rows, ``i``, whether it holds for one."""
        if not rows:
            return [False] * len(conditions)
        self._show(rows)
        return self._hold(conditions, "shown AS i")

    def decided(self, sync: str, conditions: Sequence[str]) -> list[bool]:
        """Say of each condition over canonical records, ``g``, whether it holds for one."""
        return self._hold(conditions, f"{quoted(f'canonical:{sync}')} AS g")

    def values(self, value: str, rows: Sequence[Mapping[str, str | None]]) -> set[str]:
        """Give the values of an expression over native rows, ``i``."""
        if not rows:
            return set()
        self._show(rows)
        return {
            row[0] for row in self.state.rows(f"SELECT DISTINCT CAST({value} AS VARCHAR) FROM shown AS i") if row[0]
        }

    def outcomes(self, sync: str) -> set[tuple[str, str]]:
        """Give what became of slots that differed: slot, outcome."""
        rows = self.state.rows(f"SELECT DISTINCT slot, outcome FROM {quoted(f'outcomes:{sync}')}")
        return {(slot, outcome) for slot, outcome in rows}

    def rules(self) -> set[tuple[str, str]]:
        """Give the identity rules that made links: object, rule."""
        return {(of, rule) for of, rule in self.state.rows(f"SELECT DISTINCT object, rule FROM {quoted('links:all')}")}

    def _show(self, rows: Sequence[Mapping[str, str | None]]) -> None:
        names = list(rows[0])
        columns = {"_row": "BIGINT", **{f"native.{name}": "VARCHAR" for name in names}}
        self.state.fill("shown", columns, [(n, *(row.get(name) for name in names)) for n, row in enumerate(rows)])

    def _hold(self, conditions: Sequence[str], relation: str) -> list[bool]:
        if not conditions or not self.state.scalar(f"SELECT count(*) FROM {relation}"):
            return [False] * len(conditions)
        listed = ", ".join(f"COALESCE(bool_or({condition}), false)" for condition in conditions)
        return list(self.state.rows(f"SELECT {listed} FROM {relation}")[0])


def _binding(release: Release) -> Binding:
    connections = tuple(Connection(n, s, stand_in=True) for n, s in release.index.connections.items())
    return Binding(release.index.project, ENVIRONMENT, connections)


def _column(field: PlanField) -> str:
    column = f"g.{quoted(field.name)}"
    return f"strftime({column}, '%Y-%m-%dT%H:%M:%S.%fZ')" if field.sql_type == "TIMESTAMPTZ" else column
