"""Files in object storage: the library's own store in memory, and one that changes under our hands."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Iterator
from typing import Any

import fsspec
import pytest

from support.clock import TestClock
from syncline_runtime.binding import Connection
from syncline_runtime.connectors import Surroundings, open_connection, stores
from syncline_runtime.errors import ReleaseError, RequestFailed
from syncline_runtime.system import FileRead, NativeField, Resource, System

ORDERS = Resource(
    "Order", "Order", "no", (NativeField("no", "text", "no"), NativeField("city", "text", "city")),
    files=FileRead("in/*.csv"),
)  # fmt: skip
SYSTEM = System("drop", "1.0.0", "Drop", (ORDERS,), protocol="files")


@pytest.fixture
def store() -> Iterator[Any]:
    memory = fsspec.filesystem("memory")
    memory.store.clear()
    yield memory
    memory.store.clear()


def reading(origin: str) -> list[dict[str, str | None]]:
    async def story() -> list[dict[str, str | None]]:
        around = Surroundings(TestClock(), random.Random(1))
        async with open_connection(SYSTEM, Connection("partner", "drop", origin), around) as handle:
            return [dict(row.natives) async for page in handle.read("Order") for row in page.rows]  # type: ignore[union-attr]

    return asyncio.run(story())


def test_files_of_a_store_are_read_in_the_order_of_their_names(store: Any) -> None:
    store.pipe("/bucket/shop/in/b.csv", b"no,city\n2,Bern\n")
    store.pipe("/bucket/shop/in/a.csv", "no,city\n1,Zürich\n".encode())
    store.pipe("/bucket/shop/in/c.csv.part", b"no,ci")
    store.pipe("/bucket/shop/out/d.csv", b"no,city\n3,Basel\n")
    assert reading("memory://bucket/shop") == [{"no": "1", "city": "Zürich"}, {"no": "2", "city": "Bern"}]
    store.pipe("/bucket/shop/in/a.csv", b"no,city\n9,Chur\n")  # the same name, with other content
    assert [row["no"] for row in reading("memory://bucket/shop")] == ["9", "2"]


def test_a_file_that_changes_meanwhile_is_no_mixture(store: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    store.pipe("/bucket/in/a.csv", b"no,city\n1,Bern\n")
    fetched = type(store).get_file

    def get_file(self: Any, path: str, target: str, **more: Any) -> None:
        fetched(self, path, target, **more)
        store.pipe(path, b"no,city\n1,Bern\n2,Chur\n")

    monkeypatch.setattr(type(store), "get_file", get_file)
    with pytest.raises(RequestFailed, match="changed while it was read"):
        reading("memory://bucket")


def test_a_store_that_fails_is_no_empty_one(store: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(self: Any, pattern: str, **more: Any) -> list[str]:
        raise PermissionError("https://bucket.example.com/?signature=s3cret")

    monkeypatch.setattr(type(store), "glob", refuse)
    with pytest.raises(RequestFailed, match=r"did not give its files \(PermissionError\)") as failed:
        reading("memory://bucket")
    assert "s3cret" not in str(failed.value)


@pytest.mark.parametrize("origin", ["nosuch://bucket", "s3://bucket"])
def test_a_store_whose_library_is_missing_says_so(origin: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> Any:
        raise ImportError(name)

    if origin.startswith("s3"):
        monkeypatch.setattr(stores, "import_module", missing)
    with pytest.raises(ReleaseError):
        reading(origin)
