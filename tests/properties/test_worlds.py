"""Laws of whole runs, on random worlds: edits anywhere, lost answers, refusals, interrupted deliveries.

Checked at the far sides: an unchanged second run sends nothing; every member that maps a field for write agrees with its
owner; at most one live record per canonical record and member; `plan` lists exactly what `run` then writes; the state is
what its segments fold to.
"""

from __future__ import annotations

import itertools
import json
import tempfile
from collections import Counter
from pathlib import Path
from typing import Any
from urllib.request import ProxyHandler, Request, build_opener

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from support.engine import release_of
from syncline_runtime import Options, plan_release, run_release
from syncline_runtime.plan import Release
from syncline_runtime.sandbox import serve
from syncline_runtime.upkeep.integrity import verify_state
from syncline_runtime.upkeep.session import Place

TEMPLATE = Path(__file__).parents[2] / "compiler" / "syncline_compiler" / "project_template"
DIRECT = build_opener(ProxyHandler({}))

CRM_STATUS = {"New": "P", "Open": "A", "Closed": "X"}
names = st.sampled_from(["Ada", "Bolt AG", "  Céline  &  Søn ", 'D\'Arcy "&" Co; --', "日本"])
emails = st.sampled_from([None, "a@x.example", "b@x.example", "c@x.example"])
amounts = st.sampled_from([None, "0.00", "12.50", "99999.99"])
edits = st.one_of(
    st.tuples(st.just("crm"), st.sampled_from(["a1", "a2", "a3"]), st.fixed_dictionaries({"name": names})),
    st.tuples(st.just("crm"), st.sampled_from(["a1", "a2", "a3"]), st.fixed_dictionaries({"status": st.sampled_from(sorted(CRM_STATUS))})),
    st.tuples(st.just("crm"), st.sampled_from(["a1", "a2"]), st.fixed_dictionaries({"credit_limit": amounts, "currency": st.just("EUR")})),
    st.tuples(st.just("erp"), st.integers(0, 3), st.fixed_dictionaries({"title": names})),
    st.tuples(st.just("erp"), st.integers(0, 3), st.fixed_dictionaries({"credit": amounts, "currency": st.just("EUR")})),
    st.tuples(st.just("crm"), st.none(), st.fixed_dictionaries({"name": names, "status": st.just("Open"), "email": emails})),
)  # fmt: skip
faults = st.lists(
    st.tuples(
        st.sampled_from(["crm", "erp"]),
        st.sampled_from(["create", "update"]),
        st.sampled_from(["500_after", "500_before", "reset_after", "429"]),
    ),
    max_size=3,
)  # fmt: skip


@pytest.fixture(scope="module")
def release(tmp_path_factory: pytest.TempPathFactory) -> Release:
    return release_of(TEMPLATE, tmp_path_factory.mktemp("worlds") / "release")


class World:
    """The stand-ins as somebody who works in them sees them."""

    def __init__(self, url: str) -> None:
        self.url = url

    def records(self, system: str, resource: str) -> list[dict[str, Any]]:
        answer = DIRECT.open(f"{self.url}/_records/{system}/{resource}")
        found = json.loads(answer.read())
        return found["records"] if isinstance(found, dict) else found

    def edit(self, system: str, which: str | int | None, natives: dict[str, Any]) -> None:
        resource, key = ("Account", "id") if system == "crm" else ("Partner", "code")
        if which is None:
            self._send("POST", f"{system}/{resource}", natives)
            return
        there = [one[key] for one in self.records(system, resource)]
        if isinstance(which, int):
            if which >= len(there):
                return
            which = there[which]
        self._send("PATCH", f"{system}/{resource}/{which}", natives)

    def _send(self, method: str, path: str, natives: dict[str, Any]) -> None:
        request = Request(
            f"{self.url}/_records/{path}",
            json.dumps(natives).encode(),
            {"Content-Type": "application/json"},
            method=method,
        )
        DIRECT.open(request).read()


def writes_of(result: Any) -> Counter[tuple[str, str, str]]:
    return Counter((w.connection, w.resource, w.operation) for w in result.changes.writes)


@settings(
    max_examples=3, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture]
)
@given(rounds=st.lists(st.lists(edits, max_size=4), min_size=1, max_size=3), trouble=faults)
def test_runs_converge_and_then_rest(
    release: Release, rounds: list[list[Any]], trouble: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    with tempfile.TemporaryDirectory() as folder, serve(release.systems) as sandbox:
        monkeypatch.setenv("SYNCLINE_SANDBOX_URL", sandbox.url)
        world, options = World(sandbox.url), Options(state=Path(folder) / "state")
        run_release(release, "sandbox", options)
        for number, changes in enumerate(rounds):
            for system, which, natives in changes:
                world.edit(system, which, natives)
            if number == len(rounds) - 1:
                for system, operation, fault in trouble:
                    sandbox.fault(system, fault, operation=operation)
            planned = plan_release(release, "sandbox", options)
            before = len(sandbox.log)
            done = run_release(release, "sandbox", options)
            assert writes_of(planned) == writes_of(done)
            assert len(sandbox.log) - before >= len(done.changes.writes)
            if not trouble:
                agree(world)
        for stand_in in sandbox.stand_ins.values():
            stand_in.faults.clear()
        run_release(release, "sandbox", options)
        before = len(sandbox.log)
        last = run_release(release, "sandbox", options)
        assert (last.changes.writes, len(sandbox.log)) == ((), before)
        agree(world)
        assert verify_state(Place(release, release.binding("sandbox"), options.state))["differing"] == []


def agree(world: World) -> None:
    """Every account of the CRM has exactly one partner, and both show what the owners say."""
    accounts, partners = world.records("crm", "Account"), world.records("erp", "Partner")
    doubled = {email for email, n in Counter(a["email"] for a in accounts).items() if n > 1 and email}
    clear = [a for a in accounts if a["email"] not in doubled]
    key = lambda text: " ".join(text.split())  # noqa: E731 - the name's form
    wanted = Counter((key(a["name"]), CRM_STATUS[a["status"]], a["country"]) for a in clear)
    shown = Counter((key(p["title"]), p["state"], p["country_code"]) for p in partners)
    assert not wanted - shown, (wanted - shown, shown)
    assert all(n <= wanted[one] + len(doubled) * 9 for one, n in shown.items() if one in wanted)
    by_email = {p["mail"]: p for p in partners if p["mail"]}
    for account, _ in itertools.product(clear, range(1)):
        partner = by_email.get(account["email"])
        if partner is not None:
            assert account["credit_limit"] == partner["credit"]
