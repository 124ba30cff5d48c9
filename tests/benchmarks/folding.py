"""Fold the base rows of a run into the stored ones: ``folding.py CASE OUT REPEATS``, in a process of its own, as ``child.py``.

Puts down beside it what a peer needs to do the same: rows as stored before, the rows that take their places, and what
comes of it, under names that every library takes.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.case import Case
from benchmarks.contenders import Ours
from benchmarks.measuring import Stopwatch, forget_peak, peak
from syncline_runtime.fold import fold
from syncline_runtime.plan import Member
from syncline_runtime.stages.context import prefix_of
from syncline_runtime.state import base_columns, quoted, text

PHASE = "changed"


def main() -> None:
    case, out, repeats = Case(**json.loads(sys.argv[1])), Path(sys.argv[2]), int(sys.argv[3])
    ours = Ours(case, PHASE, case.state(PHASE))
    ours.once(Stopwatch())
    state, member = ours.state, ours.plan.member("crm")
    prefix, columns = prefix_of(ours.plan, member), _columns(member)
    stored = f"SELECT {columns} FROM {quoted(f'base:{prefix}')}"
    segment = state.write_segment("base", prefix, "bench", f"SELECT * FROM {quoted(f'{prefix}/next')}")
    assert segment is not None
    rows = {
        "fold_before": stored,
        "fold_now": f"SELECT {columns} FROM read_parquet({text(str(state.store.locate(segment)))})",
    }
    for name, query in rows.items():
        state.execute(f"COPY ({query}) TO {text(str(out / f'{name}.parquet'))} (FORMAT parquet)")
    before, runs = forget_peak(), []
    for turn in range(1, repeats + 1):
        watch = Stopwatch()
        with watch("fold"):
            fold(state, ours.release, [segment.at(seq) for seq in range(1, turn + 1)])
        runs.append(watch.times)
    most = peak() - before
    state.execute(f"COPY ({stored}) TO {text(str(out / 'fold_after.parquet'))} (FORMAT parquet)")
    ours.close()
    print(json.dumps({"runs": runs, "peak_mb": most}))


def _columns(member: Member) -> str:
    """The columns of base rows without dots and structures."""
    parts = []
    for name, kind in base_columns(member).items():
        plain = name.replace(".", "_")
        if kind.startswith("STRUCT"):
            parts += [f"{quoted(name)}.{part} AS {plain}_{part}" for part in ("amount", "currency")]
        else:
            parts.append(f"{quoted(name)} AS {quoted(plain)}")
    return ", ".join(parts)


if __name__ == "__main__":
    main()
