"""Choosing the library function that is meant: one written name stands for functions over several types.

In: the written name and its arguments. Out: the function with its arguments and options, or a report: SYN0303 (no such
function), SYN0304 (arguments), SYN0301 (types), SYN0305 (a local time without its zone).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

from syncline_compiler.checking.agree import Agreement
from syncline_compiler.diagnostics.diagnostic import Collector
from syncline_compiler.functions import WRITTEN, Function
from syncline_compiler.functions.elsewhere import ELSEWHERE
from syncline_compiler.functions.function import RefusedArguments, Setting, Value
from syncline_compiler.model import syntax
from syncline_compiler.model.typed import Apply, Expression
from syncline_compiler.model.types import Type
from syncline_compiler.source import Span
from syncline_compiler.spelling import did_you_mean
from syncline_runtime.frozen import dataclass

Given = syntax.Expression | Expression
"""An argument as written, or the piped value, which is typed already."""


@dataclass(frozen=True)
class Choice:
    """A function whose parameters fit how the arguments are written."""

    function: Function
    values: tuple[Given, ...]
    options: Mapping[str, str]
    wrong: Wrong | None = None


@dataclass(frozen=True)
class Wrong:
    """What is wrong with a setting."""

    setting: Setting
    label: str
    span: Span


@dataclass(frozen=True)
class Call:
    """One use of a function by its written name."""

    name: str
    arguments: tuple[Given, ...]
    span: Span
    name_span: Span
    zone: str | None  # what `system` means as a zone


def choose(call: Call, typed: Callable[[Given], Expression], diagnostics: Collector) -> Apply | None:
    """Find and apply the function that is meant; None after a report."""
    functions = WRITTEN.get(call.name)
    if functions is None:
        other = ELSEWHERE.get(call.name.lower())
        remedy = other or did_you_mean(call.name, [*WRITTEN, "code", "ref"], kind="functions")
        label = f"there is no function `{call.name}`"
        diagnostics.report("SYN0303", call.name_span, label=label, help=remedy)
        return None
    choices = [choice for function in functions if (choice := _fitting(function, call, diagnostics)) is not None]
    if not choices:
        diagnostics.report(
            "SYN0304", call.span, label=f"`{call.name}` does not take these arguments",
            help=list(dict.fromkeys(f"write {function.usage}" for function in functions)),
        )  # fmt: skip
        return None
    values = [typed(value) for value in choices[0].values]
    for choice in choices:
        if all(_takes(one, value) for one, value in zip(_parameters(choice), values, strict=False)):
            return apply(choice, values, call.span, diagnostics)
    _refuse(call, choices, values, diagnostics)
    return None


def apply(choice: Choice, values: Sequence[Expression], span: Span, diagnostics: Collector) -> Apply | None:
    """Apply a function whose arguments are of kinds that it takes."""
    function = choice.function
    if choice.wrong is not None:
        wrong = choice.wrong
        diagnostics.report(wrong.setting.code, wrong.span, label=wrong.label, help=wrong.setting.remedy or ())
        return None
    agreement = Agreement(diagnostics, span, reading=True)
    arguments = tuple(
        agreement.of(value, Type(one.reads, nullable=True)) if one.reads is not None else value
        for one, value in zip(_parameters(choice), values, strict=True)
    )
    types = [argument.type for argument in arguments]
    if any(one.kind == "unknown" for one in types):
        return None
    try:
        result = function.type_of(types, choice.options)
    except RefusedArguments as refused:
        diagnostics.report(refused.code, span, label=str(refused), help=refused.remedy or ())
        return None
    more = function.options(types, result) if function.options is not None else {}
    options = tuple(sorted({**choice.options, **more}.items()))
    return Apply(function.name, arguments, result, function.fails(result), options)


def _fitting(function: Function, call: Call, diagnostics: Collector) -> Choice | None:
    """Deal the arguments to the parameters; None if they do not go."""
    left = list(call.arguments)
    values: list[Given] = []
    options: dict[str, str] = {}
    wrong: Wrong | None = None
    for parameter in function.parameters:
        if isinstance(parameter, Value):
            if not left:
                return None
            values.append(left.pop(0))
            continue
        setting = _setting(parameter, left[0], call.zone) if left else None
        if setting is not None:
            found = _wrong(parameter, setting, left.pop(0), call, diagnostics)
            wrong = wrong or found
        elif parameter.default is None:
            return None
        if setting is not None or parameter.default:
            options[parameter.name] = setting if setting is not None else parameter.default or ""
    if function.repeats:
        values, left = [*values, *left], []
    return Choice(function, tuple(values), options, wrong) if not left else None


def _wrong(setting: Setting, text: str, given: Given, call: Call, diagnostics: Collector) -> Wrong | None:
    if setting.effort is not None and not diagnostics.affords(text, setting.effort(text)):
        label: str | None = "this takes too long to try, alone or with all others of the project"
    else:
        label = setting.check(text) if setting.check is not None else None
    if label is None:
        return None
    return Wrong(setting, label, given.span if isinstance(given, syntax.Literal | syntax.Name) else call.span)


def _setting(setting: Setting, given: Given, zone: str | None) -> str | None:
    match given:
        case syntax.Name(parts=(word,)) if word in setting.words:
            return word
        case syntax.Name(parts=("system",)) if setting.name == "zone":
            return zone
        case syntax.Literal(kind="int") if setting.kind == "int" or setting.name in {"yes", "no"}:
            return str(given.value)
        case syntax.Literal(kind="text") if setting.kind == "text":
            return str(given.value)
    return None


def _parameters(choice: Choice) -> Iterator[Value]:
    """Give the parameter of each value argument; the last repeats."""
    parameters = choice.function.values
    for index in range(len(choice.values)):
        yield parameters[min(index, len(parameters) - 1)]


def _takes(parameter: Value, value: Expression) -> bool:
    kind = value.type.kind
    if kind in parameter.kinds or kind in {"unknown", "null"}:
        return True
    return parameter.reads is not None and kind == "text"


def _refuse(call: Call, choices: Sequence[Choice], values: Sequence[Expression], diagnostics: Collector) -> None:
    types = [value.type.present() for value in values]
    if call.name == "instant" and types[0].kind == "local_datetime":
        _refuse_zoneless(call, diagnostics)
        return
    if call.name in {"date", "local"} and types[0].kind == "instant":
        label = "the date of an instant depends on the zone"
        diagnostics.report("SYN0305", call.span, label=label, help=f'say which: `| {call.name} "Europe/Berlin"`')
        return
    if call.name in _ZONED and types[0].kind == "instant":
        label = "how long a day or a month is, and when it begins, depends on the zone"
        diagnostics.report("SYN0305", call.span, label=label, help=_ZONED[call.name])
        return
    have = " and ".join(str(one) for one in types)
    wanted = _kinds(choices)
    help_text = f"`{call.name}` takes {wanted}" if wanted else ()
    diagnostics.report("SYN0301", call.span, label=f"`{call.name}` does not take {have}", help=help_text)


_ZONED = {
    "plus": 'go through the local time: `| local "Europe/Berlin" | plus 1 month | instant "Europe/Berlin"`',
    "between": 'count between dates: `between(A | date "Europe/Berlin", B | date "Europe/Berlin", months)`',
    "start_of": 'say in which: `| start_of month "Europe/Berlin"`',
    "end_of": 'say in which: `| end_of month "Europe/Berlin"`',
}


def _refuse_zoneless(call: Call, diagnostics: Collector) -> None:
    diagnostics.report(
        "SYN0305", call.span, label="this is a local time: in which zone?",
        help=['write `| instant "Europe/Berlin"`', "or `| instant system` for the zone that the system declares"],
    )  # fmt: skip


def _kinds(choices: Sequence[Choice]) -> str:
    kinds: set[str] = set()
    for choice in choices:
        kinds |= choice.function.values[0].kinds
    return ", ".join(sorted(kinds)) if len(kinds) <= 8 else ""


def plain(function: Function, values: Sequence[Expression], span: Span, diagnostics: Collector) -> Apply | None:
    """Apply a function that operators stand for; its arguments are typed and of the right kinds."""
    return apply(Choice(function, tuple(values), {}), values, span, diagnostics)
