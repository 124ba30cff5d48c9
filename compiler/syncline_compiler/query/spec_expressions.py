"""Types the expressions of specs in YAML once more, for one who listens.

In: a project as far as it is known, its specs, and names with a listener. Out: nothing; the listener has heard it all.
"""

from __future__ import annotations

from collections.abc import Iterator

from syncline_compiler.checking.names import Names
from syncline_compiler.diagnostics.diagnostic import Collector
from syncline_compiler.model.document import WrittenProject
from syncline_compiler.model.resolved import ResolvedObject, ResolvedProject
from syncline_compiler.model.types import BOOL, Type
from syncline_compiler.passes.check_types import check_expression
from syncline_compiler.passes.parse_mapping import parse_expression
from syncline_compiler.source import Span

Asked = tuple[str, Span, ResolvedObject, Type | None]


def type_expressions(project: ResolvedProject, written: WrittenProject, names: Names) -> None:
    """Type derived fields, invariants, exceptions of identity rules, and conditions of existence."""
    for text, span, item, wanted in (*_of_objects(project, written), *_of_syncs(project, written)):
        parsed = parse_expression(text, span, Collector())
        if parsed is not None:
            check_expression(parsed, item, names, Collector(), wanted)


def _of_objects(project: ResolvedProject, written: WrittenProject) -> Iterator[Asked]:
    for name, item in sorted(project.objects.items()):
        declared = written.objects[name]
        for field, spec in declared.spec.derived.items():
            yield spec.value, declared.at("derived", field, "value"), item, None
        for invariant, text in declared.spec.invariants.items():
            yield text, declared.at("invariants", invariant), item, BOOL
        for index, rule in enumerate(declared.spec.identity):
            if rule.unless is not None:
                yield rule.unless, declared.at("identity", index, "unless"), item, BOOL


def _of_syncs(project: ResolvedProject, written: WrittenProject) -> Iterator[Asked]:
    for _, declared in sorted(written.syncs.items()):
        item = project.objects.get(declared.spec.object.partition("@")[0])
        for connection, condition in declared.spec.exists.hold.items():
            if item is not None and isinstance(condition, str):
                yield condition, declared.at("exists", "hold", connection), item, BOOL
