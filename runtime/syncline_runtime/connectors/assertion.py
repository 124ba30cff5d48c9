"""Assertions: statements signed with a private key (RFC 7523), by PyJWT, which is an extra.

In: the claims of a system description and the binding's key. Out: a JWT. A stand-in's is not signed and needs no library.
"""

from __future__ import annotations

import base64
import json
import secrets
from collections.abc import Mapping
from typing import Any

from syncline_runtime.authentication import Assertion
from syncline_runtime.connectors.auth import Credentials
from syncline_runtime.connectors.origin import STAND_IN_SECRET
from syncline_runtime.connectors.templates import ABSENT, fill
from syncline_runtime.errors import ReleaseError


def assertion_of(assertion: Assertion, credentials: Credentials, known: Mapping[str, Any], now: int, place: str) -> str:
    """Make an assertion that is good from ``now`` (microseconds) on; ReleaseError for a key that does not serve."""
    made = now // 1_000_000
    claims = {
        **fill(assertion.claims, known),
        "iat": made,
        "exp": made + assertion.lifetime,
        "jti": secrets.token_hex(16),
    }
    if credentials.secret("key") == STAND_IN_SECRET:
        return ".".join((_part({"alg": "none"}), _part(claims), ""))
    try:
        import jwt  # an optional extra
    except ImportError:
        raise ReleaseError(
            "signed assertions need a library that is not installed here",
            place=place,
            mend="pip install 'syncline[jwt]'",
            code="SYN8010",
        ) from None
    key_id = credentials.known("key_id")
    headers = {} if key_id is ABSENT else {"kid": key_id}
    try:
        return str(jwt.encode(claims, credentials.secret("key"), algorithm=assertion.algorithm, headers=headers))
    except (jwt.PyJWTError, ValueError, TypeError, NotImplementedError):
        # What the library says may quote the key.
        raise ReleaseError(
            f"the private key does not serve for {assertion.algorithm}",
            place=place,
            mend="store the key as PEM under the reference of `key`, and compare `algorithm` with what kind of key it is",
            code="SYN8010",
        ) from None


def _part(members: Mapping[str, Any]) -> str:
    return base64.urlsafe_b64encode(json.dumps(members).encode()).decode().rstrip("=")
