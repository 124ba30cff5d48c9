"""Who holds a lease: a process, named so that another process of the same machine can tell whether it still lives.

Invariant: ``is_gone`` says yes only when it is certain; another machine, container or operating system is never
judged, its lease has to run out.
"""

from __future__ import annotations

import os
import socket
import sys
from pathlib import Path


def this_process() -> str:
    """``HOST|BOOT AND PID NAMESPACE|PID|START`` of this process."""
    pid = os.getpid()
    return "|".join((socket.gethostname(), _world(), str(pid), _started(pid)))


def is_gone(holder: str) -> bool:
    """Whether the holder was a process of this machine that has certainly ended."""
    parts = holder.split("|")
    if len(parts) != 4 or not parts[1] or parts[:2] != [socket.gethostname(), _world()] or not parts[2].isdigit():
        return False
    pid = int(parts[2])
    return _started(pid) != parts[3] and (_started(pid) != "" or _is_over(pid))


def tell(holder: str) -> str:
    """Give the holder in words."""
    parts = holder.split("|")
    return f"process {parts[2]} on {parts[0]}" if len(parts) == 4 else holder


def _world() -> str:
    """Say what a pid means something in: this boot and this pid namespace; '' where that is not known."""
    if sys.platform != "linux":
        return ""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
        return f"{boot} {os.readlink('/proc/self/ns/pid')}"
    except OSError:
        return ""


def _is_over(pid: int) -> bool:
    """Whether no process has that id: /proc may hide those of other users."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    except OSError:
        return False
    return _state(pid) in ("Z", "X")


def _state(pid: int) -> str:
    fields = _stat(pid)
    return fields[0] if fields else ""


def _started(pid: int) -> str:
    """Give the start time of a living process in clock ticks since boot; '' if none is seen."""
    fields = _stat(pid)
    return fields[19] if fields and fields[0] not in ("Z", "X") else ""


def _stat(pid: int) -> list[str]:
    """Give the fields of /proc/PID/stat after the name, see proc(5); none if it cannot be read."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return []
    return stat.rpartition(")")[2].split()  # the name stands in parentheses and may hold anything
