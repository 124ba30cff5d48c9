"""Sending many records in one request, and taking the answer apart row by row.

In: a write contract with a batch, and what each row sends. Out: one outcome per row, in their order.
Invariants: a row is written only where its own answer says so; a row without an answer that can be told to be its own is
ambiguous; what is refused as a whole says so, and how many rows it was.
"""

from __future__ import annotations

import dataclasses
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from syncline_runtime.connectors import failures, jsontext, rest
from syncline_runtime.connectors.failures import Asked
from syncline_runtime.connectors.http import Answer, HttpClient
from syncline_runtime.connectors.jsontext import as_text
from syncline_runtime.connectors.merged_answers import refuse_merged
from syncline_runtime.connectors.results import Written
from syncline_runtime.connectors.templates import ABSENT, fill, read_path
from syncline_runtime.connectors.writing import Sending, known_of, written_of
from syncline_runtime.errors import ReleaseError, RequestFailed
from syncline_runtime.system import BatchWrite, Resource, Write

Outcome = Written | RequestFailed | ReleaseError
REFUSED = 422
"""What is not written, and nothing says why, is taken for found invalid."""


@dataclass(frozen=True)
class _Row:
    """One record on its way: where its outcome goes, what stands for it in the request, and what comes back of it."""

    index: int
    sending: Sending
    item: Any
    echo: str
    size: int


async def write_together(
    client: HttpClient, resource: Resource, contract: Write, sendings: Sequence[Sending]
) -> list[Outcome]:
    """Write records in as few requests as the contract allows; a failure is an outcome and never raised."""
    batch = contract.batch
    if batch is None:
        raise ReleaseError("the system description has no batch for this write", place=rest.place(client, resource))
    outcomes: dict[int, Outcome] = {}
    rows = [row async for row in _rows(client, resource, contract, batch, sendings, outcomes)]
    ends = [client.clock.monotonic() + one.seconds for one in sendings if one.seconds is not None]
    for chunk in _chunks(batch, rows):
        sending = _Chunk(client, resource, batch, chunk, Asked(rest.place(client, resource), writes=True, parts=True))
        outcomes |= await sending.sent(min(ends) - client.clock.monotonic() if ends else None)
    return [outcomes[index] for index in range(len(sendings))]


async def _rows(
    client: HttpClient,
    resource: Resource,
    contract: Write,
    batch: BatchWrite,
    sendings: Sequence[Sending],
    failed: dict[int, Outcome],
) -> AsyncIterator[_Row]:
    """Fill the template of each row; one that cannot be made fails alone."""
    for index, sending in enumerate(sendings):
        try:
            known = {**await known_of(client, resource, contract, sending), "row": str(index + 1)}
            item, echo = fill(batch.item, known), fill(batch.echo, known)
        except (RequestFailed, ReleaseError) as error:
            failed[index] = error
            continue
        size = len(jsontext.render(item).encode()) + 1
        yield _Row(index, sending, item, "" if echo is ABSENT or echo is None else as_text(echo), size)


def _chunks(batch: BatchWrite, rows: Sequence[_Row]) -> Iterator[list[_Row]]:
    """Part rows into requests that are not too large, and in which no two have the same echo."""
    chunk: list[_Row] = []
    size, echoes = 0, set[str]()
    for row in rows:
        too_large = batch.bytes is not None and size + row.size > batch.bytes
        if chunk and (too_large or len(chunk) >= batch.rows or (batch.echo is not None and row.echo in echoes)):
            yield chunk
            chunk, size, echoes = [], 0, set()
        chunk.append(row)
        size += row.size
        echoes.add(row.echo)
    if chunk:
        yield chunk


@dataclass(frozen=True)
class _Chunk:
    """The rows of one request."""

    client: HttpClient
    resource: Resource
    batch: BatchWrite
    rows: Sequence[_Row]
    asked: Asked

    async def sent(self, seconds: float | None) -> dict[int, Outcome]:
        """Send them; give the outcome of each."""
        if seconds is not None and seconds <= 0:
            late = failures.not_reached(self.asked, "there was no time left to ask", ambiguous=False)
            return {row.index: late for row in self.rows}
        try:
            values = {"items": [row.item for row in self.rows]}
            answer = await self.client.write(self.batch.request, values, self.asked.place, seconds=seconds, parts=True)
            answers = self._by_row(answer)
        except (RequestFailed, ReleaseError) as error:
            if isinstance(error, RequestFailed):
                error.together = len(self.rows)
            return {row.index: error for row in self.rows}
        return {row.index: self._outcome(row, answer, *told) for row, told in zip(self.rows, answers, strict=True)}

    def _by_row(self, answer: Answer) -> list[tuple[Any, bool]]:
        """Give the answer of each row, ABSENT where there is none, and whether it stands among the failed."""
        good = self._listed(answer, self.batch.answers)
        bad = [] if self.batch.failed is None else self._listed(answer, self.batch.failed, may_lack=True)
        if self.batch.echo is None:
            if len(good) != len(self.rows):
                words = f"{len(good)} answers came for {len(self.rows)} rows: nobody knows which is whose"
                raise failures.bad_answer(self.asked, words, status=answer.status)
            return [(one, False) for one in good]
        told: dict[str, tuple[Any, bool]] = {}
        for one, failed in [*((one, False) for one in good), *((one, True) for one in bad)]:
            echo = self._echo_of(one)
            # What is told twice is told not at all: which of them holds, nobody knows.
            told[echo] = (ABSENT, False) if echo in told else (one, failed)
        return [told.get(row.echo, (ABSENT, False)) if row.echo else (ABSENT, False) for row in self.rows]

    def _listed(self, answer: Answer, path: str, *, may_lack: bool = False) -> list[Any]:
        found = read_path(answer.body, path)
        if found is ABSENT and may_lack:
            return []
        if not isinstance(found, list):
            raise failures.bad_answer(self.asked, f"the answer holds no list at {path!r}", status=answer.status)
        return found

    def _echo_of(self, answer: Any) -> str:
        found = (read_path(answer, path) for path in self.batch.echo_at)
        return next((as_text(one) for one in found if one is not ABSENT and one is not None), "")

    def _outcome(self, row: _Row, answer: Answer, told: Any, failed: bool) -> Outcome:
        """Read one row's answer."""
        if told is ABSENT:
            return failures.bad_answer(self.asked, "the answer says nothing of this row", status=answer.status)
        status = self._status(told, answer.status)
        if refused := self._refused(told, status, answer.headers, failed=failed):
            self.client.hide(refused)
            return self._or_merged(row, refused)
        try:
            own = dataclasses.replace(answer, status=status, body=told)
            return written_of(self.client, self.resource, self.batch, own, self.asked, row.sending.native_id)
        except RequestFailed as error:
            return error

    def _or_merged(self, row: _Row, refused: failures.Refused) -> Outcome:
        """Give the refusal of a row, or that its record is part of another, where it says so."""
        refused.told = failures.Unshown(refused.told.body)  # the address of an answer is of the whole
        try:
            if row.sending.native_id is not None:
                refuse_merged(self.client, self.resource, row.sending.native_id, refused, self.batch.merged_at)
        except failures.MergedAwayError as merged:
            return merged
        return refused

    def _status(self, told: Any, whole: int) -> int:
        found = read_path(told, self.batch.status) if self.batch.status else ABSENT
        text = "" if found is ABSENT or found is None else as_text(found)
        return int(text) if text.isdecimal() and len(text) == 3 else whole

    def _refused(self, told: Any, status: int, headers: Mapping[str, str], *, failed: bool) -> failures.Refused | None:
        system = self.client.system
        system = dataclasses.replace(
            system,
            error_code_at=self.batch.error_code_at or system.error_code_at,
            error_message_at=self.batch.error_message_at or system.error_message_at,
        )
        asked, now = dataclasses.replace(self.asked, parts=False), self.client.clock.now()
        undone = failed or (bool(self.batch.done) and not failures.holds(told, self.batch.done))
        refused = failures.refusal(system, asked, status, headers, told, now)
        if refused is None and undone:
            refused = failures.refusal(system, asked, max(status, REFUSED), headers, told, now)
        return refused
