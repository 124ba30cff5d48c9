"""Functions over zones: the offset of a place, an instant as people there write it, what the time is elsewhere.

The offset belongs to the moment, not to the place: half of the year it is another one. Offsets of times before zones were
agreed on go to the second, and fail.
"""

from __future__ import annotations

from collections.abc import Sequence

from syncline_compiler.functions import tree
from syncline_compiler.functions.function import Example, Function, Inverse, Options, Setting, Value
from syncline_compiler.functions.times import ZONE, in_zone, instant_of_local, local_text, within_years
from syncline_compiler.model.types import Kind, Type
from syncline_compiler.sql_tree import Tree as Node
from syncline_compiler.sql_tree import exp

_INSTANTS: frozenset[Kind] = frozenset({"instant"})
_LOCALS: frozenset[Kind] = frozenset({"local_datetime"})
_FROM = Setting("from", "text", check=ZONE.check)
_MINUTE = 60_000_000
_I, _SUMMER = "TIMESTAMPTZ '2024-03-05 10:00:00Z'", "TIMESTAMPTZ '2024-07-05 10:00:00Z'"
_BERLIN, _ST_JOHNS, _UTC = {"zone": "Europe/Berlin"}, {"zone": "America/St_Johns"}, {"zone": "UTC"}
_TO_LONDON = {"from": "America/New_York", "zone": "Europe/London"}


def _offset(instant: Node, zone: str) -> Node:
    """Give ``+05:30``; null where the offset is not of whole minutes."""
    apart = exp.Sub(
        this=tree.call("EPOCH_US", in_zone(instant, zone)), expression=tree.call("EPOCH_US", in_zone(instant, "UTC"))
    )
    return tree.bound(tree.cast(exp.Paren(this=apart), "BIGINT"), _written)


def _written(apart: Node) -> Node:
    minutes = exp.IntDiv(this=exp.Abs(this=apart), expression=tree.number(_MINUTE))
    whole = tree.equal(exp.Mod(this=apart, expression=tree.number(_MINUTE)), tree.number(0))
    sign = tree.when((exp.LT(this=apart, expression=tree.number(0)), tree.text("-")), otherwise=tree.text("+"))
    hour = exp.IntDiv(this=exp.Paren(this=minutes), expression=tree.number(60))
    rest = exp.Mod(this=exp.Paren(this=minutes.copy()), expression=tree.number(60))
    return tree.when((whole, tree.call("CONCAT", sign, _two(hour), tree.text(":"), _two(rest))))


def _two(number: Node) -> Node:
    return tree.call("LPAD", tree.cast(exp.Paren(this=number), "VARCHAR"), tree.number(2), tree.text("0"))


def _text_in(arguments: Sequence[Node], options: Options) -> Node:
    """Write the local time and its offset; ``||`` hands on the null of an offset that cannot be written."""
    local = local_text(within_years(in_zone(arguments[0], options["zone"]), "TIMESTAMP"))
    return exp.DPipe(this=local, expression=_offset(arguments[0], options["zone"]))


FUNCTIONS = (
    Function(
        "offset_of_instant", "offset", (Value("value", _INSTANTS), ZONE), lambda _, __: Type("text", length=6),
        'How far a zone is from UTC at that moment, as `offset "Europe/Berlin"`: +01:00 in winter, +02:00 in summer.',
        lambda a, o: _offset(a[0], o["zone"]), can_fail=True,
        examples=(Example((_I,), "+01:00", _BERLIN), Example((_SUMMER,), "+02:00", _BERLIN), Example((_I,), "-03:30", _ST_JOHNS),
                  Example((_I,), "+00:00", _UTC), Example(("TIMESTAMPTZ '1800-01-01 00:00:00Z'",), None, _BERLIN),
                  Example(("NULL::TIMESTAMPTZ",), None, _BERLIN)),
    ),
    Function(
        "text_of_instant_in", "text", (Value("value", _INSTANTS), ZONE), lambda _, __: Type("text", length=32),
        'ISO 8601 with the time and the offset of a zone, as `text "Europe/Berlin"`.', _text_in, can_fail=True,
        inverse=Inverse(((0, "instant_of_text"),), exact=False),
        examples=(Example((_I,), "2024-03-05T11:00:00+01:00", _BERLIN),
                  Example(("TIMESTAMPTZ '2024-07-05 10:00:00.25Z'",), "2024-07-05T12:00:00.250000+02:00", _BERLIN),
                  Example(("TIMESTAMPTZ '9999-12-31 23:30:00Z'",), None, _BERLIN)),
    ),
    Function(
        "local_elsewhere", "zone", (Value("value", _LOCALS), _FROM, ZONE), lambda _, __: Type("local_datetime"),
        'What the time is elsewhere, as `zone "America/New_York" "Europe/London"`; fails for a time that clocks leave out.',
        lambda a, o: within_years(in_zone(instant_of_local(a[0], o["from"]), o["zone"]), "TIMESTAMP"), can_fail=True,
        examples=(Example(("TIMESTAMP '2024-01-05 10:00:00'",), "2024-01-05 15:00:00", _TO_LONDON),
                  Example(("TIMESTAMP '2024-03-15 10:00:00'",), "2024-03-15 14:00:00", _TO_LONDON),
                  Example(("TIMESTAMP '2024-03-10 02:30:00'",), None, _TO_LONDON)),
    ),
)  # fmt: skip
