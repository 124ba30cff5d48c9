"""Units: a number that is only read, rounded or written keeps its unit; one that is reckoned with may have another."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import pytest

from syncline_compiler.pipeline import Compilation
from syncline_compiler.source import SourceFile

Check = Callable[[Mapping[str, str]], Compilation]
Template = dict[str, SourceFile]
CRM, CRM_MAP, ACCOUNT = "systems/crm.yaml", "mappings/crm_account.map", "objects/account.yaml"


@pytest.mark.parametrize(
    ("line", "differs"),
    [
        ("weight <-> weight_g", True),
        ("weight <-  weight_g", True),
        ("weight <-  weight_g ?? 0", True),
        ("weight <-  weight_g | abs", True),
        ("weight <-  weight_text | int else null", True),
        ("weight <-> weight_kg", False),
        ("weight <-> weight_any", False),  # nothing is said
        ("weight <-  weight_g * 1000", False),
        ("weight -> weight_g", True),
        ("weight * 1000 -> weight_g", False),
        ("size   <-> weight_g", False),
    ],
)
def test_units_differ(line: str, differs: bool, check: Check, template: Template) -> None:
    system = template[CRM].text.replace(
        "      updated_at:",
        "      weight_g: {type: int, unit: g}\n      weight_kg: {type: int, unit: kg}\n      weight_any: int\n"
        "      weight_text: {type: text, unit: g}\n      updated_at:",
        1,
    )
    account = template[ACCOUNT].text.replace(
        "\nidentity:", '\n  weight: {type: "int?", unit: kg}\n  size: int?\n\nidentity:'
    )
    read = "" if "weight <" in line else "weight <- weight_kg\n"
    mapping = f"{template[CRM_MAP].text}{read}{line}\n"
    found = [(one.code, one.span.line) for one in check({CRM: system, ACCOUNT: account, CRM_MAP: mapping}).diagnostics]
    assert found == ([("SYN0316", mapping.count("\n"))] if differs else [])
