"""Match: unlinked native rows to canonical ids, by exact identity keys.

In: the values of every member. Out: one decision per unlinked row: linked, new, review or unmatched.
A key decides only where it is unambiguous: at most one row per connection and one canonical record have it; anything
else goes to review. Rules are tried in order; what a rule decided is known to the next.
"""

from __future__ import annotations

from collections.abc import Sequence

from syncline_compiler.lowering import build as b
from syncline_compiler.lowering.expression import Frame, lower
from syncline_compiler.lowering.slots import MemberSlots
from syncline_compiler.model import ir
from syncline_compiler.model.resolved import IdentityRule, ResolvedSync

DECISION = ("connection", "_native_id", "_cid", "how", "rule", "state")


def lower_match(sync: ResolvedSync, members: Sequence[MemberSlots]) -> tuple[ir.IrStep, ...]:
    """Give the steps of the match stage, the last of which is ``SYNC/match``."""
    name = sync.name
    usable = [rule for rule in sync.object.identity if any(_has_key(m, rule) for m in members)]
    steps = [_pool(sync, members, usable), _returned(sync, usable)]
    for number, rule in enumerate(usable, 1):
        steps += _rule_steps(sync, rule, number)
    decided = tuple(f"{name}/match/{number}" for number in range(1, len(usable) + 1))
    rest = f"{name}/match/rest"
    steps.append(ir.IrStep("match", rest, b.fill(_rest, (name, sync.object.name), (), len(usable))))
    parts = tuple(b.fill(_all_of_relation, (relation,)) for relation in (*decided, rest))
    steps.append(ir.IrStep("match", f"{name}/match", ir.Union(parts)))
    return tuple(steps)


def _has_key(member: MemberSlots, rule: IdentityRule) -> bool:
    return all(member.reads(field) for field in rule.same)


def _all_of_relation(relation: str) -> ir.Select:
    return ir.Select(tuple((column, b.col("m", column)) for column in DECISION), ir.Source(relation, "m"))


def _pool(sync: ResolvedSync, members: Sequence[MemberSlots], rules: Sequence[IdentityRule]) -> ir.IrStep:
    """Unlinked, taken, faultless rows of all members, with the key of every rule (null: the rule does not apply)."""
    selects = []
    for order, member in enumerate(members):
        connection = member.member.connection
        keys = ir.Listed("more", (tuple((f"key.{n}", _key(rule, member, "v")) for n, rule in enumerate(rules, 1)),))
        names = (f"{sync.name}/{connection}/values", connection)
        selects.append(b.fill(_pooled, names, (keys,), order, member.member.originates))
    return ir.IrStep("match", f"{sync.name}/pool", ir.Union(tuple(selects)))


def _pooled(values: str, connection: str, keys: ir.Listed, order: int, originates: bool) -> ir.Select:
    return ir.Select(
        (
            ("connection", b.text(connection)),
            ("_native_id", b.col("v", "_native_id")),
            ("_order", ir.Value(order)),
            ("_originates", ir.Value(originates)),
            ("_generation", b.text("0")),
            keys,
        ),
        ir.Source(values, "v"),
        where=b.all_of([b.is_null(b.col("v", "_cid")), b.col("v", "_take")]),
    )


def _returned(sync: ResolvedSync, rules: Sequence[IdentityRule]) -> ir.IrStep:
    """Tell of rows under the native id of a deleted record what their keys say: *same* as it, or *other*.

    Where neither holds, no rule applies to both.
    """
    pairs = [(b.col("p", f"key.{n}"), _key_text(rule, "c")) for n, rule in enumerate(rules, 1)]
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
            ir.Join("inner", ir.Source(f"{name}/pool", "p"), _same_row("p", "r")),
            ir.Join("inner", ir.Source(f"{name}/canonical", "c"), b.equal(b.col("c", "_cid"), b.col("r", "_cid"))),
        ),
    )


def _row(alias: str) -> ir.Scalar:
    """Give what tells a row of a pool from all others, and from earlier records under its native id."""
    return b.call("ROW_TEXT", *(b.col(alias, name) for name in ("connection", "_native_id", "_generation")))


def _key(rule: IdentityRule, member: MemberSlots, alias: str) -> ir.Scalar:
    if not _has_key(member, rule):
        return b.null("VARCHAR")
    return _key_text(rule, alias)


def _key_text(rule: IdentityRule, alias: str) -> ir.Scalar:
    """Give the rule's values as one text in which no two different keys look alike; null where the rule does not apply."""
    if rule.unless is None:
        return b.fill(_plain_key, rule.same, (), alias)
    unless = b.holds(lower(rule.unless, Frame("", canonical=lambda name: b.col(alias, name))))
    return _key_of([b.col(alias, name) for name in rule.same], [b.negated(unless)])


def _plain_key(*same_and_alias: str) -> ir.Scalar:
    *same, alias = same_and_alias
    return _key_of([b.col(alias, name) for name in same], [])


def _key_of(fields: Sequence[ir.Scalar], more: Sequence[ir.Scalar]) -> ir.Scalar:
    return b.when((b.all_of([*map(b.present, fields), *more]), ir.Call("KEY", tuple(fields))))


def _rule_steps(sync: ResolvedSync, rule: IdentityRule, number: int) -> list[ir.IrStep]:
    name, said = sync.name, "same " + ", ".join(rule.same)
    queries: list[tuple[str, ir.Query]] = [
        ("left", b.fill(_left, (name,), (), number)),
        ("known", _known(name, rule, number)),
        ("groups", b.fill(_groups, (name,), (), number)),
        ("match", b.fill(_decide, (name, sync.object.name, said), (), number, rule.then)),
    ]
    return [ir.IrStep("match", f"{name}/{role}/{number}", query) for role, query in queries]


def _left(name: str, number: int) -> ir.Select:
    """Rows that have this rule's key, and that no earlier rule decided."""
    decided = [(f"d{n - 1}", f"{name}/match/{n}") for n in range(1, number)]
    return ir.Select(
        (
            ("connection", b.col("p", "connection")),
            ("_native_id", b.col("p", "_native_id")),
            ("_order", b.col("p", "_order")),
            ("_originates", b.col("p", "_originates")),
            ("_generation", b.col("p", "_generation")),
            ("key", b.col("p", f"key.{number}")),
        ),
        ir.Source(f"{name}/pool", "p"),
        tuple(ir.Join("anti", ir.Source(relation, alias), _same_row("p", alias)) for alias, relation in decided),
        where=b.present(b.col("p", f"key.{number}")),
    )


def _same_row(left: str, right: str) -> ir.Scalar:
    return b.all_of(
        [
            b.equal(b.col(left, "connection"), b.col(right, "connection")),
            b.equal(b.col(left, "_native_id"), b.col(right, "_native_id")),
        ]
    )


def _known(name: str, rule: IdentityRule, number: int) -> ir.Union:
    """Canonical ids that have this rule's key already: by their records, or decided by an earlier rule."""
    decided = (b.fill(_known_decided, (name,), (), number, earlier) for earlier in range(1, number))
    return ir.Union((b.fill(_known_before, (name,), (_key_text(rule, "c"),), number), *decided))


def _known_before(name: str, key: ir.Scalar, number: int) -> ir.Select:
    return ir.Select(
        (("key", key), ("_cid", b.col("c", "_cid"))),
        ir.Source(f"{name}/canonical", "c"),
        (ir.Join("inner", ir.Source(f"{name}/left/{number}", "w"), b.equal(b.col("w", "key"), key)),),
        distinct=True,
    )


def _known_decided(name: str, number: int, earlier: int) -> ir.Select:
    key, alias = b.col("p", f"key.{number}"), f"d{earlier - 1}"
    return ir.Select(
        (("key", key), ("_cid", b.col(alias, "_cid"))),
        ir.Source(f"{name}/pool", "p"),
        (ir.Join("inner", ir.Source(f"{name}/match/{earlier}", alias), _same_row("p", alias)),),
        where=b.all_of([b.present(key), b.present(b.col(alias, "_cid"))]),
    )


def _groups(name: str, number: int) -> ir.Select:
    """Per key: how often each side has it, and which canonical id it would get."""
    per_connection = ir.Source(f"{name}/left/{number}", "w")
    known = ir.Source(f"{name}/known/{number}", "k")
    row = _row("w")
    return ir.Select(
        (
            ("key", b.col("w", "key")),
            ("rows", b.call("COUNT DISTINCT", row)),
            ("connections", b.call("COUNT DISTINCT", b.col("w", "connection"))),
            ("known", b.call("COUNT DISTINCT", b.col("k", "_cid"))),
            ("_cid", b.call("MIN", b.col("k", "_cid"))),
            ("_first", b.call("ARG_MIN", b.when((b.col("w", "_originates"), row)), b.col("w", "_order"))),
        ),
        per_connection,
        (ir.Join("left", known, b.equal(b.col("k", "key"), b.col("w", "key"))),),
        group=(b.col("w", "key"),),
    )


def _decide(name: str, object_: str, rule: str, number: int, then: str) -> ir.Select:
    """Clear groups are linked; groups nobody may originate are left for later rules; the rest goes to review."""
    taken = ir.Source("links", "t")
    unique = b.all_of(
        [
            b.equal(b.col("g", "rows"), b.col("g", "connections")),
            b.call("<=", b.col("g", "known"), ir.Value(1)),
            b.is_null(b.col("t", "native_id")),
        ]
    )
    clear = unique if then == "link" else b.all_of([unique, b.equal(b.col("g", "known"), ir.Value(0))])
    cid = b.call("COALESCE", b.col("g", "_cid"), ir.Call("CANONICAL_ID", (b.text(object_), b.col("g", "_first"))))
    new = b.all_of(
        [
            b.equal(b.col("g", "known"), ir.Value(0)),
            b.equal(b.col("g", "_first"), _row("w")),
        ]
    )
    alone = b.all_of([b.equal(b.col("g", "rows"), ir.Value(1)), b.equal(b.col("g", "known"), ir.Value(0))])
    return ir.Select(
        (
            ("connection", b.col("w", "connection")),
            ("_native_id", b.col("w", "_native_id")),
            ("_cid", b.when((clear, cid))),
            (
                "how",
                b.when(
                    (clear, b.when((new, b.text("originated")), default=b.text("identity"))),
                    default=b.text("ambiguous"),
                ),
            ),
            ("rule", b.text(rule)),
            (
                "state",
                b.when((clear, b.when((new, b.text("new")), default=b.text("linked"))), default=b.text("review")),
            ),
        ),
        ir.Source(f"{name}/left/{number}", "w"),
        (
            ir.Join("inner", ir.Source(f"{name}/groups/{number}", "g"), b.equal(b.col("g", "key"), b.col("w", "key"))),
            ir.Join(
                "left",
                taken,
                b.all_of(
                    [
                        b.equal(b.col("t", "canonical_id"), b.col("g", "_cid")),
                        b.equal(b.col("t", "connection"), b.col("w", "connection")),
                        b.equal(b.col("t", "object"), b.text(object_)),
                    ]
                ),
            ),
            ir.Join("cross", ir.Source("run", "run")),
        ),
        # a key that only one unlinked row has says nothing yet; a group without an originator waits for one
        where=b.all_of(
            [
                b.negated(alone),
                b.any_of([b.call(">", b.col("g", "known"), ir.Value(0)), b.present(b.col("g", "_first"))]),
            ]
        ),
    )


def _rest(name: str, object_: str, rules: int) -> ir.Select:
    """Rows that no rule decided: new where their connection may originate, unmatched elsewhere."""
    originates = b.col("p", "_originates")
    decided = [(f"d{n}", f"{name}/match/{n + 1}") for n in range(rules)]
    return ir.Select(
        (
            ("connection", b.col("p", "connection")),
            ("_native_id", b.col("p", "_native_id")),
            ("_cid", b.when((originates, ir.Call("CANONICAL_ID", (b.text(object_), _row("p")))))),
            ("how", b.when((originates, b.text("originated")), default=b.text("unmatched"))),
            ("rule", b.text("")),
            ("state", b.when((originates, b.text("new")), default=b.text("unmatched"))),
        ),
        ir.Source(f"{name}/pool", "p"),
        (
            *(ir.Join("anti", ir.Source(relation, alias), _same_row("p", alias)) for alias, relation in decided),
            ir.Join("cross", ir.Source("run", "run")),
        ),
    )
