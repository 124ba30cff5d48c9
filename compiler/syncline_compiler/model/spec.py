"""Specs as written: one pydantic model for each kind, but systems (``spec_system.py``).

In: plain values of the YAML loader. Out: models whose members are spelled as in the files.
Invariant: names are not bound yet and expressions are still text; both keep their place in the document.
"""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field, StringConstraints, model_validator

from syncline_compiler.model.spec_identity import IdentitySpec
from syncline_compiler.model.spec_policy import RuleName, RuleSeverity
from syncline_compiler.model.written import (
    Budget,
    Condition,
    Day,
    ListOfOne,
    LongForm,
    Name,
    NativeName,
    OneOrMore,
    ProjectName,
    Seconds,
    Share,
    Text,
    Version,
    Written,
)

ObjectName = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]*(@[0-9]+)?$")]
ResourceName = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]*\.[A-Za-z_][A-Za-z0-9_]*$")]
ObjectField = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]*\.[a-z][a-z0-9_]*$")]
ImportedObject = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]*@[0-9]+$")]
ImportName = Annotated[str, StringConstraints(pattern=r"^([a-z][a-z0-9_-]*/)?[a-z][a-z0-9_]*@[0-9]+$")]
Form = Literal["trim", "squash", "upper", "lower", "casefold"]
Policy = Literal["restore", "review", "adopt"]
FirstLink = Literal["fill", "owner", "review"]
OnLeave = Literal["keep", "deactivate", "delete", "unlink"]
WhenDeleted = Literal["keep", "review", "delete"]


class Deprecated(Written):
    """Since when a field is on its way out, when it goes, and what to use."""

    since: Version
    sunset: Day
    use: Name | None = None


class MovedSpec(Written):
    """Where a field was before this version of the object."""

    from_: Name = Field(alias="from")


class FormerSpec(Written):
    """What something was called before."""

    from_: Annotated[list[Name], ListOfOne()] = Field(alias="from")


class SyncMovedSpec(Written):
    """What a sync and its members were called before."""

    from_: Annotated[list[Name], ListOfOne()] = Field(default_factory=list, alias="from")
    members: dict[Name, Annotated[list[Name], ListOfOne()]] = Field(default_factory=dict)


class FieldSpec(Written):
    """A field of a canonical object."""

    type: Text
    values: list[Text] = Field(default_factory=list)
    label: Text | None = None
    description: Text | None = None
    unit: Text | None = None
    form: Form | None = None
    required: bool = False
    critical: bool = False
    pii: Text | None = None
    historical: bool = False
    inverse: Name | None = None
    steward: Text | None = None
    deprecated: Deprecated | None = None
    moved: MovedSpec | None = None


class PartSpec(Written):
    """Children with rows of their own, keyed by one of their fields."""

    of: Name
    key: Name
    label: Text | None = None


class DerivedSpec(Written):
    """A field computed from others."""

    value: Text
    label: Text | None = None
    description: Text | None = None
    unit: Text | None = None


class ObjectSpec(Written):
    """``object:`` a canonical object; one that extends an imported object adds to what that has."""

    object: Name
    version: Version
    label: Text | None = None
    description: Text | None = None
    steward: Text | None = None
    extends: ImportedObject | None = None
    moved: FormerSpec | None = None
    fields: Annotated[dict[Name, Annotated[FieldSpec, LongForm("type")]], Field(min_length=1)] = Field(
        default_factory=dict
    )
    parts: dict[Name, PartSpec] = Field(default_factory=dict)
    derived: dict[Name, Annotated[DerivedSpec, LongForm("value")]] = Field(default_factory=dict)
    invariants: dict[Name, Text] = Field(default_factory=dict)
    identity: list[IdentitySpec] = Field(default_factory=list)

    @model_validator(mode="after")
    def _has_fields(self) -> ObjectSpec:
        if not self.fields and self.extends is None:
            raise ValueError("an object has at least one field: `fields: {name: text}`")
        return self


class CodesSpec(Written):
    """``codes:`` a table between native codes and meanings."""

    most: ClassVar[int] = 50_000

    codes: Name
    version: Version
    label: Text | None = None
    steward: Text | None = None
    for_: ObjectField | None = Field(default=None, alias="for")
    rows: Annotated[dict[str, Text], Field(min_length=1)]
    inverse: dict[str, Text] = Field(default_factory=dict)


class LeavingSpec(Written):
    """What a record shows in a member that need not hold it any more."""

    deactivate: Annotated[dict[str, Any], Field(min_length=1)]


class ExistsSpec(Written):
    """Who may bring a record into being, who must have it, what happens when it leaves a condition."""

    originate: list[Name] = Field(default_factory=list)
    hold: dict[Name, Condition] = Field(default_factory=dict)
    on_leave: dict[Name, OnLeave | LeavingSpec] = Field(default_factory=dict)
    many: list[Name] = Field(default_factory=list)


class DeletedSpec(Written):
    """What a record shows elsewhere once a system has deleted it."""

    set_: Annotated[dict[str, Any], Field(min_length=1)] = Field(alias="set")


class OwnerSpec(Written):
    """Who decides a field: an owner, the newest by named clocks, or what a function makes of all values."""

    owner: Name | None = None
    by: Literal["newest", "max", "min", "union"] | None = None
    clock: dict[Name, NativeName] = Field(default_factory=dict)
    tie: Literal["review"] = "review"


class GuardsSpec(Written):
    """Shares or counts of records above which a run asks first."""

    change: Share | None = None
    delete: Share | None = None


class DeliverySpec(Written):
    """How long and how often a write is tried."""

    attempts: Annotated[int, Field(ge=1)] = 6
    within: Seconds = "2h"


class FallbackSpec(Written):
    """What people do while the sync stands still, and by what their records are recognised afterwards."""

    after: Seconds
    who: Text
    steps: OneOrMore
    recognised_by: list[Name] = Field(default_factory=list)


class SyncSpec(Written):
    """``sync:`` one object over its members."""

    sync: Name
    object: ObjectName
    label: Text | None = None
    steward: Text | None = None
    members: Annotated[dict[Name, ResourceName], Field(min_length=1)]
    moved: SyncMovedSpec | None = None
    exists: ExistsSpec = ExistsSpec()
    owners: dict[str, Annotated[OwnerSpec, LongForm("owner")]] = Field(default_factory=dict)
    unowned_edit: Annotated[dict[str, Policy], LongForm("*")] = Field(default_factory=dict)
    first_link: Annotated[dict[str, FirstLink], LongForm("*")] = Field(default_factory=dict)
    when_deleted_in: Annotated[dict[str, WhenDeleted | DeletedSpec], LongForm("*")] = Field(default_factory=dict)
    weight: Literal["low", "normal", "high"] = "normal"
    freshness: Seconds | None = None
    every: Seconds | None = None
    guards: GuardsSpec = GuardsSpec()
    delivery: DeliverySpec = DeliverySpec()
    fallback: FallbackSpec | None = None


class LimitSpec(Written):
    """Requests allowed per time."""

    requests: Annotated[int, Field(ge=1)]
    per: Seconds
    concurrency: Annotated[int, Field(ge=1, le=64)] = 4


Secret = Literal[
    "token", "username", "password", "key", "key_id", "client_id", "client_secret", "refresh_token"
]  # fmt: skip


class ConnectionSpec(Written):
    """A connection in one environment: where it is, and by what references it proves itself."""

    stand_in: bool = False
    origin: Text | None = None
    token_origin: Text | None = None
    credential: dict[Secret, Text] = Field(default_factory=dict)
    account: Text | None = None
    environment: Text | None = None
    limit: LimitSpec | None = None


class ImportsSpec(Written):
    """What the project takes from packs, by kind: ``account@1`` from the library, ``acme/branch@1`` from a pack."""

    objects: list[ImportName] = Field(default_factory=list)
    systems: list[ImportName] = Field(default_factory=list)
    codes: list[ImportName] = Field(default_factory=list)
    policies: list[ImportName] = Field(default_factory=list)


class PackSpec(Written):
    """``pack.yaml``: its folder is a pack, of which only what is imported is read."""

    pack: ProjectName
    version: Version
    label: Text | None = None
    steward: Text | None = None


class ReviewSpec(Written):
    """What a review may find before it fails."""

    fail_if: Annotated[list[Budget], ListOfOne()] = Field(default_factory=list)


class ProjectSpec(Written):
    """``syncline.yaml``: the project, what it imports, and its environments."""

    syncline: Annotated[int, Field(ge=1, le=1)]
    project: ProjectName
    label: Text | None = None
    steward: Text | None = None
    imports: ImportsSpec = ImportsSpec()
    rules: dict[RuleName, RuleSeverity] = Field(default_factory=dict)
    review: ReviewSpec = ReviewSpec()
    environments: dict[ProjectName, dict[Name, ConnectionSpec]] = Field(default_factory=dict)
