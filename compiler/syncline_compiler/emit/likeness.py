"""The words of likeness (see ``lowering/likeness``) as sqlglot trees for DuckDB, and with them the whole vocabulary.

A *plain* text is in small letters without accents, its words parted by one space: distances of the engine count bytes.
"""

from __future__ import annotations

from collections.abc import Mapping

from syncline_compiler.emit.words import WORDS as RELATIONAL
from syncline_compiler.emit.words import Arguments, Build, Options, Word, call, literal
from syncline_compiler.sql_tree import Tree, exp

FOLDED = ("øłđðı\u00a0‐‑–—’‘“”´·…«»", "olddi" + " " * 14)
LONGER = (("ß", "ss"), ("æ", "ae"), ("œ", "oe"), ("þ", "th"))
"""Letters that no accent makes of another, and how they are read; distances of the engine count bytes. Marks are spaces."""
SOUNDS = (("[bfpv]+", "1"), ("[cgjkqsxz]+", "2"), ("[dt]+", "3"), ("l+", "4"), ("[mn]+", "5"), ("r+", "6"))
"""Consonants that sound alike (Soundex, US patent 1261167)."""


def _function(name: str) -> Build:
    return lambda a, _: call(name, *a)


def _number(value: int) -> Tree:
    return exp.Literal(this=str(value), is_string=False)


def _cast(value: Tree, to: str) -> Tree:
    return exp.Cast(this=value, to=exp.DataType.build(to, dialect="duckdb"))


def _text(value: Tree) -> Tree:
    return _cast(value, "VARCHAR")


def _sum(a: Arguments, _: Options) -> Tree:
    made = a[0]
    for argument in a[1:]:
        made = exp.Add(this=made, expression=argument)
    return exp.Paren(this=made)


def _replaced(value: Tree, pattern: str, by: str) -> Tree:
    return call("regexp_replace", value, literal(pattern), literal(by), literal("g"))


def _plain(a: Arguments, _: Options) -> Tree:
    """Give a text in small letters without accents, its words parted by one space; null for none."""
    lower = call("lower", _text(a[0]))
    made: Tree = call("strip_accents", lower)
    made = call("translate", made, *map(literal, FOLDED))
    for letter, read in LONGER:
        made = call("replace", made, literal(letter), literal(read))
    made = _replaced(made, r"[^a-z0-9\x{80}-\x{10FFFF}]+", " ")
    made = call("nullif", call("trim", made), literal(""))
    # most values are plain but for capitals, which is found out at an eighth of the cost
    is_plain = call("regexp_full_match", lower.copy(), literal("[a-z0-9]+( [a-z0-9]+)*"))
    return exp.Case(ifs=[exp.If(this=is_plain, true=lower.copy())], default=made)


def _plain_each(a: Arguments, options: Options) -> Tree:
    """Give the list of several values, each spelled plainly."""
    value = exp.Column(this=exp.Identifier(this="x", quoted=False))
    body = exp.Lambda(this=_plain([value], options), expressions=[exp.Identifier(this="x", quoted=False)])
    return call("list_transform", exp.Array(expressions=[_text(one) for one in a]), body)


def _sounds(a: Arguments, _: Options) -> Tree:
    """Give the first letter of a plain text and three digits for the consonants behind it; null for what has no letters."""
    letters = _replaced(a[0], "[^a-z]", "")
    coded: Tree = _replaced(letters, "[hw]", "")
    for pattern, digit in SOUNDS:
        coded = _replaced(coded, pattern, digit)
    coded = _replaced(call("substr", coded, _number(2)), "[^0-9]", "")
    code = call(
        "concat", call("substr", letters, _number(1), _number(1)), call("rpad", coded, _number(3), literal("0"))
    )
    empty = exp.EQ(this=letters.copy(), expression=literal(""))
    return exp.Case(ifs=[exp.If(this=exp.Not(this=exp.Paren(this=empty)), true=code)])


def _words(a: Arguments, _: Options) -> Tree:
    return call("list_distinct", call("string_split", a[0], literal(" ")))


def _shared_words(a: Arguments, _: Options) -> Tree:
    """Give the share of all words of two plain texts that both have."""
    left, right = _words([a[0]], {}), _words([a[1]], {})
    both = call("len", call("list_intersect", left, right))
    all_ = call("len", call("list_distinct", call("list_concat", left.copy(), right.copy())))
    return exp.Div(this=_cast(both, "DOUBLE"), expression=all_)


def _few_edits(a: Arguments, _: Options) -> Tree:
    """Whether at most so many edits lie between two plain texts, and no more than one letter in three.

    Most are equal or far apart, which costs a fifth to find out: two letters exchanged are one edit there, and two here.
    """
    shorter = call("least", call("length", a[0]), call("length", a[1]))
    most = call("least", a[2], exp.IntDiv(this=shorter, expression=_number(3)))
    few = exp.LTE(this=call("damerau_levenshtein", a[0], a[1]), expression=most)
    near = exp.LTE(this=call("levenshtein", a[0], a[1]), expression=exp.Mul(this=_number(2), expression=a[2]))
    equal = exp.EQ(this=a[0], expression=a[1])
    return exp.Case(
        ifs=[exp.If(this=equal, true=exp.Boolean(this=True)), exp.If(this=near, true=few)],
        default=exp.Boolean(this=False),
    )


def _apart(a: Arguments, options: Options) -> Tree:
    """How far two numbers lie apart, or two days."""
    if options["type"] == "days":
        return call("abs", call("date_diff", literal("day"), _cast(a[0], "DATE"), _cast(a[1], "DATE")))
    return call("abs", exp.Paren(this=exp.Sub(this=a[0], expression=a[1])))


def _sorted_words(a: Arguments, _: Options) -> Tree:
    joined = call("concat_ws", literal(" "), *a)
    return call("array_to_string", call("list_sort", call("string_split", joined, literal(" "))), literal(" "))


def _block_key(a: Arguments) -> Tree:
    """Give a number for what a block is made of; two blocks with one number cost a comparison, and nothing else."""
    return call("hash", *a)


def _word_keys(a: Arguments, _: Options) -> Tree:
    word = exp.Column(this=exp.Identifier(this="x", quoted=False))
    body = exp.Lambda(this=_block_key([*a[1:], word]), expressions=[exp.Identifier(this="x", quoted=False)])
    return call("list_transform", a[0], body)


def _start(a: Arguments, options: Options) -> Tree:
    return call("substr", a[0], _number(1), _number(int(options["letters"])))


def _end(a: Arguments, options: Options) -> Tree:
    return call("right", a[0], _number(int(options["letters"])))


_BUILDS: Mapping[str, Build] = {
    ">=": lambda a, _: exp.Paren(this=exp.GTE(this=a[0], expression=a[1])),
    "<": lambda a, _: exp.Paren(this=exp.LT(this=a[0], expression=a[1])),
    "+": _sum,
    "COUNT ROWS": lambda a, _: exp.Count(this=a[0]),
    "MAX": lambda a, _: exp.Max(this=a[0]),
    "PLAIN": _plain,
    "PLAIN EACH": _plain_each,
    "ELEMENT": _function("list_extract"),
    "SOUNDS": _sounds,
    "HASH": _function("hash"),
    "WORDS": _words,
    "EACH": lambda a, _: call("unnest", exp.Array(expressions=list(a))),
    "EACH OF": lambda a, _: call("unnest", call("flatten", exp.Array(expressions=list(a)))),
    "ONE KEY": lambda a, _: exp.Array(expressions=list(a)),
    "BLOCK KEY": lambda a, _: _block_key(a),
    "WORD KEYS": _word_keys,
    "SORTED WORDS": _sorted_words,
    "START": _start,
    "END": _end,
    "JARO WINKLER": _function("jaro_winkler_similarity"),
    "FEW EDITS": _few_edits,
    "SHARED WORDS": _shared_words,
    "APART": _apart,
}

WORDS: Mapping[str, Word] = {**RELATIONAL, **{name: Word(build) for name, build in _BUILDS.items()}}
