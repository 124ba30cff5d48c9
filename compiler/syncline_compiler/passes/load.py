"""Load: the project's files become specs with positions.

In: files as read. Out: ``WrittenProject``, or None where a file cannot be read and nothing tells what is in it, since any
name may be. A file that begins with its kind and name is known by these though the rest cannot be read; in place of a
project file that cannot be used stands one that says nothing, which `broken` tells.
Files of packs are kept unread. Diagnostics: SYN0001 … SYN0012. Invariant: the order of the files does not matter.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import field
from typing import Any

from syncline_compiler.diagnostics.diagnostic import Collector
from syncline_compiler.model.document import LIBRARY_PACK, Declared, Document, Pack, WrittenProject
from syncline_compiler.model.kinds import KINDS
from syncline_compiler.model.spec import PackSpec, ProjectSpec
from syncline_compiler.shape import check_shape
from syncline_compiler.source import PACK_FILE, PROJECT_FILE, SourceFile, Span, Unreadable
from syncline_compiler.spelling import did_you_mean, nearest
from syncline_compiler.yaml_reader import read_yaml
from syncline_runtime.frozen import dataclass

LATER_KINDS = ("process",)
"""Kinds of the language that this version does not know yet."""
_BEGINNING = re.compile(r"(?:[ \t]*(?:#[^\n]*)?\n)*(?P<kind>[a-z]+):[ \t]+[\"']?(?P<name>[a-z][a-z0-9_]*)\b")
"""The first line of a spec that is no comment: its kind and name."""


@dataclass
class _Found:
    """Specs by kind and name as they are found."""

    specs: dict[str, dict[str, Declared[Any]]] = field(default_factory=lambda: {kind: {} for kind in KINDS})
    broken: dict[str, set[str]] = field(default_factory=lambda: {kind: set() for kind in KINDS})
    documents: dict[tuple[str, str], Span] = field(default_factory=dict)
    project: Declared[ProjectSpec] | None = None
    mappings: list[SourceFile] = field(default_factory=list)
    unreadable: bool = False
    has_project_file: bool = False
    packs: dict[str, Declared[PackSpec]] = field(default_factory=dict)  # folder → what it says of itself
    packed: dict[str, dict[str, SourceFile]] = field(default_factory=dict)  # folder → path within it → file


def load(files: Iterable[SourceFile | Unreadable], diagnostics: Collector) -> WrittenProject | None:
    """Read every file; None if the checks cannot go on."""
    found = _Found()
    files = sorted(files, key=lambda file: file.path)
    found.packed = {file.path.removesuffix(f"/{PACK_FILE}"): {} for file in files if _is_pack_file(file.path)}
    for file in files:
        found.has_project_file |= file.path == PROJECT_FILE
        if isinstance(file, Unreadable):
            diagnostics.report(file.code, file.span, label=file.why, help=file.remedy)
            found.unreadable = True
        elif (folder := _pack_of(file.path, found)) is not None:
            _load_packed(file, folder, found, diagnostics)
        elif file.path.endswith(".map"):
            found.mappings.append(file)
        else:
            _load_yaml(file, found, diagnostics)
    if not found.has_project_file:
        beginning = Span(PROJECT_FILE, 1, 1, 1, 2)
        diagnostics.report("SYN0011", beginning, label="this file does not exist", help="`syncline init DIR` makes one")
    if found.unreadable or found.project is None:
        return None
    specs = found.specs
    return WrittenProject(
        project=found.project,
        objects=specs["object"],
        systems=specs["system"],
        codes=specs["codes"],
        syncs=specs["sync"],
        events=specs["event"],
        policies=specs["policy"],
        scenarios=specs["scenario"],
        models=specs["model"],
        mappings=tuple(found.mappings),
        broken={kind: frozenset(names) for kind, names in found.broken.items()},
        packs={
            pack.spec.pack: Pack(pack.spec.pack, folder, found.packed[folder]) for folder, pack in found.packs.items()
        },
    )


def load_alone(file: SourceFile) -> Declared[Any] | None:
    """Read one spec, or the project file, by itself; None if there is anything to say about it."""
    found, diagnostics = _Found(), Collector()
    _load_yaml(file, found, diagnostics)
    specs = [one for of_kind in found.specs.values() for one in of_kind.values()]
    return next(iter(specs), found.project) if not len(diagnostics) else None


def _is_pack_file(path: str) -> bool:
    return path.endswith(f"/{PACK_FILE}")


def _pack_of(path: str, found: _Found) -> str | None:
    """Find the pack's folder that a file lies in, the innermost if one lies in another."""
    around = [folder for folder in found.packed if path.startswith(f"{folder}/")]
    return max(around, key=len, default=None)


def _load_packed(file: SourceFile, folder: str, found: _Found, diagnostics: Collector) -> None:
    """Read what a pack says of itself; its specs wait until something imports them."""
    if file.path != f"{folder}/{PACK_FILE}":
        found.packed[folder][file.path.removeprefix(f"{folder}/")] = file
        return
    document = read_yaml(file, diagnostics)
    pack = check_shape(PackSpec, document, diagnostics) if document is not None else None
    if document is None or pack is None:
        found.unreadable = True
    elif pack.spec.pack == LIBRARY_PACK:
        label = f"`{LIBRARY_PACK}` is the library that is shipped with the compiler"
        diagnostics.report("SYN0010", document.at("pack"), label=label, help="give the pack another name")
    elif _is_new("pack", pack.spec.pack, document, found, diagnostics):
        found.packs[folder] = pack


def _load_yaml(file: SourceFile, found: _Found, diagnostics: Collector) -> None:
    document = read_yaml(file, diagnostics)
    if document is None and file.path == PROJECT_FILE:
        found.project = _blank(file, found)
    elif document is None:
        _note_broken(file, found)
    elif file.path == PROJECT_FILE:
        found.project = check_shape(ProjectSpec, document, diagnostics) or _blank(file, found)
    else:
        _load_spec(document, found, diagnostics)


def _blank(file: SourceFile, found: _Found) -> Declared[ProjectSpec]:
    """Give a project that says nothing in place of one that cannot be used: all other specs are checked without it."""
    found.broken["project"] = {file.path}
    beginning = Span(file.path, 1, 1, 1, 2)
    return Declared(ProjectSpec(syncline=1, project="unreadable"), Document(file, {}, {}, {(): beginning}))


def _note_broken(file: SourceFile, found: _Found) -> None:
    """Note the name of a spec that cannot be read, so that uses of it are not reported too."""
    beginning = _BEGINNING.match(file.text)
    kind = nearest(beginning["kind"], [*KINDS, *LATER_KINDS]) if beginning is not None else None
    if beginning is None or kind is None:
        found.unreadable = True
    elif kind in KINDS:
        found.broken[kind].add(beginning["name"])


def _load_spec(document: Document, found: _Found, diagnostics: Collector) -> None:
    kind = _kind(document, diagnostics)
    if kind is None:
        _note_broken(document.source, found)
        return
    declared: Declared[Any] | None = check_shape(KINDS[kind], document, diagnostics)
    name = str(document.value[kind])
    if not _is_new(kind, name, document, found, diagnostics):
        return
    if declared is None:
        found.broken[kind].add(name)
    else:
        found.specs[kind][name] = declared


def _is_new(kind: str, name: str, document: Document, found: _Found, diagnostics: Collector) -> bool:
    span = document.at(kind)
    first = found.documents.setdefault((kind, name), span)
    if first is not span:
        diagnostics.report(
            "SYN0010", span, label=f"`{name}` is declared here again", secondary=[(first, "first declared here")],
            help="give one of the two another name, or remove it",
        )  # fmt: skip
        return False
    return True


def _kind(document: Document, diagnostics: Collector) -> str | None:
    """Find what a document declares: its first key."""
    value = document.value
    if not isinstance(value, dict) or not value:
        beginning = "object, system, codes, sync, event, policy or scenario, as in `object: account`"
        label = "the file is empty" if value is None else "this is no mapping of keys to values"
        diagnostics.report("SYN0009", document.at(), label=label, help=f"a spec begins with its kind: {beginning}")
        return None
    first = next(iter(value))
    if first in KINDS:
        return str(first)
    if first in LATER_KINDS:
        diagnostics.report("SYN0012", document.key(first), label=f"specs of kind `{first}` are not read yet")
        return None
    _report_kind(document, first, [kind for kind in KINDS if kind in value], diagnostics)
    return None


def _report_kind(document: Document, first: str, elsewhere: list[str], diagnostics: Collector) -> None:
    remedy = f"move `{elsewhere[0]}` to the top of the file" if elsewhere else did_you_mean(first, KINDS, kind="kinds")
    if first in ("openapi", "swagger"):
        remedy = (
            "what a vendor says of a system is for `syncline drift`: keep it in a folder whose name begins with a dot"
        )
    diagnostics.report("SYN0009", document.key(first), label=f"`{first}` is no kind of spec", help=remedy)
