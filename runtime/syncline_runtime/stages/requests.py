"""Requests: what an intent says to its system, once references are known.

In: claims, with the native ids that their references have got. Out: native values, the record they are for, the record
they belong to, and what a record is found again by.
"""

from __future__ import annotations

import json
from dataclasses import replace

from syncline_runtime.ledger import Claim, Intent, Reference
from syncline_runtime.system import Resource, Write


def marker_of(intent: Intent) -> str:
    """Say what we write into a record so that it can be found again: the canonical id, and the part where it is one."""
    return f"{intent.canonical_id}-{intent.part_key}" if intent.part_key else intent.canonical_id


def sought(claim: Claim, resource: Resource, contract: Write) -> str:
    """Say what a record is read back by: our marker, or the value that we wrote into the field that is searched."""
    if contract.marker is not None or contract.find is None:
        return marker_of(claim.intent)
    natives = (claim.sent or {}).get("natives") or natives_of(claim, resource)
    return natives.get(contract.find.field) or marker_of(claim.intent)


def written_parent(claim: Claim, resource: Resource) -> str | None:
    """Give the native id of the record that a new one belongs to, if its resource has such a field."""
    if resource.parent is None:
        return None
    natives = (claim.sent or {}).get("natives") or natives_of(claim, resource)
    parent: str | None = natives.get(resource.parent)
    return parent


def _own(claim: Claim) -> str | None:
    """Give the native id of the record, where the intent refers to it."""
    intent = claim.intent
    return claim.references.get(Reference(intent.object, intent.canonical_id, intent.connection))


def parent_of(claim: Claim) -> str | None:
    """Give the native id of the record of which this writes a child."""
    return _own(claim) if claim.intent.part_key else None


def addressed(claim: Claim) -> Claim:
    """Give the update of a late reference the ids that are known now; its record may have been created just before."""
    intent = claim.intent
    own = intent.native_id or (claim.sent or {}).get("native_id") or _own(claim)
    natives = claim.payload["natives"] if claim.sent else _natives(claim)
    payload = {**claim.payload, "natives": natives}
    return replace(claim, intent=replace(intent, native_id=own), payload=payload, references={})


def natives_of(claim: Claim, resource: Resource) -> dict[str, str | None]:
    """Give the natives of the payload as they are sent: a child's name its parent."""
    natives, parent = _natives(claim), parent_of(claim)
    if resource.parent and parent is not None:
        natives[resource.parent] = parent
    return natives


def _natives(claim: Claim) -> dict[str, str | None]:
    """Give the natives of the payload with native ids in the place of references."""
    natives: dict[str, str | None] = {}
    for name, value in claim.payload["natives"].items():
        if isinstance(value, dict) and "$ref" in value:
            object_, _, cid = value["$ref"]
            value = claim.references[Reference(object_, cid, claim.intent.connection)]
        natives[name] = json.dumps(value) if isinstance(value, (dict, list)) else value
    return natives
