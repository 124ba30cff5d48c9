"""`T~`: native fields that may be missing from what is read."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import pytest

from syncline_compiler.pipeline import Compilation
from syncline_compiler.source import SourceFile

Check = Callable[[Mapping[str, str]], Compilation]


def over(template: Mapping[str, SourceFile], **changes: str) -> dict[str, str]:
    """Give the template's CRM with types of fields changed (field=new type)."""
    text = template["systems/crm.yaml"].text
    for name, (old, new) in {name: change.split(" to ") for name, change in changes.items()}.items():
        assert f"{name}: {old}" in text
        text = text.replace(f"{name}: {old}", f"{name}: {new}")
    return {"systems/crm.yaml": text}


def said(compilation: Compilation) -> list[tuple[str, str]]:
    return [(d.code, str(d.label)) for d in compilation.diagnostics]


@pytest.mark.parametrize("change", [{"email": "text to text~"}, {"name": "{type: text(80) to {type: text(80)~"}])
def test_what_may_be_empty_or_is_required_may_be_missing(
    check: Check, template: dict[str, SourceFile], change: dict[str, str]
) -> None:
    assert said(check(over(template, **change))) == []


@pytest.mark.parametrize(("presence", "found"), [("", ["SYN0302"]), ("~", []), ("?", [])])
def test_what_is_always_there_may_not(
    check: Check, template: dict[str, SourceFile], presence: str, found: list[str]
) -> None:
    """`name` as the CRM's own; the ERP only reads it, so that nothing but presence is at stake."""
    item = template["objects/account.yaml"].text
    named = item.replace(
        "name: {type: text(80), form: squash, required: true", f'name: {{type: "text(80){presence}", form: squash'
    )
    files = over(template, name="{type: text(80) to {type: text(80)~") | {"objects/account.yaml": named}
    files["mappings/erp_partner.map"] = template["mappings/erp_partner.map"].text.replace(
        "name         <-> title", '"-" -> title'
    )
    files["mappings/crm_account.map"] = template["mappings/crm_account.map"].text.replace("<-> name", "<- name")
    assert [code for code, _ in said(check(files))] == found


def test_an_id_is_never_missing(check: Check, template: dict[str, SourceFile]) -> None:
    assert said(check(over(template, id="{type: text, to {type: text~,"))) == [
        ("SYN0008", "an id is never missing: without it nothing tells records apart")
    ]


def test_a_clock_is_never_missing(check: Check, template: dict[str, SourceFile]) -> None:
    sync = template["syncs/account.yaml"].text.replace(
        "credit_limit: erp #", "credit_limit: {by: newest, clock: {crm: updated_at, erp: write_date}} #"
    )
    files = over(template, updated_at="{type: instant, to {type: instant~,") | {"syncs/account.yaml": sync}
    assert [code for code, _ in said(check(files))] == ["SYN0503"]
