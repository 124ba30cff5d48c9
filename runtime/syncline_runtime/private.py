"""Which native fields hold personal data: what is told of them is masked.

In: a release. Out: names. A field is private by its system, or by a canonical field that is private and whose line names it.
"""

from __future__ import annotations

import re

from syncline_runtime.plan import Release


def private_natives(release: Release, sync: str, connection: str, resource: str) -> set[str]:
    """Name the private native fields of a resource, by what its system says of them and by what a sync maps them to."""
    plan = release.plans.get(sync)
    if connection not in release.index.connections:
        return set()
    fields = release.system_of(connection).resource(resource).fields
    found = {field.name for field in fields if field.pii}
    if plan is None or all(member.connection != connection for member in plan.members):
        return found
    pii = {field.name for field in plan.fields if field.pii}
    member = plan.member(connection)
    lines = "\n".join(slot.line for slot in member.slots if slot.name in pii)
    names = {*member.natives, *(field.name for field in fields)}
    return found | {name for name in names if re.search(rf"(?<!\w){re.escape(name)}(?!\w)", lines)}
