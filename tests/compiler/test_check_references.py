"""The order of syncs, which references a circle leaves for later, and circles that nothing can open."""

from __future__ import annotations

import pytest

from syncline_compiler.pipeline import Compilation, check_sources
from syncline_compiler.source import SourceFile

SYSTEM = """
system: a
version: 1.0.0
protocol: rest
auth: {kind: bearer}
resources:
"""
RESOURCE = """
  {name}:
    id: id
    fields: {{id: {{type: text, write: false}}, name: {{type: text, required: true}}{fields}}}
    list: {{request: {{path: /{name}}}}}
"""


def project(**objects: dict[str, str]) -> Compilation:
    """Check objects that one system holds: object → ref field → its type, with `identity` or a failing step behind it."""
    files = {"syncline.yaml": "syncline: 1\nproject: t\nenvironments: {t: {a: {stand_in: true}}}\n"}
    resources = []
    for name, refs in objects.items():
        types = {field: said.split(" ")[0] for field, said in refs.items()}
        target = {field: kind.removeprefix("ref(").rstrip("?").rstrip(")") for field, kind in types.items()}
        natives = "".join(
            f", {field}: {{type: text, ref: {to.title()}, required: {str(not types[field].endswith('?')).lower()}}}"
            for field, to in target.items()
        )
        resources.append(RESOURCE.format(name=name.title(), fields=natives))
        lines = "".join(
            f"{f} <- {f} | ref {to}" + (f" {refs[f].partition(' ')[2]}" if "else" in refs[f] else "") + "\n"
            for f, to in target.items()
        )
        keys = ", ".join(["name", *(field for field, said in refs.items() if said.endswith(" identity"))])
        fields = "".join(f"  {field}: {kind}\n" for field, kind in types.items())
        files |= {
            f"{name}.yaml": f"object: {name}\nversion: 1.0.0\nfields:\n  name: text\n{fields}identity: [{{same: [{keys}]}}]\n",
            f"{name}s.yaml": f"sync: {name}\nobject: {name}@1\nmembers: {{a: a.{name.title()}}}\nexists: {{originate: [a]}}\n"
            "owners: {'*': a}\n",
            f"{name}.map": f"mapping a.{name.title()} <-> {name}@1\n\nname <- name\n{lines}",
        }
    files["a.yaml"] = SYSTEM + "".join(resources)
    return check_sources([SourceFile(path, text) for path, text in files.items()])


def order(**objects: dict[str, str]) -> tuple[tuple[str, ...], dict[str, tuple[str, ...]]]:
    compilation = project(**objects)
    assert compilation.project is not None, [str(d) for d in compilation.diagnostics]
    return compilation.project.order, {sync.name: sync.late for sync in compilation.project.syncs if sync.late}


def test_what_is_referred_to_comes_first() -> None:
    assert order(bill={"payer": "ref(client)"}, client={}) == (("client", "bill"), {})


def test_a_circle_is_cut_where_a_reference_may_be_empty() -> None:
    assert order(bill={"payer": "ref(client)"}, client={"last": "ref(bill)?"}) == (
        ("client", "bill"),
        {"client": ("last",)},
    )
    assert order(bill={"payer": "ref(client)?"}, client={"last": "ref(bill)"}) == (
        ("bill", "client"),
        {"bill": ("payer",)},
    )


def test_only_what_has_to_come_late_does() -> None:
    made, late = order(
        client={"group": "ref(group)", "last": "ref(bill)?"},
        bill={"payer": "ref(client)"},
        group={"head": "ref(client)?"},
    )
    assert late in ({"client": ("last",), "group": ("head",)},)
    assert made == ("group", "client", "bill")


@pytest.mark.parametrize(("said", "late"), [("", ("up",)), (" identity", ()), (' else reject "why"', ())])
def test_records_that_refer_to_their_own_kind(said: str, late: tuple[str, ...]) -> None:
    assert order(client={"up": f"ref(client)?{said}"})[1].get("client", ()) == late


@pytest.mark.parametrize("last", ["ref(bill)", "ref(bill)? identity", 'ref(bill)? else reject "why"'])
def test_a_circle_that_nothing_opens(last: str) -> None:
    compilation = project(bill={"payer": "ref(client)"}, client={"last": last})
    (found,) = compilation.diagnostics
    assert found.code == "SYN0509"
    assert {span.path for span, _ in found.secondary} | {found.span.path} == {"bill.yaml", "client.yaml"}


def test_two_circles_are_told_apart() -> None:
    compilation = project(left={"to": "ref(right)"}, right={"to": "ref(left)"}, lone={"to": "ref(lone)"})
    assert [d.code for d in compilation.diagnostics] == ["SYN0509", "SYN0509"]
