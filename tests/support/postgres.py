"""A PostgreSQL server for a test session: in a folder of its own, on loopback, gone at the end.

It does not sync to disk: what is tested is what the ledger asks of it, not the server's durability.
"""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path

import pytest

SETTINGS = (
    "fsync=off",
    "full_page_writes=off",
    "synchronous_commit=off",
    "max_connections=40",
    "unix_socket_directories=",
)
UNPRIVILEGED = 65534  # the server refuses to run as root


@dataclass
class Server:
    """A running server; ``database`` makes one more database on it."""

    binaries: Path
    port: int
    _numbers: Iterator[int] = field(default_factory=count)

    def database(self, template: str = "template1") -> str:
        """Make a database and give its name."""
        name = f"test_{next(self._numbers)}"
        self.say(f'CREATE DATABASE "{name}" TEMPLATE "{template}" STRATEGY file_copy')
        return name

    def say(self, sql: str, database: str = "postgres") -> str:
        """Execute one statement, outside a transaction."""
        asked = [self.binaries / "psql", "-XAtq", "-v", "ON_ERROR_STOP=1", "-h", "127.0.0.1", "-p", str(self.port)]
        done = subprocess.run(
            [*asked, "-U", "syncline", "-d", database, "-c", sql], capture_output=True, text=True, check=True
        )
        return done.stdout.strip()

    def url(self, database: str) -> str:
        return f"postgresql+psycopg://syncline@127.0.0.1:{self.port}/{database}"


chosen: Server | None = None
"""Where the worlds of tests keep their ledgers; None: in files."""


def url_of_new_ledger() -> str | None:
    """Make a database for a world, if it shall have one."""
    return chosen.url(chosen.database()) if chosen else None


def found() -> Path | None:
    """Where the server's programs are: on the path, or where Debian puts them."""
    debian = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda one: int(one.parent.name), reverse=True)
    on_path = shutil.which("initdb")
    return next(
        (one for one in [*debian, *([Path(on_path).parent] if on_path else [])] if (one / "initdb").exists()), None
    )


@contextmanager
def running() -> Iterator[Server]:
    """Start a server; skips the test where none is installed, but for CI."""
    binaries = found()
    if binaries is None:
        (pytest.fail if os.environ.get("CI") == "true" else pytest.skip)(
            "PostgreSQL is not installed (Debian: postgresql)"
        )
    folder = Path(tempfile.mkdtemp(prefix="syncline-postgres-"))
    user = UNPRIVILEGED if os.getuid() == 0 else None
    if user is not None:
        os.chown(folder, user, -1)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])

    def do(program: str, *args: str) -> None:
        subprocess.run(
            [binaries / program, "-D", folder / "data", *args],
            user=user,
            check=True,
            cwd=folder,
            stdout=subprocess.DEVNULL,
        )

    try:
        do("initdb", "--auth=trust", "--username=syncline", "--encoding=UTF8", "--locale=C", "--no-sync")
        options = " ".join(f"-c {one}" for one in (*SETTINGS, f"port={port}", "listen_addresses=127.0.0.1"))
        do("pg_ctl", "start", "--wait", "--silent", f"--log={folder / 'log'}", f"--options={options}")
        try:
            yield Server(binaries, port)
        finally:
            do("pg_ctl", "stop", "--wait", "--silent", "--mode=immediate")
    finally:
        shutil.rmtree(folder)
