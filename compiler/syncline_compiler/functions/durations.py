"""Durations: an exact number of microseconds, held as a whole number.

Months and years have no one length, so no duration holds them: ``plus 1 month`` reckons with the calendar instead.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from syncline_compiler.functions import tree
from syncline_compiler.functions.function import Example, Function, Inverse, Node, Options, Setting, Value
from syncline_compiler.functions.kinds import TEXTUAL
from syncline_compiler.model.types import INT, TEXT, Kind, Type
from syncline_compiler.sql_tree import Tree, exp, later

MICROSECONDS = {
    "milliseconds": 1_000, "seconds": 1_000_000, "minutes": 60_000_000, "hours": 3_600_000_000, "days": 86_400_000_000,
    "weeks": 604_800_000_000,
}  # fmt: skip
FIRST, LAST = -62_135_596_800_000_000, 253_402_300_799_999_999
"""Microseconds since 1970 of the first and the last moment of the years 1 to 9999."""
_DURATION = Type("duration")
_DURATIONS: frozenset[Kind] = frozenset({"duration"})
_INTS: frozenset[Kind] = frozenset({"int"})
_MOMENTS: frozenset[Kind] = frozenset({"instant", "local_datetime"})
_ISO = r"-?P(?:[0-9]{1,9}W)?(?:[0-9]{1,9}D)?(?:T(?:[0-9]{1,12}H)?(?:[0-9]{1,12}M)?(?:[0-9]{1,12}(?:\.[0-9]{1,6})?S)?)?"

Build = Callable[[Sequence[Tree], Options], Tree]


def _given(result: Type) -> Callable[[Sequence[Type], Options], Type]:
    return lambda _, __: result


def huge(node: Tree) -> Tree:
    """Give a whole number in a type in which sums of two cannot overflow."""
    return tree.cast(node, "HUGEINT")


def whole(node: Tree) -> Tree:
    """Give a whole number of the language again; null where it does not fit."""
    return tree.try_cast(node, "BIGINT")


def moment(micros: Tree, kind: str) -> Tree:
    """Give the moment so many microseconds after 1970; null beyond the years 1 to 9999."""
    within = exp.Between(this=tree.operand(micros), low=tree.number(FIRST), high=tree.number(LAST))
    make = "MAKE_TIMESTAMPTZ" if kind == "instant" else "MAKE_TIMESTAMP"
    return tree.when((within, tree.call(make, tree.cast(micros, "BIGINT"))))


def _times(node: Tree, factor: int) -> Tree:
    return exp.Mul(this=huge(node), expression=huge(tree.number(factor)))


def _of_number(arguments: Sequence[Tree], options: Options) -> Tree:
    return whole(_times(arguments[0], MICROSECONDS[options["unit"]]))


def _to_number(arguments: Sequence[Tree], options: Options) -> Tree:
    unit = tree.number(MICROSECONDS[options["unit"]])
    exact = tree.equal(exp.Mod(this=arguments[0], expression=unit), tree.number(0))
    return tree.when((exact, exp.IntDiv(this=arguments[0], expression=unit)))


def _part(found: Tree, sign: str, unit: int) -> Tree:
    """Give the microseconds of one part of an ISO 8601 duration, which may be absent."""
    caught = tree.call("REGEXP_EXTRACT", found, tree.text(f"([0-9]+){sign}"), tree.number(1))
    return _times(exp.Coalesce(this=tree.try_cast(caught, "BIGINT"), expressions=[tree.number(0)]), unit)


def _of_text(arguments: Sequence[Tree], _: Options) -> Tree:
    return tree.bound(tree.shaped(arguments[0], _ISO), _read)


def _read(found: Tree) -> Tree:
    date, time = (tree.call("SPLIT_PART", found, tree.text("T"), tree.number(place)) for place in (1, 2))
    fraction = tree.call("REGEXP_EXTRACT", time, tree.text(r"\.([0-9]+)S"), tree.number(1))
    micros = tree.try_cast(tree.call("RPAD", fraction, tree.cast(tree.number(6), "INTEGER"), tree.text("0")), "BIGINT")
    seconds = tree.call("REGEXP_REPLACE", time, tree.text(r"\.[0-9]+S"), tree.text("S"))
    parts = [
        _part(date, "W", MICROSECONDS["weeks"]), _part(date, "D", MICROSECONDS["days"]), _part(time, "H", MICROSECONDS["hours"]),
        _part(time, "M", MICROSECONDS["minutes"]), _part(seconds, "S", MICROSECONDS["seconds"]),
    ]  # fmt: skip
    total: Tree = exp.Coalesce(this=micros, expressions=[tree.number(0)])
    for part in parts:
        total = exp.Add(this=part, expression=total)
    minus = tree.call("STARTS_WITH", found, tree.text("-"))
    signed = tree.when((minus, exp.Neg(this=exp.Paren(this=total))), otherwise=total)
    something = tree.call("REGEXP_MATCHES", found, tree.text("[0-9][WDHMS]$"))
    return tree.when((something, whole(signed)))


def _to_text(arguments: Sequence[Tree], _: Options) -> Tree:
    return tree.bound(arguments[0], _written)


def _written(micros: Tree) -> Tree:
    """Write the shortest ISO 8601 text: days, hours, minutes, seconds, and a fraction where there is one."""
    size = exp.Abs(this=huge(micros))

    def count(unit: str, above: str | None) -> Tree:
        rest = exp.Mod(this=size, expression=tree.number(MICROSECONDS[above])) if above else size
        return exp.IntDiv(this=exp.Paren(this=rest), expression=tree.number(MICROSECONDS[unit]))

    def shown(unit: str, above: str | None, sign: str) -> Tree:
        number = tree.cast(count(unit, above), "VARCHAR")
        there = exp.NEQ(this=exp.Paren(this=count(unit, above)), expression=tree.number(0))
        return tree.when((there, exp.DPipe(this=number, expression=tree.text(sign))), otherwise=tree.text(""))

    fraction = exp.Mod(this=size, expression=tree.number(MICROSECONDS["seconds"]))
    digits = tree.call("LPAD", tree.cast(fraction, "VARCHAR"), tree.cast(tree.number(6), "INTEGER"), tree.text("0"))
    exact = tree.call("CONCAT", tree.cast(count("seconds", "minutes"), "VARCHAR"), tree.text("."),
                      tree.call("RTRIM", digits, tree.text("0")), tree.text("S"))  # fmt: skip
    seconds = tree.when(
        (exp.NEQ(this=exp.Paren(this=fraction), expression=tree.number(0)), exact),
        otherwise=shown("seconds", "minutes", "S"),
    )
    time = tree.call("CONCAT", shown("hours", "days", "H"), shown("minutes", "hours", "M"), seconds)
    body = tree.call("CONCAT", tree.text("P"), shown("days", None, "D"),
                     tree.when((exp.NEQ(this=time, expression=tree.text("")), tree.call("CONCAT", tree.text("T"), time)),
                               otherwise=tree.text("")))  # fmt: skip
    sign = tree.when((exp.LT(this=micros, expression=tree.number(0)), tree.text("-")), otherwise=tree.text(""))
    return tree.when(
        (tree.equal(micros, tree.number(0)), tree.text("PT0S")),
        (exp.Not(this=exp.Is(this=micros, expression=exp.Null())), tree.call("CONCAT", sign, body)),
    )


def _shifted(operator: Node) -> Build:
    def build(arguments: Sequence[Tree], options: Options) -> Tree:
        micros = operator(this=huge(tree.call("EPOCH_US", arguments[0])), expression=huge(arguments[1]))
        return moment(exp.Paren(this=micros), options["of"])

    return build


def _apart(arguments: Sequence[Tree], _: Options) -> Tree:
    left, right = (tree.call("EPOCH_US", argument) for argument in arguments)
    return exp.Sub(this=left, expression=right)


def _summed(operator: Node) -> Build:
    return lambda a, _: whole(operator(this=huge(a[0]), expression=huge(a[1])))


def _of_moment(types: Sequence[Type], _: Type) -> Options:
    return {"of": types[0].kind}


_UNIT = Setting("unit", "word", tuple(MICROSECONDS))
_HOURS, _SECONDS = {"unit": "hours"}, {"unit": "seconds"}
_I = "TIMESTAMPTZ '2024-03-05 10:00:00Z'"
_PAIR = (Value("moment", _MOMENTS), Value("duration", _DURATIONS))
_MANY = (Value("left", _DURATIONS), Value("right", _DURATIONS))

FUNCTIONS = (
    Function(
        "duration_of_text", "duration", (Value("value", TEXTUAL),), _given(_DURATION),
        "Reads an ISO 8601 duration of weeks, days, hours, minutes and seconds, such as PT1H30M.", _of_text, can_fail=True,
        inverse=Inverse(((0, "text_of_duration"),)), cost="pattern",
        examples=(
            Example(("'PT1H30M'",), "5400000000"), Example(("'P1DT0.5S'",), "86400500000"), Example(("'-P2W'",), "-1209600000000"),
            Example(("'P1M'",), None), Example(("'P'",), None), Example(("'PT'",), None), Example(("'1h'",), None),
        ),
    ),
    Function(
        "text_of_duration", "text", (Value("value", _DURATIONS),), _given(TEXT), "The shortest ISO 8601 text of a duration.",
        _to_text, inverse=Inverse(((0, "duration_of_text"),)),
        examples=(
            Example(("5400000000",), "PT1H30M"), Example(("-86400500000",), "-P1DT0.5S"), Example(("0",), "PT0S"),
            Example(("86400000000",), "P1D"), Example(("NULL::BIGINT",), None),
        ),
    ),
    Function(
        "duration_of_number", "duration", (Value("value", _INTS), _UNIT), _given(_DURATION),
        "So many milliseconds, seconds, minutes, hours, days or weeks, as `duration seconds`.", _of_number, can_fail=True,
        inverse=Inverse(((0, "number_of_duration"),)),
        examples=(Example(("90",), "90000000", _SECONDS), Example(("9223372036854775807",), None, _SECONDS)),
    ),
    Function(
        "number_of_duration", "number", (Value("value", _DURATIONS), _UNIT), _given(INT),
        "How many units a duration has; fails where that leaves a rest.", _to_number, can_fail=True,
        inverse=Inverse(((0, "duration_of_number"),)),
        examples=(Example(("7200000000",), "2", _HOURS), Example(("5400000000",), None, _HOURS)),
    ),
    Function(
        "later", "", _PAIR, lambda types, _: types[0].present(), "The moment so much later. Written `+`.",
        _shifted(later.Add), can_fail=True, options=_of_moment,
        examples=(Example((_I, "3600000000"), "2024-03-05 11:00:00+00", {"of": "instant"}),
                  Example((_I, "9223372036854775807"), None, {"of": "instant"})),
    ),
    Function(
        "earlier", "", _PAIR, lambda types, _: types[0].present(), "The moment so much earlier. Written `-`.",
        _shifted(later.Sub), can_fail=True, options=_of_moment,
        examples=(Example((_I, "3600000000"), "2024-03-05 09:00:00+00", {"of": "instant"}),
                  Example((_I, "9223372036854775807"), None, {"of": "instant"})),
    ),
    Function(
        "apart", "", (Value("left", _MOMENTS), Value("right", _MOMENTS)), _given(_DURATION),
        "How long after the second moment the first is. Written `-`.", _apart,
        examples=(Example((_I, "TIMESTAMPTZ '2024-03-05 09:30:00Z'"), "1800000000"),),
    ),
    Function(
        "duration_add", "", _MANY, _given(_DURATION), "Adds durations. Written `+`.", _summed(later.Add), can_fail=True,
        examples=(Example(("1", "2"), "3"), Example(("9223372036854775807", "1"), None)),
    ),
    Function(
        "duration_sub", "", _MANY, _given(_DURATION), "Subtracts durations. Written `-`.", _summed(later.Sub), can_fail=True,
        examples=(Example(("1", "2"), "-1"), Example(("-9223372036854775807", "2"), None)),
    ),
)  # fmt: skip
