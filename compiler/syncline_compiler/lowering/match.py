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
    steps.append(_rest(sync, members, decided))
    parts = tuple(_all_of_relation(relation) for relation in (*decided, f"{name}/match/rest"))
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
        columns: list[tuple[str, ir.Scalar]] = [
            ("connection", b.text(connection)),
            ("_native_id", b.col("v", "_native_id")),
            ("_order", ir.Value(order)),
            ("_originates", ir.Value(member.member.originates)),
            ("_generation", b.text("0")),
        ]
        columns += [(f"key.{n}", _key(rule, member, "v")) for n, rule in enumerate(rules, 1)]
        unlinked = b.all_of([b.is_null(b.col("v", "_cid")), b.col("v", "_take")])
        selects.append(ir.Select(tuple(columns), ir.Source(f"{sync.name}/{connection}/values", "v"), where=unlinked))
    return ir.IrStep("match", f"{sync.name}/pool", ir.Union(tuple(selects)))


def _returned(sync: ResolvedSync, rules: Sequence[IdentityRule]) -> ir.IrStep:
    """Tell of rows under the native id of a deleted record what their keys say: *same* as it, or *other*.

    Where neither holds, no rule applies to both.
    """
    pairs = [(b.col("p", f"key.{n}"), _key_text(rule, "c")) for n, rule in enumerate(rules, 1)]
    query = ir.Select(
        (
            ("connection", b.col("r", "connection")),
            ("_native_id", b.col("r", "_native_id")),
            ("same", b.holds(b.any_of(b.equal(now, before) for now, before in pairs))),
            ("other", b.holds(b.any_of(b.call("<>", now, before) for now, before in pairs))),
        ),
        ir.Source(f"{sync.name}/returning", "r"),
        (
            ir.Join("inner", ir.Source(f"{sync.name}/pool", "p"), _same_row("p", "r")),
            ir.Join("inner", ir.Source(f"{sync.name}/canonical", "c"), b.equal(b.col("c", "_cid"), b.col("r", "_cid"))),
        ),
    )
    return ir.IrStep("match", f"{sync.name}/returned", query)


def _row(alias: str) -> ir.Scalar:
    """Give what tells a row of a pool from all others, and from earlier records under its native id."""
    return b.call("ROW_TEXT", *(b.col(alias, name) for name in ("connection", "_native_id", "_generation")))


def _key(rule: IdentityRule, member: MemberSlots, alias: str) -> ir.Scalar:
    if not _has_key(member, rule):
        return b.null("VARCHAR")
    return _key_text(rule, alias)


def _key_text(rule: IdentityRule, alias: str) -> ir.Scalar:
    """Give the rule's values as one text in which no two different keys look alike; null where the rule does not apply."""
    fields = [b.col(alias, name) for name in rule.same]
    conditions = [b.present(field) for field in fields]
    if rule.unless is not None:
        frame = Frame("", canonical=lambda name: b.col(alias, name))
        conditions.append(b.negated(b.holds(lower(rule.unless, frame))))
    return b.when((b.all_of(conditions), ir.Call("KEY", tuple(fields))))


def _rule_steps(sync: ResolvedSync, rule: IdentityRule, number: int) -> list[ir.IrStep]:
    name, key = sync.name, f"key.{number}"
    decided = [f"{name}/match/{n}" for n in range(1, number)]
    left = ir.Select(
        (
            ("connection", b.col("p", "connection")),
            ("_native_id", b.col("p", "_native_id")),
            ("_order", b.col("p", "_order")),
            ("_originates", b.col("p", "_originates")),
            ("_generation", b.col("p", "_generation")),
            ("key", b.col("p", key)),
        ),
        ir.Source(f"{name}/pool", "p"),
        tuple(ir.Join("anti", ir.Source(d, f"d{n}"), _same_row("p", f"d{n}")) for n, d in enumerate(decided)),
        where=b.present(b.col("p", key)),
    )
    return [
        ir.IrStep("match", f"{name}/left/{number}", left),
        ir.IrStep("match", f"{name}/known/{number}", _known(sync, rule, number, decided)),
        ir.IrStep("match", f"{name}/groups/{number}", _groups(name, number)),
        ir.IrStep("match", f"{name}/match/{number}", _decide(sync, rule, number)),
    ]


def _same_row(left: str, right: str) -> ir.Scalar:
    return b.all_of(
        [
            b.equal(b.col(left, "connection"), b.col(right, "connection")),
            b.equal(b.col(left, "_native_id"), b.col(right, "_native_id")),
        ]
    )


def _known(sync: ResolvedSync, rule: IdentityRule, number: int, decided: Sequence[str]) -> ir.Union:
    """Canonical ids that have this rule's key already: by their records, or decided by an earlier rule."""
    name = sync.name
    wanted = ir.Join("inner", ir.Source(f"{name}/left/{number}", "w"), b.equal(b.col("w", "key"), _key_text(rule, "c")))
    selects = [
        ir.Select(
            (("key", _key_text(rule, "c")), ("_cid", b.col("c", "_cid"))),
            ir.Source(f"{name}/canonical", "c"),
            (wanted,),
            distinct=True,
        )
    ]
    for n, relation in enumerate(decided):
        alias = f"d{n}"
        selects.append(
            ir.Select(
                (("key", b.col("p", f"key.{number}")), ("_cid", b.col(alias, "_cid"))),
                ir.Source(f"{name}/pool", "p"),
                (ir.Join("inner", ir.Source(relation, alias), _same_row("p", alias)),),
                where=b.all_of([b.present(b.col("p", f"key.{number}")), b.present(b.col(alias, "_cid"))]),
            )
        )
    return ir.Union(tuple(selects))


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


def _decide(sync: ResolvedSync, rule: IdentityRule, number: int) -> ir.Select:
    """Clear groups are linked; groups nobody may originate are left for later rules; the rest goes to review."""
    name = sync.name
    taken = ir.Source("links", "t")
    unique = b.all_of(
        [
            b.equal(b.col("g", "rows"), b.col("g", "connections")),
            b.call("<=", b.col("g", "known"), ir.Value(1)),
            b.is_null(b.col("t", "native_id")),
        ]
    )
    clear = unique if rule.then == "link" else b.all_of([unique, b.equal(b.col("g", "known"), ir.Value(0))])
    cid = b.call(
        "COALESCE", b.col("g", "_cid"), ir.Call("CANONICAL_ID", (b.text(sync.object.name), b.col("g", "_first")))
    )
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
            ("rule", b.text("same " + ", ".join(rule.same))),
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
                        b.equal(b.col("t", "object"), b.text(sync.object.name)),
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


def _rest(sync: ResolvedSync, members: Sequence[MemberSlots], decided: Sequence[str]) -> ir.IrStep:
    """Rows that no rule decided: new where their connection may originate, unmatched elsewhere."""
    del members
    originates = b.col("p", "_originates")
    query = ir.Select(
        (
            ("connection", b.col("p", "connection")),
            ("_native_id", b.col("p", "_native_id")),
            ("_cid", b.when((originates, ir.Call("CANONICAL_ID", (b.text(sync.object.name), _row("p")))))),
            ("how", b.when((originates, b.text("originated")), default=b.text("unmatched"))),
            ("rule", b.text("")),
            ("state", b.when((originates, b.text("new")), default=b.text("unmatched"))),
        ),
        ir.Source(f"{sync.name}/pool", "p"),
        (
            *(ir.Join("anti", ir.Source(d, f"d{n}"), _same_row("p", f"d{n}")) for n, d in enumerate(decided)),
            ir.Join("cross", ir.Source("run", "run")),
        ),
    )
    return ir.IrStep("match", f"{sync.name}/match/rest", query)
