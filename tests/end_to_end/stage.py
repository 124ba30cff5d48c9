"""What the end-to-end tests stand on: the installed command in a folder of its own, and stand-ins in this process."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from syncline_runtime.sandbox import Sandbox

QUICKSTART = Path(__file__).parents[2] / "examples" / "quickstart"
SECONDS = 180

Write = tuple[str, str, str]  # connection, resource, operation


@dataclass(frozen=True)
class Done:
    """A command that has ended."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """What it printed, as JSON."""
        assert self.out, self.err
        return json.loads(self.out)


def program() -> str:
    """The command `syncline` that belongs to this interpreter."""
    beside = Path(sys.executable).parent / "syncline"
    return str(beside) if beside.exists() else shutil.which("syncline") or "syncline"


def type_in(folder: Path, *words: str, environment: Mapping[str, str] | None = None) -> Done:
    """Run `syncline WORDS` in a folder; a traceback, or what a library says at the end, fails the test."""
    done = subprocess.run(
        [program(), *words],
        cwd=folder,
        env={**clean_environment(), **(environment or {})},
        capture_output=True,
        text=True,
        timeout=SECONDS,
    )
    assert "Traceback" not in done.stderr + done.stdout, done.stderr
    assert "leaked" not in done.stderr, done.stderr
    return Done(done.returncode, done.stdout, done.stderr)


def clean_environment() -> dict[str, str]:
    """This process's environment without what would point a command elsewhere."""
    return {name: value for name, value in os.environ.items() if not name.startswith("SYNCLINE_")}


@dataclass
class Stage:
    """A compiled release, a state folder and the stand-ins of its systems."""

    folder: Path
    release: Path
    sandbox: Sandbox
    environment: str = "sandbox"

    def syncline(self, command: str, *words: str, **environment: str) -> Done:
        """Run a command that reads the release."""
        return type_in(self.folder, *self.words(command, *words), environment=self.variables | environment)

    def words(self, command: str, *more: str) -> list[str]:
        """The words of a command that reads the release."""
        return [command, *more, "--release", str(self.release), "--env", self.environment, "--state", str(self.state)]

    def start(self, command: str, *words: str) -> subprocess.Popen[str]:
        """Start a command and do not wait for it; it is silent, for nobody reads what it would say."""
        return subprocess.Popen(
            [program(), *self.words(command, *words)],
            cwd=self.folder,
            env=clean_environment() | self.variables,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            text=True,
        )

    def settle(self) -> None:
        """Run as a scheduler would, until nothing is under way; a write's fate may need time to become certain."""
        for _ in range(8):
            done = self.syncline("run")
            if done.code in (0, 1) and not self.syncline("status", "--format", "json").json["backlog"]:
                return
            time.sleep(15)
        raise AssertionError(f"the outbox did not become empty\n{done.out}{done.err}")

    @property
    def variables(self) -> dict[str, str]:
        """What a command's environment needs to find the stand-ins."""
        return {"SYNCLINE_SANDBOX_URL": self.sandbox.url}

    @property
    def state(self) -> Path:
        """The state folder."""
        return self.folder / "state"

    def records(self, system: str, resource: str) -> dict[str, Any]:
        """What a system holds, by native id."""
        listed = httpx.get(f"{self.sandbox.url}/_records/{system}/{resource}").json()
        return {str(record["id"]): record for record in listed}

    def edit(self, method: str, place: str, **natives: str) -> None:
        """Change a record as someone at that system would."""
        httpx.request(method, f"{self.sandbox.url}/_records/{place}", json=natives).raise_for_status()

    def find(self, system: str, resource: str, name: str, value: str) -> str:
        """The id of the one record with this value."""
        (found,) = [key for key, record in self.records(system, resource).items() if record[name] == value]
        return found

    def written(self, since: int = 0) -> Counter[Write]:
        """The writes that the stand-ins did, counted."""
        return Counter((w["system"], w["resource"], w["operation"]) for w in self.sandbox.log[since:])

    def drop(self, name: str, text: str) -> Path:
        """Drop a file as the partner would."""
        path = self.sandbox.folders["partner"] / name
        path.write_text(text, encoding="utf-8")
        return path


def wait_until(happened: Callable[[], bool], running: subprocess.Popen[str]) -> None:
    """Wait for something that a running command brings about."""
    deadline = time.monotonic() + SECONDS
    while not happened():
        assert running.poll() is None, f"it ended with {running.returncode} before that"
        assert time.monotonic() < deadline, "what was waited for did not happen"
        time.sleep(0.02)


def planned(document: Mapping[str, Any]) -> Counter[Write]:
    """The writes of a change set, counted."""
    return Counter((w["connection"], w["resource"], w["operation"]) for w in document["writes"])
