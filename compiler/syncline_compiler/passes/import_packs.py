"""Import: the specs that ``syncline.yaml`` names are taken from packs into the project.

In: ``WrittenProject`` with its packs, the library among them. Out: the same with the imported specs beside its own, and
the files that were read. Diagnostics: SYN0010 (twice), SYN0210 (unknown), SYN0212 (needs another), SYN0213 (another
spec than its file's name says), SYN0214 and SYN0215 (extensions).
Invariant: of a pack only what is imported is read; every name that an imported spec relies on is in the project.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import field, replace
from typing import Any

from syncline_compiler.diagnostics.diagnostic import Collector
from syncline_compiler.extension import extend
from syncline_compiler.model.document import LIBRARY_PACK, Declared, Import, Pack, WrittenProject
from syncline_compiler.model.kinds import FOLDERS, IMPORTED, KINDS
from syncline_compiler.model.spec import CodesSpec, ObjectSpec
from syncline_compiler.model.written import Written
from syncline_compiler.shape import check_shape
from syncline_compiler.source import LIBRARY, PROJECT_FILE, Library, SourceFile, Span
from syncline_compiler.spelling import did_you_mean, nearest
from syncline_compiler.yaml_reader import read_yaml
from syncline_runtime.frozen import dataclass

SECTIONS: Mapping[str, str] = {FOLDERS[kind]: kind for kind in IMPORTED}
"""What can be imported: the key under ``imports``, which is the folder within a pack too, and the kind."""
_REF = re.compile(r"ref\(\s*([a-z][a-z0-9_]*)\s*\)")

Specs = dict[str, Declared[Any]]


@dataclass
class _Importing:
    """The project while specs are added to it."""

    written: WrittenProject
    packs: Mapping[str, Pack]
    diagnostics: Collector
    specs: dict[str, Specs]
    broken: dict[str, set[str]]
    done: dict[tuple[str, str], Import] = field(default_factory=dict)
    sources: list[SourceFile] = field(default_factory=list)


def import_packs(written: WrittenProject, diagnostics: Collector) -> tuple[WrittenProject, list[SourceFile]]:
    """Add what is imported to a project; give also the files that were read for it."""
    spec = written.project.spec.imports
    at = _Importing(
        written=written,
        packs={**written.packs, LIBRARY_PACK: Pack(LIBRARY_PACK, LIBRARY, Library())},
        diagnostics=diagnostics,
        specs={
            "object": dict(written.objects),
            "system": dict(written.systems),
            "codes": dict(written.codes),
            "policy": dict(written.policies),
        },
        broken={kind: set(names) for kind, names in written.broken.items()},
    )
    for section in SECTIONS:
        for index, text in enumerate(getattr(spec, section)):
            _import(section, text, written.project.at("imports", section, index), at)
    if written.broken.get("project"):
        _expect_everything(at)
    _check_extensions(at)
    _check_needs(at)
    return _with_imports(at), at.sources


def _with_imports(at: _Importing) -> WrittenProject:
    return replace(
        at.written,
        objects=at.specs["object"],
        systems=at.specs["system"],
        codes=at.specs["codes"],
        policies=at.specs["policy"],
        broken={kind: frozenset(names) for kind, names in at.broken.items()},
        packs=at.packs,
        imports=tuple(at.done.values()),
    )


def _import(section: str, text: str, span: Span, at: _Importing) -> None:
    kind = SECTIONS[section]
    pack_name, _, wanted = text.rpartition("/")
    name, _, major = wanted.partition("@")
    first = at.done.get((kind, name))
    if first is not None:
        _report_twice(name, span, first.span, "imported here first", at)
        return
    source = _find(section, pack_name or LIBRARY_PACK, wanted, span, at)
    if source is None:
        _expect_nothing(section, pack_name or LIBRARY_PACK, wanted, at)
        return
    at.done[kind, name] = Import(kind, name, pack_name or LIBRARY_PACK, span)
    at.sources.append(source)
    document = read_yaml(source, at.diagnostics)
    declared: Declared[Any] | None = None
    if document is not None:
        declared = check_shape(KINDS[kind], document, at.diagnostics)
    if declared is None:
        at.broken.setdefault(kind, set()).add(name)
        return
    _check_name(declared, kind, name, major, at)
    if kind == "object" and declared.spec.extends is not None:
        _report_extending(declared, span, at)
        at.broken.setdefault(kind, set()).add(name)
        return
    _add(kind, name, wanted, declared, span, at)


def _find(section: str, pack_name: str, wanted: str, span: Span, at: _Importing) -> SourceFile | None:
    """Find the file of a spec by the pack and by its name and major version."""
    pack = at.packs.get(pack_name)
    if pack is None:
        remedy = did_you_mean(pack_name, at.packs, kind="packs")
        at.diagnostics.report("SYN0210", span, label=f"no pack is called `{pack_name}`", help=remedy)
        return None
    try:
        return pack.files[f"{section}/{wanted}.yaml"]
    except KeyError:
        stock = "the library" if pack_name == LIBRARY_PACK else f"`{pack_name}`"
        remedy = did_you_mean(wanted, pack.offers(section), kind=f"{section} of {stock}")
        label = f"{stock} has no file `{section}/{wanted}.yaml`"
        at.diagnostics.report("SYN0210", span, label=label, help=remedy)
        return None


def _expect_nothing(section: str, pack_name: str, wanted: str, at: _Importing) -> None:
    """Keep uses of what could not be imported, and of what was probably meant, from being reported too."""
    pack = at.packs.get(pack_name)
    meant = nearest(wanted, pack.offers(section)) if pack is not None else None
    kind = SECTIONS[section]
    at.broken.setdefault(kind, set()).update(name.partition("@")[0] for name in (wanted, meant) if name)


def _expect_everything(at: _Importing) -> None:
    """Where it cannot be read what is imported, keep uses of whatever there is to import from being reported."""
    for section, kind in SECTIONS.items():
        offered = (name.partition("@")[0] for pack in at.packs.values() for name in pack.offers(section))
        at.broken.setdefault(kind, set()).update(set(offered) - set(at.specs[kind]))


def _check_name(declared: Declared[Any], kind: str, name: str, major: str, at: _Importing) -> None:
    """Check that a file holds what its name says, so that an import gets what it asks for."""
    spec = declared.spec
    found = f"{getattr(spec, kind)}@{(spec.version or '').partition('.')[0]}"
    if found != f"{name}@{major}":
        span = declared.at(kind if getattr(spec, kind) != name else "version")
        path = declared.document.source.path
        label = f"this is `{found}`, and its file is called `{path.rpartition('/')[2]}`"
        at.diagnostics.report("SYN0213", span, label=label, help=f"call the file `{found}.yaml`")


def _add(kind: str, name: str, wanted: str, declared: Declared[Any], span: Span, at: _Importing) -> None:
    """Put an imported spec into the project; an object of the project's own may extend it."""
    own = at.specs[kind].get(name)
    if own is None:
        at.specs[kind][name] = declared
    elif kind == "object" and own.spec.extends == wanted:
        at.specs[kind][name] = extend(declared, own, at.diagnostics)
    elif kind != "object" or own.spec.extends is None:
        remedy = f"write `extends: {wanted}` there to add to it" if kind == "object" else "give yours another name"
        _report_twice(name, span, own.at(kind), "declared here in the project", at, remedy)


def _report_extending(declared: Declared[ObjectSpec], span: Span, at: _Importing) -> None:
    at.diagnostics.report(
        "SYN0214", declared.at("extends"), label="an object of a pack stands alone: only the project's own extend others",
        secondary=[(span, "imported here")], help="write out all fields here, or extend the object in the project",
    )  # fmt: skip


def _report_twice(name: str, span: Span, first: Span, said: str, at: _Importing, remedy: str = "") -> None:
    label = f"`{name}` is imported here" + (" again" if not remedy else "")
    remedy = f"{remedy}, or remove this import" if remedy else "keep one of the two"
    at.diagnostics.report("SYN0010", span, label=label, secondary=[(first, said)], help=remedy)


def _check_extensions(at: _Importing) -> None:
    """Check that every object that extends one is called like it, and that it is imported."""
    for name, declared in at.written.objects.items():
        wanted = declared.spec.extends
        if wanted is None or at.specs["object"][name] is not declared:
            continue
        span = declared.at("extends")
        imported = at.done.get(("object", name))
        if wanted.partition("@")[0] != name:
            label, remedy = f"`{name}` cannot extend `{wanted}`", "an extension has the name of what it extends"
        elif imported is not None:
            label, remedy = f"`{wanted}` is not what the project imports", "name the version that is imported"
        elif at.written.is_broken("object", name) or name in at.broken.get("object", ()):
            continue
        else:
            label = f"the project does not import `{wanted}`"
            remedy = f"add `{wanted}` to `imports: {{objects: […]}}` in {PROJECT_FILE}"
        secondary = [(imported.span, "imported here")] if imported is not None else []
        at.diagnostics.report("SYN0214", span, label=label, help=remedy, secondary=secondary)
        at.broken.setdefault("object", set()).add(name)
        del at.specs["object"][name]


def _check_needs(at: _Importing) -> None:
    """Check that the objects which imported specs refer to are in the project too, its own or imported."""
    for found in list(at.done.values()):
        declared = at.specs[found.kind].get(found.name)
        for needed in _needed(declared.spec) if declared is not None else ():
            if needed in at.specs["object"] or needed in at.broken.get("object", ()):
                continue
            offered = [name for name in at.packs[found.pack].offers("objects") if name.partition("@")[0] == needed]
            remedy = f"import `{offered[-1]}` too, or declare" if offered else "declare"
            at.diagnostics.report(
                "SYN0212", found.span, label=f"`{found.name}` refers to `{needed}`, which the project does not have",
                help=f"{remedy} an object `{needed}` of your own",
            )  # fmt: skip
            at.broken.setdefault("object", set()).add(needed)


def _needed(spec: Written) -> Iterator[str]:
    if isinstance(spec, ObjectSpec):
        yield from (match[1] for one in spec.fields.values() for match in _REF.finditer(one.type))
        yield from (part.of for part in spec.parts.values())
    elif isinstance(spec, CodesSpec) and spec.for_ is not None:
        yield spec.for_.partition(".")[0]
