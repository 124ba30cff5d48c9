"""Payload bodies, their fingerprints, and the keys of intents.

In: JSON values. Out: canonical bytes (those of ``encoding.dumps``), keyed fingerprints, SHA-256 keys.
Invariant: a key is made of names and ids only; what is made of field values is keyed with the ledger's secret.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from json.encoder import encode_basestring
from typing import Any

from syncline_runtime.encoding import MalformedContract, dumps
from syncline_runtime.errors import InternalError
from syncline_runtime.ledger.facts import NewIntent, Realm

_PLAIN = {str, int, bool, type(None)}
_ENCODER = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def canonical(value: Mapping[str, Any]) -> bytes:
    """Write a payload as ``encoding.dumps`` does, quicker where it is flat, or flat within; InternalError for a float."""
    kinds = set(map(type, value.values()))
    if dict in kinds:
        kinds.remove(dict)
        kinds.update(type(one) for inner in value.values() if type(inner) is dict for one in inner.values())
    if kinds <= _PLAIN:
        return _ENCODER.encode(value).encode()
    try:
        return dumps(value)
    except (MalformedContract, TypeError) as error:
        raise InternalError(f"a payload that is no JSON: {error}") from None


def fingerprint(key: bytes, body: bytes) -> str:
    """Give what tells equal payloads of one ledger, and says nothing to anybody without the ledger's key."""
    return hashlib.blake2b(body, key=key, digest_size=32).hexdigest()


class IntentKeys:
    """SHA-256 over the canonical list (project, environment, tenant, sync, connection, resource, operation,
    canonical id, part key, n).
    """  # noqa: D205

    def __init__(self, realm: Realm) -> None:
        self._realm = [realm.project, realm.environment, realm.tenant]
        self._begun: dict[tuple[str, str, str, str], str] = {}  # the same for most intents of a seal

    def key(self, one: NewIntent, n: int) -> str:
        """Give the key of the n-th intent for a member."""
        place = (one.sync, one.connection, one.resource, one.operation)
        begun = self._begun.get(place)
        if begun is None:
            begun = self._begun[place] = dumps([*self._realm, *place]).decode()[:-1]
        record, part = encode_basestring(one.canonical_id), encode_basestring(one.part_key)
        return hashlib.sha256(f"{begun},{record},{part},{n}]".encode()).hexdigest()
