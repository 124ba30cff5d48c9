"""Compiling beside compilers that only transform, in one run.

    .venv/bin/python tests/benchmarks/compile_peers.py [--mappings 1000] [--peers FOLDER] [--large 10000]

Whole processes, interpreter start included: cold (nothing cached), unchanged, and with one file of all changed. Without
``--peers`` only Syncline is measured; with it sqlmesh and dbt-core are installed from the package index into virtual
environments in that folder, once, and asked to read as many equivalent models. ``--large`` compiles a project of that size
too, to show that time and memory grow as it does.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
import venv
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.large_project import write_large_project
from benchmarks.peer_projects import dbt_file, sqlmesh_file, write_dbt_project, write_sqlmesh_project

STATES = ("cold", "unchanged", "one changed")
PACKAGES = {
    "sqlmesh": ("sqlmesh",), "dbt": ("dbt-core", "dbt-duckdb"), "splink": ("splink", "recordlinkage"),
    "polars": ("polars",), "datacompy": ("datacompy",), "dlt": ("dlt[duckdb]", "pyarrow"), "drt": ("drt-core[postgres]",),
    "airbyte": ("airbyte-cdk",),
}  # fmt: skip
LOAD = "import sys; from sqlmesh import Context; print(len(Context(paths=sys.argv[1]).models))"


@dataclass(frozen=True)
class Cost:
    """What a command took; the memory is that of its largest process."""

    wall: float
    cpu: float
    peak_mb: int


@dataclass(frozen=True)
class Contender:
    """A compiler: how its project is written, its command, what it caches, and an edit of one file."""

    name: str
    write: Callable[[Path, int], None]
    command: tuple[str, ...]  # "{}" stands for the folder with everything
    caches: tuple[str, ...]
    edited: str
    edit: tuple[str, str]
    environment: Mapping[str, str] = field(default_factory=dict)


def main() -> None:
    options = _options()
    contenders = [_ours(), *_peers(Path(options.peers).resolve() if options.peers else None)]
    found = {one.name: _measured(one, options.mappings, options.repeats) for one in contenders}
    print("\n".join(_table(options.mappings, found)))
    if options.large:
        large = _measured(_ours(), options.large, 1)
        print("\n".join(["", *_growth(options.large / options.mappings, found["syncline"], large)]))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Measure compiling beside compilers that only transform.")
    parser.add_argument("--mappings", type=int, default=1000)
    parser.add_argument("--repeats", type=int, default=3, help="of which the quickest counts")
    parser.add_argument(
        "--peers", metavar="FOLDER", help="where the peers are installed, each in an environment of its own"
    )
    parser.add_argument("--large", type=int, metavar="MAPPINGS", help="compile a larger project too")
    return parser.parse_args()


def _ours() -> Contender:
    syncline = str(Path(sys.executable).parent / "syncline")
    changed = ("key <-> Key", 'take when Key != "none"\n\nkey <-> Key')
    return Contender(
        "syncline", write_large_project, (syncline, "compile", "--project", "{}/project", "--out", "{}/release"),
        ("cache", "release"), "mappings/m7.map", changed, {"SYNCLINE_CACHE_DIR": "{}/cache"},
    )  # fmt: skip


def _peers(folder: Path | None) -> Iterator[Contender]:
    """Give the peers that can be installed here."""
    if folder is None:
        return
    changed = ("UPPER(", "LOWER(")
    if sqlmesh := installed(folder, "sqlmesh"):
        load = (str(sqlmesh / "python"), "-c", LOAD, "{}/project")
        for name, more in (("sqlmesh, one process", {"MAX_FORK_WORKERS": "1"}), ("sqlmesh, forking", {})):
            caches = ("project/.cache",)
            yield Contender(name, write_sqlmesh_project, load, caches, sqlmesh_file(7), changed, more)
    if dbt := installed(folder, "dbt"):
        parse = (str(dbt / "dbt"), "parse", "--project-dir", "{}/project", "--profiles-dir", "{}/project")
        quiet = {"DBT_SEND_ANONYMOUS_USAGE_STATS": "false"}
        yield Contender("dbt-core", write_dbt_project, parse, ("project/target",), dbt_file(7), changed, quiet)


def installed(folder: Path, name: str) -> Path | None:
    """Give the folder of a peer's programs, installed there if it is not yet; None where that fails."""
    home = folder / name
    programs = home / ("Scripts" if os.name == "nt" else "bin")
    if (home / "installed").exists():
        return programs
    _say(f"installing {name} in {home}")
    venv.create(home, with_pip=True, clear=True)
    install = [str(programs / "python"), "-m", "pip", "install", "-q", "--only-binary", ":all:", *PACKAGES[name]]
    done = subprocess.run(install, capture_output=True, text=True, check=False)
    if done.returncode:
        _say(
            f"{name} is left out, for it could not be installed: {(done.stderr.strip() or 'pip failed').splitlines()[-1]}"
        )
        return None
    (home / "installed").touch()
    return programs


def timed_by(folder: Path, name: str, script: str, *given: str) -> Callable[[], tuple[float, float, int]] | None:
    """Give what lets a peer run a script of ``peers/`` in its environment: wall and CPU seconds without its start, and a count."""
    programs = installed(folder, name)
    if programs is None:
        return None
    command = [str(programs / "python"), str(Path(__file__).parent / "peers" / script), *given]

    def run() -> tuple[float, float, int]:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            raise SystemExit(f"{name} failed:\n{done.stderr[-2000:]}")
        told = json.loads(done.stdout.splitlines()[-1])
        return told["wall"], told["cpu"], told["count"]

    return run


def _measured(one: Contender, mappings: int, repeats: int) -> dict[str, Cost]:
    """Give the quickest run in each state."""
    found: dict[str, list[Cost]] = {state: [] for state in STATES}
    with tempfile.TemporaryDirectory(prefix="syncline-bench-") as name:
        folder = Path(name)
        one.write(folder / "project", mappings)
        edited = folder / "project" / one.edited
        before = edited.read_text()
        after = before.replace(*one.edit, 1)
        assert after != before
        for _ in range(repeats):
            edited.write_text(before)
            for cache in one.caches:
                shutil.rmtree(folder / cache, ignore_errors=True)
            for state in STATES:
                if state == "one changed":
                    edited.write_text(after)
                _say(f"{mappings:,} mappings, {one.name}: {state}")
                found[state].append(_cost(one, folder))
    return {state: min(costs, key=lambda cost: cost.wall) for state, costs in found.items()}


def _cost(one: Contender, folder: Path) -> Cost:
    """Run a contender's command; the figures are of this child and of those it waited for."""
    command = [word.replace("{}", str(folder)) for word in one.command]
    environment = os.environ | {key: value.replace("{}", str(folder)) for key, value in one.environment.items()}
    start = time.perf_counter()
    with tempfile.TemporaryFile("w+") as told:
        child = subprocess.Popen(command, env=environment, stdout=told, stderr=subprocess.STDOUT)
        _, status, used = os.wait4(child.pid, 0)
        wall, child.returncode = time.perf_counter() - start, os.waitstatus_to_exitcode(status)
        if child.returncode:
            told.seek(0)
            raise SystemExit(f"{one.name} failed:\n{told.read()[-3000:]}")
    return Cost(wall, used.ru_utime + used.ru_stime, used.ru_maxrss // 1024)


def _table(mappings: int, found: Mapping[str, Mapping[str, Cost]]) -> Iterator[str]:
    yield f"{mappings:,} mappings of 20 fields: wall seconds, CPU seconds, peak MB"
    yield f"{'':34}" + "".join(f"{state:^24}" for state in STATES)
    for name, costs in found.items():
        yield f"{name:34}" + "".join(_cell(costs[state]) for state in STATES)
    ours = found["syncline"]
    for name, costs in found.items():
        if name != "syncline":
            yield f"{'syncline / ' + name:34}" + "".join(_ratio(ours[state], costs[state]) for state in STATES)


def _cell(cost: Cost) -> str:
    return f"{cost.wall:8.2f}{cost.cpu:8.2f}{cost.peak_mb:6d}  "


def _ratio(ours: Cost, peer: Cost) -> str:
    return f"{ours.wall / peer.wall:8.2f}{ours.cpu / peer.cpu:8.2f}{ours.peak_mb / peer.peak_mb:6.2f}  "


def _growth(times: float, small: Mapping[str, Cost], large: Mapping[str, Cost]) -> Sequence[str]:
    costs = f"{'':34}" + "".join(_cell(large[state]) for state in STATES)
    grown = large["cold"].cpu / small["cold"].cpu
    return [
        f"syncline, {times:g} times as many mappings",
        costs,
        f"cold CPU grows {grown / times:.2f} times as fast as they do",
    ]


def _say(what: str) -> None:
    print(what, file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
