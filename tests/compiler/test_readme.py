"""The README's mapping compiles, in the project it is about."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

from syncline_compiler.diagnostics.render import render_text
from syncline_compiler.pipeline import check_project

ROOT = Path(__file__).parents[2]


def test_the_mapping_in_the_readme_compiles(tmp_path: Path) -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    (mapping,) = re.findall(r"```\n(mapping .*?)```", readme, flags=re.DOTALL)
    project = tmp_path / "quickstart"
    shutil.copytree(ROOT / "examples" / "quickstart", project, ignore=shutil.ignore_patterns(".syncline", "pictures"))
    (project / "mappings" / "crm_account.map").write_text(mapping, encoding="utf-8")
    checked = check_project(project)
    assert checked.project is not None, render_text(checked.diagnostics, checked.sources)
