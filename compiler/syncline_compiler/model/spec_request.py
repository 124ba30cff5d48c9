"""A request as written in a ``system`` spec: the face in YAML of ``syncline_runtime.request``.

Templates (paths, queries, bodies) stay as they are.
"""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field, model_validator

from syncline_compiler.model.written import AnyText, Text, Written

Method = Literal["GET", "POST", "PUT", "PATCH", "DELETE"]


class RequestSpec(Written):
    """One request, as a template."""

    path: AnyText = ""
    method: Method | None = None
    query: dict[str, Any] = Field(default_factory=dict)
    headers: dict[str, Any] = Field(default_factory=dict)
    body: Any = None
    encoding: Literal["json", "form"] = "json"
    rpc: Text | None = None
    graphql: Text | None = None

    @model_validator(mode="after")
    def _one_call(self) -> RequestSpec:
        if self.rpc and self.graphql:
            raise ValueError("either `rpc` or `graphql` is expected")
        return self


class ProbeSpec(Written):
    """A harmless request whose answer proves something."""

    request: RequestSpec
    at: AnyText = ""
