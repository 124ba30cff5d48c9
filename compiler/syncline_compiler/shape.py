"""Checks a document against the model of its kind.

In: ``Document``. Out: the spec with its document, or None. Diagnostics: SYN0006 (unknown key), SYN0007 (missing key),
SYN0008 (wrong value). Invariant: each mistake is reported once, at its key or value; unknown keys alone do not keep the
rest from being checked: one that is near to a known key is read as that, so that nothing seems to be missing.
"""

from __future__ import annotations

import re
import typing
from collections.abc import Collection, Iterator, Mapping, Sequence
from types import UnionType
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from syncline_compiler.diagnostics.diagnostic import REPORTED_PER_FILE, Collector
from syncline_compiler.misplaced import home_of, how_to, moved
from syncline_compiler.model.document import Declared, Document, Place
from syncline_compiler.model.written import PATTERNS, Written
from syncline_compiler.spelling import Advice, Remedy, certain, did_you_mean, nearest

S = TypeVar("S", bound=Written)
Problem = Mapping[str, Any]

_EXPECTED = {
    "string_type": "text is expected",
    "int_type": "a whole number is expected",
    "bool_type": "true or false is expected",
    "list_type": "a list is expected",
    "dict_type": "a mapping of names to values is expected",
    "model_type": "a mapping of keys to values is expected",
    "model_attributes_type": "a mapping of keys to values is expected",
    "too_short": "at least one is expected",
    "too_long": "these are too many",
    "string_too_short": "one character is expected",
    "string_too_long": "one character is expected",
}
_ABSENT = ("missing", "extra_forbidden")
_OLD_BOOLEANS = frozenset({"yes", "no", "on", "off", "y", "n"})


def check_shape(model: type[S], document: Document, diagnostics: Collector) -> Declared[S] | None:
    """Validate a document; None if what it says cannot be used."""
    try:
        return Declared(model.model_validate(document.value), document)
    except ValidationError as error:
        problems = error.errors(include_url=False, include_context=True, include_input=True)
    many = len(problems) > REPORTED_PER_FILE
    problems = problems[:REPORTED_PER_FILE]
    seen: set[Place] = set()
    misspelt = set(_misspelt(problems))
    for problem in problems:
        if problem["type"] == "missing" and tuple(problem["loc"]) in misspelt:
            continue
        place = (*_place(document.value, problem["loc"]), problem["loc"][-1] if problem["type"] in _ABSENT else "")
        if diagnostics.full(document.source.path):
            break
        if place not in seen:  # The branches of a union complain each for itself.
            _report(model, document, problem, diagnostics)
        seen.add(place)
    unknown = [tuple(problem["loc"]) for problem in problems if problem["type"] == "extra_forbidden"]
    others = [problem for problem in problems if problem["type"] not in _ABSENT or _is_absent(problem, misspelt)]
    if not unknown or others or many:
        return None
    return check_shape(model, _mended(model, document, unknown), diagnostics)


def _mended(model: type[BaseModel], document: Document, unknown: Sequence[Place]) -> Document:
    """Give the document as it is probably meant: unknown keys at their home, under the name they were meant to have, or not."""
    homes = {place: home for loc in unknown if (home := _home(model, document, place := _place(document.value, loc)))}
    rest = [loc for loc in unknown if _place(document.value, loc) not in homes]
    document = document.renamed({_place(document.value, loc): _meant(model, document, loc) for loc in rest})
    for place, home in homes.items():
        document = moved(document, place, home)
    return document


def _home(model: type[BaseModel], document: Document, place: Place) -> Place | None:
    return home_of(place, document, lambda at: _known_keys(model, at))


def _is_absent(problem: Problem, misspelt: Collection[Place]) -> bool:
    return problem["type"] == "missing" and tuple(problem["loc"]) not in misspelt


def _meant(model: type[BaseModel], document: Document, loc: Place) -> str | None:
    """Tell which key an unknown one is probably meant to be; None if none is near, or it stands there already."""
    free = set(_known_keys(model, loc[:-1])) - set(_holder(document.value, loc))
    return nearest(str(loc[-1]), free)


def _holder(value: Any, loc: Place) -> Any:
    for part in _place(value, loc[:-1]):
        value = value[part]
    return value


def _misspelt(problems: Sequence[Problem]) -> Iterator[Place]:
    """Give the missing keys that stand there under another spelling: the unknown key is reported, once."""
    for unknown in problems:
        if unknown["type"] == "extra_forbidden":
            *holder, name = unknown["loc"]
            beside = [one["loc"] for one in problems if one["type"] == "missing" and list(one["loc"][:-1]) == holder]
            guess = nearest(str(name), [str(loc[-1]) for loc in beside])
            if guess is not None:
                yield (*holder, guess)


def _report(model: type[BaseModel], document: Document, problem: Problem, diagnostics: Collector) -> None:
    place = _place(document.value, problem["loc"])
    if problem["type"] == "extra_forbidden":
        _report_unknown(model, document, problem["loc"], diagnostics)
    elif problem["type"] == "missing":
        name = str(problem["loc"][-1])
        diagnostics.report(
            "SYN0007", document.key(*place), label=f"`{name}` is missing here", help=f"add `{name}: …`"
        )  # fmt: skip
    elif place and problem["loc"][-1:] == ("[key]",):
        diagnostics.report("SYN0008", document.key(*place), label=_expected(problem), help=_lower_case(place[-1]))
    else:
        span = document.at(*place)
        quoted = document.source.line(span.line)[span.column - 2 : span.column - 1] in ("'", '"')
        diagnostics.report("SYN0008", span, label=_expected(problem), help=_remedy(problem, quoted=quoted))


def _report_unknown(model: type[BaseModel], document: Document, loc: Place, diagnostics: Collector) -> None:
    name = str(loc[-1])
    known = _known_keys(model, loc[:-1])
    place = _place(document.value, loc)
    span = document.keys.get(place) or document.key(*place)
    home = _home(model, document, place) if certain(name, known) is None else None
    guess = did_you_mean(name, known, kind="keys here", taken=_holder(document.value, loc))
    remedy: Advice = how_to(place, home) if home is not None else guess
    diagnostics.report("SYN0006", span, label=f"`{name}` is not a key here", help=remedy)


def _place(value: Any, loc: Place) -> Place:
    """Cut a pydantic location down to the part that the document has; union branches and ``[key]`` fall away."""
    place: list[str | int] = []
    for part in loc:
        if not _holds(value, part):
            continue
        place.append(part)
        value = value[part]
    return tuple(place)


def _holds(value: Any, part: str | int) -> bool:
    if isinstance(value, dict):
        return part in value
    return isinstance(value, list) and isinstance(part, int) and part < len(value)


def _expected(problem: Problem) -> str:
    kind, context = problem["type"], problem.get("ctx", {})
    match kind:
        case "literal_error":
            return f"one of {str(context['expected']).replace(chr(39), '`').replace(' or ', ', ')} is expected"
        case "string_pattern_mismatch":
            return PATTERNS.get(context["pattern"], "another form is expected")
        case "value_error":
            return str(context["error"])
        case "greater_than_equal":
            return f"at least {context['ge']} is expected"
        case "less_than_equal":
            return f"at most {context['le']} is expected"
    return _EXPECTED.get(kind, str(problem["msg"]))


def _remedy(problem: Problem, *, quoted: bool) -> tuple[Advice, ...]:
    given = problem.get("input")
    if problem["type"] == "literal_error" and isinstance(given, str):
        choices = re.findall(r"'([^']+)'", str(problem["ctx"]["expected"]))
        return (did_you_mean(given, choices, kind="words here"),) if nearest(given, choices) else ()
    if problem["type"] == "bool_type" and isinstance(given, str) and given.casefold() in _OLD_BOOLEANS:
        meant = "true" if given.casefold() in {"yes", "on", "y"} else "false"
        return (Remedy(f"`{given}` is text in YAML 1.2: write {meant}", given, None if quoted else meant),)
    if problem["type"] == "list_type" and isinstance(given, str):
        return (f"write `[{given}]`",)
    if given is None and problem["type"] != "missing":
        return ("there is no value behind this key",)
    return ()


def _lower_case(name: str | int) -> tuple[str, ...]:
    tidy = re.sub(r"[^a-z0-9]+", "_", re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", str(name)).casefold()).strip("_")
    return (f"write it as `{tidy}`",) if re.fullmatch(r"[a-z][a-z0-9_]{0,62}", tidy) else ()


def _known_keys(model: type[BaseModel], loc: Place) -> list[str]:
    """List the keys of the model that stands at a location."""
    hint: Any = model
    for part in loc:
        hint = _step(hint, part)
    found = _model_in(hint)
    return [info.alias or name for name, info in found.model_fields.items()] if found else []


def _step(hint: Any, part: str | int) -> Any:
    model = _model_in(hint)
    if model is not None:
        by_key = {info.alias or name: info for name, info in model.model_fields.items()}
        return by_key[str(part)].annotation if str(part) in by_key else None
    plain = _bare(hint)
    return typing.get_args(plain)[-1] if typing.get_origin(plain) in (dict, list) else plain


def _model_in(hint: Any) -> type[BaseModel] | None:
    plain = _bare(hint)
    return plain if isinstance(plain, type) and issubclass(plain, BaseModel) else None


def _bare(hint: Any) -> Any:
    """Strip ``Annotated`` and ``| None``."""
    while True:
        origin = typing.get_origin(hint)
        if origin is typing.Annotated:
            hint = typing.get_args(hint)[0]
        elif origin in (typing.Union, UnionType):
            hint = next(option for option in typing.get_args(hint) if option is not type(None))
        else:
            return hint
