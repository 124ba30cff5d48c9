"""Check crossed lines: two lines of a mapping that seem to have exchanged their fields.

In: typed mappings. Diagnostics: SYN0936.
Invariant (of a mapping without these): where two canonical fields are called as two native ones, each goes to its namesake.
"""

from __future__ import annotations

from collections.abc import Iterable

from syncline_compiler.diagnostics.diagnostic import Collector
from syncline_compiler.model.typed import Line, Put, TypedMapping, fields_in


def check_crossed(mappings: Iterable[TypedMapping], diagnostics: Collector) -> None:
    """Check the lines of each mapping, and those of its parts."""
    for mapping in mappings:
        for lines in (mapping.lines, *(part.lines for part in mapping.parts)):
            _check(lines, diagnostics)


def _check(lines: Iterable[Line], diagnostics: Collector) -> None:
    pairs = {pair: line for line in lines if (pair := _pair(line)) is not None and pair[0] != pair[1]}
    for (field, native), line in pairs.items():
        other = pairs.get((native, field))
        if other is not None and line.span < other.span:
            diagnostics.report(
                "SYN0936", line.span, label="each of these two goes to the namesake of the other",
                secondary=[(other.span, "and this the other way round")],
                help="exchange the native names; if it is meant so, waive this and say why",
            )  # fmt: skip


def _pair(line: Line) -> tuple[str, str] | None:
    """Give what a line joins, one canonical and one native name, as they are compared."""
    if line.field is None or len(line.puts) > 1:
        return None
    if line.puts:
        put = line.puts[0]
        return (_bare(line.field), _bare(put.native)) if isinstance(put, Put) else None
    read = (
        {one.name for one in fields_in(line.get) if one.scope in ("native", "item")} if line.get is not None else set()
    )
    return (_bare(line.field), _bare(read.pop())) if len(read) == 1 else None


def _bare(name: str) -> str:
    return name.replace("_", "").casefold()
