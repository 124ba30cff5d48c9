"""Drift of a small shop: a document of each kind, in the forms that people and machines read."""

from __future__ import annotations

import json
import re
from functools import cache
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator
from syrupy.assertion import SnapshotAssertion

from change_pairs import TODAY, base_files
from syncline_compiler.drift.look import Against, look
from syncline_compiler.drift.reading import read_shape
from syncline_compiler.pipeline import Compilation, check_sources
from syncline_compiler.review.machine import SCHEMA, render_json, render_sarif
from syncline_compiler.review.markdown import render_markdown
from syncline_compiler.review.report import Review
from syncline_compiler.review.text import render_review
from syncline_compiler.source import SourceFile

DOCUMENTS = Path(__file__).parent / "documents"
TOLD = {
    "openapi": ("crm", "openapi.yaml", {}),
    "json-schema": ("crm", "schemas.json", {"Account": "account"}),
    "describe": ("erp", "describe", {}),
    "samples": ("crm", "samples", {}),
}
FORMS = {"text": render_review, "markdown": render_markdown, "json": render_json}


@cache
def shop() -> Compilation:
    return check_sources([SourceFile(path, text) for path, text in base_files().items()], TODAY)


@cache
def drift_of(kind: str) -> Review:
    system, path, named = TOLD[kind]
    known = shop().known
    assert known is not None
    shape = read_shape(DOCUMENTS / path, None, known.systems[system], named)
    assert shape.kind == kind
    return look(shop(), system, Against(shape, path))


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("kind", TOLD)
def test_drift(kind: str, form: str, snapshot: SnapshotAssertion) -> None:
    review = drift_of(kind)
    assert review.exit_code == 1
    # A fingerprint is of all that is said of a request, which grows with what can be said of one.
    assert re.sub(r'(?<="fingerprint": ")[0-9a-f]{16}', "…", FORMS[form](review, folder="shop")) == snapshot


@pytest.mark.parametrize("kind", TOLD)
def test_machine_forms_keep_to_their_schemas(kind: str) -> None:
    Draft202012Validator(json.loads(SCHEMA.read_text())).validate(json.loads(render_json(drift_of(kind))))
    (run,) = json.loads(render_sarif(drift_of(kind)))["runs"]
    assert run["automationDetails"] == {"id": "syncline/atlas/drift/"}
    assert {one["level"] for one in run["results"]} >= {"error"}
