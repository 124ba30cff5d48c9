"""Reading mappings and expressions: what they become, and every mistake at its place."""

from __future__ import annotations

import pytest

from syncline_compiler.diagnostics.diagnostic import Collector
from syncline_compiler.model import syntax
from syncline_compiler.parsing import tables
from syncline_compiler.parsing.parser import GRAMMAR, digest, parser
from syncline_compiler.parsing.reader import LineEnds
from syncline_compiler.passes.parse_mapping import parse_expression, parse_mapping
from syncline_compiler.source import SourceFile, Span

HEADER = "mapping crm.Account <-> account@2\n"


def parse(text: str) -> tuple[syntax.Mapping | None, list[tuple[str, int, int]]]:
    diagnostics = Collector()
    parsed = parse_mapping(SourceFile("a.map", text), diagnostics)
    return parsed, [(one.code, one.span.line, one.span.column) for one in diagnostics]


def right(line: str) -> syntax.Expression:
    parsed, mistakes = parse(f"{HEADER}x <- {line}\n")
    assert mistakes == []
    assert parsed is not None
    return parsed.lines[0].right


def outline(node: syntax.Expression) -> str:
    """A tree with every operator's brackets."""
    match node:
        case syntax.Literal():
            return repr(node.value) if node.kind != "decimal" else str(node.value)
        case syntax.Name():
            return node.text
        case syntax.Operation():
            return f"({node.operator} {' '.join(map(outline, node.operands))})"
        case syntax.Call():
            where = f" where {outline(node.where)}" if node.where else ""
            return f"{node.function.text}({', '.join(map(outline, node.arguments))}{where})"
        case syntax.Nullness():
            return f"({'present' if node.negated else 'null'} {outline(node.operand)})"
        case syntax.Membership():
            options = (
                node.options.text if isinstance(node.options, syntax.Name) else " ".join(map(outline, node.options))
            )
            return f"({'not in' if node.negated else 'in'} {outline(node.operand)} {options})"
        case syntax.Case():
            branches = " ".join(f"{outline(condition)}: {outline(value)}" for condition, value in node.branches)
            return f"{{{branches}{f' else {outline(node.default)}' if node.default else ''}}}"
        case syntax.Pick():
            return f"pick({node.list.text} {outline(node.where) if node.where else '-'} {node.member.text})"
        case syntax.Pipeline():
            steps = (
                f"else {step.action}" if isinstance(step, syntax.Otherwise)
                else " ".join([step.function.text, *map(outline, step.arguments)])
                for step in node.steps
            )  # fmt: skip
            return " | ".join([outline(node.value), *steps])


@pytest.mark.parametrize(
    ("text", "tree"),
    [
        ("a or b and not c == d", "(or a (and b (not (eq c d))))"),
        ("a + b * c - d", "(sub (add a (mul b c)) d)"),
        ("a ?? b ?? \"c\"", "(coalesce a (coalesce b 'c'))"),
        ("-1 + -b - -2.50", "(sub (add -1 (negate b)) -2.50)"),
        ("a or b or c", "(or a b c)"),
        ("(a or b) or c", "(or (or a b) c)"),
        ("a is null or b is not null", "(or (null a) (present b))"),
        ("a in (1, 2) and b not in (\"x\")", "(and (in a 1 2) (not in b 'x'))"),
        ("a in vip", "(in a vip)"),
        ("sum(payments.amount where status == \"ok\")", "sum(payments.amount where (eq status 'ok'))"),
        ("f()", "f()"),
        ("case when a then 1 when b then 2 end", "{a: 1 b: 2}"),
        ("case when a then 1 else end end", "{a: 1 else end}"),
        ("pick Points where type == \"email\" .value", "pick(Points (eq type 'email') value)"),
        ("pick Points .address.line", "pick(Points - address.line)"),
        ("a | trim | left 3 | replace \"a\" \"b\" else null", "a | trim | left 3 | replace 'a' 'b' | else null"),
        ("a | f(\"x\", 2) | g -1", "a | f 'x' 2 | g -1"),
        ("(a | trim) + \"x\"", "(add a | trim 'x')"),
        ("a else reject \"no\"", "a | else reject"),
        ("`First Name` + value + where", "(add (add First Name value) where)"),
        ("\"a\\\"b\\\\\\n\\u00e9\"", "'a\"b\\\\\\né'"),
        ("Größe", "Größe"),
    ],
)  # fmt: skip
def test_expression(text: str, tree: str) -> None:
    assert outline(right(text)) == tree


def test_lines_go_on() -> None:
    body = "x <- a # why\n  # more\n  | trim\n\n  | upper\ny <- (1 +\n 2)\n"
    body += "z <- case\n when a\n and b then 1\n else 2\nend\n"
    parsed, mistakes = parse(HEADER + body)
    assert mistakes == []
    assert parsed is not None
    assert [outline(line.right) for line in parsed.lines] == ["a | trim | upper", "(add 1 2)", "{(and a b): 1 else 2}"]
    assert parsed.lines[0].text == "x <- a | trim | upper"


def test_mapping_as_a_whole() -> None:
    parsed, mistakes = parse(
        "# first\nmapping crm.Account <-> account@2.1.0\r\ntake when a\nlet b = c\nd <-> e\nf + g -> h\n"
        'reject when i because "j"\nk <-> each L {\n  m <-> n\n}\n'
    )
    assert mistakes == []
    assert parsed is not None
    assert (parsed.header.resource.text, parsed.header.object.text, parsed.header.version) == (
        "crm.Account",
        "account",
        "2.1.0",
    )
    assert [line.direction for line in parsed.lines] == ["both", "write"]
    assert [(part.part.text, part.list.text, len(part.lines)) for part in parsed.parts] == [("k", "L", 1)]
    assert parsed.rejects[0].because == "j"
    assert parsed.lines[0].span == Span("a.map", 5, 1, 5, 8)


MISTAKES = """mapping a.B <-> c@1
take when x = 3
name <-> 'foo'
name <-> Foo | | trim
x <-> foo(a, b
y <-> z
q <-
a <- a < b <-1
k <-> each foo {
  a <-> b )
  d <-> "abc
}
e <-> $
t <- (a +
   b + +
   c)
u <- case when a then b
name <-> Foo
take name
ok <-> Fine
"""


def test_every_mistake_is_reported_once_at_its_place() -> None:
    parsed, mistakes = parse(MISTAKES)
    assert parsed is None
    assert [(line, column) for _, line, column in mistakes] == [
        (2, 13), (3, 10), (4, 16), (5, 10), (7, 5), (8, 12), (10, 11), (11, 9), (13, 7), (15, 8), (17, 6), (19, 6),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("body", "codes"),
    [
        ("", []),
        ("}\n", ["SYN0104"]),
        ("a <-> each b {\nc <-> d\n", ["SYN0104"]),
        ('"a" <-> b\n', ["SYN0105"]),
        ("a <-> each b {\ntake when c\n}\n", ["SYN0105"]),
        (HEADER, ["SYN0103"]),
        ('a <- "\\q"\n', ["SYN0101"]),
        ('a <- "\\u0000"\n', ["SYN0101"]),
        (f"a <- {'9' * 60}\n", ["SYN0101"]),
        (f"a <- {'(' * 70}b{')' * 70}\n", ["SYN0102"]),
        (f"a <- {'not ' * 70}b\n", ["SYN0102"]),
        (f"a <- {'b + ' * 5000}b\n", ["SYN0102"]),
        (f"a <- b{' | trim' * 5000}\n", ["SYN0102"]),
        (f"a <- {'case when b then ' * 5000}", ["SYN0102"]),
        (f"a <- {' or '.join(['b'] * 1900)}\n", []),
        (f"a <- {' or '.join(['b'] * 5000)}\n", ["SYN0102"]),
        ("#" * (1 << 20), ["SYN0102"]),
        ("\x00\n", ["SYN0101"]),
        ("a <- b\x0bc\n", ["SYN0101"]),
    ],
)
def test_bounds_and_structure(body: str, codes: list[str]) -> None:
    assert [code for code, _, _ in parse(HEADER + body)[1]] == codes


def test_header_must_come_first() -> None:
    assert parse("")[1] == [("SYN0103", 1, 1)]
    assert parse("a <- b\nmapping c.D <-> e\n")[1] == [("SYN0103", 2, 1)]


def test_places_within_yaml() -> None:
    diagnostics = Collector()
    assert parse_expression("a = b", Span("o.yaml", 7, 11, 7, 18), diagnostics) is None
    assert [(one.span.line, one.span.column) for one in diagnostics] == [(7, 14)]


def test_folded_yaml_keeps_its_own_place() -> None:
    diagnostics, span = Collector(), Span("o.yaml", 7, 11, 9, 4)
    assert parse_expression("a = b", span, diagnostics) is None
    assert [one.span for one in diagnostics] == [span]


def test_the_tables_of_the_parser_are_fresh() -> None:
    grammar = GRAMMAR.read_text(encoding="utf-8")
    assert digest(grammar) == tables.GRAMMAR, "run: python -m syncline_compiler.parsing.parser"


def test_without_tables_the_parser_makes_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    text = f"{HEADER}a <-> B | upper\nb <- case when C > 1 then 2\n else 3 end ?? d\n"
    trees = [parser(None, LineEnds()).parse(text, start="mapping_file")]
    monkeypatch.setattr(tables, "LARK", "an older one")
    trees.append(parser(None, LineEnds()).parse(text, start="mapping_file"))
    assert trees[0] == trees[1]
