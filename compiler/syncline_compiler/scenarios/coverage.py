"""What of the specs no scenario exercises: lines, code rows, branches, rules and failures.

In: a checked project, and a look at what each run left. Out: ``CoverageReport``. What counts is seen in the runs: a line is read
if a system showed a value for it and written if a stand-in was sent one; a branch is taken if its condition, as the engine evaluates
it over the rows that were read or decided, is true for one. What cannot be asked that way, such as a condition over
references, is left out.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import field
from typing import Literal

from syncline_compiler.emit.sql import scalar
from syncline_compiler.lowering.expression import Frame, lower
from syncline_compiler.model import typed
from syncline_compiler.model.document import WrittenProject
from syncline_compiler.model.resolved import ResolvedMember, ResolvedProject, ResolvedSync
from syncline_compiler.scenarios.play import Play
from syncline_compiler.source import Span
from syncline_runtime.frozen import dataclass
from syncline_runtime.sandbox.rehearsal import Look

Kind = Literal["lines", "code rows", "branches", "rules", "failures"]
KINDS: tuple[Kind, ...] = ("lines", "code rows", "branches", "rules", "failures")
FAILURES: Mapping[str, str] = {
    "500_before": "vendor", "500_after": "vendor", "html": "vendor",
    "429": "rate_limit", "stall": "transport", "reset_after": "transport",
}  # fmt: skip
"""Which category of failures a fault is of."""
_DECIDED = frozenset({"update", "restore", "overwrite", "review"})


@dataclass(frozen=True)
class Item:
    """Something that a scenario can exercise: where it is said, and what is not seen of it."""

    kind: Kind
    span: Span
    what: str


@dataclass(frozen=True)
class CoverageReport:
    """All items of a project, and those that were exercised."""

    project: str
    items: tuple[Item, ...]
    seen: frozenset[Item]

    @property
    def missed(self) -> tuple[Item, ...]:
        """Give what no scenario exercises, by kind and place."""
        return tuple(sorted((i for i in self.items if i not in self.seen), key=lambda i: (KINDS.index(i.kind), i.span)))

    def counted(self) -> dict[Kind, tuple[int, int]]:
        """Give, per kind, how many items were exercised and how many there are."""
        return {
            kind: (
                sum(one.kind == kind and one in self.seen for one in self.items),
                sum(one.kind == kind for one in self.items),
            )
            for kind in KINDS
        }


@dataclass(frozen=True)
class _Question:
    """A condition of SQL; if it holds for a row, the item is exercised."""

    item: Item
    sql: str


@dataclass
class Watch:
    """Watches runs, and notes what they exercise."""

    project: ResolvedProject
    written: WrittenProject
    items: dict[Item, None] = field(default_factory=dict)
    seen: set[Item] = field(default_factory=set)

    def report(self) -> CoverageReport:
        """Give what was seen so far."""
        return CoverageReport(self.project.name, tuple(self.items), frozenset(self.seen & self.items.keys()))

    def after(self, play: Play) -> None:
        """Note what a play has come to, after one of its runs."""
        with play.rehearsal.looked() as look:
            self._look(play, look)

    def _look(self, play: Play, look: Look) -> None:
        for sync in self.project.syncs:
            self._canonical(sync, look)
            self._outcomes(sync, look)
            for member in sync.members:
                self._member(sync, member, play, look)
        self._rules(look)
        self._failures(play, look)

    # what members show and are sent

    def _member(self, sync: ResolvedSync, member: ResolvedMember, play: Play, look: Look) -> None:
        rows = play.rehearsal.shown(member.connection, member.resource)
        natives = {name for row in rows for name, text in row.items() if text is not None}
        sent = [
            (one.write.resource, name)
            for one in play.rehearsal.made
            if one.connection == member.connection
            for name in one.write.natives
        ]
        resources = {resource for resource, _ in sent}
        resource = self.project.systems[member.system].resource(member.resource)
        for line in member.mapping.lines:
            if line.get is not None:
                self.note(_line(line, "read"), any(one.name in natives for one in typed.fields_in(line.get)))
            owner = sync.owners[line.field].owner if line.field and line.field in sync.owners else None
            if line.puts and owner != member.connection:  # nobody tells the owner
                put = line.puts[0]
                child = resource.native(put.native).of if isinstance(put, typed.PickPut) else None
                self.note(_line(line, "written"), child in resources or (member.resource, put.native) in sent)
        self._ask(list(_branches(member)), rows, look)
        for table, expression in _lookups(member):
            values = self._values(expression, rows, look)
            values |= _sent_codes(member, table, play)
            for code, meaning in self.project.codes[table].rows:
                span = self.written.codes[table].at("rows", code) if table in self.written.codes else member.span
                self.note(Item("code rows", span, f"`{code}` of `{table}` ({meaning})"), code in values)

    def _ask(self, questions: Sequence[_Question], rows: Sequence[Mapping[str, str | None]], look: Look) -> None:
        told = look.hold(questions_of(questions), rows)
        for question, holds in zip(questions, told, strict=True):
            self.note(question.item, holds)

    def _values(self, expression: typed.Expression, rows: Sequence[Mapping[str, str | None]], look: Look) -> set[str]:
        sql = _sql(expression)
        return look.values(sql, rows) if sql is not None else set()

    # what was decided

    def _canonical(self, sync: ResolvedSync, look: Look) -> None:
        questions = [
            _Question(
                Item("branches", member.span, f"`hold` of `{member.connection}` is {_word(true)} for a record"), ask
            )
            for member in sync.members
            if not isinstance(member.hold, bool) and (sql := _sql(member.hold)) is not None
            for true, ask in ((True, sql), (False, f"NOT ({sql})"))
        ]
        for derived in sync.object.derived:
            questions += _cases(derived.value, derived.span, f"`{derived.name}`")
        told = look.decided(sync.name, questions_of(questions))
        for question, holds in zip(questions, told, strict=True):
            self.note(question.item, holds)
        for invariant in sync.object.invariants:
            broken = any(one.code == "SYN5006" and invariant.name in one.rule for one in look.exceptions)
            self.note(Item("rules", invariant.span, f"invariant `{invariant.name}` is broken"), broken)

    def _outcomes(self, sync: ResolvedSync, look: Look) -> None:
        """Note the owners whose word counted, and edits that nobody owned."""
        met = look.outcomes(sync.name)
        declared = self.written.syncs.get(sync.name)
        if declared is None:
            return
        own = set(declared.spec.owners)
        for name in declared.spec.owners:
            fits = {
                slot
                for slot, outcome in met
                if outcome in _DECIDED and (slot == name or (name == "*" and slot not in own))
            }
            self.note(Item("rules", declared.key("owners", name), f"the owner of `{name}` decides"), bool(fits))
        edited = any(outcome == "restore" for _, outcome in met)
        span = declared.at("unowned_edit") if "unowned_edit" in declared.spec.model_fields_set else sync.span
        self.note(Item("rules", span, "an edit by a system that does not own the field"), edited)

    def _rules(self, look: Look) -> None:
        rules = look.rules()
        for name, item in sorted(self.project.objects.items()):
            for rule in item.identity if any(sync.object.name == name for sync in self.project.syncs) else ():
                self.note(
                    Item("rules", rule.span, f"two records of `{name}` are one by {rule.said}"),
                    (name, rule.said) in rules,
                )

    def _failures(self, play: Play, look: Look) -> None:
        asked = {
            (step.fail.partition(".")[0], FAILURES[step.how])
            for step in play.declared.spec.when
            if step.fail is not None
        }
        for sync in self.project.syncs:
            for member in sync.members:
                writes = any(line.puts for line in member.mapping.lines) and member.hold is not False
                for category in sorted(set(FAILURES.values())) if writes else ():
                    what = f"`{member.connection}` fails ({category})"
                    self.note(Item("failures", member.span, what), (member.connection, category) in asked)
            aside = any(one.sync == sync.name for one in look.exceptions)
            self.note(Item("failures", sync.span, f"a record of `{sync.name}` is set aside"), aside)

    def note(self, item: Item, exercised: bool) -> None:
        """Note an item, and whether it was exercised now."""
        self.items[item] = None
        if exercised:
            self.seen.add(item)


def questions_of(questions: Sequence[_Question]) -> list[str]:
    """Give the conditions to be asked."""
    return [one.sql for one in questions]


def _line(line: typed.Line, how: str) -> Item:
    return Item("lines", line.span, f"`{line.text.strip()}` is {how}")


def _branches(member: ResolvedMember) -> Iterator[_Question]:
    """Give the branches of a mapping: what it takes and leaves, rejects, and each `case`."""
    mapping = member.mapping
    if mapping.take is not None and (sql := _sql(mapping.take)) is not None:
        span = mapping.taken or mapping.span
        yield _Question(Item("branches", span, "`take` takes a record"), sql)
        yield _Question(Item("branches", span, "`take` leaves a record"), f"NOT COALESCE({sql}, false)")
    for reject in mapping.rejects:
        if (sql := _sql(reject.condition)) is not None:
            yield _Question(Item("branches", reject.span, "`reject` rejects a record"), sql)
    for line in mapping.lines:
        if line.get is not None:
            yield from _cases(line.get, line.span, f"`{line.text.strip()}`")


def _cases(expression: typed.Expression, span: Span, where: str) -> list[_Question]:
    """Give a question for each branch of each `case` in an expression."""
    questions: list[_Question] = []
    if isinstance(expression, typed.Case):
        asked = [_sql(condition) for condition, _ in expression.branches]
        before = "false"
        for number, sql in enumerate(asked, 1):
            if sql is None:
                break
            what = f"{where} takes branch {number} of its `case`"
            questions.append(_Question(Item("branches", span, what), f"({sql}) AND NOT ({before})"))
            before = f"{before} OR COALESCE({sql}, false)"
        else:
            questions.append(
                _Question(Item("branches", span, f"{where} takes no `when` of its `case`"), f"NOT ({before})")
            )
    for part in typed.parts_of(expression):
        questions += _cases(part, span, where)
    return questions


def _lookups(member: ResolvedMember) -> Iterator[tuple[str, typed.Expression]]:
    """Give the code tables that a mapping reads through, and what is looked up."""

    def within(expression: typed.Expression) -> Iterator[tuple[str, typed.Expression]]:
        if isinstance(expression, typed.Lookup) and not expression.inverse:
            yield expression.codes, expression.argument
        for part in typed.parts_of(expression):
            yield from within(part)

    for line in member.mapping.lines:
        if line.get is not None:
            yield from within(line.get)


def _sent_codes(member: ResolvedMember, table: str, play: Play) -> set[str]:
    """Give the codes of a table that were written."""
    natives = {
        put.native
        for line in member.mapping.lines
        for put in line.puts
        if isinstance(put.value, typed.Lookup) and put.value.codes == table
    }
    return {
        text
        for one in play.rehearsal.made
        if (one.connection, one.write.resource) == (member.connection, member.resource)
        for name, text in one.write.natives.items()
        if name in natives and text is not None
    }


def _sql(expression: typed.Expression) -> str | None:
    """Give an expression as SQL over one row; None if it needs more than the row."""
    frame = Frame("")
    try:
        sql = scalar(lower(expression, frame))
    except KeyError:  # it sums over other records
        return None
    return None if frame.joins or frame.values else sql


def _word(true: bool) -> str:
    return "true" if true else "false"
