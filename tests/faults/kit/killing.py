"""Runs that are killed in a process of their own: a real SIGKILL at a durable step, without the price of a new program.

In: a world at some moment. Out: what became of the run. The process is a fork of this one; the systems stay here and answer
through a pipe, so that what was written stays written. Invariant: after ``put_back`` all is as it was when ``Moment`` was
made, in the systems, on the clock and on the disk.
"""

from __future__ import annotations

import os
import shutil
import signal
import sys
import warnings
from copy import deepcopy
from dataclasses import dataclass, field, replace
from multiprocessing import Pipe
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import httpx
import pytest

from faults.kit.crashes import Crashes, counted
from faults.kit.way import call_of, content_of
from support.world import World
from syncline_runtime import run_release
from syncline_runtime.sandbox.routes import Call


class _Piped(httpx.AsyncBaseTransport):
    """The way from a process to the systems that its parent keeps."""

    def __init__(self, pipe: Connection, name: str, crashes: Crashes) -> None:
        self._pipe, self._name, self._crashes = pipe, name, crashes

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        call = call_of(self._name, request, await request.aread())
        if call.method != "GET":
            self._crashes.point(f"before {call.method} {self._name}{call.path}")
        self._pipe.send((self._name, call))
        status, headers, content = self._pipe.recv()
        if call.method != "GET":
            self._crashes.point(f"after {call.method} {self._name}{call.path}")
        return httpx.Response(status, headers={"Content-Type": "application/json", **headers}, content=content)


@dataclass
class Deadly(Crashes):
    """Durable steps of a process that kills itself at one of them."""

    def point(self, step: str) -> None:
        self.number += 1
        self.steps.append(step)
        if self.number == self.at:
            os.kill(os.getpid(), signal.SIGKILL)


@dataclass
class Moment:
    """A world at a moment, to come back to."""

    world: World
    kept: Path
    at: int = field(init=False)
    stores: dict[tuple[str, str], Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.at = self.world.clock.at
        shutil.copytree(self.world.options.state, self.kept)
        for name, stand_in in self.world.sandbox.stand_ins.items():
            for resource, store in stand_in.stores.items():
                self.stores[name, resource] = deepcopy((store.records, store.numbers, store._stamped))
            self.stores[name, ""] = dict(stand_in._kept)

    def put_back(self) -> None:
        """Make everything as it was."""
        self.world.clock.at = self.at
        shutil.rmtree(self.world.options.state)
        shutil.copytree(self.kept, self.world.options.state)
        for name, stand_in in self.world.sandbox.stand_ins.items():
            for resource, store in stand_in.stores.items():
                records, store.numbers, store._stamped = deepcopy(self.stores[name, resource])
                store.records.clear()
                store.records.update(records)
            stand_in._kept = dict(self.stores[name, ""])


def killed(world: World, at: int) -> bool:
    """Run in a process that is killed at a durable step; tells whether it came to that step."""
    return _in_a_process(world, at)[0] == -signal.SIGKILL


def steps(world: World) -> list[str]:
    """Run in a process of its own and name its durable steps."""
    status, named = _in_a_process(world, 0)
    assert status == 0, named
    return named


def _in_a_process(world: World, at: int) -> tuple[int, list[str]]:
    here, there = Pipe()
    sys.stdout.flush()
    with warnings.catch_warnings():
        warnings.simplefilter(
            "ignore"
        )  # threads of this process, which a fork does not have, hold nothing that it needs
        child = os.fork()
    if not child:
        here.close()
        _live(world, at, there)
    there.close()
    named = _serve(world, here)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), named


def _serve(world: World, pipe: Connection) -> list[str]:
    """Answer a process until it ends; gives what it says at its end."""
    said: list[str] = []
    while True:
        try:
            name, asked = pipe.recv()
        except (EOFError, ConnectionResetError):
            return said
        if isinstance(asked, Call):
            stand_in = world.sandbox.stand_ins[name]
            reply = stand_in.answer(asked, f"{world.sandbox.url}/{name}{asked.path}")
            pipe.send((reply.status, dict(reply.headers), content_of(reply)))
        else:
            said = asked


def _live(world: World, at: int, pipe: Connection) -> None:
    """What the other process does; never returns."""
    try:
        crashes = Deadly(world.options.state)
        crashes.arm(at)
        around = replace(world.options.around, transport=lambda name: _Piped(pipe, name, crashes))
        with pytest.MonkeyPatch.context() as patch, counted(crashes, patch, alone=True):
            run_release(world.release, "t", replace(world.options, around=around))
        pipe.send(("", crashes.steps))
        os._exit(0)
    except BaseException as error:
        pipe.send(("", [repr(error)]))
        os._exit(1)
