"""Questions to a checked project: what stands where, who names it, of which type it is, where values come from."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path

import pytest

from syncline_compiler.diagnostics import catalogue
from syncline_compiler.model.members import fields_mapped, native_read, native_written
from syncline_compiler.pipeline import Compilation, check_project
from syncline_compiler.query.project_query import ProjectQuery
from syncline_compiler.query.symbol import Symbol
from syncline_compiler.source import Span

Check = Callable[[Mapping[str, str]], Compilation]
EXAMPLES = Path(__file__).parents[2] / "examples"
PROJECTS = sorted(path.parent.name for path in EXAMPLES.glob("*/syncline.yaml"))


@cache
def compiled(name: str) -> Compilation:
    return check_project(EXAMPLES / name)


@cache
def asked(name: str) -> ProjectQuery:
    return ProjectQuery(compiled(name))


def text_at(compilation: Compilation, span: Span) -> str:
    assert span.line == span.end_line
    return compilation.sources[span.path].line(span.line)[span.column - 1 : span.end_column - 1]


def place_of(query: ProjectQuery, compilation: Compilation, path: str, text: str, word: str) -> tuple[str, int, int]:
    """Find a word in the line of a file that holds a text."""
    number, line = next(
        (number, line) for number, line in enumerate(compilation.sources[path].lines, 1) if text in line
    )
    return path, number, line.index(word, line.index(text)) + 1


def found(name: str, path: str, text: str, word: str) -> Symbol | None:
    return asked(name).symbol_at(*place_of(asked(name), compiled(name), path, text, word))


@pytest.mark.parametrize("name", PROJECTS)
def test_the_span_of_a_symbol_is_its_name(name: str) -> None:
    declared = [one for one in asked(name).symbols() if one.symbol.kind != "mapping"]
    assert len(declared) > 100
    for one in declared:
        assert one.span is not None
        assert text_at(compiled(name), one.span) == one.symbol.name, one


@pytest.mark.parametrize("code", [code for code in catalogue.codes() if catalogue.page(code).files("Mended")])
def test_so_it_is_wherever_it_stands(code: str, check: Check) -> None:
    compilation = check(catalogue.page(code).files("Mended"))
    query = ProjectQuery(compilation)
    for one in query.symbols():
        for span in query.references(one.symbol) if one.symbol.kind != "mapping" else ():
            assert text_at(compilation, span) in (one.symbol.name, f"`{one.symbol.name}`", ">", "|"), one


@pytest.mark.parametrize("name", PROJECTS)
def test_the_span_of_a_use_is_the_name(name: str) -> None:
    uses = [(one.symbol, span) for one in asked(name).symbols() for span in asked(name).references(one.symbol)]
    assert len(uses) > 500
    for symbol, span in uses:
        written = text_at(compiled(name), span)
        assert symbol.kind == "mapping" or written == symbol.name or written == ">", (symbol, span)  # folded text


@pytest.mark.parametrize("name", PROJECTS)
def test_a_symbol_is_found_where_it_is_named(name: str) -> None:
    for one in asked(name).symbols():
        for span in asked(name).references(one.symbol):
            if text_at(compiled(name), span) == one.symbol.name:
                assert asked(name).symbol_at(span.path, span.line, span.column) == one.symbol
                assert asked(name).symbol_at(span.path, span.line, span.end_column) == one.symbol


@pytest.mark.parametrize(
    ("path", "text", "word", "expected"),
    [
        ("mappings/stripe.charge.map", "mapping", "stripe", ("system", "stripe")),
        ("mappings/stripe.charge.map", "mapping", "Charge", ("resource", "stripe.Charge")),
        ("mappings/stripe.charge.map", "mapping", "payment", ("object", "payment")),
        ("mappings/stripe.charge.map", "take when", "captured", ("native_field", "stripe.Charge.captured")),
        ("mappings/stripe.charge.map", "reference <-", "reference", ("field", "payment.reference")),
        ("mappings/stripe.charge.map", "by number", "number", ("field", "invoice.number")),
        ("mappings/stripe.charge.map", "| ref", "ref", ("function", "ref")),
        ("mappings/stripe.charge.map", "| ref", "invoice", ("object", "invoice")),
        ("mappings/stripe.charge.map", "money_minor", "money_minor", ("function", "money_minor")),
        ("mappings/stripe.charge.map", "code gateway", "gateway", ("codes", "gateway_charge_status")),
        ("mappings/tryton.party.map", "pick contact", "contact", ("native_field", "tryton.Party.contact_mechanisms")),
        ("mappings/tryton.party.map", ".value | email", "value", ("native_field", "tryton.ContactMechanism.value")),
        ("mappings/tryton.invoice.map", "each", "lines {", ("native_field", "tryton.Invoice.lines")),
        ("mappings/tryton.invoice.map", "each", "lines", ("native_field", "tryton.Invoice.lines")),
        ("mappings/tryton.invoice.map", "position", "sequence", ("native_field", "tryton.InvoiceLine.sequence")),
        ("mappings/tryton.invoice.map", '"revenue" ->', "journal", ("native_field", "tryton.Invoice.journal")),
        ("objects/invoice.yaml", "sum(payments.amount", "payments", ("inverse", "invoice.payments")),
        ("objects/invoice.yaml", "sum(payments.amount", "amount", ("field", "payment.amount")),
        ("objects/invoice.yaml", "status ==", "status", ("field", "payment.status")),
        ("objects/invoice.yaml", "total - paid", "paid", ("derived", "invoice.paid")),
        ("objects/invoice.yaml", "ref(account)", "account", ("object", "account")),
        ("objects/invoice.yaml", "of: invoice_line", "position", ("field", "invoice_line.position")),
        ("codes/erp_invoice_state.yaml", "open: posted", "posted", ("code", "erp_invoice_state.posted")),
        ("codes/erp_invoice_state.yaml", "for:", "status", ("field", "invoice.status")),
        ("syncs/invoice.yaml", "hold", "status", ("field", "invoice.status")),
        ("syncs/invoice.yaml", "members", "tryton", ("system", "tryton")),
        ("syncs/invoice.yaml", "members", "erp", ("connection", "erp")),
        ("syncs/invoice.yaml", "recognised_by", "number", ("field", "invoice.number")),
        ("syncline.yaml", "crm:", "crm", ("connection", "crm")),
    ],
)  # fmt: skip
def test_what_stands_at_a_position(path: str, text: str, word: str, expected: tuple[str, str]) -> None:
    symbol = found("quote-to-cash", path, text, word)
    assert symbol is not None
    assert (symbol.kind, symbol.address) == expected
    assert asked("quote-to-cash").definition(symbol) is not None


def test_nothing_stands_in_a_comment() -> None:
    assert found("quote-to-cash", "mappings/stripe.charge.map", "# an order", "order") is None
    assert asked("quote-to-cash").symbol_at("no/such/file.map", 1, 1) is None


@pytest.mark.parametrize(
    ("path", "text", "word", "expected"),
    [
        ("mappings/stripe.charge.map", "paid_on", "created", "int"),
        ("mappings/stripe.charge.map", "paid_on", "instant epoch", "instant"),
        ("mappings/stripe.charge.map", "| instant epoch", 'date "UTC"', "date"),
        ("mappings/stripe.charge.map", "money_minor", "money_minor", "money"),
        ("mappings/stripe.charge.map", "| code", "code", "enum payment.status"),
        ("mappings/bottlecrm.invoice.map", "reject", "tax_rate", "decimal(5,2)"),
        ("mappings/bottlecrm.invoice.map", "reject", "> 0.00", "bool"),
        ("objects/invoice.yaml", "total - paid", "total", "money?"),
        ("syncs/invoice.yaml", "hold", "== ", "bool"),
    ],
)  # fmt: skip
def test_the_type_at_a_position(path: str, text: str, word: str, expected: str) -> None:
    query = asked("quote-to-cash")
    typed = query.type_at(*place_of(query, compiled("quote-to-cash"), path, text, word))
    assert typed is not None
    assert str(typed.type) == expected


def test_a_definition_says_what_is_said_of_it() -> None:
    query = asked("quote-to-cash")
    email = query.definition(Symbol("field", ("account", "email")))
    assert email is not None
    assert (str(email.span), email.type, email.label) == ("objects/account.yaml:7:3", "email?", "Email")
    trim = query.definition(Symbol("function", ("trim",)))
    assert trim is not None
    assert trim.span is None
    assert "### trim" in (trim.description or "")
    assert query.definition(Symbol("field", ("account", "nothing"))) is None


def test_a_let_is_known_in_its_file() -> None:
    query = asked("quickstart")
    let = next(one for one in query.symbols() if one.symbol.kind == "let")
    assert query.definition(let.symbol) == let
    assert len(query.references(let.symbol)) > 1
    assert {span.path for span in query.references(let.symbol)} == {let.symbol.path[0]}


def test_references_are_in_all_files() -> None:
    spans = asked("quote-to-cash").references(Symbol("field", ("invoice", "number")))
    assert [str(span) for span in spans] == [
        "mappings/bottlecrm.invoice.map:3:1", "mappings/stripe.charge.map:6:39", "mappings/tryton.invoice.map:5:1",
        "objects/invoice.yaml:5:3", "objects/invoice.yaml:22:12", "syncs/invoice.yaml:14:19",
    ]  # fmt: skip


@pytest.mark.parametrize("name", PROJECTS)
def test_every_mapped_field_is_in_the_lineage(name: str) -> None:
    query = asked(name)
    ends = {end for edge in query.lineage.edges for end in (edge.source, edge.target)}
    for mapping in query.project.mappings:
        for native in (*native_read(mapping), *native_written(mapping)):
            symbol = Symbol("native_field", (mapping.system, mapping.resource, native))
            assert any(end == symbol or end.path[:3] == symbol.path for end in ends) or _picked(query, symbol), symbol
        for field in fields_mapped(mapping):
            assert {Symbol(kind, (mapping.object, field)) for kind in ("field", "part", "derived")} & ends, field
    for item in query.project.objects.values():
        for derived in item.derived:
            assert query.lineage.into[Symbol("derived", (item.name, derived.name))]


def _picked(query: ProjectQuery, symbol: Symbol) -> bool:
    """Whether a list is filled through the records of a child resource."""
    return query.project.systems[symbol.path[0]].resource(symbol.path[1]).native(symbol.path[2]).of is not None


@pytest.mark.parametrize("name", PROJECTS)
def test_every_symbol_in_the_lineage_is_declared(name: str) -> None:
    declared = {one.symbol for one in asked(name).symbols()}
    for edge in asked(name).lineage.edges:
        assert edge.target in declared, edge
        assert edge.source in declared or edge.source.kind == "constant", edge


def walked(symbol: Symbol, *, up: bool) -> list[str]:
    query = asked("quote-to-cash")
    edges = query.upstream(symbol) if up else query.downstream(symbol)
    return [f"{edge.source.address} -> {edge.target.address}" for edge in edges if edge.role == "value"]


def test_upstream_goes_through_derived_fields_to_the_systems() -> None:
    up = walked(Symbol("native_field", ("bottlecrm", "Payment", "amount")), up=True)
    assert up == [
        "payment.kept -> bottlecrm.Payment.amount",
        "payment.amount -> payment.kept", "payment.refunded -> payment.kept",
        "stripe.Charge.amount -> payment.amount", "stripe.Charge.currency -> payment.amount",
        "tryton.Statement.amount -> payment.amount", "tryton.Statement.currency -> payment.amount",
        "refund.amount -> payment.refunded",
        "stripe.Refund.amount -> refund.amount", "stripe.Refund.currency -> refund.amount",
        "tryton.Statement.amount -> refund.amount", "tryton.Statement.currency -> refund.amount",
        "stripe.Refund.charge -> refund.payment", "stripe.Refund.status -> refund.status",  # what decides about a sum
    ]  # fmt: skip


def test_downstream_ends_where_other_systems_begin() -> None:
    down = walked(Symbol("native_field", ("stripe", "Refund", "amount")), up=False)
    assert down[0] == "stripe.Refund.amount -> refund.amount"
    assert "invoice.open_balance -> bottlecrm.Invoice.open_balance" in down
    assert not any(step.startswith("bottlecrm.") for step in down)


def edge(source: str, target: str) -> tuple[tuple[str, ...], str, bool, str]:
    edges = asked("quote-to-cash").lineage.edges
    one = next(one for one in edges if (one.source.address, one.target.address) == (source, target))
    return one.steps, one.loss, one.two_way, str(one.span)


def test_an_edge_says_what_happens_on_the_way() -> None:
    assert edge("stripe.Charge.created", "payment.paid_on") == (
        ("instant", "date"), "values", False, "mappings/stripe.charge.map:8:1",
    )  # fmt: skip
    assert edge("bottlecrm.Account.name", "account.name") == (
        ("squash",), "form", True, "mappings/bottlecrm.account.map:3:1",
    )  # fmt: skip
    assert edge("tryton.Invoice.state", "invoice.status")[:3] == (("code erp_invoice_state",), "values", True)
    assert edge("invoice.status", "tryton.Invoice.state")[1] == "nothing"
    assert edge('"revenue"', "tryton.Invoice.journal")[:2] == ((), "nothing")
    assert edge("tryton.ContactMechanism.value", "account.email")[0] == ("pick", "email")


def test_the_dictionary_follows_from_the_specs() -> None:
    entries = {entry.symbol.address: entry for entry in asked("quote-to-cash").fields()}
    terms = entries["account.payment_terms"]
    assert (terms.owners[0].connection, terms.provided_by, terms.given_to) == ("erp", ("crm", "erp"), ("crm",))
    assert entries["account.email"].format == "email address, its domain in lower case"
    assert entries["account.email"].key
    assert entries["invoice.status"].values == ("draft", "open", "cancelled")
    assert entries["invoice.open_balance"].expression == "total - paid + refunded"
    assert entries["invoice.lines"].type == "list(invoice_line)"


def test_a_project_with_mistakes_answers_for_the_rest(check: Check) -> None:
    text = "mapping crm.Account <-> account@1\n\nname <-> name | trimm\ncountry <-> country\nnothing <-> name\n"
    compilation = check({"mappings/crm_account.map": text})
    assert compilation.project is None
    query = ProjectQuery(compilation)
    assert query.symbol_at("mappings/crm_account.map", 3, 1) == Symbol("field", ("account", "name"))
    assert query.symbol_at("mappings/crm_account.map", 3, 10) == Symbol("native_field", ("crm", "Account", "name"))
    assert query.symbol_at("mappings/crm_account.map", 3, 17) is None
    assert query.symbol_at("mappings/crm_account.map", 5, 3) is None
    typed = query.type_at("mappings/crm_account.map", 4, 14)
    assert typed is not None
    assert str(typed.type) == "text(2)?"


@pytest.mark.parametrize("code", [code for code in catalogue.codes() if catalogue.page(code).files("Fails")])
def test_no_mistake_keeps_from_asking(code: str, check: Check) -> None:
    compilation = check(catalogue.page(code).files("Fails"))
    if compilation.known is None:
        return
    query = ProjectQuery(compilation)
    for path, source in compilation.sources.items():
        for number, line in enumerate(source.lines, 1):
            for column in range(1, len(line) + 2, 3):
                symbol = query.symbol_at(path, number, column)
                assert symbol is None or query.definition(symbol) is not None
                query.type_at(path, number, column)
    assert len(query.fields()) >= sum(len(item.fields) for item in query.project.objects.values())
    for edge in query.lineage.edges:
        assert query.downstream(edge.source)


def test_a_project_that_cannot_be_read_has_no_answers(check: Check) -> None:
    with pytest.raises(ValueError, match="ask what its check says"):
        ProjectQuery(check({"syncline.yaml": ""}))
