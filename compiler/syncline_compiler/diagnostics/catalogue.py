"""Reads the catalogue: one Markdown page per code, ``catalogue/SYN0201-unknown-name.md``.

A page begins with front matter (``severity: error`` or ``warning``, or ``run`` for codes that only the runtime
raises), then one title line ``# Summary``, then what it means and why it matters. The section ``## Fails`` holds the
smallest failing files, ``## Mended`` the same files put right, each as a fenced block whose info string names
language and file, as in ::

    ```yaml objects/account.yaml

The files lie over the project that ``syncline init`` makes, so that a page shows only what matters; tests compile both.
Invariant: the code in the file's name is the code of the page; the reader never looks outside its folder.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Literal

from syncline_runtime.frozen import dataclass

FOLDER = Path(__file__).parent / "catalogue"
_FENCE = re.compile(r"^```(?P<language>\w+) (?P<path>\S+)\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL)
_FRONT_MATTER = re.compile(r"\A---\nseverity: (?P<severity>error|warning|run)\n---\n+# (?P<summary>[^\n]+)\n+")


@dataclass(frozen=True)
class Page:
    """One code: what it is called, how much it weighs, and the explanation as Markdown."""

    code: str
    severity: Literal["error", "warning"]
    summary: str
    text: str  # Markdown after the title
    at_run_time: bool = False

    def files(self, section: Literal["Fails", "Mended"]) -> Mapping[str, str]:
        """Give the files, path to text, that a section of the page shows."""
        _, _, rest = self.text.partition(f"## {section}\n")
        body = re.split(r"^## ", rest, maxsplit=1, flags=re.MULTILINE)[0]
        return {match["path"]: match["text"] for match in _FENCE.finditer(body)}


@cache
def codes() -> tuple[str, ...]:
    """Every code that has a page, in order."""
    return tuple(sorted(_paths()))


@cache
def page(code: str) -> Page:
    """Read the page of a code; KeyError if there is none."""
    text = _paths()[code].read_text(encoding="utf-8")
    match = _FRONT_MATTER.match(text)
    if match is None:
        raise ValueError(f"the catalogue page of {code} has no front matter and title")
    severity = "warning" if match["severity"] == "warning" else "error"
    return Page(code, severity, match["summary"], text[match.end() :], match["severity"] == "run")  # type: ignore[arg-type]


@cache
def _paths() -> Mapping[str, Path]:
    return {path.name[:7]: path for path in sorted(FOLDER.glob("SYN[0-9][0-9][0-9][0-9]-*.md"))}
