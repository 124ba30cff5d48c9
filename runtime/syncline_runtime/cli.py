"""The command line: one group; the compiler's commands join it where the extra is installed.

Data goes to stdout, chatter to stderr; colour and progress only on a terminal. Exit codes: 0 done · 1 project or data at
fault · 2 usage · 3 changes pending or approval needed · 4 a system could not be reached or refused us · 5 state or
lease · 70 our own bug.
"""

from __future__ import annotations

import gc
import importlib
import os
import sys
import traceback
from pathlib import Path
from typing import Any

import click

from syncline_runtime.errors import InternalError, SynclineError, UsageError

RUNTIME = {
    "plan": "Show the writes that a run would make.",
    "run": "Run the syncs of a release once.",
    "deliver": "Help to send what the last run has sealed.",
    "promote": "Put a reviewed release into an environment.",
    "status": "Show the last runs, backlog and counts.",
    "exceptions": "List the records that wait, and why; decide what becomes of them.",
    "links": "Show and change which ids of systems are one record.",
    "trace": "Tell where a record's values came from.",
    "preflight": "Ask every system who it is and whether it can be reached.",
    "sandbox": "Serve stand-ins of the systems on loopback.",
    "state": "Verify, rebuild, compact or rebaseline the state.",
    "erase": "Erase all that is kept of a record.",
    "replay": "Decide again what runs of a window have read.",
    "backfill": "Run once with everything read anew.",
    "rollback": "Undo the writes of a run where they still stand.",
}
COMPILER = {
    "init": "Make a small commented project.",
    "check": "Check the specs of a project.",
    "test": "Play the scenarios of a project, offline.",
    "compile": "Compile a project to a release.",
    "diff": "Show what specs say otherwise than before.",
    "ci": "Check, fmt --check, test and review in one look.",
    "review": "Review a change: what breaks, for whom, and what it does to data.",
    "drift": "Compare the description of a system with what it has by now.",
    "docs": "Write the field dictionary, code tables, ownership and lineage.",
    "explain": "Explain a diagnostic code.",
    "fmt": "Bring specs and mappings into the one format.",
    "schema": "Print the JSON Schemas of specs, for editors.",
    "identity": "Train the models of identity rules that go by probability.",
    "rules": "List checks and policy rules with their severities.",
}


class Lazy(click.Group):
    """Commands are imported when they are called: a scheduler starts this program every minute."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """All commands, in the order in which a newcomer meets them."""
        del ctx
        return [*COMPILER, *RUNTIME]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import a command."""
        del ctx
        if cmd_name in RUNTIME:
            command: click.Command = _import("syncline_runtime.commands").COMMANDS[cmd_name]
            return command
        if cmd_name in COMPILER:
            return _compiler_command(cmd_name)
        return None

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the commands without importing them."""
        del ctx
        for title, commands in (("Specs (compiler)", COMPILER), ("Runs (runtime)", RUNTIME)):
            with formatter.section(title):
                formatter.write_dl(list(commands.items()))


def _import(name: str) -> Any:
    """Import a module without looking for garbage on the way: there is none, and looking costs a third of the time."""
    gc.disable()
    try:
        return importlib.import_module(name)
    finally:
        gc.freeze()
        gc.enable()


def _compiler_command(name: str) -> click.Command:
    try:
        module = _import("syncline_compiler.cli")
    except ModuleNotFoundError as error:
        if (error.name or "").startswith("syncline_compiler") or error.name is None:
            raise
        raise UsageError(
            f"`syncline {name}` needs the compiler, which is not installed here ({error.name} is missing)",
            mend="pip install 'syncline[compiler]'",
        ) from None
    # What compiling makes is kept until it ends, and has no cycles: looking through it for garbage, again and again,
    # would cost more than all else.
    gc.disable()
    command: click.Command = module.COMMANDS[name]
    return command


def examples(*lines: str) -> str:
    """Lay out examples at the end of a help text; the mark keeps click from joining and breaking the lines."""
    return "\b\nExamples:\n" + "\n".join(f"  {line}" for line in lines)


@click.group(
    cls=Lazy,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="Begin with:  syncline init shop && cd shop && syncline check && syncline sandbox",
)
@click.version_option(package_name="syncline")
def cli() -> None:
    """Syncline keeps records in step across CRM, ERP, payment and other systems, from specs in your repository."""


def main() -> None:
    """Entry point: errors are told without a traceback, with the exit code of their kind."""
    try:
        code = cli.main(standalone_mode=False)
    except (click.exceptions.Abort, KeyboardInterrupt):
        click.echo("stopped", err=True)
        code = 130
    except click.exceptions.Exit as leave:
        code = leave.exit_code
    except click.ClickException as error:
        error.show()
        code = error.exit_code
    except SynclineError as error:
        _tell(error)
        code = error.exit_code
    except BrokenPipeError:
        sys.stderr.close()
        code = 0
    except OSError as error:
        click.echo(
            f"error: {error.filename or ''}: {error.strerror}\n  help: see to the file or disk and run again", err=True
        )
        code = 5
    except Exception as error:  # the last resort: what nobody foresaw is our bug, and says so without a traceback
        if os.environ.get("SYNCLINE_TRACEBACK"):
            raise
        last = traceback.extract_tb(error.__traceback__)[-1]
        place = f"{Path(last.filename).name}:{last.lineno}"
        _tell(
            InternalError(
                f"{type(error).__name__} in {place}", mend="set SYNCLINE_TRACEBACK=1 to see where it comes from"
            )
        )
        code = InternalError.exit_code
    _settle()
    sys.exit(code if isinstance(code, int) else 0)


def _settle() -> None:
    """Let the interpreter end at once: looking through what is left takes a tenth of a second.

    What is left of the engine it has to look through, or the engine complains of leaks.
    """
    if "duckdb" in sys.modules:
        gc.unfreeze()
    elif not gc.isenabled():
        gc.freeze()


def _tell(error: SynclineError) -> None:
    click.secho("error", fg="red", bold=True, nl=False, err=True)
    click.echo(f"[{error.error_code}] {error.place + ': ' if error.place else ''}{error.message}", err=True)
    if error.mend:
        click.echo(f"  help: {error.mend}", err=True)
    if isinstance(error, InternalError):
        click.echo("  this is a bug of syncline: please report it with this message", err=True)


def project_root(start: Path | None = None) -> Path | None:
    """Give the folder with ``syncline.yaml``: this one or a parent; None outside a project."""
    here = (start or Path.cwd()).resolve()
    return next((folder for folder in (here, *here.parents) if (folder / "syncline.yaml").is_file()), None)


def compiled(root: Path, out: Path) -> None:
    """Compile a project into ``out``, through the compiler's one door, and tell no more than is new; exits if it has errors."""
    command: Any = _compiler_command("compile")
    context = command.make_context("compile", ["--out", str(out), "--project", str(root), "--brief"])
    try:
        code = command.invoke(context)
    finally:
        gc.unfreeze()  # a run makes garbage with cycles, and the engine complains of what is left of it at the end
        gc.enable()
    if code:
        raise click.exceptions.Exit(int(code))
