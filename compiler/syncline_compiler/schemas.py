"""JSON Schemas of everything that specs declare, made from the models that check them.

In: the models of ``model/kinds.py``, and a sentence on each key from ``model/keys.yaml``. Out: one schema for each kind,
in the dialect that editors understand (draft 7), with nothing to fetch.
Invariant: what a schema refuses the compiler refuses too; an editor without a network completes and explains every key.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue
from pydantic_core import core_schema

from syncline_compiler.diagnostics.diagnostic import Collector
from syncline_compiler.model.kinds import FILES, FOLDERS, KINDS
from syncline_compiler.source import SourceFile
from syncline_compiler.type_text import NATIVE_KINDS, WRITTEN_KINDS
from syncline_compiler.yaml_reader import read_yaml

DIALECT = "http://json-schema.org/draft-07/schema#"
DEFINITION = "#/definitions/{model}"
_UPPER = re.compile("([A-Z])")
SCHEMA_FOLDER = ".schemas"
"""Where the schemas lie in a project that `init` made; hidden, so that nothing there is taken for a spec."""
MODELS = {**KINDS, **FILES}
TOLD_APART = ("model", "scenario", "event", "sync", "codes", "system", "policy", "object", "pack", "syncline")
"""Kinds in an order in which the first whose key a document has is its kind: a scenario names a sync, a sync an object."""
TYPES = {
    "FieldSpec": (WRITTEN_KINDS, {"text": "text(80)", "decimal": "decimal(12,2)", "ref": "ref(account)"}),
    "NativeFieldSpec": (NATIVE_KINDS, {"text": "text(80)", "decimal": "decimal(12,2)"}),
}
"""The models with a key ``type``, the types it may name, and how those with measures are begun."""


def schema_of(kind: str) -> dict[str, Any]:
    """Make the schema of one kind of spec, ``syncline.yaml`` or ``pack.yaml``."""
    schema = MODELS[kind].model_json_schema(
        by_alias=True, ref_template=DEFINITION, schema_generator=_EditorSchema, mode="validation"
    )
    definitions = schema.pop("$defs", {})
    _describe(MODELS[kind].__name__, schema)
    for name, definition in definitions.items():
        _describe(name, definition)
        definition["title"] = _UPPER.sub(r" \1", name.removesuffix("Spec")).strip().lower()
    title = f"Syncline: {kind}" + (".yaml" if kind in FILES else "")
    return {"$schema": DIALECT, "title": title, **schema, "definitions": definitions}


def schema_of_any() -> dict[str, Any]:
    """Make one schema for all files: the kind of each is known by a key that only this kind has or that goes before."""
    definitions: dict[str, Any] = {}
    chain: dict[str, Any] = {"required": [TOLD_APART[0]]}
    for kind in reversed(TOLD_APART):
        schema = schema_of(kind)
        definitions |= schema.pop("definitions")
        definitions[kind] = {key: value for key, value in schema.items() if key not in ("$schema", "title")}
        chain = {"if": {"required": [kind]}, "then": {"$ref": DEFINITION.format(model=kind)}, "else": chain}
    return {"$schema": DIALECT, "title": "Syncline", "type": "object", **chain, "definitions": definitions}


def schema_files() -> Mapping[str, str]:
    """Give every schema as a file: name and text."""
    return {f"{kind}.json": as_text(schema_of(kind)) for kind in sorted(MODELS)}


def as_text(schema: Mapping[str, Any]) -> str:
    """Write a schema as text, the same each time."""
    return json.dumps(schema, indent=1, ensure_ascii=False) + "\n"


def editor_files() -> Mapping[str, str]:
    """Give what makes editors complete and check specs: the schemas, and which of them goes with which files.

    The settings are those of the YAML extension of VS Code; other editors go by the comment that names a file's schema.
    """
    places = {kind: [f"{folder}/**/*.yaml"] for kind, folder in FOLDERS.items()} | {
        name: [f"{name}.yaml"] for name in FILES
    }
    schemas = {f"./{SCHEMA_FOLDER}/{kind}.json": globs for kind, globs in places.items()}
    files = {f"{SCHEMA_FOLDER}/{name}": text for name, text in schema_files().items()}
    return {".vscode/settings.json": json.dumps({"yaml.schemas": schemas}, indent=2) + "\n", **files}


def naming_its_schema(path: str, text: str) -> str:
    """Begin a spec with the comment by which editors other than VS Code find its schema."""
    kind = next(line for line in text.splitlines() if line and not line.startswith("#")).partition(":")[0]
    return f"# yaml-language-server: $schema={'../' * path.count('/')}{SCHEMA_FOLDER}/{kind}.json\n{text}"


class _EditorSchema(GenerateJsonSchema):
    """Leaves out what helps no author: titles that repeat the key, null that no key may hold, empty defaults."""

    def field_title_should_be_set(self, schema: Any) -> bool:
        del schema  # every key says what it is called
        return False

    def nullable_schema(self, schema: core_schema.NullableSchema) -> JsonSchemaValue:
        return self.generate_inner(schema["schema"])

    def default_schema(self, schema: core_schema.WithDefaultSchema) -> JsonSchemaValue:
        inner = self.generate_inner(schema["schema"])
        default = schema.get("default")
        plain = isinstance(default, (str, int)) and default != ""
        return {**inner, "default": default} if plain else inner

    def model_schema(self, schema: core_schema.ModelSchema) -> JsonSchemaValue:
        made = super().model_schema(schema)
        made.pop("title", None)
        return made

    def dict_schema(self, schema: core_schema.DictSchema) -> JsonSchemaValue:
        made = super().dict_schema(schema)
        if "patternProperties" in made:
            made["additionalProperties"] = False
        return made


def _describe(model: str, schema: dict[str, Any]) -> None:
    """Put the sentence on each key where an editor shows it, and the names of types where it offers them."""
    schema["description"] = _first_paragraph(schema.get("description", ""))
    words = keys_of(model)
    for key, member in schema.get("properties", {}).items():
        if model in TYPES and key == "type":
            schema["properties"][key] = member = _types(*TYPES[model])
        if key in words:
            member["description"] = words[key]


def _first_paragraph(docstring: str) -> str:
    return " ".join(docstring.replace("``", "`").partition("\n\n")[0].split())


def _types(kinds: tuple[str, ...], begun: Mapping[str, str]) -> dict[str, Any]:
    return {"anyOf": [{"enum": [begun.get(kind, kind) for kind in kinds]}, {"type": "string"}]}


@cache
def _words() -> Mapping[str, Mapping[str, str]]:
    path = Path(__file__).parent / "model" / "keys.yaml"
    document = read_yaml(SourceFile(path.name, path.read_text(encoding="utf-8")), Collector())
    words: Mapping[str, Mapping[str, str]] = document.value if document is not None else {}
    return words


def keys_of(model: str) -> Mapping[str, str]:
    """Give the sentence on each key of a model, by the name that is written."""
    return _words().get(model, {})


def models() -> Iterator[type[BaseModel]]:
    """Walk the models of all kinds and those within them, each once."""
    waiting: list[Any] = list(MODELS.values())
    seen: set[type[BaseModel]] = set()
    while waiting:
        hint = waiting.pop(0)
        if isinstance(hint, type) and issubclass(hint, BaseModel):
            if hint not in seen:
                seen.add(hint)
                yield hint
                waiting += [field.annotation for field in hint.model_fields.values()]
        else:
            waiting += getattr(hint, "__args__", ())
