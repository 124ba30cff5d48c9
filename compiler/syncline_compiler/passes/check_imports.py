"""Check imports: what is imported is used.

In: the project, checked. Diagnostics: SYN0211. Invariant (of a project without these): every import is used by a
mapping, sync, event or object of the project, or by another import that is.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from syncline_compiler.diagnostics.diagnostic import Collector
from syncline_compiler.model.document import WrittenProject
from syncline_compiler.model.resolved import ResolvedObject, ResolvedProject

Used = set[tuple[str, str]]


def check_imports(project: ResolvedProject, written: WrittenProject, diagnostics: Collector) -> None:
    """Report every import that nothing in the project uses."""
    if not written.imports:
        return
    used = _used(project, written)
    for one in written.imports:
        if (one.kind, one.name) not in used:
            label = f"nothing in the project uses {one.kind} `{one.name}`"
            diagnostics.report("SYN0211", one.span, label=label, help="remove it: what is not imported costs nothing")


def _used(project: ResolvedProject, written: WrittenProject) -> Used:
    imported = {(one.kind, one.name) for one in written.imports}
    used: Used = {(kind, name) for kind, name in imported if kind == "policy"}  # its rules are asked of everything
    used |= {("object", name) for name in project.objects if ("object", name) not in imported}
    used |= {("object", name) for name, declared in written.objects.items() if declared.spec.extends is not None}
    used |= {("object", sync.object.name) for sync in project.syncs}
    used |= {("system", member.system) for sync in project.syncs for member in sync.members}
    for mapping in project.mappings:
        used |= {("object", mapping.object), ("system", mapping.system)}
    for event in project.events.values():
        used |= {("object", event.object), ("system", event.system)}
    used |= {("codes", name) for kind, name in imported if kind == "codes" and _is_written(name, written)}
    return _with_referred(used, project)


def _is_written(table: str, written: WrittenProject) -> bool:
    """Whether a code table's name stands in some mapping or in an expression of a spec."""
    specs = [*written.objects.values(), *written.syncs.values()]
    texts = (*(mapping.text for mapping in written.mappings), *(spec.document.source.text for spec in specs))
    word = re.compile(rf"\b{table}\b")
    return any(word.search(text) for text in texts)


def _with_referred(used: Used, project: ResolvedProject) -> Used:
    """Add what the used objects refer to, and what that refers to in turn."""
    waiting = [name for kind, name in used if kind == "object"]
    while waiting:
        item = project.objects.get(waiting.pop())
        for name in _referred(item) if item is not None else ():
            if ("object", name) not in used:
                used.add(("object", name))
                waiting.append(name)
    return used


def _referred(item: ResolvedObject) -> Iterator[str]:
    yield from (field.type.name for field in item.fields if field.type.kind == "ref" and field.type.name is not None)
    yield from (part.of for part in item.parts)
