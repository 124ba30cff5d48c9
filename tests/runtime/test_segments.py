from __future__ import annotations

import dataclasses
import errno
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from syncline_runtime.errors import StateError
from syncline_runtime.segments import Segment, SegmentStore


def publish(store: SegmentStore, content: bytes = b"PAR1 rows PAR1", subject: str = "account/crm") -> Segment:
    draft = store.writing("landed", subject, "01RUN")
    draft.path.write_bytes(content)
    return store.publish(draft, rows=3)


@pytest.fixture
def store(tmp_path: Path) -> SegmentStore:
    return SegmentStore(tmp_path / "segments")


def test_a_published_segment_says_what_it_is(store: SegmentStore) -> None:
    segment = publish(store)
    assert segment.path.startswith("landed/account/crm/01RUN-")
    assert (segment.rows, segment.bytes, segment.run, segment.seq) == (3, 14, "01RUN", 0)
    assert store.verify(segment).read_bytes() == b"PAR1 rows PAR1"


def test_equal_contents_are_segments_of_their_own(store: SegmentStore) -> None:
    assert publish(store).path != publish(store).path


@pytest.mark.parametrize("subject", ["../../etc/x", "/abs", "a//b", ".hidden", "a b/ü", "CON:x*", "a\\b", ".."])
def test_no_subject_leaves_the_store(store: SegmentStore, subject: str) -> None:
    segment = publish(store, subject=subject)
    found = store.verify(segment).resolve()
    assert store.root.resolve() in found.parents
    assert store.orphans([segment]) == []


def test_different_subjects_have_different_folders(store: SegmentStore) -> None:
    folders = {Path(publish(store, subject=one).path).parent for one in ("a.b", "a%2Eb", ".a", "%2Ea", "", "%", "A")}
    assert len(folders) == 7


def cut(path: Path) -> None:
    os.truncate(path, 5)


def flip(path: Path) -> None:
    path.write_bytes(path.read_bytes().replace(b"rows", b"cows"))


@pytest.mark.parametrize(
    ("damage", "code", "said"),
    [(Path.unlink, "SYN6010", "missing"), (cut, "SYN6011", "has 5 bytes where 14"), (flip, "SYN6011", "not what was")],
)
def test_a_damaged_segment_is_named(store: SegmentStore, damage: Callable[[Path], None], code: str, said: str) -> None:
    segment = publish(store)
    damage(store.locate(segment))
    with pytest.raises(StateError, match=said) as caught:
        store.verify(segment)
    assert caught.value.error_code == code
    assert segment.path in caught.value.place
    assert "backup" in caught.value.mend


def test_a_quick_look_does_not_read(store: SegmentStore) -> None:
    segment = publish(store)
    flip(store.locate(segment))
    store.verify(segment, thorough=False)


def test_files_that_nobody_registered_are_listed_and_left_alone(store: SegmentStore) -> None:
    assert store.orphans([]) == []
    kept, orphan = publish(store), publish(store, b"x")
    draft = store.writing("base", "account", "01RUN")
    draft.path.write_bytes(b"half")
    assert store.orphans([kept]) == sorted([store.locate(orphan), draft.path])
    store.discard(draft)
    assert store.orphans([kept, orphan]) == []


@pytest.mark.parametrize(("number", "code"), [(errno.ENOSPC, "SYN6004"), (errno.EACCES, "SYN6003")])
def test_a_disk_that_refuses_is_told(
    store: SegmentStore, monkeypatch: pytest.MonkeyPatch, number: int, code: str
) -> None:
    def refuse(descriptor: int) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, "fsync", refuse)
    with pytest.raises(StateError) as caught:
        publish(store)
    assert caught.value.error_code == code
    assert list(store.root.glob("landed/**/*.parquet")) == []


def test_a_segment_is_durable_before_it_has_its_name(store: SegmentStore, monkeypatch: pytest.MonkeyPatch) -> None:
    steps: list[str] = []
    sync, replace = os.fsync, os.replace

    def note_sync(descriptor: int) -> None:
        steps.append("folder" if os.path.isdir(f"/proc/self/fd/{descriptor}") else "file")
        sync(descriptor)

    def note_rename(source: object, target: object) -> None:
        steps.append("rename")
        replace(source, target)  # type: ignore[arg-type]

    monkeypatch.setattr(os, "fsync", note_sync)
    monkeypatch.setattr(os, "replace", note_rename)
    publish(store)
    assert steps[:2] == ["file", "rename"]
    assert set(steps[2:]) == {"folder"}
    assert dataclasses.is_dataclass(Segment)
