"""What is shipped for pull requests: the action, the template and the hooks, run as their hosts run them."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import yaml

from syncline_compiler.project import create_project
from syncline_compiler.review.markdown import MARK
from syncline_runtime.cli import COMPILER

ROOT = Path(__file__).parents[3]


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    """A project in git, with an owner that moves and that nobody has agreed to."""
    root = tmp_path / "shop"
    create_project(root)
    shutil.rmtree(root / "scenarios")  # it expects what the owner says
    who = ["-c", "user.name=a", "-c", "user.email=a@b.example", "-c", "commit.gpgsign=false"]
    for words in (["init", "-q", "-b", "main"], ["add", "-A"], ["commit", "-q", "-m", "first"]):
        subprocess.run(["git", "-C", str(root), *who, *words], check=True, capture_output=True)
    sync = root / "syncs/account.yaml"
    sync.write_text(sync.read_text().replace("  credit_limit: erp", "  name: erp\n  credit_limit: erp"))
    return root


def bash(script: str, folder: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    path = os.pathsep.join((str(Path(sys.executable).parent), os.environ["PATH"]))
    environment = {**os.environ, "PATH": path, **variables}
    command = ["bash", "-eo", "pipefail", "-c", script]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)


def steps() -> Mapping[str, Mapping[str, Any]]:
    action = yaml.safe_load((ROOT / "action.yml").read_text())
    return {step["name"]: step for step in action["runs"]["steps"] if "name" in step}


def test_the_action_reviews(shop: Path, tmp_path: Path) -> None:
    variables = {name: "" for name in steps()["Review"]["env"]} | {"PROJECT": ".", "AGAINST": "HEAD", "GROWTH": "1"}
    variables["GITHUB_BASE_REF"] = ""  # of the build that runs the tests
    variables |= {"BUDGETS": "breaking > 5\nchanges > 9\n", "FORK": "true", "RUNNER_TEMP": str(tmp_path)}
    files = {"GITHUB_OUTPUT": tmp_path / "output", "GITHUB_STEP_SUMMARY": tmp_path / "summary"}
    done = bash(steps()["Review"]["run"], shop, **variables, **{name: str(file) for name, file in files.items()})
    assert (done.returncode, done.stdout.startswith("::warning file=syncs/account.yaml")) == (0, True), done.stderr
    output = dict(line.split("=", 1) for line in files["GITHUB_OUTPUT"].read_text().splitlines())
    assert output["exit-code"] == "3"
    assert json.loads(Path(output["json"]).read_text())["totals"] == {"ownership-moving": 1}
    assert files["GITHUB_STEP_SUMMARY"].read_text().startswith(MARK)
    assert not done.stderr.count("leaked")


def test_the_verdict_of_the_action() -> None:
    verdict = steps()["Verdict"]["run"]
    given = [("3", "fail"), ("3", "pass"), ("1", "pass"), ("0", "fail")]
    assert [bash(verdict, ROOT, CODE=code, AGREEMENT=way).returncode for code, way in given] == [3, 0, 1, 0]


def test_nothing_of_a_request_is_part_of_a_script() -> None:
    assert [name for name, step in steps().items() if "${{" in step["run"]] == []


class Notes(BaseHTTPRequestHandler):
    """The notes of a merge request: pages of two, and what was asked."""

    notes: list[dict[str, Any]]
    asked: list[str]

    def do_GET(self) -> None:
        page = int(self.path.rpartition("page=")[2])
        found = self.notes[(page - 1) * 2 : page * 2]
        self._answer(found, str(page + 1) if page * 2 < len(self.notes) else "")

    def do_POST(self) -> None:
        self.asked.append(f"{self.command} {self.path} {self.headers['PRIVATE-TOKEN']}")
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))["body"]
        if self.command == "POST":
            self.notes.append({"id": len(self.notes) + 1, "body": body})
        self._answer({}, "")

    def do_PUT(self) -> None:
        self.do_POST()

    def _answer(self, value: object, next_page: str) -> None:
        self.send_response(200)
        self.send_header("X-Next-Page", next_page)
        self.end_headers()
        self.wfile.write(json.dumps(value).encode())

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@contextmanager
def notes() -> Iterator[tuple[str, type[Notes]]]:
    kept = type("Kept", (Notes,), {"notes": [{"id": n, "body": "hello"} for n in (1, 2, 3)], "asked": []})
    server = ThreadingHTTPServer(("127.0.0.1", 0), kept)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}/api/v4", kept
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def test_the_template_reviews_and_keeps_one_comment(shop: Path) -> None:
    text = (ROOT / "templates/review.yml").read_text()
    head, body = yaml.safe_load_all(text)
    for name, given in head["spec"]["inputs"].items():
        text = text.replace(f"$[[ inputs.{name} ]]", given["default"] or '""')
    job = list(yaml.safe_load_all(text))[1]["syncline-review"]
    script = "\n".join(job["script"])
    origin = shop.parent / "origin.git"
    subprocess.run(["git", "clone", "-q", "--bare", str(shop), str(origin)], check=True)
    subprocess.run(["git", "-C", str(shop), "remote", "add", "origin", str(origin)], check=True)
    with notes() as (address, kept):
        variables = {
            **job["variables"],
            "CI_API_V4_URL": address,
            "CI_MERGE_REQUEST_PROJECT_ID": "7",
            "CI_MERGE_REQUEST_IID": "4",
        }
        variables |= {
            "CI_MERGE_REQUEST_DIFF_BASE_SHA": "HEAD",
            "CI_MERGE_REQUEST_SOURCE_PROJECT_ID": "9",
            "CI_PROJECT_ID": "7",
            "CI_MERGE_REQUEST_TARGET_BRANCH_NAME": "main",
            "SYNCLINE_TOKEN": "secret",
        }
        (shop / "syncline.approvals").write_text("what a fork says of itself is not read")
        for _ in range(2):
            done = bash(script, shop, **variables)
            assert done.returncode == 3, done.stderr
        place = "/api/v4/projects/7/merge_requests/4/notes"
        assert kept.asked == [f"POST {place} secret", f"PUT {place}/4 secret"]
        assert kept.notes[3]["body"].startswith(MARK)
        assert "held to the budgets, approvals and policies of origin/main" in kept.notes[3]["body"]
    assert set(body) == {"syncline-review"}
    produced = {*job["artifacts"]["paths"], *job["artifacts"]["reports"].values()}
    assert all((shop / file).is_file() for file in produced)


def test_hooks_are_commands() -> None:
    hooks = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text())
    assert [hook["entry"].split()[0] for hook in hooks] == ["syncline"] * len(hooks)
    assert {hook["entry"].split()[1] for hook in hooks} <= COMPILER.keys()
