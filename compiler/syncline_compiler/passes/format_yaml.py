"""Brings YAML files into the one format.

In: the text of a YAML file. Out: the text laid out anew, or as it was if it cannot be read.
Invariant: the result says the same in the same order, with the same comments; formatting it again changes nothing.
"""

from __future__ import annotations

from syncline_compiler.diagnostics.diagnostic import Collector
from syncline_compiler.formatting.layout import laid_out
from syncline_compiler.formatting.scalars import UnusualError
from syncline_compiler.formatting.tree import read_tree
from syncline_compiler.source import SourceFile
from syncline_compiler.yaml_reader import read_yaml


def format_yaml(text: str) -> str:
    """Format a YAML file; one that the reader refuses, or that the layout has no form for, is given back as it is."""
    bare = text.removeprefix("\ufeff").replace("\r\n", "\n")
    meaning = _meaning(bare)
    if meaning is None:
        return text
    try:
        formatted = laid_out(read_tree(bare))
    except UnusualError:
        return text
    return formatted if _meaning(formatted) == meaning else text


def _meaning(text: str) -> tuple[str, tuple[str, ...]] | None:
    """Give the values as they are, in order, and the comments; None if the file cannot be read."""
    document = read_yaml(SourceFile("", text), Collector())
    return (repr(document.value), read_tree(text).comments) if document is not None else None
