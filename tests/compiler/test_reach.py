"""What checking and compiling touch: the project, the compiler and its cache, the interpreter's own library, the
release's folder.

The command runs in a process of its own under an audit hook, which sees every socket, process and file that Python opens.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import sysconfig
import tempfile
from pathlib import Path
from typing import Any

import pytest

import syncline_compiler
import syncline_runtime
from syncline_compiler.source import Library

WATCHED = """
import json, os, sys
FILES = {"open", "os.listdir", "os.scandir", "os.mkdir", "os.rename", "os.remove", "os.rmdir", "os.link", "os.symlink", "os.chdir",
         "os.truncate", "os.chmod", "shutil.rmtree", "shutil.copyfile", "glob.glob"}
ELSEWHERE = {"socket", "subprocess", "pty", "urllib", "http", "ftplib", "smtplib", "webbrowser", "ctypes"}
PROCESSES = {"os.system", "os.exec", "os.fork", "os.forkpty", "os.posix_spawn", "os.spawn", "os.startfile", "os.putenv"}
paths, others = set(), []

def watch(event, arguments):
    if event in FILES and isinstance(arguments[0], (str, bytes, os.PathLike)):
        paths.add(os.path.abspath(os.fsdecode(arguments[0])))
    elif event in PROCESSES or (event.partition(".")[0] in ELSEWHERE and arguments != (None,)):
        others.append([event, repr(arguments)])

sys.addaudithook(watch)
from syncline_runtime.cli import main
try:
    main()
except SystemExit as ended:
    code = ended.code
with os.fdopen(3, "w") as report:
    json.dump({"code": code, "paths": sorted(paths), "others": others}, report)
"""
LIBRARIES = {*sysconfig.get_paths().values(), sys.prefix, sys.base_prefix}
PACKAGES = {Path(path).parent for package in (syncline_compiler, syncline_runtime) for path in package.__path__}
EXAMPLE = Path(__file__).parents[2] / "examples" / "quickstart"
SCHEMA = '{$schema: "http://127.0.0.1:9/s", $ref: "http://127.0.0.1:9/r", allOf: [{$ref: "file:///etc/passwd"}]}'


def touched(*arguments: object) -> dict[str, Any]:
    """Run a command and give its exit code, the files it opened, and whatever else it reached for."""
    command = [sys.executable, "-P", "-c", WATCHED, *map(str, arguments)]
    quiet = ["sh", "-c", 'exec "$@" 3>&1 >/dev/null 2>/dev/null', "sh"]  # the report comes over a pipe of its own
    with tempfile.TemporaryDirectory() as cached:
        environment = {
            **os.environ,
            "SYNCLINE_SANDBOX_URL": "http://127.0.0.1:9",
            "SYNCLINE_CACHE_DIR": f"{cached}/kept",
        }
        run = subprocess.run([*quiet, *command], stdout=subprocess.PIPE, cwd="/", check=True, env=environment)
    found: dict[str, Any] = json.loads(run.stdout)
    found["paths"] = [path for path in found["paths"] if not Path(path).is_relative_to(cached)]
    return found


def outside(found: dict[str, Any], *folders: Path) -> list[str]:
    """Name the files that lie in none of the folders that are ours to open."""
    allowed = [*LIBRARIES, *PACKAGES, Library().folder, *folders]
    return [path for path in found["paths"] if not any(Path(path).is_relative_to(folder) for folder in allowed)]


@pytest.fixture
def hostile(project: Path, tmp_path: Path) -> Path:
    """A project that tries to reach out in every way that specs have."""
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "secret.yaml").write_text("object: secret\n")
    (project / "link.yaml").symlink_to(outside / "secret.yaml")
    (project / "folder").symlink_to(outside)
    (project / "more").mkdir()
    files = {
        "more/tag.yaml": "object: !!python/object/apply:os.system ['touch /tmp/pwned']\n",
        "more/include.yaml": "object: !include ../../outside/secret.yaml\n",
        "more/event.yaml": "event: x\nversion: 1.0.0\nobject: account@1\nfrom: crm.Account\ncomes_in: {webhook: /x}\n"
        f"when: {{type: a}}\nat: {{id: id}}\nschema: {SCHEMA}\n",
        "more/pattern.map": 'mapping crm.Account <-> contact@1\nreject when matches(name, "(a+)+$") because "no"\n',
        "syncline.yaml": 'syncline: 1\nproject: a\nimports: {objects: [contact@1, "../../outside/secret@1"]}\n'
        'environments: {p: {crm: {origin: "file:../outside/secret.yaml", credential: {token: "file:/etc/passwd"}}}}\n',
    }
    for path, text in files.items():
        (project / path).write_text(text)
    return project


def test_compiling_touches_nothing_else(tmp_path: Path) -> None:
    out = tmp_path / "release"
    found = touched("compile", "--project", EXAMPLE, "--out", out)
    assert (found["code"], found["others"], outside(found, EXAMPLE, tmp_path)) == (0, [], [])
    assert str(EXAMPLE / "syncline.yaml") in found["paths"]
    assert any(path.startswith(str(tmp_path)) for path in found["paths"])


@pytest.mark.parametrize(
    "arguments", [("check",), ("check", "--fix"), ("fmt", "--check"), ("compile", "--out", "release")]
)
def test_specs_that_reach_out_reach_nothing(hostile: Path, arguments: tuple[str, ...], tmp_path: Path) -> None:
    release = tmp_path / "release"
    command, *more = [str(release) if argument == "release" else argument for argument in arguments]
    found = touched(command, "--project", hostile, *more)
    assert (found["code"], found["others"], outside(found, hostile, release)) == (1, [], [])
    assert not release.exists()


def test_patterns_are_tried_in_an_engine_that_reaches_nothing(project: Path) -> None:
    (project / "mappings" / "erp_partner.map").write_text(
        "mapping erp.Partner <-> account@1\nname <-> title\nemail <-> mail | email\ncountry <-> country_code | country\n"
        "status <-> state | code erp_partner_state\ncredit_limit <-> money(credit, currency)\n"
        'reject when matches(title, "(a|aa)+") because "no"\n'
    )
    found = touched("check", "--project", project)
    assert (found["code"], found["others"], outside(found, project)) == (0, [], [])
    assert any("duckdb" in path for path in found["paths"])


def test_the_watch_sees(tmp_path: Path) -> None:
    """Commands that do reach out are seen to."""
    release = tmp_path / "release"
    assert outside(touched("compile", "--project", EXAMPLE, "--out", release), EXAMPLE) != []
    found = touched("preflight", "--release", release, "--env", "sandbox", "--state", tmp_path / "state")
    assert any(event.startswith("socket.") for event, _ in found["others"])
