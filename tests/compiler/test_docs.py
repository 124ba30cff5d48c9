"""Documentation: pages that show what the specs say and nothing else, links that lead somewhere, JSON that keeps to its schema."""

from __future__ import annotations

import json
import posixpath
import re
from collections.abc import Callable, Mapping
from functools import cache
from html.parser import HTMLParser
from pathlib import Path

import click
import pytest
from click.testing import CliRunner, Result
from hypothesis import example, given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from markdown_it import MarkdownIt
from syrupy.assertion import SnapshotAssertion

from syncline_compiler.cli import COMMANDS
from syncline_compiler.docs.documentation import SCHEMA, Documentation, about, as_json, json_schema
from syncline_compiler.docs.gather import gather
from syncline_compiler.docs.markdown import code, plain, table
from syncline_compiler.docs.pages import MARK, render_one_page, render_pages
from syncline_compiler.pipeline import Compilation, check_project, check_sources
from syncline_compiler.query.project_query import ProjectQuery
from syncline_compiler.source import read_sources

Check = Callable[[Mapping[str, str]], Compilation]
EXAMPLES = Path(__file__).parents[2] / "examples"
PROJECTS = sorted(path.parent.name for path in EXAMPLES.glob("*/syncline.yaml"))
GROUP = click.Group("syncline", commands=dict(COMMANDS))
HOSTILE = (
    'a|b \\| `c` <script>alert(1)</script> [d](javascript:e) ![f](http://g.example) &lt; *h* _i_ | --- | {{ j }} @k "l"'
)


TEXTS = st.text(st.sampled_from("a1 |`\\*_[]<>()!#&;~-+=.:/@$w\n\t\u202eé"), max_size=30)
RENDERER = MarkdownIt("gfm-like", {"linkify": False, "html": True})


def run(*arguments: str | Path) -> Result:
    result = CliRunner().invoke(GROUP, [str(argument) for argument in arguments])
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exc_info
    return result


def documented(compilation: Compilation) -> Documentation:
    assert compilation.project is not None, [str(one.label) for one in compilation.diagnostics]
    return gather(ProjectQuery(compilation), compilation.governance)


@cache
def documentation(name: str) -> Documentation:
    return documented(check_project(EXAMPLES / name))


class _Html(HTMLParser):
    """What a browser would see: tags, and the text of each cell and heading."""

    def __init__(self, markdown: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.links: list[str] = []
        self.text = ""
        self.rows: list[int] = []
        self.feed(RENDERER.render(markdown))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.links += [value or "" for key, value in attrs if key in ("href", "src")]
        if tag == "tr":
            self.rows.append(0)
        if tag in ("td", "th"):
            self.rows[-1] += 1

    def handle_data(self, data: str) -> None:
        self.text += data


def dead_links(pages: Mapping[str, str]) -> list[str]:
    """Find links to pages or places that are not there."""
    places = {path: set(re.findall(r'<a id="([^"]*)">', text)) for path, text in pages.items()}
    dead = []
    for path, text in pages.items():
        for target in re.findall(r"\]\(([^)]*)\)", text):
            page, _, place = target.partition("#")
            found = posixpath.normpath(posixpath.join(posixpath.dirname(path), page)) if page else path
            if place not in places.get(found, ()):
                dead.append(f"{path}: {target}")
    return dead


@pytest.mark.parametrize("name", PROJECTS)
def test_the_pages(name: str, snapshot: SnapshotAssertion) -> None:
    pages = render_pages(documentation(name))
    assert "\n\n\n".join(f"=== {path}\n{text}" for path, text in pages.items()) == snapshot


@pytest.mark.parametrize("name", PROJECTS)
def test_every_link_leads_somewhere(name: str) -> None:
    pages = render_pages(documentation(name))
    assert sum(text.count("](") for text in pages.values()) > 300
    assert dead_links(pages) == []
    assert dead_links({"": render_one_page(documentation(name))}) == []
    part = about(documentation(name), ["objects", "systems/erp.yaml"])
    assert dead_links(render_pages(part)) == []


def test_links_go_to_the_specs_where_these_can_be_read() -> None:
    page = render_pages(documentation("quickstart"), "../..")["objects/account.md"]
    assert "[`objects/account.yaml:7`](../../../objects/account.yaml#L7)" in page
    page = render_pages(documentation("quickstart"), "https://git.example.com/specs/")["objects/account.md"]
    assert "(https://git.example.com/specs/objects/account.yaml#L7)" in page


@pytest.mark.parametrize("name", PROJECTS)
def test_json_keeps_to_its_schema(name: str) -> None:
    document = json.loads(as_json(documentation(name)))
    Draft202012Validator(json.loads(SCHEMA.read_text(encoding="utf-8"))).validate(document)
    assert document["version"] == 1
    assert all(
        field["format"] or field["values"] or field["type"] for item in document["objects"] for field in item["fields"]
    )


def test_the_checked_in_schema_is_fresh() -> None:
    assert SCHEMA.read_text(encoding="utf-8") == json_schema(), f"write json_schema() to {SCHEMA.name}"


def test_the_order_of_the_files_does_not_matter() -> None:
    files = list(read_sources(EXAMPLES / "quickstart"))
    assert as_json(documented(check_sources(reversed(files)))) == as_json(documentation("quickstart"))


def test_units_descriptions_and_ways_out_are_told(check: Check) -> None:
    found = documented(check({"objects/account.yaml": OBJECT}))
    entry = next(field for field in found.objects[0].fields if field.name == "days")
    assert (entry.unit, entry.description) == ("days", "From the date of the invoice on.")
    page = render_pages(found)["objects/account.md"]
    assert "| [`days`](#field.account.days) | Days to pay | `int?` | days |" in page
    assert "goes on 2999-01-01" in page
    assert "* Use instead: [`days`](#field.account.days)" in page


OBJECT = """object: account
version: 1.0.0
label: Customer
fields:
  name: {type: text(80), required: true, label: Name}
  status: {type: enum, values: [prospect, active, closed], label: Status}
  country: {type: "country?", label: Country}
  email: {type: "email?", label: Email}
  credit_limit: {type: "money?", label: Credit limit}
  days: {type: "int?", label: Days to pay, description: From the date of the invoice on., unit: days}
  terms: {type: "text(9)?", label: Terms, deprecated: {since: 1.0.0, sunset: 2999-01-01, use: days}}
identity: [{same: [email]}]
"""


def test_nothing_in_a_spec_is_taken_for_markup(check: Check) -> None:
    hostile = json.dumps(HOSTILE)
    text = OBJECT.replace("label: Name", f"label: {hostile}").replace("From the date of the invoice on.", hostile)
    text = text.replace("label: Customer", f"label: {hostile}\ndescription: {hostile}\nsteward: {hostile}")
    found = documented(check({"objects/account.yaml": text}))
    calm = render_pages(documented(check({"objects/account.yaml": OBJECT})))
    for path, page in render_pages(found).items():
        html, before = _Html(page), _Html(calm[path])
        assert set(html.tags) <= set(before.tags) | {"ul", "li", "p"}, path
        assert max(html.rows) - max(before.rows) <= 1, path  # the column of stewards
        assert not [one for one in html.links if "javascript" in one or "g.example" in one]
        assert "<script" not in page
    assert _Html(render_pages(found)["objects/account.md"]).text.count(HOSTILE) >= 4


@given(TEXTS)
@example("a\\|b")
@example("    a")
@example("12. a")
@example("---")
@example("+ a")
@example("=")
def test_a_text_shows_as_itself(text: str) -> None:
    shown = _Html("\n".join(table(("one", "two"), [[plain(text), plain("x")]])))
    assert shown.rows == [2 if plain(text) else 1, 2 if plain(text) else 1]
    assert set(shown.tags) == {"table", "thead", "tbody", "tr", "th", "td"}
    assert _squashed(text) in _squashed(shown.text)
    alone = _Html(plain(text))
    assert set(alone.tags) <= {"p"}
    assert _squashed(text) == _squashed(alone.text)


@given(TEXTS)
@example("a\\|b")
def test_a_code_shows_as_itself(text: str) -> None:
    shown = _Html("\n".join(table(("one", "two"), [[code(text), plain("x")]])))
    assert shown.rows == [2, 2]
    assert set(shown.tags) <= {"table", "thead", "tbody", "tr", "th", "td", "code", "em"}
    assert _squashed(text) in _squashed(shown.text)
    assert _squashed(text) in _squashed(_Html(f"before {code(text)} after").text)


def _squashed(text: str) -> str:
    """Leave out what no reader sees: how many spaces there are, and characters that are shown as a question mark."""
    return "".join(one for one in text if not one.isspace() and one.isprintable() and one != "\ufffd" and one != "\xad")


# The command


@pytest.fixture
def shop(project: Path) -> Path:
    return project


def test_pages_are_written_into_the_project(shop: Path) -> None:
    result = run("docs", "--project", shop)
    assert result.exit_code == 0, result.output
    pages = shop / "build" / "docs"
    assert (pages / "README.md").read_text(encoding="utf-8").startswith(MARK)
    account = (pages / "objects" / "account.md").read_text(encoding="utf-8")
    target = re.search(r"\]\(([^)#]*objects/account\.yaml)#L", account)
    assert target is not None
    assert (pages / "objects" / target[1]).resolve() == (shop / "objects" / "account.yaml").resolve()
    assert run("check", "--project", shop).exit_code == 0


def test_older_pages_are_replaced_and_foreign_files_left_alone(shop: Path, tmp_path: Path) -> None:
    out = tmp_path / "handbook"
    assert run("docs", "--project", shop, "--out", out).exit_code == 0
    (out / "objects" / "gone.md").write_text(f"{MARK}\n", encoding="utf-8")
    assert run("docs", "--project", shop, "--out", out).exit_code == 0
    assert not (out / "objects" / "gone.md").exists()
    (out / "objects" / "ours.md").write_text("# By hand\n", encoding="utf-8")
    result = run("docs", "--project", shop, "--out", out)
    assert (result.exit_code, "holds no documentation" in result.output) == (2, True)
    assert (out / "objects" / "ours.md").exists()
    assert run("docs", "--project", shop, "--out", shop).exit_code == 2


def test_a_project_with_errors_leaves_the_pages_as_they_are(shop: Path, tmp_path: Path) -> None:
    out = tmp_path / "handbook"
    assert run("docs", "--project", shop, "--out", out).exit_code == 0
    before = {path: path.read_text() for path in out.rglob("*.md")}
    (shop / "mappings" / "crm_account.map").write_text("mapping crm.Account <-> account@1\nname <-> nme\n")
    result = run("docs", "--project", shop, "--out", out)
    assert result.exit_code == 1
    assert "SYN0204" in result.stderr
    assert result.stdout == ""
    assert {path: path.read_text() for path in out.rglob("*.md")} == before


def test_json_goes_to_stdout_or_into_a_file(shop: Path, tmp_path: Path) -> None:
    printed = run("docs", "--project", shop, "--format", "json")
    assert json.loads(printed.stdout)["project"] == "my_company"
    out = tmp_path / "docs.json"
    for _ in range(2):
        assert run("docs", "--project", shop, "--format", "json", "--out", out).exit_code == 0
    assert out.read_text(encoding="utf-8") == printed.stdout


def test_a_path_tells_of_what_is_declared_there(shop: Path) -> None:
    printed = run("docs", "--format", "json", shop / "codes", shop / "objects" / "account.yaml")
    told = json.loads(printed.stdout)
    assert [item["name"] for item in told["objects"]] == ["account"]
    assert len(told["codes"]) == 2
    assert told["systems"] == []
    one = run("docs", "--out", "-", shop / "objects" / "account.yaml")
    assert one.stdout.startswith(MARK)
    assert '<a id="field.account.name">' in one.stdout
    assert run("docs", "--project", shop, EXAMPLES).exit_code == 2
