"""Whatever is wrong with the ledger: one clear error with a mend, and nothing lost."""

from __future__ import annotations

import os
import resource
import shutil
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from runtime.ledger.bench import REALM, Bench, Clock, intent
from syncline_runtime.errors import InternalError, StateError
from syncline_runtime.ledger import Realm, open_ledger
from syncline_runtime.ledger.failures import told


def refusal(path: Path | str, realm: Realm = REALM) -> StateError:
    with pytest.raises(StateError) as caught:
        open_ledger(path, realm, Clock(), patience=100_000).close()
    error = caught.value
    assert error.exit_code == 5
    assert error.mend
    assert error.place
    assert error.__suppress_context__ or error.__context__ is None
    return error


def closed(in_file: Bench) -> Path:
    in_file.start()
    in_file.seal(*(intent(f"c{number}") for number in range(200)))
    in_file.ledger.close()
    return in_file.path


def cut(path: Path) -> None:
    os.truncate(path, path.stat().st_size // 2)


def scribble(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[4096 : len(content)] = os.urandom(len(content) - 4096)
    path.write_bytes(content)


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (lambda path: path.write_bytes(b""), "is empty"),
        (lambda path: path.write_text("<html>502 Bad Gateway</html>" * 100), "not a ledger"),
        (lambda path: path.write_bytes(os.urandom(8192)), "not a ledger"),
        (cut, "damaged"),
        (scribble, "damaged"),
    ],
)
def test_a_damaged_file_is_refused_and_left_alone(in_file: Bench, damage: Callable[[Path], None], said: str) -> None:
    path = closed(in_file)
    damage(path)
    before = path.read_bytes()
    error = refusal(path)
    assert error.error_code == "SYN6002"
    assert said in error.message
    assert "backup" in error.mend
    assert path.read_bytes() == before


def test_damage_that_shows_later_is_told_as_well(in_file: Bench) -> None:
    path = closed(in_file)
    content = bytearray(path.read_bytes())
    with closing(sqlite3.connect(path)) as raw:
        (page,) = raw.execute("SELECT rootpage FROM sqlite_master WHERE name = 'segment'").fetchone()
    content[(page - 1) * 4096 : page * 4096] = bytes(range(256)) * 16
    path.write_bytes(content)
    with open_ledger(path, REALM, Clock()) as ledger, pytest.raises(StateError, match="damaged"):
        ledger.register.segments()


def test_another_programs_database_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "ledger.sqlite"
    with closing(sqlite3.connect(path)) as raw:
        raw.execute("CREATE TABLE invoice(id)")
    error = refusal(path)
    assert error.error_code == "SYN6002"
    assert "other tables" in error.message


def test_a_ledger_of_a_newer_program_is_refused(in_file: Bench) -> None:
    path = closed(in_file)
    with closing(sqlite3.connect(path)) as raw, raw:
        raw.execute("UPDATE meta SET format = 99")
    error = refusal(path)
    assert error.error_code == "SYN6005"
    assert "format 99" in error.message


@pytest.mark.parametrize("other", [Realm("quickstart", "production"), Realm("another", "sandbox")])
def test_the_ledger_of_another_realm_is_refused(in_file: Bench, other: Realm) -> None:
    error = refusal(closed(in_file), other)
    assert error.error_code == "SYN6006"
    assert f"of {REALM}, not of {other}" in error.message
    assert "--state" in error.mend


def test_a_missing_ledger_beside_segments_is_not_an_empty_one(tmp_path: Path) -> None:
    folder = tmp_path / "segments" / "base"
    folder.mkdir(parents=True)
    (folder / "R1-abc.parquet").write_bytes(b"PAR1")
    error = refusal(tmp_path / "ledger.sqlite")
    assert error.error_code == "SYN6008"
    assert not (tmp_path / "ledger.sqlite").exists()


def test_a_folder_in_place_of_the_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "ledger.sqlite").mkdir()
    assert refusal(tmp_path / "ledger.sqlite").error_code == "SYN6003"


def test_a_file_in_place_of_the_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "state").write_text("")
    assert refusal(tmp_path / "state" / "ledger.sqlite").error_code == "SYN6003"


def test_an_unknown_url_is_refused() -> None:
    for url in ("postgresql+nosuch://u:secret@h/db", "no such://", "postgresql+psycopg2cffi://u:secret@h/db"):
        with pytest.raises(StateError) as caught:
            open_ledger(url, REALM, Clock())
        assert "secret" not in str(caught.value)
        assert caught.value.mend


def test_a_locked_ledger_is_told(in_file: Bench) -> None:
    path = closed(in_file)
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        with pytest.raises(StateError) as caught, open_ledger(path, REALM, Clock(), patience=100_000) as ledger:
            ledger.leases.acquire(["account"], is_gone=lambda _: True)
        assert caught.value.error_code == "SYN6007"
        assert "another process" in caught.value.message
        other.execute("ROLLBACK")
    with open_ledger(path, REALM, Clock()) as ledger:
        assert len(ledger.intents.unfinished()) == 200


def test_two_processes_that_make_the_ledger_at_once_share_it(tmp_path: Path) -> None:
    path = tmp_path / "ledger.sqlite"
    script = (
        "import sys; from syncline_runtime.ledger import Realm, open_ledger\n"
        f"with open_ledger({str(path)!r}, Realm('quickstart', 'sandbox'), lambda: 1) as ledger:\n"
        "    print(ledger.decisions.decide(('a', 'c', 'f'), 'x', 'y').id)"
    )
    started = [subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True) for _ in range(2)]
    assert sorted(one.communicate()[0].strip() for one in started) == ["1", "2"]
    assert [one.name for one in tmp_path.iterdir() if not one.name.startswith("ledger.sqlite-")] == ["ledger.sqlite"]


def test_a_full_disk_loses_nothing(in_file: Bench) -> None:
    in_file.start()
    in_file.seal(intent("c1"))
    in_file.next_run()
    with in_file.ledger._database.read() as look:
        limit = look.connection.exec_driver_sql("PRAGMA page_count").scalar_one() + 5
    with in_file.ledger._database.write() as change:
        change.connection.exec_driver_sql(f"PRAGMA max_page_count = {limit}")
    with pytest.raises(StateError, match="disk is full") as caught:
        in_file.seal(*(intent(f"d{number}") for number in range(2000)))
    assert caught.value.error_code == "SYN6004"
    assert [one.canonical_id for one in in_file.ledger.intents.unfinished()] == ["c1"]
    in_file.seal(intent("c2"))


@pytest.mark.skipif(sys.platform == "win32", reason="needs POSIX limits")
def test_a_write_that_the_system_refuses_loses_nothing(in_file: Bench) -> None:
    """RLIMIT_FSIZE stands for a quota: the write itself fails."""
    in_file.start()
    in_file.seal(intent("c1"))
    in_file.next_run()
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    before = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    wal = in_file.path.with_name(in_file.path.name + "-wal")
    resource.setrlimit(resource.RLIMIT_FSIZE, (wal.stat().st_size + 20_000, hard))
    try:
        with pytest.raises(StateError) as caught:
            in_file.seal(*(intent(f"d{number}") for number in range(2000)))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        signal.signal(signal.SIGXFSZ, before)
    assert caught.value.error_code == "SYN6004"
    assert [one.canonical_id for one in in_file.ledger.intents.unfinished()] == ["c1"]
    in_file.seal(intent("c2"))
    with in_file.reopen() as again:
        assert len(again.intents.unfinished()) == 2


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="needs to become another user")
def test_a_read_only_ledger_is_told() -> None:
    folder = Path("/tmp") / f"syncline-read-only-{os.getpid()}"
    try:
        with open_ledger(folder / "ledger.sqlite", REALM, Clock()):
            pass
        folder.chmod(0o555)
        (folder / "ledger.sqlite").chmod(0o444)
        script = (
            "import os; from syncline_runtime.ledger import Realm, open_ledger\n"
            "from syncline_runtime.errors import StateError\n"
            "os.setgid(65534); os.setuid(65534)\n"
            "try:\n"
            f"    ledger = open_ledger({str(folder / 'ledger.sqlite')!r}, Realm('quickstart', 'sandbox'), lambda: 1)\n"
            "    ledger.leases.acquire(['x'])\n"
            "except StateError as error: print(error.error_code, error.mend)"
        )
        done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    finally:
        shutil.rmtree(folder)
    assert done.stdout.startswith("SYN6003 make the file and its folder")


def test_unexpected_errors_of_the_database_are_ours_and_show_no_values() -> None:
    secret = sqlite3.IntegrityError("UNIQUE failed: Zaphod")
    error = told(secret, "here")
    assert isinstance(error, InternalError)
    assert "Zaphod" not in str(error)
