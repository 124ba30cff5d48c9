"""Every kind of spec and its model: what a file may declare.

Invariant: the key by which a document is known is the kind's name, and stands first.
"""

from __future__ import annotations

from collections.abc import Mapping

from syncline_compiler.model.spec import CodesSpec, ObjectSpec, PackSpec, ProjectSpec, SyncSpec
from syncline_compiler.model.spec_event import EventSpec
from syncline_compiler.model.spec_identity import ModelSpec
from syncline_compiler.model.spec_policy import PolicySpec
from syncline_compiler.model.spec_scenario import ScenarioSpec
from syncline_compiler.model.spec_system import SystemSpec
from syncline_compiler.model.written import Written

KINDS: Mapping[str, type[Written]] = {
    "object": ObjectSpec,
    "system": SystemSpec,
    "codes": CodesSpec,
    "sync": SyncSpec,
    "event": EventSpec,
    "policy": PolicySpec,
    "scenario": ScenarioSpec,
    "model": ModelSpec,
}
"""What specs declare, each in a file of its own."""
FILES: Mapping[str, type[Written]] = {"syncline": ProjectSpec, "pack": PackSpec}
"""What the file of a project (``syncline.yaml``) and of a pack (``pack.yaml``) say; there is one of each."""
FOLDERS: Mapping[str, str] = {
    "object": "objects",
    "system": "systems",
    "codes": "codes",
    "sync": "syncs",
    "event": "events",
    "policy": "policies",
    "scenario": "scenarios",
    "model": "models",
}
"""Where specs of a kind usually lie; in packs they must."""
IMPORTED = ("object", "system", "codes", "policy")
"""The kinds that can be imported."""
