"""Island by island is the same as the whole: after any edits, whatever is remembered, what is found and what is released agree.

The project: a generated one, two copies of the example under other names, each with what ties specs together (references,
code tables, limits, scenarios). Edits: words, lines and files taken from one place and put to another, most of them
mistakes, and others that are not; now and then a file comes back as it was.
"""

from __future__ import annotations

import os
import random
import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from benchmarks.large_project import write_large_project
from syncline_compiler.cache import Finding, stamps
from syncline_compiler.changes.classify import classify
from syncline_compiler.changes.fact import Facts
from syncline_compiler.changes.gather import gather
from syncline_compiler.changes.lock import dump_lock, load_lock
from syncline_compiler.changes.versions import settled
from syncline_compiler.memory import Memory, dump_memory, load_memory
from syncline_compiler.piecewise import check_pieces, release_pieces
from syncline_compiler.pipeline import check_sources, compile_sources
from syncline_compiler.source import LOCK_FILE, PROJECT_FILE, SourceFile, read_sources
from syncline_compiler.writing import write_release

EXAMPLE = Path(__file__).parents[2] / "examples" / "quickstart"
DECLARES = re.compile(r"^(object|system|codes|sync|event|policy|scenario): (\w+)", re.MULTILINE)
DAYS = (date(2026, 1, 1), date(2031, 1, 1))
WAIVERS = """policy: accepted
waivers:
  - {rule: SYN0932, at: ["objects/o0.yaml", "*"], reason: for now, owner: us, expires: 2028-01-01}
"""
ADDED = {
    "yaml": ("freshness: 15m\n", "every: 1h\n", "limit: {requests: 1, per: 1h}\n", "# a word\n", "label: Another\n"),
    "map": ("# a word\n", "take when Key is not null\n", '"x" -> Key\n', "key <- Key\n"),
}
Texts = dict[str, str]


def example(suffix: str) -> Texts:
    """The example with every name that it declares, and every connection, under another name."""
    files = [file for file in read_sources(EXAMPLE) if isinstance(file, SourceFile)]
    # Scenarios name things in texts of people too, where another name would be none.
    texts = {f"{suffix}/{file.path}": file.text for file in files if not file.path.startswith("scenarios/")}
    names = {name for text in texts.values() for _, name in DECLARES.findall(text)}
    word = re.compile(
        rf"\b({'|'.join(sorted(names))})\b(?!(?<=^account):)", re.MULTILINE
    )  # a system's key is called so too
    return {path: word.sub(rf"\1_{suffix}", text) for path, text in texts.items()}


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Texts:
    folder = tmp_path_factory.mktemp("generated")
    write_large_project(folder, 6)
    texts = {file.path: file.text for file in read_sources(folder) if isinstance(file, SourceFile)}
    generated = re.search(r"test: \{(.*)\}", texts[PROJECT_FILE])
    assert generated is not None
    connections = [generated[1]]
    for suffix in ("north", "south"):
        copied = example(suffix)
        del copied[f"{suffix}/{PROJECT_FILE}"]
        systems = [name for text in copied.values() for kind, name in DECLARES.findall(text) if kind == "system"]
        connections += [f"{name}: {{stand_in: true}}" for name in systems]
        texts |= copied
    texts[PROJECT_FILE] = f"syncline: 1\nproject: both\nenvironments:\n  test: {{{', '.join(connections)}}}\n"
    return texts


def edits(start: Texts, chance: random.Random) -> Iterator[Texts]:
    """Projects, each made from the one before by an edit or two."""
    texts = dict(start)
    while True:
        for _ in range(chance.choice((1, 1, 2))):
            texts = edited(texts, start, chance)
        yield dict(texts)
        if chance.random() < 0.7:
            texts = (
                dict(start) if chance.random() < 0.5 else {**texts, **dict(chance.sample(sorted(start.items()), 60))}
            )


def edited(texts: Texts, start: Texts, chance: random.Random) -> Texts:
    path, other = chance.choice(sorted(texts)), chance.choice(sorted(start))
    lines = texts[path].splitlines(keepends=True)
    match chance.randrange(12):
        case 0:  # a word becomes another word of the project
            words = re.findall(r"\w+", texts[path])
            more = re.findall(r"\w+", start[other])
            word = re.compile(rf"\b{chance.choice(words or ['x'])}\b")
            return {**texts, path: word.sub(chance.choice(more), texts[path], count=1)}
        case 1 if lines:
            del lines[chance.randrange(len(lines))]
            return {**texts, path: "".join(lines)}
        case 2:
            return {**texts, path: texts[path] + chance.choice(start[other].splitlines(keepends=True))}
        case 3:
            return {name: text for name, text in texts.items() if name != path or path == PROJECT_FILE}
        case 4:  # renamed, or copied
            moved = {**texts, f"moved/{chance.randrange(9)}{Path(path).suffix}": texts[path]}
            return {name: text for name, text in moved.items() if name != path or chance.random() < 0.3}
        case 5:
            return {**texts, "policies/accepted.yaml": WAIVERS}
        case 6:
            rules = chance.choice(("rules: {SYN0932: error}\n", "rules: {SYN0932: off}\n", ""))
            return {**texts, PROJECT_FILE: texts[PROJECT_FILE] + rules}
        case 7 | 8 | 9:  # a slip of the pen
            mapping = chance.choice(sorted(name for name in start if name.endswith(".map")))
            at = chance.randrange(len(start[mapping]))
            slipped = start[mapping][:at] + chance.choice("ab_|<>\n") + start[mapping][at + chance.randrange(2) :]
            return {**texts, mapping: slipped}
        case _:
            return {**texts, path: texts[path] + chance.choice(ADDED[path.rpartition(".")[2]])}


def content(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def said(finding: Finding) -> tuple[object, ...]:
    return list(finding.diagnostics), finding.diagnostics.beyond, finding.waived, finding.files


def again(memory: Memory | None, before: Memory) -> Memory:
    """What is remembered the next time."""
    return load_memory(dump_memory(memory)) if memory is not None else before


def lock_of(files: list[SourceFile], today: date) -> SourceFile | None:
    """The lock of a project as it is, if it has no mistakes."""
    checked = check_sources(files, today, waivers_end=False)
    if checked.project is None or checked.written is None:
        return None
    return SourceFile(LOCK_FILE, dump_lock(settled(classify(Facts(), gather(checked.project, checked.written)))))


def run(start: Texts, seed: int, steps: int, folder: Path) -> int:
    """Compare after each of some edits; tell how often islands were enough."""
    chance, checked, compiled, apart = random.Random(seed), Memory(), Memory(), 0
    lock: SourceFile | None = None
    sequence = edits(start, chance)
    for step, texts in zip(range(steps), sequence, strict=False):
        files = [SourceFile(path, text) for path, text in sorted(texts.items())]
        day = chance.choice(DAYS)
        found, memory = check_pieces(files, day, checked)
        checked, apart = again(memory, checked), apart + (memory is not None)
        whole = check_sources(files, day)
        assert said(found) == (list(whole.diagnostics), whole.diagnostics.beyond, whole.waived, len(whole.sources)), (
            step
        )
        if whole.diagnostics.failed and chance.random() < 0.8:
            continue
        if chance.random() < 0.5:  # versions are settled now; otherwise the lock, if there is one, is of a state before
            lock = lock_of(files, day) if chance.random() < 0.8 else None
        files += [lock] if lock is not None else []
        released, memory = release_pieces(files, day, folder / "out", compiled)
        compiled = again(memory, compiled)
        made = compile_sources(files, day)
        assert released.released is None or made.release is not None, step
        if made.release is not None:
            write_release(folder / "whole", made.release)
            assert content(folder / "out") == content(folder / "whole"), step
            assert released.stamps == stamps(folder / "out")
        assert said(released)[:3] == (list(made.diagnostics), made.diagnostics.beyond, made.waived), step
    return apart


@pytest.mark.parametrize("seed", range(int(os.environ.get("SYNCLINE_SEEDS", "2"))))
def test_islands_are_the_whole(project: Texts, seed: int, tmp_path: Path) -> None:
    assert run(project, seed, 8, tmp_path) > 0


def test_what_is_settled_stays_in_pieces(project: Texts, tmp_path: Path) -> None:
    files = [SourceFile(path, text) for path, text in sorted(project.items())]
    lock = lock_of(files, DAYS[0])
    assert lock is not None
    first, memory = release_pieces([*files, lock], DAYS[0], tmp_path, Memory())
    assert memory is not None
    assert not first.diagnostics.failed
    assert (tmp_path / LOCK_FILE).read_text() == lock.text

    mapping = next(file for file in files if file.path.endswith(".map"))
    commented = [replace(one, text=one.text + "# a word\n") if one is mapping else one for one in files]
    _, again = release_pieces([*commented, lock], DAYS[0], tmp_path, memory)
    assert again is not None, "what a comment changes is not in the lock"
    assert len(again.islands.keys() & memory.islands.keys()) == len(memory.islands) - 1

    other = load_lock(lock.text)
    gone = dump_lock(Facts.of(list(other.items.values())[1:]))
    found, none = release_pieces([*files, SourceFile(LOCK_FILE, gone)], DAYS[0], tmp_path, memory)
    assert none is None
    assert [one.code for one in found.diagnostics if one.severity == "error"] == ["SYN0941"]


def test_the_project_falls_apart(project: Texts) -> None:
    files = [SourceFile(path, text) for path, text in sorted(project.items())]
    finding, memory = check_pieces(files, DAYS[0], Memory())
    assert not finding.diagnostics.failed
    assert memory is not None
    assert len(memory.islands) == 5
