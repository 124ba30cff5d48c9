"""Check for what nothing uses: code tables, mappings and objects that have no part in any sync.

In: the project, checked. Diagnostics: SYN0932. Invariant: an object that nothing uses is reported once, and its mappings
are not. What is imported has a check of its own.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from syncline_compiler.diagnostics.diagnostic import Collector
from syncline_compiler.model.document import WrittenProject
from syncline_compiler.model.resolved import ResolvedObject, ResolvedProject

_WORD = re.compile(r"\w+")


def check_unused(project: ResolvedProject, written: WrittenProject, diagnostics: Collector) -> None:
    """Report what could be left out without any run being different."""
    imported = {(one.kind, one.name) for one in written.imports}
    objects = _used_objects(project)
    for name, item in project.objects.items():
        if name not in objects and ("object", name) not in imported:
            remedy = "write a sync for it, refer to it, or remove it"
            diagnostics.report("SYN0932", item.span, label=f"nothing uses the object `{name}`", help=remedy)
    members = {(one.system, one.resource, sync.object.name) for sync in project.syncs for one in sync.members}
    for mapping in project.mappings:
        if mapping.object in objects and (mapping.system, mapping.resource, mapping.object) not in members:
            label = f"no sync of `{mapping.object}` has `{mapping.system}.{mapping.resource}` as a member"
            remedy = f"add it to `members` of the sync, such as `{mapping.system}: {mapping.system}.{mapping.resource}`"
            diagnostics.report("SYN0932", mapping.span, label=label, help=f"{remedy}, or remove the mapping")
    words = set(_words(written)) if project.codes else set[str]()
    for name, table in project.codes.items():
        if name not in words and ("codes", name) not in imported:
            remedy = f"use it in a mapping, `| code {name}`, or remove it"
            diagnostics.report("SYN0932", table.span, label=f"nothing uses the code table `{name}`", help=remedy)


def _used_objects(project: ResolvedProject) -> set[str]:
    """Name the objects of syncs and events, and what these refer to in turn."""
    used = {sync.object.name for sync in project.syncs} | {event.object for event in project.events.values()}
    waiting = sorted(used)
    while waiting:
        item = project.objects.get(waiting.pop())
        for name in _referred(item) if item is not None else ():
            if name not in used:
                used.add(name)
                waiting.append(name)
    return used


def _referred(item: ResolvedObject) -> Iterator[str]:
    yield from (field.type.name for field in item.fields if field.type.kind == "ref" and field.type.name is not None)
    yield from (part.of for part in item.parts)


def _words(written: WrittenProject) -> Iterator[str]:
    """Give every word of mappings, objects and syncs: the name of a code table may stand in any expression."""
    for mapping in written.mappings:
        yield from _WORD.findall(mapping.text)
    for declared in (*written.objects.values(), *written.syncs.values()):
        yield from _WORD.findall(declared.document.source.text)
