"""`syncline exceptions` as it is typed: what it prints, what it refuses, and how it exits."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from runtime.test_contained_failures import FILES
from support.world import World, world
from syncline_runtime.cli_exceptions import exceptions
from syncline_runtime.errors import UsageError
from syncline_runtime.tell_exceptions import tell_list


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    with world(tmp_path, monkeypatch, FILES) as made:
        for number in range(7):
            made.add("a", name=f"N{number}", mail=f"n{number}@example.com", phone="none")
        made.run()
        yield made


def type_in(shop: World, *words: str) -> tuple[int, str]:
    """Run a command; gives how it exits and what it prints. What it refuses is raised."""
    done = CliRunner().invoke(exceptions, [*words, *shop.words], standalone_mode=False)
    if done.exception is not None:
        raise done.exception
    return int(done.return_value), done.output


def as_json(shop: World, *words: str) -> dict[str, Any]:
    answer: dict[str, Any] = json.loads(type_in(shop, *words, "--format", "json")[1])
    return answer


def test_without_a_command_it_lists_and_one_fault_is_one_group(shop: World) -> None:
    code, text = type_in(shop)
    assert code == 0
    assert "7 records wait for 1 reason" in text
    assert text.count("correlation id") == 5
    assert "… and 2 more" in text
    assert type_in(shop, "--each")[1].count("correlation id") == 7
    listed = as_json(shop, "rec", "--category", "validation")
    assert (len(listed["exceptions"]), [group["records"] for group in listed["groups"]]) == (7, [7])
    for words in (("bill",), ("--field", "name"), ("--status", "waived"), ("--owner", "b"), ("--code", "SYN5001")):
        assert as_json(shop, *words)["exceptions"] == [], words


def test_a_record_with_two_faults_is_one_record(shop: World, capsys: pytest.CaptureFixture[str]) -> None:
    document = as_json(shop)
    again = document["exceptions"][0] | {"id": 99, "code": "SYN5002"}
    group = document["groups"][0] | {"code": "SYN5002", "ids": [99], "records": 1}
    both = {**document, "exceptions": [*document["exceptions"], again], "groups": [*document["groups"], group]}
    tell_list(both, each=False)
    assert "7 records wait for 2 reasons" in capsys.readouterr().out


def test_a_group_is_given_to_somebody_waived_and_closed(shop: World) -> None:
    assert type_in(shop, "assign", "1", "--to", "ada", "--group", "--by", "bob")[0] == 0
    assert len(as_json(shop, "--assignee", "ada", "--status", "assigned")["exceptions"]) == 7
    code, text = type_in(shop, "waive", "1", "2", "--reason", "test customers", "--until", "2099-01-01")
    assert (code, text.count("waived until 2099-01-01")) == (0, 2)
    assert len(as_json(shop)["exceptions"]) == 5
    assert type_in(shop, "resolve", "3", "--note", "told sales")[0] == 0
    code, text = type_in(shop, "show", "3")
    assert "bob: assign: to ada" in text
    assert "resolve: told sales" in text
    assert {one["state"] for one in as_json(shop, "--all")["exceptions"]} == {"assigned", "waived", "resolved"}


def test_a_retry_runs_and_says_what_became_of_it(shop: World) -> None:
    first = shop.records("a")[0]["id"]
    shop.edit("a", first, phone="1")
    code, text = type_in(shop, "retry", "1", "--group")
    assert (code, text.count("still there")) == (1, 6)
    assert text.count("resolved") == 1
    assert len(shop.records("b")) == 1


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("show", "99"), "no exception 99"),
        (("show", "1", "--reveal"), "for a reason only"),
        (("resolve", "1"), "what was done"),
        (("edit", "1"), "one exception and one value"),
        (("edit", "1", "--value", "x"), "not known yet"),
        (("link", "1"), "one exception"),
        (("waive", "1", "--reason", "x", "--until", "2020-01-01"), "has passed"),
    ],
)
def test_what_does_not_fit_is_refused_and_changes_nothing(shop: World, words: tuple[str, ...], says: str) -> None:
    before = as_json(shop)
    with pytest.raises(UsageError, match=says) as refused:
        type_in(shop, *words)
    assert (refused.value.exit_code, bool(refused.value.mend)) == (2, True)
    assert as_json(shop) == before
