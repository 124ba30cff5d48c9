"""Check locked shapes: a system description says nothing else than what the system was told to be when people last looked.

In: the project, checked, and ``syncline.remote/*.json``. Diagnostics: SYN0944 (a description that contradicts), SYN0943 (a shape that
cannot be used). Nothing is asked of any system: what it is by now is told by `syncline drift`.
"""

from __future__ import annotations

from collections.abc import Iterable

from syncline_compiler.changes.change import Change
from syncline_compiler.changes.gather import gather
from syncline_compiler.diagnostics.diagnostic import Collector
from syncline_compiler.drift.compare import changes_between, seen_through
from syncline_compiler.drift.locked import Locked, load_remote
from syncline_compiler.drift.remote import DriftError
from syncline_compiler.model.document import WrittenProject
from syncline_compiler.model.resolved import ResolvedProject
from syncline_compiler.source import SourceFile, Span

HARMLESS = frozenset({"additive", "cosmetic"})


def check_remotes(
    project: ResolvedProject, written: WrittenProject, remotes: Iterable[SourceFile], diagnostics: Collector
) -> None:
    """Report where a description contradicts what its system was told to be; what is harmless is not told."""
    said = gather(project, written)
    for file in remotes:
        beginning = Span(file.path, 1, 1, 1, 2)
        try:
            locked = load_remote(file.text)
        except DriftError as error:
            help_ = "`syncline drift SYSTEM --from DOCUMENT --lock` writes it anew"
            diagnostics.report("SYN0943", beginning, label=str(error), help=help_)
            continue
        described = project.systems.get(locked.system)
        if described is None:
            continue  # its description went, and nobody relies on what it was told to be
        declared = written.systems[locked.system]
        seen = seen_through(described, locked.shape)
        for change in changes_between(said, described, seen.system, declared):
            if change.verdict not in HARMLESS:
                _report(change, seen.why(change), locked, change.span or declared.at("system"), diagnostics)


def _report(change: Change, why: str, locked: Locked, span: Span, diagnostics: Collector) -> None:
    before, after = change.said
    if before is None or after is None:
        label = f"{change.what} is {'new there' if before is None else 'not there'}"
    else:
        label = f"{change.what}: {before} → {after}" if before != after else change.what
    diagnostics.report(
        "SYN0944",
        span,
        label=label,
        detail=[f"{locked.source} told so: {change.rule.message}", *([why] if why else [])],
        help=f"`syncline drift {locked.system}` tells what breaks, and with --update makes the description say so",
    )
