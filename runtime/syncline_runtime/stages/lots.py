"""Lots: which claims go to a system in one request.

In: claims on the intents of one connection, in order. Out: lots, of one claim or of as many as the write contract takes
together. Invariants: a lot is of one resource and operation, and holds one write of a record and of what belongs to it;
what nobody knows the fate of goes alone; what was refused as a whole goes out again with half as many beside it, so that
a row which poisons a batch is found, and refused alone.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable

from syncline_runtime.connectors.templates import placeholders
from syncline_runtime.ledger import Claim, Intent
from syncline_runtime.stages.requests import written_parent
from syncline_runtime.system import BatchWrite, Resource, System, Write


def contract_of(system: System, intent: Intent) -> Write | None:
    """Give the write contract of an intent, None where the system describes no such write."""
    resource = system.resource(intent.resource)
    return {"create": resource.create, "update": resource.update, "delete": resource.delete}.get(intent.operation)


def batch_of(system: System, claim: Claim) -> BatchWrite | None:
    """Give the batch by which a claim is sent; None for what takes steps of its own, one record at a time."""
    contract, resource = contract_of(system, claim.intent), system.resource(claim.intent.resource)
    if contract is None or contract.batch is None or contract.replaces:
        return None
    steps = {*contract.then_update, *(one.field for one in resource.transitions)}
    return None if steps & set(claim.payload["natives"]) else contract.batch


def named_in(contract: Write) -> frozenset[str]:
    """Name what the items of a contract's batch are made of; nothing where it has none."""
    items = placeholders(contract.batch.item) if contract.batch else ()
    return frozenset(name.partition(".")[0] for name in items)


def touched_by(claim: Claim, resource: Resource) -> str:
    """Name what a write touches: the record, or the one that it belongs to."""
    return written_parent(claim, resource) or claim.intent.native_id or str(claim.intent.id)


class Lots:
    """The claims of one connection that wait for their turn."""

    def __init__(self, system: System) -> None:
        self._system = system
        self._claimed: deque[Claim] = deque()
        self._most: dict[int, int] = {}  # intent → how many may go with it at most
        contracts = [one for r in system.resources for one in (r.create, r.update, r.delete) if one and one.batch]
        self.largest = max((one.batch.rows for one in contracts if one.batch), default=1)

    def add(self, claims: Iterable[Claim]) -> None:
        """Put claims at the end."""
        self._claimed.extend(claims)

    def __len__(self) -> int:
        return len(self._claimed)

    def clear(self) -> list[Claim]:
        """Give all that wait, and forget them."""
        left, self._claimed = list(self._claimed), deque()
        return left

    def halve(self, intent: Intent, together: int) -> None:
        """Let an intent that was refused with so many go with half of them next time."""
        self._most[intent.id] = max(1, together // 2)

    def next(self) -> list[Claim]:
        """Take the next lot; there must be one."""
        first = self._claimed.popleft()
        batch = None if first.intent.state == "ambiguous" else batch_of(self._system, first)
        return [first] if batch is None else self._filled(first, batch)

    def _filled(self, first: Claim, batch: BatchWrite) -> list[Claim]:
        """Fill a lot with what may go with its first claim; the others keep their order."""
        resource = self._system.resource(first.intent.resource)
        lot, left = [first], deque[Claim]()
        touched = {touched_by(first, resource)}
        room = self._room(first, batch)
        for claim in self._claimed:
            allowed = min(room, self._room(claim, batch))
            touches = touched_by(claim, resource) if len(lot) < allowed and self._alike(first, claim) else None
            if touches is None or touches in touched or batch_of(self._system, claim) is not batch:
                left.append(claim)
                continue
            lot.append(claim)
            touched.add(touches)
            room = allowed
        self._claimed = left
        return lot

    def _room(self, claim: Claim, batch: BatchWrite) -> int:
        return min(batch.rows, self._most.get(claim.intent.id, batch.rows))

    def _alike(self, first: Claim, other: Claim) -> bool:
        a, b = first.intent, other.intent
        same = (a.resource, a.operation) == (b.resource, b.operation)
        return same and b.state != "ambiguous"
