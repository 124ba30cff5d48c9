"""Functions with regular expressions, which are RE2: no look-around, no back-references, time linear in the text.

What RE2 refuses does not compile; what it takes cannot hang, whatever a system sends.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache

from syncline_compiler.functions import tree
from syncline_compiler.functions.function import Example, Function, Options, Setting, Value
from syncline_compiler.functions.kinds import TEXTUAL
from syncline_compiler.model.types import BOOL, Type
from syncline_compiler.sql_tree import exp

LONGEST = 1_000
"""Characters of a pattern: what is longer is a table."""
_CLASS_OR_ESCAPE = re.compile(r"\\.|\[\^?\]?(?:\\.|\[:\^?[a-z]+:\]|[^\]\\])*\]", re.DOTALL)
_PIECE = re.compile(
    r"(?P<open>\((?:\?[^:)]*:?)?)|(?P<close>\))|(?P<times>\{(?P<least>\d{1,4})(?:,(?P<most>\d{1,4})?)?\})"
    r"|(?P<wide>\\[pP](?:\{[^}]*\}|.)|\[(?:[^\]\\]|\\[^pP])*\\[pP](?:[^\]\\]|\\.)*\])|\[(?:[^\]\\]|\\.)*\]|\\.|.",
    re.DOTALL,
)
_WIDE, _NARROW = 14.0, 0.3
_GROUP = re.compile(r"\((?!\?)|\(\?P?<")


@cache
def refused(pattern: str) -> str | None:
    """Tell what RE2 has against a pattern; None if nothing."""
    if len(pattern) > LONGEST:
        return f"a pattern has at most {LONGEST} characters"
    # The engine takes long to load, and few specs have a pattern of their own.
    from syncline_runtime.state import refused_pattern

    problem = refused_pattern(pattern)
    return f"no RE2 pattern: {problem}" if problem else None


def effort(pattern: str) -> int:
    """Estimate what compiling a pattern takes, in tenths of milliseconds: a class of Unicode that is repeated takes most."""
    total, groups = 5.0, [0.0]
    last = 0.0
    for match in _PIECE.finditer(pattern[:LONGEST]):
        if match["open"]:
            groups.append(total)
            total = last = 0.0
        elif match["close"] and len(groups) > 1:
            last, total = total, groups.pop() + total
        elif match["times"]:
            total += last * (int(match["most"] or match["least"]) - 1)
        else:
            last = _WIDE if match["wide"] else _NARROW
            total += last
    return round(total)


def has_group(pattern: str) -> bool:
    """Tell whether a pattern has a group that catches."""
    return _GROUP.search(_CLASS_OR_ESCAPE.sub("", pattern)) is not None


def _same_length(types: Sequence[Type], _: Options) -> Type:
    return Type("text", length=types[0].length)


def _replaced(types: Sequence[Type], options: Options) -> Type:
    return Type("text", length=types[0].length if not options["new"] else None)


def _pattern(options: Options) -> exp.Expression:
    return tree.text(options["pattern"])


def _extracted(arguments: Sequence[exp.Expression], options: Options) -> exp.Expression:
    found = tree.call("REGEXP_MATCHES", arguments[0], _pattern(options))
    group = tree.number(1 if has_group(options["pattern"]) else 0)
    return tree.when((found, tree.call("REGEXP_EXTRACT", arguments[0], _pattern(options), group)))


def _template(value: str) -> str | None:
    return "`\\` stands for nothing here: the new text is taken as it is" if "\\" in value else None


_TEXT = (Value("value", TEXTUAL),)
_PATTERN = Setting(
    "pattern", "text", check=refused, code="SYN0313", effort=effort,
    remedy="patterns are RE2: no look-around and no back-references; match more and catch the part you want in a group",
)  # fmt: skip
_PLATE = {"pattern": "[A-Z]{2}-[0-9]+"}

FUNCTIONS = (
    Function(
        "matches", "matches", (*_TEXT, _PATTERN), lambda _, __: BOOL,
        'Whether the whole text has the shape of an RE2 pattern: `sku | matches "[A-Z]{2}-[0-9]+"`.',
        lambda a, o: tree.call("REGEXP_MATCHES", a[0], tree.text(tree.whole(o["pattern"]))), cost="pattern",
        examples=(Example(("'AB-12'",), "true", _PLATE), Example(("'xAB-12'",), "false", _PLATE),
                  Example(("'AB-12\n'",), "false", _PLATE)),
    ),
    Function(
        "extract", "extract", (*_TEXT, _PATTERN), _same_length,
        "The first part of a text that has the shape of an RE2 pattern, or what its first group catches; fails where there is "
        "none.", _extracted, can_fail=True, cost="pattern",
        examples=(
            Example(("'order AB-12, AB-13'",), "AB-12", _PLATE), Example(("'order AB-12'",), "12", {"pattern": "AB-([0-9]+)"}),
            Example(("'none'",), None, _PLATE), Example(("'(x)'",), "(x", {"pattern": r"\([(x]"}),
        ),
    ),
    Function(
        "replace_matches", "replace_matches", (*_TEXT, _PATTERN, Setting("new", "text", check=_template)), _replaced,
        'Puts one text for every part that has the shape of an RE2 pattern: `replace_matches "[^0-9]" ""` keeps the digits.',
        lambda a, o: tree.call("REGEXP_REPLACE", a[0], _pattern(o), tree.text(o["new"]), tree.text("g")), cost="pattern",
        examples=(Example(("'+49 (30) 12'",), "493012", {"pattern": "[^0-9]", "new": ""}),
                  Example(("'a1b22'",), "a#b#", {"pattern": "[0-9]+", "new": "#"})),
    ),
)  # fmt: skip
