"""The command ``identity``: models for identity rules that go by probability."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path
from typing import Any

import click

from syncline_compiler.cache import Finding
from syncline_compiler.cli_options import FAULT, examples, project_option, root_of, show
from syncline_compiler.model.document import Declared
from syncline_compiler.model.spec import ObjectSpec
from syncline_compiler.model.spec_identity import IdentitySpec, ModelSpec
from syncline_compiler.passes.load import load_alone
from syncline_compiler.passes.resolve_object import likeness_of
from syncline_compiler.pipeline import Compilation, compile_sources
from syncline_compiler.probability import untrained
from syncline_compiler.source import SourceFile, Unreadable, read_sources
from syncline_compiler.training import features, train, write_model
from syncline_compiler.writing import write_files, write_release
from syncline_runtime.plan import load_release
from syncline_runtime.report import progress
from syncline_runtime.training import read_pool


@click.group(epilog=examples("syncline identity train person"))
def identity() -> None:
    """Train the models of identity rules that go by probability."""


@identity.command(
    "train", epilog=examples("syncline identity train person", "syncline identity train person --env live")
)
@click.argument("object_", metavar="OBJECT")
@click.option("--env", "environment", help="Environment whose records are read; may be left out if there is one.")
@project_option
def train_(object_: str, environment: str | None, project: Path | None) -> None:
    """Learn from the records of OBJECT's systems how alike those are that are one; write the models of its rules.

    All records are read, none is changed. Needs Splink: pip install 'syncline[splink]'. Runs do not.
    """
    root = root_of(project, None)
    files = [*read_sources(root)]
    specs = [
        one
        for file in files
        if isinstance(file, SourceFile) and not file.path.endswith(".map")
        if (one := load_alone(file))
    ]
    rules = _rules(object_, specs)
    names = {rule.probability.model for rule in rules if rule.probability is not None}
    places = {one.spec.model: one.document.source.path for one in specs if isinstance(one.spec, ModelSpec)}
    blank = {places.get(rule.probability.model, f"models/{rule.probability.model}.yaml"): _blank(rule, object_)
             for rule in rules if rule.probability is not None}  # fmt: skip
    others: list[SourceFile | Unreadable] = [file for file in files if file.path not in blank]
    compilation = compile_sources([*others, *(SourceFile(path, text) for path, text in blank.items())])
    if compilation.project is None:
        show(Finding(compilation.diagnostics, compilation.sources), root, "text", to_stderr=True)
        sys.exit(FAULT)
    for name in sorted(names):
        path = places.get(name, f"models/{name}.yaml")
        model = _trained(compilation, object_, name, environment)
        write_files(root, {path: write_model(model)})
        click.echo(f"{path}: learnt from {model.records} records", err=True)


def _rules(object_: str, specs: list[Declared[Any]]) -> list[IdentitySpec]:
    known = [one.spec for one in specs if isinstance(one.spec, ObjectSpec) and one.spec.object == object_]
    rules = [rule for spec in known for rule in spec.identity if rule.probability is not None and rule.similar]
    if not rules:
        why = "has no identity rule that goes by probability" if known else "is no object of this project"
        raise click.UsageError(f"`{object_}` {why}")
    return rules


def _blank(rule: IdentitySpec, object_: str) -> str:
    """Give a model that knows nothing in place of the one that is to be learnt, or to be learnt anew."""
    assert rule.probability is not None  # asked of these only
    similar = {name: likeness_of(name, said) for name, said in rule.similar.items()}
    return write_model(untrained(rule.probability.model, object_, similar))


def _trained(compilation: Compilation, object_: str, name: str, environment: str | None) -> ModelSpec:
    assert compilation.project is not None  # it compiles
    assert compilation.release is not None
    sync = next((one for one in compilation.project.syncs if one.object.name == object_), None)
    if sync is None:
        raise click.UsageError(f"no sync keeps `{object_}`, so that nothing says where its records are")
    rule = next(one for one in sync.object.identity if one.probability is not None and one.probability.model == name)
    with tempfile.TemporaryDirectory() as folder:
        write_release(Path(folder) / "release", compilation.files.items() if compilation.files else ())
        release = load_release(Path(folder) / "release")
        binding = release.binding(environment)
        rows = read_pool(release, binding, sync.name, features(rule, sync.object), progress())
    return train(rule, sync.object, name, rows)
