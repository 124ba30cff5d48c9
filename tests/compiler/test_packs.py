"""Packs: what a project imports, what it adds to it, and what an import brings and does not bring along."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from syncline_compiler.pipeline import Compilation, check_project
from syncline_compiler.source import LIBRARY, Library

Check = Callable[[Mapping[str, str]], Compilation]
LIBRARY_OBJECTS = sorted(path[len("objects/") :].removesuffix(".yaml") for path in Library() if path.startswith("obj"))
PACK = {
    "packs/acme/pack.yaml": "pack: acme\nversion: 1.0.0\nlabel: What all teams share\n",
    "packs/acme/objects/branch@1.yaml": "object: branch\nversion: 1.4.0\nfields: {code: text(8)}\n",
    "packs/acme/objects/branch@2.yaml": "object: branch\nversion: 2.0.0\nfields: {code: text(12)}\n",
    "packs/acme/objects/broken@1.yaml": "object: broken\nversion: 1.0.0\nfields: {code: txt}\n",
}
VISIT = "object: visit\nversion: 1.0.0\nfields: {branch: ref(branch), on: date}\n"


def project_file(**imports: str) -> dict[str, str]:
    lines = "".join(f"  {kind}: [{names}]\n" for kind, names in imports.items())
    return {"syncline.yaml": f"syncline: 1\nproject: shop\nimports:\n{lines}"}


def said(compilation: Compilation) -> list[tuple[str, str, str]]:
    return [(d.code, str(d.span), d.label) for d in compilation.diagnostics]


def helps(compilation: Compilation) -> list[str]:
    return [help for d in compilation.diagnostics for help in d.helps]


def test_every_object_of_the_library_is_sound(check: Check) -> None:
    own = {"objects/account.yaml": "", "objects/all.yaml": "object: all_of_it\nversion: 1.0.0\nfields:\n" + "".join(
        f"  {name.partition('@')[0]}: {{type: ref({name.partition('@')[0]})}}\n" for name in LIBRARY_OBJECTS
    )}  # fmt: skip
    nothing = {path: "" for path in (
        "syncs/account.yaml", "mappings/crm_account.map", "mappings/erp_partner.map",
        "codes/crm_account_status.yaml", "codes/erp_partner_state.yaml",
    )}  # fmt: skip
    compilation = check({**project_file(objects=", ".join(LIBRARY_OBJECTS)), **own, **nothing})
    assert said(compilation) == []
    assert compilation.project is not None
    assert {f"{name}@{item.version[0]}" for name, item in compilation.project.objects.items()} >= set(LIBRARY_OBJECTS)


@pytest.mark.parametrize("name", LIBRARY_OBJECTS)
def test_the_library_says_what_a_dictionary_needs(name: str) -> None:
    text = Library()[f"objects/{name}.yaml"].text
    assert "\nlabel: " in text
    assert "\nsteward: " in text
    fields = text.partition("\nfields:\n")[2].splitlines()
    assert all("label: " in line for line in fields if line.startswith("  ") and "type:" in line)


def test_a_pack_of_the_project(check: Check) -> None:
    compilation = check({**PACK, **project_file(objects="acme/branch@2"), "objects/visit.yaml": VISIT})
    assert said(compilation) == []
    assert compilation.project is not None
    assert str(compilation.project.objects["branch"].field("code").type) == "text(12)"  # type: ignore[union-attr]


def test_only_what_is_imported_is_read(check: Check) -> None:
    """`broken@1` does not compile, and nobody asks for it."""
    assert said(check({**PACK, **project_file(objects="acme/branch@1"), "objects/visit.yaml": VISIT})) == []
    found = said(check({**PACK, **project_file(objects="acme/broken@1")}))
    assert found == [("SYN0207", "packs/acme/objects/broken@1.yaml:3:16", "there is no type `txt`")]


@pytest.mark.parametrize(
    ("names", "label", "remedy"),
    [
        ("acme/branch@3", "`acme` has no file `objects/branch@3.yaml`", "did you mean `branch@2`?"),
        ("acne/branch@1", "no pack is called `acne`", "did you mean `acme`?"),
        ("branch@1", "the library has no file `objects/branch@1.yaml`", None),
        ("acme/visitor@1", "`acme` has no file `objects/visitor@1.yaml`", None),
    ],
)
def test_unknown_imports(check: Check, names: str, label: str, remedy: str | None) -> None:
    compilation = check({**PACK, **project_file(objects=names), "objects/visit.yaml": VISIT.replace("branch", "acc")})
    found = [one for one in said(compilation) if one[0] != "SYN0201"]
    assert found == [("SYN0210", "syncline.yaml:4:13", label)]
    assert remedy is None or remedy in helps(compilation)


def test_what_a_pack_has_is_offered(check: Check) -> None:
    compilation = check({**PACK, "objects/visit.yaml": VISIT})
    assert [one[0] for one in said(compilation)] == ["SYN0201"]
    assert helps(compilation) == ["import it: add `acme/branch@2` to `imports: {objects: […]}` in syncline.yaml"]
    compilation = check({"objects/visit.yaml": VISIT.replace("branch", "product")})
    assert helps(compilation) == ["import it: add `product@1` to `imports: {objects: […]}` in syncline.yaml"]


def test_two_majors_are_two_objects_of_one_name(check: Check) -> None:
    files = {**PACK, **project_file(objects="acme/branch@1, acme/branch@2"), "objects/visit.yaml": VISIT}
    assert said(check(files)) == [("SYN0010", "syncline.yaml:4:28", "`branch` is imported here again")]


def test_an_own_object_and_an_import_of_one_name(check: Check) -> None:
    compilation = check(project_file(objects="account@1"))
    assert said(compilation) == [("SYN0010", "syncline.yaml:4:13", "`account` is imported here")]
    assert helps(compilation) == ["write `extends: account@1` there to add to it, or remove this import"]


def test_an_own_object_satisfies_an_import(check: Check) -> None:
    """`contact` refers to an account, and the project's own account will do."""
    visit = VISIT.replace("branch", "contact")
    assert said(check({**project_file(objects="contact@1"), "objects/visit.yaml": visit})) == []


EXTENDED = """\
object: contact
extends: contact@1
version: 3.1.0
fields:
  birthday: {type: "date?", label: Birthday}
derived:
  name: last_name + ", " + (first_name ?? "")
invariants:
  born: birthday is null or birthday >= "1900-01-01"
identity:
  - same: [last_name, birthday]
    unless: nickname is null
"""


def test_an_extension_adds(check: Check) -> None:
    text = EXTENDED.replace("    unless: nickname is null\n", "")
    compilation = check({**project_file(objects="contact@1"), "objects/contact.yaml": text})
    assert said(compilation) == []
    assert compilation.project is not None
    contact = compilation.project.objects["contact"]
    assert (contact.version, contact.label) == ("3.1.0", "Contact person")
    assert [field.name for field in contact.fields][-2:] == ["may_be_contacted", "birthday"]
    assert [field.name for field in contact.derived] == ["name"]
    assert [invariant.name for invariant in contact.invariants] == ["born"]
    assert [rule.same for rule in contact.identity] == [("email",), ("last_name", "birthday")]
    assert contact.field("email").span.path == f"{LIBRARY}/objects/contact@1.yaml"  # type: ignore[union-attr]
    assert contact.field("birthday").span.path == "objects/contact.yaml"  # type: ignore[union-attr]


def test_a_mistake_in_an_extension_is_where_it_stands(check: Check) -> None:
    found = said(check({**project_file(objects="contact@1"), "objects/contact.yaml": EXTENDED}))
    assert [(code, place) for code, place, _ in found] == [("SYN0203", "objects/contact.yaml:12:13")]


@pytest.mark.parametrize(
    ("before", "after", "imports", "expected"),
    [
        ("extends: contact@1", "extends: contact@2", "contact@1",
         ("objects/contact.yaml:2:10", "`contact@2` is not what the project imports")),
        ("object: contact", "object: kontakt", "contact@1",
         ("objects/contact.yaml:2:10", "`kontakt` cannot extend `contact@1`")),
    ],
)  # fmt: skip
def test_extensions_of_something_else(
    check: Check, before: str, after: str, imports: str, expected: tuple[str, str]
) -> None:
    text = EXTENDED.replace(before, after).replace("    unless: nickname is null\n", "")
    found = said(check({**project_file(objects=imports), "objects/contact.yaml": text}))
    assert [(place, label) for code, place, label in found if code == "SYN0214"] == [expected]
    assert {code for code, _, _ in found} <= {"SYN0214"}


def test_objects_of_packs_extend_nothing(check: Check) -> None:
    one = "object: branch\nversion: {0}.0.0\nextends: branch@{1}\nfields: {{code{0}: text(8)}}\n"
    pack = {**PACK, **{f"packs/acme/objects/branch@{n}.yaml": one.format(n, 3 - n) for n in (1, 2)}}
    found = said(check({**pack, **project_file(objects="acme/branch@1"), "objects/visit.yaml": VISIT}))
    assert found == [
        ("SYN0214", "packs/acme/objects/branch@1.yaml:3:10",
         "an object of a pack stands alone: only the project's own extend others"),
    ]  # fmt: skip


@pytest.mark.parametrize("text", ["syncline: 1\nproject: [\n", "syncline: 1\nprojekt: 3\nimports: 4\n", "- a\n", ""])
def test_without_a_readable_project_file_all_else_is_checked(check: Check, text: str) -> None:
    mistake = "object: visit\nversion: 1.0.0\nfields: {on: dat, branch: ref(contact)}\n"
    found = said(check({**PACK, "syncline.yaml": text or "\n", "objects/visit.yaml": mistake}))
    assert [code for code, place, _ in found if place.startswith("objects/")] == ["SYN0207"]
    assert {place.partition(":")[0] for _, place, _ in found} == {"syncline.yaml", "objects/visit.yaml"}


def test_an_object_without_fields_extends_something(check: Check) -> None:
    found = said(check({"objects/x.yaml": "object: x\nversion: 1.0.0\n"}))
    assert found == [("SYN0008", "objects/x.yaml:1:1", "an object has at least one field: `fields: {name: text}`")]


def test_systems_and_code_tables_are_imported(check: Check, template: Mapping[str, object]) -> None:
    crm, codes = template["systems/crm.yaml"], template["codes/crm_account_status.yaml"]
    files = {
        "packs/acme/pack.yaml": PACK["packs/acme/pack.yaml"],
        "packs/acme/systems/crm@1.yaml": crm.text,  # type: ignore[attr-defined]
        "packs/acme/codes/crm_account_status@1.yaml": codes.text,  # type: ignore[attr-defined]
        "systems/crm.yaml": "",
        "codes/crm_account_status.yaml": "",
    }
    text = project_file(systems="acme/crm@1", codes="acme/crm_account_status@1")["syncline.yaml"]
    compilation = check({**files, "syncline.yaml": text})
    assert said(compilation) == []
    compilation = check({**files, "systems/crm.yaml": crm.text, "syncline.yaml": text})  # type: ignore[attr-defined]
    assert said(compilation) == [("SYN0010", "syncline.yaml:4:13", "`crm` is imported here")]


def test_two_packs_of_one_name(check: Check) -> None:
    again = {"packs/other/pack.yaml": PACK["packs/acme/pack.yaml"]}
    assert said(check({**PACK, **again})) == [("SYN0010", "packs/other/pack.yaml:1:7", "`acme` is declared here again")]


def test_a_pack_may_not_call_itself_the_library(check: Check) -> None:
    found = said(check({"packs/mine/pack.yaml": "pack: syncline\nversion: 1.0.0\n"}))
    assert [(code, place) for code, place, _ in found] == [("SYN0010", "packs/mine/pack.yaml:1:7")]


def test_a_project_on_disk(project: Path) -> None:
    for path, text in {**PACK, **project_file(objects="acme/branch@1, product@1"), "objects/visit.yaml": VISIT}.items():
        (project / path).parent.mkdir(parents=True, exist_ok=True)
        (project / path).write_text(text)
    compilation = check_project(project)
    assert [(d.code, d.label) for d in compilation.diagnostics] == [
        ("SYN0932", "nothing uses the object `visit`"),
        ("SYN0211", "nothing in the project uses object `product`"),
    ]
    assert f"{LIBRARY}/objects/product@1.yaml" in compilation.sources
