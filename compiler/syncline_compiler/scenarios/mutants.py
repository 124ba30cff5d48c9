"""Small mistakes that specs could hold: one edit each, chosen so that a good scenario notices it.

In: a checked project. Out: mutants in the order of the files. Invariant: a mutant is one or two edits of one file, and says what it
changes; whether it compiles is for others to see.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from itertools import pairwise
from typing import Any

from syncline_compiler.diagnostics.diagnostic import Collector, Edit
from syncline_compiler.model import syntax
from syncline_compiler.model.document import Declared, WrittenProject
from syncline_compiler.model.resolved import ResolvedProject, ResolvedSync
from syncline_compiler.model.spec import CodesSpec, ObjectSpec, SyncSpec
from syncline_compiler.passes.parse_mapping import parse_expression, parse_mapping
from syncline_compiler.source import SourceFile, Span
from syncline_runtime.frozen import dataclass

_FLIPS = {
    "eq": ("==", "!="), "ne": ("!=", "=="), "lt": ("<", ">="), "ge": (">=", "<"), "gt": (">", "<="), "le": ("<=", ">"),
    "and": ("and", "or"), "or": ("or", "and"), "add": ("+", "-"), "sub": ("-", "+"),
}  # fmt: skip
"""Operators, how each is written, and what stands in its place."""


@dataclass(frozen=True)
class Mutant:
    """One mistake: what it does, where, and which syncs it is about."""

    span: Span
    what: str
    edits: tuple[Edit, ...]
    syncs: frozenset[str]


def mutants_of(project: ResolvedProject, written: WrittenProject, sources: Mapping[str, SourceFile]) -> list[Mutant]:
    """Give every mutant of a project, in the order of the places."""
    found = [
        *(one for source in written.mappings for one in _of_mapping(source, project)),
        *(one for _, codes in sorted(written.codes.items()) for one in _of_codes(codes, project, sources)),
        *(one for _, sync in sorted(written.syncs.items()) for one in _of_sync(sync, sources)),
        *(one for _, item in sorted(written.objects.items()) for one in _of_object(item, project, sources)),
    ]
    known: dict[tuple[Edit, ...], Mutant] = {}
    for one in found:
        if one.syncs and all(edit.span.path in sources for edit in one.edits):
            known.setdefault(one.edits, one)
    return sorted(known.values(), key=lambda one: (one.span, one.what))


# mappings


def _of_mapping(source: SourceFile, project: ResolvedProject) -> Iterator[Mutant]:
    mapping = parse_mapping(source, Collector())
    if mapping is None:
        return
    system, resource = mapping.header.resource.parts[0], mapping.header.resource.parts[-1]
    syncs = frozenset(
        sync.name
        for sync in project.syncs
        if sync.object.name == mapping.header.object.text
        and any((one.system, one.resource) == (system, resource) for one in sync.members)
    )
    types = {field.name: field.type for field in project.systems[system].resource(resource).fields}
    edits = _Edits(source)
    for what, span, changes in (*_dropped(mapping, edits), *_swapped(mapping, types), *_bent(mapping, edits)):
        yield Mutant(span, what, changes, syncs)


Change = tuple[str, Span, tuple[Edit, ...]]


def _dropped(mapping: syntax.Mapping, edits: _Edits) -> Iterator[Change]:
    for line in (*mapping.lines, *(line for part in mapping.parts for line in part.lines)):
        yield from edits.without("line", line.span)
    for take in mapping.takes:
        yield from edits.without("condition", take.span)
    for reject in mapping.rejects:
        yield from edits.without("condition", reject.span)


def _swapped(mapping: syntax.Mapping, types: Mapping[str, str]) -> Iterator[Change]:
    """Exchange the native fields of two neighbours of one type."""
    for lines in (mapping.lines, *(part.lines for part in mapping.parts)):
        named = [(line, name) for line in lines if (name := _native(line)) is not None]
        for (line, name), (other, another) in pairwise(named):
            if line.direction == other.direction and types.get(name.text) == types.get(another.text):
                what = f"`{name.text}` and `{another.text}` exchanged"
                yield what, name.span, (Edit(name.span, another.text), Edit(another.span, name.text))


def _native(line: syntax.Line) -> syntax.Name | None:
    value = line.right.value if isinstance(line.right, syntax.Pipeline) else line.right
    return value if isinstance(value, syntax.Name) else None


def _bent(mapping: syntax.Mapping, edits: _Edits) -> Iterator[Change]:
    statements = (*mapping.takes, *mapping.lets, *mapping.lines, *mapping.rejects)
    for statement in (*statements, *(line for part in mapping.parts for line in part.lines)):
        yield from edits.within(statement)


# YAML


def _of_codes(
    declared: Declared[CodesSpec], project: ResolvedProject, sources: Mapping[str, SourceFile]
) -> Iterator[Mutant]:
    """Exchange the meanings of two neighbours."""
    syncs = frozenset(sync.name for sync in project.syncs if _uses(sync, declared.spec.codes))
    for (code, meaning), (other, another) in pairwise(declared.spec.rows.items()):
        spans = declared.at("rows", code), declared.at("rows", other)
        if meaning != another and all(_stands(sources, span) in (meaning, another) for span in spans):
            what = f"`{code}` means `{another}`, and `{other}` `{meaning}`"
            yield Mutant(spans[0], what, (Edit(spans[0], another), Edit(spans[1], meaning)), syncs)


def _of_sync(declared: Declared[SyncSpec], sources: Mapping[str, SourceFile]) -> Iterator[Mutant]:
    syncs = frozenset({declared.spec.sync})
    members = list(declared.spec.members)
    for field, owner in declared.spec.owners.items():
        span = declared.at("owners", field)
        if owner.owner in members and _stands(sources, span) == owner.owner:
            other = members[(members.index(owner.owner) + 1) % len(members)]
            yield Mutant(span, f"`{other}` owns `{field}`", (Edit(span, other),), syncs)
    if declared.spec.exists is not None:
        for name, condition in declared.spec.exists.hold.items():
            place = declared.at("exists", "hold", name)
            if isinstance(condition, str):
                if _stands(sources, place) == condition:
                    yield Mutant(place, f"`{name}` holds all", (Edit(place, "true"),), syncs)
                yield from _conditions(condition, place, sources, syncs)


def _of_object(
    declared: Declared[ObjectSpec], project: ResolvedProject, sources: Mapping[str, SourceFile]
) -> Iterator[Mutant]:
    name, spec = declared.spec.object, declared.spec
    syncs = frozenset(sync.name for sync in project.syncs if sync.object.name == name)
    for field, derived in spec.derived.items():
        short = declared.at("derived", field)
        yield from _conditions(derived.value, declared.at("derived", field, "value") or short, sources, syncs)
    for invariant, condition in spec.invariants.items():
        yield from _conditions(str(condition), declared.at("invariants", invariant), sources, syncs)
    for index, rule in enumerate(spec.identity):
        for place, field in enumerate(rule.same if len(rule.same) > 1 else ()):
            span = declared.at("identity", index, "same", place)
            source = sources.get(span.path)
            if source is not None and _stands(sources, span) == field:
                yield Mutant(span, f"identity without `{field}`", (_without_item(source, span),), syncs)


def _conditions(text: str, span: Span, sources: Mapping[str, SourceFile], syncs: frozenset[str]) -> Iterator[Mutant]:
    """Bend an expression that stands in a YAML value on one line."""
    source = sources.get(span.path)
    if source is None or text not in source.line(span.line):
        return
    parsed = parse_expression(text, span, Collector())
    for what, place, changes in _Edits(source).within(parsed) if parsed is not None else ():
        yield Mutant(place, what, changes, syncs)


def _without_item(source: SourceFile, span: Span) -> Edit:
    """Take an item out of a list on one line, with the comma beside it."""
    line = source.line(span.line)
    rest = re.match(r"\s*,\s*", line[span.end_column - 1 :])
    if rest is not None:
        return Edit(span._replace(end_column=span.end_column + rest.end()), "")
    before = re.search(r"\s*,\s*$", line[: span.column - 1])
    return Edit(span._replace(column=before.start() + 1) if before is not None else span, "")


def _stands(sources: Mapping[str, SourceFile], span: Span) -> str:
    source = sources.get(span.path)
    return (
        source.line(span.line)[span.column - 1 : span.end_column - 1] if source and span.line == span.end_line else ""
    )


def _uses(sync: ResolvedSync, codes: str) -> bool:
    return any(f"code {codes}" in line.text for member in sync.members for line in member.mapping.lines)


# expressions


@dataclass(frozen=True)
class _Edits:
    """Mistakes in expressions of one file."""

    source: SourceFile

    def without(self, what: str, span: Span) -> Iterator[Change]:
        if span.line == span.end_line:
            yield f"without this {what}", span, (Edit(span, ""),)

    def within(self, node: Any) -> Iterator[Change]:
        """Bend an expression or a statement, and all that it is made of."""
        match node:
            case syntax.Literal():
                yield from self.literal(node)
            case syntax.Operation():
                yield from self.flipped(node)
            case syntax.Nullness():
                words = ("is not null", "is null") if node.negated else ("is null", "is not null")
                yield from self.replaced(node.span, *words)
            case syntax.Pipeline():
                for step in node.steps:
                    yield from self.without_step(step)
        for child in syntax.children_of(node):
            yield from self.within(child)

    def literal(self, node: syntax.Literal) -> Iterator[Change]:
        text = self.text(node.span)
        other = {
            "text": f'{text[:-1]}~"', "int": str(int(node.value or 0) + 1) if node.kind == "int" else "",
            "decimal": re.sub(r"\d", lambda digit: str((int(digit[0]) + 1) % 10), text, count=1),
            "bool": "false" if node.value else "true",
        }.get(node.kind, "")  # fmt: skip
        if text and other and other != text:
            yield f"`{other}` for `{text}`", node.span, (Edit(node.span, other),)

    def flipped(self, node: syntax.Operation) -> Iterator[Change]:
        if node.operator not in _FLIPS or len(node.operands) < 2:
            return
        left, right = node.operands[0].span, node.operands[1].span
        if left.end_line == right.line:
            yield from self.replaced(
                left._replace(column=left.end_column, end_column=right.column), *_FLIPS[node.operator]
            )

    def replaced(self, span: Span, old: str, new: str) -> Iterator[Change]:
        text = self.text(span)
        at = text.find(old)
        if at >= 0:
            place = span._replace(column=span.column + at, end_column=span.column + at + len(old))
            yield f"`{new}` for `{old}`", place, (Edit(place, new),)

    def without_step(self, step: syntax.Step | syntax.Otherwise) -> Iterator[Change]:
        span = step.span
        start = self.source.line(span.line).rfind("|", 0, span.column - 1)
        if isinstance(step, syntax.Step) and start >= 0 and span.line == span.end_line:
            yield f"without `| {self.text(span)}`", span, (Edit(span._replace(column=start + 1), ""),)

    def text(self, span: Span) -> str:
        return self.source.line(span.line)[span.column - 1 : span.end_column - 1] if span.line == span.end_line else ""
