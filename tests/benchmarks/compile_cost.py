"""What compiling many mappings costs, pass by pass: ``python tests/benchmarks/compile_cost.py [MAPPINGS]``.

A generated project: each mapping has 20 fields, an object, a sync and a resource of its own. Prints CPU milliseconds per
mapping for parsing alone, for reading and checking, lowering, and emitting.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from syncline_compiler.diagnostics.diagnostic import Collector
from syncline_compiler.emit.plan import emit
from syncline_compiler.passes.lower import lower
from syncline_compiler.passes.parse_mapping import parse_mapping
from syncline_compiler.pipeline import check_project
from syncline_compiler.source import SourceFile

T = TypeVar("T")
FIELDS = 20
STEPS = ("", " | upper", " | email", " | country")
TYPES = ("text(80)?", "text(80)?", "email?", "country?")


def write(folder: Path, mappings: int) -> None:
    """Write the project."""
    (folder / "syncline.yaml").write_text("syncline: 1\nproject: many\nenvironments: {t: {a: {stand_in: true}}}\n")
    resources = []
    for number in range(mappings):
        natives = "".join(f"      n{i}: text(80)\n" for i in range(FIELDS))
        resources.append(
            f"  R{number}:\n    id: id\n    fields:\n      id: {{type: text, write: false}}\n{natives}"
            f"    list: {{request: {{path: /r{number}}}}}\n"
            f"    update: {{request: {{method: PATCH, path: '/r{number}/{{id}}'}}}}\n"
        )
        form = {1: "form: upper, "}
        fields = "".join(f"  f{i}: {{type: '{TYPES[i % 4]}', {form.get(i % 4, '')}label: F}}\n" for i in range(FIELDS))
        (folder / f"o{number}.yaml").write_text(f"object: o{number}\nversion: 1.0.0\nlabel: O\nfields:\n{fields}")
        lines = "".join(f"f{i} <-> n{i}{STEPS[i % 4]}\n" for i in range(FIELDS))
        (folder / f"m{number}.map").write_text(f"mapping a.R{number} <-> o{number}@1\n\n{lines}")
        (folder / f"s{number}.yaml").write_text(
            f"sync: s{number}\nobject: o{number}@1\nmembers: {{a: a.R{number}}}\n"
            "exists: {originate: [a]}\nowners: {'*': a}\n"
        )
    (folder / "a.yaml").write_text(
        "system: a\nversion: 1.0.0\nlabel: A\nprotocol: rest\nauth: {kind: bearer}\nresources:\n" + "".join(resources)
    )


def timed(what: str, mappings: int, work: Callable[[], T]) -> T:
    """Print the CPU milliseconds per mapping that some work takes."""
    start = time.process_time()
    done = work()
    print(f"{what:<34}{(time.process_time() - start) * 1000 / mappings:8.2f} ms per mapping")
    return done


def main() -> None:
    """Measure."""
    mappings = int(sys.argv[1]) if len(sys.argv) > 1 else 1000
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write(folder, mappings)
        texts = [SourceFile(path.name, path.read_text()) for path in sorted(folder.glob("*.map"))]
        parse_mapping(texts[0], Collector())  # builds the parser once
        timed("parsing alone", mappings, lambda: [parse_mapping(text, Collector()) for text in texts])
        checked = timed("read, resolve, parse, check", mappings, lambda: check_project(folder))
        if checked.project is None:
            sys.exit("\n".join(map(str, list(checked.diagnostics)[:3])))
        project = checked.project
        lowered = timed("lower", mappings, lambda: lower(project))
        timed("emit, all of it", mappings, lambda: emit(project, lowered))


if __name__ == "__main__":
    main()
