"""The commands ``diff``, ``review`` and ``ci``: what a change of specs does, to those who rely on them and to the data."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from datetime import date, datetime
from pathlib import Path
from typing import Any

import click

from syncline_compiler.cli_options import FAULT, day_of, examples, has_colour, project_option, root_of, today_option
from syncline_compiler.quantities import check_budget
from syncline_compiler.review.against import AgainstError
from syncline_compiler.review.approvals import APPROVALS_FILE, ApprovalsError, written
from syncline_compiler.review.ci import render_github, render_gitlab, render_junit
from syncline_compiler.review.data import DataError
from syncline_compiler.review.machine import render_json, render_sarif
from syncline_compiler.review.markdown import render_markdown
from syncline_compiler.review.report import Review
from syncline_compiler.review.review import Asked
from syncline_compiler.review.review import review as reviewed
from syncline_compiler.review.text import render_review
from syncline_compiler.writing import ProjectRefusedError, write_text
from syncline_runtime.promotion import deployed

PENDING = 3
"""There are changes, and somebody asked to be told."""
FORMS: dict[str, Callable[..., str]] = {
    "text": render_review,
    "markdown": render_markdown,
    "json": render_json,
    "sarif": render_sarif,
    "junit": render_junit,
    "github": render_github,
    "gitlab": render_gitlab,
}

against_option = click.option(
    "--against",
    metavar="REF|DIR|RELEASE",
    help="A git revision, a folder with a project, or a release. Default: where this branch left the one it goes to.",
)
deployed_option = click.option(
    "--against-deployed",
    "deployed",
    metavar="ENV",
    help="Compare with the release that this environment of --store has.",
)
store_option = click.option(
    "--store",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    envvar="SYNCLINE_STORE",
    metavar="DIR",
    help="With --against-deployed: the folder that `syncline promote` fills.",
)
format_option = click.option(
    "--format",
    "forms",
    multiple=True,
    metavar="FORM[=FILE]",
    help=f"One of {', '.join(FORMS)}; with =FILE it goes there. May be given several times. Default: text.",
)


@click.command(
    epilog=examples("syncline diff", "syncline diff --against v1.4.0", "syncline diff --against HEAD --format json")
)
@against_option
@deployed_option
@store_option
@format_option
@click.option("--exit-code", "telling", is_flag=True, help=f"Exit with {PENDING} if anything changed.")
@today_option
@project_option
def diff(telling: bool, **options: Any) -> None:
    """Show what specs say otherwise than before, what it means, and whom it reaches.

    Nothing is asked of any system, and no data is looked at: `syncline review` does that.
    """
    root = root_of(options["project"], None)
    found = _reviewed(root, _against(options), Asked(day_of(options["today"])))
    plain = replace(
        found, no_impact="", findings=tuple(replace(one, standing="none") for one in found.findings), budgets=()
    )
    show_review(plain, root, options["forms"])
    if found.diagnostics.errors:
        sys.exit(FAULT)
    sys.exit(PENDING if telling and (found.findings or found.items) else 0)


def review_options(command: Callable[..., None]) -> Callable[..., None]:
    """Add what a review can be told."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


_OPTIONS = (
    against_option,
    deployed_option,
    store_option,
    click.option(
        "--data",
        metavar="DIR|scenarios",
        help="What both plans are run over: a state (left as it is), extracts (CONNECTION.RESOURCE.csv, .json, .jsonl), or scenarios.",
    ),
    click.option(
        "--env", "environment", metavar="NAME", help="The environment whose state it is. Default: the only one."
    ),
    click.option(
        "--fail-if", multiple=True, metavar="BUDGET", help="Fail if, such as: rewrites > 2%. Adds to syncline.yaml's."
    ),
    click.option(
        "--growth",
        type=click.IntRange(1, 1000),
        default=1,
        show_default=True,
        help="Count calls for so many times the volumes.",
    ),
    click.option(
        "--trust-base",
        is_flag=True,
        help="Take budgets, approvals and policies from the branch that the request goes to, as it is now: for requests from forks.",
    ),
    format_option,
    today_option,
    project_option,
)


@click.command(
    epilog=examples(
        "syncline review",
        "syncline review --against origin/main --data .syncline/state --env sandbox",
        'syncline review --data .syncline/state --fail-if "rewrites > 2%" --fail-if "deletes > 0"',
        "syncline review --format markdown=comment.md --format sarif=review.sarif --format github",
        'syncline review --approve 3f9c2a7be1d04c55 --reason "the ERP owns it since May" --until 2027-06-30',
    )
)
@review_options
@click.option("--no-scenarios", "unplayed", is_flag=True, help="Do not play the scenarios.")
@click.option(
    "--approve",
    "approving",
    multiple=True,
    metavar="FINDING",
    help="Agree to a finding by its fingerprint, or to `all`.",
)
@click.option("--by", metavar="NAME", help="With --approve: who agrees. Default: the one who types it.")
@click.option("--reason", metavar="TEXT", help="With --approve: why.")
@click.option("--until", type=click.DateTime(["%Y-%m-%d"]), metavar="DAY", help="With --approve: until when it counts.")
def review(
    approving: tuple[str, ...],
    unplayed: bool,
    by: str | None,
    reason: str | None,
    until: datetime | None,
    **options: Any,
) -> None:
    """Review a change of specs: what breaks and for whom, who has to agree, what it takes, and what it does to real data.

    Scenarios are played. Exits with 0 if nothing stands against it, 1 if something fails, 3 if somebody has to agree. Nothing is asked of
    any system.
    """
    root, asked = root_of(options["project"], None), _asked(options, scenarios=not unplayed)
    found = _reviewed(root, _against(options), asked)
    if approving:
        _approve(root, found, approving, by, reason, until.date() if until else None)
        found = _reviewed(root, _against(options), asked)
    show_review(found, root, options["forms"])
    sys.exit(found.exit_code)


@click.command(
    epilog=examples(
        "syncline ci",
        "syncline ci --format github --format junit=report.xml --format markdown=comment.md",
        "syncline ci --against origin/main --trust-base --format sarif=syncline.sarif",
    )
)
@review_options
def ci(**options: Any) -> None:
    """Do all that a pull request is held to: check, fmt --check, test and review, in one look.

    Exits with 0 if nothing stands against it, 1 if something fails, 3 if somebody has to agree.
    """
    root = root_of(options["project"], None)
    found = _reviewed(root, _against(options), _asked(options, scenarios=True, layout=True))
    show_review(found, root, options["forms"])
    sys.exit(found.exit_code)


def _against(options: Mapping[str, Any]) -> str | None:
    """Give what is compared with: as it is named, or the release of an environment."""
    if options["deployed"] is None:
        named: str | None = options["against"]
        return named
    if options["against"] is not None or options["store"] is None:
        raise click.UsageError("--against-deployed goes with --store, and not with --against")
    return str(deployed(options["store"], options["deployed"]))


def _asked(options: Mapping[str, Any], *, scenarios: bool, layout: bool = False) -> Asked:
    for budget in options["fail_if"]:
        _check(budget)
    return Asked(
        today=day_of(options["today"]),
        data=options["data"],
        environment=options["environment"],
        fail_if=options["fail_if"],
        growth=options["growth"],
        trust_base=options["trust_base"],
        scenarios=scenarios,
        layout=layout,
    )


def _reviewed(root: Path, against: str | None, asked: Asked) -> Review:
    try:
        return reviewed(root, against, asked)
    except (AgainstError, ApprovalsError, DataError) as error:
        raise click.UsageError(str(error)) from None


def _check(budget: str) -> None:
    try:
        check_budget(budget)
    except ValueError as error:
        raise click.UsageError(f"--fail-if {budget!r}: {error}") from None


def show_review(found: Review, root: Path, forms: Iterable[str]) -> None:
    """Give a review in each form that is asked for, to its file or to stdout."""
    folder = Path(os.path.relpath(root)).as_posix()
    for form in forms or ("text",):
        name, _, file = form.partition("=")
        if name not in FORMS:
            raise click.UsageError(
                f"there is no form {name!r}: one of {', '.join(FORMS)}, and =FILE if it goes to a file"
            )
        more = {"colour": has_colour(sys.stdout) and not file} if name == "text" else {}
        text = FORMS[name](found, folder=folder, **more)
        if not file:
            click.echo(text, nl=False)
            continue
        try:
            write_text(Path(file), text)
        except ProjectRefusedError as error:
            raise click.UsageError(str(error)) from None
        click.echo(f"written to {file}", err=True)


def _approve(
    root: Path, found: Review, fingerprints: tuple[str, ...], by: str | None, reason: str | None, until: date | None
) -> None:
    """Add approvals to the project's file."""
    if reason is None or until is None:
        raise click.UsageError("an approval has a --reason, and a day until which it counts: --until 2027-06-30")
    known = {one.fingerprint: one for one in found.open}
    unknown = [one for one in fingerprints if one not in known and one != "all"]
    if unknown:
        raise click.UsageError(
            f"no finding {unknown[0]} waits for an agreement here: it has {', '.join(known) or 'none'}"
        )
    chosen = [one for name, one in known.items() if "all" in fingerprints or name in fingerprints]
    path = root / APPROVALS_FILE
    before = (
        path.read_text(encoding="utf-8")
        if path.is_file()
        else "# What people have agreed to: see `syncline review --help`.\n"
    )
    name = by or os.environ.get("USER") or os.environ.get("USERNAME") or "unknown"
    try:
        write_text(path, before + written(chosen, name, reason, until))
    except ProjectRefusedError as error:
        raise click.UsageError(str(error)) from None
    click.echo(f"{APPROVALS_FILE}: {len(chosen)} agreed to by {name}", err=True)
