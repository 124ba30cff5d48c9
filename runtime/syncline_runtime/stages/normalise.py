"""Normalise: landed rows to canonical values, and a class for every row that goes no further.

In: landed relations, stored images. Out, per member: ``image`` and ``values`` of valid rows, ``parked`` for those that
wait (rejected, review), ``class`` with one class per row read. Rows that are as stored are matched without work, so far
as nothing is open on them.
"""

from __future__ import annotations

from collections.abc import Mapping

from syncline_runtime.connectors import GARBLED
from syncline_runtime.ledger import NewException
from syncline_runtime.plan import Member, Plan
from syncline_runtime.stages.absence import find_gone
from syncline_runtime.stages.classify import again_of, classify
from syncline_runtime.stages.context import RunContext, landed_of, prefix_of
from syncline_runtime.stages.returns import look_up_links
from syncline_runtime.state import quoted, text
from syncline_runtime.values import apply_function

FAULT_COLUMNS = {"_native_id": "VARCHAR", "field": "VARCHAR", "code": "VARCHAR", "rule": "VARCHAR", "action": "VARCHAR"}
IMAGE_COLUMNS = {
    "_native_id": "VARCHAR",
    "_cid": "VARCHAR",
    "_version": "VARCHAR",
    "_raw_hash": "VARCHAR",
    "_mapping": "VARCHAR",
    "_fresh": "BOOLEAN",
    "_moved": "BOOLEAN",
    "_correlation": "VARCHAR",
    "_unseen": "VARCHAR",
}
VALUE_COLUMNS = {"_native_id": "VARCHAR", "_cid": "VARCHAR", "_moved": "BOOLEAN", "_take": "BOOLEAN"}
PARKED_COLUMNS = {"_native_id": "VARCHAR", "_cid": "VARCHAR", "status": "VARCHAR", "detail": "VARCHAR"}
CATEGORY = {
    "SYN5001": "mapping",
    "SYN5002": "validation",
    "SYN5003": "validation",
    "SYN5004": "mapping",
    "SYN5005": "mapping",
    "SYN5016": "validation",
}
SAYS = {
    "SYN5001": "the value does not fit its type",
    "SYN5002": "a required field is empty",
    "SYN5003": "the mapping rejects the record",
    "SYN5004": "the code table has no row for the code",
    "SYN5005": "the record it refers to is not known yet",
    "SYN5016": "the system has never told it",
}
# the record that a row is, unless it was deleted since: then match finds out whether it is back (see ``returns``)
_LINKED = "CASE WHEN b._native_id IS NULL OR (b._status <> 'gone' AND b._cid = k.canonical_id) THEN k.canonical_id END"
WAIT = "wait"  # the action of a fault that sets only its field aside


def normalise(run: RunContext, plan: Plan) -> None:
    """Normalise what was read for every member of a sync; a sync for which nothing came stays *idle*."""
    for member in plan.members:
        classify(run, plan, member)
        find_gone(run, plan, member)
    run.idle.add(plan.name)
    if any([_takes_up(run, plan, member) for member in plan.members]):
        wake(run, plan)


def wake(run: RunContext, plan: Plan) -> None:
    """Make ``values``, ``faults`` and ``parked`` of an idle sync, which costs a little even for no rows."""
    if plan.name in run.idle:
        run.idle.remove(plan.name)
        for member in plan.members:
            if prefix_of(plan, member) in run.parts:
                _normalise_part(run, plan, member, 0)
            else:
                _nothing_came(run, plan, member)


def _takes_up(run: RunContext, plan: Plan, member: Member) -> bool:
    """Make the first part of ``image`` of a member for which something came or waits; tell whether it did."""
    prefix = prefix_of(plan, member)
    came = f"SELECT count(*) FROM {quoted(f'{prefix}/class')} WHERE class = 'changed'"
    waits = f"SELECT count(*) FROM {quoted(f'{prefix}/stored')} AS b WHERE {again_of(run, member)}"
    if run.reading(member).error is not None:
        waits = "0"  # nobody knows what they show by now: nothing is decided from them, and nothing written there
    [(rows, waiting)] = run.state.rows(f"SELECT ({came}), ({waits})")
    if not rows and not waiting:
        return False
    look_up_links(run, "native_id", _ids_of(prefix))
    run.state.make(f"{prefix}/linked", _links_of(plan, member))
    run.state.make(f"{prefix}/image#0", _image_of_landed(run, plan, member, waiting))
    run.parts[prefix] = 0
    return True


def _nothing_came(run: RunContext, plan: Plan, member: Member) -> None:
    """Make the relations of a member without rows: planning its steps for nothing would cost more than all else."""
    prefix, state = prefix_of(plan, member), run.state
    slots = {slot.name: slot.type for slot in member.slots}
    slots |= {f"late.{one.slot}": "BOOLEAN" for one in member.late if one.reads}
    slots |= {f"untold.{slot.name}": "BOOLEAN" for slot in member.slots if slot.partial}
    natives = {f"native.{name}": "VARCHAR" for name in member.natives}
    clocks = {f"clock.{name}": "TIMESTAMPTZ" for name in member.clocks}
    for role, columns in (
        ("image", IMAGE_COLUMNS | natives),
        ("values", VALUE_COLUMNS | slots | clocks),
        ("parked", PARKED_COLUMNS),
    ):
        state.empty(f"{prefix}/{role}#0", columns)
        state.bind(f"{prefix}/{role}", f"SELECT * FROM {quoted(f'{prefix}/{role}#0')}")
    run.parts[prefix] = 0


def normalise_rows(run: RunContext, plan: Plan, member: Member, image: str) -> None:
    """Normalise the rows of an image query as one more part of the member's ``image`` and ``values``."""
    number = run.parts[prefix_of(plan, member)]
    part = f"{prefix_of(plan, member)}/image#{number}"
    run.state.make(part, image)
    if run.state.scalar(f"SELECT count(*) FROM {quoted(part)}"):
        _normalise_part(run, plan, member, number)
        if member.late:
            report_faults(run, plan, member, number, waiting=True)


def _normalise_part(run: RunContext, plan: Plan, member: Member, number: int) -> None:
    prefix, state = prefix_of(plan, member), run.state
    state.bind(f"{prefix}/image", f"SELECT * FROM {quoted(f'{prefix}/image#{number}')}")
    run_value_steps(run, member)
    for role in ("values", "faults"):
        step = member.step(role)
        assert step is not None  # every member normalises
        name = f"{prefix}/{role}#{number}"
        state.make(name, step.sql)
        state.bind(f"{prefix}/{role}", f"SELECT * FROM {quoted(name)}")
    run.parts[prefix] = number + 1
    _find_garbled(run, member, prefix, number)
    _park(run, plan, member, number)
    bind_parts(run, prefix)


def bind_parts(run: RunContext, prefix: str) -> None:
    """``image``, ``values`` and ``parked`` of a member: all that has been normalised so far."""
    for role in ("image", "values", "parked"):
        tables = (quoted(f"{prefix}/{role}#{number}") for number in range(run.parts[prefix]))
        run.state.bind(f"{prefix}/{role}", " UNION ALL ".join(f"SELECT * FROM {table}" for table in tables))


def _find_garbled(run: RunContext, member: Member, prefix: str, number: int) -> None:
    """Add faults of texts that are no Unicode, in rows that came so or have waited since they did."""
    image, values = quoted(f"{prefix}/image#{number}"), quoted(f"{prefix}/values#{number}")
    natives = [quoted(f"native.{name}") for name in member.natives]
    rows = "true" if landed_of(member) in run.garbled else f"i._correlation = {text(_again(run))}"
    anything = f"{rows} AND contains(concat_ws('', {', '.join(f'i.{name}' for name in natives)}), {text(GARBLED)})"
    if not run.state.scalar(f"SELECT count(*) FROM {image} AS i WHERE {anything}"):
        return
    for name in member.natives:
        run.state.execute(
            f"INSERT INTO {quoted(f'{prefix}/faults#{number}')} SELECT i._native_id, {text(name)}, 'SYN5001', 'Unicode', 'reject' "
            f"FROM {image} AS i JOIN {values} AS v ON v._native_id = i._native_id AND v._take "
            f"WHERE {rows} AND contains(i.{quoted(f'native.{name}')}, {text(GARBLED)})"
        )


def run_value_steps(run: RunContext, member: Member) -> None:
    """Run the functions that SQL cannot do over the distinct values they are asked for."""
    for step in member.values:
        given = [row[0] for row in run.state.rows(step.source)]
        answers = ((value, apply_function(step.function, step.option, value)) for value in given)
        run.state.fill(step.output, {"input": "VARCHAR", "output": "VARCHAR"}, answers)


def _image_of_landed(run: RunContext, plan: Plan, member: Member, waiting: int) -> str:
    """Give changed rows with what they do not tell laid over from the stored image, and parked rows to try again.

    ``waiting``: how many there are of the latter. Of what is not there nothing is said, which would be planned, too.
    """
    prefix = prefix_of(plan, member)
    natives = [f"native.{name}" for name in member.natives]
    missing = {row[0] for row in run.state.rows(f"SELECT DISTINCT unnest(_missing) FROM {quoted(landed_of(member))}")}
    told = ", ".join(_told(name, missing=name in missing) for name in member.natives)
    links, known = f"LEFT JOIN {quoted(f'{prefix}/linked')} AS k ON k.native_id =", quoted(f"{prefix}/stored")
    landed = f"""
        SELECT l._native_id, {_LINKED} AS _cid, l._version, l._raw_hash, {text(member.mapping)} AS _mapping,
               true AS _fresh, b._raw_hash IS DISTINCT FROM l._raw_hash AS _moved, l._correlation,
               {_unseen(member)}, {told}
        FROM {quoted(landed_of(member))} AS l
        JOIN {quoted(f"{prefix}/class")} AS c ON c._seq = l._seq AND c.class = 'changed'
        LEFT JOIN {known} AS b ON b._native_id = l._native_id
        {links} l._native_id
    """
    if not waiting:
        return landed
    stored = ", ".join(f"b.{quoted(name)}" for name in natives)
    return f"""
        {landed}
        UNION ALL
        SELECT b._native_id, {_LINKED}, b._version, b._raw_hash, {text(member.mapping)}, true,
               false, {text(_again(run))}, b._unseen, {stored}
        FROM {known} AS b
        {links} b._native_id
        WHERE ({again_of(run, member)})
          AND b._native_id NOT IN (SELECT _native_id FROM {quoted(f"{prefix}/class")}
                                   WHERE class IN ('changed', 'tombstone'))
          AND b._native_id NOT IN (SELECT _native_id FROM {quoted(f"{prefix}/gone")})
    """


def _told(name: str, *, missing: bool) -> str:
    """Give a native field of a landed row; ``missing``: some rows do not tell it."""
    column = quoted(f"native.{name}")
    if not missing:
        return f"l.{column}"
    stored = f"list_contains(l._missing, {text(name)}) AND b._status <> 'gone'"
    return f"CASE WHEN {stored} THEN b.{column} ELSE l.{column} END AS {column}"


def _unseen(member: Member) -> str:
    """Give ``_unseen``: fields, between commas, that may be missing and were, now and whenever the record was read."""
    never = "(b._native_id IS NULL OR b._status = 'gone' OR contains(b._unseen, {name}))"
    names = ", ".join(
        f"CASE WHEN list_contains(l._missing, {text(name)}) AND {never.format(name=text(f',{name},'))} THEN {text(f'{name},')} END"
        for name in member.partial
    )
    listed = f"nullif(concat(',', {names}), ',')" if names else "CAST(NULL AS VARCHAR)"
    return f"{listed} AS _unseen"


def stored_image(plan: Plan, member: Member, where: str) -> str:
    """Give stored images of linked records as an image query; ``where`` is over ``b`` (the base row)."""
    prefix = prefix_of(plan, member)
    natives = ", ".join(f"b.{quoted(f'native.{name}')}" for name in member.natives)
    return f"""
        SELECT b._native_id, b._cid, b._version, b._raw_hash, {text(member.mapping)} AS _mapping,
               b._mapping <> {text(member.mapping)} AS _fresh, false AS _moved,
               CAST(NULL AS VARCHAR) AS _correlation, b._unseen, {natives}
        FROM {quoted(f"{prefix}/stored")} AS b WHERE b._status = 'linked' AND {where}
    """


def _again(run: RunContext) -> str:
    """Give the correlation id of rows that waited and are tried again."""
    return f"{run.run_id}-again"


def _links_of(plan: Plan, member: Member) -> str:
    """Give the links of rows that tell something or are tried again."""
    ids = _ids_of(prefix_of(plan, member))
    return (
        f"SELECT native_id, canonical_id FROM few_links WHERE object = {text(plan.object)} AND native_id IN ({ids}) "
        f"AND connection = {text(member.connection)} AND resource = {text(member.resource)}"
    )


def _ids_of(prefix: str) -> str:
    return " UNION ALL ".join(f"SELECT _native_id FROM {quoted(f'{prefix}/{role}')}" for role in ("class", "stored"))


def _park(run: RunContext, plan: Plan, member: Member, number: int) -> None:
    """Take rows that are not taken or have faults out of ``values``; ``parked`` says what they are."""
    prefix, state = prefix_of(plan, member), run.state
    values, faults = quoted(f"{prefix}/values#{number}"), quoted(f"{prefix}/faults#{number}")
    state.make(
        f"{prefix}/parked#{number}",
        f"""
        SELECT v._native_id, v._cid, CASE
            WHEN NOT v._take AND v._cid IS NULL THEN 'filtered'
            WHEN NOT v._take THEN 'left_scope'
            WHEN f.action = 'review' THEN 'review'
            ELSE 'rejected' END AS status, coalesce(f.code, 'take') AS detail
        FROM {values} AS v
        LEFT JOIN (SELECT _native_id, min(action) AS action, min(code) AS code FROM {faults}
                   WHERE action <> {text(WAIT)} GROUP BY 1) AS f
          ON f._native_id = v._native_id
        WHERE NOT v._take OR f._native_id IS NOT NULL
        """,
    )
    report_faults(run, plan, member, number)
    state.execute(
        f"DELETE FROM {values} WHERE _native_id IN (SELECT _native_id FROM {quoted(f'{prefix}/parked#{number}')})"
    )


def report_faults(run: RunContext, plan: Plan, member: Member, number: int, *, waiting: bool = False) -> None:
    """Put before people what is wrong with rows of a part; ``waiting``: late references of rows that go on."""
    prefix = prefix_of(plan, member)
    slots = {slot.name: slot for slot in member.slots}
    owners = {field.name: field.owner for field in plan.fields}
    natives = ", ".join(f"i.{quoted(f'native.{name}')}" for name in member.natives)
    found = run.state.rows(
        f"""
        SELECT f._native_id, f.field, f.code, f.rule, f.action, i._cid, i._correlation, {natives}
        FROM {quoted(f"{prefix}/faults#{number}")} AS f
        JOIN {quoted(f"{prefix}/image#{number}")} AS i ON i._native_id = f._native_id
        WHERE (f.action = {text(WAIT)}) = {waiting}
        ORDER BY f._native_id, f.field, f.code
        """
    )
    for native_id, field, code, rule, action, cid, correlation, *values in found:
        slot = slots.get(field)
        concerned = {
            name: value for name, value in zip(member.natives, values, strict=True) if slot is None or name in slot.line
        }
        run.exceptions.append(
            NewException(
                sync=plan.name,
                object=plan.object,
                connection=member.connection,
                resource=member.resource,
                rule=rule,
                code=code,
                category=CATEGORY.get(code, "mapping"),
                message=f"{SAYS.get(code, 'a step failed')}: {field or rule} ({slot.place if slot else plan.name})",
                native_id=native_id,
                canonical_id=cid or "",
                field=field,
                pattern="missing" if code in ("SYN5002", "SYN5005", "SYN5016") else "mismatched",
                severity="warning" if action == "review" else "error",
                side="source",
                owner=owners.get(field, ""),
                correlation_id=correlation or "",
                values={"native": concerned},
                waits_for=_awaited(plan, field, concerned) if code == "SYN5005" else None,
            )
        )


def _awaited(plan: Plan, field: str, concerned: Mapping[str, str | None]) -> tuple[str, str] | None:
    """Give the record that a reference of which nothing is known is to, if one native field names it."""
    told = [value for value in concerned.values() if value is not None]
    refers_to = next((each.ref for each in plan.fields if each.name == field), None)
    return (refers_to, told[0]) if refers_to and len(told) == 1 else None
