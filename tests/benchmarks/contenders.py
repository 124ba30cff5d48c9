"""The four contenders: each runs a phase on the same state and landed rows, and says how long its stages took.

``ours``      the stages of the runtime with the compiled plan, from landed Parquet to intents
``by hand``   the SQL files of ``by_hand/``, which write the same intents and base rows
``slim``      the least that finds out which fields differ: join (id, hash), fetch the few, then look at fields
``floor``     read and hash both sides (Parquet and what is stored), which nothing that compares them can do without
"""

from __future__ import annotations

from pathlib import Path

from benchmarks.case import HERE, REALM, Case, land
from benchmarks.measuring import Stopwatch
from syncline_runtime.binding import Binding
from syncline_runtime.connectors import Surroundings
from syncline_runtime.ledger import FILE, Ledger, Realm, open_ledger
from syncline_runtime.plan import Plan, Release
from syncline_runtime.stages.context import Reading, RunContext, landed_of, prefix_of
from syncline_runtime.stages.diff import bind_standing, diff
from syncline_runtime.stages.match import bind_links, match
from syncline_runtime.stages.merge import merge
from syncline_runtime.stages.normalise import normalise
from syncline_runtime.state import State, quoted, text

STAGES = ("land", "normalise", "match", "merge", "diff")


class Contender:
    """What runs in a child process; ``once`` is called several times on one state."""

    def __init__(self, case: Case, phase: str, state: State) -> None:
        self.case, self.phase, self.state = case, phase, state
        self.release: Release = case.release()
        self.plan: Plan = self.release.in_order[0]

    def once(self, watch: Stopwatch) -> None:
        raise NotImplementedError

    def intents(self) -> str | None:
        """The query of the writes it found: connection, operation, canonical_id, native_id, payload."""
        return None

    def agreed(self) -> str | None:
        """The query of the base rows it would store: connection, _native_id, _cid, agreed.*."""
        return None

    def close(self) -> None:
        self.state.close()


class Ours(Contender):
    """The runtime's stages."""

    def __init__(self, case: Case, phase: str, state: State) -> None:
        super().__init__(case, phase, state)
        realm = Realm(*REALM.split("/"))
        self.around = Surroundings()
        self.ledger: Ledger = open_ledger(case.state_folder(phase) / FILE, realm, self.around.clock.now)

    def once(self, watch: Stopwatch) -> None:
        plan = self.plan
        with watch("land"):
            land(self.case, plan, self.state, self.phase)
        run = self._run()
        bind_links(run)
        with watch("normalise"):
            normalise(run, plan)
        with watch("match"):
            match(run, plan)
        bind_standing(run, [], [])
        with watch("merge"):
            merge(run, plan, [])
        with watch("diff"):
            diff(run, plan)
        self.run = run

    def _run(self) -> RunContext:
        run = RunContext(
            release=self.release,
            binding=Binding("benchmark", "bench", ()),
            plans=(self.plan,),
            realm=REALM,
            run_id="bench",
            started_at=self.around.clock.now(),
            state=self.state,
            store=self.state.store,
            ledger=self.ledger,
            around=self.around,
        )
        for member, path in self.case.landed(self.plan, self.phase):
            rows = self.state.scalar(f"SELECT count(*) FROM {quoted(landed_of(member))}")
            run.readings[member.connection, member.resource] = Reading(
                rows, complete=path is not None and self.phase != "delta", mark=None
            )
        return run

    def intents(self) -> str | None:
        if self.plan.name not in self.run.touched:
            return None
        return " UNION ALL ".join(
            f"SELECT {text(member.connection)} AS connection, operation, _cid AS canonical_id, _native_id AS native_id, "
            f"payload FROM {quoted(f'{prefix_of(self.plan, member)}/intents')}"
            for member in self.plan.members
        )

    def agreed(self) -> str | None:
        if self.plan.name not in self.run.touched:
            return None
        return _agreed(self.plan, "{sync}/{connection}/next")

    def close(self) -> None:
        self.ledger.close()
        super().close()


class Scripts(Contender):
    """A contender made of SQL files, one for each stage."""

    files: tuple[tuple[str, Path], ...] = ()
    copied = True

    def once(self, watch: Stopwatch) -> None:
        with watch("land"):
            land(self.case, self.plan, self.state, self.phase, copied=self.copied)
        self.state.execute(f"SET VARIABLE realm = {text(REALM)}")
        for stage, path in self.files:
            sql = path.read_text(encoding="utf-8")
            with watch(stage):
                self.state.execute(sql)


class ByHand(Scripts):
    """What one would write in SQL for this one case."""

    files = tuple((stage, HERE / "by_hand" / f"{n}_{stage}.sql") for n, stage in enumerate(STAGES[1:], 1))

    def __init__(self, case: Case, phase: str, state: State) -> None:
        super().__init__(case, phase, state)
        land(case, self.plan, state, phase)
        state.execute((HERE / "by_hand" / "0_values.sql").read_text(encoding="utf-8"))

    def intents(self) -> str | None:
        return "SELECT connection, operation, canonical_id, native_id, payload FROM intents"

    def agreed(self) -> str | None:
        return _agreed(self.plan, "{connection}_next")


class Slim(Scripts):
    """The *slim* shape."""

    files = (("diff", HERE / "slim.sql"),)


class Floor(Scripts):
    """Scan and hash."""

    copied = False
    files = (("diff", HERE / "floor.sql"),)

    def __init__(self, case: Case, phase: str, state: State) -> None:
        super().__init__(case, phase, state)
        if phase == "first":
            self.files = (("diff", HERE / "floor_first.sql"),)


def _agreed(plan: Plan, relation: str) -> str:
    columns = ", ".join(quoted(f"agreed.{slot.name}") for slot in plan.members[0].slots)
    return " UNION ALL ".join(
        f"SELECT {text(m.connection)} AS connection, _native_id, _cid, {columns} "
        f"FROM {quoted(relation.format(sync=plan.name, connection=m.connection))}"
        for m in plan.members
    )


CONTENDERS: dict[str, type[Contender]] = {"ours": Ours, "by hand": ByHand, "slim": Slim, "floor": Floor}
