"""The projects of the worlds: small, and between them every way of finding out what became of a write.

*keyed*: two systems that both originate and hold; a knows idempotency keys, b is searched by marker and shows writes late.
*followed*: a is read by cursor, with tombstones and a sweep each day, b takes upserts by external id and updates of a version;
records refer to each other.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from support.engine import project, release_of
from syncline_runtime.plan import Release

LATE: Final = 30
"""Seconds until b shows what was written to it."""


@dataclass(frozen=True)
class Pipeline:
    """A project, and who owns what in it; ``refs``: fields that name another record of the same system."""

    name: str
    files: Mapping[str, str]
    owners: Mapping[str, str]
    refs: tuple[str, ...] = ()
    originate: tuple[str, ...] = ("a", "b")


_HEAD = """system: {name}
version: 1.0.0
protocol: rest
visible_after: {late}s
auth: {{kind: bearer}}
resources:
  Rec:
    id: id
"""
_FIELDS_OF = "    fields: {{id: {{type: text, write: false}}, {fields}}}\n"
_LISTED = (
    "    list: {request: {path: /rec, query: {limit: '{size}', page: '{page}'}}, paging: {kind: page, size: 10}}\n"
)
_READ = '    get: {path: "/rec/{id}"}\n'
_CREATE = "    create: {request: {method: POST, path: /rec}, "
_UPDATE = '    update: {request: {method: PATCH, path: "/rec/{id}"}}\n'
_DELETE = '    delete: {request: {method: DELETE, path: "/rec/{id}"}}\n'
_CHANGED = (
    "    version: changed\n    gone: {state: gone}\n"
    "    list: {request: {path: /rec, query: {limit: '{size}', page: '{page}'}}, paging: {kind: page, size: 10}, "
    'sweep: {every: 1d}, cursor: {field: changed, granularity: 1ms, lag: 5s, query: {since: "{cursor}"}}}\n'
)
_VERSIONED = '    update: {request: {method: PATCH, path: "/rec/{id}"}, precondition: {header: If-Match}}\n'
_KEY = "idempotency: {header: Idempotency-Key, keeps: 24h}}\n"
_MARKER = 'marker: origin, find: {request: {path: /search, query: {q: "{marker}"}}}}\n'
_FIELDS = "key: {type: text, required: true}, name: text, note: text"
_STAMPED = "changed: {type: instant, write: false}"
_REFERRING = "up: {type: text, ref: Rec}"
_OBJECT = """
object: thing
version: 1.0.0
fields:
  key: {type: text, required: true, label: Key}
  name: {type: "text?", label: Name}
  note: {type: "text?", label: Note}
identity: [{same: [key]}]
"""
_SYNC = """
sync: thing
object: thing@1
members: {a: a.Rec, b: b.Rec}
exists: {originate: [ORIGINATE], hold: {a: true, b: true}}
owners: {"*": a, note: b}
unowned_edit: {"*": restore}
when_deleted_in: {a: delete}
"""
_PROJECT = "syncline: 1\nproject: t\nenvironments: {t: {a: {stand_in: true}, b: {stand_in: true}}}\n"


def _maps(more: str = "") -> dict[str, str]:
    lines = "key <-> key\nname <-> name\nnote <-> note\n" + more
    return {f"{name}.map": f"mapping {name}.Rec <-> thing@1\n\n{lines}" for name in "ab"}


KEYED: Final = Pipeline(
    "keyed",
    {
        "syncline.yaml": _PROJECT,
        "a.yaml": _HEAD.format(name="a", late=0) + _FIELDS_OF.format(fields=_FIELDS)
        + _LISTED + _READ + _CREATE + _KEY + _UPDATE + _DELETE,
        "b.yaml": _HEAD.format(name="b", late=LATE) + _FIELDS_OF.format(fields=f"origin: text, {_FIELDS}")
        + _LISTED + _READ + _CREATE + _MARKER + _UPDATE + _DELETE,
        "thing.yaml": _OBJECT,
        "sync.yaml": _SYNC.replace("ORIGINATE", "a, b"),
        **_maps(),
    },
    {"name": "a", "note": "b"},
)  # fmt: skip
FOLLOWED: Final = Pipeline(
    "followed",
    {
        "syncline.yaml": _PROJECT,
        "a.yaml": _HEAD.format(name="a", late=0)
        + _FIELDS_OF.format(fields=f"{_STAMPED}, state: {{type: text, write: false}}, {_REFERRING}, {_FIELDS}")
        + _CHANGED + _READ + _UPDATE,
        "b.yaml": _HEAD.format(name="b", late=LATE)
        + _FIELDS_OF.format(fields=f"{_STAMPED}, {_REFERRING}, {_FIELDS}")
        + "    version: changed\n" + _LISTED + _READ + _CREATE + "external_id: key}\n" + _VERSIONED + _DELETE,
        "thing.yaml": _OBJECT.replace("identity", "  up: {type: ref(thing)?, label: Above}\nidentity"),
        "sync.yaml": _SYNC.replace("ORIGINATE", "a").replace("a: true, ", ""),
        **_maps("up <-> up | ref thing\n"),
    },
    {"name": "a", "note": "b", "up": "a"},
    ("up",),
    ("a",),
)  # fmt: skip
PIPELINES: Final = (KEYED, FOLLOWED)


def releases(folder: Path) -> list[tuple[Pipeline, Release]]:
    """Compile the projects."""
    return [
        (one, release_of(project(folder / one.name / "project", one.files), folder / one.name / "release"))
        for one in PIPELINES
    ]
