"""Requests that are signed with a key that both sides know (HMAC, RFC 2104).

In: a finished request. Out: the headers that prove who made it, and when. Invariant: what is signed is what is sent,
byte for byte; the time is the far side's, once it has told it.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import secrets
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final

import httpx

from syncline_runtime.authentication import Signature
from syncline_runtime.connectors.access import Access, Headers
from syncline_runtime.connectors.auth import Credentials
from syncline_runtime.connectors.channel import Channel
from syncline_runtime.connectors.origin import STAND_IN_SECRET
from syncline_runtime.connectors.templates import fill_text
from syncline_runtime.errors import ReleaseError

_NOTICEABLE: Final = 5.0  # seconds by which a clock must differ to be why a signature is refused


class Signing(Access):
    """Signs each request as it leaves."""

    def __init__(self, signature: Signature, credentials: Credentials, channel: Channel) -> None:
        super().__init__({})
        self._signature, self._channel = signature, channel
        self._key = key_bytes(signature, credentials.secret("key"), channel.origin.place)
        self._known = {"key_id": credentials.known("key_id"), "account": credentials.account}
        self._ahead = 0.0

    def sign(self, prepared: httpx.Request) -> None:
        """Add the headers that sign this request."""
        self._ahead = self._channel.skew or 0.0
        stamp = timestamp(self._signature, self._channel.far_now())
        known = {**self._known, **parts_of(prepared), "timestamp": stamp, "nonce": secrets.token_hex(16)}
        prepared.headers.update(signed_headers(self._signature, self._key, known))

    def refused(self, used: Headers) -> bool:  # noqa: ARG002
        """Try once more if our clock was why: by now the answer has told the far side's."""
        return abs((self._channel.skew or 0.0) - self._ahead) > _NOTICEABLE


def parts_of(prepared: httpx.Request) -> dict[str, str]:
    """Take a request apart into what a signature may name."""
    path, _, query = prepared.url.raw_path.decode().partition("?")
    return {
        "method": prepared.method,
        "host": prepared.headers.get("host", ""),
        "path": path,
        "query": query,
        **body_parts(prepared.content),
    }


def body_parts(content: bytes) -> dict[str, str]:
    """Give the body as a signature may name it."""
    return {"body": content.decode(), "body_hash": hashlib.sha256(content).hexdigest()}


def signed_headers(signature: Signature, key: bytes, known: Mapping[str, Any]) -> dict[str, str]:
    """Sign what is known of a request, and write the headers that tell it."""
    made = hmac.new(key, (fill_text(signature.signs, known) or "").encode(), signature.digest).digest()
    text = made.hex() if signature.encoding == "hex" else base64.b64encode(made).decode()
    known = {**known, "signature": text}
    return {name: fill_text(template, known) or "" for name, template in signature.headers.items()}


def timestamp(signature: Signature, now: int) -> str:
    """Write a moment as the system wants it."""
    if signature.timestamp == "iso":
        return datetime.fromtimestamp(now // 1_000_000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return str(now // (1_000 if signature.timestamp == "epoch_ms" else 1_000_000))


def key_bytes(signature: Signature, key: str, place: str) -> bytes:
    """Read the shared key as it is written; ReleaseError for one that is not."""
    if key == STAND_IN_SECRET:
        return key.encode()
    try:
        if signature.key == "base64":
            return base64.b64decode(key, validate=True)
        return bytes.fromhex(key) if signature.key == "hex" else key.encode()
    except (ValueError, binascii.Error):
        raise ReleaseError(
            f"the key is not written in {signature.key}, as the system description says",
            place=place,
            mend="correct the secret, or `key` of `signature` in the system description",
            code="SYN8010",
        ) from None
