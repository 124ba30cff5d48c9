"""One scenario played: its records laid out, its steps done one after the other.

In: a scenario that was checked, a release. Out: what happened, or the step that could not be done. Invariant: a step
that the runtime cannot do yet is told as that, and never passed over.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import field
from pathlib import Path
from typing import Any

from syncline_compiler.model.document import Declared, Place
from syncline_compiler.model.spec_scenario import ANY_SYNC, ScenarioSpec, StepSpec
from syncline_compiler.quantities import microseconds
from syncline_compiler.scenarios.report import Failure
from syncline_compiler.scenarios.words import native_text
from syncline_runtime.errors import ApprovalNeeded, ReleaseError, SynclineError
from syncline_runtime.frozen import dataclass
from syncline_runtime.result import RunResult
from syncline_runtime.sandbox.rehearsal import House, Rehearsal

ANY = "*"


class StepFailedError(Exception):
    """A step could not be done; holds the failure."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(failure.summary)
        self.failure = failure


@dataclass
class Play:
    """A scenario on its stage. ``results``: what its runs came to."""

    declared: Declared[ScenarioSpec]
    rehearsal: Rehearsal
    results: list[RunResult] = field(default_factory=list)
    after: Callable[[Play], None] = lambda play: None  # called after each run
    later: House | None = None  # of the release that runs from the step `upgrade` on
    _failing: set[str] = field(default_factory=set)  # connections that were asked to fail
    _laid_out: set[str] = field(default_factory=set)  # connections that hold what is given

    @classmethod
    def on(
        cls,
        declared: Declared[ScenarioSpec],
        house: House,
        folder: Path,
        after: Callable[[Play], None] = lambda play: None,
    ) -> Play:
        """Lay out what is given; StepFailedError if the release to begin with cannot be had."""
        begins_with = declared.spec.begins_with
        if begins_with is None:
            play = cls(declared, Rehearsal(house, folder), after=after)
        else:
            try:
                play = cls(declared, Rehearsal(house.earlier(begins_with), folder), after=after, later=house)
            except ReleaseError as error:
                raise StepFailedError(Failure(declared.at("begins_with"), error.message, help=error.mend)) from None
        play._lay_out()
        return play

    def _lay_out(self) -> None:
        """Let systems hold what is given and not there yet: an earlier release may know fewer connections."""
        index = self.rehearsal.release.index
        for connection, resources in self.declared.spec.given.items():
            if connection in index.connections and connection not in self._laid_out:
                self._laid_out.add(connection)
                for resource, records in resources.items():
                    for record in records:
                        self._befall(connection, resource, record)

    def do_all(self) -> None:
        """Do every step; StepFailedError for the first that cannot be done."""
        for index, step in enumerate(self.declared.spec.when):
            self._do(step, ("when", index))

    def _do(self, step: StepSpec, place: Place) -> None:
        if step.add is not None:
            connection, _, resource = step.add.partition(".")
            self._befall(connection, resource, step.record)
        elif step.change is not None:
            self._change(step, step.change, place)
        elif step.delete is not None:
            self._delete(step, step.delete, place)
        elif step.fail is not None:
            connection, _, resource = step.fail.partition(".")
            self._failing.add(connection)
            self.rehearsal.fail(
                connection, step.how, resource=resource or ANY, operation=step.on or ANY, times=step.times
            )
        elif step.upgrade:
            self._upgrade()
        elif step.wait is not None:
            self.rehearsal.clock.at += microseconds(step.wait)
        elif step.event is not None:
            raise self._failed(
                (*place, "event"),
                f"the event `{step.event}` cannot come in: runs do not receive events yet",
                help="let the record change in its system instead, and run",
            )
        else:
            self._run(step, place)

    def _upgrade(self) -> None:
        if self.later is not None:
            self.rehearsal.upgrade(self.later)
            self._lay_out()

    def _befall(self, connection: str, resource: str, record: Mapping[str, Any]) -> None:
        natives = {name: native_text(value) for name, value in record.items()}
        system = self.rehearsal.release.system_of(connection)
        native_id = natives[system.resource(resource).id]
        self.rehearsal.befall(connection, resource, native_id or "", natives)

    def _change(self, step: StepSpec, at: str, place: Place) -> None:
        connection, resource, native_id = self._existing(step, at, place)
        natives = {name: native_text(value) for name, value in step.to.items()}
        self.rehearsal.befall(connection, resource, native_id, natives)

    def _delete(self, step: StepSpec, at: str, place: Place) -> None:
        self.rehearsal.remove(*self._existing(step, at, place))

    def _existing(self, step: StepSpec, at: str, place: Place) -> tuple[str, str, str]:
        """Find the record that a step is about: connection, resource and native id."""
        connection, _, resource = at.partition(".")
        native_id = step.id or ""
        if not self.rehearsal.holds(connection, resource, native_id):
            raise self._failed(
                (*place, "id"),
                f"`{at}` has no record `{native_id}` at this step",
                help="name one that is given or added before, or one that a run has made there",
            )
        return connection, resource, native_id

    def _run(self, step: StepSpec, place: Place) -> None:
        syncs = () if step.run in (None, ANY_SYNC) else (step.run,)
        try:
            approve = self.rehearsal.plan(syncs).changes.id if step.approve else None
            result = self.rehearsal.run(syncs, approve)
        except ApprovalNeeded as error:
            if step.stopped:
                return
            raise self._failed(
                (*place, "run"),
                f"a guard stops the run: {error.message}",
                help="say `stopped: true` beside `run` if it is to stop, or `approve: true` if somebody lets it pass",
            ) from None
        except SynclineError as error:
            raise self._failed((*place, "run"), f"the run fails: {error}".partition("\n")[0], help=error.mend) from None
        if step.stopped:
            raise self._failed(
                (*place, "stopped"),
                "no guard stops the run",
                help="take `stopped` out, or look at `guards` of the sync",
            )
        self._check_read(result, place)
        self.results.append(result)
        self.after(self)

    def _check_read(self, result: RunResult, place: Place) -> None:
        """Check that what could not be read was asked to fail."""
        for name, why in result.unread.items():
            if name.partition(".")[0] not in self._failing:
                raise self._failed(
                    (*place, "run"),
                    f"`{name}` cannot be read from its stand-in: {why}".partition("\n")[0],
                    help="look at its `list` in the system description",
                )

    def _failed(self, place: Sequence[str | int], summary: str, *, help: str) -> StepFailedError:
        return StepFailedError(Failure(self.declared.at(*place), summary, help=help))
