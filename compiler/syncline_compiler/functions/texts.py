"""Functions over text: forms, parts, joining, and the text of other values."""

from __future__ import annotations

from collections.abc import Sequence

from syncline_compiler.functions import tree
from syncline_compiler.functions.function import Example, Function, Inverse, Options, RefusedArguments, Setting, Value
from syncline_compiler.functions.kinds import ONLY_TEXT, TEXTUAL
from syncline_compiler.model.types import INT, TEXT, Type
from syncline_compiler.sql_tree import exp

SPACES = (
    " \t\n\r\x0b\x0c\x85\xa0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006"
    "\u2007\u2008\u2009\u200a\u2028\u2029\u202f\u205f\u3000"
)
"""What ``trim`` takes away: every space of Unicode, tabs and line ends."""

_RUN = r"[\s\x{0b}\x{85}\p{Z}]+"


def enlarged(text: str) -> str:
    """Give what ``upper`` makes of a text, letter by letter as the engine does."""
    return "".join("ẞ" if sign == "ß" else sign if len(sign.upper()) > 1 else sign.upper() for sign in text)


def casefolded(text: str) -> str:
    """Give what ``casefold`` makes of a text."""
    return "".join(sign.lower()[:1] for sign in enlarged(text))


def _same(types: Sequence[Type], _: Options) -> Type:
    return types[0].present()


def _text(_: Sequence[Type], __: Options) -> Type:
    return TEXT


def _cut(types: Sequence[Type], options: Options) -> Type:
    bound = int(options["length"])
    return Type("text", length=min(bound, types[0].length or bound))


def _joined(types: Sequence[Type], _: Options) -> Type:
    lengths = [one.length for one in types]
    return Type("text", length=sum(length for length in lengths if length) if all(lengths) else None)


def _spelled(types: Sequence[Type], _: Options) -> Type:
    """Give the text of an enum is as long as its longest value."""
    return Type("text", length=max(map(len, types[0].values), default=None) or types[0].length)


def _positive(value: str) -> str | None:
    return None if 0 < int(value) <= 1_000_000 else "a number from 1 to 1000000 is expected"


def _form(value: str) -> str | None:
    return None if value in {"NFC", "NFD", "NFKC", "NFKD"} else 'one of "NFC", "NFD", "NFKC" and "NFKD" is expected'


def _fits(_: Sequence[Type], options: Options) -> Type:
    return Type("text", length=int(options["length"]))


def _trimmed(node: exp.Expression) -> exp.Expression:
    return exp.Trim(this=node, expression=tree.text(SPACES))


def _replaced(types: Sequence[Type], options: Options) -> Type:
    if not options["old"]:
        raise RefusedArguments("the text to replace is empty")
    shorter = len(options["new"]) <= len(options["old"])
    return Type("text", length=types[0].length if shorter else None)


_LENGTH = Setting("length", "int", check=_positive)
_VALUE = (Value("value", TEXTUAL),)

FUNCTIONS = (
    Function(
        "trim", "trim", _VALUE, _same, "Takes spaces, tabs and line ends away at both ends.",
        lambda a, _: _trimmed(a[0]), inverse=Inverse(((0, "as_is"),), exact=False, form="trim"),
        examples=(Example(("'  a b\t\n'",), "a b"), Example(("''",), ""), Example(("NULL::VARCHAR",), None)),
    ),
    Function(
        "squash", "squash", _VALUE, _same, "Trims, and makes one space of every run of spaces, tabs and line ends.",
        lambda a, _: exp.Trim(this=tree.call("REGEXP_REPLACE", a[0], tree.text(_RUN), tree.text(" "), tree.text("g"))),
        inverse=Inverse(((0, "as_is"),), exact=False, form="squash"),
        examples=(Example(("'  a \t\n b\u00a0'",), "a b"), Example(("'a b'",), "a b")),
    ),
    Function(
        "upper", "upper", _VALUE, _same, "Writes every letter large, each as one letter: ß becomes ẞ.",
        lambda a, _: exp.Upper(this=a[0]), inverse=Inverse(((0, "as_is"),), exact=False, form="upper"),
        examples=(Example(("'aé'",), "AÉ"), Example(("'Maß'",), "MAẞ"), Example(("''",), "")),
    ),
    Function(
        "lower", "lower", _VALUE, _same, "Writes every letter small.",
        lambda a, _: exp.Lower(this=a[0]), inverse=Inverse(((0, "as_is"),), exact=False, form="lower"),
        examples=(Example(("'AÉ'",), "aé"),),
    ),
    Function(
        "casefold", "casefold", _VALUE, _same, "Makes texts equal that differ in large and small letters only.",
        lambda a, _: exp.Lower(this=exp.Upper(this=a[0])), inverse=Inverse(((0, "as_is"),), exact=False, form="casefold"),
        examples=(Example(("'StraSSe'",), "strasse"), Example(("'ΟΔΟΣ'",), "οδοσ"), Example(("'οδος'",), "οδοσ"),
                  Example(("'STRAẞE'",), "straße")),
    ),
    Function(
        "concat", "concat", _VALUE, _joined, "Joins texts; null if one of them is null. Also written `+`.",
        lambda a, _: _chain(a), repeats=True,
        examples=(Example(("'a'", "'b'", "'c'"), "abc"), Example(("'a'", "NULL::VARCHAR"), None)),
    ),
    Function(
        "length", "length", _VALUE, lambda _, __: INT,
        "Counts characters, those of Unicode: an accent of its own, and each part of a joined emoji, is one too.",
        lambda a, _: exp.Length(this=a[0]),
        examples=(Example(("'aé'",), "2"), Example(("'e\u0301'",), "2"), Example(("''",), "0")),
    ),
    Function(
        "left", "left", (*_VALUE, _LENGTH), _cut, "Keeps the first characters.",
        lambda a, o: exp.Left(this=a[0], expression=tree.number(int(o["length"]))),
        examples=(Example(("'abc'",), "ab", {"length": "2"}),),
    ),
    Function(
        "truncate", "truncate", (*_VALUE, _LENGTH), _cut,
        "Cuts a text to a length. On a two-way line what is written is cut too, and compared so.",
        lambda a, o: exp.Left(this=a[0], expression=tree.number(int(o["length"]))),
        inverse=Inverse(((0, "truncate"),), exact=False),
        examples=(Example(("'abc'",), "ab", {"length": "2"}), Example(("'a'",), "a", {"length": "2"})),
    ),
    Function(
        "replace", "replace", (*_VALUE, Setting("old", "text"), Setting("new", "text")), _replaced,
        "Puts one text for every occurrence of another.",
        lambda a, o: tree.call("REPLACE", a[0], tree.text(o["old"]), tree.text(o["new"])),
        examples=(Example(("'a-b-c'",), "abc", {"old": "-", "new": ""}),),
    ),
    Function(
        "normal", "normal", (*_VALUE, Setting("form", "text", check=_form)), _text,
        'A Unicode normal form: `normal "NFKC"` makes plain letters of full-width and joined ones.', None,
        inverse=Inverse(((0, "as_is"),), exact=False), runtime="normal", cost="runtime",
    ),
    Function(
        "unaccented", "unaccented", _VALUE, _same, "Takes the accents off: for comparing names, not for keeping them.",
        lambda a, _: tree.call("STRIP_ACCENTS", a[0]), examples=(Example(("'Müller-Ünal'",), "Muller-Unal"),),
    ),
    Function(
        "hash", "hash", _VALUE, lambda _, __: Type("text", length=64), "SHA-256 of the text in UTF-8, in hex.",
        lambda a, _: tree.call("SHA256", a[0]),
        examples=(Example(("'a'",), "ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb"),),
    ),
    Function(
        "text_of_code", "text", (Value("value", TEXTUAL | {"enum"}),), _spelled,
        "The text of a value that is held as text, such as an email or an enum.",
        lambda a, _: a[0], inverse=None, examples=(Example(("'a@b.example'",), "a@b.example"),),
    ),
    Function(
        "as_is", "", _VALUE, _same, "The value itself: the way back of steps that only check or bring to a form.",
        lambda a, _: a[0], inverse=Inverse(((0, "as_is"),)), examples=(Example(("'a'",), "a"),),
    ),
    Function(
        "fits", "", (Value("value", ONLY_TEXT), _LENGTH), _fits, "A text no longer than the field it is for.",
        lambda a, o: tree.when((exp.LTE(this=exp.Length(this=a[0]), expression=tree.number(int(o["length"]))), a[0])),
        can_fail=True, inverse=Inverse(((0, "as_is"),)),
        examples=(Example(("'ab'",), "ab", {"length": "2"}), Example(("'abc'",), None, {"length": "2"})),
    ),
)  # fmt: skip


def _chain(nodes: Sequence[exp.Expression]) -> exp.Expression:
    joined = nodes[0]
    for node in nodes[1:]:
        joined = exp.DPipe(this=joined, expression=tree.operand(node))
    return joined
