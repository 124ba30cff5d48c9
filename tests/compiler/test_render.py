"""Diagnostics for people, machines and pull requests."""

from __future__ import annotations

import json

from syrupy.assertion import SnapshotAssertion

from syncline_compiler.diagnostics.diagnostic import Collector, Edit
from syncline_compiler.diagnostics.render import render_github, render_json, render_text, totals
from syncline_compiler.source import SourceFile, Span

SOURCES = {
    "a.yaml": SourceFile("a.yaml", "object: a\nversion: 1\n# …\n# …\nfields: {名前: text, x: y}\n"),
    "b.map": SourceFile("b.map", "mapping crm.A <-> a\n\tname <-> \x1b[31mred\u202e\n" + "z" * 400 + "\n"),
}


def found() -> Collector:
    diagnostics = Collector()
    diagnostics.report(
        "SYN0203",
        Span("a.yaml", 5, 10, 5, 12),
        label="not here",
        detail="a note",
        help=("do this, " * 20).strip(),
        secondary=[(Span("a.yaml", 1, 9, 1, 10), "object"), (Span("b.map", 2, 2, 2, 6), "mapped")],
        fix=Edit(Span("a.yaml", 5, 10, 5, 12), "name"),
    )
    diagnostics.report("SYN0603", Span("b.map", 3, 1, 3, 401), label="a long\nline\x07")
    return diagnostics


def test_text(snapshot: SnapshotAssertion) -> None:
    assert render_text(found(), SOURCES) == snapshot


def test_colour_changes_no_text() -> None:
    import re

    coloured = render_text(found(), SOURCES, colour=True)
    assert "\x1b[1;31merror[SYN0203]\x1b[0m" in coloured
    assert re.sub(r"\x1b\[[0-9;]*m", "", coloured) == render_text(found(), SOURCES)


def test_no_control_characters_reach_a_terminal() -> None:
    text = render_text(found(), SOURCES)
    assert not any(ord(character) < 32 and character != "\n" for character in text)
    assert "\u202e" not in text


def test_wide_characters_take_two_columns() -> None:
    line, underline = render_text(found(), SOURCES).splitlines()[6:8]
    assert line.index("名前") == underline.index("^")
    assert underline.count("^") == 4


def test_folder_is_the_way_from_here() -> None:
    assert " --> ../shop/a.yaml:5:10\n" in render_text(found(), SOURCES, folder="../shop")
    assert " --> a.yaml:5:10\n" in render_text(found(), SOURCES, folder=".")
    assert json.loads(render_json(found(), folder="shop"))["diagnostics"][0]["file"] == "shop/a.yaml"


def test_a_place_without_source() -> None:
    assert "--> a.yaml:5:10" in render_text(found(), {})


def test_json(snapshot: SnapshotAssertion) -> None:
    document = json.loads(render_json(found()))
    assert (document["version"], document["errors"], document["warnings"]) == (1, 1, 1)
    assert document == snapshot


def test_github() -> None:
    first, second = render_github(found(), folder="examples/a,b").splitlines()
    assert first.startswith(
        "::error file=examples/a%2Cb/a.yaml,line=5,endLine=5,col=10,endColumn=11,"
        "title=SYN0203%3A An unknown field of an object::not here%0Aa note%0Ado this"
    )
    assert second.startswith("::warning file=")


def test_nothing_found() -> None:
    assert render_text(Collector(), SOURCES) == ""
    assert totals(Collector()) == "no errors"
    assert json.loads(render_json(Collector())) == {"version": 1, "diagnostics": [], "errors": 0, "warnings": 0}


def test_order_is_that_of_the_source() -> None:
    diagnostics = Collector()
    for line in (9, 2, 5):
        diagnostics.report("SYN0301", Span("a.yaml", line, 1, line, 2))
    assert [diagnostic.span.line for diagnostic in diagnostics] == [2, 5, 9]


def test_an_unknown_name_is_said_once_with_all_its_places() -> None:
    diagnostics = Collector()
    for path, line in (("b.map", 3), ("a.yaml", 5), ("b.map", 2), *(("b.map", line) for line in range(10, 15))):
        diagnostics.report("SYN0203", Span(path, line, 1, line, 2), label="`a` has no field `x`")
    (found,) = diagnostics
    assert (found.span.path, found.span.line, len(found.again)) == ("a.yaml", 5, 7)
    text = render_text(diagnostics, SOURCES)
    assert text.count("and here") == 4
    assert "the same at 3 more places" in text
    assert [place["line"] for place in json.loads(render_json(diagnostics))["diagnostics"][0]["again"]][:2] == [2, 3]
    assert len(diagnostics.about("b.map")) == 1


def test_the_same_is_said_once() -> None:
    diagnostics = Collector()
    for label in ("x", "x", "y"):
        diagnostics.report("SYN0301", Span("a.yaml", 1, 1, 1, 2), label=label)
    assert len(diagnostics) == 2
