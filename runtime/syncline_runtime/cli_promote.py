"""`syncline promote`: a reviewed release goes to an environment, unchanged."""

from __future__ import annotations

import json
import os
from dataclasses import asdict
from pathlib import Path

import click

from syncline_runtime.cli import examples
from syncline_runtime.promotion import deployed, history
from syncline_runtime.promotion import promote as put
from syncline_runtime.report import moment, table


@click.command(
    epilog=examples(
        "syncline promote release --to staging --store /srv/syncline --reviewed 3f9c2a7be1d0",
        "syncline promote --from staging --to production --store /srv/syncline --reviewed 3f9c2a7be1d0",
    )
)
@click.argument("release", type=click.Path(path_type=Path), required=False)
@click.option("--from", "origin", metavar="ENV", help="Take the release of this environment.")
@click.option("--to", "environment", metavar="ENV", help="Where it goes.")
@click.option(
    "--store",
    type=click.Path(path_type=Path),
    required=True,
    envvar="SYNCLINE_STORE",
    help="Holds a release for each environment.",
)
@click.option("--reviewed", metavar="HASH", help="The release that people agreed to: its hash, or twelve digits of it.")
@click.option("--by", help="Who promotes it. Default: the one who types it.")
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True)
def promote(
    release: Path | None,
    origin: str | None,
    environment: str | None,
    store: Path,
    reviewed: str | None,
    by: str | None,
    form: str,
) -> int:
    """Put a reviewed release into an environment of a store, unchanged; without --to list what was promoted.

    Runs name it as --release STORE/ENV. A release that is not the reviewed one, or not bound for that environment, is refused.
    """
    if environment is None:
        _list(store, form)
        return 0
    if reviewed is None:
        raise click.UsageError(
            "say with --reviewed which release people agreed to: `syncline review --format json` names it"
        )
    if (release is None) == (origin is None):
        raise click.UsageError("name a release folder, or with --from the environment that has it")
    source = release if release is not None else deployed(store, origin or "")
    who = by or os.environ.get("USER") or os.environ.get("USERNAME") or "unknown"
    done = put(store, environment, source, reviewed, who)
    if form == "json":
        click.echo(json.dumps(asdict(done), indent=2, sort_keys=True))
    else:
        before = f" in place of {done.replaces[:16]}" if done.replaces else ""
        click.echo(
            f"{environment}: release {done.release[:16]}{before}; run it with --release {store / environment} --env {environment}"
        )
    return 0


def _list(store: Path, form: str) -> None:
    found = history(store)
    if form == "json":
        click.echo(json.dumps([asdict(one) for one in found], indent=2, sort_keys=True))
        return
    rows = [(moment(one.at), one.environment, one.release[:16], (one.replaces or "")[:16], one.by) for one in found]
    table(("at (UTC)", "environment", "release", "in place of", "by"), rows)
