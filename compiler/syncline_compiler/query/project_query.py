"""The one way to ask questions of a checked project: what stands here, where is it declared, who uses it, where does it come from.

In: a ``Compilation``, also one with mistakes. Out: symbols, definitions, uses, types, lineage, the field dictionary.
Invariant: nothing is computed before it is asked for; a file's expressions are typed again only when that file is asked, or all uses
of a symbol are. Lines and columns count from 1, columns are characters.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from functools import cached_property

from syncline_compiler.checking.names import Names
from syncline_compiler.functions.reference import render_function
from syncline_compiler.model.document import WrittenProject
from syncline_compiler.model.resolved import ResolvedProject
from syncline_compiler.pipeline import Compilation
from syncline_compiler.query.definitions import definitions
from syncline_compiler.query.dictionary import FieldEntry, dictionary
from syncline_compiler.query.expression_uses import Listener
from syncline_compiler.query.lineage import Edge, Lineage
from syncline_compiler.query.mapping_uses import FileFacts, mapping_facts
from syncline_compiler.query.spec_expressions import type_expressions
from syncline_compiler.query.spec_uses import spec_uses
from syncline_compiler.query.symbol import Definition, Symbol, TypedPlace, Use
from syncline_compiler.source import SourceFile, Span


class ProjectQuery:
    """Answers about one project."""

    def __init__(self, compilation: Compilation) -> None:
        """Ask about what came of a project; ValueError where nothing did, since a file could not be read."""
        if compilation.known is None or compilation.written is None:
            raise ValueError("nothing is known of this project: ask what its check says")
        self.project: ResolvedProject = compilation.known
        self.written: WrittenProject = compilation.written
        self._sources = compilation.sources
        self.lineage = Lineage(self.project, self.text_at)
        self._asked: dict[str, FileFacts] = {}

    def symbol_at(self, path: str, line: int, column: int) -> Symbol | None:
        """Give what is named or declared at a position; of several places around it the smallest."""
        found = [use for use in self._named(path) if _holds(use.span, line, column)]
        return min(found, key=lambda use: _size(use.span)).symbol if found else None

    def type_at(self, path: str, line: int, column: int) -> TypedPlace | None:
        """Give the smallest expression or step of a pipeline around a position, and the type of its value."""
        found = [one for one in self.facts(path).types if _holds(one.span, line, column)]
        return min(found, key=lambda one: _size(one.span)) if found else None

    def facts(self, path: str) -> FileFacts:
        """Give what one file declares, names and computes, each with its place."""
        if path not in self._mappings:
            return self._specs.get(path) or FileFacts()
        if path not in self._asked:
            facts = mapping_facts(self._mappings[path], self._names, Listener(path))
            uses = list(self._meant(facts.uses, facts.definitions))
            self._asked[path] = replace(facts, uses=uses)
        return self._asked[path]

    def text_at(self, span: Span) -> str:
        """Give what is written at a place, as one line."""
        return self._sources[span.path].text_at(span)

    def definition(self, symbol: Symbol) -> Definition | None:
        """Give where a symbol is declared and what is said of it there; None if nothing declares it."""
        if symbol.kind == "function":
            text = render_function(symbol.name)
            return Definition(symbol, None, description=text) if text is not None else None
        if symbol.kind not in ("let", "mapping"):
            return self._declared.get(symbol)
        files = [symbol.path[0]] if symbol.kind == "let" else list(self._mappings)
        return next((one for path in files for one in self.facts(path).definitions if one.symbol == symbol), None)

    def references(self, symbol: Symbol) -> tuple[Span, ...]:
        """Give every place that names a symbol, its declaration too, in the order of the files."""
        return self._places.get(symbol, ())

    def symbols(self) -> tuple[Definition, ...]:
        """Give everything that the project declares, by file."""
        return tuple(one for path in self._paths for one in self.facts(path).definitions)

    def fields(self) -> tuple[FieldEntry, ...]:
        """Give the dictionary: every field, part and derived field of every object, in the order of the specs."""
        return self._dictionary

    def upstream(self, symbol: Symbol) -> tuple[Edge, ...]:
        """Give the edges by which values come to a field, the nearest first."""
        return self.lineage.upstream(symbol)

    def downstream(self, symbol: Symbol) -> tuple[Edge, ...]:
        """Give the edges by which values go on from a field, the nearest first."""
        return self.lineage.downstream(symbol)

    @cached_property
    def _dictionary(self) -> tuple[FieldEntry, ...]:
        return tuple(dictionary(self.project, self.written))

    @cached_property
    def _names(self) -> Names:
        return Names(self.project.objects, self.project.systems, self.project.codes, self.written.broken)

    @cached_property
    def _declared(self) -> Mapping[Symbol, Definition]:
        """What specs in YAML declare."""
        return {one.symbol: one for one in definitions(self.project, self.written)}

    @cached_property
    def _specs(self) -> Mapping[str, FileFacts]:
        """What specs in YAML declare, name and compute, by file."""
        listener = Listener()
        type_expressions(self.project, self.written, replace(self._names, heard=listener))
        uses = [*spec_uses(self.project, self.written), *listener.uses]
        facts: dict[str, FileFacts] = defaultdict(FileFacts)
        for one in self._declared.values():
            if one.span is not None:
                facts[one.span.path].definitions.append(one)
        for use in self._meant(uses, ()):
            facts[use.span.path].uses.append(use)
        for place in listener.types:
            facts[place.span.path].types.append(place)
        return facts

    @cached_property
    def _mappings(self) -> Mapping[str, SourceFile]:
        return {source.path: source for source in self.written.mappings}

    @property
    def _paths(self) -> list[str]:
        return sorted({*self._specs, *self._mappings})

    def _meant(self, uses: Iterable[Use], own: Iterable[Definition]) -> Iterator[Use]:
        """Keep the names that mean something; of the others the check has told."""
        lets = {one.symbol for one in own}
        for use in uses:
            if use.symbol.kind == "function" or use.symbol in self._declared or use.symbol in lets:
                yield use

    def _named(self, path: str) -> Iterator[Use]:
        facts = self.facts(path)
        yield from facts.uses
        yield from (Use(one.symbol, one.span) for one in facts.definitions if one.span is not None)

    @cached_property
    def _places(self) -> Mapping[Symbol, tuple[Span, ...]]:
        places: dict[Symbol, set[Span]] = defaultdict(set)
        for path in self._paths:
            for use in self._named(path):
                places[use.symbol].add(use.span)
        return {symbol: tuple(sorted(found)) for symbol, found in places.items()}


def _holds(span: Span, line: int, column: int) -> bool:
    """Whether a position is in a place, or right behind it, where a cursor stands that has just written it."""
    return (span.line, span.column) <= (line, column) <= (span.end_line, span.end_column)


def _size(span: Span) -> tuple[int, int]:
    return (span.end_line - span.line, span.end_column - span.column)
