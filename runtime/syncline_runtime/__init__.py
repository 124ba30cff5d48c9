"""Executes releases: extract, normalise, match, merge, diff, guard, seal, deliver, confirm.

The face for schedulers, a task in three lines::

    from syncline_runtime import Options, load_release, run_release

    result = run_release(load_release("release"), "production", Options(state=Path("state")))
    sys.exit(result.exit_code)
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from syncline_runtime.plan import load_release

if TYPE_CHECKING:
    from syncline_runtime.options import Options
    from syncline_runtime.result import RunResult
    from syncline_runtime.run import plan_release, run_release

__all__ = ["Options", "RunResult", "load_release", "plan_release", "run_release"]


def __getattr__(name: str) -> Any:
    """Import the engine only when it is asked for: `syncline --help` must not wait for it."""
    if name in __all__:
        from syncline_runtime import run

        return getattr(run, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
