"""A small world for tests of the mapping language: objects, a system, code tables, and SQL for typed expressions."""

from __future__ import annotations

from collections.abc import Mapping

import duckdb
from sqlglot import exp

from syncline_compiler.diagnostics.diagnostic import Collector
from syncline_compiler.functions import REGISTRY
from syncline_compiler.model import typed
from syncline_compiler.model.resolved import CodeTable, ResolvedField, ResolvedObject, ResolvedPart
from syncline_compiler.model.types import Type
from syncline_compiler.passes.check_types import Names, check_expression, check_mapping
from syncline_compiler.passes.parse_mapping import parse_expression, parse_mapping
from syncline_compiler.source import SourceFile, Span
from syncline_compiler.type_text import parse_type
from syncline_runtime.system import NativeField, Resource, System

HERE = Span("world.yaml", 1, 1, 1, 2)
HEADER = "mapping crm.Account <-> account@1\n"
SQL_TYPES = {
    "bool": "BOOLEAN", "int": "BIGINT", "date": "DATE", "instant": "TIMESTAMPTZ", "local_datetime": "TIMESTAMP", "duration": "BIGINT",
    "money": "STRUCT(amount DECIMAL(18,4), currency VARCHAR)",
}  # fmt: skip


def field(
    name: str, text: str, *, form: str | None = None, values: tuple[str, ...] = (), **more: object
) -> ResolvedField:
    return ResolvedField(name, parse_type(text, values=values, name=f"account.{name}"), HERE, form=form, **more)  # type: ignore[arg-type]


def item(name: str, *fields: ResolvedField, parts: tuple[ResolvedPart, ...] = ()) -> ResolvedObject:
    return ResolvedObject(name, "1.0.0", name, fields, parts, (), (), (), HERE)


ACCOUNT = item(
    "account",
    field("name", "text(80)", form="squash"),
    field("label", "text(20)?"),
    field("shout", "text?", form="upper"),
    field("tags", "list(text)?"),
    field("quiet", "text?", form="lower"),
    field("folded", "text?", form="casefold"),
    field("status", "enum", values=("prospect", "active", "closed")),
    field("country", "country?"), field("currency", "currency?"), field("language", "language?"),
    field("email", "email?"), field("reply", "email?", form="lower"),
    field("phone", "phone?"), field("site", "url?"), field("region", "subdivision?"),
    field("limit", "money?"), field("rate", "decimal(12,2)?"), field("count", "int?"), field("flag", "bool?"),
    field("day", "date?"), field("at", "instant?"), field("local", "local_datetime?"), field("wait", "duration?"),
    field("owner", "ref(user)?"),
    parts=(ResolvedPart("contacts", "contact", "email", HERE),),
)  # fmt: skip
OBJECTS = {
    "account": ACCOUNT,
    "user": item("user", field("name", "text")),
    "contact": item("contact", field("email", "email"), field("name", "text?")),
    "invoice": item(
        "invoice", field("account", "ref(account)", inverse="invoices"), field("total", "money"),
        field("paid", "money"), field("number", "int"), field("state", "enum", values=("open", "paid")),
    ),
}  # fmt: skip


def native(name: str, kind: str = "text", **more: object) -> NativeField:
    return NativeField(name, kind, name, **more)  # type: ignore[arg-type]


CRM = System(
    "crm", "1.0.0", "CRM", zone="Europe/Berlin",
    resources=(
        Resource("Account", "Account", "Id", (
            native("Id"), native("Name", required=True, length=80), native("Text"), native("Other"),
            native("Short", length=10), native("Status", required=True, values=("New", "Open", "Closed")),
            native("Whole", "int"), native("Amount", "decimal", precision=12, scale=2), native("Flag", "bool"),
            native("Day", "date"), native("At", "instant"), native("Local", "local_datetime"),
            native("Owner", ref="User"), native("Points", "list"), native("Contacts", "list", of="Contact"),
        )),
        Resource("Contact", "Contact", "id", (native("id"), native("Email", required=True), native("Name"))),
        Resource("User", "User", "id", (native("id"),)),
    ),
)  # fmt: skip
ROWS = (("New", "prospect"), ("Open", "active"), ("Closed", "closed"))
CODES = {
    "status": CodeTable("status", "1.0.0", ROWS, {meaning: code for code, meaning in ROWS}, HERE, "account.status"),
    "lossy": CodeTable("lossy", "1.0.0", (("A", "active"), ("B", "active")), {}, HERE),
}
NAMES = Names(objects=OBJECTS, systems={"crm": CRM}, codes=CODES)


def check(body: str) -> tuple[typed.TypedMapping | None, Collector]:
    """Parse and type a mapping without its header."""
    diagnostics = Collector()
    parsed = parse_mapping(SourceFile("a.map", HEADER + body), diagnostics)
    checked = check_mapping(parsed, CRM, ACCOUNT, NAMES, diagnostics) if parsed is not None else None
    return checked, diagnostics


def checked(body: str) -> typed.TypedMapping:
    """Type a mapping that has no mistake."""
    found, diagnostics = check(body)
    assert [(one.code, one.label) for one in diagnostics] == []
    assert found is not None
    return found


def codes_of(body: str) -> list[str]:
    return [diagnostic.code for diagnostic in check(body)[1]]


def expression(text: str, wanted: Type | None = None) -> tuple[typed.Expression | None, list[str]]:
    """Parse and type an expression over accounts."""
    diagnostics = Collector()
    parsed = parse_expression(text, Span("o.yaml", 1, 1, 1, 1 + len(text)), diagnostics)
    found = check_expression(parsed, ACCOUNT, NAMES, diagnostics, wanted) if parsed is not None else None
    return found, [diagnostic.code for diagnostic in diagnostics]


def shown(e: typed.Expression | None) -> str:  # noqa: C901 - one case a node
    """A typed expression in a line, ``trim(native.Name)``; ``!`` marks what can fail."""
    match e:
        case None:
            return ""
        case typed.Constant():
            return repr(e.value)
        case typed.Field():
            return f"{e.scope}.{e.name}"
        case typed.Apply():
            options = "".join(f" {key}={value}" for key, value in e.options)
            return f"{e.function}{'!' if e.can_fail else ''}({', '.join(map(shown, e.arguments))}{options})"
        case typed.OrElse():
            return f"({shown(e.value)} else {e.action})"
        case typed.Lookup():
            return f"{'uncode' if e.inverse else 'code'}({shown(e.argument)} {e.codes})"
        case typed.Resolve():
            return f"{'unref' if e.inverse else 'ref'}({shown(e.argument)} {e.object} {e.resource})"
        case typed.Pick():
            return f"pick({shown(e.list)} where {shown(e.where)}: {shown(e.value)})"
        case typed.Case():
            branches = " ".join(f"when {shown(condition)} then {shown(value)}" for condition, value in e.branches)
            return f"case {branches} else {shown(e.default)} end"
        case typed.Aggregate():
            where = f" where {shown(e.where)}" if e.where is not None else ""
            by = f" by {shown(e.by)}" if e.by is not None else ""
            return f"{e.function}({e.object}.{e.ref}: {shown(e.value)}{by}{where})"


def sql_type(one: Type) -> str:
    if one.kind == "decimal":
        return f"DECIMAL({one.precision},{one.scale})"
    return SQL_TYPES.get(one.kind, "VARCHAR")


def tree(e: typed.Expression, values: Mapping[str, exp.Expression]) -> exp.Expression:
    """The SQL of an expression whose fields stand for given trees."""
    match e:
        case typed.Constant(value=None):
            return exp.Null()
        case typed.Constant():
            literal = exp.Literal(this=str(e.value), is_string=isinstance(e.value, str))
            return exp.Cast(this=literal, to=exp.DataType.build(sql_type(e.type), dialect="duckdb"))
        case typed.Field():
            return values[e.name]
        case typed.Apply():
            build = REGISTRY[e.function].sql
            assert build is not None
            return build([exp.Paren(this=tree(argument, values)) for argument in e.arguments], dict(e.options))
        case typed.OrElse():
            return tree(e.value, values)
        case typed.Lookup():
            rows = [(new, old) if e.inverse else (old, new) for old, new in CODES[e.codes].rows]
            argument = tree(e.argument, values)
            branches = [exp.If(this=exp.EQ(this=argument, expression=_text(a)), true=_text(b)) for a, b in rows]
            return exp.Case(ifs=branches)
    raise NotImplementedError(e)


def _text(value: str) -> exp.Expression:
    return exp.Literal(this=value, is_string=True)


def engine() -> duckdb.DuckDBPyConnection:
    connection = duckdb.connect()
    connection.execute("SET TimeZone = 'UTC'")
    return connection
