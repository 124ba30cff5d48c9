"""Values that people give: only such as the field's type may hold."""

from __future__ import annotations

from pathlib import Path

import pytest

from runtime.test_deletions import FILES, SYNC
from support.world import World, world
from syncline_runtime.errors import UsageError
from syncline_runtime.exception_actions import Act
from syncline_runtime.exception_decision import Choice, decide
from syncline_runtime.ledger import NewException
from syncline_runtime.upkeep.session import opened_ledger, under_lease

FIELDS = """name: {type: "text(8)?", label: Name}
          land: {type: "country?", label: Land}
          mail: {type: "email?", label: Mail}
          count: {type: "int?", label: Count}"""
NATIVES = "key: {type: text, required: true}, name: text, land: text, mail: text, count: int, "


def files() -> dict[str, str]:
    made = {name: text.replace('name: {type: "text?", label: Name}', FIELDS) for name, text in FILES.items()}
    made = {
        name: text.replace("key: {type: text, required: true}, name: text, ", NATIVES) for name, text in made.items()
    }
    more = "name <-> name\nland <-> land | country\nmail <-> mail | email\ncount <-> count\n"
    return {name: text.replace("name <-> name\n", more) for name, text in made.items()} | {
        "sync.yaml": SYNC.replace("RULE", "review")
    }


def told(made: World, field: str) -> int:
    """Put a field of the one record before people."""
    with under_lease(made.place) as at:
        begun = at.ledger.runs.begin(at.lease, made.release.hash, "", ["rec"])
        cid = at.state.scalar('SELECT canonical_id FROM "links:all" LIMIT 1')
        one = NewException(
            "rec", "rec", "b", "Rec", f"review {field}", "SYN5011", "conflict", "?", canonical_id=cid, field=field
        )
        at.ledger.exceptions.add(at.lease, begun.id, [one])
        at.ledger.runs.close(at.lease, begun.id, "done", 0, {})
    with opened_ledger(made.place) as ledger:
        return max(one.id for one in ledger.exceptions.find())


@pytest.mark.parametrize(
    ("field", "value", "why"),
    [
        ("status", "clsoed", "it is one of open, closed; did you mean closed?"),
        ("status", None, "status is required"),
        ("name", "much too long", "13 characters are more than 8"),
        ("land", "Germany", "two capital letters"),
        ("mail", "ada", "ada@example.com"),
        ("count", "many", "does not fit count, which is BIGINT"),
        ("status", "closed", None),
        ("land", "DE", None),
        ("name", None, None),
    ],
)
def test_only_what_the_type_may_hold(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, field: str, value: str | None, why: str | None
) -> None:
    with world(tmp_path, monkeypatch, files()) as made:
        made.add("a", key="k0", name="n0", status="O")
        made.run()
        asked = told(made, field)
        if why is None:
            assert decide(made.place, Act((asked,), "ann"), Choice(value=value))["field"] == field
        else:
            with pytest.raises(UsageError, match=why.replace("?", ".")):
                decide(made.place, Act((asked,), "ann"), Choice(value=value))
