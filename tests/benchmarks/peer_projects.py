"""The large project again, as projects of compilers that only transform: a model for each mapping, in SQL.

Each model reads the 20 native fields of one resource as text and gives the canonical ones, with the same kinds of steps.
What a mapping also does in Syncline (the way back, matching, merging, writes) has no counterpart and is left out, as are
labels and types of the canonical fields, so that no peer reads more than it needs.
"""

from __future__ import annotations

from pathlib import Path

from benchmarks.large_project import FIELDS, KINDS, kind, native, system_of, word, write_file

_EMAIL = "CASE WHEN REGEXP_MATCHES({0}, '^[^@]+@[^@]+[.][^@]+$') THEN LOWER({0}) END"
STEPS = (
    "CAST({0} AS VARCHAR)", "UPPER({0})", _EMAIL, "CASE WHEN LENGTH({0}) = 2 THEN UPPER({0}) END",
    "CAST({0} AS DECIMAL(12, 2))", "CAST({0} AS DATE)", "CAST({0} AS TIMESTAMPTZ)", "CAST({0} AS BIGINT)",
    "CAST({0} AS BOOLEAN)", "TRIM(REGEXP_REPLACE({0}, '[ ]+', ' ', 'g'))",
)  # fmt: skip
assert len(STEPS) == len(KINDS)


def write_sqlmesh_project(folder: Path, models: int) -> None:
    """Write a project for sqlmesh; native tables are described with their columns, as systems are."""
    config = "gateways: {local: {connection: {type: duckdb}}}\nmodel_defaults: {dialect: duckdb, start: 2026-01-01}\n"
    write_file(folder, "config.yaml", config + "disable_anonymized_analytics: true\n")
    tables = "".join(_external(number, models) for number in range(models))
    write_file(folder, "external_models.yaml", tables)
    for number in range(models):
        head = f"MODEL (name canonical.m{number}, kind VIEW);\n\n"
        write_file(folder, sqlmesh_file(number), head + _select(number, f"s{system_of(number, models)}.r{number}"))


def sqlmesh_file(number: int) -> str:
    """Give the file of a model."""
    return f"models/m{number}.sql"


def write_dbt_project(folder: Path, models: int) -> None:
    """Write a project for dbt-core with dbt-duckdb; native tables are sources with their columns."""
    write_file(folder, "dbt_project.yml", "name: large\nversion: '1.0'\nprofile: large\nmodel-paths: [models]\n")
    profile = "large: {target: local, outputs: {local: {type: duckdb, path: ':memory:'}}}\n"
    write_file(folder, "profiles.yml", profile)
    systems: dict[int, list[str]] = {}
    for number in range(models):
        system = system_of(number, models)
        systems.setdefault(system, []).append(_source(number))
        write_file(folder, dbt_file(number), _select(number, f"{{{{ source('s{system}', 'r{number}') }}}}"))
    for system, tables in systems.items():
        head = f"version: 2\nsources:\n  - name: s{system}\n    tables:\n"
        write_file(folder, f"models/s{system}.yml", head + "".join(tables))


def dbt_file(number: int) -> str:
    """Give the file of a model."""
    return f"models/m{number}.sql"


def _select(number: int, table: str) -> str:
    columns = [f"  {_step(number, i)} AS {word(number // 2, i)}" for i in range(FIELDS)]
    return "SELECT\n" + ",\n".join(['  "Key" AS key', *columns]) + f"\nFROM {table}\n"


def _step(number: int, field: int) -> str:
    return STEPS[kind(number // 2, field)].format(f'"{native(number, field)}"')


def _columns(number: int) -> list[str]:
    return ["Key", *(native(number, i) for i in range(FIELDS))]


def _external(number: int, models: int) -> str:
    columns = "".join(f'    "{name}": text\n' for name in _columns(number))
    return f"- name: s{system_of(number, models)}.r{number}\n  columns:\n{columns}"


def _source(number: int) -> str:
    columns = "".join(f"          - {{name: {name}, data_type: text}}\n" for name in _columns(number))
    return f"      - name: r{number}\n        columns:\n{columns}"
