"""Change sets that were planned, kept beside the state: a run that is to make one can say what has moved since.

In: what a plan, or a run that a guard has stopped, would write. Out: a file for each below ``planned``; how two differ.
Invariant: no value stands in them, only keyed digests; an erasure removes them all, since they name records.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import os
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from syncline_runtime.errors import ApprovalNeeded
from syncline_runtime.folders import PLANNED
from syncline_runtime.options import Options
from syncline_runtime.report import SHORT_ID
from syncline_runtime.result import ChangeSet
from syncline_runtime.tombstones import make_key

KEPT: Final = 20
FEWEST_DIGITS: Final = 8  # of an id that people give
_MOST_TOLD: Final = 20
Told = dict[str, dict[str, str]]  # what is written, in words → field → digest of its value


def is_meant(given: str, id_: str) -> bool:
    """Whether somebody who gives this id, or the beginning of it that is shown, means this change set."""
    return len(given) >= FEWEST_DIGITS and id_.startswith(given.lower())


def keep(folder: Path, changes: ChangeSet) -> None:
    """Keep what was planned, in place of the oldest."""
    if not changes.writes and not changes.gone:
        return
    path = folder / PLANNED / f"{changes.id}.json"
    path.parent.mkdir(exist_ok=True)
    draft = path.with_name(f"{changes.id}.{os.getpid()}")
    draft.write_text(json.dumps(_told(folder, changes), sort_keys=True), encoding="utf-8")
    os.replace(draft, path)
    for old in sorted(path.parent.glob("*.json"), key=lambda one: one.stat().st_mtime, reverse=True)[KEPT:]:
        old.unlink(missing_ok=True)


def another(options: Options, now: ChangeSet) -> ApprovalNeeded:
    """Say that a run would make something else than was approved, and what has moved."""
    keep(options.state, now)
    return ApprovalNeeded(
        f"change set {str(options.approve)[:SHORT_ID]} was approved, but the run would now make {now.id[:SHORT_ID]}"
        + _moved(options.state, str(options.approve), now),
        mend=f"look at it with `{options.look}` and approve its id",
    )


def refused(options: Options, now: ChangeSet, findings: Iterable[object]) -> ApprovalNeeded:
    """Say which guards stand against a change set, and how it is approved."""
    keep(options.state, now)
    return ApprovalNeeded(
        "; ".join(map(str, findings)),
        mend=f"look at it with `{options.look}`; if that is right: `{options.command} --approve {now.id[:SHORT_ID]}`",
    )


def _moved(folder: Path, approved: str, now: ChangeSet) -> str:
    path = next((one for one in sorted(folder.glob(f"{PLANNED}/*.json")) if is_meant(approved, one.stem)), None)
    if path is None:
        return "\n  what was approved is not kept here, so that what has moved cannot be told"
    lines = [*_differing(json.loads(path.read_text(encoding="utf-8")), _told(folder, now))]
    left = len(lines) - _MOST_TOLD
    return "".join(f"\n  {line}" for line in lines[:_MOST_TOLD]) + (f"\n  … and {left} more" if left > 0 else "")


def _differing(approved: Told, now: Told) -> Iterator[str]:
    for what in sorted(approved.keys() | now.keys()):
        before, after = approved.get(what), now.get(what)
        if before is None:
            yield f"{what}: was not approved"
        elif after is None:
            yield f"{what}: is not made any more"
        elif before != after:
            names = sorted(name for name in before.keys() | after.keys() if before.get(name) != after.get(name))
            yield f"{what}: otherwise in {', '.join(names)}"


def _told(folder: Path, changes: ChangeSet) -> Told:
    secret = make_key(folder).secret
    told: Told = {}
    for one in changes.writes:
        whose = f"{one.connection}.{one.resource} {one.native_id or one.canonical_id[:10]}"
        what = f"{one.sync}: {one.operation} {whose}" + (f" {one.part}" if one.part else "")
        told[what] = _digests(secret, what, json.loads(one.payload))
    for sync, connection, native_id, *into in changes.gone:
        became = f"part of {into[0]}" if into else "gone"
        told[f"{sync}: {connection} {native_id} taken for {became}"] = {}
    return told


def _digests(secret: bytes, what: str, natives: Mapping[str, Any]) -> dict[str, str]:
    return {
        name: hmac.new(secret, json.dumps([what, name, value]).encode(), hashlib.sha256).hexdigest()[:32]
        for name, value in natives.items()
    }
