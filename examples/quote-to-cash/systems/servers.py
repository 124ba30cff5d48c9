"""Install and run the three real systems that the quote-to-cash example keeps in step.

* ``crm``: BottleCRM (PyPI ``django-crm``), a CRM with a JSON API; needs Python 3.12 or newer.
* ``erp``: Tryton (PyPI ``trytond`` and modules), an ERP with a REST and a JSON-RPC interface.
* ``gateway``: ``stripe-stateful-mock`` (npm), a payment gateway that keeps its state in memory.

They are separate programs, each in an environment of its own below a cache directory, and
Syncline never imports them. Everything listens on loopback only. Used from a shell::

    python servers.py available
    python servers.py install all
    python servers.py start crm --port 8001
    python servers.py up

and from a test::

    with servers.running(names=["crm", "gateway"]) as systems:
        systems["crm"].url, systems["crm"].token

The database of a system is prepared once and then copied, so that a fresh one costs about a
second. Only the standard library is needed; Python 3.11 or newer.
"""

from __future__ import annotations

import argparse
import base64
import contextlib
import datetime as dt
import hashlib
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field
from pathlib import Path

# ----------------------------------------------------------------------------------------------
# What is installed. These are the versions that were tried together; everything they bring along
# is pinned in crm/constraints.txt, erp/constraints.txt and gateway/package-lock.json.
# ----------------------------------------------------------------------------------------------
CRM_PACKAGES = ("django-crm==1.35.0", "packaging")  # its wheel forgets to require packaging
ERP_PACKAGES = (
    "trytond==8.2.1",
    "trytond-account-invoice==8.2.0",
    "trytond-account-statement==8.2.0",
    "trytond-country==8.2.0",
    "trytond-party==8.2.0",
    "trytond-sale==8.2.0",
    "proteus==8.2.0",
    "pycountry",
)
ERP_MODULES = ("account_invoice", "account_statement", "country", "party", "sale")
GATEWAY_PACKAGE = "stripe-stateful-mock"  # its version stands in gateway/package.json

CRM_PYTHON = (3, 12)
ERP_PYTHON = (3, 11)
NODE = 16

HOME_VARIABLE = "SYNCLINE_SYSTEMS_HOME"
NAMES = ("crm", "erp", "gateway")
HERE = Path(__file__).resolve().parent
HOST = "127.0.0.1"
ERP_DATABASE = "erp"
ERP_PASSWORD = "erp-Secret1"
GATEWAY_TOKEN = "sk_test_syncline"
GATEWAY_ACCOUNT = "acct_exampletrading"
START_TIMEOUT = 60.0
STOP_TIMEOUT = 10.0


class SystemsError(Exception):
    """A system cannot be installed, prepared or started; the text says which and why."""


def default_home() -> Path:
    """Where environments and prepared data live: the environment variable, else ``.systems``."""
    chosen = os.environ.get(HOME_VARIABLE)
    return Path(chosen).expanduser().resolve() if chosen else HERE.parent / ".systems"


# ----------------------------------------------------------------------------------------------
# Finding Python and Node
# ----------------------------------------------------------------------------------------------
@dataclass(frozen=True)
class Availability:
    """Whether a system can run on this machine, with which program, or why not."""

    ok: bool
    program: str = ""
    reason: str = ""


def _answer(*command: str) -> str:
    """First line that a short command prints; empty when it fails (a pyenv shim may well)."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=30, check=True, env=_environment())
    except (OSError, subprocess.SubprocessError):
        return ""
    return done.stdout.strip().partition("\n")[0]


def _python_candidates() -> Iterator[str]:
    """Interpreters to try, the ones a person chose first."""
    chosen = os.environ.get("SYNCLINE_SYSTEMS_PYTHON")
    if chosen:
        yield chosen
    yield sys.executable
    for minor in (14, 13, 12, 11):
        found = shutil.which(f"python3.{minor}")
        if found:
            yield found
    for root in (os.environ.get("PYENV_ROOT"), Path.home() / ".pyenv"):
        if root:
            versions = Path(root) / "versions"
            yield from (str(path) for path in sorted(versions.glob("3.*/bin/python"), reverse=True))


def find_python(minimum: tuple[int, int]) -> str:
    """Path of a working Python of at least this version that can build environments, or ''."""
    probe = "import sys, venv, ensurepip; print(*sys.version_info[:2])"
    seen: set[str] = set()
    for candidate in _python_candidates():
        if candidate in seen:
            continue
        seen.add(candidate)
        version = tuple(int(part) for part in _answer(candidate, "-c", probe).split())
        if version >= minimum:
            return candidate
    return ""


def available(names: Sequence[str] = NAMES) -> dict[str, Availability]:
    """Say for each system whether this machine can run it, and why not."""
    return {name: _SYSTEMS[name].available() for name in names}


def _python_available(what: str, minimum: tuple[int, int]) -> Availability:
    program = find_python(minimum)
    if program:
        return Availability(True, program)
    wanted = ".".join(map(str, minimum))
    return Availability(False, reason=f"{what} needs Python {wanted} or newer with venv; none was found")


def _gateway_available() -> Availability:
    node, npm = shutil.which("node"), shutil.which("npm")
    if not node or not npm:
        return Availability(False, reason="the gateway needs node and npm; not found on PATH")
    version = _answer(node, "--version").lstrip("v").partition(".")[0]
    if not version.isdigit() or int(version) < NODE:
        return Availability(False, reason=f"the gateway needs Node {NODE} or newer")
    return Availability(True, node)


# ----------------------------------------------------------------------------------------------
# Small helpers
# ----------------------------------------------------------------------------------------------
def _environment(**more: str) -> dict[str, str]:
    """Copy the environment of this process without what would leak into another Python's."""
    dropped = {"PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV", "DJANGO_SETTINGS_MODULE", "DATABASE_URL"}
    kept = {
        key: value
        for key, value in os.environ.items()
        if key not in dropped and not key.startswith(("TRYTOND_", "GUNICORN_"))
    }
    return {**kept, **more}


# Steps inherit the locks: one that outlives a killed installer keeps the next installer waiting.
_held_locks: list[int] = []


def _run(command: Sequence[str], log: Path, env: Mapping[str, str], cwd: Path | None = None) -> str:
    """Run one preparing step; its output goes to the log, its standard output is returned."""
    with log.open("ab") as sink:
        sink.write(f"$ {' '.join(command)}\n".encode())
        sink.flush()
        done = subprocess.run(
            command,
            stdout=subprocess.PIPE,
            stderr=sink,
            env=dict(env),
            cwd=cwd,
            check=False,
            pass_fds=_held_locks,
        )
        sink.write(done.stdout)
    if done.returncode:
        raise SystemsError(
            f"step failed with exit code {done.returncode}: {' '.join(command[:4])} ...\nlog {log}:\n{_tail(log)}"
        )
    return done.stdout.decode()


def _tail(path: Path, lines: int = 20) -> str:
    if not path.exists():
        return ""
    return "\n".join(path.read_text(errors="replace").splitlines()[-lines:])


def _digest(*parts: object) -> str:
    """Fingerprint of what an environment or a template is made from; files by content."""
    total = hashlib.sha256()
    for part in parts:
        total.update(part.read_bytes() if isinstance(part, Path) else repr(part).encode())
        total.update(b"\0")
    return total.hexdigest()[:24]


@contextlib.contextmanager
def _lock(path: Path) -> Iterator[None]:
    """Let one process at a time install or prepare; ends with the process that holds it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a") as handle:
        try:
            import fcntl
        except ImportError:  # not on this platform: go without
            yield
            return
        fcntl.flock(handle, fcntl.LOCK_EX)
        _held_locks.append(handle.fileno())
        try:
            yield
        finally:
            _held_locks.remove(handle.fileno())


def free_port() -> int:
    """Find a port of the loopback interface that nobody uses right now."""
    return free_ports(1)[0]


def free_ports(count: int) -> list[int]:
    """Find several such ports, all different."""
    with contextlib.ExitStack() as stack:
        probes = [stack.enter_context(socket.socket()) for _ in range(count)]
        for probe in probes:
            probe.bind((HOST, 0))
        return [int(probe.getsockname()[1]) for probe in probes]


def _status(url: str, headers: Mapping[str, str]) -> int:
    """Status of one GET on loopback; 0 while nobody answers."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    request = urllib.request.Request(url, headers=dict(headers))
    try:
        with opener.open(request, timeout=10) as response:
            return int(response.status)
    except urllib.error.HTTPError as error:
        with error:
            return error.code
    except OSError:
        return 0


# ----------------------------------------------------------------------------------------------
# The three systems: how each is installed, prepared and started
# ----------------------------------------------------------------------------------------------
@dataclass(frozen=True)
class _Place:
    """Where one system's things are below the home directory."""

    home: Path
    name: str

    @property
    def root(self) -> Path:
        return self.home / self.name

    @property
    def env(self) -> Path:
        return self.root / "env"

    @property
    def python(self) -> Path:
        return self.env / "bin" / "python"

    @property
    def template(self) -> Path:
        return self.root / "template"

    @property
    def log(self) -> Path:
        return self.root / "install.log"

    @property
    def data(self) -> Path:
        return self.root / "data"


@dataclass(frozen=True)
class _Spec:
    """The parts that differ between the systems."""

    name: str
    available: Callable[[], Availability]
    ingredients: Callable[[], tuple[object, ...]]
    """What the environment is made from."""
    install: Callable[[_Place, str], None]
    seeds: Callable[[], tuple[object, ...]]
    """What the prepared data is made from."""
    prepare: Callable[[_Place, Path], dict[str, str]]
    """Fills a directory with fresh data; answers what a client needs (token, account, login)."""
    command: Callable[[_Place, Path, int], tuple[list[str], dict[str, str]]]
    """Command and environment variables that serve a data directory on a port."""
    health: Callable[[str, str], tuple[str, dict[str, str]]]
    """Address and headers that answer 200 once the system is ready."""


def _make_venv(place: _Place, program: str, packages: Sequence[str]) -> None:
    _run([program, "-m", "venv", str(place.env)], place.log, _environment())
    pip = [str(place.python), "-m", "pip", "--disable-pip-version-check", "install", "--quiet"]
    constraints = HERE / place.name / "constraints.txt"
    _run([*pip, "-c", str(constraints), *packages], place.log, _environment())


def _crm_environment(data: Path) -> dict[str, str]:
    return _environment(
        SECRET_KEY="syncline-example-only-0123456789-0123456789-0123456789",
        ENV_TYPE="dev",
        DEBUG="False",
        ALLOWED_HOSTS=f"{HOST},localhost",
        CELERY_BROKER_URL="memory://",
        CELERY_RESULT_BACKEND="cache+memory://",
        DJANGO_SETTINGS_MODULE="syncline_crm_settings",
        PYTHONPATH=str(HERE / "crm"),
        PYTHONDONTWRITEBYTECODE="1",
        SYNCLINE_CRM_DATABASE=str(data / "crm.sqlite3"),
    )


def _crm_prepare(place: _Place, data: Path) -> dict[str, str]:
    env, python = _crm_environment(data), str(place.python)
    migrate = [python, "-m", "django", "migrate", "--run-syncdb", "-v0"]
    _run(migrate, place.log, env, cwd=data)
    answer = _run([python, str(HERE / "crm" / "seed.py")], place.log, env, cwd=data)
    return _last_json(answer)


def _crm_command(place: _Place, data: Path, port: int) -> tuple[list[str], dict[str, str]]:
    gunicorn = [str(place.python), "-m", "gunicorn", "--bind", f"{HOST}:{port}", "--workers", "1"]
    options = ["--threads", "4", "--timeout", "120", "--graceful-timeout", "3"]
    return [*gunicorn, *options, "--no-control-socket", "crm.wsgi"], _crm_environment(data)


def _erp_config(data: Path, port: int) -> Path:
    path = data / "trytond.conf"
    path.write_text(
        f"[database]\nuri = sqlite://\npath = {data}\n[web]\nlisten = {HOST}:{port}\n",
        encoding="utf-8",
    )
    return path


def _erp_prepare(place: _Place, data: Path) -> dict[str, str]:
    conf = _erp_config(data, 0)
    (data / f"{ERP_DATABASE}.sqlite").touch()  # it fills this file, but does not create it
    password = data / "password"
    password.write_text(ERP_PASSWORD, encoding="utf-8")
    env, python = _environment(TRYTONPASSFILE=str(password)), str(place.python)
    admin = [python, str(place.env / "bin" / "trytond-admin"), "-c", str(conf), "-d", ERP_DATABASE]
    _run([*admin, "--all", "--email", "admin@example.com", "--password"], place.log, env, cwd=data)
    update = [*admin, "-u", *ERP_MODULES, "--activate-dependencies"]
    _run(update, place.log, env, cwd=data)
    seed = [python, str(HERE / "erp" / "seed.py"), str(conf), ERP_DATABASE, ERP_PASSWORD]
    return _last_json(_run(seed, place.log, env, cwd=data))


def _erp_command(place: _Place, data: Path, port: int) -> tuple[list[str], dict[str, str]]:
    conf = _erp_config(data, port)
    server = [str(place.python), str(place.env / "bin" / "trytond"), "-c", str(conf)]
    return [*server, "-d", ERP_DATABASE], _environment(PYTHONDONTWRITEBYTECODE="1")


def _gateway_install(place: _Place, _node: str) -> None:
    place.env.mkdir(parents=True)
    for file in ("package.json", "package-lock.json"):
        shutil.copy(HERE / "gateway" / file, place.env / file)
    npm = shutil.which("npm") or "npm"
    quiet = ["--no-audit", "--no-fund", "--ignore-scripts", "--loglevel=error"]
    _run([npm, "ci", *quiet], place.log, _environment(), cwd=place.env)


def _gateway_command(place: _Place, _data: Path, port: int) -> tuple[list[str], dict[str, str]]:
    node = shutil.which("node") or "node"
    return [
        node,
        str(HERE / "gateway" / "serve.cjs"),
        str(place.env),
        str(port),
        GATEWAY_ACCOUNT,
    ], (_environment())


def _last_json(output: str) -> dict[str, str]:
    """Read the JSON object that a seeding script prints as its last line."""
    answer = json.loads(output.strip().splitlines()[-1])
    return {str(key): str(value) for key, value in answer.items()}


def _basic(token: str) -> str:
    return "Basic " + base64.b64encode(f"{token}:".encode()).decode()


_SYSTEMS: dict[str, _Spec] = {
    "crm": _Spec(
        name="crm",
        available=lambda: _python_available("the CRM", CRM_PYTHON),
        ingredients=lambda: (CRM_PACKAGES, HERE / "crm" / "constraints.txt"),
        install=lambda place, program: _make_venv(place, program, CRM_PACKAGES),
        seeds=lambda: (HERE / "crm" / "seed.py", HERE / "crm" / "syncline_crm_settings.py"),
        prepare=_crm_prepare,
        command=_crm_command,
        health=lambda url, token: (
            f"{url}/api/accounts/?limit=1",
            {"Authorization": f"Bearer {token}"},
        ),
    ),
    "erp": _Spec(
        name="erp",
        available=lambda: _python_available("the ERP", ERP_PYTHON),
        ingredients=lambda: (ERP_PACKAGES, HERE / "erp" / "constraints.txt"),
        install=lambda place, program: _make_venv(place, program, ERP_PACKAGES),
        # Fiscal years are opened around the year in which the data is prepared.
        seeds=lambda: (HERE / "erp" / "seed.py", ERP_MODULES, dt.date.today().year),
        prepare=_erp_prepare,
        command=_erp_command,
        health=lambda url, token: (
            f"{url}/{ERP_DATABASE}/rest/model/company.company?s=1&f=rec_name",
            {"Authorization": f"Bearer {token}"},
        ),
    ),
    "gateway": _Spec(
        name="gateway",
        available=_gateway_available,
        ingredients=lambda: (
            HERE / "gateway" / "package.json",
            HERE / "gateway" / "package-lock.json",
        ),
        install=_gateway_install,
        seeds=lambda: (GATEWAY_TOKEN, GATEWAY_ACCOUNT),
        prepare=lambda _place, _data: {"token": GATEWAY_TOKEN, "account": GATEWAY_ACCOUNT},
        command=_gateway_command,
        health=lambda url, token: (f"{url}/v1/customers", {"Authorization": _basic(token)}),
    ),
}


# ----------------------------------------------------------------------------------------------
# Installing and preparing
# ----------------------------------------------------------------------------------------------
def install(names: Sequence[str] = NAMES, home: Path | None = None) -> None:
    """Make sure that environment and prepared data of these systems are there and complete.

    The stamp of a part is written last. A part without it, or whose stamp no longer fits the
    pinned versions or the seeding script, is removed and made anew.
    """
    home = (home or default_home()).resolve()
    home.mkdir(parents=True, exist_ok=True)
    (home / ".gitignore").write_text("*\n", encoding="utf-8")
    for name in names:
        _install_one(_SYSTEMS[name], _Place(home, name))


def _install_one(spec: _Spec, place: _Place) -> None:
    with _lock(place.home / f"{place.name}.lock"):
        wanted_env = _digest(*spec.ingredients())
        wanted_data = _digest(wanted_env, *spec.seeds())
        stamp = place.env / "complete.stamp"
        if not _stamped(stamp, wanted_env) or not _env_usable(place):
            found = spec.available()
            if not found.ok:
                raise SystemsError(found.reason)
            _note(f"{place.name}: installing")
            _remove(place.env)
            place.root.mkdir(parents=True, exist_ok=True)
            place.log.write_text("", encoding="utf-8")
            spec.install(place, found.program)
            stamp.write_text(wanted_env, encoding="utf-8")
        if not _stamped(place.template / "complete.stamp", wanted_data):
            _note(f"{place.name}: preparing its data")
            _remove(place.template)
            partial = place.root / "template.partial"
            _remove(partial)
            partial.mkdir()
            facts = spec.prepare(place, partial)
            (partial / "client.json").write_text(json.dumps(facts), encoding="utf-8")
            (partial / "complete.stamp").write_text(wanted_data, encoding="utf-8")
            partial.replace(place.template)


def _stamped(path: Path, wanted: str) -> bool:
    return path.is_file() and path.read_text(encoding="utf-8") == wanted


def _env_usable(place: _Place) -> bool:
    """Say whether the environment still works: its interpreter may have been removed meanwhile."""
    if place.name == "gateway":
        return (place.env / "node_modules" / GATEWAY_PACKAGE / "package.json").is_file()
    return bool(_answer(str(place.python), "-c", "print('ok')"))


def _remove(path: Path) -> None:
    if path.exists():
        shutil.rmtree(path)


def _note(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


# ----------------------------------------------------------------------------------------------
# Running
# ----------------------------------------------------------------------------------------------
@dataclass
class System:
    """One running system: where it is, and what a client needs to talk to it."""

    name: str
    url: str
    token: str
    account: str
    port: int
    data: Path
    log: Path
    _spec: _Spec = field(repr=False)
    _place: _Place = field(repr=False)
    user: str = ""
    password: str = ""
    _process: subprocess.Popen[bytes] | None = field(default=None, repr=False)

    @property
    def pid(self) -> int | None:
        """Process id while it runs."""
        return self._process.pid if self._process and self._process.poll() is None else None

    def describe(self) -> dict[str, object]:
        """Give what ``up`` prints."""
        shown: dict[str, object] = {"url": self.url, "token": self.token, "account": self.account}
        if self.user:
            shown |= {"user": self.user, "password": self.password}
        return shown | {"pid": self.pid, "log": str(self.log)}

    def start(self, timeout: float = START_TIMEOUT) -> None:
        """Start it (again) on its port with its data, and wait till it answers."""
        if self.pid is not None:
            return
        command, env = self._spec.command(self._place, self.data, self.port)
        with self.log.open("ab") as sink:
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=sink,
                stderr=subprocess.STDOUT,
                env=env,
                cwd=self.data,
                start_new_session=True,
            )
        try:
            self._wait(self._process, timeout)
        except BaseException:
            self.stop()
            raise

    def _wait(self, process: subprocess.Popen[bytes], timeout: float) -> None:
        address, headers = self._spec.health(self.url, self.token)
        end = time.monotonic() + timeout
        while time.monotonic() < end:
            if process.poll() is not None:
                raise SystemsError(f"{self.name} ended with exit code {process.returncode}\n{_tail(self.log)}")
            if _status(address, headers) == 200:
                return
            time.sleep(0.05)
        raise SystemsError(f"{self.name} did not answer within {timeout:g} s\n{_tail(self.log)}")

    def stop(self, *, kill: bool = False) -> None:
        """End its process, by its own id only; ``kill`` ends it without a chance to tidy up."""
        process, self._process = self._process, None
        if process is None or process.poll() is not None:
            return
        process.send_signal(signal.SIGKILL if kill else signal.SIGTERM)
        try:
            process.wait(STOP_TIMEOUT)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def fresh_data(name: str, home: Path, target: Path) -> None:
    """Copy the prepared data of a system to a new directory."""
    shutil.copytree(_Place(home, name).template, target)


def _system(name: str, home: Path, data: Path, port: int) -> System:
    facts = json.loads((data / "client.json").read_text(encoding="utf-8"))
    return System(
        name=name,
        url=f"http://{HOST}:{port}",
        token=facts["token"],
        account=facts["account"],
        user=facts.get("user", ""),
        password=facts.get("password", ""),
        port=port,
        data=data,
        log=data / "server.log",
        _spec=_SYSTEMS[name],
        _place=_Place(home, name),
    )


@contextlib.contextmanager
def running(
    home: Path | str | None = None,
    names: Sequence[str] = NAMES,
    *,
    ports: Mapping[str, int] | None = None,
) -> Iterator[dict[str, System]]:
    """Run these systems with fresh data on free loopback ports, until the block ends.

    Installs and prepares whatever is missing first. All systems start side by side.
    """
    base = Path(home).expanduser().resolve() if home else default_home()
    install(names, base)
    systems: dict[str, System] = {}
    with tempfile.TemporaryDirectory(prefix="syncline-systems-", ignore_cleanup_errors=True) as temp:
        try:
            for name, free in zip(names, free_ports(len(names)), strict=True):
                data = Path(temp) / name
                fresh_data(name, base, data)
                systems[name] = _system(name, base, data, (ports or {}).get(name) or free)
            start_all(systems.values())
            yield systems
        finally:
            for system in systems.values():
                system.stop()


def start_all(systems: Iterable[System]) -> None:
    """Start several systems at the same time."""
    with ThreadPoolExecutor(max_workers=len(NAMES)) as pool:
        for outcome in [pool.submit(system.start) for system in systems]:
            outcome.result()


# ----------------------------------------------------------------------------------------------
# Commands
# ----------------------------------------------------------------------------------------------
def _kept_system(name: str, home: Path, port: int, *, fresh: bool) -> System:
    """Build a system on the data directory that stays between runs."""
    install([name], home)
    place = _Place(home, name)
    outdated = not _stamped(place.data / "complete.stamp", (place.template / "complete.stamp").read_text("utf-8"))
    if fresh or outdated:
        _remove(place.data)
        fresh_data(name, home, place.data)
    return _system(name, home, place.data, port)


def _until_told_to_stop() -> None:
    """Wait for SIGTERM or SIGINT."""
    told: list[int] = []
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda received, _frame: told.append(received))
    while not told:
        time.sleep(0.1)


def _start(args: argparse.Namespace) -> None:
    """Serve one system in the foreground, on data that stays between runs."""
    system = _kept_system(args.name, args.home, args.port, fresh=args.fresh)
    command, env = system._spec.command(system._place, system.data, system.port)
    print(json.dumps({args.name: {"url": system.url, "token": system.token}}), flush=True)
    os.chdir(system.data)
    os.execvpe(command[0], command, env)


def _up(args: argparse.Namespace) -> None:
    """Serve all systems till told to stop."""
    systems = {
        name: _kept_system(name, args.home, getattr(args, f"{name}_port") or free, fresh=args.fresh)
        for name, free in zip(NAMES, free_ports(len(NAMES)), strict=True)
    }
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    try:
        start_all(systems.values())
        if args.exports:
            _write_exports(args.exports, systems)
        print(json.dumps({n: s.describe() for n, s in systems.items()}, indent=2), flush=True)
        _until_told_to_stop()
    finally:
        for system in systems.values():
            system.stop()


def _write_exports(path: Path, systems: Mapping[str, System]) -> None:
    """Write what the project's bindings ask of the environment as lines for a shell, readable by this user only."""
    path.unlink(missing_ok=True)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
        for name, system in systems.items():
            base = f"{system.url}/{ERP_DATABASE}" if name == "erp" else system.url
            file.write(f"export {name.upper()}_URL={base} {name.upper()}_TOKEN={system.token}\n")


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line."""
    common = argparse.ArgumentParser(add_help=False)
    common.add_argument(
        "--home",
        type=lambda text: Path(text).expanduser().resolve(),
        default=default_home(),
        help=f"cache directory (default: ${HOME_VARIABLE}, else .systems beside this folder)",
    )
    parser = argparse.ArgumentParser(prog="servers.py", description=(__doc__ or "").splitlines()[0])
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("available", help="say which systems this machine can run")
    one = commands.add_parser("install", parents=[common], help="install and prepare")
    one.add_argument("names", nargs="*", choices=[*NAMES, "all"], default="all")
    one = commands.add_parser("start", parents=[common], help="serve one system in the foreground")
    one.add_argument("name", choices=NAMES)
    one.add_argument("--port", type=int, required=True)
    one.add_argument("--fresh", action="store_true", help="start from freshly prepared data")
    one = commands.add_parser("up", parents=[common], help="serve all three until stopped")
    one.add_argument("--fresh", action="store_true", help="start from freshly prepared data")
    one.add_argument("--exports", type=Path, help="write addresses and tokens to this file, as lines for a shell")
    for name in NAMES:
        one.add_argument(f"--{name}-port", type=int, help="default: a free one")
    args = parser.parse_args(argv)
    try:
        if args.command == "available":
            print(json.dumps({n: asdict(a) for n, a in available().items()}, indent=2))
        elif args.command == "install":
            names = NAMES if "all" in args.names else args.names
            install(names, args.home)
        elif args.command == "start":
            _start(args)
        else:
            _up(args)
    except SystemsError as error:
        print(f"servers.py: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
