"""Texts full of quotes and SQL stay texts: the plan is the one that plain words give, and it runs as that one does."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from support.world import problems, system, world
from syncline_compiler.emit.plan import emit
from syncline_compiler.lowering import build
from syncline_compiler.passes.lower import lower
from syncline_compiler.pipeline import check_project, check_sources
from syncline_compiler.source import SourceFile

EVIL = [
    "back\\slash\\'", 'say "no" %s %(x)s', "x'); DROP TABLE links; --", "${name} $1 ? @0@ :p", "\u27ea0\u27eb ⟪1⟫", "'", '"',
    "line\nbreak\ttab", "/* é'\"日本 */ \u202e", "';--\\ ⟪0⟫ %",
]  # fmt: skip
PLAIN = [f"plainword{chr(ord('a') + number) * 3}" for number in range(len(EVIL))]
"""Words in the same order, none of them part of another."""
PROJECT = "syncline: 1\nproject: t\nenvironments: {t: {a: {stand_in: true}, b: {stand_in: true}}}\n"
NATIVE = "Name: {{type: text(80), required: true}}, Kind: {{type: text, required: true}}, Note: text, {}: text"
EXAMPLE = Path(__file__).parents[2] / "examples" / "quickstart"


def files(words: Sequence[str]) -> dict[str, str]:
    """One project, with these words wherever a text may stand that reaches a plan."""
    quoted = [json.dumps(word, ensure_ascii=False) for word in words]
    item = {
        "object": "rec", "version": "1.0.0", "identity": [{"same": ["name"]}],
        "fields": {
            "name": {"type": "text(80)", "required": True, "label": words[0]}, "note": "text(200)?", "extra": "text?",
            "kind": {"type": "enum", "values": list(words[:3]), "required": True},
        },
        "invariants": {"told_apart": f"name != {quoted[3]} or kind != {quoted[0]}"},
    }  # fmt: skip
    codes = {"codes": "kinds", "version": "1.0.0", "for": "rec.kind", "rows": {f"<{word}>": word for word in words[:3]}}
    return {
        "syncline.yaml": PROJECT,
        "rec.yaml": json.dumps(item),
        "kinds.yaml": json.dumps(codes),
        "a.yaml": system("a", Rec=NATIVE.format("Born")),
        "b.yaml": system("b", Rec=NATIVE.format("Made")),
        "a.map": f"""mapping a.Rec <-> rec@1
take when Name != {quoted[4]}
name  <-> Name
kind  <-> Kind | code kinds
note  <-> Note
extra <-  case when Name == {quoted[5]} then {quoted[6]} else replace(Born, {quoted[7]}, {quoted[8]}) end
reject when Note == {quoted[8]} because {quoted[9]}
""",
        "b.map": f"""mapping b.Rec <-> rec@1
name <-> Name
kind <-> Kind | code kinds else reject {quoted[2]}
note <-> Note
extra ?? {quoted[3]} -> Made
""",
        "sync.yaml": "sync: rec\nobject: rec@1\nmembers: {a: a.Rec, b: b.Rec}\n"
        "exists: {originate: [a], hold: {b: true}}\nowners: {'*': a}\n",
    }


def released(sources: Mapping[str, str]) -> dict[str, bytes]:
    compilation = check_sources([SourceFile(path, text) for path, text in sources.items()])
    assert compilation.project is not None, [(one.code, one.label) for one in compilation.diagnostics]
    return dict(emit(compilation.project, lower(compilation.project)))


def statements(plan: Any) -> Iterator[str]:
    """The SQL of a plan, in order."""
    if isinstance(plan, dict):
        plan = list(plan.values())
    if isinstance(plan, list):
        for part in plan:
            yield from statements(part)
    elif isinstance(plan, str) and "SELECT" in plan:
        yield plan


def test_sql_differs_by_what_stands_between_quotes() -> None:
    plain, evil = (list(statements(json.loads(released(files(words))["plans/rec.json"]))) for words in (PLAIN, EVIL))
    assert len(plain) == len(evil) > 20
    said = dict(zip(PLAIN, (word.replace("'", "''") for word in EVIL), strict=True))
    words = re.compile("|".join(PLAIN))
    seen: set[str] = set()
    for one, other in zip(plain, evil, strict=True):
        seen |= set(words.findall(one))
        assert words.sub(lambda match: said[match[0]], one) == other
    assert seen == set(PLAIN)


def test_statements_filled_in_are_those_that_are_built_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    """Names that no dialect escapes are filled into forms; all others take the long way, to the same SQL."""
    project = check_project(EXAMPLE).project
    assert project is not None
    filled = [list(statements(json.loads(text))) for _, text in emit(project, lower(project))]
    monkeypatch.setattr(build, "PLAIN", lambda name: None)
    assert [list(statements(json.loads(text))) for _, text in emit(project, lower(project))] == filled
    assert sum(map(len, filled)) > 100


def test_it_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every word comes out at the other side as it went in; what is rejected says why in the words of the mapping."""
    with world(tmp_path, monkeypatch, files(EVIL)) as one:
        for number, word in enumerate(EVIL):
            one.add("a", Name=word, Kind=f"<{EVIL[number % 3]}>", Note=f"{word}!", Born=EVIL[7])
        one.add("a", Name="left out", Kind="unknown '", Note="n", Born="")
        one.add("a", Name="told", Kind=f"<{EVIL[0]}>", Note=EVIL[8], Born="")
        result = one.run()
        written = one.by("Name", "b")
        # [4] is not taken, and [3] is of the first kind, which the invariant forbids.
        assert set(written) == {*EVIL} - {EVIL[3], EVIL[4]}
        assert written[EVIL[0]] == {
            "id": written[EVIL[0]]["id"], "Name": EVIL[0], "Kind": f"<{EVIL[0]}>", "Note": f"{EVIL[0]}!", "Made": EVIL[8],
        }  # fmt: skip
        assert written[EVIL[5]]["Made"] == EVIL[6]
        assert {code for code, _, _ in problems(result)} == {"SYN5003", "SYN5004", "SYN5006"}
        assert EVIL[9] in [exception["rule"] for exception in result.exceptions]
        again = one.run()
        assert again.changes.writes == ()
