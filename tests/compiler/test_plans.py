"""What `lower` and `emit` make: equal on any path, indifferent to file order, and readable as SQL."""

from __future__ import annotations

import json
import random
import shutil
from pathlib import Path

import pytest
from syrupy.assertion import SnapshotAssertion
from syrupy.extensions.single_file import SingleFileSnapshotExtension, WriteMode

from syncline_compiler.emit.plan import emit
from syncline_compiler.passes.lower import lower
from syncline_compiler.pipeline import check_sources, compile_project
from syncline_compiler.source import read_sources
from syncline_compiler.writing import write_release
from syncline_runtime.encoding import decode, dumps
from syncline_runtime.plan import Plan, Step, load_release

ROOT = Path(__file__).parents[2]
TEMPLATE = ROOT / "compiler" / "syncline_compiler" / "project_template"
EXAMPLES = [path.parent for path in sorted(ROOT.glob("examples/*/syncline.yaml"))]


class SqlFile(SingleFileSnapshotExtension):
    """A snapshot as a .sql file of its own."""

    _write_mode = WriteMode.TEXT
    file_extension = "sql"


def files_of(root: Path) -> dict[str, bytes]:
    compilation = compile_project(root)
    assert compilation.files is not None
    return dict(compilation.files)


@pytest.mark.parametrize("root", [TEMPLATE, *EXAMPLES], ids=lambda path: path.name)
def test_equal_specs_give_equal_bytes_on_any_path(root: Path, tmp_path: Path) -> None:
    copy = tmp_path / "elsewhere" / "deep"
    shutil.copytree(root, copy, ignore=shutil.ignore_patterns(".syncline", "systems/*.py", "__pycache__", ".systems"))
    assert files_of(root) == files_of(copy)


def test_the_order_of_files_does_not_matter() -> None:
    files = list(read_sources(TEMPLATE))
    shuffled = random.Random(7).sample(files, len(files))
    first, second = check_sources(files), check_sources(shuffled)
    assert first.project is not None
    assert second.project is not None
    assert list(emit(first.project, lower(first.project))) == list(emit(second.project, lower(second.project)))


def test_nothing_of_the_machine_stands_in_a_release(tmp_path: Path) -> None:
    everything = b"".join(files_of(TEMPLATE).values())
    for word in (str(TEMPLATE), str(Path.home()), str(tmp_path)):
        assert word.encode() not in everything


def test_a_plan_is_the_same_after_loading(tmp_path: Path) -> None:
    files = files_of(TEMPLATE)
    write_release(tmp_path / "release", files.items())
    release = load_release(tmp_path / "release")
    for plan in release.plans.values():
        assert dumps(plan) == files[f"plans/{plan.name}.json"]
        assert decode(Plan, json.loads(dumps(plan))) == plan


def steps() -> list[Step]:
    plan = decode(Plan, json.loads(files_of(TEMPLATE)["plans/account.json"]))
    erp = plan.member("erp")
    return [*erp.steps, *plan.match, *plan.merge, *(s for s in plan.diff if "/erp/" in s.output)]


@pytest.mark.parametrize("step", steps(), ids=lambda step: step.output.replace("/", "."))
def test_sql_of_the_template_project(step: Step, snapshot: SnapshotAssertion) -> None:
    assert step.sql.replace(", ", ",\n  ") + "\n" == snapshot(extension_class=SqlFile)


@pytest.mark.parametrize("step", steps(), ids=lambda step: step.output.replace("/", "."))
def test_a_step_reads_only_what_it_names(step: Step) -> None:
    import sqlglot

    read = {table.name for table in sqlglot.parse_one(step.sql, dialect="duckdb").find_all(sqlglot.exp.Table)}
    assert read <= set(step.inputs)
