"""The one format of a file, whatever its kind."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from syncline_compiler.diagnostics.diagnostic import Collector
from syncline_compiler.passes.format_mapping import format_mapping
from syncline_compiler.passes.format_yaml import format_yaml
from syncline_compiler.passes.parse_mapping import parse_mapping
from syncline_compiler.source import SUFFIXES, SourceFile, Unreadable
from syncline_compiler.yaml_reader import read_yaml


def laid_out(file: SourceFile, diagnostics: Collector) -> str | None:
    """Give the text of a file in the one format; None, with the reasons told, where it has a syntax error."""
    (parse_mapping if file.path.endswith(".map") else read_yaml)(file, diagnostics)
    if diagnostics.failed:
        return None
    return (format_mapping if file.path.endswith(".map") else format_yaml)(file.text)


def unformatted(files: Iterable[SourceFile | Unreadable]) -> Iterator[str]:
    """Name the files that are not in the one format; what cannot be read is told elsewhere."""
    for file in files:
        if isinstance(file, SourceFile) and file.path.endswith(SUFFIXES):
            text = laid_out(file, Collector())
            if text is not None and text != file.text:
                yield file.path
