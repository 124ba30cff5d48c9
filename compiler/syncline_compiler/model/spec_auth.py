"""Authentication as written in a ``system`` spec: the face in YAML of ``syncline_runtime.authentication``."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from syncline_compiler.model.spec_request import RequestSpec
from syncline_compiler.model.written import AnyText, Seconds, Text, Written


class AssertionSpec(Written):
    """A statement signed with a private key, which stands for a credential."""

    claims: dict[Text, Text | list[Text]]
    algorithm: Literal["RS256", "RS384", "RS512", "PS256", "ES256", "ES384", "EdDSA", "HS256"] = "RS256"
    lifetime: Seconds = "3m"


class TokenSpec(Written):
    """How an access token is got (OAuth 2.0)."""

    grant: Literal["client_credentials", "refresh_token", "jwt_bearer"]
    request: RequestSpec
    client: Literal["basic", "body", "none"] | None = None
    scopes: list[Text] = Field(default_factory=list)
    rotates: bool = False
    lifetime: Seconds | None = None
    assertion: AssertionSpec | None = None

    @model_validator(mode="after")
    def _assertion_where_it_is_meant(self) -> TokenSpec:
        if (self.grant == "jwt_bearer") != (self.assertion is not None):
            raise ValueError("`assertion` is expected where `grant` is `jwt_bearer`, and nowhere else")
        return self


class SigningSpec(Written):
    """What of each request is signed with a shared key (HMAC)."""

    signs: Text
    headers: Annotated[dict[Text, Text], Field(min_length=1)]
    digest: Literal["sha1", "sha256", "sha384", "sha512"] = "sha256"
    encoding: Literal["hex", "base64"] = "hex"
    timestamp: Literal["epoch", "epoch_ms", "iso"] = "epoch"
    key: Literal["text", "base64", "hex"] = "text"


class AuthSpec(Written):
    """How requests are authenticated."""

    kind: Literal["none", "basic", "bearer", "api_key", "session", "oauth2", "signed"]
    header: Text | None = None
    query: Text | None = None
    scheme: AnyText = "Bearer"
    login: RequestSpec | None = None
    session: Any = None
    token: TokenSpec | None = None
    signature: SigningSpec | None = None

    @model_validator(mode="after")
    def _told_how(self) -> AuthSpec:
        for kind, key in (("oauth2", "token"), ("signed", "signature"), ("session", "login")):
            if (self.kind == kind) != (getattr(self, key) is not None):
                raise ValueError(f"`{key}` is expected where `kind` is `{kind}`, and nowhere else")
        if self.kind == "api_key" and self.header is None and self.query is None:
            raise ValueError("`header` or `query` is expected: where the key stands")
        return self
