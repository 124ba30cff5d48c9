"""How requests to a system are authenticated: as compiled, without a secret."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from syncline_runtime.frozen import dataclass
from syncline_runtime.request import Request, Template


@dataclass(frozen=True)
class Assertion:
    """A statement signed with a private key, which stands for a credential (RFC 7523).

    Claims may name ``{client_id}`` ``{username}`` ``{account}``; when it was made, until when it is good and an id of
    its own are added.
    """

    claims: Mapping[str, Template]
    algorithm: Literal["RS256", "RS384", "RS512", "PS256", "ES256", "ES384", "EdDSA", "HS256"] = "RS256"
    lifetime: int = 180  # seconds


@dataclass(frozen=True)
class Grant:
    """How an access token is got (OAuth 2.0, RFC 6749). ``request`` is below the binding's ``token_origin``."""

    kind: Literal["client_credentials", "refresh_token", "jwt_bearer"]
    request: Request  # its body: further members of the form
    client: Literal["basic", "body", "none"] = "basic"  # where client id and secret stand
    scopes: tuple[str, ...] = ()  # asked for
    rotates: bool = False  # a refresh token is good for one use, which gives the next
    lifetime: int | None = None  # seconds, of an access token whose answer does not say
    assertion: Assertion | None = None


@dataclass(frozen=True)
class Signature:
    """What of each request is signed with the shared ``key`` (HMAC, RFC 2104), and how that is told.

    Templates may name ``{method}`` ``{host}`` ``{path}`` ``{query}`` ``{body}`` ``{body_hash}`` (hex SHA-256)
    ``{timestamp}`` ``{nonce}`` ``{key_id}`` ``{account}``; ``headers`` may name ``{signature}`` too.
    """

    signs: str
    headers: Mapping[str, str]
    digest: Literal["sha1", "sha256", "sha384", "sha512"] = "sha256"
    encoding: Literal["hex", "base64"] = "hex"
    timestamp: Literal["epoch", "epoch_ms", "iso"] = "epoch"
    key: Literal["text", "base64", "hex"] = "text"  # how the shared key is written


@dataclass(frozen=True)
class Auth:
    """How requests are authenticated. Secrets come from the binding, named as ``secrets_of`` says."""

    kind: Literal["none", "basic", "bearer", "api_key", "session", "oauth2", "signed"] = "none"
    header: str | None = None  # api_key in a header; else the header of the token, Authorization
    query: str | None = None  # api_key in the query
    scheme: str = "Bearer"
    login: Request | None = None  # session: sent with {username} and {password}
    session: Template = None  # session: header value made of the login's {result}
    grant: Grant | None = None  # oauth2
    signature: Signature | None = None  # signed


def secrets_of(auth: Auth) -> tuple[str, ...]:
    """Name the members of ``credential`` that a binding must have for this way of authentication."""
    named = {
        "none": (), "bearer": ("token",), "basic": ("username", "password"), "api_key": ("key",),
        "session": ("username", "password"), "signed": ("key",), "oauth2": (),
    }[auth.kind]  # fmt: skip
    if auth.kind == "signed" and auth.signature is not None:
        templates: Template = [auth.signature.signs, *auth.signature.headers.values()]
        return (*named, *(("key_id",) if _names(templates, "key_id") else ()))
    if auth.grant is None:
        return named
    client = ("client_id", "client_secret") if auth.grant.client != "none" else ("client_id",)
    match auth.grant.kind:
        case "client_credentials":
            return client
        case "refresh_token":
            return (*client, "refresh_token")
    claims = auth.grant.assertion.claims if auth.grant.assertion else {}
    asked = client if auth.grant.client != "none" else ()
    return tuple(dict.fromkeys((*asked, "key", *(name for name in ("client_id", "username") if _names(claims, name)))))


def _names(template: Template, placeholder: str) -> bool:
    """Tell whether a template names a placeholder anywhere."""
    if isinstance(template, Mapping):
        return any(_names(item, placeholder) for item in template.values())
    if isinstance(template, (list, tuple)):
        return any(_names(item, placeholder) for item in template)
    return isinstance(template, str) and f"{{{placeholder}}}" in template
