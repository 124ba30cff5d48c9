"""Functions that reckon with the calendar: parts of dates, starts and ends, so many months on, whole units between.

Weeks begin on Monday. A month on from the 31st is the last day of a shorter month. What an instant's day or month is
depends on the zone, which is always said. Results beyond the years 1 to 9999 fail.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from syncline_compiler.functions import tree
from syncline_compiler.functions.durations import MICROSECONDS, huge, moment
from syncline_compiler.functions.function import Example, Function, Options, Setting, Sql, Value
from syncline_compiler.functions.kinds import NUMERIC
from syncline_compiler.functions.times import ZONE, first_instant, in_zone, within_years
from syncline_compiler.model.types import INSTANT, INT, Kind, Type
from syncline_compiler.sql_tree import Tree, exp

_DATES: frozenset[Kind] = frozenset({"date"})
_LOCALS: frozenset[Kind] = frozenset({"local_datetime"})
_INSTANTS: frozenset[Kind] = frozenset({"instant"})
_INTS = NUMERIC - {"decimal"}
_DATE, _LOCAL = Type("date"), Type("local_datetime")
_MONTHS = {"months": 1, "quarters": 3, "years": 12}
_DAYS = {"days": 1, "weeks": 7}
_LAST_MONTH, _LAST_DAY = 120_000, 3_660_000  # more than there are between the years 1 and 9999
_PARTS = ("year", "quarter", "month", "week", "day")
_CLOCK = ("hour", "minute")
_FINER = (*_PARTS, *_CLOCK)


def _given(result: Type) -> Callable[[Sequence[Type], Options], Type]:
    return lambda _, __: result


def _counted(node: Tree, most: int) -> Tree:
    """Give a number of units if there are so many; null else, before the engine reckons with it."""
    some = exp.Between(this=tree.operand(node), low=tree.number(-most), high=tree.number(most))
    return tree.when((some, tree.cast(node, "INTEGER")))


def _plus(kind: str) -> Sql:
    def build(arguments: Sequence[Tree], options: Options) -> Tree:
        value, count = arguments
        unit = _unit(options)
        if unit in _MONTHS:
            steps = exp.Mul(this=_counted(count, _LAST_MONTH), expression=tree.number(_MONTHS[unit]))
            shift = tree.call("TO_MONTHS", tree.cast(steps, "INTEGER"))
        elif unit in _DAYS:
            steps = exp.Mul(this=_counted(count, _LAST_DAY), expression=tree.number(_DAYS[unit]))
            shift = tree.call("TO_DAYS", tree.cast(steps, "INTEGER"))
        else:
            return _on(value, count, MICROSECONDS[unit], "local_datetime")
        return within_years(tree.cast(exp.Add(this=tree.operand(value), expression=shift), kind), kind)

    return build


def _on(value: Tree, count: Tree, unit: int, kind: str) -> Tree:
    shift = exp.Mul(this=huge(count), expression=huge(tree.number(unit)))
    return moment(exp.Paren(this=exp.Add(this=huge(tree.call("EPOCH_US", value)), expression=shift)), kind)


def _plus_exactly(arguments: Sequence[Tree], options: Options) -> Tree:
    return _on(arguments[0], arguments[1], MICROSECONDS[_unit(options)], "instant")


def _between(arguments: Sequence[Tree], options: Options) -> Tree:
    """Count whole units; the engine's DATE_DIFF would count the borders between them."""
    start, end = (tree.cast(argument, "TIMESTAMP") for argument in arguments)
    return tree.call("DATE_SUB", tree.text(_unit(options).removesuffix("s")), start, end)


def _between_exactly(arguments: Sequence[Tree], options: Options) -> Tree:
    start, end = (tree.call("EPOCH_US", argument) for argument in arguments)
    unit = tree.number(MICROSECONDS[_unit(options)])
    size = exp.IntDiv(this=exp.Paren(this=exp.Abs(this=exp.Sub(this=end, expression=start))), expression=unit)
    minus = exp.LT(this=end, expression=start)
    return tree.when((minus, exp.Neg(this=exp.Paren(this=size))), otherwise=size)


def _start(value: Tree, unit: str) -> Tree:
    return tree.call("DATE_TRUNC", tree.text(unit), value)


def _next(value: Tree, unit: str) -> Tree:
    step = tree.cast(tree.text("3 months" if unit == "quarter" else f"1 {unit}"), "INTERVAL")
    return exp.Add(this=_start(value, unit), expression=step)


def _before(value: Tree, step: str) -> Tree:
    return exp.Sub(this=exp.Paren(this=value), expression=tree.cast(tree.text(step), "INTERVAL"))


def _since(instant: Tree, options: Options) -> Tree:
    """Give the start of an hour or minute: clocks that are set back show it twice, so it is reckoned from the instant."""
    local = in_zone(instant, options["zone"])
    return exp.Sub(
        this=instant, expression=exp.Paren(this=exp.Sub(this=local, expression=_start(local, options["unit"])))
    )


def _start_in(arguments: Sequence[Tree], options: Options) -> Tree:
    if options["unit"] in _CLOCK:
        return within_years(_since(arguments[0], options), "TIMESTAMPTZ")
    local = within_years(_start(in_zone(arguments[0], options["zone"]), options["unit"]), "TIMESTAMP")
    return first_instant(local, options["zone"])


def _end_in(arguments: Sequence[Tree], options: Options) -> Tree:
    if options["unit"] in _CLOCK:
        step = tree.cast(tree.text(f"1 {options['unit']}"), "INTERVAL")
        return within_years(
            _before(exp.Add(this=_since(arguments[0], options), expression=step), "1 microsecond"), "TIMESTAMPTZ"
        )
    local = within_years(
        tree.cast(_next(in_zone(arguments[0], options["zone"]), options["unit"]), "TIMESTAMP"), "TIMESTAMP"
    )
    return _before(first_instant(local, options["zone"]), "1 microsecond")


def _part_functions() -> Iterator[Function]:
    """``year``, ``month`` and so on, of a date or a local time."""
    spelled = {"weekday": ("isodow", "The day of the week, from 1 for Monday to 7 for Sunday.", "2"),
               "week": ("week", "The week of the year by ISO 8601, from 1 to 53; the year it belongs to is `week_year`.", "10"),
               "week_year": ("isoyear", "The year of the week by ISO 8601: 2020 for Sunday, 3 January 2021.", "2024"),
               "year": ("year", "The year.", "2024"), "quarter": ("quarter", "The quarter, from 1 to 4.", "1"),
               "month": ("month", "The month, from 1 to 12.", "3"), "day": ("day", "The day of the month.", "5"),
               "hour": ("hour", "The hour, from 0 to 23.", "0"), "minute": ("minute", "The minute, from 0 to 59.", "0")}  # fmt: skip
    for name, (part, doc, result) in spelled.items():
        kinds = _LOCALS if name in {"hour", "minute"} else _DATES | _LOCALS
        literal = "TIMESTAMP '2024-03-05'" if kinds == _LOCALS else "DATE '2024-03-05'"
        yield Function(
            f"{name}_of", name, (Value("value", kinds),), _given(INT), doc,
            lambda a, _, part=part: tree.call("DATE_PART", tree.text(part), a[0]),  # type: ignore[misc]
            examples=(Example((literal,), result),),
        )  # fmt: skip


def _units(units: Sequence[str]) -> Setting:
    """Give a unit after a number: `1 month` is as good as `30 days`."""
    return Setting("unit", "word", (*units, *(unit.removesuffix("s") for unit in units)))


def _unit(options: Options) -> str:
    return options["unit"].removesuffix("s") + "s"


_COUNT = Value("count", _INTS)
_CALENDAR = (*_DAYS, *_MONTHS)
_EXACT = ("seconds", "minutes", "hours", "days", "weeks")
_BOTH = (Value("from", _DATES | _LOCALS), Value("to", _DATES | _LOCALS))
_START, _START_FINER = Setting("unit", "word", _PARTS), Setting("unit", "word", _FINER)
_D, _L, _I = "DATE '2024-01-31'", "TIMESTAMP '2024-01-31 10:20:30'", "TIMESTAMPTZ '2024-01-31 23:20:30Z'"
_TWICE = "TIMESTAMPTZ '2024-10-27 01:30:20Z'"  # 02:30 in Berlin, for the second time
_MONTH, _BERLIN = {"unit": "month"}, {"unit": "month", "zone": "Europe/Berlin"}
_ONE_MONTH, _HOURS, _YEARS = {"unit": "months"}, {"unit": "hours"}, {"unit": "years"}

FUNCTIONS = (
    *_part_functions(),
    Function(
        "date_plus", "plus", (Value("value", _DATES), _COUNT, _units(_CALENDAR)), _given(_DATE),
        "A date so many days, weeks, months, quarters or years on, as `plus 30 days` or `plus -1 month`.", _plus("DATE"),
        can_fail=True,
        examples=(Example((_D, "1"), "2024-02-29", _ONE_MONTH), Example((_D, "-1"), "2023-12-31", _ONE_MONTH),
                  Example((_D, "9000"), None, _YEARS), Example((_D, "9223372036854775807"), None, _YEARS)),
    ),
    Function(
        "local_plus", "plus", (Value("value", _LOCALS), _COUNT, _units((*_CALENDAR, *_EXACT[:3]))), _given(_LOCAL),
        "A local time so many units on, from seconds to years.", _plus("TIMESTAMP"), can_fail=True,
        examples=(Example((_L, "1"), "2024-02-29 10:20:30", _ONE_MONTH), Example((_L, "14"), "2024-02-01 00:20:30", _HOURS),
                  Example((_L, "9000"), None, _YEARS)),
    ),
    Function(
        "instant_plus", "plus", (Value("value", _INSTANTS), _COUNT, _units(_EXACT)), _given(INSTANT),
        "An instant so many seconds, minutes, hours, days of 24 hours, or weeks on.", _plus_exactly, can_fail=True,
        examples=(Example((_I, "1"), "2024-02-01 00:20:30+00", _HOURS), Example((_I, "9223372036854775807"), None, _HOURS)),
    ),
    Function(
        "between", "between", (*_BOTH, _units(_CALENDAR)), _given(INT),
        "How many whole units lie between two dates or local times, as `between(ordered_on, paid_on, days)`; less than 0 where "
        "the second is earlier.", _between,
        examples=(Example((_D, "DATE '2024-02-29'"), "29", {"unit": "days"}), Example((_D, "DATE '2024-03-30'"), "1", _ONE_MONTH),
                  Example(("DATE '2024-03-05'", _D), "-1", _ONE_MONTH)),
    ),
    Function(
        "between_instants", "between", (Value("from", _INSTANTS), Value("to", _INSTANTS), _units(_EXACT)), _given(INT),
        "How many whole seconds, minutes, hours, days of 24 hours, or weeks lie between two instants.", _between_exactly,
        examples=(Example((_I, "TIMESTAMPTZ '2024-02-01 10:00:00Z'"), "10", _HOURS),
                  Example(("TIMESTAMPTZ '2024-02-01 10:00:00Z'", _I), "-10", _HOURS)),
    ),
    Function(
        "start_of_date", "start_of", (Value("value", _DATES), _START), _given(_DATE),
        "The first day of the week, month, quarter or year.", lambda a, o: within_years(tree.cast(_start(a[0], o["unit"]), "DATE"), "DATE"),
        can_fail=True,
        examples=(Example((_D,), "2024-01-01", _MONTH), Example((_D,), "2024-01-29", {"unit": "week"}),
                  Example(("NULL::DATE",), None, _MONTH)),
    ),
    Function(
        "end_of_date", "end_of", (Value("value", _DATES), _START), _given(_DATE),
        "The last day of the week, month, quarter or year.",
        lambda a, o: within_years(tree.cast(_before(_next(a[0], o["unit"]), "1 day"), "DATE"), "DATE"), can_fail=True,
        examples=(Example(("DATE '2024-02-05'",), "2024-02-29", _MONTH), Example(("NULL::DATE",), None, _MONTH)),
    ),
    Function(
        "start_of_local", "start_of", (Value("value", _LOCALS), _START_FINER), _given(_LOCAL),
        "The first moment of the minute, hour, day, week, month, quarter or year.",
        lambda a, o: within_years(_start(a[0], o["unit"]), "TIMESTAMP"), can_fail=True,
        examples=(Example((_L,), "2024-01-31 10:00:00", {"unit": "hour"}), Example(("NULL::TIMESTAMP",), None, _MONTH)),
    ),
    Function(
        "end_of_local", "end_of", (Value("value", _LOCALS), _START_FINER), _given(_LOCAL),
        "The last moment of the minute, hour, day, week, month, quarter or year.",
        lambda a, o: within_years(_before(_next(a[0], o["unit"]), "1 microsecond"), "TIMESTAMP"), can_fail=True,
        examples=(Example((_L,), "2024-01-31 23:59:59.999999", {"unit": "day"}), Example(("NULL::TIMESTAMP",), None, _MONTH)),
    ),
    Function(
        "start_of_instant", "start_of", (Value("value", _INSTANTS), _START_FINER, ZONE), _given(INSTANT),
        'The first instant of the day, month and so on in a zone: `start_of month "Europe/Berlin"`.', _start_in, can_fail=True,
        examples=(Example((_I,), "2024-01-31 23:00:00+00", _BERLIN), Example(("NULL::TIMESTAMPTZ",), None, _BERLIN),
                  Example((_TWICE,), "2024-10-27 01:00:00+00", {**_BERLIN, "unit": "hour"})),
    ),
    Function(
        "end_of_instant", "end_of", (Value("value", _INSTANTS), _START_FINER, ZONE), _given(INSTANT),
        "The last instant of the day, month and so on in a zone.", _end_in, can_fail=True,
        examples=(Example((_I,), "2024-02-29 22:59:59.999999+00", _BERLIN), Example(("NULL::TIMESTAMPTZ",), None, _BERLIN),
                  Example((_TWICE,), "2024-10-27 01:30:59.999999+00", {**_BERLIN, "unit": "minute"})),
    ),
)  # fmt: skip
