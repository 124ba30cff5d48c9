"""Reads ``.map`` files and the expressions inside YAML specs.

In: text. Out: syntax trees with places. Reports SYN0101 (unreadable line), SYN0102 (too large or too deep), SYN0103
(header), SYN0104 (braces), SYN0105 (a statement where it cannot stand).
Invariant: every mistake of a file is reported once, at its place.
"""

from __future__ import annotations

from syncline_compiler.diagnostics.diagnostic import Collector
from syncline_compiler.model import syntax
from syncline_compiler.parsing.assemble import assemble
from syncline_compiler.parsing.places import Places, places_within
from syncline_compiler.parsing.reader import Reading
from syncline_compiler.source import CONFLICT, CONFLICT_REMEDY, SourceFile, Span


def parse_mapping(source: SourceFile, diagnostics: Collector) -> syntax.Mapping | None:
    """Read a mapping file; None if it has a syntax error, all of which are reported."""
    if source.conflict is not None:
        diagnostics.report("SYN0101", source.conflict, label=CONFLICT, help=CONFLICT_REMEDY)
        return None
    statements = Reading(source.text + "\n", Places(source.path), diagnostics).read("mapping_file")
    return assemble(statements, source, diagnostics) if statements is not None else None


def parse_expression(text: str, span: Span, diagnostics: Collector) -> syntax.Expression | None:
    """Read an expression that stands in a YAML value at ``span``; None if it has a syntax error."""
    reading = Reading(text + "\n", places_within(text, span), diagnostics)
    expression: syntax.Expression | None = reading.read("lone_expression")
    return expression
