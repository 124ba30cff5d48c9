"""Closed lists of native values: what is compared with them, and what is written."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import pytest

from syncline_compiler.pipeline import Compilation
from syncline_compiler.source import SourceFile

Check = Callable[[Mapping[str, str]], Compilation]
Template = dict[str, SourceFile]

CRM, CRM_MAP, CODES = "systems/crm.yaml", "mappings/crm_account.map", "codes/crm_account_status.yaml"
STATUS = "status       <-> status | code crm_account_status"


@pytest.mark.parametrize(
    ("statement", "wrong"),
    [
        ('take when status == "Open"', None),
        ('take when status == "open"', "open"),
        ('take when status != "Gone"', "Gone"),
        ('take when status in ("New", "Opened")', "Opened"),
        ('take when "Open" == status', None),
        ('reject when not (status == "Shut") because "x"', "Shut"),
        ('let shut = status == "Shut"\nreject when shut because "x"', "Shut"),
        ('take when name == "Anything"', None),
        ('take when (status | lower) == "open"', None),  # what a step makes of it is another matter
    ],
)
def test_conditions(statement: str, wrong: str | None, check: Check, template: Template) -> None:
    mapping = template[CRM_MAP].text.replace("name         <-> name", f"{statement}\nname         <-> name")
    found = [(one.code, one.label) for one in check({CRM_MAP: mapping}).diagnostics]
    assert found == ([("SYN0717", f"`{wrong}` is no value of `crm.Account.status`")] if wrong else [])


@pytest.mark.parametrize(
    ("line", "wrong"),
    [
        ('status <- status | code crm_account_status\n"Open" -> status', None),
        ('status <- status | code crm_account_status\n"open" -> status', "`open`"),
        (
            'status <- status | code crm_account_status\ncase when name == "x" then "Open" else "Shut" end -> status',
            "`Shut`",
        ),
    ],
)
def test_what_is_written(line: str, wrong: str | None, check: Check, template: Template) -> None:
    found = [one.label for one in check({CRM_MAP: template[CRM_MAP].text.replace(STATUS, line)}).diagnostics]
    assert found == ([f"{wrong} is no value of `crm.Account.status`"] if wrong else [])


def test_a_code_that_the_system_does_not_take(check: Check, template: Template) -> None:
    """Several natives of one meaning are well as long as the one that is written is known."""
    table = template[CODES].text.replace("  Closed: closed\n", "  Closed: closed\n  Shut: closed\n")
    assert [one.code for one in check({CODES: table + "inverse: {closed: Closed}\n"}).diagnostics] == []
    (found,) = check({CODES: table + "inverse: {closed: Shut}\n"}).diagnostics
    assert found.label == "`crm_account_status` gives `Shut`, which is no value of `crm.Account.status`"
