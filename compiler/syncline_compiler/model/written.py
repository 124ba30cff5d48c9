"""The words that all specs are written in: names, texts, versions, durations, and their checks.

In: plain values of the YAML loader (text, int, Decimal, bool, None, list, dict). Out: the same values, checked.
Invariant: nothing is converted in silence, ``no`` is text and never false; a number where text is expected keeps
its digits.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Any

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    StringConstraints,
    ValidationInfo,
    field_validator,
)

from syncline_compiler.quantities import check_duration, check_seconds, check_share


class Written(BaseModel):
    """A part of a spec as written: unknown keys are refused, values are not converted.

    A model's validator is built when it is first used: a project without events does not pay for theirs.
    """

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, arbitrary_types_allowed=True, defer_build=True)

    @field_validator("*", mode="before")
    @classmethod
    def _refuse_nothing(cls, value: Any, info: ValidationInfo) -> Any:
        """Refuse a key without a value: it looks like a setting and would be none. Templates may hold null."""
        annotation = cls.model_fields[info.field_name].annotation if info.field_name else Any
        if value is None and annotation is not Any:
            raise ValueError("a value is expected")
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


def _list_of_one(value: Any) -> Any:
    return value if isinstance(value, list) else [value]


Text = Annotated[str, BeforeValidator(_as_text), AfterValidator(_nonempty)]
AnyText = Annotated[str, BeforeValidator(_as_text)]
ProjectName = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_-]{0,62}$")]
Name = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,62}$")]
NativeName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z_][A-Za-z0-9_]{0,127}$")]
Version = Annotated[str, BeforeValidator(_as_text), StringConstraints(pattern=r"^[0-9]+\.[0-9]+\.[0-9]+$")]
Duration = Annotated[str, BeforeValidator(_as_text), AfterValidator(check_duration)]
Seconds = Annotated[str, BeforeValidator(_as_text), AfterValidator(check_seconds)]
Share = Annotated[str, BeforeValidator(_as_text), AfterValidator(check_share)]
Condition = Annotated[bool | str, BeforeValidator(_condition)]

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
    r"^SYN[0-9]{4}$": "a code is expected, such as SYN5004",
    r"^(/[A-Za-z0-9_-]+)+$": "a path at our inbox is expected, such as /events/payments",
}
"""What a pattern asks for, in words."""


one_or_more = BeforeValidator(_list_of_one)
"""Accepts one value for a list of one."""
OneOrMore = Annotated[list[Text], one_or_more]


def long_form(key: str) -> BeforeValidator:
    """Accept plain text for a mapping of which only ``key`` is given."""
    return BeforeValidator(lambda value: {key: value} if isinstance(value, (str, int, Decimal)) else value)
