"""Merges that a vendor tells: one native record is part of another from now on.

In: landed rows (``merged_into``, ``merged_from``), what was answered to who asked for one record or wrote it (``merged_answer``), the
crosswalk. Out: the crosswalk, base and canonical rows as after a merge by a person, laid over those of
the state for as long as the run lasts (``laid_over``), and kept with its seal. Invariants: the id that was merged leads to the
other for ever; nothing is deleted elsewhere because it is gone; what a person parted stays apart; a preview keeps nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from syncline_runtime.crosswalk import Crosswalk, Native
from syncline_runtime.fold import key_of
from syncline_runtime.ledger import Decision, Lease, NewException
from syncline_runtime.packing import packed, table_of
from syncline_runtime.plan import Member, Plan
from syncline_runtime.stages.context import RunContext, ToldMerge, landed_of, prefix_of
from syncline_runtime.stages.doubles import DOUBLE, set_aside
from syncline_runtime.stages.returns import bind_live_links
from syncline_runtime.state import quoted, text
from syncline_runtime.system import Resource

TOLD = "told"  # how such links came about
MERGED = "="  # in the place of a field: a system's answer, that the record is part of another
CODE = "SYN5020"
ROUNDS = 1_000


@dataclass(frozen=True)
class _Pair:
    """A record, the one that it is part of, and the links of both: canonical id and state, None where there is none."""

    gone: str
    into: str
    old: str | None
    old_state: str | None
    new: str | None
    new_state: str | None

    @property
    def concerned(self) -> set[str]:
        """Ids that one round may touch once."""
        return {one for one in (f"native:{self.gone}", f"native:{self.into}", self.old, self.new) if one}


def follow_told_merges(run: RunContext) -> bool:
    """Follow the merges that this run's rows tell of known records; tell whether there are any."""
    answered = [one for one in run.ledger.decisions.standing() if one.field == MERGED] if _anybody_answers(run) else []
    for plan in run.plans:
        for member in plan.members:
            mine = [one for one in answered if (one.object, one.by) == (plan.object, member.connection)]
            if _bind_told(run, plan, member, mine):
                _follow(run, plan, member)
                _end_answered(run, plan, member, mine)
    return bool(run.merges)


def _anybody_answers(run: RunContext) -> bool:
    members = (member for plan in run.plans for member in plan.members)
    return any(_resource_of(run, member).merged_answer for member in members)


def _resource_of(run: RunContext, member: Member) -> Resource:
    return run.release.system_of(member.connection).resource(member.resource)


def _end_answered(run: RunContext, plan: Plan, member: Member, answered: Sequence[Decision]) -> None:
    """Let answers end that were followed; tell of those that could not be, since nobody knows the other record."""
    live = f"object = {text(plan.object)} AND connection = {text(member.connection)} AND state = 'live'"
    held = (
        {row[0] for row in run.state.rows(f"SELECT native_id FROM {quoted('links:all')} WHERE {live}")}
        if answered
        else ()
    )
    for one in answered:
        told = one.values or {}
        if told.get("native_id") not in held:
            run.ended_decisions[one.id] = "done"
            continue
        run.exceptions.append(
            NewException(
                sync=plan.name,
                object=plan.object,
                connection=member.connection,
                resource=member.resource,
                rule="merged_answer",
                code=CODE,
                category="conflict",
                message=f"{member.connection} says that it is part of {told.get('into')}, of which nothing is known",
                native_id=told.get("native_id", ""),
                canonical_id=one.canonical_id,
                pattern="duplicate",
                side="source",
            )
        )


def keep_told_merges(run: RunContext, lease: Lease) -> None:
    """Keep what was laid over the state: as segments, and each merge as a decision of the system that told it."""
    segments = []
    for kind, subject in run.laid_over:
        segment = run.state.write_segment(kind, subject, run.run_id, f"SELECT * FROM {quoted(_told(kind, subject))}")
        segments += [segment] if segment else []
    if segments:
        run.ledger.register.confirm(lease, run.run_id, [], segments)
    for one in run.merges:
        told = {"connection": one.connection, "native_id": one.gone, "into": one.into}
        run.ledger.decisions.decide((one.object, one.canonical_id, ""), "link:merged", one.connection, values=told)


def lift(run: RunContext) -> None:
    """Take what was laid over the state away again."""
    if run.laid_over:
        for kind, subject in run.laid_over:
            for name in {f"{kind}:{subject}", table_of(f"{kind}:{subject}")}:
                run.state.drop(name)
        run.laid_over.clear()
        bind_live_links(run)


def set_told_aside(run: RunContext, plan: Plan) -> None:
    """Take rows out of what is matched that are part of others, by what their system says."""
    for member in _telling(run, plan):
        told = f"SELECT gone FROM {quoted(f'{prefix_of(plan, member)}/told')}"
        unlinked = f"SELECT _native_id FROM {quoted(f'{prefix_of(plan, member)}/values')} WHERE _cid IS NULL"
        if run.state.scalar(f"SELECT count(*) FROM ({told})"):
            set_aside(run, plan, member, f"SELECT _native_id FROM ({unlinked}) WHERE _native_id IN ({told})")


def link_told(run: RunContext, plan: Plan) -> None:
    """Let ids of records nobody knew lead to those that they are part of, once these are linked."""
    for member in _telling(run, plan):
        run.state.execute(
            f"""
            INSERT INTO new_links
            SELECT {text(plan.object)}, {text(member.connection)}, {text(member.resource)}, t.gone, k.canonical_id,
                   {text(TOLD)}, {_said("t.kept", member)}, {text(run.run_id)}, {text(DOUBLE)}, 0, {text(member.connection)},
                   {run.started_at}
            FROM {quoted(f"{prefix_of(plan, member)}/told")} AS t
            JOIN new_links AS k ON k.connection = {text(member.connection)} AND k.native_id = t.kept AND k.state = 'live'
              AND k.object = {text(plan.object)}
            ANTI JOIN {quoted("links:all")} AS h ON h.object = k.object AND h.connection = k.connection AND h.native_id = t.gone
            """
        )


def _telling(run: RunContext, plan: Plan) -> Iterator[Member]:
    """Give the members whose systems tell of merges."""
    for member in plan.members:
        resource = _resource_of(run, member)
        if resource.merged_into or resource.merged_from or resource.merged_answer:
            yield member


def _bind_told(run: RunContext, plan: Plan, member: Member, answered: Sequence[Decision]) -> bool:
    """``told``: gone and kept, as this run's rows and answers say; false where the system never tells."""
    resource, landed = _resource_of(run, member), quoted(landed_of(member))
    queries = []
    if resource.merged_answer:
        at = (member.connection, member.resource)
        pairs = [[one[2], one[3]] for one in sorted(run.answered) if one[:2] == at]
        pairs += [[one.values["native_id"], one.values["into"]] for one in answered if one.values]
        run.state.fill("answered", {"gone": "VARCHAR", "kept": "VARCHAR"}, pairs)
        queries.append("SELECT gone, kept FROM answered")
    if resource.merged_into:
        into = quoted(f"native.{resource.merged_into}")
        queries.append(f"SELECT _native_id AS gone, {into} AS kept FROM {landed} WHERE {into} <> ''")
    if resource.merged_from:
        listed = quoted(f"native.{resource.merged_from}")
        queries.append(
            f"SELECT unnest(from_json({listed}, '[\"VARCHAR\"]')), _native_id FROM {landed} "
            f"WHERE json_valid({listed}) AND _op <> 'delete'"
        )
    if queries:
        told = " UNION ".join(queries)
        run.state.make(
            f"{prefix_of(plan, member)}/told",
            f"SELECT gone, max(kept) AS kept FROM ({told}) WHERE gone <> kept GROUP BY gone",
        )
    return bool(queries)


def _follow(run: RunContext, plan: Plan, member: Member) -> None:
    """Follow what is told in rounds, none of which touches a record twice: what one did the next one sees."""
    for _ in range(ROUNDS):
        touched: set[str] = set()
        for pair in _due(run, plan, member):
            if touched.isdisjoint(pair.concerned):
                touched |= pair.concerned
                _merge(run, plan, member, pair)
        if not touched:
            return


def _due(run: RunContext, plan: Plan, member: Member) -> list[_Pair]:
    """Give what is told and not so yet: of known records, but for what a person has parted."""
    links = quoted("links:all")
    mine = f"object = {text(plan.object)} AND connection = {text(member.connection)} AND resource = {text(member.resource)}"
    held = f"SELECT native_id, canonical_id, state FROM {links} WHERE {mine} AND state IN ('live', {text(DOUBLE)})"
    known = (
        f"SELECT _native_id FROM {quoted(landed_of(member))} WHERE _op <> 'delete' "
        f"UNION SELECT _native_id FROM {quoted(f'base:{prefix_of(plan, member)}')} WHERE _status <> 'gone'"
    )
    return [
        _Pair(*row)
        for row in run.state.rows(
            f"""
            SELECT t.gone, t.kept, a.canonical_id, a.state, b.canonical_id, b.state
            FROM {quoted(f"{prefix_of(plan, member)}/told")} AS t
            LEFT JOIN ({held}) AS a ON a.native_id = t.gone
            LEFT JOIN ({held}) AS b ON b.native_id = t.kept
            ANTI JOIN {links} AS p ON p.native_id = t.gone AND p.canonical_id = b.canonical_id AND p.state = 'unlinked'
              AND p.object = {text(plan.object)} AND p.connection = {text(member.connection)}
            WHERE (b.canonical_id IS NOT NULL AND (a.canonical_id IS DISTINCT FROM b.canonical_id OR a.state = 'live'))
               OR (b.canonical_id IS NULL AND a.state = 'live' AND t.kept IN ({known}))
            ORDER BY 1
            """
        )
    ]


def _merge(run: RunContext, plan: Plan, member: Member, pair: _Pair) -> None:
    """Change the crosswalk as one pair demands, and lay that over the state."""
    says = f"{member.connection} says that {pair.gone} is part of {pair.into}"
    crosswalk = Crosswalk(
        run.release, plan, run.state, run.realm, run.run_id, run.started_at, member.connection, says, how=TOLD
    )
    gone, into = Native(member.connection, pair.gone), Native(member.connection, pair.into)
    if pair.new is None or pair.old == pair.new:
        assert pair.old is not None  # else nothing is due
        crosswalk.succeed(gone, into, pair.old)
    elif pair.old_state == "live":
        assert pair.old is not None  # it has a state
        crosswalk.join(pair.old, pair.new)
    else:
        crosswalk.add_double(gone, pair.new)
    for kind, subject, sql in crosswalk.queries():
        _lay_over(run, kind, subject, sql)
    cid = pair.new or pair.old or ""
    run.merges.append(ToldMerge(plan.name, plan.object, member.connection, pair.gone, pair.into, cid))


def _lay_over(run: RunContext, kind: str, subject: str, sql: str) -> None:
    """Put rows in the place of those that the state has, in copies that last as long as the run."""
    state, table, told = run.state, f"{kind}:{subject}", _told(kind, subject)
    state.make("laid", sql)
    if not state.scalar("SELECT count(*) FROM laid"):
        return
    copies = {table: "SELECT * FROM laid", told: "SELECT * FROM laid"}
    if (kind, subject) not in run.laid_over:
        state.make(told, f"SELECT * FROM {quoted(table)} LIMIT 0")
        for name in {table, table_of(table)}:
            state.make(name, f"SELECT * FROM {quoted(name)}")
        run.laid_over.append((kind, subject))
    if table_of(table) != table:
        columns = {row[0]: "" for row in state.rows("DESCRIBE laid")}
        values = packed(columns, {name: quoted(name) for name in columns})
        listed = ", ".join(f"{value} AS {quoted(name)}" for name, value in values.items())
        copies[table_of(table)] = f"SELECT {listed} FROM laid"
    same = " AND ".join(f"s.{quoted(name)} IS NOT DISTINCT FROM t.{quoted(name)}" for name in key_of(table))
    for copy, rows in copies.items():
        state.execute(f"DELETE FROM {quoted(copy)} AS t USING laid AS s WHERE {same}")
        state.execute(f"INSERT INTO {quoted(copy)} BY NAME {rows}")


def _told(kind: str, subject: str) -> str:
    return f"told/{kind}:{subject}"


def _said(into: str, member: Member) -> str:
    """Give, in SQL, what the system says of a record."""
    return f"concat({text(f'{member.connection} says that it is part of ')}, {into})"
