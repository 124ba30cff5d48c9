"""The parser of the mapping language: Lark's, from ``grammar.lark``.

Making its tables takes longer than checking a small project; so they lie beside this file, written from the grammar by
``python -m syncline_compiler.parsing.parser``. Those of another grammar, or of another Lark, are not used: the parser
makes its own then.
"""

from __future__ import annotations

import hashlib
import io
import pickle
from pathlib import Path
from typing import Any

import lark
from lark import Lark
from lark.lark import PostLex

GRAMMAR = Path(__file__).parent.parent / "grammar.lark"
STARTS = ["mapping_file", "lone_expression"]
OURS = ("postlex", "transformer", "lexer_callbacks")
"""What is not part of the tables."""


def parser(callbacks: Any, line_ends: PostLex) -> Lark:
    """Give the parser, which calls ``callbacks`` for every rule; ``line_ends`` sees to the ends of lines."""
    from syncline_compiler.parsing import tables

    grammar = GRAMMAR.read_text(encoding="utf-8")
    if (digest(grammar), lark.__version__) != (tables.GRAMMAR, tables.LARK):
        return _make(grammar, transformer=callbacks, postlex=line_ends)
    made: Lark = Lark.__new__(Lark)._load(tables.TABLES, transformer=callbacks, postlex=line_ends)
    return made


def digest(grammar: str) -> str:
    """Tell one grammar from another."""
    return hashlib.sha256(grammar.encode()).hexdigest()


def _make(grammar: str, **ours: Any) -> Lark:
    return Lark(grammar, parser="lalr", lexer="contextual", start=STARTS, maybe_placeholders=True, **ours)


def _write() -> None:
    from syncline_compiler.parsing.reader import LineEnds

    grammar, content = GRAMMAR.read_text(encoding="utf-8"), io.BytesIO()
    _make(grammar, postlex=LineEnds()).save(content, exclude_options=OURS)
    made = repr(pickle.loads(content.getvalue())).replace("}, ", "},\n")
    text = (
        '"""The parser\'s tables; written by ``python -m syncline_compiler.parsing.parser``, not by hand."""\n\n'
        "# ruff: noqa: E501\n# fmt: off\nfrom typing import Any\n\n"
        f'GRAMMAR = "{digest(grammar)}"\nLARK = "{lark.__version__}"\nTABLES: dict[str, Any] = {made}\n'
    )
    (Path(__file__).parent / "tables.py").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    _write()
