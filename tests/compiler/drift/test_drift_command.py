"""`syncline drift` as people meet it: what it says, what it writes, what it keeps, and how it ends."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from syrupy.assertion import SnapshotAssertion

from change_pairs import HERE
from syncline_compiler.cli_check import check
from syncline_compiler.cli_drift import drift
from syncline_compiler.cli_format import fmt
from syncline_compiler.drift.locked import dump_remote, load_remote
from syncline_compiler.drift.remote import DriftError, RemoteField, RemoteObject, RemoteShape

DOCUMENTS = Path(__file__).parent / "documents"
TOLD = {
    "crm": ["crm", "--from", str(DOCUMENTS / "openapi.yaml")],
    "erp": ["erp", "--from", str(DOCUMENTS / "describe")],
}


class Shop:
    """The project that pairs are edits of, as a folder."""

    def __init__(self, root: Path) -> None:
        self.root = root
        shutil.copytree(HERE / "base", root)

    def drift(self, *words: str) -> Result:
        return CliRunner().invoke(drift, [*words, "--project", str(self.root)])

    def told(self, *words: str) -> list[str]:
        return [one["rule"] for one in json.loads(self.drift(*words, "--format", "json").stdout)["changes"]]

    def text(self, path: str) -> str:
        return (self.root / path).read_text()

    def edit(self, path: str, old: str, new: str) -> None:
        assert old in self.text(path)
        (self.root / path).write_text(self.text(path).replace(old, new, 1))

    @property
    def files(self) -> dict[str, str]:
        return {one.relative_to(self.root).as_posix(): one.read_text() for one in self.root.rglob("*") if one.is_file()}


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    return Shop(tmp_path / "shop")


def test_what_tells_of_no_resource_is_not_said_to_fit(shop: Shop) -> None:
    told = {"openapi": "3.0.3", "info": {}, "paths": {}, "components": {"schemas": {"Other": {"type": "object"}}}}
    (shop.root / "other.json").write_text(json.dumps(told))
    result = shop.drift("crm", "--from", str(shop.root / "other.json"))
    assert result.exit_code == 2
    assert "other.json tells of no resource of crm (" in result.stderr


@pytest.mark.parametrize("system", TOLD)
def test_update_and_what_it_leaves(
    shop: Shop, system: str, snapshot: SnapshotAssertion, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(shop.root)
    shop.edit(f"systems/{system}.yaml", "    fields:\n", "    fields:\n      # what identifies it\n")
    shop.edit(f"systems/{system}.yaml", "currency: text(3)\n", "currency: text(3) # ISO 4217\n")
    before = shop.files
    proposed = shop.drift(*TOLD[system], "--diff")
    assert shop.files == before, "nothing is written by --diff"
    done = shop.drift(*TOLD[system], "--update")
    assert done.stdout.startswith(proposed.stdout)
    assert {path for path, text in shop.files.items() if before.get(path) != text} == {f"systems/{system}.yaml"}
    assert (done.stderr, done.stdout.replace(str(DOCUMENTS), "documents")) == snapshot
    assert "# what identifies it" in shop.text(f"systems/{system}.yaml")
    assert "# ISO 4217" in shop.text(f"systems/{system}.yaml")


@pytest.mark.parametrize("system", TOLD)
def test_after_an_update_nothing_is_left_of_what_it_proposed(shop: Shop, system: str) -> None:
    shop.drift(*TOLD[system], "--update", "--renames")
    once = shop.files
    again = shop.drift(*TOLD[system], "--update", "--renames")
    assert shop.files == once
    assert "written" not in again.stderr
    assert shop.told(*TOLD[system]) == (["write-by-removed"] if system == "crm" else [])


def test_a_rename_that_is_taken_for_true_keeps_its_name_here(shop: Shop) -> None:
    shop.drift(*TOLD["crm"], "--update", "--renames")
    assert "tax_number: {type: text(20), at: taxNumber}" in shop.text("systems/crm.yaml")


def test_what_the_description_goes_by_stays(shop: Shop, tmp_path: Path) -> None:
    shop.edit("systems/crm.yaml", "cursor: {field: updated_at", "cursor: {field: visited")
    schema = {"properties": {"id": {"type": "string"}}}
    (tmp_path / "crm.json").write_text(json.dumps({"$defs": {"Account": schema}}))
    done = shop.drift("crm", "--from", str(tmp_path / "crm.json"), "--update")
    assert "left: Account.visited is gone, and the description goes by it" in done.stderr
    assert "visited: instant" in shop.text("systems/crm.yaml")
    assert "phone" not in shop.text("systems/crm.yaml")


def test_a_schema_of_something_else_is_no_drift(shop: Shop, tmp_path: Path) -> None:
    (tmp_path / "crm.json").write_text(
        json.dumps({"$defs": {"Account": {"properties": {"street": {"type": "string"}}}}})
    )
    done = shop.drift("crm", "--from", str(tmp_path / "crm.json"))
    assert done.exit_code == 0
    assert "no field of crm.Account is in schema Account, which seems to be something else" in done.stdout


def test_hostile_names_and_values_stay_texts(shop: Shop, tmp_path: Path) -> None:
    values = ["New", "a, b: {c}", "no", "1e3", 'say "so"', "# none", "tab\there", "\u2028", "- x"]
    new = {"x y[0]: {a}": {"enum": values}, "7": {"type": "string"}, "on": {"type": "integer"}}
    schema = {"required": ["id", *new], "properties": {"id": {"type": "string"}, "status": {"enum": values}, **new}}
    (tmp_path / "crm.json").write_text(json.dumps({"$defs": {"Account": schema}}))
    words = ["crm", "--from", str(tmp_path / "crm.json")]
    shop.drift(*words, "--update")
    assert [rule for rule in shop.told(*words) if "added" in rule] == []
    checked = CliRunner().invoke(
        check, ["--project", str(shop.root), "--format", "json", str(shop.root / "systems/crm.yaml")]
    )
    assert [one["code"] for one in json.loads(checked.stdout)["diagnostics"] if one["code"] < "SYN0204"] == []


def test_locked_shape(shop: Shop) -> None:
    done = shop.drift(*TOLD["crm"], "--lock")
    assert done.stderr.endswith("syncline.remote/crm.json: written\n")
    locked = shop.text("syncline.remote/crm.json")
    assert load_remote(locked).source == "openapi.yaml", "no path of this machine"
    assert shop.told("crm") == shop.told() == shop.told(*TOLD["crm"]), "without --from: what was locked"
    assert shop.told(*TOLD["crm"], "--since-lock") == []
    warned = CliRunner().invoke(check, ["--project", str(shop.root)]).stdout
    assert warned.count("warning[SYN0944]") == 10
    shop.drift("crm", "--update", "--renames")
    assert "SYN0944" not in CliRunner().invoke(check, ["--project", str(shop.root)]).stdout


def test_a_locked_shape_is_no_spec(shop: Shop) -> None:
    shop.drift(*TOLD["crm"], "--lock")
    before = shop.files
    assert CliRunner().invoke(fmt, [str(shop.root)]).exit_code == 0
    assert shop.files["syncline.remote/crm.json"] == before["syncline.remote/crm.json"]
    assert {path for path in before if "remote" in path} == {"syncline.remote/crm.json"}


def test_several_systems_are_held_against_what_was_locked(shop: Shop) -> None:
    for words in TOLD.values():
        shop.drift(*words, "--lock")
    done = shop.drift()
    assert done.stdout.startswith("atlas against syncline.remote: ")
    assert done.exit_code == 1
    assert shop.told() == [*shop.told("crm"), *shop.told("erp")]


def test_since_the_lock_only_what_is_new_is_told(shop: Shop, tmp_path: Path) -> None:
    shop.drift(*TOLD["crm"], "--lock")
    text = (DOCUMENTS / "openapi.yaml").read_text()
    newer = tmp_path / "newer.yaml"
    newer.write_text(
        text.replace("website: {type: string}", "homepage: {type: string}").replace("maxLength: 60}", "maxLength: 50}")
    )
    assert shop.told("crm", "--from", str(newer), "--since-lock") == [
        "native-written-narrower", "native-read-removed", "native-read-added",
    ]  # fmt: skip


def test_a_resource_that_went_since_the_lock(shop: Shop, tmp_path: Path) -> None:
    shop.drift(*TOLD["crm"], "--lock")
    text = (DOCUMENTS / "openapi.yaml").read_text().replace("/invoices", "/bills").replace("    Invoice:", "    Bill:")
    (tmp_path / "newer.yaml").write_text(text.replace("schemas/Invoice", "schemas/Bill"))
    words = ["crm", "--from", str(tmp_path / "newer.yaml")]
    assert shop.told(*words, "--since-lock") == ["resource-removed"]
    assert "breaks mapping crm.Invoice/invoice" in shop.drift(*words, "--since-lock").stdout
    assert "resource-removed" not in shop.told(*words), "one document may tell of a part only"


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["crn"], "has no system 'crn'; did you mean crm?"),
        (["crm"], "there is no syncline.remote/crm.json"),
        ([], "nothing is locked in syncline.remote"),
        (["--from", "x.json"], "name the system"),
        (["crm", "--lock"], "--lock and --since-lock go with --from"),
        (["crm", "--live", "--from", "x"], "either --from or --live"),
        (["crm", "--env", "x"], "--env and --connection go with --live"),
        (["crm", "--live", "--env", "no"], "name the environment with --env"),
        (["crm", "--from", "gone.json"], "there is no file gone.json"),
        (["crm", "--from", str(DOCUMENTS / "openapi.yaml"), "--since-lock"], "there is no syncline.remote/crm.json"),
        (["crm", "--from", str(DOCUMENTS / "openapi.yaml"), "--schema", "Lead"], "--schema takes RESOURCE=NAME"),
        (["crm", "--from", str(DOCUMENTS / "openapi.yaml"), "--schema", "Lead=Nobody"], "has no schema `Nobody`"),
        (["crm", "--from", str(DOCUMENTS / "samples"), "--lock"], "samples prove no shape"),
    ],
)
def test_usage(shop: Shop, words: list[str], says: str) -> None:
    done = shop.drift(*words)
    assert (done.exit_code, says in done.stderr) == (2, True), done.stderr


def test_a_lock_that_was_edited_is_not_believed(shop: Shop) -> None:
    shop.drift(*TOLD["crm"], "--lock")
    shop.edit("syncline.remote/crm.json", '"length": 60', '"length": 80')
    assert "it was changed by hand, or merged" in shop.drift("crm").stderr
    assert "error[SYN0943]" in CliRunner().invoke(check, ["--project", str(shop.root)]).stdout
    shop.edit("syncline.remote/crm.json", '"remote": 1', '"remote": 2')
    assert "it is of format 2" in shop.drift("crm").stderr


def test_a_locked_shape_is_read_as_it_was_written() -> None:
    fields = {
        "a.b": RemoteField("a.b", "decimal", precision=12, scale=0, required=False, nullable=True, open=True),
        "ß": RemoteField("ß", None, values=("x", '"')),
        "all": RemoteField("all", "text", 9, None, None, True, False, False, True, ("1",), False, True),
    }
    shape = RemoteShape(
        "describe",
        {"B": RemoteObject(fields, origin="B", page=50, lacks=("update",)), "A": RemoteObject({}, open=True)},
    )
    text = dump_remote("crm", "b.json", shape)
    assert load_remote(text).shape == shape
    for garbled in ("", "[]", "{}", text[:-5], "[" * 100_000):
        with pytest.raises(DriftError):
            load_remote(garbled)
