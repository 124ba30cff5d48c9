"""Templates of system descriptions: plain JSON values whose texts may hold placeholders."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from syncline_compiler.model.document import Place

PLACEHOLDERS = frozenset(
    {
        "id", "cursor", "size", "offset", "page", "token", "marker", "record", "field", "key", "version", "parent",
        "account", "value", "username", "password", "result",
    }
)  # fmt: skip
IN_AUTH = frozenset(
    {
        "account", "username", "password", "result", "client_id", "key_id", "method", "host", "path", "query", "body",
        "body_hash", "timestamp", "nonce", "signature",
    }
)  # fmt: skip
"""What ways of authentication can name, and nothing else."""
IN_GRANTED = frozenset({"account", "access_token"})
PLACEHOLDER = re.compile(r"\{([A-Za-z_]+)(?:\.(\w+(?:\.\w+)*))?\}")
"""One placeholder: its name, and what of it is meant, as in ``{field.name}``."""


def texts_in(value: Any, place: Place = ()) -> Iterator[tuple[Place, str]]:
    """Give every text in a value and where it stands; nesting is bounded by the reader."""
    if isinstance(value, str):
        yield place, value
    elif isinstance(value, Mapping):
        for key, item in value.items():
            yield from texts_in(item, (*place, key))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from texts_in(item, (*place, index))
