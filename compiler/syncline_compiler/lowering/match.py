"""Match: unlinked native rows to canonical ids, by identity rules.

In: the values of every member. Out: one decision per unlinked row: linked, double, new, review or unmatched.
A rule makes groups, by key or by likeness (``likeness``), and decides only where a group is unambiguous: at most one row
per connection and one canonical record are in it; anything else goes to review. Where a member may have many, the first of
its rows speaks for all and the others are its doubles. Rules are tried in order; what a rule decided is known to the next.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from syncline_compiler.lowering import build as b
from syncline_compiler.lowering.expression import Frame, lower
from syncline_compiler.lowering.features import Featured, features_of
from syncline_compiler.lowering.likeness import Pairs, row_text, same_row
from syncline_compiler.lowering.slots import MemberSlots
from syncline_compiler.model import ir
from syncline_compiler.model.resolved import IdentityRule, ResolvedObject, ResolvedSync
from syncline_compiler.model.typed import Expression

DECISION = ("connection", "_native_id", "_cid", "how", "rule", "state")


def lower_match(sync: ResolvedSync, members: Sequence[MemberSlots]) -> tuple[ir.IrStep, ...]:
    """Give the steps of the match stage, the last of which is ``SYNC/match``."""
    name = sync.name
    usable = [rule for rule in sync.object.identity if any(_applies(m, rule) for m in members)]
    steps = [_pool(sync, members, usable), _returned(sync, usable)]
    for number, rule in enumerate(usable, 1):
        earlier = _deciding(usable[: number - 1])
        steps += _rule_steps(sync, rule, number, earlier, tuple(n for n in range(1, number) if n not in earlier))
    decides = _deciding(usable)
    decided = tuple(f"{name}/match/{number}" for number in decides)
    rest = f"{name}/match/rest"
    steps.append(ir.IrStep("match", rest, b.fill(_rest, (name, sync.object.name), (), decides)))
    parts = tuple(b.fill(_all_of_relation, (relation,)) for relation in (*decided, rest))
    steps.append(ir.IrStep("match", f"{name}/match", ir.Union(parts)))
    return tuple(steps)


def _deciding(rules: Sequence[IdentityRule]) -> tuple[int, ...]:
    """Give the numbers of rules that decide rows; the others say which pairs are two."""
    return tuple(number for number, rule in enumerate(rules, 1) if rule.then != "create")


def _applies(member: MemberSlots, rule: IdentityRule) -> bool:
    return rule.applies_to(frozenset(slot.name for slot in member.lines if slot.reads))


def _all_of_relation(relation: str) -> ir.Select:
    return ir.Select(tuple((column, b.col("m", column)) for column in DECISION), ir.Source(relation, "m"))


def _pool(sync: ResolvedSync, members: Sequence[MemberSlots], rules: Sequence[IdentityRule]) -> ir.IrStep:
    """Unlinked, taken, faultless rows of all members, with the key of every rule (null: the rule does not apply)."""
    selects: list[ir.Select | ir.Filled] = []
    features = features_of([rule for rule in rules if rule.pairwise], sync.object)
    for order, member in enumerate(members):
        connection = member.member.connection
        columns: ir.Columns = tuple((f"key.{n}", _key(rule, member, sync.object)) for n, rule in enumerate(rules, 1))
        featured = Featured(features, sync.object, member)
        keys = ir.Listed("more", (columns + featured.columns("v"),))
        source = featured.source(f"{sync.name}/{connection}/values", "v")
        if isinstance(source, ir.Inner):
            selects.append(_pooled_of(source, connection, keys, order, member.member.originates))
        else:
            selects.append(b.fill(_pooled, (source.relation, connection), (keys,), order, member.member.originates))
    return ir.IrStep("match", f"{sync.name}/pool", ir.Union(tuple(selects)))


def _pooled(values: str, connection: str, keys: ir.Listed, order: int, originates: bool) -> ir.Select:
    return _pooled_of(ir.Source(values, "v"), connection, keys, order, originates)


def _pooled_of(
    source: ir.Source | ir.Inner, connection: str, keys: ir.Listed, order: int, originates: bool
) -> ir.Select:
    return ir.Select(
        (
            ("connection", b.text(connection)),
            ("_native_id", b.col("v", "_native_id")),
            ("_order", ir.Value(order)),
            ("_originates", ir.Value(originates)),
            ("_generation", b.text("0")),
            keys,
        ),
        source,
        where=b.all_of([b.is_null(b.col("v", "_cid")), b.col("v", "_take")]),
    )


def _returned(sync: ResolvedSync, rules: Sequence[IdentityRule]) -> ir.IrStep:
    """Tell of rows under the native id of a deleted record what their keys say: *same* as it, or *other*.

    Where neither holds, no rule applies to both.
    """
    pairs = [(b.col("p", f"key.{n}"), _key_text(rule, "c")) for n, rule in enumerate(rules, 1) if not rule.pairwise]
    same = b.any_of(b.equal(now, before) for now, before in pairs)
    other = b.any_of(b.call("<>", now, before) for now, before in pairs)
    return ir.IrStep("match", f"{sync.name}/returned", b.fill(_returning, (sync.name,), (same, other)))


def _returning(name: str, same: ir.Scalar, other: ir.Scalar) -> ir.Select:
    return ir.Select(
        (
            ("connection", b.col("r", "connection")),
            ("_native_id", b.col("r", "_native_id")),
            ("same", b.holds(same)),
            ("other", b.holds(other)),
        ),
        ir.Source(f"{name}/returning", "r"),
        (
            ir.Join("inner", ir.Source(f"{name}/pool", "p"), same_row("p", "r")),
            ir.Join("inner", ir.Source(f"{name}/canonical", "c"), b.equal(b.col("c", "_cid"), b.col("r", "_cid"))),
        ),
    )


def _key(rule: IdentityRule, member: MemberSlots, item: ResolvedObject) -> ir.Scalar:
    """Give the rule's key of a member's row; what ``unless`` asks for and the member does not read is null."""
    if not _applies(member, rule):
        return b.null("VARCHAR")
    if rule.unless is None:
        return _key_text(rule, "v")
    types = {field.name: b.sql_type(field.type) for field in item.fields}

    def at(name: str) -> ir.Scalar:
        return b.col("v", name) if member.reads(name) else b.null(types.get(name, "VARCHAR"))

    return _key_of([at(name) for name in rule.same], [_counts(rule.unless, at)])


def _key_text(rule: IdentityRule, alias: str) -> ir.Scalar:
    """Give the rule's values as one text in which no two different keys look alike; null where the rule does not apply."""
    if rule.unless is None:
        return b.fill(_plain_key, rule.same, (), alias)
    unless = _counts(rule.unless, lambda name: b.col(alias, name))
    return _key_of([b.col(alias, name) for name in rule.same], [unless])


def _counts(unless: Expression, at: Callable[[str], ir.Scalar]) -> ir.Scalar:
    return b.negated(b.holds(lower(unless, Frame("", canonical=at))))


def _plain_key(*same_and_alias: str) -> ir.Scalar:
    *same, alias = same_and_alias
    return _key_of([b.col(alias, name) for name in same], [])


def _key_of(fields: Sequence[ir.Scalar], more: Sequence[ir.Scalar]) -> ir.Scalar:
    key = ir.Call("KEY", tuple(fields)) if fields else b.text("")
    return b.when((b.all_of([*map(b.present, fields), *more]), key))


def _rule_steps(
    sync: ResolvedSync, rule: IdentityRule, number: int, decided: tuple[int, ...], apart: tuple[int, ...]
) -> list[ir.IrStep]:
    """Give the steps of one rule. ``decided``: earlier rules that decided rows; ``apart``: those that tell pairs apart."""
    name = sync.name
    many = tuple(member.connection for member in sync.members if member.many)
    features: tuple[str, ...] = ()
    if rule.pairwise:
        features = tuple(feature.column for feature in features_of([rule], sync.object))
    steps = [ir.IrStep("match", f"{name}/left/{number}", b.fill(_left, (name,), (), number, decided, features))]
    if rule.pairwise:
        steps += Pairs(sync, rule, number, _key_text(rule, "c"), decided, apart).steps()
    else:
        steps.append(ir.IrStep("match", f"{name}/known/{number}", _known(name, rule, number, decided)))
    if rule.then == "create":
        return steps
    rows = f"{name}/{'grouped' if rule.pairwise else 'left'}/{number}"
    queries: list[tuple[str, ir.Query]] = [
        ("taken", _taken(name, sync.object.name, decided)),
        ("crowds", b.fill(_crowds, (rows,), (), many)),
        ("groups", b.fill(_groups, (name, rows), (), number)),
        ("match", b.fill(_decide, (name, sync.object.name, rule.said, rows), (), number, rule.then, many)),
    ]
    return [*steps, *(ir.IrStep("match", f"{name}/{role}/{number}", query) for role, query in queries)]


def _left(name: str, number: int, decided: tuple[int, ...], features: tuple[str, ...]) -> ir.Select:
    """Rows to which this rule applies, and that no earlier rule decided."""
    carried = ("connection", "_native_id", "_order", "_originates", "_generation")
    return ir.Select(
        (
            ir.Carried("p", (*carried, *features)),
            ("row", row_text("p")),
            ("key", b.col("p", f"key.{number}")),
        ),
        ir.Source(f"{name}/pool", "p"),
        tuple(ir.Join("anti", ir.Source(f"{name}/match/{n}", f"d{n}"), same_row("p", f"d{n}")) for n in decided),
        where=b.present(b.col("p", f"key.{number}")),
    )


def _known(name: str, rule: IdentityRule, number: int, decided: tuple[int, ...]) -> ir.Union:
    """Canonical ids that have this rule's key already: by their records, or decided by an earlier rule."""
    earlier = (b.fill(_known_decided, (name,), (), number, one) for one in decided)
    return ir.Union((b.fill(_known_before, (name,), (_key_text(rule, "c"),), number), *earlier))


def _known_before(name: str, key: ir.Scalar, number: int) -> ir.Select:
    return ir.Select(
        (("key", key), ("_cid", b.col("c", "_cid"))),
        ir.Source(f"{name}/canonical", "c"),
        (ir.Join("inner", ir.Source(f"{name}/left/{number}", "w"), b.equal(b.col("w", "key"), key)),),
        distinct=True,
    )


def _known_decided(name: str, number: int, earlier: int) -> ir.Select:
    key, alias = b.col("p", f"key.{number}"), f"d{earlier}"
    return ir.Select(
        (("key", key), ("_cid", b.col(alias, "_cid"))),
        ir.Source(f"{name}/pool", "p"),
        (ir.Join("inner", ir.Source(f"{name}/match/{earlier}", alias), same_row("p", alias)),),
        where=b.all_of([b.present(key), b.present(b.col(alias, "_cid"))]),
    )


def _taken(name: str, object_: str, decided: tuple[int, ...]) -> ir.Union:
    """In which connections a canonical id has a record, before this rule."""
    links = b.fill(_taken_before, (object_,))
    return ir.Union((links, *(b.fill(_taken_by, (name,), (), earlier) for earlier in decided)))


def _taken_before(object_: str) -> ir.Select:
    return ir.Select(
        (ir.Carried("k", ("canonical_id", "connection")),),
        ir.Source("links", "k"),
        where=b.equal(b.col("k", "object"), b.text(object_)),
    )


def _taken_by(name: str, earlier: int) -> ir.Select:
    return ir.Select(
        (("canonical_id", b.col("d", "_cid")), ("connection", b.col("d", "connection"))),
        ir.Source(f"{name}/match/{earlier}", "d"),
        where=b.all_of([b.present(b.col("d", "_cid")), b.call("<>", b.col("d", "state"), b.text("double"))]),
    )


def _in_crowd() -> ir.Scalar:
    return b.all_of(b.equal(b.col("c", name), b.col("w", name)) for name in ("key", "connection"))


def _crowds(rows: str, many: tuple[str, ...]) -> ir.Select:
    """Per group and connection: how many rows, if that may be one only, and which of them speaks for all."""
    single = b.negated(b.call("IN", b.col("w", "connection"), *map(b.text, many))) if many else b.TRUE
    return ir.Select(
        (
            ir.Carried("w", ("key", "connection")),
            ("crowd", b.call("COUNT DISTINCT", b.when((single, b.col("w", "row"))))),
            ("speaker", b.call("MIN", b.col("w", "row"))),
        ),
        ir.Source(rows, "w"),
        group=(b.col("w", "key"), b.col("w", "connection")),
    )


def _groups(name: str, rows: str, number: int) -> ir.Select:
    """Per group: how many rows, how many of one connection, and which canonical id it would get."""
    row = b.col("w", "row")
    return ir.Select(
        (
            ir.Carried("w", ("key",)),
            ("rows", b.call("COUNT DISTINCT", row)),
            ("crowd", b.call("MAX", b.col("c", "crowd"))),
            ("known", b.call("COUNT DISTINCT", b.col("k", "_cid"))),
            ("_cid", b.call("MIN", b.col("k", "_cid"))),
            ("_first", b.call("AGGREGATE first", b.when((b.col("w", "_originates"), row)), b.col("w", "_order"), row)),
        ),
        ir.Source(rows, "w"),
        (
            ir.Join("inner", ir.Source(f"{name}/crowds/{number}", "c"), _in_crowd()),
            ir.Join("left", ir.Source(f"{name}/known/{number}", "k"), b.equal(b.col("k", "key"), b.col("w", "key"))),
        ),
        group=(b.col("w", "key"),),
    )


def _decide(name: str, object_: str, said: str, rows: str, number: int, then: str, many: tuple[str, ...]) -> ir.Select:
    """Clear groups are linked; groups nobody may originate are left for later rules; the rest goes to review."""
    same_connection = b.equal(b.col("t", "connection"), b.col("w", "connection"))
    taken = b.all_of([b.equal(b.col("t", "canonical_id"), b.col("g", "_cid")), same_connection])
    unknown = b.equal(b.col("g", "known"), ir.Value(0))
    alone = b.all_of([b.equal(b.col("g", "rows"), ir.Value(1)), unknown])
    clear, double = _verdict(many) if then == "link" else (b.FALSE, b.FALSE)
    cid = b.call("COALESCE", b.col("g", "_cid"), ir.Call("CANONICAL_ID", (b.text(object_), b.col("g", "_first"))))
    new = b.all_of([unknown, b.equal(b.col("g", "_first"), b.col("w", "row"))])
    unclear = "ambiguous" if then == "link" else "likely"
    return ir.Select(
        (
            ir.Carried("w", ("connection", "_native_id")),
            ("_cid", b.when((clear, cid))),
            ("how", _outcome(clear, double, new, ("originated", "double", "identity", unclear))),
            ("rule", b.text(said)),
            ("state", _outcome(clear, double, new, ("new", "double", "linked", "review"))),
        ),
        ir.Source(rows, "w"),
        (
            ir.Join("inner", ir.Source(f"{name}/groups/{number}", "g"), b.equal(b.col("g", "key"), b.col("w", "key"))),
            ir.Join("inner", ir.Source(f"{name}/crowds/{number}", "c"), _in_crowd()),
            ir.Join("left", ir.Source(f"{name}/taken/{number}", "t"), taken),
            ir.Join("cross", ir.Source("run", "run")),
        ),
        # a key that only one unlinked row has says nothing yet; a group without an originator waits for one
        where=b.all_of([b.negated(alone), b.any_of([b.negated(unknown), b.present(b.col("g", "_first"))])]),
        distinct=True,
    )


def _verdict(many: tuple[str, ...]) -> tuple[ir.Scalar, ir.Scalar]:
    """Say of a row whether its group is clear, and whether it is a double of another."""
    unique = [b.call("<=", b.col("g", name), ir.Value(1)) for name in ("crowd", "known")]
    taken = b.present(b.col("t", "connection"))
    if not many:
        return b.all_of([*unique, b.negated(taken)]), b.FALSE
    one_of_many = b.call("IN", b.col("w", "connection"), *map(b.text, many))
    behind = b.call("<>", b.col("c", "speaker"), b.col("w", "row"))
    clear = b.all_of([*unique, b.any_of([b.negated(taken), one_of_many])])
    return clear, b.all_of([one_of_many, b.any_of([taken, behind])])


def _outcome(clear: ir.Scalar, double: ir.Scalar, new: ir.Scalar, words: tuple[str, str, str, str]) -> ir.Scalar:
    """Give the word for a new record, a double, a linked one, or one that is not clear."""
    of_new, of_double, of_linked, otherwise = map(b.text, words)
    branches = [(new, of_new), *([(double, of_double)] if double != b.FALSE else [])]
    return b.when((clear, b.when(*branches, default=of_linked)), default=otherwise)


def _rest(name: str, object_: str, decided: tuple[int, ...]) -> ir.Select:
    """Rows that no rule decided: new where their connection may originate, unmatched elsewhere."""
    originates = b.col("p", "_originates")
    return ir.Select(
        (
            ir.Carried("p", ("connection", "_native_id")),
            ("_cid", b.when((originates, ir.Call("CANONICAL_ID", (b.text(object_), row_text("p")))))),
            ("how", b.when((originates, b.text("originated")), default=b.text("unmatched"))),
            ("rule", b.text("")),
            ("state", b.when((originates, b.text("new")), default=b.text("unmatched"))),
        ),
        ir.Source(f"{name}/pool", "p"),
        (
            *(ir.Join("anti", ir.Source(f"{name}/match/{n}", f"d{n}"), same_row("p", f"d{n}")) for n in decided),
            ir.Join("cross", ir.Source("run", "run")),
        ),
    )
