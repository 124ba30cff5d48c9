"""The compiler's commands, each imported when it is called; ``syncline_runtime.cli`` registers them where the compiler is installed.

In: arguments. Out: what was asked for on stdout, everything else on stderr, and an exit code: 0 done, 1 the project is
at fault, 2 usage. Invariant: a broken spec gives diagnostics and never a traceback.
"""

from __future__ import annotations

import importlib
from collections.abc import Iterator, Mapping

import click

HOMES = {
    "identity": "cli_identity",
    "init": "cli_project",
    "check": "cli_check",
    "compile": "cli_compile",
    "ci": "cli_review",
    "diff": "cli_review",
    "docs": "cli_docs",
    "drift": "cli_drift",
    "explain": "cli_reference",
    "fmt": "cli_format",
    "schema": "cli_reference",
    "test": "cli_test",
    "review": "cli_review",
    "rules": "cli_reference",
}
"""The module of each command."""


class _Commands(Mapping[str, click.Command]):
    def __getitem__(self, name: str) -> click.Command:
        module = importlib.import_module(f"syncline_compiler.{HOMES[name]}")
        command: click.Command = getattr(module, f"{name}_" if name == "compile" else name)
        return command

    def __iter__(self) -> Iterator[str]:
        return iter(HOMES)

    def __len__(self) -> int:
        return len(HOMES)


COMMANDS: Mapping[str, click.Command] = _Commands()
