"""Fill a fresh ERP database: company, countries, currencies, accounts, fiscal years, taxes.

Runs inside the ERP's environment (see servers.py) as ``seed.py CONFIG DATABASE PASSWORD``.
Prints one JSON object: what a client needs.
"""

# ruff: noqa: N806 - the variables in capitals hold classes (Tryton models)

import datetime as dt
import json
import sys
from decimal import Decimal

from proteus import Model, config
from trytond.modules.account.tests.tools import (
    create_chart,
    create_fiscalyear,
    create_tax,
    get_accounts,
)
from trytond.modules.account_invoice.tests.tools import set_fiscalyear_invoice_sequences
from trytond.modules.company.tests.tools import create_company, get_company
from trytond.modules.country.scripts.import_countries import get_countries, update_countries
from trytond.pool import Pool
from trytond.transaction import Transaction

COMPANY = "Example Trading"
CURRENCIES = {  # code: (name, symbol, digits, rate against the company's currency)
    "EUR": ("Euro", "€", 2, Decimal("1")),
    "USD": ("U.S. Dollar", "$", 2, Decimal("1.1")),
    "GBP": ("Pound Sterling", "£", 2, Decimal("0.85")),
    "CHF": ("Swiss Franc", "CHF", 2, Decimal("0.95")),
    "JPY": ("Yen", "¥", 0, Decimal("160")),
}


def create_currencies() -> None:
    """Create the currencies with one rate each, the company's own at 1."""
    Currency = Model.get("currency.currency")
    Rate = Model.get("currency.currency.rate")
    for code, (name, symbol, digits, rate) in CURRENCIES.items():
        currency = Currency(code=code, name=name, symbol=symbol, digits=digits)
        currency.rounding = Decimal(1).scaleb(-digits)
        currency.save()
        Rate(currency=currency, date=dt.date(2000, 1, 1), rate=rate).save()


def create_fiscal_years(company: object, years: list[int]) -> None:
    """Open whole calendar years, so that the data keeps working past New Year's Eve."""
    for year in years:
        fiscal_year = create_fiscalyear(company=company, today=dt.date(year, 7, 1))
        fiscal_year.start_date, fiscal_year.end_date = dt.date(year, 1, 1), dt.date(year, 12, 31)
        fiscal_year = set_fiscalyear_invoice_sequences(fiscal_year)
        for sequences in fiscal_year.invoice_sequences:  # numbers like 2026-1, unique over years
            sequences.out_invoice_sequence.prefix = f"{year}-"
            sequences.out_invoice_sequence.save()
        fiscal_year.click("create_period")


def create_payment_method(company: object) -> None:
    """Create a method of payment, so that invoices can be paid through the ERP's own wizard."""
    Journal = Model.get("account.journal")
    Method = Model.get("account.invoice.payment.method")
    (journal,) = Journal.find([("type", "=", "cash")], limit=1)
    cash = get_accounts(company)["cash"]
    method = Method(name="Gateway", company=company, journal=journal)
    method.credit_account = method.debit_account = cash
    method.save()


def create_statement_journals(company: object) -> None:
    """Create a statement journal per currency: a statement line books a payment of the gateway."""
    Journal, StatementJournal = Model.get("account.journal"), Model.get("account.statement.journal")
    Currency = Model.get("currency.currency")
    journal = Journal(name="Gateway", code="GW", type="statement")
    journal.save()
    cash = get_accounts(company)["cash"]
    for code in CURRENCIES:
        (currency,) = Currency.find([("code", "=", code)])
        StatementJournal(
            name=f"Gateway {code}",
            journal=journal,
            company=company,
            currency=currency,
            account=cash,
            validation="balance",
        ).save()


def create_taxes(company: object) -> None:
    """Two usual value added taxes, to be put on invoice lines."""
    for percent in (19, 7):
        tax = create_tax(Decimal(percent) / 100, company=company)
        tax.name = tax.description = f"VAT {percent}%"
        tax.save()


def create_product_category(company: object) -> None:
    """Create the accounting category that every sellable product needs."""
    Category = Model.get("product.category")
    accounts = get_accounts(company)
    category = Category(name="Goods", accounting=True)
    category.account_expense = accounts["expense"]
    category.account_revenue = accounts["revenue"]
    category.save()


def create_party_category() -> None:
    """Create the category that tells customers from the other parties."""
    Model.get("party.category")(name="Customer").save()


def give_all_groups(user_id: int) -> None:
    """Put the administrator into every group, accounting included."""
    User, Group = Model.get("res.user"), Model.get("res.group")
    user = User(user_id)
    have = {group.id for group in user.groups}
    for group in Group.find([]):
        if group.id not in have:
            user.groups.append(Group(group.id))
    user.save()


def create_application_key(database: str) -> str:
    """Create a validated REST application key of the administrator."""
    pool = Pool(database)
    with Transaction().start(database, 0) as transaction:
        (user,) = pool.get("res.user").search([("login", "=", "admin")])
        Application = pool.get("res.user.application")
        (application,) = Application.create([{"user": user.id, "application": "rest", "state": "validated"}])
        key = str(application.key)
        transaction.commit()
    return key


def main(config_file: str, database: str, password: str) -> None:
    """Create everything, then print token, company and login."""
    connection = config.set_trytond(database, user="admin", config_file=config_file)
    update_countries(get_countries())
    create_currencies()
    party = Model.get("party.party")(name=COMPANY)
    party.save()
    create_company(party=party, currency="EUR")
    company = get_company()
    User = Model.get("res.user")
    connection._context = User.get_preferences(True, connection.context)
    create_chart(company=company)
    this_year = dt.date.today().year
    create_fiscal_years(company, [this_year - 1, this_year, this_year + 1])
    create_payment_method(company)
    create_statement_journals(company)
    create_taxes(company)
    create_product_category(company)
    create_party_category()
    give_all_groups(connection.user)
    key = create_application_key(database)
    answer = {"token": key, "account": str(company.id), "user": "admin", "password": password}
    print(json.dumps(answer))


if __name__ == "__main__":
    main(*sys.argv[1:])
