"""The ``event`` spec as written: a versioned contract of what a system tells us, and where it comes in.

In: plain values of the YAML loader. Out: ``EventSpec``. Paths are dotted names into the body, as in ``data.object.id``.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, StringConstraints, model_validator

from syncline_compiler.model.spec import ObjectName, ResourceName
from syncline_compiler.model.written import AnyText, Name, NativeName, Text, Version, Written

InboxPath = Annotated[str, StringConstraints(pattern=r"^(/[A-Za-z0-9_-]+)+$")]


class SignatureSpec(Written):
    """How a sender proves that an event is its own; the secret itself lies in the binding."""

    header: Text
    kind: Literal["hmac_sha256", "token"] = "hmac_sha256"


class ComesInSpec(Written):
    """Where events are received, and how they prove whose they are."""

    webhook: InboxPath
    signature: SignatureSpec | None = None


class EventPathsSpec(Written):
    """Where things stand in the body. The event's own id makes a second delivery of it harmless."""

    id: Text
    record: AnyText = ""
    occurred: Text | None = None
    sequence: Text | None = None


class EventSpec(Written):
    """``event:`` a versioned contract between a sending system and us.

    ``fields`` names the native fields that the record in it has; without them it has all that can be read. A contract
    may also be a JSON Schema of the whole body.
    """

    event: Name
    version: Version
    label: Text | None = None
    object: ObjectName
    source: ResourceName = Field(alias="from")
    comes_in: ComesInSpec
    when: Annotated[dict[Text, str | int | bool], Field(min_length=1)]
    at: EventPathsSpec
    carries: Literal["full", "partial", "key_only", "delete"] = "full"
    fields: list[NativeName] = Field(default_factory=list)
    contract: dict[str, Any] = Field(default={}, alias="schema")

    @model_validator(mode="after")
    def _one_contract(self) -> EventSpec:
        if self.fields and self.contract:
            raise ValueError("either `fields` or `schema` says what the event holds, not both")
        return self
