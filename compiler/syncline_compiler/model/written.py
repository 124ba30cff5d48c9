"""The words that all specs are written in: names, texts, versions, durations, and their checks.

In: plain values of the YAML loader (text, int, Decimal, bool, None, list, dict). Out: the same values, checked.
Invariant: nothing is converted in silence, ``no`` is text and never false; a number where text is expected keeps
its digits.
"""

from __future__ import annotations

from decimal import Decimal
from functools import partial
from typing import Annotated, Any, ClassVar

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    GetCoreSchemaHandler,
    GetJsonSchemaHandler,
    StringConstraints,
    ValidationError,
    ValidationInfo,
    WithJsonSchema,
    field_validator,
)
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, core_schema

from syncline_compiler.quantities import check_budget, check_day, check_duration, check_seconds, check_share
from syncline_runtime.frozen import dataclass


class Written(BaseModel):
    """A part of a spec as written: unknown keys are refused, values are not converted.

    A model's validator is built when it is first used: a project without events does not pay for theirs.
    """

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, arbitrary_types_allowed=True, defer_build=True)
    most: ClassVar[int] = 2_000
    """Members of one list or mapping: no object or system has more, and checks compare each with each."""

    @field_validator("*", mode="before")
    @classmethod
    def _refuse_nothing(cls, value: Any, info: ValidationInfo) -> Any:
        """Refuse a key without a value: it looks like a setting and would be none. Templates may hold null."""
        if value is None and (not info.field_name or cls.model_fields[info.field_name].annotation is not Any):
            raise ValueError("a value is expected")
        if isinstance(value, (dict, list)) and len(value) > cls.most:
            raise ValueError(f"these are {len(value):,}, and at most {cls.most:,} are expected")
        return value


def _as_text(value: Any) -> Any:
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value) if isinstance(value, (int, Decimal)) else value


def _nonempty(value: str) -> str:
    if not value.strip():
        raise ValueError("text is expected, this is empty")
    return value


def _condition(value: Any) -> Any:
    if not isinstance(value, (bool, str)):
        raise ValueError('true, false or a condition in quotes is expected, such as "status == \\"active\\""')
    return value


_VERSION = r"^[0-9]+\.[0-9]+\.[0-9]+$"
_PLAIN_TEXT = WithJsonSchema({"type": ["string", "number", "boolean"]})
_DURATION = WithJsonSchema({"type": "string", "pattern": "^[0-9]{1,9}(us|ms|s|m|h|d)$"})
_DAY = WithJsonSchema({"type": "string", "pattern": "^[0-9]{4}-[0-9]{2}-[0-9]{2}$"})
_SHARE = WithJsonSchema(
    {"anyOf": [{"type": "string", "pattern": r"^[0-9]{1,3}(\.[0-9]{1,3})?%$"}, {"type": "integer"}]}
)

Text = Annotated[str, BeforeValidator(_as_text), AfterValidator(_nonempty), _PLAIN_TEXT]
AnyText = Annotated[str, BeforeValidator(_as_text), _PLAIN_TEXT]
ProjectName = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_-]{0,62}$")]
Name = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,62}$")]
NativeName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z_][A-Za-z0-9_]{0,127}$")]
Version = Annotated[
    str,
    BeforeValidator(_as_text),
    StringConstraints(pattern=_VERSION),
    WithJsonSchema({"type": "string", "pattern": _VERSION}),
]
Duration = Annotated[str, BeforeValidator(_as_text), AfterValidator(check_duration), _DURATION]
Seconds = Annotated[str, BeforeValidator(_as_text), AfterValidator(check_seconds), _DURATION]
Day = Annotated[str, BeforeValidator(_as_text), AfterValidator(check_day), _DAY]
Budget = Annotated[str, BeforeValidator(_as_text), AfterValidator(check_budget)]
Share = Annotated[str, BeforeValidator(_as_text), AfterValidator(check_share), _SHARE]
Condition = Annotated[bool | str, BeforeValidator(_condition), WithJsonSchema({"type": ["boolean", "string"]})]


PATTERNS = {
    r"^[a-z][a-z0-9_-]{0,62}$": "a name in lower case is expected: letters, digits, _ and -, such as quote-to-cash",
    r"^[a-z][a-z0-9_]{0,62}$": "a name in lower case is expected: letters, digits and _, such as credit_limit",
    r"^[A-Za-z_][A-Za-z0-9_]{0,127}$": "a name is expected: letters, digits and _, such as Account or write_date",
    r"^[0-9]+\.[0-9]+\.[0-9]+$": "a version of three numbers is expected, such as 1.0.0",
    r"^[a-z][a-z0-9_]*(@[0-9]+)?$": "an object is expected, such as account or account@2",
    r"^[a-z][a-z0-9_]*\.[A-Za-z_][A-Za-z0-9_]*$": "a system and a resource there are expected, such as crm.Account",
    r"^[a-z][a-z0-9_]*\.[a-z][a-z0-9_]*$": "an object and its field are expected, such as account.status",
    r"^[a-z][a-z0-9_]*(\.[A-Za-z_][A-Za-z0-9_]*)?$": "a connection is expected, or one and a resource: crm or crm.Account",
    r"^[a-z][a-z0-9_]*@[0-9]+$": "an object and its major version are expected, such as account@1",
    r"^([a-z][a-z0-9_-]*/)?[a-z][a-z0-9_]*@[0-9]+$": "a name and its major version are expected, such as account@1",
    r"^([a-z][a-z0-9_]*\.[a-z][a-z0-9_]*|SYN[0-9]{4})$": "a rule is expected, such as baseline.sync_has_steward, or a code",
    r"^[A-Za-z0-9._-]{1,64}(/[A-Za-z0-9._-]{1,64}){0,8}$": "a folder of the project is expected, such as .releases/2026-01",
    r"^SYN[0-9]{4}$": "a code is expected, such as SYN5004",
    r"^(/[A-Za-z0-9_-]+)+$": "a path at our inbox is expected, such as /events/payments",
}
"""What a pattern asks for, in words."""


MOST_SHARED = 10_000
_shared: dict[tuple[type, str, type, Any], Written] = {}


@dataclass(frozen=True)
class LongForm:
    """Accepts plain text, or another ``short`` form, for a mapping of which only ``key`` is given."""

    key: str
    short: tuple[type, ...] = (str, int, Decimal)

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        """Lengthen the short form before it is checked."""
        if isinstance(source, type) and issubclass(source, Written):
            return core_schema.no_info_before_validator_function(partial(self._share, source), handler(source))
        return core_schema.no_info_before_validator_function(self._lengthen, handler(source))

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        """Describe both forms: the short one is what stands under the key."""
        long = handler(schema)
        members = handler.resolve_ref_schema(long)
        short = members.get("properties", {}).get(self.key) or members.get("additionalProperties") or {"type": "string"}
        return {"anyOf": [short, long]}

    def _lengthen(self, value: Any) -> Any:
        return {self.key: value} if isinstance(value, self.short) else value

    def _share(self, model: type[Written], value: Any) -> Any:
        """Give one and the same spec for all that are written alike: thousands of fields are `text(40)`."""
        if not isinstance(value, self.short):
            return value
        known = (model, self.key, type(value), value)
        made = _shared.get(known)
        if made is None:
            try:
                made = model.model_validate({self.key: value})
            except ValidationError:  # found again, and told at its place
                return {self.key: value}
            if len(_shared) < MOST_SHARED:
                _shared[known] = made
        return made


@dataclass(frozen=True)
class ListOfOne:
    """Accepts one value for a list of one."""

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        """Put a single value into a list before it is checked."""
        return core_schema.no_info_before_validator_function(self._enlist, handler(source))

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        """Describe both forms."""
        many = handler(schema)
        return {"anyOf": [many["items"], many]}

    @staticmethod
    def _enlist(value: Any) -> Any:
        return value if isinstance(value, list) else [value]


OneOrMore = Annotated[list[Text], ListOfOne()]
