"""What the grammar would have accepted, in users' words, and hints for slips that people make.

In: names of terminals and the text at the mistake. Out: short phrases.
"""

from __future__ import annotations

import re
from collections.abc import Collection

_VALUE = {"INTEGER", "DECIMAL", "STRING", "TRUE", "FALSE", "NULL", "PATH", "OPEN", "CASE", "PICK", "MINUS", "NOT"}
_OPERATOR = {
    "AND", "OR", "EQUAL", "DIFFERS", "LESS", "AT_MOST", "MORE", "AT_LEAST", "PLUS", "MINUS", "TIMES", "OVER", "IS",
    "NOT", "IN", "_FALLBACK",
}  # fmt: skip
_STATEMENT = {"TAKE", "LET", "REJECT", "MAPPING", "RBRACE"}
_ARROW = {"BOTH", "READ", "WRITE"}
_GROUPS = (
    ({"TAKE", "LET", "MAPPING"}, _STATEMENT | _VALUE, "a statement"),
    ({"INTEGER", "PATH", "OPEN"}, _VALUE, "a value"),
    ({"PLUS", "TIMES"}, _OPERATOR, "an operator"),
    (_ARROW, _ARROW, "an arrow (`<->`, `<-` or `->`)"),
)
_WORDS = {
    "PATH": "a name", "STRING": 'a text such as "open"', "INTEGER": "a number", "DECIMAL": "a number",
    "MEMBER": "a member such as `.value`", "VBAR": "a step (`| …`)", "_NEWLINE": "the end of the line",
    "$END": "the end", "OPEN": "`(`", "CLOSE": "`)`", "LBRACE": "`{`", "RBRACE": "`}`", "COMMA": "`,`", "EQUAL": "`==`", "_SETS": "`=`",
    "BOTH": "`<->`", "AT": "`@`", "VERSION": "a version such as 2.1.0",
}  # fmt: skip
_HINTS = (
    ('"', 'the text is not closed: it ends with `"` on the same line'),
    ("'", 'text stands between double quotes: "…"'),
    ("&", "write `and`"),
    ("||", "write `or`"),
    ("!", "write `not`, or `!=` to compare"),
    ("=", "`==` compares; an arrow (`<->`, `<-`, `->`) maps"),
    ("<-", "an arrow stands once on a line; to compare with a negative number leave a space: `a < -1`"),
    (";", "a statement ends with its line"),
    ("[", 'lists stand between round brackets: `in ("a", "b")`'),
    ("`", "the name is not closed: it ends with a backtick on the same line"),
    ("%", "there is no `%`"),
    ("//", "a comment begins with `#`"),
    (":", "an arrow maps: `<->` both ways, `<-` reads, `->` writes"),
    (">", "an arrow is `<->`, `<-` or `->`"),
    ("@", "the resource stands first: `mapping system.Resource <-> object@1`"),
    ("?", "`??` gives a value for null"),
)


def wanted(accepted: Collection[str]) -> str:
    """Say what may stand here: "a value is expected", "an operator or the end of the line is expected"."""
    rest = set(accepted)
    phrases: list[str] = []
    for sign, members, phrase in _GROUPS:
        if sign <= rest:
            phrases.append(phrase)
            rest -= members
    phrases += sorted({_WORDS.get(name, f"`{name.lower().strip('_')}`") for name in rest})
    if len(phrases) > 1:
        phrases = [", ".join(phrases[:-1]) + f" or {phrases[-1]}"]
    return f"{phrases[0]} is expected" if phrases else "nothing more is expected"


_SLIPS = {"&&": "and", "||": "or"}
_QUOTED = re.compile(r"'([^'\"\\\n]*)'")


def slip(text: str, in_file: bool) -> tuple[str, str] | None:
    """Give what stands at the beginning of ``text`` by a slip, and what is certainly meant; None if that is not certain.

    ``in_file``: the text is a mapping's own, so that a double quote in it is no end of anything around it.
    """
    quoted = _QUOTED.match(text) if in_file else None
    if quoted is not None:
        return quoted[0], f'"{quoted[1]}"'
    return (text[:2], _SLIPS[text[:2]]) if text[:2] in _SLIPS else None


_ELSE = "`else` says what becomes of a value that cannot be had; a value of your own stands behind `??`: `(… else null) ?? …`"


def hint(text: str, accepted: Collection[str]) -> str:
    """Give a hint for a slip that begins ``text``, the rest of the line; empty if none is known."""
    if {"REJECT", "REVIEW"} <= set(accepted) and "MAPPING" not in accepted:
        return _ELSE
    if text.startswith('"') and '"' in text[1:]:
        return ""
    return next((words for start, words in _HINTS if text.startswith(start)), "")
