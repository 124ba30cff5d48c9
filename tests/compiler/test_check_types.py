"""Typing mappings and expressions: what lines become, and what is refused."""

from __future__ import annotations

import pytest

from language import check, checked, codes_of, expression, shown
from syncline_compiler.model.typed import PickPut
from syncline_compiler.model.types import BOOL

DECIMAL = "precision=12 scale=2"


@pytest.mark.parametrize(
    ("line", "get"),
    [
        ("name <- Name", "squash(native.Name)"),
        ('name <- Text ?? "none"', "squash(fits!(coalesce(native.Text, 'none') length=80))"),
        ('name <- Text else reject "why"', "(squash(given!(fits!(native.Text length=80))) else reject)"),
        ("name <- Text else review", "(squash(given!(fits!(native.Text length=80))) else review)"),
        ("label <- Text else null", "(fits!(native.Text length=20) else null)"),
        ("label <- Name | truncate 20", "truncate(native.Name length=20)"),
        ("label <- Short", "native.Short"),
        ("status <- Status | code status", "code(native.Status status)"),
        ('status <- "active"', "'active'"),
        ('status <- case when Flag then "active" else "closed" end',
         "case when is_true(bool_of_text!(native.Flag)) then 'active' else 'closed' end"),
        ("country <- Text", "country!(native.Text)"),
        ("country <- Text | country else null", "(country!(native.Text) else null)"),
        ("phone <- Text | phone \"DE\"", "phone!(native.Text region=DE)"),
        ("limit <- money(Amount, Text)",
         f"money!(decimal_of_text!(native.Amount {DECIMAL}), currency!(native.Text case=upper) fits=true)"),
        ('limit <- money(Amount, "EUR")', f"money!(decimal_of_text!(native.Amount {DECIMAL}), 'EUR' fits=true)"),
        ("limit <- money_minor(Whole, Text | currency lower)",
         "money_minor!(int_of_text!(native.Whole), currency!(native.Text case=lower))"),
        ("rate <- Amount", f"decimal_of_text!(native.Amount {DECIMAL})"),
        ("rate <- Whole", "decimal_of_int!(int_of_text!(native.Whole) precision=12 scale=2)"),
        ("rate <- Amount * 2 | round 2",
         f"decimal_exactly!(round(mul(decimal_of_text!(native.Amount {DECIMAL}), 2 left=2 precision=31 right=0 scale=2)"
         " from=2 kept=2 precision=32 scale=2) precision=12 scale=2)"),
        ("count <- Whole + 1", "add!(int_of_text!(native.Whole), 1)"),
        ("count <- length(Text)", "length(native.Text)"),
        ("count <- Whole | abs", "abs!(int_of_text!(native.Whole) of=int)"),
        ("day <- max(Day, Day)", "max(date_of_text!(native.Day), date_of_text!(native.Day))"),
        ('flag <- Name not in ("a", null)', "not(is_true(in(native.Name, 'a', None)))"),
        ("flag <- Flag", "bool_of_text!(native.Flag)"),
        ('flag <- Text | bool "Y" "N"', "bool_of_words!(native.Text no=N yes=Y)"),
        ("flag <- Whole | bool 1 0", "bool_of_numbers!(int_of_text!(native.Whole) no=0 yes=1)"),
        ('flag <- Text == "x"', "same(native.Text, 'x')"),
        ('flag <- Name != "x"', "ne(native.Name, 'x')"),
        ("flag <- Whole > 5", "is_true(gt(int_of_text!(native.Whole), 5))"),
        ("flag <- Whole not in (1, 2)", "not(is_true(in(int_of_text!(native.Whole), 1, 2)))"),
        ("flag <- Status in status", "in(native.Status, 'New', 'Open', 'Closed')"),
        ('flag <- Day > "2024-01-01"', "is_true(gt(date_of_text!(native.Day), '2024-01-01'))"),
        ("flag <- At < run.started_at", "is_true(lt(instant_of_text!(native.At), run.started_at))"),
        ('flag <- At > run.started_at - "P30D"',
         "is_true(gt(instant_of_text!(native.At), earlier!(run.started_at, 2592000000000 of=instant)))"),
        ('at <- At + "PT15M"', "later!(instant_of_text!(native.At), 900000000 of=instant)"),
        ("wait <- At - run.started_at", "apart(instant_of_text!(native.At), run.started_at)"),
        ('wait <- "PT1H"', "3600000000"),
        ("day <- Day | plus -1 month", "date_plus!(date_of_text!(native.Day), -1 unit=month)"),
        ("count <- between(Day, Day, days)", "between(date_of_text!(native.Day), date_of_text!(native.Day) unit=days)"),
        ("at <- At", "instant_of_text!(native.At)"),
        ("at <- Whole | instant epoch", "instant_of_epoch!(int_of_text!(native.Whole) unit=epoch)"),
        ('at <- Text | instant "Asia/Tokyo"', "instant_of_local_text!(native.Text zone=Asia/Tokyo)"),
        ("at <- Local | instant system", "instant_of_local!(local_of_text!(native.Local) zone=Europe/Berlin)"),
        ('day <- At | date "Asia/Tokyo"', "date_of_instant(instant_of_text!(native.At) zone=Asia/Tokyo)"),
        ("owner <- Owner | ref user", "ref(native.Owner user User)"),
        ('email <- pick Points where type == "email" .value',
         "email!(pick(native.Points where same(item.type, 'email'): item.value))"),
        ('label <- Short + "!"', "concat(native.Short, '!')"),
        ('let x = Text ?? "none"\nlabel <- x | truncate 5', "truncate(coalesce(native.Text, 'none') length=5)"),
        ("label <- null", "None"),
    ],
)  # fmt: skip
def test_get(line: str, get: str) -> None:
    assert shown(checked(line + "\n").lines[-1].get) == get


@pytest.mark.parametrize(
    "body",
    [
        'reject when Text is null because "x"\nname <- Text',
        "take when Text is not null\nname <- Text",
        'reject when Text is null or Other is null because "x"\nname <- Other',
        'name <- case when Text is null then "none" else Text end',
        'name <- case when Text is not null and Text != "" then Text else "none" end',
        'name <- case when Text == "a" then Text else "none" end',
        "take when Text == Name\nname <- Text",
        "take when length(Text) > 3\nname <- Text",
        'take when (Text ?? "") != ""\nname <- Text',
        'reject when Text == null because "x"\nname <- Text',
        'reject when Text != "a" because "x"\nname <- Text',
        'reject when Text is null and Other is null because "x"\nname <- Text ?? Other',
        'reject when Text is null and Other is null because "x"\nlabel <- Short\n'
        "name <- case when Text is null then Other else Text end",
        'take when Text is null or Other is not null\nname <- case when Text is not null then Other else "x" end',
        'let t = Text | trim\nreject when t is null because "x"\nname <- Text',
        'let t = Text | trim\nname <- case when Text is null then "x" else t end',
        'reject when not ((Flag ?? false) and Text is not null) because "x"\nname <- Text',
    ],
)
def test_presence_follows_conditions(body: str) -> None:
    assert codes_of(body) == []


@pytest.mark.parametrize(
    "body",
    [
        "take when Text == Other\nname <- Text",
        'take when Text != "a"\nname <- Text',
        "take when Text is not null or Other is not null\nname <- Text",
        'reject when Text is null and Other is null because "x"\nname <- Text',
        'let t = Text | date "%Y-%m-%d" else null | text\nname <- case when Text is null then "x" else t end',
        'take when (Text ?? "a") != ""\nname <- Text',
        'name <- case when Flag then Text else "none" end',
    ],
)
def test_presence_is_not_guessed(body: str) -> None:
    assert codes_of(body) == ["SYN0302"]


@pytest.mark.parametrize(
    "body",
    [
        "limit <- money(Amount, Text) + money(Amount, Text) * 1.19",
        'reject when Text != Other because "x"\nlimit <- money(Amount, Text) - money(Amount, Other | trim)',
        'take when Text == "EUR"\nlimit <- money(Amount, "EUR") + money(Amount, Text)',
        'limit <- case when Other == Text then money(Amount, Text) + money(Amount, Other) else money(Amount, "EUR") / 2 end',
        "limit <- money(Amount, Text) * 0.5 * 0.5 / 3 | round",
    ],
)
def test_amounts_in_one_currency(body: str) -> None:
    assert codes_of(body) == []


@pytest.mark.parametrize(
    ("line", "code"),
    [
        ("nme <- Name", "SYN0203"),
        ("name <- Nam", "SYN0204"),
        ("Name -> Other", "SYN0203"),
        ("name -> Othr", "SYN0204"),
        ("status <- Status | code stats", "SYN0206"),
        ("owner <- Owner | ref usr", "SYN0201"),
        ("count <- Text", "SYN0301"),
        ("language <- Text | country", "SYN0301"),
        ("site <- Text | email | url", "SYN0301"),
        ("take when Whole", "SYN0301"),
        ("name <- pick Text where a == \"b\" .c", "SYN0301"),
        ("name <- Text", "SYN0302"),
        ("name <- Text else null", "SYN0302"),
        ("name <- case when Flag then Name end", "SYN0302"),
        ("label -> Name", "SYN0302"),
        ("name <- Name | trimm", "SYN0303"),
        ("name <- Name | truncate", "SYN0304"),
        ("name <- Name | truncate 0", "SYN0304"),
        ("name <- Name | truncate Whole", "SYN0304"),
        ('at <- Text | instant "Mars"', "SYN0304"),
        ('day <- Text | date "%Q"', "SYN0304"),
        ('day <- Text | date "%d.%m."', "SYN0304"),
        ('local <- Text | local "%H:%M"', "SYN0304"),
        ('phone <- Text | phone "Germany"', "SYN0304"),
        ("owner <- Text | ref user", "SYN0304"),
        ("owner <- Text | ref user by nobody", "SYN0203"),
        ("owner <- Text | ref user by name", "SYN0304"),  # it does not tell users apart
        ("wait <- Whole", "SYN0301"),
        ('wait <- "1h"', "SYN0301"),
        ("at <- At + 5", "SYN0301"),
        ("at <- At | plus 1 month", "SYN0305"),
        ("at <- At | start_of month", "SYN0305"),
        ("at <- Local", "SYN0305"),
        ("at <- Local | instant", "SYN0305"),
        ("day <- At", "SYN0305"),
        ("limit <- Amount", "SYN0306"),
        ("limit <- money(Amount, \"EUR\") + money(Amount, \"USD\")", "SYN0306"),
        ("limit <- money(Amount, Text) + money(Amount, Other)", "SYN0306"),
        ('limit <- money(Amount, Text) - money(Amount, "EUR") * 2', "SYN0306"),
        ("limit <- 2 / money(Amount, Text)", "SYN0306"),
        ("limit <- money(Amount, Text) * (Amount * Amount)", "SYN0312"),
        ("flag <- money(Amount, Text) > money(Amount, Text)", "SYN0306"),
        ("limit -> Amount", "SYN0306"),
        ("label <- Name", "SYN0307"),
        ("name -> Short", "SYN0307"),
        ("count <- Amount", "SYN0301"),
        ("rate <- Amount / 3", "SYN0307"),
        ("status <- Status", "SYN0308"),
        ('status <- "actve"', "SYN0308"),
        ("status -> Other", "SYN0308"),
        ("rate <- Amount * Amount * Amount * Amount", "SYN0312"),
        ("count <- 9223372036854775808", "SYN0312"),
        ("flag <- Amount * 0.000000000000000000001 > Whole * 10000000.5", "SYN0312"),
        ("take when (Status | code status) == Name", "SYN0309"),
        ("flag <- Text == 5", "SYN0309"),
        ("flag <- Flag < Flag", "SYN0309"),
        ('label <- case when Flag then "a" else 5 end', "SYN0309"),
        ("name <- Name\nname <- Name", "SYN0310"),
        ("label -> Other\nemail -> Other", "SYN0310"),
        ("label <-> Other\nemail <-> Other", "SYN0310"),
        ("let Name = Text\n", "SYN0310"),
        ("contacts <- each Contacts {\n  name <- Name\n}", "SYN0311"),
        ("contacts <- each Text {\n  email <- Email\n}", "SYN0311"),
        ('contacts <- each Contacts {\n  email <- Email\n  name <- Name | phone "DE"\n}', "SYN0012"),
        ("calls <- each Contacts {\n  email <- Email\n}", "SYN0203"),
        ("contacts <- each Contact {\n  email <- Email\n}", "SYN0204"),
        ("contacts <- each Contacts {\n  email <- Mail\n}", "SYN0204"),
        ("label <- Status | code lossy", None),
    ],
)  # fmt: skip
def test_refused(line: str, code: str | None) -> None:
    found = codes_of(line + "\n")
    assert found == ([code] if code is not None else ["SYN0401"])


def test_lets_are_bounded_when_written_out() -> None:
    lets = "let x0 = Whole + Whole\n" + "".join(f"let x{i} = x{i - 1} + x{i - 1}\n" for i in range(1, 64))
    assert set(codes_of(lets + "count <- x63\n")) == {"SYN0102"}


@pytest.mark.parametrize(
    "body",
    [
        "let x0 = Text\n" + "".join(f"let x{i} = x{i - 1} | trim\n" for i in range(1, 3000)),
        "let x = " + " + ".join(["Whole"] * 60) + "\ncount <- " + " + ".join(["x"] * 60) + "\n",
        "count <- " + "max(" * 40 + "Whole" + ", 1)" * 40 + "\n",
        "flag <- Text" + "".join(" | left 9" for _ in range(62)) + ' == "x"\n',
    ],
)
def test_depth_is_bounded(body: str) -> None:
    assert set(codes_of(body)) <= {"SYN0102", "SYN0101", "SYN0204"}


def test_conditions_have_two_values() -> None:
    mapping = checked(
        'take when not Flag and Status == "Open"\nreject when Text is null and Other is null because "x"\n'
    )
    assert shown(mapping.take) == "is_true(and(not(is_true(bool_of_text!(native.Flag))), eq(native.Status, 'Open')))"
    assert shown(mapping.rejects[0].condition) == "is_true(and(is_null(native.Text), is_null(native.Other)))"


def test_each_block() -> None:
    mapping = checked("contacts <-> each Contacts {\n  email <-> Email | email\n  name <-> Name\n}\n")
    lines = mapping.parts[0].lines
    assert [shown(line.get) for line in lines] == ["email!(item.Email)", "item.Name"]
    assert [(put.native, shown(put.value)) for line in lines for put in line.puts] == [
        ("Email", "canonical.email"),
        ("Name", "canonical.name"),
    ]


@pytest.mark.parametrize(
    ("line", "field", "put"),
    [
        ("label -> Other", "label", "canonical.label"),
        ("count -> Whole", "count", "text_of_int(canonical.count)"),
        ("status | code status -> Other", None, "uncode(canonical.status status)"),
        ("owner -> Owner", "owner", "unref(canonical.owner user User)"),
        ("at | text -> Other", None, "text_of_instant(canonical.at)"),
        ('day | format "%d.%m.%Y" -> Other', None, "format_date(canonical.day format=%d.%m.%Y)"),
        ("amount(limit) | round 2 -> Amount", None,
         "text_of_decimal!(decimal_exactly!(round(money_amount(canonical.limit) from=4 kept=2 precision=17 scale=2)"
         " precision=12 scale=2) precision=12 scale=2)"),
        ('name + " (" + (country ?? "DE") + ")" -> Other', None,
         "concat(concat(concat(canonical.name, ' ('), coalesce(canonical.country, 'DE')), ')')"),
    ],
)  # fmt: skip
def test_written_lines(line: str, field: str | None, put: str) -> None:
    typed = checked(line + "\n").lines[0]
    assert (typed.direction, typed.field, typed.get) == ("write", field, None)
    assert [shown(one.value) for one in typed.puts] == [put]


@pytest.mark.parametrize(
    ("line", "puts", "identity"),
    [
        ("name <-> Name", {"Name": "canonical.name"}, True),
        ("name <-> Name | trim", {"Name": "canonical.name"}, True),
        ("country <-> Text | trim | upper | country", {"Text": "canonical.country"}, True),
        ("status <-> Status | code status", {"Status": "uncode(canonical.status status)"}, True),
        ("label <-> Text | truncate 10", {"Text": "truncate(canonical.label length=10)"}, False),
        ('label <-> Text ?? "none"', {"Text": "canonical.label"}, False),
        ("rate <-> Amount", {"Amount": f"text_of_decimal!(canonical.rate {DECIMAL})"}, True),
        ('limit <-> money(Amount, "EUR")',
         {"Amount": f"text_of_decimal!(amount_in_currency!(canonical.limit currency=EUR) {DECIMAL})"}, True),
        ("limit <-> money(Amount, Text)",
         {"Amount": f"text_of_decimal!(money_amount(canonical.limit) {DECIMAL})",
          "Text": "text_of_currency(money_currency!(canonical.limit) case=upper)"}, True),
        ("at <-> Whole | instant epoch", {"Whole": "text_of_int(epoch_of_instant(canonical.at))"}, False),
        ("owner <-> Owner | ref user", {"Owner": "unref(canonical.owner user User)"}, True),
        ('flag <-> Text | bool "Y" "N"', {"Text": "words_of_bool(canonical.flag no=N yes=Y)"}, True),
        ("email <-> Text | email else null", {"Text": "canonical.email"}, False),
        ('email <-> Text | email else reject "x"', {"Text": "canonical.email"}, True),
    ],
)  # fmt: skip
def test_way_back(line: str, puts: dict[str, str], identity: bool) -> None:
    typed = checked(line + "\n").lines[0]
    assert {put.native: shown(put.value) for put in typed.puts} == puts
    assert typed.identity is identity


def test_pick_puts_the_members_that_its_condition_needs() -> None:
    line = 'email <-> pick Points where type == "email" and main .value | email\n'
    typed, diagnostics = check(line.replace(" and main", ' and main == "yes"'))
    assert len(diagnostics) == 0
    assert typed is not None
    put = typed.lines[0].puts[0]
    assert isinstance(put, PickPut)
    assert (put.native, put.item, put.fixed) == ("Points", "value", (("type", "email"), ("main", "yes")))


def test_pick_leaves_out_the_members_that_its_condition_wants_null() -> None:
    typed, diagnostics = check('email <-> pick Points where type == "email" and note is null .value | email\n')
    assert len(diagnostics) == 0
    assert typed is not None
    put = typed.lines[0].puts[0]
    assert isinstance(put, PickPut)
    assert put.fixed == (("type", "email"),)


@pytest.mark.parametrize(
    ("line", "code"),
    [
        ("name <-> Name | hash", "SYN0403"),
        ("count <-> Whole + 1", "SYN0403"),
        ('label <-> "x"', "SYN0403"),
        ("label <-> Short ?? Other", "SYN0403"),
        ("label <-> case when Flag then Short end", "SYN0403"),
        ("name <-> Name | upper", "SYN0404"),
        ("label <-> Short | trim", "SYN0404"),
        ("email <-> Text | lower | email", "SYN0404"),
        ('email <-> pick Points where type != "fax" .value', "SYN0405"),
        ("status <-> Name | code lossy", "SYN0402"),
        ("label <-> Short", "SYN0307"),
        ("name <-> Name ?? \"none\"", None),
        ("shout <-> Text | upper", None),
        ("reply <-> Text | lower | email", None),
        ("reply <-> Text | upper | email", "SYN0404"),
        ("quiet <-> Text | casefold", "SYN0404"),
        ("folded <-> Text | lower", None),
        ('country <-> Name ?? "DE" | country', "SYN0302"),
    ],
)  # fmt: skip
def test_no_way_back(line: str, code: str | None) -> None:
    assert codes_of(line + "\n") == ([code] if code else [])


def test_the_step_at_fault_is_shown() -> None:
    _, diagnostics = check("name <-> Name | trim | hash\n")
    assert [(one.span.line, one.span.column) for one in diagnostics] == [(2, 24)]


@pytest.mark.parametrize(
    ("text", "typed", "kind"),
    [
        ("sum(invoices.total) - sum(invoices.paid)",
         "money_sub!(sum(invoice.account: child.total), sum(invoice.account: child.paid))", "money"),
        ('count(invoices where state == "open")', "count(invoice.account: 1 where eq(child.state, 'open'))", "int"),
        ("max(invoices.number)", "max(invoice.account: child.number)", "int?"),
        ('first(invoices.state, invoices.number where state != "paid")',
         "first(invoice.account: child.state by child.number where ne(child.state, 'paid'))", "enum account.state?"),
        ("last(invoices.total, invoices.number)", "last(invoice.account: child.total by child.number)", "money?"),
        ("any(invoices)", "gt(count(invoice.account: 1), 0)", "bool"),
        ('any(invoices.state == "open" and invoices.number > 3)',
         "gt(count(invoice.account: 1 where and(eq(child.state, 'open'), gt(child.number, 3))), 0)", "bool"),
        ('all(invoices.state == "paid" where number > 3)',
         "eq(count(invoice.account: 1 where and(gt(child.number, 3), not(eq(child.state, 'paid')))), 0)", "bool"),
        ("max(count, 3)", "max(canonical.count, 3)", "int?"),
        ("sum(invoices.number + 1) + 1", "add!(sum(invoice.account: add!(child.number, 1)), 1)", "int"),
    ],
)  # fmt: skip
def test_derived(text: str, typed: str, kind: str) -> None:
    found, codes = expression(text)
    assert codes == []
    assert found is not None
    assert (shown(found), str(found.type)) == (typed, kind)


@pytest.mark.parametrize(
    ("text", "typed"),
    [
        ('status != "closed" or limit is null', "or(ne(canonical.status, 'closed'), is_null(canonical.limit))"),
        ("flag", "is_true(canonical.flag)"),
        ("limit > 0", "is_true(gt(money_amount(canonical.limit), 0))"),
        ("owner == owner", "same(canonical.owner, canonical.owner)"),
    ],
)
def test_conditions(text: str, typed: str) -> None:
    found, codes = expression(text, BOOL)
    assert (shown(found), codes) == (typed, [])


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("sum(invoces.total)", "SYN0203"), ("sum(invoices.totl)", "SYN0203"), ("sum(count)", "SYN0304"),
        ("sum(invoices.state)", "SYN0301"), ("first(invoices.number)", "SYN0304"), ("first(invoices.number, invoices.state)", "SYN0301"),
        ("all(invoices)", "SYN0304"), ("any(invoices.number)", "SYN0301"), ("any(invces)", "SYN0203"),
        ('owner == "x"', "SYN0309"), ("limit > 5", "SYN0306"),
        ("length(name where flag)", "SYN0304"), ("native", "SYN0203"),
    ],
)  # fmt: skip
def test_expression_refused(text: str, code: str) -> None:
    assert expression(text) == (None, [code])
