"""Draw the pictures of the README: a diagnostic of a broken mapping, and the plan of a first run.

Run it from anywhere: ``python examples/quickstart/pictures/draw.py``; it writes the SVG files beside itself.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from rich._export_format import CONSOLE_SVG_FORMAT
from rich.console import Console
from rich.text import Text

HERE = Path(__file__).parent
QUICKSTART = HERE.parent
SYNCLINE = Path(sys.executable).with_name("syncline")
WIDTH = 118


def draw(name: str, title: str, command: str, ansi: str) -> None:
    """Write what a command printed as an SVG picture of a terminal."""
    with Path(os.devnull).open("w", encoding="utf-8") as nowhere:
        console = Console(record=True, width=WIDTH, file=nowhere, force_terminal=True)
        console.print(Text(f"$ {command}", style="bold"))
        console.print(Text.from_ansi(ansi), soft_wrap=False)
        # no web font: the picture asks nobody for anything
        shape = re.sub(r"<!--.*?-->\s*", "", CONSOLE_SVG_FORMAT, flags=re.DOTALL)
        shape = re.sub(r"@font-face \{\{.*?\}\}\s*", "", shape, flags=re.DOTALL)
        console.save_svg(str(HERE / f"{name}.svg"), title=title, code_format=shape)


def said(folder: Path, *command: str, **environment: str) -> str:
    """Return what a syncline command prints on a terminal, both streams."""
    shown = subprocess.run(
        ["script", "-qec", " ".join([str(SYNCLINE), *command, "2>/dev/null"]), "/dev/null"],
        cwd=folder,
        env={**os.environ, "COLUMNS": str(WIDTH), "TERM": "xterm-256color", **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    return shown.stdout.replace("\r\n", "\n").rstrip()


@contextmanager
def broken(path: Path, right: str, wrong: str) -> Iterator[None]:
    """Put a mistake into a spec for as long as the block lasts."""
    good = path.read_text(encoding="utf-8")
    path.write_text(good.replace(right, wrong), encoding="utf-8")
    yield
    path.write_text(good, encoding="utf-8")


def main() -> None:
    """Draw both pictures."""
    with tempfile.TemporaryDirectory() as folder:
        project = Path(folder) / "quickstart"
        shutil.copytree(QUICKSTART, project, ignore=shutil.ignore_patterns(".syncline", "pictures"))
        with (
            broken(project / "mappings" / "crm_account.map", "code crm_account_status", "upper"),
            broken(project / "syncs" / "account.yaml", "credit_limit: erp", "credit_limit: partner"),
        ):
            draw("diagnostic", "syncline check", "syncline check", said(project, "check"))
        with subprocess.Popen(
            [str(SYNCLINE), "sandbox", "--port", "8799"], cwd=project, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        ) as sandbox:
            assert sandbox.stdout is not None  # a pipe was asked for
            sandbox.stdout.readline()
            subprocess.run([SYNCLINE, "compile", "--out", "release"], cwd=project, check=True, capture_output=True)
            plan = said(project, "plan", "--release", "release", "--env", "sandbox")
            sandbox.terminate()
        draw("plan", "syncline plan", "syncline plan --env sandbox", plan)


if __name__ == "__main__":
    main()
