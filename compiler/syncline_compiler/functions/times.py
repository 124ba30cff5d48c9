"""Functions over dates, instants and local times.

An instant is read only from a text with an offset, from seconds since 1970, or from a local time with its zone. Of
two instants that one local time may mean (clocks set back) the earlier is taken; a local time that never was (clocks
set forward) fails.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from syncline_compiler.functions import tree
from syncline_compiler.functions.codes import zones
from syncline_compiler.functions.function import Example, Function, Inverse, Options, Setting, Value
from syncline_compiler.functions.kinds import TEXTUAL
from syncline_compiler.model.types import INSTANT, INT, TEXT, Kind, Type
from syncline_compiler.spelling import did_you_mean
from syncline_compiler.sql_tree import Tree as Node
from syncline_compiler.sql_tree import exp

_YEAR = "(?:000[1-9]|00[1-9][0-9]|0[1-9][0-9]{2}|[1-9][0-9]{3})"
_DATE = f"{_YEAR}-[0-9]{{2}}-[0-9]{{2}}"
_LOCAL = _DATE + r"[T ](?:[01][0-9]|2[0-3]):[0-9]{2}(?::[0-9]{2}(?:\.[0-9]{1,9})?)?"
_INSTANT = _LOCAL + r"(?:Z|[+-](?:0[0-9]|1[0-8])(?::?[0-5][0-9])?)"
_ISO_DATE, _ISO_LOCAL = "%Y-%m-%d", "%Y-%m-%dT%H:%M:%S.%f"
_DIRECTIVES = frozenset("YmdHMSfyBbjp%I")
_FIRST_SECOND, _LAST_SECOND = -62_135_596_800, 253_402_300_799  # years 1 and 9999
_MICROSECONDS = 1_000_000
_SHIFTS = ("1 hour", "30 minutes", "2 hours")
"""By how much clocks are set back: an hour nearly everywhere, half an hour on Lord Howe Island, two at Troll."""

_TEXT = (Value("value", TEXTUAL),)
_DATES: frozenset[Kind] = frozenset({"date"})
_INSTANTS: frozenset[Kind] = frozenset({"instant"})
_LOCALS: frozenset[Kind] = frozenset({"local_datetime"})
_NUMBERS: frozenset[Kind] = frozenset({"int"})
_DATE_TYPE, _LOCAL_TYPE = Type("date"), Type("local_datetime")

_Build = Callable[[Sequence[Node], Options], Node]


_WITHOUT_SUMMER_TIME = {"EST": "America/New_York", "MST": "America/Denver", "HST": "Pacific/Honolulu"}
"""Names of zones that stay in winter for ever, and the places that are mostly meant."""
_HOURS_BEHIND = {"EST": 5, "MST": 7, "HST": 10}


def _zone(value: str) -> str | None:
    meant = _WITHOUT_SUMMER_TIME.get(value)
    if meant is not None:
        return f'"{value}" knows no summer time: name a place, such as "{meant}", or "Etc/GMT+{_HOURS_BEHIND[value]}" if it is meant'
    if value in zones():
        return None
    if re.fullmatch(r"(?:UTC|GMT)?[+-]\d{1,2}(?::?\d\d)?", value):
        return f'"{value[:60]}" is an offset, and changes with the clocks: name a place, such as "Europe/Berlin"'
    if re.fullmatch(r"[A-Z]{2,5}", value):
        return f'"{value}" is no time zone but what several places call theirs: name one, such as "Europe/London"'
    return f'"{value[:60]}" is no time zone: {did_you_mean(value, zones(), kind="zones")}'


def _format(value: str) -> str | None:
    unknown = [sign for sign in re.findall(r"%(.?)", value.replace("%%", "")) if sign not in _DIRECTIVES]
    if unknown:
        return f"`%{unknown[0]}` is no part of a date; known are %Y %m %d %H %M %S %f %y %B %b %j %I %p %%"
    if "%" not in value:
        return f'a format such as "{_translated(value)}" is expected'
    return _mixed(re.findall(r"%(.)", value.replace("%%", "")))


_LETTERS = (("YYYY", "%Y"), ("yyyy", "%Y"), ("MM", "%m"), ("DD", "%d"), ("dd", "%d"), ("HH", "%H"), ("mm", "%M"), ("SS", "%S"),
            ("ss", "%S"), ("YY", "%y"), ("yy", "%y"))  # fmt: skip


def _translated(value: str) -> str:
    """Give a format of other languages, YYYY-MM-DD, as it is written here."""
    if not re.fullmatch(r"[YyMDdHmSs./: T-]{4,40}", value):
        return "%d.%m.%Y"
    for letters, sign in _LETTERS:
        value = value.replace(letters, sign)
    return value if "%" in value else "%d.%m.%Y"


def _mixed(signs: Sequence[str]) -> str | None:
    """Say what stands in the place of something else: minutes for months, twelve hours without morning and evening."""
    if "M" in signs and not {"H", "I"} & set(signs):
        return "`%M` is minutes, and there are no hours: the month is `%m`"
    if signs.count("m") > 1 and "M" not in signs:
        return "`%m` is the month, and stands here twice: minutes are `%M`"
    if "I" in signs and "p" not in signs:
        return "`%I` counts to 12 and needs `%p`, morning or afternoon: the hour up to 23 is `%H`"
    return None


def _reading(value: str) -> str | None:
    """Tell what is wrong with a format in which dates are read: what it leaves out would be made up."""
    signs = set(re.findall(r"%(.)", value))
    month = signs & set("mBb") and "d" in signs
    if problem := _format(value):
        return problem
    return None if signs & set("Yy") and (month or "j" in signs) else "a date is read from its year, month and day"


def _given(result: Type) -> Callable[[Sequence[Type], Options], Type]:
    return lambda _, __: result


def in_zone(node: Node, zone: str) -> Node:
    """Give an instant to the local time of a zone, or a local time to an instant."""
    return tree.call("TIMEZONE", tree.text(zone), node)


def instant_of_local(local: Node, zone: str) -> Node:
    """Give the instant of a local time, the earlier of two; null where clocks leave it out, and beyond the years."""
    return within_years(_earliest(local, zone), "TIMESTAMPTZ")


def _earliest(local: Node, zone: str) -> Node:
    later = in_zone(local, zone)
    earlier = [exp.Sub(this=later, expression=_interval(shift)) for shift in _SHIFTS]
    candidates = [(tree.equal(in_zone(instant, zone), local), instant) for instant in (*earlier, later)]
    return tree.when(*candidates)


def first_instant(local: Node, zone: str) -> Node:
    """Give the first instant from a local time on; one that clocks leave out is the moment they go on."""
    return exp.Coalesce(this=_earliest(local, zone), expressions=[in_zone(local, zone)])


_SHAPES = {
    "Y": _YEAR, "y": "[0-9]{2}", "f": "[0-9]{1,6}", "B": "[A-Za-z]+", "b": "[A-Za-z]+", "j": "[0-9]{3}", "p": "[AaPp][Mm]", "%": "%",
}  # fmt: skip
"""The shapes in which parts of a format are read, where they are not one digit or two."""
_WIDTHS = {"Y": 4, "f": 6, "B": 9, "b": 3, "j": 3}
"""Characters of a directive where they are not two; months are in English."""


def _formatted(_: Sequence[Type], options: Options) -> Type:
    """Give a text as long as the format makes it at most."""
    written = options["format"].replace("%%", "_")
    signs = re.findall(r"%(.)", written)
    # In the east of the last instant it is the year 10000 already.
    longer = signs.count("Y") if "zone" in options else 0
    return Type("text", length=len(written) - 2 * len(signs) + sum(_WIDTHS.get(sign, 2) for sign in signs) + longer)


def _interval(text: str) -> Node:
    return tree.cast(tree.text(text), "INTERVAL")


def _strftime(node: Node, written: str) -> Node:
    return tree.call("STRFTIME", node, tree.text(written))


def local_text(node: Node, end: str = "") -> Node:
    """ISO 8601 with microseconds only where there are any."""
    return tree.call("REPLACE", _strftime(node, _ISO_LOCAL + end), tree.text(f".000000{end}"), tree.text(end))


def within_years(node: Node, kind: str) -> Node:
    """Give a date or time of the years 1 to 9999, else null; the node is written once."""
    time, zone = " 23:59:59.999999" if kind != "DATE" else "", "+00" if kind == "TIMESTAMPTZ" else ""
    before = tree.cast(tree.text(f"0000-12-31{time}{zone}"), kind)
    after = tree.cast(tree.text(f"10000-01-01{' 00:00:00' if time else ''}{zone}"), kind)
    early = exp.Nullif(this=tree.call("GREATEST", node, before), expression=before)
    return exp.Nullif(this=tree.call("LEAST", early, after), expression=after)


def _local_of_text(arguments: Sequence[Node], _: Options) -> Node:
    return tree.try_cast(tree.shaped(arguments[0], _LOCAL), "TIMESTAMP")


def _parsed(node: Node, options: Options) -> Node:
    """Read a text of the shape of the format: the engine alone would read 24 as the year 24, and day 366 of any year."""
    written = tree.text(options["format"])
    shaped = tree.shaped(node, shape_of(options["format"]))
    found = tree.call("TRY_STRPTIME", shaped, written)
    if "%j" not in options["format"]:
        return found
    return tree.when((tree.equal(_strftime(found, options["format"]), node), found))


def shape_of(format_: str) -> str:
    """Give the shape (RE2) of what is written in a format."""
    signs = re.findall(r"%(.)|([^%])", format_)
    return "".join(_SHAPES.get(sign, "[0-9]{1,2}") if sign else _plainly(other) for sign, other in signs)


def _plainly(sign: str) -> str:
    return f"\\{sign}" if sign in r"\.+*?()|[]{}^$" else sign


def _of_epoch(unit: int) -> _Build:
    """Whole seconds or milliseconds since 1970 to an instant; null beyond the years 1 to 9999."""
    first, last = _FIRST_SECOND * unit, _LAST_SECOND * unit

    def build(arguments: Sequence[Node], _: Options) -> Node:
        number = arguments[0]
        micros = exp.Mul(this=tree.cast(number, "BIGINT"), expression=tree.number(_MICROSECONDS // unit))
        within = exp.Between(this=tree.operand(number), low=tree.number(first), high=tree.number(last))
        return tree.when((within, tree.call("MAKE_TIMESTAMPTZ", micros)))

    return build


def _to_epoch(unit: int) -> _Build:
    def build(arguments: Sequence[Node], _: Options) -> Node:
        micros, step = tree.call("EPOCH_US", arguments[0]), tree.number(_MICROSECONDS // unit)
        rest = exp.Mod(this=exp.Paren(this=exp.Add(this=exp.Mod(this=micros, expression=step), expression=step)),
                       expression=step)  # fmt: skip
        return exp.IntDiv(this=exp.Paren(this=exp.Sub(this=micros, expression=exp.Paren(this=rest))), expression=step)

    return build


ZONE = Setting("zone", "text", check=_zone)
_FORMAT = Setting("format", "text", check=_format)
READ = Setting("format", "text", check=_reading)
_BERLIN = {"zone": "Europe/Berlin"}
_GERMAN = {"format": "%d.%m.%Y"}
_SECONDS = Setting("unit", "word", ("epoch",))
_MILLIS = Setting("unit", "word", ("epoch_ms",))
_I, _L = "TIMESTAMPTZ '2024-03-05 10:00:00Z'", "TIMESTAMP '2024-03-05 10:00:00'"

FUNCTIONS = (
    Function(
        "instant_of_text", "instant", _TEXT, _given(INSTANT),
        "Reads ISO 8601 with an offset or Z. A text without one needs its zone: `instant \"Europe/Berlin\"`.",
        lambda a, _: within_years(tree.try_cast(tree.shaped(a[0], _INSTANT), "TIMESTAMPTZ"), "TIMESTAMPTZ"), can_fail=True,
        inverse=Inverse(((0, "text_of_instant"),)),
        examples=(
            Example(("'2024-03-05T12:00:00+02:00'",), "2024-03-05 10:00:00+00"),
            Example(("'2024-03-05T10:00:00.123456789Z'",), "2024-03-05 10:00:00.123456+00"),
            Example(("'2024-03-05T10:00:00'",), None), Example(("'2024-02-30T10:00:00Z'",), None),
            Example(("'2024-03-05'",), None), Example(("'2024-03-05T10:00:00+99:00'",), None),
            Example(("'0001-01-01T00:00:00+01:00'",), None), Example(("'9999-12-31T23:59:59-05:00'",), None),
            Example(("'9999-12-31T23:59:59Z'",), "9999-12-31 23:59:59+00"),
        ),
    ),
    Function(
        "text_of_instant", "text", (Value("value", _INSTANTS),), _given(TEXT), "ISO 8601 in UTC, with Z.",
        lambda a, _: local_text(in_zone(a[0], "UTC"), "Z"), inverse=Inverse(((0, "instant_of_text"),)),
        examples=(Example((_I,), "2024-03-05T10:00:00Z"),
                  Example(("TIMESTAMPTZ '2024-03-05 10:00:00.5Z'",), "2024-03-05T10:00:00.500000Z")),
    ),
    Function(
        "instant_of_local_text", "instant", (*_TEXT, ZONE), _given(INSTANT),
        "Reads ISO 8601 without an offset, in a zone; `instant system` means the zone the system declares.",
        lambda a, o: instant_of_local(_local_of_text(a, o), o["zone"]), can_fail=True,
        inverse=Inverse(((0, "local_text_of_instant"),), exact=False),
        examples=(
            Example(("'2024-03-05T11:00:00'",), "2024-03-05 10:00:00+00", _BERLIN),
            Example(("'2024-10-27T02:30:00'",), "2024-10-27 00:30:00+00", _BERLIN),
            Example(("'2024-03-31T02:30:00'",), None, _BERLIN), Example(("'2024-03-05T11:00:00Z'",), None, _BERLIN),
            Example(("'9999-12-31T23:59:59'",), None, {"zone": "America/New_York"}),
        ),
    ),
    Function(
        "local_text_of_instant", "", (Value("value", _INSTANTS), ZONE), _given(TEXT),
        "The local time of a zone, ISO 8601 without an offset.",
        lambda a, o: local_text(in_zone(a[0], o["zone"])), inverse=Inverse(((0, "instant_of_local_text"),)),
        examples=(Example((_I,), "2024-03-05T11:00:00", _BERLIN),),
    ),
    Function(
        "instant_of_local", "instant", (Value("value", _LOCALS), ZONE), _given(INSTANT), "A local time in its zone.",
        lambda a, o: instant_of_local(a[0], o["zone"]), can_fail=True,
        inverse=Inverse(((0, "local_of_instant"),), exact=False),
        examples=(
            Example((_L,), "2024-03-05 09:00:00+00", _BERLIN),
            Example(("TIMESTAMP '2024-10-27 02:30:00'",), "2024-10-27 00:30:00+00", _BERLIN),
            Example(("TIMESTAMP '2024-03-31 02:30:00'",), None, _BERLIN),
            Example(("TIMESTAMP '2024-04-07 01:45:00'",), "2024-04-06 14:45:00+00", {"zone": "Australia/Lord_Howe"}),
        ),
    ),
    Function(
        "instant_of_epoch", "instant", (Value("value", _NUMBERS), _SECONDS), _given(INSTANT),
        "Whole seconds since 1970, as `instant epoch`.", _of_epoch(1), can_fail=True,
        inverse=Inverse(((0, "epoch_of_instant"),), exact=False),
        examples=(Example(("1709632800",), "2024-03-05 10:00:00+00"), Example(("99999999999999",), None),
                  Example(("-1",), "1969-12-31 23:59:59+00")),
    ),
    Function(
        "epoch_of_instant", "", (Value("value", _INSTANTS),), _given(INT), "Whole seconds since 1970, rounded down.",
        _to_epoch(1), inverse=Inverse(((0, "instant_of_epoch"),)),
        examples=(Example((_I,), "1709632800"), Example(("TIMESTAMPTZ '1969-12-31 23:59:59.5Z'",), "-1")),
    ),
    Function(
        "instant_of_epoch_ms", "instant", (Value("value", _NUMBERS), _MILLIS), _given(INSTANT),
        "Whole milliseconds since 1970, as `instant epoch_ms`.", _of_epoch(1000), can_fail=True,
        inverse=Inverse(((0, "epoch_ms_of_instant"),), exact=False),
        examples=(Example(("1709632800500",), "2024-03-05 10:00:00.5+00"), Example(("9" * 18,), None)),
    ),
    Function(
        "epoch_ms_of_instant", "", (Value("value", _INSTANTS),), _given(INT),
        "Whole milliseconds since 1970, rounded down.", _to_epoch(1000),
        inverse=Inverse(((0, "instant_of_epoch_ms"),)), examples=(Example((_I,), "1709632800000"),),
    ),
    Function(
        "local_of_text", "local", _TEXT, _given(_LOCAL_TYPE), "Reads ISO 8601 without an offset.", _local_of_text,
        can_fail=True, inverse=Inverse(((0, "text_of_local"),)),
        examples=(Example(("'2024-03-05 10:00'",), "2024-03-05 10:00:00"), Example(("'2024-03-05T10:00Z'",), None)),
    ),
    Function(
        "text_of_local", "text", (Value("value", _LOCALS),), _given(TEXT), "ISO 8601 without an offset.",
        lambda a, _: local_text(a[0]), inverse=Inverse(((0, "local_of_text"),)),
        examples=(Example((_L,), "2024-03-05T10:00:00"),),
    ),
    Function(
        "local_of_text_as", "local", (*_TEXT, READ), _given(_LOCAL_TYPE), "Reads a local time in a format.",
        lambda a, o: _parsed(a[0], o), can_fail=True, inverse=Inverse(((0, "format_local"),), exact=False),
        examples=(Example(("'05.03.2024 10:00'",), "2024-03-05 10:00:00", {"format": "%d.%m.%Y %H:%M"}),
                  Example(("'05.13.2024 10:00'",), None, {"format": "%d.%m.%Y %H:%M"})),
    ),
    Function(
        "local_of_instant", "local", (Value("value", _INSTANTS), ZONE), _given(_LOCAL_TYPE),
        "The local time of a zone.", lambda a, o: in_zone(a[0], o["zone"]),
        inverse=Inverse(((0, "instant_of_local"),)), examples=(Example((_I,), "2024-03-05 11:00:00", _BERLIN),),
    ),
    Function(
        "date_of_text", "date", _TEXT, _given(_DATE_TYPE), "Reads an ISO 8601 date.",
        lambda a, _: tree.try_cast(tree.shaped(a[0], _DATE), "DATE"), can_fail=True,
        inverse=Inverse(((0, "text_of_date"),)),
        examples=(Example(("'2024-03-05'",), "2024-03-05"), Example(("'2024-02-30'",), None),
                  Example(("'2024-03-05T10:00:00Z'",), None), Example(("'24-3-5'",), None)),
    ),
    Function(
        "text_of_date", "text", (Value("value", _DATES),), _given(TEXT), "ISO 8601.",
        lambda a, _: _strftime(a[0], _ISO_DATE), inverse=Inverse(((0, "date_of_text"),)),
        examples=(Example(("DATE '2024-03-05'",), "2024-03-05"),),
    ),
    Function(
        "date_of_text_as", "date", (*_TEXT, READ), _given(_DATE_TYPE), "Reads a date in a format.",
        lambda a, o: tree.cast(_parsed(a[0], o), "DATE"), can_fail=True,
        inverse=Inverse(((0, "format_date"),), exact=False),
        examples=(Example(("'05.03.2024'",), "2024-03-05", _GERMAN), Example(("'05/03/2024'",), None, _GERMAN),
                  Example(("'5.3.2024'",), "2024-03-05", _GERMAN), Example(("'05.03.24'",), None, _GERMAN),
                  Example(("'29.02.2023'",), None, _GERMAN), Example(("'2024060'",), "2024-02-29", {"format": "%Y%j"}),
                  Example(("'2023366'",), None, {"format": "%Y%j"}), Example(("''",), None, _GERMAN)),
    ),
    Function(
        "date_of_local", "date", (Value("value", _LOCALS),), _given(_DATE_TYPE), "The date of a local time.",
        lambda a, _: tree.cast(a[0], "DATE"), examples=(Example((_L,), "2024-03-05"),),
    ),
    Function(
        "date_of_instant", "date", (Value("value", _INSTANTS), ZONE), _given(_DATE_TYPE), "The date in a zone.",
        lambda a, o: tree.cast(in_zone(a[0], o["zone"]), "DATE"),
        examples=(Example(("TIMESTAMPTZ '2024-03-05 23:30:00Z'",), "2024-03-06", _BERLIN),),
    ),
    Function(
        "instant_of_date", "instant", (Value("value", _DATES), ZONE), _given(INSTANT),
        'The first instant of a day in a zone, as `instant "Europe/Berlin"` of a date.',
        lambda a, o: within_years(first_instant(tree.cast(a[0], "TIMESTAMP"), o["zone"]), "TIMESTAMPTZ"), can_fail=True,
        inverse=Inverse(((0, "date_of_instant"),), exact=False),
        examples=(Example(("DATE '2024-03-05'",), "2024-03-04 23:00:00+00", _BERLIN),
                  Example(("DATE '2018-11-04'",), "2018-11-04 03:00:00+00", {"zone": "America/Sao_Paulo"}),
                  Example(("DATE '0001-01-01'",), None, _BERLIN)),
    ),
    Function(
        "format_instant", "format", (Value("value", _INSTANTS), _FORMAT, ZONE), _formatted,
        "An instant in a format, in a zone.", lambda a, o: _strftime(in_zone(a[0], o["zone"]), o["format"]),
        examples=(Example((_I,), "05.03.2024", {**_GERMAN, **_BERLIN}),),
    ),
    Function(
        "format_date", "format", (Value("value", _DATES), _FORMAT), _formatted, "A date in a format.",
        lambda a, o: _strftime(a[0], o["format"]), inverse=Inverse(((0, "date_of_text_as"),), exact=False),
        examples=(Example(("DATE '2024-03-05'",), "05.03.2024", _GERMAN),),
    ),
    Function(
        "format_local", "format", (Value("value", _LOCALS), _FORMAT), _formatted, "A local time in a format.",
        lambda a, o: _strftime(a[0], o["format"]), inverse=Inverse(((0, "local_of_text_as"),), exact=False),
        examples=(Example((_L,), "10:00", {"format": "%H:%M"}),),
    ),
)  # fmt: skip
