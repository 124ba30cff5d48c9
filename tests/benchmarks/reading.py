"""What reading costs: ``python tests/benchmarks/reading.py [--records 1000000] [--size 1000] [--times 3] [--peers FOLDER]``.

Small JSON records over loopback HTTP, page after page by a token, into the engine's landed relation; beside a bare loop of
httpx and orjson that does the same requests and keeps nothing. Each in a process of its own, in turns; the server's pages
are made before. Wall and CPU seconds of reading alone, without starting the interpreter. With ``--peers`` dlt's REST source (into
DuckDB) and a manifest of Airbyte's declarative CDK (into nothing) read the same list, each from an environment of its own in FOLDER.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import multiprocessing
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from multiprocessing.connection import Connection as Pipe
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import httpx
import orjson

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.compile_peers import timed_by
from syncline_runtime.binding import Connection
from syncline_runtime.connectors import Surroundings, open_connection
from syncline_runtime.request import Request
from syncline_runtime.segments import SegmentStore
from syncline_runtime.stages.gathering import land
from syncline_runtime.state import State, landed_columns
from syncline_runtime.system import Cursor, ListRead, NativeField, Paging, Resource, System
from syncline_runtime.tombstones import Erased

GOAL = 1.3
NAMES = {
    "id": "int", "name": "text", "email": "text", "status": "text", "balance": "decimal", "active": "bool",
    "updated_at": "instant",
}  # fmt: skip
CUSTOMERS = Resource(
    "Customer",
    "Customer",
    "id",
    tuple(NativeField(name, kind, name) for name, kind in NAMES.items()),  # type: ignore[arg-type]
    list=ListRead(
        Request("/customers", query={"after": "{token}"}),
        "items",
        Paging("cursor", next="next"),
        Cursor("updated_at", query={"since": "{cursor}"}),
    ),
)
SYSTEM = System("shop", "1.0.0", "Shop", (CUSTOMERS,))


def page(number: int, size: int, pages: int) -> bytes:
    """The answer with one page, head and body."""
    records = [
        {
            "id": number * size + i,
            "name": f"Customer {number * size + i}",
            "email": f"c{number * size + i}@example.com",
            "status": ("open", "closed", "held")[i % 3],
            "balance": i * 7919 % 100_000 / 100,
            "active": i % 2 == 0,
            "updated_at": f"2026-01-{1 + i % 28:02d}T10:{i % 60:02d}:00.000Z",
        }
        for i in range(size)
    ]
    body = json.dumps(
        {"items": records, "next": str(number + 1) if number + 1 < pages else None}, separators=(",", ":")
    )
    head = f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    return head.encode() + body.encode()


def serve(pipe: Pipe, records: int, size: int) -> None:
    """Answer with pages made before, until the process is ended."""
    pages = [page(number, size, records // size) for number in range(records // size)]

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                target = head.split(b" ", 2)[1]
                writer.write(pages[int(target.partition(b"after=")[2] or 0)])
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()

    async def run() -> None:
        server = await asyncio.start_server(answer, "127.0.0.1", 0)
        pipe.send(server.sockets[0].getsockname()[1])
        await server.serve_forever()

    asyncio.run(run())


def bare(url: str) -> int:
    """The loop that keeps nothing."""
    count, token = 0, None
    with httpx.Client() as client:
        while True:
            answer = client.get(f"{url}/customers", params={"after": token} if token else None)
            body = orjson.loads(answer.content)
            count += len(body["items"])
            token = body["next"]
            if token is None:
                return count


def ours(url: str) -> int:
    """Reading with all checks, into the landed relation."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        state = State(folder, SegmentStore(folder / "segments"))
        count = asyncio.run(_landed(url, state))
        assert state.scalar("SELECT count(*) FROM landed") == count
        state.close()
    return count


async def _landed(url: str, state: State) -> int:
    run: Any = SimpleNamespace(
        state=state, engine=asyncio.Lock(), run_id="r", garbled=set(), erased=Erased(), now=lambda: 0
    )
    columns = landed_columns(list(NAMES))
    state.empty("landed", columns)
    async with open_connection(SYSTEM, Connection("shop", "shop", url), Surroundings()) as handle:
        landed = await land(run, handle, CUSTOMERS, "landed", columns, None)
    return landed.rows


def measured(read: Callable[[str], int], url: str, records: int) -> tuple[float, float]:
    """Wall and CPU seconds of one reader, in a process of its own."""
    context = multiprocessing.get_context("spawn")
    here, there = context.Pipe()
    process = context.Process(target=_measure, args=(there, read, url))
    process.start()
    wall, cpu, count = here.recv()
    process.join()
    assert count == records, count
    return wall, cpu


def _measure(pipe: Pipe, read: Callable[[str], int], url: str) -> None:
    wall, cpu = time.perf_counter(), time.process_time()
    count = read(url)
    pipe.send((time.perf_counter() - wall, time.process_time() - cpu, count))


def main() -> None:
    """Measure in turns, and print medians."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--records", type=int, default=1_000_000)
    parser.add_argument("--size", type=int, default=1_000)
    parser.add_argument("--times", type=int, default=3)
    parser.add_argument("--peers", type=Path, metavar="FOLDER", help="where the peers are installed")
    asked = parser.parse_args()
    context = multiprocessing.get_context("spawn")
    here, there = context.Pipe()
    server = context.Process(target=serve, args=(there, asked.records, asked.size), daemon=True)
    server.start()
    url = f"http://127.0.0.1:{here.recv()}"
    readers = _readers(url, asked.records, asked.peers)
    times: dict[str, list[tuple[float, float]]] = {name: [] for name in readers}
    for _ in range(asked.times):
        for name, read in readers.items():
            times[name].append(read())
    server.terminate()
    for name, taken in times.items():
        wall, cpu = (statistics.median(each) for each in zip(*taken, strict=True))
        print(f"{name}: {wall:.2f} s, {cpu:.2f} s of CPU, {asked.records / wall:,.0f} records/s", flush=True)
    for name in (name for name in times if name != "ours"):
        pairs = list(zip(times["ours"], times[name], strict=True))
        wall, cpu = (statistics.median(mine[i] / other[i] for mine, other in pairs) for i in (0, 1))
        goal = f" (goal {GOAL})" if name == "bare" else ""
        print(f"ours / {name}: {wall:.3g} wall{goal}, {cpu:.3g} CPU")


def _readers(url: str, records: int, peers: Path | None) -> dict[str, Callable[[], tuple[float, float]]]:
    readers: dict[str, Callable[[], tuple[float, float]]]
    readers = {"bare": partial(measured, bare, url, records), "ours": partial(measured, ours, url, records)}
    for name in ("airbyte", "dlt"):
        if peers and (run := timed_by(peers.resolve(), name, f"reading_by_{name}.py", url)):
            readers[name] = partial(_whole, run, records)
    return readers


def _whole(run: Callable[[], tuple[float, float, int]], records: int) -> tuple[float, float]:
    wall, cpu, count = run()
    assert count == records, count
    return wall, cpu


if __name__ == "__main__":
    main()
