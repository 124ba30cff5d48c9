"""Environments for trial and live ones, and the addresses of systems."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import pytest

from syncline_compiler.pipeline import Compilation
from syncline_compiler.source import SourceFile

Check = Callable[[Mapping[str, str]], Compilation]
Template = dict[str, SourceFile]

ERP = "erp: {origin: https://erp.example.com, credential: {key: 'env:ERP_KEY'}}"
LIVE = "https://crm.example.com"
TEST = "https://acme.crm.example.net/t"


def crm(origin: str = LIVE, token: str = "env:CRM_TOKEN", more: str = "") -> str:
    return f"crm: {{origin: '{origin}', credential: {{token: '{token}'}}{more}}}"


def said(check: Check, template: Template, *, origins: str | None = None, **environments: str) -> list[tuple[str, str]]:
    project = "syncline: 1\nproject: p\nenvironments:\n" + "".join(
        f"  {name}: {{{bound}}}\n" for name, bound in environments.items()
    )
    system = template["systems/crm.yaml"].text
    probe = "environment: {request: {path: /me}, at: mode}\nresources:"
    system = system.replace("resources:", f"origins: {origins}\n{probe}" if origins else probe, 1)
    found = check({"syncline.yaml": project, "systems/crm.yaml": system}).diagnostics
    return [(one.code, f"{one.span.line}:{one.label}") for one in found]


def codes(check: Check, template: Template, **more: str) -> list[str]:
    return [code for code, _ in said(check, template, **more)]


def test_separate_environments_are_well(check: Check, template: Template) -> None:
    trial = f"{crm(TEST, 'env:TRIAL')}, erp: {{stand_in: true}}"
    assert codes(check, template, trial=trial, production=f"{crm()}, {ERP}") == []


def test_a_secret_that_the_live_environment_has_too(check: Check, template: Template) -> None:
    trial = f"{crm(TEST)}, erp: {{stand_in: true}}"
    found = said(check, template, trial=trial, production=f"{crm()}, {ERP}")
    assert found == [("SYN0805", "4:`production` has the same, and there it is the live system")]


def test_one_that_must_prove_to_be_no_live_one(check: Check, template: Template) -> None:
    trial = f"{crm(more=', environment: test')}, {ERP}"
    live = f"{crm(more=', environment: live')}, {ERP}"
    assert codes(check, template, trial=trial, real=live) == ["SYN0805"]
    assert codes(check, template, trial=trial, real=f"{crm(more=', environment: test')}, {ERP}") == []


@pytest.mark.parametrize(
    "live",
    [
        {"production": f"{crm()}, erp: {{stand_in: true}}"},
        {"a": f"{crm(more=', environment: Live')}, erp: {{stand_in: true}}"},
        {"a": f"{crm()}, erp: {{stand_in: true}}", "origins": f"{{live: ['{LIVE}'], test: ['{TEST}']}}"},
    ],
)
def test_the_live_system_beside_a_stand_in(check: Check, template: Template, live: dict[str, str]) -> None:
    assert said(check, template, **live) == [("SYN0805", "4:`crm` is the live system here, beside a stand-in")]


@pytest.mark.parametrize(
    ("origin", "more", "fits"),
    [
        (LIVE, "", True),
        (f"{LIVE}/eu", "", True),
        ("https://crm.example.com.evil.test", "", False),
        ("https://xcrm.example.com", "", False),
        ("http://crm.example.com", "", False),
        ("https://crm.example.com:8443", "", False),
        ("https://acme.crm.example.net/t/x", "", True),
        ("https://acme.crm.example.net/tt", "", False),
        ("https://crm.example.net/t", "", False),
        ("https://acmecrm.example.net/t", "", False),
        ("env:CRM_URL", "", True),
        (LIVE, ", environment: test", False),
        (TEST, ", environment: test", True),
        (TEST, ", environment: unheard_of", True),
    ],
)
def test_origins(check: Check, template: Template, origin: str, more: str, fits: bool) -> None:
    known = f"{{live: ['{LIVE}'], test: ['https://*.crm.example.net/t']}}"
    found = codes(check, template, origins=known, a=f"{crm(origin, more=more)}, {ERP}")
    assert found == ([] if fits else ["SYN0806"])


@pytest.mark.parametrize("key", ["origin: 'https://x'", "credential: {token: 'env:T'}", "account: acme"])
def test_a_stand_in_needs_nothing_else(check: Check, template: Template, key: str) -> None:
    found = codes(check, template, trial=f"crm: {{stand_in: true, {key}}}, erp: {{stand_in: true}}")
    assert found == ["SYN0807"]
