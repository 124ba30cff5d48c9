"""Steps that look elsewhere: ``code`` through a code table, ``ref`` to another object's records.

Reports SYN0201 (object), SYN0203 (field), SYN0206 (table), SYN0301, SYN0304, SYN0308, SYN0401 (a table that misses a native value).
"""

from __future__ import annotations

from collections.abc import Iterator

from syncline_compiler.checking.agree import UNTYPED, Agreement
from syncline_compiler.checking.names import Names, Scope
from syncline_compiler.diagnostics.diagnostic import Collector
from syncline_compiler.functions.kinds import TEXTUAL
from syncline_compiler.model import syntax
from syncline_compiler.model.resolved import CodeTable, ResolvedObject
from syncline_compiler.model.typed import Apply, Expression, Field, Lookup, OrElse, Pick, Resolve
from syncline_compiler.model.types import TEXT, Type
from syncline_compiler.source import Span
from syncline_compiler.spelling import did_you_mean


def coded(
    value: Expression, step: syntax.Step, wanted: Type | None, names: Names, diagnostics: Collector, scope: Scope
) -> Expression:
    """``| code TABLE``: from native codes to meanings, or from an enum back to native codes."""
    word = _word(step, "code TABLE", diagnostics)
    if word is None:
        return UNTYPED
    table = names.codes.get(word.text)
    if table is None:
        if names.is_broken("codes", word.text):
            diagnostics.known()
            return UNTYPED
        remedy = did_you_mean(word.text, names.codes, kind="code tables")
        diagnostics.report("SYN0206", word.span, label=f"no code table is called `{word.text}`", help=remedy)
        return UNTYPED
    if value.type.kind == "int":
        value = Apply("text_of_int", (value,), TEXT.or_null() if value.type.nullable else TEXT)
    if value.type.kind == "enum" or (scope.kind == "canonical" and value.type.kind in TEXTUAL):
        natives = Type("text", value.type.nullable, length=_longest(table.inverse.values()))
        if table.sound:
            _check_inverse(table, value.type, step.span, diagnostics)
        return Lookup(table.name, True, value, natives)
    if value.type.kind not in TEXTUAL:
        label = f"a code table reads texts, and this is {value.type.present()}"
        diagnostics.report("SYN0301", step.span, label=label, help="convert it with `| text` first")
        return UNTYPED
    if wanted is not None and wanted.kind == "enum" and table.meaning_of not in (None, wanted.name):
        _report_other(table, wanted, word.span, names, diagnostics)
        return UNTYPED
    if table.sound:
        _check_covered(table, value, step.span, scope, diagnostics)
    meaning = _meaning(table, wanted, names)
    return Lookup(table.name, False, value, meaning.or_null() if value.type.nullable else meaning)


def _report_other(table: CodeTable, wanted: Type, span: Span, names: Names, diagnostics: Collector) -> None:
    """Report a table for another enum than the one that its place wants."""
    fitting = sorted(one.name for one in names.codes.values() if one.meaning_of == wanted.name)
    known = f"tables for `{wanted.name}`: {', '.join(f'`{name}`' for name in fitting[:5])}"
    diagnostics.report(
        "SYN0308", span, label=f"`{table.name}` is for `{table.meaning_of}`, and this is `{wanted.name}`",
        secondary=[(table.span, "the table")],
        help=known if fitting else f"make a table for it: `for: {wanted.name}`",
    )  # fmt: skip


def referred(value: Expression, step: syntax.Step, names: Names, diagnostics: Collector, scope: Scope) -> Expression:
    """``| ref object``: from a native id to the record it stands for, or back; ``by field``: from that field's value."""
    by = _key_word(step)
    word = _word(step, "ref OBJECT", diagnostics) if by is None else step.arguments[0]
    if not isinstance(word, syntax.Name):
        return UNTYPED
    if names.is_broken("object", word.text):
        diagnostics.known()
        return UNTYPED
    if word.text not in names.objects:
        remedy = did_you_mean(word.text, names.objects, kind="objects")
        diagnostics.report("SYN0201", word.span, label=f"no object is called `{word.text}`", help=remedy)
        return UNTYPED
    if by is not None:
        return _referred_by(value, by, names.objects[word.text], step.span, diagnostics)
    resource = _resource_of(value, scope)
    if resource is None:
        label = "whose ids are these? The system description does not say"
        diagnostics.report(
            "SYN0304", step.span, label=label,
            help="add `ref: Resource` to the native field in the system description",
        )  # fmt: skip
        return UNTYPED
    found = Type("ref", value.type.nullable, name=word.text)
    return Resolve(word.text, resource, _as_landed(value), found)


def _as_landed(value: Expression) -> Expression:
    """Give the id as the system wrote it: links keep ids as text, whatever type the field has."""
    match value:
        case Apply(function="int_of_text", arguments=(Field() as landed,)):
            return landed
    return value


def _referred_by(
    value: Expression, by: syntax.Name, item: ResolvedObject, span: Span, diagnostics: Collector
) -> Expression:
    """Give a record by the value of a field that tells its object's records apart."""
    field = item.field(by.text)
    if field is None:
        remedy = did_you_mean(by.text, [one.name for one in item.fields], kind=f"fields of `{item.name}`")
        label = f"`{item.name}` has no field `{by.text[:60]}`"
        diagnostics.report("SYN0203", by.span, label=label, help=remedy)
        return UNTYPED
    if not any(rule.same == (field.name,) and not rule.similar for rule in item.identity):
        diagnostics.report(
            "SYN0304", by.span, label=f"`{by.text}` does not tell the records of `{item.name}` apart",
            secondary=[(field.span, "declared here")], help=f"add `- same: [{by.text}]` to the identity of `{item.name}`",
        )  # fmt: skip
        return UNTYPED
    key = Agreement(diagnostics, span, reading=True).of(value, field.type.or_null())
    if key is UNTYPED:
        return UNTYPED
    return Resolve(item.name, "", key, Type("ref", value.type.nullable, name=item.name), by=field.name)


def _key_word(step: syntax.Step) -> syntax.Name | None:
    """Give the field of ``ref OBJECT by FIELD``."""
    match step.arguments:
        case (syntax.Name(), syntax.Name(parts=("by",)), syntax.Name() as field):
            return field
    return None


def _word(step: syntax.Step, usage: str, diagnostics: Collector) -> syntax.Name | None:
    if len(step.arguments) == 1 and isinstance(step.arguments[0], syntax.Name):
        return step.arguments[0]
    diagnostics.report("SYN0304", step.span, label=f"write `| {usage}`")
    return None


def _meaning(table: CodeTable, wanted: Type | None, names: Names) -> Type:
    """Give the enum that a table is for; without one, the enum its place wants if that has all the meanings."""
    meanings = {meaning for _, meaning in table.rows}
    if table.meaning_of is not None:
        owner, _, field = table.meaning_of.partition(".")
        found = names.objects[owner].field(field) if owner in names.objects else None
        if found is not None:
            return found.type.present()
    elif wanted is not None and wanted.kind == "enum" and (meanings <= set(wanted.values) or not table.sound):
        return wanted.present()
    return Type("text", length=_longest(meanings))


def _longest(texts: object) -> int:
    return max((len(text) for text in texts), default=1) or 1  # type: ignore[attr-defined]


def native_of(value: Expression, scope: Scope) -> Field | None:
    """Give the native field or list member that a value comes from, through steps that take it alone."""
    match value:
        case Field(scope="native" | "item"):
            return value
        case Apply(arguments=(argument,)):
            return native_of(argument, scope)
        case OrElse():
            return native_of(value.value, scope)
        case Pick():
            return native_of(value.value, scope)
    return None


def _check_covered(table: CodeTable, value: Expression, span: Span, scope: Scope, diagnostics: Collector) -> None:
    """Check that every value the system can send is in the table."""
    missing = uncovered(table, value, scope)
    if missing:
        shown = ", ".join(f"`{code}`" for code in missing[:5])
        diagnostics.report(
            "SYN0401", span, label=f"`{table.name}` has no row for {shown}",
            secondary=[(table.span, "the table")],
            help=[*(f"add a row `{code}: …` to the table" for code in missing[:5]), *_renamed(table, missing, value, scope)],
        )  # fmt: skip


def _renamed(table: CodeTable, missing: list[str], value: Expression, scope: Scope) -> Iterator[str]:
    """Say which code the missing one may have been called before: one that the system does not have any more."""
    native = scope.native(value.name) if isinstance(value, Field) else None
    gone = [code for code, _ in table.rows if native is not None and code not in native.values]
    if len(gone) == len(missing) == 1:
        yield f"or, if it was `{gone[0]}` before, which the system has no more, rename that row"


def uncovered(table: CodeTable, value: Expression, scope: Scope) -> list[str]:
    """Give the values that the system can send and the table has no row for."""
    native = scope.native(value.name) if isinstance(value, Field) else None
    known = {code for code, _ in table.rows}
    return [code for code in native.values if code not in known] if native is not None else []


def _check_inverse(table: CodeTable, meaning: Type, span: Span, diagnostics: Collector) -> None:
    """Check that every value of the enum can be written."""
    missing = [value for value in meaning.values if value not in table.inverse]
    if missing:
        report_without_inverse(table, missing, span, diagnostics)


def report_without_inverse(table: CodeTable, missing: list[str], span: Span, diagnostics: Collector) -> None:
    """Report values that have no native code, or several and none chosen."""
    rows: dict[str, list[str]] = {}
    for native, meaning in table.rows:
        rows.setdefault(meaning, []).append(native)
    helps = [
        f"choose the code for `{value}`: `inverse: {{{value}: {rows[value][0]}}}`" if value in rows
        else f"add a row with the meaning `{value}`, or read the field one-way with `<-`"
        for value in missing[:5]
    ]  # fmt: skip
    shown = ", ".join(f"`{value}`" for value in missing[:5])
    diagnostics.report(
        "SYN0402", span, label=f"`{table.name}` does not say which code to write for {shown}",
        secondary=[(table.span, "the table")], help=helps,
    )  # fmt: skip


def _resource_of(value: Expression, scope: Scope) -> str | None:
    field = native_of(value, scope)
    if field is None:
        return None
    native = scope.native(field.name)
    if native is None or scope.resource is None:
        return None
    return native.ref or (scope.resource.name if native.name == scope.resource.id else None)
