"""The ``scenario`` spec as written: given, when, expect.

In: plain values of the YAML loader. Out: ``ScenarioSpec``. Records of systems are written in native fields, records of
objects in canonical ones; values are checked against their types later.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, StringConstraints, model_validator

from syncline_compiler.model.spec import ResourceName
from syncline_compiler.model.written import Duration, ListOfOne, Name, NativeName, Text, Written

Covered = Literal["create", "update", "cancel", "exception"]
Fault = Literal["500_after", "500_before", "429", "stall", "html", "reset_after"]
"""What a stand-in can be asked to do wrong."""
RunCode = Annotated[str, StringConstraints(pattern=r"^SYN[0-9]{4}$")]
FailingName = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]*(\.[A-Za-z_][A-Za-z0-9_]*)?$")]
NativeRecord = dict[NativeName, Any]
ReleaseFolder = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9._-]{1,64}(/[A-Za-z0-9._-]{1,64}){0,8}$")]
ANY_SYNC = "all"

_STEPS = {
    "add": {"record"},
    "change": {"id", "to"},
    "delete": {"id"},
    "event": {"body"},
    "fail": {"how", "on", "times"},
    "wait": set[str](),
    "upgrade": set[str](),
    "run": {"approve", "stopped"},
}
"""What may happen, and what each says further."""
_WRITES = {"create": {"with_"}, "update": {"id", "with_"}, "delete": {"id"}}


class StepSpec(Written):
    """One thing that happens: a record is added, changed or deleted, a system fails, time passes, a run is made."""

    add: ResourceName | None = None
    change: ResourceName | None = None
    delete: ResourceName | None = None
    event: Name | None = None
    fail: FailingName | None = None
    wait: Duration | None = None
    upgrade: Literal[True] | None = None
    run: Name | None = None
    record: NativeRecord = Field(default_factory=dict)
    id: Text | None = None
    to: NativeRecord = Field(default_factory=dict)
    body: dict[str, Any] = Field(default_factory=dict)
    how: Fault = "500_before"
    on: Literal["create", "update", "delete", "list", "get"] | None = None
    times: Annotated[int, Field(ge=1, le=1000)] = 1
    approve: bool = False
    stopped: bool = False

    @model_validator(mode="after")
    def _one_kind(self) -> StepSpec:
        _check_kind(self, _STEPS)
        return self

    @property
    def target(self) -> tuple[str, str] | None:
        """The verb and the connection's resource, of a step that touches a record."""
        return next(((verb, name) for verb in ("add", "change", "delete") if (name := getattr(self, verb))), None)


class ExpectedWriteSpec(Written):
    """One write that is to be made."""

    create: ResourceName | None = None
    update: ResourceName | None = None
    delete: ResourceName | None = None
    id: Text | None = None
    with_: NativeRecord = Field(default={}, alias="with")

    @model_validator(mode="after")
    def _one_kind(self) -> ExpectedWriteSpec:
        _check_kind(self, _WRITES)
        return self

    @property
    def target(self) -> tuple[str, str]:
        """The verb and the connection's resource."""
        return next((verb, name) for verb in _WRITES if (name := getattr(self, verb)))


class ExpectedRecordSpec(Written):
    """Canonical records that are to be there, and what they hold."""

    of: Name
    where: Text | None = None
    has: dict[Name, Any] = Field(default_factory=dict)
    count: Annotated[int, Field(ge=0)] = 1


class ExpectedExceptionSpec(Written):
    """A record that is to be set aside, and why."""

    code: RunCode
    at: ResourceName
    id: Text | None = None
    field: Text | None = None


class ExpectSpec(Written):
    """What is to come of it. ``writes`` names every write that is made; a list that is left out is not compared."""

    writes: list[ExpectedWriteSpec] | None = None
    records: list[ExpectedRecordSpec] = Field(default_factory=list)
    exceptions: list[ExpectedExceptionSpec] | None = None


class ScenarioSpec(Written):
    """``scenario:`` a test of the specs: given these records, when this happens, expect that."""

    scenario: Name
    label: Text | None = None
    sync: Name
    covers: Annotated[list[Covered], ListOfOne()] = Field(default_factory=list)
    begins_with: ReleaseFolder | None = None
    given: dict[Name, dict[NativeName, list[NativeRecord]]] = Field(default_factory=dict)
    when: list[StepSpec] = Field(default_factory=list)
    expect: ExpectSpec

    @model_validator(mode="after")
    def _expects_something(self) -> ScenarioSpec:
        expect = self.expect
        if expect.writes is None and expect.exceptions is None and not expect.records:
            raise ValueError("`expect` says nothing: name `writes`, `records` or `exceptions`")
        if any(step.upgrade for step in self.when) != (self.begins_with is not None):
            raise ValueError("`begins_with` names the release that runs until the step `upgrade`: one needs the other")
        return self


def _check_kind(spec: Written, kinds: dict[str, set[str]]) -> None:
    """Check that exactly one of the kinds is given, and nothing that belongs to another."""
    given = spec.model_fields_set
    chosen = [kind for kind in kinds if kind in given]
    if len(chosen) != 1:
        raise ValueError(f"exactly one of {', '.join(kinds)} is expected")
    stray = sorted(given - {chosen[0]} - kinds[chosen[0]])
    if stray:
        raise ValueError(f"`{stray[0].rstrip('_')}` says nothing about `{chosen[0]}`")
