"""A secret that must be nowhere: runs with failures of every category, and then everything that they left is searched.

The stand-ins are bound as real systems are, with secrets behind references, and repeat in their error messages what we
sent to prove who we are, as some systems do.
"""

from __future__ import annotations

import base64
import html
import json
import re
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote, quote_plus

import duckdb
import pytest

from end_to_end.stage import QUICKSTART, SECONDS, Done, Stage, clean_environment, type_in
from syncline_runtime.plan import load_release
from syncline_runtime.sandbox import serve
from syncline_runtime.sandbox.routes import Asked, Call
from syncline_runtime.sandbox.stand_in import Reply, StandIn
from syncline_runtime.sandbox.store import FaultError

pytestmark = pytest.mark.slow

CANARY = "c4n'\"\\/ry+ &=%<7>~Zq"
KEPT = 'k3pt/"refresh+ &=%token'
OAUTH = "auth: {kind: oauth2, token: {grant: refresh_token, request: {path: /token}, client: body, rotates: true}}"
CATEGORIES = ("authentication", "permission", "validation", "conflict", "not_found", "rate_limit", "vendor")
LOUD = (
    "import logging, sys; logging.basicConfig(level=0, filename={log!r}); from syncline_runtime.cli import main\n"
    "import syncline_runtime.connectors; logging.getLogger('httpcore').setLevel(0)\n"
    "sys.argv[0] = 'syncline'; main()"
)


def shapes(secret: str) -> dict[str, bytes]:
    """How a secret may look when it has got somewhere."""
    raw = secret.encode()
    found = {
        "raw": raw, "json": json.dumps(secret)[1:-1].encode(), "repr": repr(secret)[1:-1].encode(),
        "url": quote(secret, safe="").encode(), "form": quote_plus(secret).encode(), "path": quote(secret).encode(),
        "html": html.escape(secret).encode(), "hex": raw.hex().encode(), "sql": secret.replace("'", "''").encode(),
        "twice": json.dumps(json.dumps(secret)[1:-1])[1:-1].encode(),
    }  # fmt: skip
    for before in range(3):  # wherever it begins within a longer text, these bytes of base64 are the same
        whole = base64.b64encode(b"x" * before + raw).rstrip(b"=")
        inner = whole[{0: 0, 1: 2, 2: 3}[before] : -2]
        found[f"base64 at {before}"] = inner
        found[f"base64url at {before}"] = inner.replace(b"+", b"-").replace(b"/", b"_")
    return found


def echoing(stand_in: StandIn) -> list[str]:
    """Let a stand-in fail one write in each way, and repeat in its message what was sent to prove who we are."""
    waiting, done, told = list(CATEGORIES), stand_in._done, []

    def fail(asked: Asked, call: Call, url: str) -> Reply:
        if asked.route.operation in ("create", "update") and waiting:
            told.append(waiting.pop(0))
            sent = " ".join((call.headers.get("authorization", ""), *call.query.get("api_key", ())))
            raise FaultError(told[-1], f"no {sent}"[:60], f"you sent {sent}, {json.dumps(sent)}, {quote(sent)}")  # type: ignore[arg-type]
        return done(asked, call, url)

    stand_in._done = fail  # type: ignore[method-assign]
    return told


@dataclass
class Watched:
    """The stage, with everything that was printed, and the log of every library at its loudest."""

    stage: Stage
    printed: list[Done]
    log: Path

    def syncline(self, *words: str, code: str = LOUD) -> Done:
        done = subprocess.run(
            [sys.executable, "-c", code.format(log=str(self.log)), *self.stage.words(*words)],
            cwd=self.stage.folder, env=clean_environment() | {"CANARY": CANARY, "SYNCLINE_TRACEBACK": "1"},
            capture_output=True, text=True, timeout=SECONDS,
        )  # fmt: skip
        assert CANARY not in " ".join(done.args)
        self.printed.append(Done(done.returncode, done.stdout, done.stderr))
        return self.printed[-1]


@pytest.fixture
def watched(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Watched]:
    monkeypatch.setattr("syncline_runtime.sandbox.door.STAND_IN_SECRET", CANARY)
    project = tmp_path / "project"
    shutil.copytree(QUICKSTART, project, ignore=shutil.ignore_patterns(".syncline", "__pycache__"))
    payments = project / "systems" / "payments.yaml"
    payments.write_text(payments.read_text().replace("auth: {kind: bearer}", OAUTH))
    erp = project / "systems" / "erp.yaml"
    erp.write_text(erp.read_text().replace("header: X-Api-Key", "query: api_key"))
    before = (project / "syncline.yaml").read_text()
    head = before[: before.index("environments:")]
    stand_ins = {name: {"stand_in": True} for name in ("crm", "erp", "payments", "partner")}
    (project / "syncline.yaml").write_text(f"{head}environments: {json.dumps({'draft': stand_ins})}\n")
    assert type_in(project, "compile", "--out", str(tmp_path / "draft")).code == 0
    with serve(load_release(tmp_path / "draft").systems) as sandbox:
        stand_in = sandbox.stand_ins["payments"]
        stand_in._door._unspent.add(KEPT)
        token = tmp_path / "secrets" / "token"
        token.parent.mkdir()
        token.write_text(KEPT)
        bound = {
            "crm": {"origin": f"{sandbox.url}/crm", "credential": {"token": "env:CANARY"}},
            "erp": {"origin": f"{sandbox.url}/erp", "credential": {"key": "env:CANARY"}},
            "payments": {
                "origin": f"{sandbox.url}/payments",
                "credential": {
                    "client_id": "env:CANARY",
                    "client_secret": "env:CANARY",
                    "refresh_token": f"file:{token}",
                },
            },
            "partner": {"origin": str(sandbox.folders["partner"])},
        }
        (project / "syncline.yaml").write_text(f"{head}environments: {json.dumps({'real': bound})}\n")
        done = type_in(project, "compile", "--out", str(tmp_path / "release"), environment={"CANARY": CANARY})
        assert done.code == 0, done.err
        yield Watched(Stage(tmp_path, tmp_path / "release", sandbox, "real"), [done], tmp_path / "loud.log")


def in_files(folder: Path) -> Iterator[tuple[str, bytes]]:
    """Give every file below a folder; what is packed in it as text too."""
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        if "secrets" in path.relative_to(folder).parts[:1]:
            continue  # where the secrets are
        name = str(path.relative_to(folder))
        yield name, path.read_bytes()
        if path.suffix == ".parquet":
            yield f"{name} as rows", texts(duckdb.connect(), f"read_parquet('{path}')")
        elif path.suffix == ".duckdb":
            with duckdb.connect(str(path), read_only=True) as state:
                for (table,) in state.execute("SELECT table_name FROM duckdb_tables()").fetchall():
                    yield f"{name} {table}", texts(state, f'"{table}"')


def texts(engine: duckdb.DuckDBPyConnection, table: str) -> bytes:
    """Give every value of a table as text."""
    rows = engine.execute(f"SELECT COLUMNS(*)::VARCHAR FROM {table}").fetchall()
    return "\n".join(value or "" for row in rows for value in row).encode()


def found_in(places: Iterator[tuple[str, bytes]], secrets: tuple[str, ...]) -> list[str]:
    wanted = [(secret, shape, text) for secret in secrets for shape, text in shapes(secret).items()]
    return sorted(
        {
            f"{name}: {secret[:4]}… {shape}"
            for name, content in places
            for secret, shape, text in wanted
            if text in content
        }
    )


def test_a_secret_is_nowhere(watched: Watched) -> None:
    stage = watched.stage
    told = {name: echoing(stage.sandbox.stand_ins[name]) for name in ("crm", "erp", "payments")}
    ledger = stage.state / "ledger.sqlite"
    watched.syncline("preflight")
    assert "Traceback" not in watched.printed[-1].err, watched.printed[-1].err
    watched.syncline("preflight", "--format", "json")
    watched.syncline("plan", "--format", "json")
    watched.syncline("plan")
    watched.syncline("run")
    (found,) = [path for path in stage.state.iterdir() if path.suffix in (".sqlite", ".db")] or [ledger]
    reader = sqlite3.connect(f"file:{found}?mode=ro", uri=True)  # while somebody reads, the log is not taken in
    reader.execute("BEGIN")
    reader.execute("SELECT count(*) FROM sqlite_master").fetchone()
    for fault in ("500_after", "500_before", "401", "429", "html", "reset_after"):
        stage.sandbox.fault("payments", fault, operation="list")
        stage.sandbox.fault("erp", fault, operation="create")
        watched.syncline("run", "--format", "json")
    stage.sandbox.stand_ins["payments"]._door.forget()
    watched.syncline("run")
    for words in (("status",), ("status", "--format", "json"), ("exceptions",), ("exceptions", "--format", "json")):
        watched.syncline(*words)
    watched.syncline("trace", "account", "A-1")
    watched.syncline("run", code=BUG)
    assert "Traceback" in watched.printed[-1].err
    assert (set(told["erp"]) | set(told["payments"])) >= set(CATEGORIES), told
    assert [path for path in stage.state.iterdir() if path.name.endswith("-wal")]
    places = [*in_files(stage.folder), *(("out", d.out.encode()) for d in watched.printed)]
    places += [("err", d.err.encode()) for d in watched.printed]
    names = " ".join(name for name, _ in places)
    assert "release.json" in names
    assert "as rows" in names
    assert "send_request_headers.started" in watched.log.read_text()  # whoever logs is heard
    assert found_in(iter(places), (CANARY, KEPT)) == []
    tokens = set(re.findall(r"(?:access|refresh)-\d+", (stage.folder / "secrets" / "token").read_text()))
    assert tokens
    assert [name for name, content in places for token in tokens if token.encode() in content] == []
    reader.close()


BUG = LOUD.replace(
    "sys.argv[0] =",
    "\nfrom syncline_runtime.connectors.channel import Channel\n"
    "async def fail(channel, prepared, asked): raise RuntimeError(f'a bug at {{channel!r}} {{asked!r}}')\n"
    "Channel.exchange = fail; sys.argv[0] =",
)


@pytest.mark.parametrize("shape", sorted(shapes(CANARY)))
def test_the_search_finds_every_shape(shape: str, tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(b"before " + shapes(CANARY)[shape] + b" after")
    assert any(found.endswith(f" {shape}") for found in found_in(in_files(tmp_path), (CANARY,)))


def test_the_search_looks_into_rows(tmp_path: Path) -> None:
    with duckdb.connect(str(tmp_path / "s.duckdb")) as state:
        state.execute("CREATE TABLE t AS SELECT ? AS x FROM range(1000)", [CANARY])
        state.execute(f"COPY t TO '{tmp_path}/s.parquet' (COMPRESSION zstd)")
    found: list[Any] = found_in(in_files(tmp_path), (CANARY,))
    assert {one.partition(":")[0] for one in found} >= {"s.duckdb t", "s.parquet as rows"}
