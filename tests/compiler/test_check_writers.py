"""Two syncs over the same records."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import pytest

from syncline_compiler.pipeline import Compilation

Check = Callable[[Mapping[str, str]], Compilation]

FILES = {
    "objects/refund.yaml": (
        "object: refund\nversion: 1.0.0\nfields: {reference: {type: text(80), required: true}}\n"
        "identity: [{same: [reference]}]\n"
    ),
    "syncs/refund.yaml": (
        "sync: refund\nobject: refund\nmembers: {crm: crm.Account}\nexists: {originate: [crm]}\nowners: {'*': crm}\n"
    ),
}


@pytest.mark.parametrize(
    ("ours", "line", "apart"),
    [
        ("", "reference <-> name", False),
        ("", "reference <- name", True),
        ('take when status == "New"', "reference <-> name", False),
        ('take when status == "Open"', "reference <-> name", True),
        ('take when status in ("New", "Closed")', "reference <-> name", False),
    ],
)
def test_two_syncs(check: Check, ours: str, line: str, apart: bool) -> None:
    theirs = (
        'mapping crm.Account <-> account\ntake when status != "Open"\nname <-> name\nemail <-> email | email\n'
        "country <-> country | country\nstatus <-> status | code crm_account_status\n"
        "credit_limit <-> money(credit_limit, currency)\n"
    )
    mappings = {
        "mappings/crm_account.map": theirs,
        "mappings/crm_refund.map": f"mapping crm.Account <-> refund\n{ours}\n{line}\n",
    }
    found = list(check({**FILES, **mappings}).diagnostics)
    assert [one.code for one in found] == ([] if apart else ["SYN0510"])
    if not apart:
        assert found[0].label == "the sync `refund` writes `name` here"


def test_one_mapping_in_two_syncs(check: Check) -> None:
    """Both write by the same lines, so that the member is shown, not a line."""
    second = "sync: zz\nobject: account\nmembers: {crm: crm.Account}\nexists: {originate: [crm]}\nowners: {'*': crm}\n"
    (found,) = check({"syncs/zz.yaml": second}).diagnostics
    assert (found.code, found.span.path) == ("SYN0510", "syncs/zz.yaml")
    assert [span.path for span, _ in found.secondary] == ["syncs/account.yaml"]
