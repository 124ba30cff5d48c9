"""Identity rules as written: when two records are one.

In: plain values of the YAML loader. Out: the same, checked; ``0.92``, ``exact`` and ``sounds`` are short forms.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, GetCoreSchemaHandler, GetJsonSchemaHandler, WithJsonSchema
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, core_schema

from syncline_compiler.model.written import Name, Text, Written

Share = Annotated[Decimal, Field(ge=0, le=1), WithJsonSchema({"type": "number", "minimum": 0, "maximum": 1})]


def _number(value: Any) -> Any:
    return Decimal(value) if isinstance(value, int) and not isinstance(value, bool) else value


class LikenessSpec(Written):
    """How alike two values of a field have to be: one of the ways that are given is enough."""

    exact: bool = False
    jaro_winkler: Annotated[Share, BeforeValidator(_number)] | None = None
    edits: Annotated[int, Field(ge=1, le=8)] | None = None
    words: Annotated[Share, BeforeValidator(_number)] | None = None
    sounds: bool = False
    within: Annotated[
        Decimal, Field(gt=0), BeforeValidator(_number), WithJsonSchema({"type": "number", "exclusiveMinimum": 0})
    ] | None = None  # fmt: skip
    missing: bool = False
    placeholders: list[Text] = Field(default_factory=list)


SHORT = {"exact": {"exact": True}, "sounds": {"sounds": True}}
SHORT_SCHEMAS = ({"type": "number", "minimum": 0, "maximum": 1}, {"enum": sorted(SHORT)})


class Likeness:
    """Accepts a number (Jaro–Winkler), ``exact`` or ``sounds`` for a likeness of which nothing else is said."""

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        """Lengthen the short form before it is checked."""
        return core_schema.no_info_before_validator_function(_lengthen, handler(source))

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        """Describe both forms."""
        return {"anyOf": [*SHORT_SCHEMAS, handler(schema)]}


def _lengthen(value: Any) -> Any:
    if isinstance(value, (int, Decimal)) and not isinstance(value, bool):
        return {"jaro_winkler": value}
    if isinstance(value, str):
        if value not in SHORT:
            raise ValueError("a likeness is expected: a number such as 0.92, `exact`, `sounds`, or `{edits: 1}`")
        return SHORT[value]
    return value


class ProbabilitySpec(Written):
    """A trained model, and how probable it must be that two records are one."""

    model: Name
    link: Annotated[Share, BeforeValidator(_number)] | None = None
    review: Annotated[Share, BeforeValidator(_number)] | None = None


class LevelSpec(Written):
    """How often values are so alike: of records that are one, and of others."""

    way: Text
    m: Annotated[Share, BeforeValidator(_number)]
    u: Annotated[Share, BeforeValidator(_number)]


class ModelSpec(Written):
    """``model:`` what was learnt from the records of an object; `syncline identity train` writes it."""

    model: Name
    object: Name
    records: Annotated[int, Field(ge=0)] | None = None
    chance: Annotated[Share, BeforeValidator(_number)]
    fields: Annotated[dict[Name, list[LevelSpec]], Field(min_length=1)]


class IdentitySpec(Written):
    """When two records are one."""

    same: list[Name] = Field(default_factory=list)
    similar: dict[Name, Annotated[LikenessSpec, Likeness()]] = Field(default_factory=dict)
    swapped: list[Name] = Field(default_factory=list)
    at_least: Annotated[int, Field(ge=1)] | None = None
    may_differ: Annotated[int, Field(ge=0)] | None = None
    closest: bool = False
    probability: ProbabilitySpec | None = None
    unless: Text | None = None
    then: Literal["link", "review", "create"] = "link"
