"""JSON Schemas of specs: fresh, explained to the last key, and never stricter than the compiler."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner
from jsonschema import Draft7Validator

from syncline_compiler.cli import COMMANDS
from syncline_compiler.diagnostics import catalogue
from syncline_compiler.diagnostics.diagnostic import Collector
from syncline_compiler.model.kinds import KINDS
from syncline_compiler.project import TEMPLATE, create_project
from syncline_compiler.schemas import MODELS, as_text, keys_of, models, schema_files, schema_of, schema_of_any
from syncline_compiler.source import Library, SourceFile, read_sources
from syncline_compiler.yaml_reader import read_yaml

ROOT = Path(__file__).parents[2]
SCHEMAS = ROOT / "specs" / "schemas"
VALIDATORS = {kind: Draft7Validator(schema_of(kind)) for kind in MODELS}
ANY = Draft7Validator(schema_of_any())


def documents() -> dict[str, Any]:
    """Every spec of the examples, the template, the library, and the mended ones of the catalogue."""
    folders = [TEMPLATE, *sorted(path.parent for path in ROOT.glob("examples/*/syncline.yaml"))]
    files = [(f"{folder.name}/{file.path}", file) for folder in folders for file in read_sources(folder)]
    files += [(path, Library()[path]) for path in Library()]
    for code in catalogue.codes():
        mended = catalogue.page(code).files("Mended")
        files += [(f"{code}/{path}", SourceFile(path, text)) for path, text in mended.items()]
    found = {}
    for name, file in files:
        document = read_yaml(file, Collector()) if name.endswith(".yaml") and isinstance(file, SourceFile) else None
        if document is not None and isinstance(document.value, dict):
            found[name] = document.value
    return found


DOCUMENTS = documents()


def kind_of(document: dict[str, Any]) -> str:
    return next(iter(document))


def mistakes(validator: Draft7Validator, document: Any) -> list[str]:
    return [f"{list(error.absolute_path)}: {error.message}" for error in validator.iter_errors(document)]


def test_the_checked_in_schemas_are_fresh() -> None:
    written = {path.name: path.read_text(encoding="utf-8") for path in SCHEMAS.glob("*.json")}
    assert written == schema_files(), "run: syncline schema --out specs/schemas"


@pytest.mark.parametrize("kind", sorted(MODELS))
def test_a_schema_is_one(kind: str) -> None:
    Draft7Validator.check_schema(schema_of(kind))
    assert "$defs" not in as_text(schema_of(kind))
    assert '"null"' not in as_text(schema_of(kind)), "no key may hold null"


@pytest.mark.parametrize("model", list(models()), ids=lambda model: model.__name__)
def test_every_key_is_explained(model: Any) -> None:
    written = {field.alias or name for name, field in model.model_fields.items()}
    assert set(keys_of(model.__name__)) == written, "model/keys.yaml has one sentence for each key"


@pytest.mark.parametrize("name", sorted(DOCUMENTS))
def test_what_compiles_fits_its_schema(name: str) -> None:
    document = DOCUMENTS[name]
    assert mistakes(VALIDATORS[kind_of(document)], document) == []
    assert mistakes(ANY, document) == []


@pytest.mark.parametrize(
    ("text", "at"),
    [
        ("object: a\nversion: 1.0.0\nfields: {x: {type: int, requird: true}}\n", "requird"),
        ("object: a\nversion: 1.0.0\nfields: {x: {type: int, form: squish}}\n", "squish"),
        ("sync: a\nobject: a\nmembers: {crm: crm}\n", "crm"),
        ("sync: a\nobject: a\nmembers: {crm: crm.A}\nfreshness: 15 minutes\n", "15 minutes"),
        ("system: a\nversion: '1'\nresources: {A: {id: id, fields: {id: text}}}\n", "'1'"),
    ],
)
def test_what_is_wrong_is_seen_in_the_editor(text: str, at: str) -> None:
    document = read_yaml(SourceFile("x.yaml", text), Collector())
    assert document is not None
    assert any(at in mistake for mistake in mistakes(VALIDATORS[kind_of(document.value)], document.value))
    assert mistakes(ANY, document.value)


def test_every_kind_is_told_apart_in_the_schema_of_all() -> None:
    assert set(schema_of_any()["definitions"]) >= set(MODELS)
    assert set(KINDS) < set(MODELS)
    assert mistakes(ANY, {"proces": "a"})


def test_init_names_a_schema_for_every_file_it_makes(tmp_path: Path) -> None:
    create_project(tmp_path)
    settings = json.loads((tmp_path / ".vscode" / "settings.json").read_text())["yaml.schemas"]
    assert all((tmp_path / schema).is_file() for schema in settings)
    for file in read_sources(tmp_path):
        if isinstance(file, SourceFile) and file.path.endswith(".yaml"):
            schema = file.text.splitlines()[0].removeprefix("# yaml-language-server: $schema=")
            assert ((tmp_path / file.path).parent / schema).resolve().read_text() == as_text(
                schema_of(kind_of(DOCUMENTS[f"{TEMPLATE.name}/{file.path}"]))
            )


def test_the_command_prints_and_writes(tmp_path: Path) -> None:
    group = click.Group("syncline", commands=dict(COMMANDS))
    one = CliRunner().invoke(group, ["schema", "sync"])
    assert (one.exit_code, json.loads(one.stdout)) == (0, schema_of("sync"))
    assert json.loads(CliRunner().invoke(group, ["schema"]).stdout) == schema_of_any()
    assert CliRunner().invoke(group, ["schema", "--out", str(tmp_path / "a" / "b")]).exit_code == 0
    assert {path.name for path in (tmp_path / "a" / "b").iterdir()} == set(schema_files())
    assert CliRunner().invoke(group, ["schema", "sync", "--out", str(tmp_path)]).exit_code == 2
    assert CliRunner().invoke(group, ["schema", "mapping"]).exit_code == 2
