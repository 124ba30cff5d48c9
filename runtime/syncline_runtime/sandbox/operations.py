"""What each operation of a stand-in does to its records.

In: a request understood. Out: status, body, headers and the id of the record. Invariant: bodies have the shape that the
operation's own description promises.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from typing import Any, Final, NamedTuple

from syncline_runtime.connectors import cursors, jsontext
from syncline_runtime.connectors.templates import ABSENT, listed, read_path, wrapped, write_path
from syncline_runtime.connectors.wire import assemble, untagged
from syncline_runtime.sandbox.inverse import Found
from syncline_runtime.sandbox.listing import page_of
from syncline_runtime.sandbox.routes import Asked, Call, Route
from syncline_runtime.sandbox.store import FaultError, MergedAwayError, Natives, Store, Stored
from syncline_runtime.system import BatchWrite, Cursor, NativeField, Resource, System, Write

VERSION: Final = "Version"
"""The header in which the version of a row is looked for."""
_NO_HEADERS: Final[Mapping[str, str]] = {}
_NONE_SENT: Final[Natives] = {}


class Done(NamedTuple):
    """What an operation came to; ``natives`` are the fields that a write was sent."""

    status: int
    body: Any
    headers: Mapping[str, str]
    native_id: str | None
    natives: Natives = _NONE_SENT


class Operations:
    """The operations on all resources of one system."""

    def __init__(self, system: System, stores: Mapping[str, Store]) -> None:
        self._system, self._stores = system, stores

    def perform(self, asked: Asked, call: Call, url: str) -> Done:
        """Do what is asked; FaultError for what the system would refuse."""
        route = asked.route
        assert route.resource is not None
        store = self._stores[route.resource.name]
        match route.operation:
            case "list" | "changed" | "keys":
                return self._list(store, asked, call, url)
            case "find":
                return self._find(store, asked)
            case "lookup":
                return Done(200, wrapped(route.at, asked.found["value"]), _NO_HEADERS, None)
            case "get":
                record = self._shown(store, asked)
                return Done(
                    200, wrapped(store.resource.get_at, self.wire(store, record)), _NO_HEADERS, record.native_id
                )
            case "transition":
                return self._move(store, asked)
            case _:
                return self._write(store, asked, call)

    def wire(self, store: Store, record: Stored) -> Any:
        """Show a record as the system does."""
        natives = {field.name: record.natives[field.name] for field in store.resource.fields if field.readable}
        shown: dict[str, Any] = assemble(store.resource, natives, self._system, sending=False)
        for name, child in children_of(store.resource, self._stores).items():
            if record.natives[name] is None:
                inside = [self.wire(child, each) for each in child.records.values() if _belongs(child, each, record)]
                write_path(shown, store.resource.native(name).at, inside)
        for path, value in store.resource.gone.items() if record.gone else ():
            write_path(shown, path, value)
        return shown

    def write_row(self, asked: Asked, batch: BatchWrite, found: Found, call: Call) -> Done:
        """Do one row of a batch as if it came alone; FaultError for what the system would refuse."""
        contract, resource = asked.route.contract, asked.route.resource
        assert contract is not None
        assert resource is not None
        alone = dataclasses.replace(
            contract, wrap=None, returns=batch.returns, record_at=batch.record_at, id_at=batch.id_at,
            precondition_header=VERSION,
        )  # fmt: skip
        route = dataclasses.replace(asked.route, contract=alone, request=batch.request, batch=None)
        version = {VERSION.lower(): jsontext.as_text(found["version"])} if "version" in found else {}
        row = Asked(route, {**asked.found, **found}, ABSENT)
        return self._write(self._stores[resource.name], row, dataclasses.replace(call, headers=version))

    def _list(self, store: Store, asked: Asked, call: Call, url: str) -> Done:
        listing = asked.route.listing
        assert listing is not None
        chosen = [record for record in store.records.values() if not record.gone or store.resource.gone]
        if store.resource.parent and "parent" in asked.found:
            parent = jsontext.as_text(asked.found["parent"])
            chosen = [record for record in chosen if record.natives[store.resource.parent] == parent]
        if asked.route.operation == "changed" and listing.cursor:
            chosen = self._changed(listing.cursor, chosen, asked.found["cursor"], asked.found.get("until"))
        records = [self.wire(store, record) for record in chosen][: listing.result_cap]
        if asked.route.operation == "keys":  # of live records only, however the list shows the others
            live = (self.wire(store, record) for record in chosen if not record.gone)
            at = store.resource.native(store.resource.id).at
            records = [wrapped(asked.route.at, read_path(record, at)) for record in live][: listing.result_cap]
        body, headers = page_of(listing, records, asked.found, url, call.query)
        return Done(200, body, headers, None)

    def _changed(self, cursor: Cursor, records: list[Stored], since: Any, until: Any = None) -> list[Stored]:
        start, end = self._moment(cursor, since), self._moment(cursor, until) if until is not None else None
        marked = [
            (cursors.mark(self._system, cursor, record.natives[cursor.field] or ""), record) for record in records
        ]
        marked.sort(key=lambda pair: pair[0])
        return [record for at, record in marked if at >= start and (end is None or at <= end)]

    def _moment(self, cursor: Cursor, value: Any) -> str:
        try:
            return cursors.mark(self._system, cursor, jsontext.as_text(untagged(value, self._system.tagged)))
        except ValueError:
            raise FaultError("validation", "invalid", "the cursor is no instant") from None

    def _find(self, store: Store, asked: Asked) -> Done:
        search = asked.route.search
        assert search is not None
        wanted = jsontext.as_text(asked.found["marker"])
        record = store.holding(search.field, wanted)
        shown = [self.wire(store, record)] if record else []
        if "{marker}" not in asked.route.request.path:
            return Done(200, wrapped(search.items, shown), _NO_HEADERS, None)
        if record is None:
            raise FaultError("not_found", "not_found", f"there is no {store.resource.name} with this id")
        return Done(200, wrapped(search.items, shown[0]), _NO_HEADERS, record.native_id)

    def _move(self, store: Store, asked: Asked) -> Done:
        transition = asked.route.transition
        assert transition is not None
        record = self._named(store, asked)
        others = [t for t in store.resource.transitions if t.request == transition.request]
        for step in others:
            if record.natives.get(step.field) == step.source:
                moved: Natives = {step.field: step.target}
                store.update(record.native_id, moved)
                return Done(200, self.wire(store, record), _NO_HEADERS, record.native_id, moved)
        raise FaultError("validation", "state", "the record is in another state")

    def _write(self, store: Store, asked: Asked, call: Call) -> Done:
        route, contract = asked.route, asked.route.contract
        assert contract is not None
        natives = {} if route.operation == "delete" else self._natives(store.resource, asked)
        if route.operation == "delete":
            record = store.delete(self._named(store, asked).native_id)
        elif route.operation == "update":
            record = self._updated(store, asked, call, contract, natives)
        else:
            record = self._created(store, asked, contract, natives)
        status = 201 if route.operation == "create" else 200
        if contract.returns == "nothing":
            return Done(204, ABSENT, _NO_HEADERS, record.native_id, natives)
        shown = self.wire(store, record)
        answer = wrapped(contract.record_at, shown)
        if contract.returns == "id":
            native_id = read_path(shown, store.resource.native(store.resource.id).at)
            answer = wrapped(contract.id_at, native_id)
        return Done(status, answer, _NO_HEADERS, record.native_id, natives)

    def _created(self, store: Store, asked: Asked, contract: Write, sent: Natives) -> Stored:
        natives = dict(sent)
        if store.resource.parent and "parent" in asked.found:
            natives[store.resource.parent] = jsontext.as_text(asked.found["parent"])
        external_id = natives.get(contract.external_id) if contract.external_id else None
        known = store.holding(contract.external_id, external_id) if contract.external_id and external_id else None
        if known:
            return store.update(known.native_id, natives)
        for name in contract.then_update:
            natives.pop(name, None)
        return store.create(natives)

    def _updated(self, store: Store, asked: Asked, call: Call, contract: Write, natives: Natives) -> Stored:
        record = self._named(store, asked)
        header = contract.precondition_header
        expected = call.headers.get(header.lower()) if header else None
        if expected is not None and store.resource.version and record.natives[store.resource.version] != expected:
            raise FaultError("conflict", "precondition", "the record has changed since")
        return store.update(record.native_id, natives)

    def _shown(self, store: Store, asked: Asked) -> Stored:
        """Find the record that who asks for one is shown: what it is part of by now, where the system does so."""
        try:
            return self._named(store, asked, gone=bool(store.resource.gone))
        except MergedAwayError as error:
            if not error.told.record:
                raise
            return store.live(error.into)

    def _named(self, store: Store, asked: Asked, *, gone: bool = False) -> Stored:
        native_id = jsontext.as_text(asked.found.get("id", ""))
        if gone and native_id in store.records and not store.records[native_id].into:
            return store.records[native_id]
        return store.live(native_id)

    def _natives(self, resource: Resource, asked: Asked) -> Natives:
        """Read the natives that a write's body holds; FaultError for members that no field is at."""
        found = {name: value for name, value in asked.found.items() if name.startswith("field.")}
        natives = {
            name.removeprefix("field."): self._text(resource.native(name.removeprefix("field.")), value, asked.route)
            for name, value in found.items()
            if resource.native(name.removeprefix("field.")).writable
        }
        marker = asked.route.contract.marker if asked.route.contract else None
        if marker and "marker" in asked.found:
            natives[marker] = jsontext.as_text(asked.found["marker"])
        record = asked.found.get("record", asked.body if asked.route.request.body is None else ABSENT)
        if asked.route.contract and asked.route.contract.wrap and asked.route.request.body is None:
            record = read_path(record, asked.route.contract.wrap)
        return natives | self._record_natives(resource, record, asked.route)

    def _record_natives(self, resource: Resource, record: Any, route: Route) -> Natives:
        if record is ABSENT:
            return {}
        natives: Natives = {}
        taken: set[str] = set()
        for described in resource.fields:
            path = described.at if described.write_at is None else described.write_at
            value = read_path(record, path)
            if described.writable and value is not ABSENT:
                natives[described.name] = self._text(described, value, route)
                taken.add(path)
        for path in _leaves(record, ""):
            if not any(path == known or path.startswith(f"{known}.") for known in taken):
                raise FaultError("validation", "unknown_field", f"{path} is no field that can be written")
        return natives

    def _text(self, described: NativeField, value: Any, route: Route) -> str | None:
        plain = listed(untagged(value, self._system.tagged))
        if plain is None or (plain == "" and (described.empty_is_null or route.request.encoding == "form")):
            return None
        if isinstance(plain, (dict, list)):
            return jsontext.render_plain(plain)
        return jsontext.as_text(plain)


def children_of(resource: Resource, stores: Mapping[str, Store]) -> dict[str, Store]:
    """Find the lists of a record that show records stored on their own: field name → the store of the child."""
    return {
        described.name: stores[described.of]
        for described in resource.fields
        if described.of and described.of != resource.name and stores[described.of].resource.parent
    }


def _belongs(child: Store, record: Stored, parent: Stored) -> bool:
    return not record.gone and record.natives.get(child.resource.parent or "") == parent.native_id


def _leaves(value: Any, path: str) -> Iterator[str]:
    if isinstance(value, Mapping) and value:
        for name, item in value.items():
            yield from _leaves(item, f"{path}.{name}" if path else str(name))
    elif path:
        yield path
