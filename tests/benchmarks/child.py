"""One contender in a process of its own: ``child.py CASE CONTENDER PHASE REPEATS`` prints its figures as JSON."""

from __future__ import annotations

import json
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.case import Case
from benchmarks.contenders import CONTENDERS, Contender
from benchmarks.measuring import Stopwatch, forget_peak, peak
from syncline_runtime.state import State, text


def main() -> None:
    case, name, phase, repeats = Case(**json.loads(sys.argv[1])), sys.argv[2], sys.argv[3], int(sys.argv[4])
    state = case.state(phase, plain=name != "ours")
    contender = CONTENDERS[name](case, phase, state)
    before = forget_peak()
    runs = []
    for _ in range(repeats):
        watch = Stopwatch()
        contender.once(watch)
        runs.append(watch.times)
    most = peak() - before
    results = _results(case, contender, state, f"{phase}.{name.replace(' ', '_')}")
    contender.close()
    print(json.dumps({"runs": runs, "peak_mb": most, **results}))


def _results(case: Case, contender: Contender, state: State, name: str) -> dict[str, object]:
    """Put the intents into a file for comparison, and the stored rows into a digest."""
    intents, agreed = contender.intents(), contender.agreed()
    found: dict[str, object] = {"intents": None, "agreed": None}
    if intents is not None:
        path = case.files / f"{name}.parquet"
        state.execute(f"COPY ({intents}) TO {text(str(path))} (FORMAT parquet)")
        found["intents"] = str(path)
    if agreed is not None:
        digest = f"SELECT count(*)::VARCHAR || ':' || coalesce(bit_xor(hash(t))::VARCHAR, '') FROM ({agreed}) AS t"
        found["agreed"] = state.scalar(digest)
    return found


if __name__ == "__main__":
    main()
