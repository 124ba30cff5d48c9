"""Commands that look things up: ``explain``, ``rules``, ``schema``.

In: a code, a rule, a function, a kind. Out: what is known of it, on stdout. Invariant: they work outside of a project too, where
rules are those of the library.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import click

from syncline_compiler.cli_options import examples, project_option, root_of
from syncline_compiler.diagnostics import catalogue
from syncline_compiler.functions.reference import known_names, render_function
from syncline_compiler.governance.tables import LINKS, TABLES
from syncline_compiler.model.kinds import FOLDERS
from syncline_compiler.model.resolved_policy import Governance, ResolvedRule
from syncline_compiler.pipeline import check_project, check_sources
from syncline_compiler.schemas import MODELS, as_text, schema_files, schema_of, schema_of_any
from syncline_compiler.source import PROJECT_FILE, Library, SourceFile, find_root
from syncline_compiler.spelling import nearest
from syncline_compiler.writing import ProjectRefusedError, write_files

JSON_VERSION = 1
NOTHING = Governance((), (), {})


@click.command(
    epilog=examples("syncline explain SYN0501", "syncline explain baseline.sync_has_steward", "syncline explain round")
)
@click.argument("code", required=False)
@click.option("--list", "listing", is_flag=True, help="List every code with its summary.")
@project_option
def explain(code: str | None, listing: bool, project: Path | None) -> None:
    """Explain a diagnostic: what it means, why it matters, what fails and how it is mended.

    CODE may also be a rule of a policy, or a function or word of the mapping language.
    """
    if listing:
        for known in catalogue.codes():
            page = catalogue.page(known)
            click.echo(f"{known}  {'at run time' if page.at_run_time else page.severity:<11}  {page.summary}")
        return
    if code is None:
        raise click.UsageError("name a code, such as SYN0501, or use --list")
    function = render_function(code.strip())
    if function is not None:
        click.echo(function)
        return
    wanted = code.strip().upper()
    if "." in wanted:
        click.echo(_explained(_rule(code.strip(), _governance(project).rules)))
        return
    if wanted not in catalogue.codes():
        raise click.UsageError(f"there is no code {code!r}.{_near(wanted)}")
    page = catalogue.page(wanted)
    click.echo(f"{wanted}: {page.summary}\n\n{page.text.strip()}")


@click.command(epilog=examples("syncline rules", "syncline rules --format json", "syncline rules --attributes"))
@click.option(
    "--format",
    "form",
    type=click.Choice(["text", "json"]),
    default="text",
    show_default=True,
    help="text for people, json for tools.",
)
@click.option("--attributes", is_flag=True, help="List what rules can select instead, and the attributes of each.")
@project_option
def rules(form: str, attributes: bool, project: Path | None) -> None:
    """List every check and every rule of the project's policies, with its severity.

    Outside of a project the rules are those that come with Syncline. A project sets severities under `rules` in
    syncline.yaml; errors of the specs themselves stay errors.
    """
    if attributes:
        _show_attributes(form)
        return
    governance = _governance(project)
    if form == "json":
        listed = [*_checks(governance), *(_as_json(rule) for rule in governance.rules)]
        click.echo(json.dumps({"version": JSON_VERSION, "rules": listed}, indent=2, ensure_ascii=False))
        return
    width = max([len(rule.name) for rule in governance.rules], default=0)
    for check in _checks(governance):
        click.echo(
            f"{check['rule']:<{width}}  {_severity(check['severity'], check['default']):<15}  {check['summary']}"
        )
    for rule in governance.rules:
        click.echo(f"{rule.name:<{width}}  {_severity(rule.severity, rule.default):<15}  {rule.summary}")


@click.command(
    epilog=examples("syncline schema sync", "syncline schema --out .schemas", "syncline schema > syncline.schema.json")
)
@click.argument("kind", required=False, type=click.Choice(sorted(MODELS)))
@click.option(
    "--out", type=click.Path(path_type=Path), metavar="DIR", help="Write the schema of every kind into this folder."
)
def schema(kind: str | None, out: Path | None) -> None:
    """Print the JSON Schema of one kind of spec, or one schema for all files.

    Editors complete and check specs by it. A project that `syncline init` made has them in .schemas already.
    """
    if out is None:
        click.echo(as_text(schema_of(kind) if kind else schema_of_any()), nl=False)
        return
    if kind is not None:
        raise click.UsageError("--out writes every kind: name no KIND with it")
    files = schema_files()
    try:
        write_files(out, files)
    except ProjectRefusedError as error:
        raise click.UsageError(str(error)) from None
    click.echo(f"{len(files)} schemas written to {out}", err=True)


def _show_attributes(form: str) -> None:
    tables = {name: {key: str(kind) for key, kind in table.attributes.items()} for name, table in TABLES.items()}
    if form == "json":
        collections = {name: list(LINKS.get(name, ())) for name in TABLES}
        click.echo(json.dumps({"version": JSON_VERSION, "tables": tables, "collections": collections}, indent=2))
        return
    for name, table in TABLES.items():
        click.echo(f"{name}: {table.one}")
        over = f"  and over what belongs to it: {', '.join(LINKS[name])}\n" if name in LINKS else ""
        click.echo("".join(f"  {key:<18} {kind}\n" for key, kind in tables[name].items()) + over)


def _governance(project: Path | None) -> Governance:
    """Find what governs the project at hand, or what the library would; a project that cannot be read has no rules."""
    if project is not None or find_root(Path.cwd()) is not None:
        return check_project(root_of(project, None)).governance or NOTHING
    policies = [path for path in Library() if path.startswith(f"{FOLDERS['policy']}/")]
    names = ", ".join(path.partition("/")[2].removesuffix(".yaml") for path in policies)
    text = f"syncline: 1\nproject: library\nimports: {{policies: [{names}]}}\n"
    return check_sources([SourceFile(PROJECT_FILE, text)]).governance or NOTHING


def _checks(governance: Governance) -> Iterator[dict[str, Any]]:
    """Give every code that checks report, with the severity that it has in the project."""
    for code in catalogue.codes():
        page = catalogue.page(code)
        if not page.at_run_time:
            severity = governance.codes.get(code, page.severity)
            yield {"rule": code, "kind": "check", "severity": severity, "default": page.severity,
                   "summary": page.summary}  # fmt: skip


def _as_json(rule: ResolvedRule) -> dict[str, Any]:
    return {
        "rule": rule.name, "kind": "policy", "severity": rule.severity, "default": rule.default,
        "summary": rule.summary, "asks": rule.text, "docs": rule.docs,
    }  # fmt: skip


def _severity(severity: str, default: str) -> str:
    return severity if severity == default else f"{severity} ({default})"


def _rule(name: str, known: Iterable[ResolvedRule]) -> ResolvedRule:
    by_name = {rule.name: rule for rule in known}
    if name not in by_name:
        guess = nearest(name, by_name)
        meant = f" Did you mean {guess}?" if guess else " `syncline rules` lists all."
        raise click.UsageError(f"there is no rule {name!r}.{meant}")
    return by_name[name]


def _explained(rule: ResolvedRule) -> str:
    parts = [f"{rule.name}: {rule.summary}", rule.docs, f"What to do: {rule.help}" if rule.help else None,
             f"The rule: {rule.text}", f"Severity: {_severity(rule.severity, rule.default)}"]  # fmt: skip
    return "\n\n".join(part for part in parts if part)


def _near(code: str) -> str:
    guess = nearest(code, catalogue.codes()) or nearest(code.lower(), known_names())
    groups = [known for length in (5, 4) for known in catalogue.codes() if known[:length] == code[:length]]
    near = list(dict.fromkeys([*([guess] if guess else []), *groups]))[:5]
    return f" Did you mean {', '.join(near)}?" if near else " `syncline explain --list` lists all."
