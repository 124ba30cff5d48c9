"""Functions that take texts apart and put them together, and lists of texts.

Lists are held as JSON text in its compact form. A text of no parts is the empty list, not a list of one empty text.
"""

from __future__ import annotations

from collections.abc import Sequence

from syncline_compiler.functions import tree
from syncline_compiler.functions.function import (
    Example,
    Function,
    Inverse,
    Options,
    RefusedArguments,
    Setting,
    Sql,
    Value,
)
from syncline_compiler.functions.kinds import TEXTUAL
from syncline_compiler.model.types import BOOL, INT, TEXT, Kind, Type
from syncline_compiler.sql_tree import Tree, exp

_LIST: frozenset[Kind] = frozenset({"list"})
_VALUE = (Value("value", TEXTUAL),)
_LIST_OF = (Value("value", _LIST),)


def _positive(value: str) -> str | None:
    return None if 0 < int(value) <= 1_000_000 else "a number from 1 to 1000000 is expected"


def _one_sign(value: str) -> str | None:
    return None if len(value) == 1 else "one character is expected"


def _not_empty(value: str) -> str | None:
    return None if value else "the text that parts is empty"


def _kept(types: Sequence[Type], options: Options) -> Type:
    bound = int(options["length"])
    return Type("text", length=min(bound, types[0].length or bound))


def _padded(types: Sequence[Type], options: Options) -> Type:
    length = types[0].length
    return Type("text", length=max(int(options["length"]), length) if length else None)


def _texts(types: Sequence[Type], _: Options) -> Type:
    return Type("list", element=Type("text", length=types[0].length))


def _same(types: Sequence[Type], _: Options) -> Type:
    return Type("text", length=types[0].length)


def _pad(function: str) -> Sql:
    def build(arguments: Sequence[Tree], options: Options) -> Tree:
        length = tree.number(int(options["length"]))
        short = exp.LT(this=exp.Length(this=arguments[0]), expression=length)
        filled = tree.call(function, arguments[0], tree.cast(length, "INTEGER"), tree.text(options["sign"]))
        return tree.when((short, filled), otherwise=arguments[0])

    return build


def _bare(arguments: Sequence[Tree], options: Options) -> Tree:
    return tree.call("LTRIM", arguments[0], tree.text(options["sign"]))


def _as_json(parts: Tree) -> Tree:
    return tree.cast(tree.call("TO_JSON", parts), "VARCHAR")


def _split(arguments: Sequence[Tree], options: Options) -> Tree:
    parts = tree.call("STRING_SPLIT", arguments[0], tree.text(options["separator"]))
    return _parts(arguments[0], parts)


def _lines(arguments: Sequence[Tree], _: Options) -> Tree:
    return _parts(arguments[0], tree.call("REGEXP_SPLIT_TO_ARRAY", arguments[0], tree.text("\r\n|\r|\n")))


def _parts(node: Tree, parts: Tree) -> Tree:
    return tree.when((tree.equal(node, tree.text("")), tree.text("[]")), otherwise=_as_json(parts))


def elements(node: Tree) -> Tree:
    """Give the elements of a list, as texts."""
    return tree.call("FROM_JSON", node, tree.text('["VARCHAR"]'))


def _joined(arguments: Sequence[Tree], options: Options) -> Tree:
    return tree.call("ARRAY_TO_STRING", elements(arguments[0]), tree.text(options.get("separator", "\n")))


def _joined_exactly(arguments: Sequence[Tree], options: Options) -> Tree:
    """Null where taking the text apart again would give another list."""
    whole = _joined(arguments, options)
    again = _split([whole], options) if "separator" in options else _lines([whole], options)
    return tree.when((tree.equal(again, arguments[0]), whole))


def _titled(arguments: Sequence[Tree], _: Options) -> Tree:
    """Every word's first letter large, the rest small; what stands between the words stays."""
    word = exp.Column(this=exp.Identifier(this="w", quoted=False))
    head = exp.Upper(this=tree.call("SUBSTRING", word, tree.number(1), tree.number(1)))
    large = exp.DPipe(this=head, expression=exp.Lower(this=tree.call("SUBSTRING", word, tree.number(2))))
    each = exp.Lambda(this=large, expressions=[exp.Identifier(this="w", quoted=False)])
    words = tree.call("REGEXP_EXTRACT_ALL", arguments[0], tree.text(r"[\p{L}\p{M}\p{N}'’]+|[^\p{L}\p{M}\p{N}'’]+"))
    return tree.call("ARRAY_TO_STRING", tree.call("LIST_TRANSFORM", words, each), tree.text(""))


def _cut_out(types: Sequence[Type], options: Options) -> Type:
    length, bound = types[0].length, int(options["length"])
    return Type("text", length=max(min(bound, length - int(options["start"]) + 1), 1) if length else bound)


def _of_texts(types: Sequence[Type], _: Options) -> Type:
    element = types[0].element
    if element is not None and element.kind not in TEXTUAL:
        raise RefusedArguments(f"a list of texts is expected, and this is {types[0].present()}")
    return TEXT


def _tested(function: str) -> Sql:
    return lambda a, _: tree.call(function, a[0], a[1])


_LENGTH = Setting("length", "int", check=_positive)
_SIGN = Setting("sign", "text", check=_one_sign)
_SEPARATOR = Setting("separator", "text", check=_not_empty)
_PAIR = (Value("value", TEXTUAL), Value("part", TEXTUAL))
_COMMA, _ZEROS = {"separator": ","}, {"length": "6", "sign": "0"}

FUNCTIONS = (
    Function(
        "title", "title", _VALUE, _same, "Writes the first letter of every word large and the others small.", _titled,
        cost="pattern",
        examples=(Example(("'ada LOVELACE'",), "Ada Lovelace"), Example(("'o''neil-smith  é'",), "O'neil-Smith  É"),
                  Example(("''",), "")),
    ),
    Function(
        "right", "right", (*_VALUE, _LENGTH), _kept, "Keeps the last characters.",
        lambda a, o: exp.Right(this=a[0], expression=tree.number(int(o["length"]))),
        examples=(Example(("'abc'",), "bc", {"length": "2"}), Example(("'äöü'",), "äöü", {"length": "9"})),
    ),
    Function(
        "substring", "substring", (*_VALUE, Setting("start", "int", check=_positive), _LENGTH), _cut_out,
        "Keeps so many characters from a place on; the first character is 1.",
        lambda a, o: tree.call("SUBSTRING", a[0], tree.number(int(o["start"])), tree.number(int(o["length"]))),
        examples=(Example(("'abcdef'",), "bcd", {"start": "2", "length": "3"}),
                  Example(("'ab'",), "", {"start": "3", "length": "3"})),
    ),
    Function(
        "pad_left", "pad_left", (*_VALUE, _LENGTH, _SIGN), _padded,
        "Fills up a text with a character at its beginning, to a length; a longer one stays as it is.", _pad("LPAD"),
        inverse=Inverse(((0, "as_is"),), exact=False),
        examples=(Example(("'42'",), "000042", _ZEROS), Example(("'1234567'",), "1234567", _ZEROS)),
    ),
    Function(
        "pad_right", "pad_right", (*_VALUE, _LENGTH, _SIGN), _padded,
        "Fills up a text with a character at its end, to a length; a longer one stays as it is.", _pad("RPAD"),
        inverse=Inverse(((0, "as_is"),), exact=False),
        examples=(Example(("'42'",), "420000", _ZEROS), Example(("'1234567'",), "1234567", _ZEROS)),
    ),
    Function(
        "unpad", "unpad", (*_VALUE, _LENGTH, _SIGN), _same,
        'Takes a character away at the beginning, such as the zeros of `unpad 10 "0"`; a two-way line fills them up again.',
        _bare, inverse=Inverse(((0, "pad_left"),), exact=False),
        examples=(Example(("'000042'",), "42", _ZEROS), Example(("'0000'",), "", _ZEROS)),
    ),
    Function(
        "starts_with", "starts_with", _PAIR, lambda _, __: BOOL, "Whether a text begins with another.",
        _tested("STARTS_WITH"), examples=(Example(("'abc'", "'ab'"), "true"), Example(("'abc'", "'b'"), "false")),
    ),
    Function(
        "ends_with", "ends_with", _PAIR, lambda _, __: BOOL, "Whether a text ends with another.",
        _tested("ENDS_WITH"), examples=(Example(("'abc'", "'bc'"), "true"), Example(("'abc'", "'b'"), "false")),
    ),
    Function(
        "contains", "contains", _PAIR, lambda _, __: BOOL, "Whether a text has another in it, as it is: no sign is special.",
        _tested("CONTAINS"), examples=(Example(("'a_c'", "'_'"), "true"), Example(("'abc'", "'_'"), "false")),
    ),
    Function(
        "split", "split", (*_VALUE, _SEPARATOR), _texts,
        "Takes a text apart at every occurrence of another. A two-way line writes the parts joined, and fails where a part "
        "holds what parts them.", _split, inverse=Inverse(((0, "join_exactly"),)),
        examples=(Example(("'a,b,,c'",), '["a","b","","c"]', _COMMA), Example(("''",), "[]", _COMMA),
                  Example(("'a'",), '["a"]', _COMMA)),
    ),
    Function(
        "lines", "lines", _VALUE, _texts, "Takes a text apart at its line ends, of any system.", _lines, cost="pattern",
        inverse=Inverse(((0, "join_lines"),)),
        examples=(Example(("'a\r\nb\nc'",), '["a","b","c"]'), Example(("''",), "[]")),
    ),
    Function(
        "join", "join", (*_LIST_OF, _SEPARATOR), _of_texts, "Joins the texts of a list; null is left out.", _joined,
        inverse=Inverse(((0, "split"),)),
        examples=(Example(("""'["a","b",null]'""",), "a,b", _COMMA), Example(("'[]'",), "", _COMMA)),
    ),
    Function(
        "join_exactly", "", (*_LIST_OF, _SEPARATOR), _of_texts, "Joins the texts of a list; fails where they could not be "
        "told apart again.", _joined_exactly, can_fail=True, inverse=Inverse(((0, "split"),)),
        examples=(Example(("""'["a","b"]'""",), "a,b", _COMMA), Example(("""'["a,b"]'""",), None, _COMMA),
                  Example(("""'[""]'""",), None, _COMMA)),
    ),
    Function(
        "join_lines", "", _LIST_OF, _of_texts, "Joins the texts of a list as lines; fails where one has a line end.",
        _joined_exactly, can_fail=True, inverse=Inverse(((0, "lines"),)),
        examples=(Example(("""'["a","b"]'""",), "a\nb"), Example(("""'["a\\nb"]'""",), None)),
    ),
    Function(
        "count_of_list", "length", _LIST_OF, lambda _, __: INT, "Counts the elements of a list.",
        lambda a, _: tree.cast(tree.call("JSON_ARRAY_LENGTH", a[0]), "BIGINT"),
        examples=(Example(("""'["a","b"]'""",), "2"), Example(("'[]'",), "0")),
    ),
    Function(
        "has", "has", (*_LIST_OF, Value("element", TEXTUAL)), lambda _, __: BOOL, "Whether a text is an element of a list.",
        lambda a, _: tree.call("LIST_CONTAINS", elements(a[0]), a[1]),
        examples=(Example(("""'["a","b"]'""", "'b'"), "true"), Example(("'[]'", "'b'"), "false")),
    ),
)  # fmt: skip
