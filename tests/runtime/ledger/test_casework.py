from __future__ import annotations

from runtime.ledger.bench import SECOND, Bench, intent, trouble
from syncline_runtime.ledger import ExceptionRecord, Failure


def begin(bench: Bench, *faults: object) -> list[ExceptionRecord]:
    bench.start()
    bench.seal(exceptions=faults or [trouble()])
    return bench.ledger.exceptions.find()


def test_everything_that_people_do_leaves_a_note(bench: Bench) -> None:
    (one,) = begin(bench)
    work = bench.ledger.casework
    work.assign([one], "ada", "bob", "you know them")
    work.note(one, "reveal", "ada", "the customer called")
    work.waive([one], "ada", "a test customer")
    work.close([one], "ada", "deleted there")
    said = [(note.action, note.by, note.text) for note in work.notes(one.id)]
    assert said == [
        ("assign", "bob", "to ada: you know them"),
        ("reveal", "ada", "the customer called"),
        ("waive", "ada", "a test customer"),
        ("resolve", "ada", "deleted there"),
    ]
    (now,) = bench.ledger.exceptions.get([one.id])
    assert (now.state, now.assignee, now.owner) == ("resolved", "ada", one.owner)
    assert work.close([one], "ada", "again") == 0, "what is over stays so"


def test_words_stand_among_the_values_only(bench: Bench) -> None:
    (one,) = begin(bench)
    bench.ledger.casework.close([one], "ada", "Grace moved to Ulm")
    assert bench.tables_with("Ulm") == {"payload"}


def test_an_assignment_outlives_sightings_and_is_found(bench: Bench) -> None:
    (one, _) = begin(bench, trouble(), trouble("n2"))
    bench.ledger.casework.assign([one], "ada", "ada")
    bench.next_run()
    bench.seal(exceptions=[trouble()])
    assert [(each.state, each.count) for each in bench.ledger.exceptions.find(assignee="ada")] == [("assigned", 2)]


def test_a_waiver_ends_when_its_time_is_over(bench: Bench) -> None:
    first, second = begin(bench, trouble(), trouble("n2"))
    bench.ledger.casework.waive([first], "ada", "until they answer", bench.clock.now + 90 * SECOND)
    bench.ledger.casework.waive([second], "ada", "for ever")
    bench.next_run()
    assert bench.ledger.exceptions.end_waivers(bench.lease) == 0
    bench.next_run()
    assert bench.ledger.exceptions.end_waivers(bench.lease) == 1
    assert [one.id for one in bench.ledger.exceptions.find()] == [first.id]


def test_a_retry_ends_what_was_refused_and_counts_stay_as_they_were(bench: Bench) -> None:
    bench.start()
    bench.seal(intent())
    claim = bench.send(bench.claim()[0])
    bench.ledger.outbox.fail(bench.lease, claim, Failure("rejected", "validation"))
    met = trouble("", code="SYN5401", connection="erp", field="", canonical_id="c1")
    bench.ledger.exceptions.add(bench.lease, bench.run.id, [met])
    assert len(bench.ledger.intents.last_refusals()) == 1
    bench.ledger.casework.retry(bench.ledger.exceptions.find(), "ada")  # while the run is still under way
    assert bench.ledger.intents.last_refusals() == {}
    bench.next_run()
    closed = [
        one for run in bench.ledger.runs.last() for one in bench.ledger.runs.counts(run.id) if one.name == "waived"
    ]
    assert [one.value for one in closed] == [1]
    assert ("account", "c1") in bench.ledger.intents.open_work()


def test_what_waits_for_another_record_says_so(bench: Bench) -> None:
    (one,) = begin(bench, trouble(waits_for=("account", "A-1")))
    assert one.state == "waiting"
    assert bench.ledger.exceptions.values(one.id) == {"waits_for": ["account", "A-1"]}
