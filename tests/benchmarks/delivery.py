"""What delivering costs beside bare requests: ``python tests/benchmarks/delivery.py [UPDATES] [--ledger URL] [--peers FOLDER]``.

Updates of small records at a server on loopback that answers each in 20 ms, 50 under way at once: from sealed intents to
acknowledgements in the ledger, beside a loop of httpx and orjson that sends the same requests and keeps nothing. The server is a
process of its own. Wall and CPU seconds of this process, in turns, best of three; and what the ledger alone takes. With ``--peers`` drt
sends as many updates as well as it can, from an environment of its own in FOLDER.
"""

from __future__ import annotations

import argparse
import asyncio
import multiprocessing
import socket
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import AsyncExitStack, contextmanager
from pathlib import Path

import httpx

sys.path.insert(0, str(Path(__file__).parents[1]))

from benchmarks.compile_peers import timed_by
from support.engine import project, release_of
from support.world import FROM_A_TO_B
from syncline_runtime.connectors import Surroundings, open_connection
from syncline_runtime.fold import fold
from syncline_runtime.ledger import Lease, NewIntent, Realm, Seal, open_ledger
from syncline_runtime.ledger.facts import Count
from syncline_runtime.plan import Release
from syncline_runtime.segments import SegmentStore
from syncline_runtime.stages.context import RunContext
from syncline_runtime.stages.deliver import deliver
from syncline_runtime.state import State

ANSWER_SECONDS, TOGETHER = 0.02, 50
SYSTEM = """
    system: {name}
    version: 1.0.0
    protocol: rest
    auth: {{kind: bearer}}
    limit: {{requests: 1000000, per: 1s, concurrency: {together}}}
    resources:
      Rec:
        id: id
        fields: {{id: {{type: text, write: false}}, key: {{type: text, required: true}}, name: text, city: text, tags: text}}
        list: {{request: {{path: /rec}}}}
        get: {{path: "/rec/{{id}}"}}
        create: {{request: {{method: POST, path: /rec}}, idempotency: {{header: Idempotency-Key, keeps: 24h}}}}
        update: {{request: {{method: PATCH, path: "/rec/{{id}}"}}}}
"""
FILES = {
    "syncline.yaml": "syncline: 1\nproject: bench\nenvironments: {bench: {a: {stand_in: true}, b: {stand_in: true}}}\n",
    "a.yaml": SYSTEM.format(name="a", together=TOGETHER),
    "b.yaml": SYSTEM.format(name="b", together=TOGETHER),
    "rec.yaml": """
        object: rec
        version: 1.0.0
        fields: {key: {type: text, required: true}, name: text?, city: text?, tags: text?}
        identity: [{same: [key]}]
        """,
    "sync.yaml": FROM_A_TO_B,
    "a.map": "mapping a.Rec <-> rec@1\n\nkey <-> key\nname <-> name\ncity <-> city\ntags <-> tags\n",
    "b.map": "mapping b.Rec <-> rec@1\n\nkey <-> key\nname <-> name\ncity <-> city\ntags <-> tags\n",
}


def record(number: int) -> dict[str, str]:
    """What one update sends."""
    return {"name": f"Name of {number}", "city": "Łódź", "tags": "a, b, c"}


def _serve(told: socket.socket, port: int) -> None:
    async def one(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while head := await reader.readuntil(b"\r\n\r\n"):
            first, *lines = head.decode().split("\r\n")
            length = next((int(line[15:]) for line in lines if line.lower().startswith("content-length:")), 0)
            await reader.readexactly(length)
            await asyncio.sleep(ANSWER_SECONDS)
            path = first.split(" ")[1].rsplit("/", 1)[-1]
            body = f'{{"id":"{path}","key":"{path}","name":"Name","city":"Łódź","tags":"a, b, c"}}'.encode()
            writer.write(
                b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(body) + body
            )

    async def quietly(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await one(reader, writer)
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()

    async def main() -> None:
        server = await asyncio.start_server(quietly, sock=told)
        await server.serve_forever()

    del port
    asyncio.run(main())


@contextmanager
def server() -> Iterator[str]:
    """Serve in a process of its own."""
    listening = socket.socket()
    listening.bind(("127.0.0.1", 0))
    port = int(listening.getsockname()[1])
    process = multiprocessing.get_context("fork").Process(target=_serve, args=(listening, port), daemon=True)
    process.start()
    listening.close()
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.join()


async def bare(url: str, updates: int, clients: int = 1) -> None:
    """Send the same requests and keep nothing; by one client as its documentation has it, or by one for each worker."""
    import orjson

    numbers = iter(range(updates))
    headers = {"Authorization": "Bearer x", "Content-Type": "application/json", "Accept": "application/json"}

    async def worker(client: httpx.AsyncClient) -> None:
        for number in numbers:
            answer = await client.patch(f"{url}/rec/n{number}", content=orjson.dumps(record(number)), headers=headers)
            assert orjson.loads(answer.content)["id"] == f"n{number}"

    async with AsyncExitStack() as stack:
        limits = httpx.Limits(max_connections=TOGETHER)
        opened = [await stack.enter_async_context(httpx.AsyncClient(limits=limits)) for _ in range(clients)]
        await asyncio.gather(*(worker(opened[number % clients]) for number in range(TOGETHER)))


class Delivery:
    """Sealed intents, and what delivers them."""

    def __init__(self, release: Release, folder: Path, url: str, ledger: str | None) -> None:
        self.release, self.folder, self.url = release, folder, url
        self.around = Surroundings()
        where = ledger or folder / "ledger.sqlite"
        self.ledger = open_ledger(where, Realm("bench", "bench", str(time.time_ns())), self.around.clock.now)
        self.state = State(folder, SegmentStore(folder / "segments"))
        fold(self.state, release, [])

    def seal(self, updates: int) -> Lease:
        """Make the intents of a run."""
        lease = self.ledger.leases.acquire(["rec"], ttl=3_600_000_000)
        self.begun = self.ledger.runs.begin(lease, "r", "b", ["rec"])
        made = [
            NewIntent(
                "rec", "rec", "b", "Rec", "update", f"c{n}", {"natives": record(n), "wants": {}}, native_id=f"n{n}"
            )
            for n in range(updates)
        ]
        counts = [Count("rec", "across", "b", name, updates) for name in ("candidates", "new_intents")]
        self.ledger.seal(lease, Seal(self.begun.id, intents=made, counts=counts))
        return lease

    def record(self, lease: Lease, updates: int) -> None:
        """Take every intent through the ledger as a delivery does, and send nothing."""
        outbox, left = self.ledger.outbox, updates
        returned = {"natives": {"id": "n1", "key": "n1", **record(1)}, "raw_hash": "x" * 64, "version": None}
        while left:
            claims = outbox.claim(lease, self.begun.id, "b", 2 * TOGETHER, 60_000_000)
            for some in (claims[:TOGETHER], claims[TOGETHER:]):
                with self.ledger.together(lease):
                    sent = [outbox.sending(lease, one, None, 10**18) for one in some]
                with self.ledger.together(lease):
                    for one in sent:
                        outbox.acknowledge(lease, one, one.intent.native_id, None, returned)
            left -= len(claims)
        self.ledger.leases.release(lease)

    async def deliver(self, lease: Lease, updates: int) -> None:
        """Deliver them, and see that all are acknowledged."""
        binding = self.release.binding("bench")
        run = RunContext(
            release=self.release, binding=binding, plans=self.release.in_order, realm="bench", run_id=self.begun.id,
            started_at=0, state=self.state, store=self.state.store, ledger=self.ledger, around=self.around,
        )  # fmt: skip
        bound = _bound(self.release, self.url)
        async with open_connection(self.release.system_of("b"), bound, self.around) as handle:
            run.connections["b"] = handle
            done = await deliver(run, lease)
        assert done.acked == {"b": updates}, done
        self.ledger.leases.release(lease)


def _bound(release: Release, url: str):  # type: ignore[no-untyped-def]
    import os
    from dataclasses import replace

    os.environ["BENCH_TOKEN"] = "x"
    return replace(
        release.binding("bench").connection("b"), origin=url, credential={"token": "env:BENCH_TOKEN"}, stand_in=False
    )


def timed(work: Callable[[], Awaitable[None]]) -> tuple[float, float]:
    """Wall and CPU seconds."""
    wall, cpu = time.perf_counter(), time.process_time()
    asyncio.run(work())  # type: ignore[arg-type]
    return time.perf_counter() - wall, time.process_time() - cpu


def main() -> None:
    """Measure."""
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("updates", nargs="?", type=int, default=20_000)
    asked.add_argument("--ledger")
    asked.add_argument("--repeats", type=int, default=3)
    asked.add_argument("--peers", type=Path, metavar="FOLDER", help="where drt is installed")
    given = asked.parse_args()
    with tempfile.TemporaryDirectory() as name, server() as url:
        release = release_of(project(Path(name) / "project", FILES), Path(name) / "release")
        ours, theirs, best, by_drt = [], [], [], []
        sent = (url, str(given.updates), str(TOGETHER))
        drt = timed_by(given.peers.resolve(), "drt", "delivery_by_drt.py", *sent) if given.peers else None
        for repeat in range(given.repeats):
            theirs.append(timed(lambda: bare(url, given.updates)))
            best.append(timed(lambda: bare(url, given.updates, TOGETHER)))
            delivery = Delivery(release, Path(name) / str(repeat), url, given.ledger)
            lease = delivery.seal(given.updates)
            ours.append(timed(lambda delivery=delivery, lease=lease: delivery.deliver(lease, given.updates)))
            delivery.state.close()
            delivery.ledger.close()
            if drt:
                *taken, count = drt()
                assert count == given.updates, count
                by_drt.append(taken)
        delivery = Delivery(release, Path(name) / "ledger", url, given.ledger)
        lease, began = delivery.seal(given.updates), (time.perf_counter(), time.process_time())
        delivery.record(lease, given.updates)
        alone = [
            (now - then) * 1000 / given.updates
            for now, then in zip((time.perf_counter(), time.process_time()), began, strict=True)
        ]
        delivery.state.close()
        delivery.ledger.close()
        (wall, cpu), (bare_wall, bare_cpu), (best_wall, best_cpu) = min(ours), min(theirs), min(best)
        print(f"{given.updates:,} updates, {TOGETHER} under way, answers after {ANSWER_SECONDS * 1000:g} ms")
        print(f"  ours  {wall:7.2f} s wall  {cpu:7.2f} s CPU")
        print(f"  bare  {bare_wall:7.2f} s wall  {bare_cpu:7.2f} s CPU")
        print(f"  bare, a client for each of {TOGETHER}: {best_wall:7.2f} s wall  {best_cpu:7.2f} s CPU")
        print(f"  the ledger alone: {alone[0]:.3f} ms wall, {alone[1]:.3f} ms CPU for each intent (goal: at most 0.2)")
        print(f"  ours / bare: {wall / bare_wall:.2f} wall (goal: at most 1.3), {cpu / bare_cpu:.2f} CPU")
        print(f"  ours / bare with a client each: {wall / best_wall:.2f} wall, {cpu / best_cpu:.2f} CPU")
        if by_drt:
            drt_wall, drt_cpu = min(by_drt)
            print(f"  drt, {TOGETHER} syncs at once {drt_wall:7.2f} s wall  {drt_cpu:7.2f} s CPU")
            print(f"  ours / drt: {wall / drt_wall:.2f} wall, {cpu / drt_cpu:.2f} CPU")


if __name__ == "__main__":
    main()
