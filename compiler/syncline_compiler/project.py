"""A new project: the template that ``init`` copies, with what editors need."""

from __future__ import annotations

from pathlib import Path

from syncline_compiler.schemas import editor_files, naming_its_schema
from syncline_compiler.writing import ProjectRefusedError, write_files

TEMPLATE = Path(__file__).parent / "project_template"


def create_project(directory: Path) -> list[str]:
    """Copy the template to a new or empty folder, with what editors need; give the paths of the template's files."""
    _refuse_unless_free(directory)
    paths = sorted(path for path in TEMPLATE.rglob("*") if path.is_file() and path.suffix != ".pyc")
    written = {path.relative_to(TEMPLATE).as_posix(): path.read_text(encoding="utf-8") for path in paths}
    specs = {name: naming_its_schema(name, text) for name, text in written.items() if name.endswith(".yaml")}
    write_files(directory, {**written, **specs, **editor_files()})
    return list(written)


def _refuse_unless_free(directory: Path) -> None:
    if directory.is_symlink() or (directory.exists() and not directory.is_dir()):
        raise ProjectRefusedError(f"{directory} is not a folder")
    if directory.is_dir() and any(directory.iterdir()):
        raise ProjectRefusedError(f"{directory} is not empty: name a new folder, so that nothing of yours is changed")
