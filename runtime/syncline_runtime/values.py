"""Functions that SQL cannot do; they run over distinct values and are joined back.

In: a text as the system has it, and the step's option (``name=value`` pairs joined by commas). Out: the canonical text,
or None where the value has none. Pure: no clock, no network, no state.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Mapping

from syncline_runtime.errors import ReleaseError


def phone(value: str, options: Mapping[str, str]) -> str | None:
    """Give a phone number as E.164 (ITU-T E.164); numbers without ``+`` are read as dialled in option ``region``."""
    import phonenumbers  # its tables take long to load, and few runs meet a new number

    try:
        number = phonenumbers.parse(value, options.get("region") or None)
    except phonenumbers.NumberParseException:
        return None
    # A number without its area code is possible too, and in E.164 it would be another's.
    if phonenumbers.is_possible_number_with_reason(number) != phonenumbers.ValidationResult.IS_POSSIBLE:
        return None
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


def normal(value: str, options: Mapping[str, str]) -> str | None:
    """Give a text in the Unicode normal form of option ``form``."""
    return unicodedata.normalize(options["form"], value)  # type: ignore[arg-type]


def json_of_text(value: str, options: Mapping[str, str]) -> str | None:
    """Give JSON that a text holds in compact form, its numbers as texts, as lists and objects are landed."""
    del options
    from syncline_runtime.connectors import jsontext  # brings the connectors along, which few plans need here

    try:
        return jsontext.render_plain(jsontext.parse(value))
    except jsontext.NotJsonError:
        return None


FUNCTIONS: Mapping[str, Callable[[str, Mapping[str, str]], str | None]] = {
    "phone": phone,
    "normal": normal,
    "json": json_of_text,
}


def apply_function(name: str, option: str, value: str) -> str | None:
    """Apply a value function of a plan; ReleaseError if this program does not know it."""
    function = FUNCTIONS.get(name)
    if function is None:
        raise ReleaseError(
            f"the plan uses a function {name!r} that this program does not have",
            mend="compile with the same version of syncline that runs it",
        )
    return function(value, dict(pair.split("=", 1) for pair in option.split(",") if pair))
