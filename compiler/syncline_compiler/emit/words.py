"""The relational words of the IR (names in capitals) as sqlglot trees for DuckDB."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from functools import cache, reduce
from typing import NamedTuple

from syncline_compiler.sql_tree import Tree, exp, later

Arguments = Sequence[Tree]
Options = Mapping[str, str]
Build = Callable[[Arguments, Options], Tree]


class Word(NamedTuple):
    """How a word is built of its arguments; ``spell`` gives how a text constant is written at a place, None: as it is.

    Builders see marks, never the arguments themselves: what depends on a constant's text stands in ``spell``.
    """

    build: Build
    spell: Callable[[int, object], str | None] | None = None


UNIT = chr(31)  # ASCII unit separator: between the parts of a composed id


def literal(text: str) -> exp.Literal:
    """Give a text literal."""
    return exp.Literal(this=text, is_string=True)


def call(name: str, *arguments: exp.Expression) -> exp.Expression:
    """Give a function by its name in the dialect."""
    return exp.Anonymous(this=name, expressions=list(arguments))


def path_of(name: str) -> str:
    """Give the JSON path of a dotted member name; the empty name is the whole."""
    return "$" + "".join("." + json.dumps(part, ensure_ascii=False) for part in name.split(".") if part)


@cache
def _type(text: str) -> exp.DataType:
    return exp.DataType.build(text, dialect="duckdb")


def _cast(value: exp.Expression, to: str) -> exp.Expression:
    return exp.Cast(this=value, to=_type(to))


def _text(value: exp.Expression) -> exp.Expression:
    return _cast(value, "VARCHAR")


def _chain(kind: type[exp.Expression]) -> Build:
    def word(arguments: Arguments, options: Options) -> exp.Expression:
        del options
        made = arguments[0]
        for argument in arguments[1:]:
            made = kind(this=made, expression=argument)
        return exp.Paren(this=made)

    return word


def _binary(kind: type[exp.Expression]) -> Build:
    return lambda a, _: exp.Paren(this=kind(this=a[0], expression=a[1]))


def _function(name: str) -> Build:
    return lambda a, _: call(name, *a)


def _is_null(a: Arguments, _: Options) -> exp.Expression:
    return exp.Paren(this=exp.Is(this=a[0], expression=exp.Null()))


def _is_not_null(a: Arguments, _: Options) -> exp.Expression:
    return exp.Paren(this=exp.Not(this=exp.Is(this=a[0], expression=exp.Null())))


def _row_text(a: Arguments, _: Options) -> exp.Expression:
    return call("concat_ws", literal(UNIT), *a)


def _key(a: Arguments, _: Options) -> exp.Expression:
    """One text per combination of values; JSON keeps the borders between them."""
    if len(a) == 1:
        return _text(a[0])
    return _text(call("to_json", exp.Array(expressions=[_text(value) for value in a])))


def _canonical_id(a: Arguments, _: Options) -> exp.Expression:
    """Give the id derived from realm, object and row: originating connection, native id, generation (design section 5)."""
    realm = exp.Column(this=exp.Identifier(this="realm", quoted=True), table=exp.Identifier(this="run", quoted=True))
    whole = call("concat_ws", literal(UNIT), realm, a[0], a[1])
    return call("substr", call("sha256", whole), _number(1), _number(32))


def _number(value: int) -> exp.Literal:
    return exp.Literal(this=str(value), is_string=False)


def _count_distinct(a: Arguments, _: Options) -> exp.Expression:
    return exp.Count(this=exp.Distinct(expressions=[a[0]]))


def _json(a: Arguments, _: Options) -> exp.Expression:
    return _text(call("to_json", _text(a[0])))


def _json_list(a: Arguments, _: Options) -> exp.Expression:
    return call("concat", literal("["), exp.Coalesce(this=_json(a, {}), expressions=[literal("null")]), literal("]"))


def _object(a: Arguments, _: Options) -> exp.Expression:
    return _text(call("json_object", *a))


def _payload(a: Arguments, _: Options) -> exp.Expression:
    """Members to a JSON object; one that is null is left out."""
    if not a:
        return literal("{}")
    return call("concat", literal("{"), call("concat_ws", literal(","), *a), literal("}"))


def _member(a: Arguments, _: Options) -> exp.Expression:
    """Condition, name and JSON text to a member of a JSON object, if the condition holds."""
    member = call("concat", a[1], exp.Coalesce(this=a[2], expressions=[literal("null")]))
    return exp.Case(ifs=[exp.If(this=a[0], true=member)])


def _present_member(a: Arguments, _: Options) -> exp.Expression:
    """Name and JSON text to a member of a JSON object, if there is a value."""
    return exp.Paren(this=exp.DPipe(this=a[0], expression=a[1]))


def _member_name(at: int) -> Callable[[int, object], str | None]:
    """Spell the name that stands at a place as a member's."""
    return lambda place, name: json.dumps(name, ensure_ascii=False) + ":" if place == at else None


def _reference(a: Arguments, _: Options) -> exp.Expression:
    """Give a symbolic reference: object, resource and canonical id; delivery puts the native id in its place."""
    listed = call("concat", literal('{"$ref":['), a[0], literal(","), a[1], literal(',"'), a[2], literal('"]}'))
    return exp.Case(ifs=[exp.If(this=_is_not_null([a[2]], {}), true=listed)])


def _json_name(place: int, name: object) -> str | None:
    return json.dumps(name, ensure_ascii=False) if place < 2 else None


def _slot_path(place: int, name: object) -> str | None:
    return "$." + json.dumps(name, ensure_ascii=False) if place == 1 else None


def _synced_path(place: int, name: object) -> str | None:
    return "$." + json.dumps(name, ensure_ascii=False) + "[0]" if place == 1 else None


def _patched(a: Arguments, _: Options) -> exp.Expression:
    merged = call("nullif", _text(call("json_merge_patch", a[0], a[1])), literal("{}"))
    untouched = exp.Or(this=_is_null([a[0]], {}), expression=_is_null([a[1]], {}))
    return exp.Case(ifs=[exp.If(this=untouched, true=a[0])], default=merged)


def _joined(a: Arguments, _: Options) -> exp.Expression:
    return call("array_to_string", call("list_sort", a[0]), literal(","))


def _clock(a: Arguments, _: Options) -> exp.Expression:
    """Give a native clock as an instant: seconds since 1970, or an ISO text (UTC where it names no offset)."""
    seconds = call("to_timestamp", exp.TryCast(this=a[0], to=_type("BIGINT")))
    is_seconds = call("regexp_full_match", a[0], literal("[0-9]{9,11}"))
    return exp.Case(
        ifs=[exp.If(this=is_seconds, true=seconds)], default=exp.TryCast(this=a[0], to=_type("TIMESTAMPTZ"))
    )


def _field_of(value: exp.Expression, name: str) -> exp.Expression:
    return call("struct_extract", value, literal(name))


def _sum(a: Arguments, options: Options) -> exp.Expression:
    kind = options["type"]
    if not kind.startswith("STRUCT"):
        return _cast(exp.Sum(this=a[0]), kind)
    amount, currency = _field_of(a[0], "amount"), _field_of(a[0], "currency")
    packed = call(
        "struct_pack",
        exp.PropertyEQ(this=exp.Identifier(this="amount", quoted=True), expression=exp.Sum(this=amount)),
        exp.PropertyEQ(this=exp.Identifier(this="currency", quoted=True), expression=exp.Min(this=currency)),
    )
    one_currency = exp.NullSafeEQ(this=exp.Min(this=currency.copy()), expression=exp.Max(this=currency.copy()))
    return exp.Case(ifs=[exp.If(this=one_currency, true=_cast(packed, kind))])


def _texts(listed: exp.Expression) -> exp.Expression:
    """Give a JSON list as a list of texts; null as an empty one."""
    return call("from_json", exp.Coalesce(this=listed, expressions=[literal("[]")]), literal('["VARCHAR"]'))


def _set(listed: exp.Expression) -> exp.Expression:
    return _text(call("to_json", call("list_sort", listed)))


def _as_set(a: Arguments, _: Options) -> exp.Expression:
    """Sort a JSON list and take repetitions away: as a set it is equal to any other with the same texts."""
    made = _set(call("list_distinct", _texts(a[0])))
    return exp.Case(ifs=[exp.If(this=_is_not_null([a[0]], {}), true=made)])


def _union(a: Arguments, _: Options) -> exp.Expression:
    """Merge JSON lists: what was decided, then what each is now, then what each was. Nothing is null if one of them is."""
    decided, *sides = a
    now, before = sides[: len(sides) // 2], sides[len(sides) // 2 :]
    pairs = [(_texts(is_), _texts(was)) for is_, was in zip(now, before, strict=True)]
    each = exp.Identifier(this="e", quoted=False)

    def contains(listed: exp.Expression) -> exp.Expression:
        return call("list_contains", listed.copy(), exp.Column(this=each.copy()))

    def some(there: int) -> exp.Expression:
        """Whether the text is new with some member, or gone with some."""
        ways: list[exp.Expression] = [
            exp.Paren(this=exp.And(this=contains(pair[there]), expression=exp.Not(this=contains(pair[1 - there]))))
            for pair in pairs
        ]
        return exp.Paren(this=reduce(_either, ways))

    stays = exp.And(this=contains(_texts(decided)), expression=exp.Not(this=some(1)))
    kept = exp.Lambda(this=_either(some(0), exp.Paren(this=stays)), expressions=[each])
    lists = [_texts(decided.copy()), *(is_.copy() for is_, _ in pairs)]
    everything = call("list_distinct", call("flatten", exp.Array(expressions=lists)))
    made = _set(call("list_filter", everything, kept))
    silent = exp.Paren(this=reduce(_either, [_is_null([one.copy()], {}) for one in now]))
    return exp.Case(ifs=[exp.If(this=silent, true=call("nullif", made, literal("[]")))], default=made.copy())


def _either(left: exp.Expression, right: exp.Expression) -> exp.Expression:
    return exp.Or(this=left, expression=right)


def _in(a: Arguments, _: Options) -> exp.Expression:
    return exp.Paren(this=exp.In(this=a[0], expressions=list(a[1:])))


def _items_sum(a: Arguments, options: Options) -> exp.Expression:
    """Sum up a list; null where the sum is too large."""
    summed = exp.Coalesce(this=call("list_sum", a[0]), expressions=[exp.Literal.number(0)])
    return exp.TryCast(this=summed, to=_type(options["type"]))


_BUILDS: Mapping[str, Build] = {
    "AND": _chain(later.And),
    "OR": _chain(later.Or),
    "NOT": lambda a, _: exp.Paren(this=exp.Not(this=a[0])),
    "=": _binary(later.EQ),
    "<>": _binary(later.NEQ),
    ">": _binary(later.GT),
    "<=": _binary(later.LTE),
    "SAME": _binary(later.NullSafeEQ),
    "DIFFERS": _binary(later.NullSafeNEQ),
    "IS NULL": _is_null,
    "IS NOT NULL": _is_not_null,
    "IN": _in,
    "COALESCE": lambda a, _: exp.Coalesce(this=a[0], expressions=list(a[1:])),
    "CONCAT_WS": _function("concat_ws"),
    "TEXT": lambda a, _: _text(a[0]),
    "CAST": lambda a, options: _cast(a[0], options["type"]),
    "ROW_TEXT": _row_text,
    "KEY": _key,
    "CANONICAL_ID": _canonical_id,
    "COUNT DISTINCT": _count_distinct,
    "MIN": lambda a, _: exp.Min(this=a[0]),
    "ARG_MIN": _function("arg_min"),
    "JSON": _json,
    "JSON LIST": _json_list,
    "OBJECT": _object,
    "GROUP OBJECT": lambda a, _: _text(call("json_group_object", *a)),
    "PATCHED": _patched,
    "CONTAINS": _function("list_contains"),
    "CONTAINS TEXT": _function("contains"),
    "CONCAT": _function("concat"),
    "LIST": _function("list"),
    "JOINED": _joined,
    "CLOCK": _clock,
    "AS SET": _as_set,
    "UNION": _union,
    "GREATEST": _function("greatest"),
    "LEAST": _function("least"),
    "ITEMS sum": _items_sum,
    "ITEMS count": lambda a, _: exp.Coalesce(this=call("list_count", a[0]), expressions=[exp.Literal.number(0)]),
    "ITEMS min": _function("list_min"),
    "ITEMS max": _function("list_max"),
    "ITEMS last": lambda a, _: call("list_extract", a[0], exp.Literal.number(-1)),
    "AGGREGATE sum": _sum,
    "AGGREGATE count": lambda a, _: exp.Count(this=a[0]),
    "AGGREGATE min": lambda a, _: exp.Min(this=a[0]),
    "AGGREGATE max": lambda a, _: exp.Max(this=a[0]),
    "AGGREGATE first": lambda a, _: call("arg_min", a[0], call("row", *a[1:])),
    "AGGREGATE last": lambda a, _: call("arg_max", a[0], call("row", *a[1:])),
}

WORDS: Mapping[str, Word] = {name: Word(build) for name, build in _BUILDS.items()} | {
    "PAYLOAD": Word(_payload),
    "MEMBER": Word(_member, _member_name(1)),
    "PRESENT MEMBER": Word(_present_member, _member_name(0)),
    "REFERENCE": Word(_reference, _json_name),
    "SYNCED": Word(_function("json_extract_string"), _synced_path),
    "WANT": Word(_function("json_extract_string"), _slot_path),
    "HAS KEY": Word(_function("json_exists"), _slot_path),
}
