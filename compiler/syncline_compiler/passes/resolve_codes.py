"""Resolve code tables: rows, and for each meaning the native code to write.

In: ``CodesSpec`` with its document, the objects. Out: ``CodeTable``. Diagnostics: SYN0201, SYN0203, SYN0209.
Invariant: where the table names its field, every meaning is a value of that enum; ``inverse`` holds a meaning only if
it is clear which native code stands for it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from syncline_compiler.diagnostics.diagnostic import Collector
from syncline_compiler.model.document import Declared, WrittenProject
from syncline_compiler.model.resolved import CodeTable, ResolvedField, ResolvedObject
from syncline_compiler.model.spec import CodesSpec
from syncline_compiler.spelling import did_you_mean

_Declared = Declared[CodesSpec]


def resolve_codes(
    project: WrittenProject, objects: Mapping[str, ResolvedObject], diagnostics: Collector
) -> Mapping[str, CodeTable]:
    """Resolve every code table of the project, by name."""
    return {name: _table(declared, project, objects, diagnostics) for name, declared in sorted(project.codes.items())}


def _table(
    declared: _Declared, project: WrittenProject, objects: Mapping[str, ResolvedObject], diagnostics: Collector
) -> CodeTable:
    spec, told = declared.spec, diagnostics.told
    enum = _enum(declared, project, objects, diagnostics)
    if enum is not None:
        _check_meanings(declared, enum, diagnostics)
    _check_inverse(declared, diagnostics)
    uses = Counter(spec.rows.values())
    single = {meaning: native for native, meaning in spec.rows.items() if uses[meaning] == 1}
    return CodeTable(
        name=spec.codes,
        version=spec.version,
        rows=tuple(spec.rows.items()),
        inverse={**single, **spec.inverse},
        span=declared.at("codes"),
        meaning_of=spec.for_ if enum is not None else None,
        sound=diagnostics.told == told and not project.is_broken("object", (spec.for_ or "").partition(".")[0]),
    )


def _enum(
    declared: _Declared, project: WrittenProject, objects: Mapping[str, ResolvedObject], diagnostics: Collector
) -> ResolvedField | None:
    """Find the enum that the table is for."""
    spec, span = declared.spec, declared.at("for")
    object_name, _, field_name = (spec.for_ or "").partition(".")
    owner = objects.get(object_name)
    if spec.for_ is None or project.is_broken("object", object_name):
        return None
    if owner is None:
        remedy = did_you_mean(object_name, objects, kind="objects")
        diagnostics.report("SYN0201", span, label=f"no object is called `{object_name}`", help=remedy)
        return None
    field = owner.field(field_name)
    if field is None:
        remedy = did_you_mean(field_name, [field.name for field in owner.fields], kind=f"fields of `{object_name}`")
        diagnostics.report("SYN0203", span, label=f"`{object_name}` has no field `{field_name}`", help=remedy)
    elif field.type.kind not in ("enum", "unknown"):
        label = f"`{spec.for_}` is {field.type}, and only an enum has meanings"
        diagnostics.report("SYN0209", span, label=label, secondary=[(field.span, "declared here")])
    return field if field is not None and field.type.kind == "enum" else None


def _check_meanings(declared: _Declared, enum: ResolvedField, diagnostics: Collector) -> None:
    """Check that every meaning is a value of the enum that the table is for."""
    for native, meaning in declared.spec.rows.items():
        if meaning not in enum.type.values:
            diagnostics.report(
                "SYN0209", declared.at("rows", native), label=f"`{meaning}` is no value of `{declared.spec.for_}`",
                help=did_you_mean(meaning, enum.type.values, kind="values"),
                secondary=[(enum.span, "the values are declared here")],
            )  # fmt: skip


def _check_inverse(declared: _Declared, diagnostics: Collector) -> None:
    """Check that what is written for a meaning is read as that meaning again."""
    rows = declared.spec.rows
    for meaning, native in declared.spec.inverse.items():
        if rows.get(native) == meaning:
            continue
        natives = [code for code, row_meaning in rows.items() if row_meaning == meaning]
        label = f"`{native}` would be written for `{meaning}`, but the rows read it as " + (
            f"`{rows[native]}`" if native in rows else "nothing"
        )
        remedy = f"write one of {', '.join(natives)}" if natives else f"add a row with the meaning `{meaning}`"
        diagnostics.report("SYN0209", declared.at("inverse", meaning), label=label, help=remedy)
