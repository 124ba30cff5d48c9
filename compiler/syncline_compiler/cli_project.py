"""The command ``init``: a new project."""

from __future__ import annotations

from pathlib import Path

import click

from syncline_compiler.cli_options import examples
from syncline_compiler.project import create_project
from syncline_compiler.writing import ProjectRefusedError


@click.command(epilog=examples("syncline init shop", "cd shop && syncline check"))
@click.argument("directory", type=click.Path(path_type=Path), metavar="DIR")
def init(directory: Path) -> None:
    """Make a small commented project in DIR, which must be empty or new.

    It keeps customers of a CRM and an ERP in step, and runs against stand-ins: no server and no account is needed.
    """
    try:
        written = create_project(directory)
    except ProjectRefusedError as error:
        raise click.UsageError(str(error)) from None
    for path in written:
        click.echo(f"  {directory / path}")
    click.echo(
        f"\nA project with {len(written)} files. Next:\n\n"
        f"  cd {directory}\n"
        "  syncline check       look for mistakes\n"
        "  syncline test        play the scenario of a customer, offline\n"
        "  syncline sandbox     start stand-ins of both systems; leave it running, go on in a second terminal\n"
        "  syncline plan        see what a run would write\n"
        "  syncline run         write it\n\n"
        "Begin reading at syncline.yaml. Editors that speak YAML (VS Code with its YAML extension, and others) complete and\n"
        "explain every key: the schemas are in .schemas, and `syncline schema --out .schemas` brings them up to date.",
        err=True,
    )
