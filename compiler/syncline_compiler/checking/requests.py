"""Requests and authentication as written become what the runtime sends.

In: parts of a ``SystemSpec``. Out: ``syncline_runtime.request`` and ``authentication``.
"""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Any

from syncline_compiler.model.spec_auth import AssertionSpec, AuthSpec, TokenSpec
from syncline_compiler.model.spec_request import ProbeSpec, RequestSpec
from syncline_compiler.quantities import seconds
from syncline_runtime.authentication import Assertion, Auth, Grant, Signature
from syncline_runtime.request import Probe, Request


def request_of(spec: RequestSpec, method: str) -> Request:
    """Build a request; JSON-RPC calls are POSTs unless something else is said."""
    return Request(
        path=spec.path,
        method=spec.method or ("POST" if spec.rpc or spec.graphql else method),
        query=plain(spec.query),
        headers=plain(spec.headers),
        body=plain(spec.body),
        encoding=spec.encoding,
        rpc=spec.rpc,
        graphql=spec.graphql,
    )


def probe_of(spec: ProbeSpec | None) -> Probe | None:
    """Build a harmless request whose answer proves something."""
    return Probe(request_of(spec.request, "GET"), spec.at) if spec else None


def plain(value: Any) -> Any:
    """Make values that a contract can hold: numbers with a point become text with the digits as written."""
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return [plain(item) for item in value]
    return str(value) if isinstance(value, Decimal) else value


def auth_of(spec: AuthSpec) -> Auth:
    """Build the way in which requests are authenticated."""
    return Auth(
        kind=spec.kind,
        header=spec.header,
        query=spec.query,
        scheme=spec.scheme,
        login=request_of(spec.login, "POST") if spec.login else None,
        session=plain(spec.session),
        grant=_grant(spec.token) if spec.token else None,
        signature=Signature(**spec.signature.model_dump()) if spec.signature else None,
    )


def _grant(spec: TokenSpec) -> Grant:
    return Grant(
        kind=spec.grant,
        request=replace(request_of(spec.request, "POST"), encoding="form"),
        # An assertion proves the client by itself.
        client=spec.client or ("none" if spec.assertion else "basic"),
        scopes=tuple(spec.scopes),
        rotates=spec.rotates,
        lifetime=seconds(spec.lifetime) if spec.lifetime else None,
        assertion=_assertion(spec.assertion) if spec.assertion else None,
    )


def _assertion(spec: AssertionSpec) -> Assertion:
    return Assertion(plain(spec.claims), spec.algorithm, max(seconds(spec.lifetime), 1))
