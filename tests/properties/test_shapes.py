"""The law of statements that look alike: read by their shape, they are what the parser makes of the whole text."""

from __future__ import annotations

from collections.abc import Sequence
from unittest.mock import patch

from hypothesis import example, given, settings
from hypothesis import strategies as st

from syncline_compiler.diagnostics.diagnostic import Collector
from syncline_compiler.model import syntax
from syncline_compiler.parsing.shapes import Shapes
from syncline_compiler.passes.parse_mapping import parse_mapping
from syncline_compiler.source import SourceFile

NAMES = st.sampled_from(
    ["a", "Name", "List.item", "value", "end", "where", "null", "Größe", "true", "code2", "`a b`", "pick", "not"]
)
OTHERS = st.sampled_from(
    [
        "1",
        "2.5",
        "1.2.3",
        '"x # y"',
        '"\\u00e9"',
        "(",
        ")",
        ".m",
        "..",
        "|",
        "??",
        "-",
        "*",
        "==",
        "@",
        "{",
        "}",
        "#c",
        "\t",
        "§",
    ]
)
WORDS = st.sampled_from(
    ["and", "or", "is", "in", "else", "case", "when", "then", "trim", "left", "each", "reject", "take"]
)
ARROWS = st.sampled_from(["<->", "<-", "->"])
LIKELY = st.sampled_from(
    [
        "{0} <-> {1}", "{0} <- {1} | trim", "{0} <-> {1} | left 3 else null", "{0} <- f({1}, 2)", "{0} + {1} -> T",
        "take when {0} == {1}", "{0} <- {1} ?? {1}", 'reject when {0} is null because "{1}"', "let {0} = {1} - 1",
        "{0} <- pick {1} where a == 1 .m", "{0} <-> each {1} {{", "}}", "{0} <- {1} | f -1 (2, {1})", "{0}   <-> {1}# {0}",
        "{0} <- {1} in ({1}, {0})", "{0} <- not {1} or {0}", "  # {0}",
    ]
)  # fmt: skip
LINES = st.one_of(
    st.tuples(LIKELY, NAMES, NAMES).map(lambda made: made[0].format(*made[1:])),
    st.tuples(NAMES, ARROWS, st.lists(st.one_of(NAMES, OTHERS, WORDS), max_size=5)).map(
        lambda made: f"{made[0]} {made[1]} {' '.join(made[2])}"
    ),
    st.lists(st.one_of(NAMES, OTHERS, WORDS, ARROWS), max_size=4).map("".join),
)


def _read(text: str) -> tuple[syntax.Mapping | None, list[str]]:
    found = Collector()
    made = parse_mapping(SourceFile("m.map", text), found)
    return made, [f"{one.code} {one.span} {one.label}" for one in found]


@settings(max_examples=600, deadline=None)
@given(st.lists(LINES, max_size=6))
@example(["a <- b", "c <- d", "c <- value"])
@example(["a <- Name.x", "a <- b.c.d", "a <- 1.2", "a <- 12"])
@example(["a <- f (", "1)"])
@example(["a <- 9" + "9" * 50])
def test_a_shape_says_what_the_parser_says(lines: Sequence[str]) -> None:
    text = "\n".join(["mapping s.R <-> o@1.2.3", *lines])
    by_shape = _read(text)
    with patch.object(Shapes, "read", return_value=None):
        whole = _read(text)
    assert by_shape == whole
