"""The projects of the worlds: small, and between them every way of finding out what became of a write.

*keyed*: two systems that both originate and hold; a knows idempotency keys, b is searched by marker and shows writes late.
*followed*: a is read by cursor with tombstones, b takes upserts by external id with a precondition; deletes follow.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

from support.engine import project, release_of
from syncline_runtime.plan import Release

LATE: Final = 30
"""Seconds until b shows what was written to it."""

_HEAD = """system: {name}
version: 1.0.0
protocol: rest
visible_after: {late}s
auth: {{kind: bearer}}
resources:
  Rec:
    id: id
"""
_LISTED = (
    "    list: {request: {path: /rec, query: {limit: '{size}', page: '{page}'}}, paging: {kind: page, size: 10}}\n"
)
_READ = '    get: {path: "/rec/{id}"}\n'
_CREATE = "    create: {request: {method: POST, path: /rec}, "
_UPDATE = '    update: {request: {method: PATCH, path: "/rec/{id}"}}\n'
_DELETE = '    delete: {request: {method: DELETE, path: "/rec/{id}"}}\n'
_KEY = "idempotency: {header: Idempotency-Key, keeps: 24h}}\n"
_MARKER = 'marker: origin, find: {request: {path: /search, query: {q: "{marker}"}}}}\n'
_FIELDS = "key: {type: text, required: true}, name: text, note: text"
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
exists: {originate: [a, b], hold: {a: true, b: true}}
owners: {"*": a, note: b}
unowned_edit: {"*": restore}
when_deleted_in: {a: delete}
"""
_MAPS = {f"{n}.map": f"mapping {n}.Rec <-> thing@1\n\nkey <-> key\nname <-> name\nnote <-> note\n" for n in "ab"}
_PROJECT = "syncline: 1\nproject: t\nenvironments: {t: {a: {stand_in: true}, b: {stand_in: true}}}\n"

KEYED: Final = {
    "syncline.yaml": _PROJECT,
    "a.yaml": _HEAD.format(name="a", late=0)
    + f"    fields: {{id: {{type: text, write: false}}, {_FIELDS}}}\n"
    + _LISTED + _READ + _CREATE + _KEY + _UPDATE + _DELETE,
    "b.yaml": _HEAD.format(name="b", late=LATE)
    + f"    fields: {{id: {{type: text, write: false}}, origin: text, {_FIELDS}}}\n"
    + _LISTED + _READ + _CREATE + _MARKER + _UPDATE + _DELETE,
    "thing.yaml": _OBJECT,
    "sync.yaml": _SYNC,
    **_MAPS,
}  # fmt: skip


def releases(folder: Path) -> list[Release]:
    """Compile the projects."""
    return [
        release_of(project(folder / name / "project", files), folder / name / "release") for name, files in ALL.items()
    ]


ALL: Final = {"keyed": KEYED}
