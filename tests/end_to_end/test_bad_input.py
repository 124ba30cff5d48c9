"""What goes wrong outside: each gives one clear message with what to do, the right exit code, and nothing is lost.

No test here accepts a traceback: ``type_in`` fails on one.
"""

from __future__ import annotations

import resource
import shutil
import socket
import subprocess
from pathlib import Path

import pytest

from end_to_end.stage import QUICKSTART, SECONDS, Done, Stage, clean_environment, program, type_in, wait_until

pytestmark = pytest.mark.slow

DATA, USAGE, SYSTEM, STATE = 1, 2, 4, 5  # exit codes


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A copy of the quickstart to break."""
    copied = tmp_path / "project"
    shutil.copytree(QUICKSTART, copied, ignore=shutil.ignore_patterns(".syncline", "__pycache__"))
    return copied


def whole_afterwards(stage: Stage) -> None:
    """A run without whatever was wrong ends as if nothing had been, and the one after it writes nothing."""
    assert stage.syncline("run").code == 1  # the quickstart's own quarantined record, and nothing else
    assert len(stage.records("erp", "Partner")) == 7
    assert len(stage.records("payments", "Customer")) == 4
    assert len(stage.records("crm", "Invoice")) == 2
    assert stage.syncline("run", "--format", "json").json["sent"] == 0


def told_once(done: Done, code: int, *words: str) -> None:
    """The exit code, and one error message that holds these words and says what to do."""
    assert done.code == code, done.out + done.err
    assert done.err.count("error") == 1, done.err
    for word in (*words, "help:"):
        assert word in done.err, done.err


# the project


@pytest.mark.parametrize(
    ("file", "old", "new", "code", "place"),
    [
        ("mappings/crm_account.map", "name    <-> name", "name    <-> nam", "SYN0204", "mappings/crm_account.map:8:"),
        ("mappings/crm_account.map", "<-> vat_number", "<->", "SYN0101", "mappings/crm_account.map:9:"),
        ("objects/account.yaml", "type: country,", "type: contry,", "SYN0207", "objects/account.yaml:"),
        ("syncs/account.yaml", "members:", "menbers:", "SYN0006", "syncs/account.yaml:"),
        ("codes/erp_partner_state.yaml", "rows: {P", "rows: [P", "SYN0002", "codes/erp_partner_state.yaml:"),
        ("codes/erp_partner_state.yaml", ", X: closed", "", "SYN0401", "mappings/erp_partner.map:"),
        ("syncline.yaml", "env:CRM_TOKEN", "s3cret", "SYN0801", "syncline.yaml:"),
    ],
)
def test_broken_spec(project: Path, file: str, old: str, new: str, code: str, place: str) -> None:
    text = (project / file).read_text()
    assert old in text
    (project / file).write_text(text.replace(old, new))
    checked = type_in(project, "check")
    assert (checked.code, code in checked.out, place in checked.out) == (DATA, True, True), checked.out
    assert "s3cret" not in type_in(project, "check", "--format", "json").out
    compiled = type_in(project, "compile", "--out", "release")
    assert (compiled.code, code in compiled.err) == (DATA, True)
    assert not (project / "release").exists()
    assert type_in(project, "run", "--env", "sandbox").code == DATA


def test_half_a_release(stage: Stage, tmp_path: Path) -> None:
    damaged = shutil.copytree(stage.release, tmp_path / "damaged")
    plan = damaged / "plans" / "account.json"
    plan.write_bytes(plan.read_bytes()[:-100])
    told_once(type_in(tmp_path, "run", "--release", "damaged", "--env", "sandbox"), DATA, "account.json")
    told_once(type_in(tmp_path, "run", "--release", "nowhere", "--env", "sandbox"), DATA, "nowhere")
    told_once(type_in(tmp_path, "run", "--release", str(stage.release), "--env", "moon"), DATA, "moon", "production")


# secrets and servers


def test_missing_secret(stage: Stage) -> None:
    stage.environment = "production"
    told_once(stage.syncline("run"), DATA, "SYN8010", "CRM_TOKEN")
    told_once(stage.syncline("run", CRM_TOKEN="t"), DATA, "SYN8010", "ERP_KEY")


def test_dead_server(stage: Stage) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    done = stage.syncline("run", SYNCLINE_SANDBOX_URL=f"http://127.0.0.1:{port}")
    told_once(done, SYSTEM, "SYN7001", "syncline sandbox")
    assert not stage.sandbox.log
    whole_afterwards(stage)


def test_one_dead_system_does_not_stop_the_others(settled: Stage) -> None:
    settled.edit("PATCH", "crm/Account/A-3", name="Ceres Foods Group SpA")
    settled.sandbox.fault("erp", "500_before", times=1000)
    done = settled.syncline("run")
    assert (done.code, "not read: erp.Partner" in done.out) == (SYSTEM, True), done.out
    assert "Ceres Foods Group SpA" in [one["name"] for one in settled.records("payments", "Customer").values()]
    settled.sandbox.stand_ins["erp"].faults.clear()
    assert settled.syncline("run").code == DATA
    assert "Ceres Foods Group SpA" in [one["name"] for one in settled.records("erp", "Partner").values()]


def test_page_of_html(stage: Stage) -> None:
    stage.sandbox.fault("crm", "html", operation="list", times=1000)
    done = stage.syncline("run")
    assert (done.code, "not read: crm.Account" in done.out) == (SYSTEM, True), done.out
    assert "a text/html page where JSON is expected" in done.out
    assert not stage.sandbox.log
    stage.sandbox.stand_ins["crm"].faults.clear()
    whole_afterwards(stage)


def test_half_written_file(settled: Stage) -> None:
    path = settled.drop("rating-2.csv", "debtor;tax number;country;rating\n70518;CHE114285734;ch;C\n71004;IT007")
    done = settled.syncline("run")
    assert (done.code, "not read: partner.Rating" in done.out) == (SYSTEM, True), done.out
    assert "rating-2.csv:3" in done.out
    assert "half written" in done.out
    assert settled.records("crm", "Account")["A-2"]["credit"]["rating"] == "good"  # not even the good line is used
    path.write_text("debtor;tax number;country;rating\n70518;CHE114285734;ch;C\n71004;IT00743110157;it;A\n")
    assert settled.syncline("run").code == DATA
    ratings = {key: one["credit"]["rating"] for key, one in settled.records("crm", "Account").items()}
    assert (ratings["A-2"], ratings["A-3"]) == ("fair", "good")


# disk, lease, state


@pytest.mark.parametrize("kilobytes", [4, 512])
def test_full_disk(stage: Stage, kilobytes: int) -> None:
    """No file may grow beyond a size: what a full disk, or a quota, looks like to a program."""
    limit = kilobytes * 1024
    done = subprocess.run(
        [program(), *stage.words("run")],
        cwd=stage.folder,
        env=clean_environment() | stage.variables,
        capture_output=True,
        text=True,
        timeout=SECONDS,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit)),
    )
    told_once(Done(done.returncode, done.stdout, done.stderr), STATE)
    assert "Traceback" not in done.stderr
    stage.settle()
    whole_afterwards(stage)


def test_second_run_at_the_same_time(stage: Stage) -> None:
    stage.sandbox.fault("crm", "stall", resource="Account", operation="list")
    first = stage.start("run")
    try:
        wait_until(lambda: not stage.sandbox.stand_ins["crm"].faults[0].times, first)
        told_once(stage.syncline("run"), STATE, "SYN6100")
    finally:
        first.kill()
        first.wait()
    whole_afterwards(stage)


@pytest.mark.parametrize("damage", ["cut", "garbage", "older", "removed"])
def test_damaged_state_is_made_again_or_refused(settled: Stage, damage: str) -> None:
    """The DuckDB file is a cache: damaged or missing, it is never taken for an empty one."""
    file = settled.state / "state.duckdb"
    older = file.read_bytes()
    if damage == "older":
        settled.edit("PATCH", "crm/Account/A-3", name="Ceres Foods Group SpA")
        settled.syncline("run")
    content = {"cut": older[: len(older) // 2], "garbage": b"\0" * len(older), "older": older, "removed": b""}[damage]
    file.write_bytes(content)
    if damage == "removed":
        file.unlink()
    before = len(settled.sandbox.log)
    done = settled.syncline("run")
    if done.code == STATE:
        told_once(done, STATE, "state rebuild")
        rebuilt = _state(settled, "rebuild")
        assert rebuilt.code == 0, rebuilt.err
        done = settled.syncline("run")
    assert done.code == DATA, done.out + done.err
    assert len(settled.sandbox.log) == before
    assert _state(settled, "verify").code == 0


def test_damaged_ledger_is_refused(settled: Stage) -> None:
    ledger = settled.state / "ledger.sqlite"
    whole = ledger.read_bytes()
    ledger.write_bytes(whole[:100] + b"\xff" * (len(whole) - 100))
    for beside in settled.state.glob("ledger.sqlite-*"):
        beside.unlink()
    before = len(settled.sandbox.log)
    told_once(settled.syncline("run"), STATE, "ledger")
    assert len(settled.sandbox.log) == before
    ledger.write_bytes(whole)
    assert settled.syncline("run", "--format", "json").json["sent"] == 0


def test_lost_ledger_beside_a_state_is_not_a_first_run(settled: Stage) -> None:
    for file in settled.state.glob("ledger.sqlite*"):
        file.unlink()
    before = len(settled.sandbox.log)
    told_once(settled.syncline("run"), STATE)
    assert len(settled.sandbox.log) == before


def test_damaged_segment_is_refused_when_the_state_is_made_again(settled: Stage) -> None:
    segment = max((settled.state / "segments" / "base").rglob("*.parquet"), key=lambda path: path.stat().st_size)
    segment.write_bytes(segment.read_bytes()[:-40])
    told_once(_state(settled, "rebuild"), STATE, segment.name)


def _state(stage: Stage, verb: str) -> Done:
    first, *rest = stage.words("state")
    return type_in(stage.folder, first, verb, *rest, environment=stage.variables)
