"""A large project, generated: N mappings of 20 fields, two to an object, ten resources to a system.

Names and lines differ from object to object, as they do in companies; nothing is random, so that runs compare.
"""

from __future__ import annotations

from pathlib import Path

FIELDS = 20
RESOURCES = 10  # of one system
WORDS = (
    "name", "tax", "street", "city", "region", "country", "email", "website", "status", "amount", "balance", "limit",
    "opened", "changed", "segment", "rating", "language", "reference", "note", "channel", "terms", "account", "branch",
)  # fmt: skip
# canonical type (and form), native type, steps of the line
KINDS = (
    ("{type: 'text(80)?', label: %s}", "text(80)", ""),
    ("{type: 'text(40)?', form: upper, label: %s}", "text(40)", " | upper"),
    ("{type: 'email?', label: %s}", "text(120)", " | email"),
    ("{type: 'country?', label: %s}", "text(2)", " | country"),
    ("{type: 'decimal(12,2)?', label: %s}", '"decimal(12,2)"', ""),
    ("{type: 'date?', label: %s}", "date", ""),
    ("{type: 'instant?', label: %s}", "instant", ""),
    ("{type: 'int?', label: %s}", "int", ""),
    ("{type: 'bool?', label: %s}", "bool", ""),
    ("{type: 'text(60)?', form: squash, label: %s}", "text(60)", " | squash"),
)


def write_large_project(folder: Path, mappings: int) -> None:
    """Write the project's files into a folder."""
    systems: dict[int, list[str]] = {}
    for number in range(mappings):
        systems.setdefault(system_of(number, mappings), []).append(_resource(number))
    names = ", ".join(f"s{number}: {{stand_in: true}}" for number in systems)
    write_file(folder, "syncline.yaml", f"syncline: 1\nproject: large\nenvironments:\n  test: {{{names}}}\n")
    for number, resources in systems.items():
        head = f"system: s{number}\nversion: 1.0.0\nlabel: System {number}\nprotocol: rest\nauth: {{kind: bearer}}\n"
        write_file(folder, f"systems/s{number}.yaml", head + "resources:\n" + "".join(resources))
    for number in range(mappings):
        write_file(folder, f"mappings/m{number}.map", _mapping(number, mappings))
    for number in range((mappings + 1) // 2):
        write_file(folder, f"objects/o{number}.yaml", _object(number))
        write_file(folder, f"syncs/o{number}.yaml", _sync(number, mappings))


def system_of(mapping: int, mappings: int) -> int:
    """Give the system whose resource a mapping reads."""
    return mapping % max(2, mappings // RESOURCES)


def word(object_: int, field: int) -> str:
    """Give the name of a canonical field."""
    return f"{WORDS[(object_ * 7 + field * 3) % len(WORDS)]}_{field}"


def native(mapping: int, field: int) -> str:
    """Give the name of a native field."""
    return f"{word(mapping // 2, field).title().replace('_', '')}{'__c' if mapping % 3 else ''}"


def kind(object_: int, field: int) -> int:
    """Give the place of a field's kind among the kinds."""
    return (object_ + field) % len(KINDS)


def _object(number: int) -> str:
    lines = [f"  {word(number, i)}: {KINDS[kind(number, i)][0] % f'Field {i}'}" for i in range(FIELDS)]
    lines.insert(0, '  key: {type: "text(40)", required: true, label: Key}')
    fields = "\n".join(lines)
    return f"object: o{number}\nversion: 1.0.0\nlabel: Object {number}\nfields:\n{fields}\nidentity:\n  - same: [key]\n"


def _resource(number: int) -> str:
    fields = "".join(f"      {native(number, i)}: {KINDS[kind(number // 2, i)][1]}\n" for i in range(FIELDS))
    write = f"{{method: POST, path: /r{number}}}, idempotency: {{header: Idempotency-Key, keeps: 24h}}"
    return (
        f"  R{number}:\n    id: id\n    fields:\n      id: {{type: text, write: false}}\n"
        f"      Key: {{type: text(40), required: true}}\n{fields}"
        f"    list: {{request: {{path: /r{number}}}}}\n    get: {{path: '/r{number}/{{id}}'}}\n    create: {{request: {write}}}\n"
        f"    update: {{request: {{method: PATCH, path: '/r{number}/{{id}}'}}}}\n"
    )


def _mapping(number: int, mappings: int) -> str:
    lines = [f"{word(number // 2, i)} <-> {native(number, i)}{KINDS[kind(number // 2, i)][2]}\n" for i in range(FIELDS)]
    return f"mapping s{system_of(number, mappings)}.R{number} <-> o{number // 2}@1\n\nkey <-> Key\n{''.join(lines)}"


def _sync(number: int, mappings: int) -> str:
    members = [n for n in (2 * number, 2 * number + 1) if n < mappings]
    listed = ", ".join(f"s{system_of(n, mappings)}: s{system_of(n, mappings)}.R{n}" for n in members)
    first = f"s{system_of(members[0], mappings)}"
    return (
        f"sync: o{number}\nobject: o{number}@1\nmembers: {{{listed}}}\nexists:\n  originate: [{first}]\n"
        f"owners: {{'*': {first}}}\n"
    )


def write_file(folder: Path, name: str, text: str) -> None:
    """Write a file and the folders it lies in."""
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
