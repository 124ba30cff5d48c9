"""Sending writes: the body that a write contract asks for, once, and the steps that belong to it.

In: a write contract and natives. Out: ``Written``. Invariants: each request is sent once (the outbox knows what a
second would do); once the record is written, the failure of a later step is told with the result and not instead of
it, so that nobody takes the record for unwritten; later steps are what is still different, so the
next run takes them again.
"""

from __future__ import annotations

import dataclasses
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from syncline_runtime.connectors import failures, rest, wire
from syncline_runtime.connectors.failures import Asked
from syncline_runtime.connectors.http import Answer, HttpClient
from syncline_runtime.connectors.jsontext import as_text
from syncline_runtime.connectors.merged_answers import refuse_merged
from syncline_runtime.connectors.results import Natives, Row, Written
from syncline_runtime.connectors.templates import ABSENT, read_path, wrapped
from syncline_runtime.errors import RequestFailed
from syncline_runtime.system import BatchWrite, NativeField, Resource, Transition, Write


@dataclass(frozen=True)
class Sending:
    """What one write sends.

    A create with a ``native_id`` is of a record that is there already: only the steps that follow are taken.
    ``image`` is the record as last seen: templates may name its fields too. ``seconds`` is the longest time until
    each answer must be there.
    """

    native_id: str | None
    natives: Natives
    key: str | None = None
    marker: str | None = None
    version: str | None = None
    parent: str | None = None
    image: Natives = field(default_factory=dict)
    seconds: float | None = None


async def write(client: HttpClient, resource: Resource, contract: Write, sending: Sending) -> Written:
    """Write a record, then the fields that creating ignores, then walk fields that move by requests of their own.

    A step that makes writing possible is taken before.
    """
    if contract.replaces and resource.create and resource.delete:
        return await _replaced(client, resource, resource.create, resource.delete, sending)
    steps = {transition.field for transition in resource.transitions}
    wanted = {name: text for name, text in sending.natives.items() if name in steps and text is not None}
    later = {name: text for name, text in sending.natives.items() if name in contract.then_update}
    now = {name: text for name, text in sending.natives.items() if name not in steps and name not in later}
    only_steps = bool(wanted) and not now and not later and sending.native_id is not None
    if only_steps:
        row = await _walked(client, resource, sending.native_id or "", None, wanted, sending)
        return Written(sending.native_id, row, 200)
    if contract == resource.create and sending.native_id is not None:
        written = Written(sending.native_id, None, 200)
    else:
        first = _steps_before(resource, wanted) if sending.native_id is not None else {}
        if first:
            await _walked(client, resource, sending.native_id or "", None, first, sending)
            wanted = {name: text for name, text in wanted.items() if name not in first}
        written = await _once(client, resource, contract, dataclasses.replace(sending, natives=now))
    try:
        if later and resource.update and written.native_id:
            key = sending.key and f"{sending.key}-then"
            rest_of_it = dataclasses.replace(sending, native_id=written.native_id, natives=later, key=key, marker=None)
            written = await _once(client, resource, resource.update, rest_of_it)
        if wanted and written.native_id:
            row = await _walked(client, resource, written.native_id, written.row, wanted, sending)
            written = dataclasses.replace(written, row=row)
    except RequestFailed as error:
        return dataclasses.replace(written, unfinished=error)
    return written


async def _replaced(client: HttpClient, resource: Resource, create: Write, delete: Write, sending: Sending) -> Written:
    """Delete a record and make it again.

    What stands under its key is looked at first, so that nothing is doubled when this is done once more after it was
    cut off.
    """
    sought = sending.natives.get(create.find.field) if create.find else None
    parent = sending.parent or sending.natives.get(resource.parent or "")
    found = await rest.find(client, resource, create, sought or sending.marker or "", parent=parent)
    for row in found.rows:
        if all(row.natives.get(name, text) == text for name, text in sending.natives.items()):
            return Written(row.native_id, row, 200)
    known = [] if sending.native_id is None or found.conclusive else [sending.native_id]
    for native_id in [row.native_id for row in found.rows] or known:
        try:
            await _once(client, resource, delete, dataclasses.replace(sending, native_id=native_id))
        except RequestFailed as error:
            if error.category != "not_found":
                raise
    try:
        return await _once(client, resource, create, dataclasses.replace(sending, native_id=None, version=None))
    except RequestFailed as error:
        error.ambiguous = True  # the record is gone by now: it is not as it was before, whatever became of the new one
        raise


async def _once(client: HttpClient, resource: Resource, contract: Write, sending: Sending) -> Written:
    asked = Asked(rest.place(client, resource), writes=True)
    known = await known_of(client, resource, contract, sending)
    pairs = ((contract.idempotency_header, sending.key), (contract.precondition_header, sending.version))
    try:
        answer = await client.write(
            contract.request,
            known,
            asked.place,
            body=_body(contract, known),
            headers={name: text for name, text in pairs if name and text is not None},
            seconds=sending.seconds,
        )
    except RequestFailed as error:
        if sending.native_id is not None:
            refuse_merged(client, resource, sending.native_id, error)
        raise
    return written_of(client, resource, contract, answer, asked, sending.native_id)


async def known_of(client: HttpClient, resource: Resource, contract: Write, sending: Sending) -> dict[str, Any]:
    """Gather what the templates of a write may name."""
    natives = dict(sending.natives)
    if contract.marker and sending.marker is not None:
        natives[contract.marker] = sending.marker
    parent = sending.parent
    if parent is None and resource.parent:
        parent = natives.get(resource.parent, sending.image.get(resource.parent))
    seen = {name: text for name, text in sending.image.items() if not resource.native(name).writable}
    fields = wire.wire_values(resource, {**seen, **natives}, client.system)
    looked_up = {
        name: await _looked_up(client, resource, described, text, fields)
        for name, text in natives.items()
        if (described := resource.native(name)).lookup and text is not None
    }
    writable = {name: text for name, text in natives.items() if resource.native(name).writable}
    return {
        "id": ABSENT if sending.native_id is None else rest.wire_id(client, resource, sending.native_id),
        "parent": rest.or_absent(parent),
        "record": wire.assemble(resource, writable, client.system, looked_up=looked_up),
        "field": {**fields, **looked_up},
        "key": rest.or_absent(sending.key),
        "marker": rest.or_absent(sending.marker),
        "version": rest.or_absent(sending.version),
    }


async def _looked_up(
    client: HttpClient, resource: Resource, described: NativeField, text: str, fields: Mapping[str, Any]
) -> Any:
    """Ask the system for the value that it has in place of this one, once per connection."""
    lookup = described.lookup
    if lookup is None:
        return text
    known = (resource.name, described.name, text)
    if known not in client.looked_up:
        place = f"{rest.place(client, resource)}.{described.name}"
        answer = await client.read(lookup.request, {"value": text, "field": fields}, place)
        found = read_path(answer.body, lookup.at)
        if found is ABSENT or found is None:
            raise RequestFailed(
                "the system has nothing that stands for the value of this field",
                category="validation",
                place=place,
                mend="add the value to the system, or map it to one that the system has",
            )
        client.looked_up[known] = found
    return client.looked_up[known]


def _body(contract: Write, known: Mapping[str, Any]) -> Any:
    """Choose the body: a template's is filled by the client, else it is the record, else (deletes) there is none."""
    if contract.request.body is not None or contract.request.method in ("DELETE", "GET"):
        return ABSENT
    return wrapped(contract.wrap, known["record"])


def written_of(
    client: HttpClient,
    resource: Resource,
    contract: Write | BatchWrite,
    answer: Answer,
    asked: Asked,
    native_id: str | None,
) -> Written:
    """Read what a write did from its answer."""
    if contract.returns == "nothing":
        return Written(native_id, None, answer.status)
    if contract.returns == "record":
        record = rest.object_at(asked, answer.body, contract.record_at)
        row = rest.row_maker(client, resource, asked)(record, native_id)
        return Written(row.native_id, row, answer.status)
    found = read_path(answer.body, contract.id_at)
    if found is ABSENT or found is None or isinstance(found, (dict, list)):
        if native_id is None:
            raise failures.bad_answer(asked, f"the answer holds no id at {contract.id_at!r}", status=answer.status)
        return Written(native_id, None, answer.status)
    return Written(as_text(found), None, answer.status)


async def _walked(
    client: HttpClient, resource: Resource, native_id: str, row: Row | None, wanted: Natives, sending: Sending
) -> Row | None:
    """Move each field from its value now to the one wanted, and read the record afterwards where that can be done."""
    asked = Asked(rest.place(client, resource), writes=True)
    if row is None or any(name not in row.natives for name in wanted):
        row = await rest.get(client, resource, native_id, parent=sending.parent)
    known = await known_of(client, resource, Write(resource.transitions[0].request), sending)
    known["id"] = rest.wire_id(client, resource, native_id)
    for name, target in wanted.items():
        now = row.natives.get(name) if row else None
        for transition in _way(resource, name, now, target or "", asked):
            await client.write(transition.request, known, asked.place, seconds=sending.seconds)
    return await rest.get(client, resource, native_id, parent=sending.parent) if resource.get else row


def _steps_before(resource: Resource, wanted: Natives) -> Natives:
    """Choose the fields whose step to the value wanted comes before all else."""
    ends = {(step.field, step.target) for step in resource.transitions if step.first}
    return {name: text for name, text in wanted.items() if (name, text) in ends}


def _way(resource: Resource, name: str, now: str | None, target: str, asked: Asked) -> tuple[Transition, ...]:
    """Find the shortest way between two values of a field; RequestFailed (conflict) if there is none."""
    open_ways: deque[tuple[str | None, tuple[Transition, ...]]] = deque([(now, ())])
    seen = {now}
    while open_ways:
        at, way = open_ways.popleft()
        if at == target:
            return way
        for transition in resource.transitions:
            if transition.field == name and transition.source == at and transition.target not in seen:
                seen.add(transition.target)
                open_ways.append((transition.target, (*way, transition)))
    raise RequestFailed(
        f"the system has no way to move {name!r} from its value now to the one wanted",
        category="conflict",
        place=asked.place,
        mend="review the record in its system, or the transitions of the system description",
    )
