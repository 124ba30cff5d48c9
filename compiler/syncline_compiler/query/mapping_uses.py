"""What mapping files declare and name, and the types of their expressions.

In: a mapping file and the project as far as it is known. Out: ``FileFacts``. The file is parsed and typed once more, with
somebody listening: checks of whole projects note nothing, and one file can be asked by itself. What is mistaken in it has been
told by the check.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import field, replace

from syncline_compiler.checking.names import Names, Scope, canonical_scope, item_scope, native_scope
from syncline_compiler.diagnostics.diagnostic import Collector
from syncline_compiler.model import syntax
from syncline_compiler.model.resolved import ResolvedObject
from syncline_compiler.passes.check_types import check_mapping
from syncline_compiler.passes.parse_mapping import parse_mapping
from syncline_compiler.query.expression_uses import Listener
from syncline_compiler.query.symbol import Definition, Symbol, TypedPlace, Use, piece
from syncline_compiler.source import SourceFile
from syncline_runtime.frozen import dataclass


@dataclass(frozen=True)
class FileFacts:
    """What one file declares, names and computes."""

    definitions: list[Definition] = field(default_factory=list)
    uses: list[Use] = field(default_factory=list)
    types: list[TypedPlace] = field(default_factory=list)


def mapping_facts(source: SourceFile, names: Names, listener: Listener) -> FileFacts:
    """Give what a mapping file says; nothing where it cannot be read."""
    mapping = parse_mapping(source, Collector())
    if mapping is None:
        return FileFacts()
    header = mapping.header
    uses = [*_header(header)]
    system, item = names.systems.get(header.resource.parts[0]), names.objects.get(header.object.text)
    resources = {resource.name: resource for resource in system.resources} if system is not None else {}
    resource = resources.get(header.resource.parts[-1])
    lets: list[Definition] = []
    if system is not None and resource is not None and item is not None:
        check_mapping(mapping, system, item, replace(names, heard=listener), Collector())
        uses += _targets(mapping, native_scope(system, resource), item, names, listener)
        lets = list(_lets(mapping, listener))
    symbol = Symbol("mapping", (*header.resource.parts, header.object.text))
    return FileFacts([Definition(symbol, header.span), *lets], [*uses, *listener.uses], listener.types)


def _header(header: syntax.Header) -> Iterator[Use]:
    parts = header.resource.parts
    yield Use(Symbol("system", parts[:1]), piece(header.resource.span, parts, 0))
    if len(parts) == 2:
        yield Use(Symbol("resource", parts), piece(header.resource.span, parts, 1))
    yield Use(Symbol("object", (header.object.text,)), header.object.span)


def _lets(mapping: syntax.Mapping, listener: Listener) -> Iterator[Definition]:
    types = {place.span: str(place.type) for place in reversed(listener.types)}
    for let in mapping.lets:
        symbol = Symbol("let", (listener.path, let.name.text))
        yield Definition(symbol, let.name.span, types.get(let.value.span))


def _targets(
    mapping: syntax.Mapping, native: Scope, item: ResolvedObject, names: Names, listener: Listener
) -> Iterator[Use]:
    """Give what the lines fill: names that are not read, so that typing them is not heard."""
    yield from _filled(mapping.lines, native, item, listener)
    for block in mapping.parts:
        yield from listener.name(block.part, canonical_scope(item))
        yield from listener.name(block.list, native)
        part = next((one for one in item.parts if one.name == block.part.text), None)
        items = native.native(block.list.text)
        if part is not None and items is not None and native.system is not None and part.of in names.objects:
            elements = item_scope(native.system, items)
            yield from _filled(block.lines, elements, names.objects[part.of], listener)


def _filled(lines: tuple[syntax.Line, ...], native: Scope, item: ResolvedObject, listener: Listener) -> Iterator[Use]:
    for line in lines:
        target, scope = (line.right, native) if line.direction == "write" else (line.left, canonical_scope(item))
        if isinstance(target, syntax.Name):
            yield from listener.name(target, scope)
