"""Templates of system descriptions: plain JSON values whose texts may hold placeholders."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from syncline_compiler.model.document import Place

PLACEHOLDERS = frozenset(
    {
        "id", "cursor", "until", "size", "offset", "page", "token", "marker", "record", "field", "key", "version", "parent",
        "account", "value", "username", "password", "result", "row", "items",
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


def texts_in(value: Any) -> Iterator[tuple[Place, str]]:
    """Give every text in a JSON value and where it stands, in order."""
    left: list[tuple[Place, Any]] = [((), value)]
    while left:
        place, item = left.pop()
        if isinstance(item, str):
            yield place, item
        elif isinstance(item, dict):
            left += [((*place, key), item[key]) for key in reversed(item)]
        elif isinstance(item, list):
            left += [((*place, index), item[index]) for index in reversed(range(len(item)))]
