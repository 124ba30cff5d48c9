"""The data that a review looks at: a state, a folder of extracts, or what scenarios play with.

In: what was named, both releases. Out: ``Impact``. Extracts and scenarios are brought into a state of their own first: the release before
the change runs over them between stand-ins until nothing is left to do, so that what is told is what the change alone would do.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from syncline_compiler.pipeline import Compilation
from syncline_compiler.scenarios.play import Play, StepFailedError
from syncline_compiler.scenarios.words import native_text
from syncline_runtime.errors import ApprovalNeeded
from syncline_runtime.impact import Impact, MemberImpact, impact_of
from syncline_runtime.known_rows import KnownRows, Wanted, together
from syncline_runtime.ledger import FILE
from syncline_runtime.plan import Release
from syncline_runtime.sandbox.rehearsal import House, Rehearsal

SCENARIOS = "scenarios"
FORMS = ("csv", "json", "jsonl")
MOST_RECORDS = 100_000
"""Records of extracts: stand-ins hold them in memory."""
SETTLING = 3
"""Runs after which nothing is left to do, where anything comes to rest at all."""


class DataError(ValueError):
    """What was named holds no data; the text says what to name."""


def impact_on(
    data: str,
    before: Release,
    after: Release,
    side: Compilation,
    environment: str | None,
    workshop: Path,
    wanted: Collection[Wanted] = (),
) -> Impact:
    """Tell what a change does to data.

    ``data``: a state folder, a folder of extracts, or the word ``scenarios``: those of ``side``; ``wanted``: values of records that
    are given along. Raises DataError and SynclineError.
    """
    if data == SCENARIOS:
        return merged(_on_scenarios(side, before, after, workshop, wanted))
    folder = Path(data)
    if not folder.is_dir():
        raise DataError(f"there is no folder {data}: name a state, a folder of extracts, or `{SCENARIOS}`")
    if (folder / FILE).is_file():
        return impact_of(before, after, _whose(environment, before, after), folder, wanted=wanted)
    with House(before, workshop / "house") as house:
        rehearsal = Rehearsal(house, workshop / "extracts")
        _fill(rehearsal, folder)
        return _after_settling(rehearsal, after, wanted)


def _whose(environment: str | None, before: Release, after: Release) -> str:
    """Give the environment whose state it is, which both sides must have."""
    both = [one for one in before.environments if one in after.environments]
    if environment in both:
        return environment
    if environment is None and len(both) == 1:
        return both[0]
    names = ", ".join(both) or "none"
    if environment is None:
        raise DataError(f"--env says whose state it is: one of the environments that both sides have ({names})")
    sides = {"before the change": before, "after it": after}
    lacking = " and ".join(side for side, release in sides.items() if environment not in release.environments)
    raise DataError(f"--env {environment}: there is no such environment {lacking}; both sides have: {names}")


def merged(found: Iterable[Impact]) -> Impact:
    """Put what was found in several states together."""
    impacts = list(found)
    members: dict[tuple[str, str], MemberImpact] = {}
    for one in (member for impact in impacts for member in impact.members):
        known = members.get((one.sync, one.connection))
        members[one.sync, one.connection] = one if known is None else _sum(known, one)
    records = sum(impact.records for impact in impacts)
    rows: dict[Wanted, KnownRows] = {}
    for impact in impacts:
        rows = together(rows, impact.rows)
    return Impact(SCENARIOS, records, tuple(members.values()), rows=rows)


def _sum(one: MemberImpact, other: MemberImpact) -> MemberImpact:
    counts = ("known", "created", "written", "deleted", "rejected", "review", "left_scope", "anyhow")
    fields = {field.name: field for field in one.fields}
    for field in other.fields:
        known = fields.get(field.name)
        fields[field.name] = (
            field if known is None
            else replace(known, records=known.records + field.records, samples=(*known.samples, *field.samples)[:3])
        )  # fmt: skip
    summed: dict[str, Any] = {name: getattr(one, name) + getattr(other, name) for name in counts}
    return replace(one, **summed, fields=tuple(fields.values()))


def _on_scenarios(
    side: Compilation, before: Release, after: Release, workshop: Path, wanted: Collection[Wanted]
) -> Iterator[Impact]:
    """Play each scenario under the release before the change; those that it does not play to their end say nothing."""
    with House(before, workshop / "house") as house:
        for name, declared in side.written.scenarios.items() if side.written is not None else ():
            play = Play.on(declared, house, workshop / name)
            try:
                play.do_all()
            except StepFailedError:
                continue
            yield _after_settling(play.rehearsal, after, wanted)


def _after_settling(rehearsal: Rehearsal, after: Release, wanted: Collection[Wanted]) -> Impact:
    for _ in range(SETTLING):
        try:
            result = rehearsal.run()
        except ApprovalNeeded:
            result = rehearsal.run(approve=rehearsal.plan().changes.id)
        if not result.changes.writes:
            break
    return impact_of(rehearsal.release, after, rehearsal.place.binding, rehearsal.place.folder, wanted=wanted)


def _fill(rehearsal: Rehearsal, folder: Path) -> None:
    """Lay out the records of extracts, files named ``CONNECTION.RESOURCE.csv``, ``.json`` or ``.jsonl``, in native fields."""
    found = 0
    connections = rehearsal.release.index.connections
    for file in sorted(folder.iterdir()):
        connection, _, rest = file.name.partition(".")
        resource, _, form = rest.rpartition(".")
        if form not in FORMS or connection not in connections or not file.is_file():
            continue
        described = {one.name: one for one in rehearsal.release.system_of(connection).resources}.get(resource)
        if described is None:
            named = ", ".join(one.name for one in rehearsal.release.system_of(connection).resources)
            raise DataError(f"{file}: {connections[connection]} has no resource {resource!r}; it has: {named}")
        for record in _records(file, form):
            found += 1
            if found > MOST_RECORDS:
                raise DataError(f"{folder} holds more than {MOST_RECORDS:,} records: name a state folder for so many")
            natives = {name: native_text(value) for name, value in record.items() if name in described.by_name}
            if natives.get(described.id) is None:
                raise DataError(f"{file}: a record is without its id, {described.id!r}")
            rehearsal.befall(connection, resource, natives[described.id] or "", natives)
    if not found:
        names = ", ".join(f"{name}.RESOURCE.csv" for name in sorted(connections))
        raise DataError(f"{folder} is no state, and holds no extracts: files such as {names}")


def _records(file: Path, form: str) -> Iterator[Mapping[str, Any]]:
    try:
        with file.open(encoding="utf-8-sig", newline="") as stream:
            if form == "csv":
                yield from ({k: v or None for k, v in row.items() if k is not None} for row in csv.DictReader(stream))
            elif form == "jsonl":
                yield from (json.loads(line, parse_float=str) for line in stream if line.strip())
            else:
                yield from json.load(stream, parse_float=str)
    except (OSError, ValueError, csv.Error) as error:
        raise DataError(f"{file}: {error}") from None
