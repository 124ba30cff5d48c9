"""Pages as JSON lines: the records of a list on their way to the engine, without a look at each.

In: bodies of pages. Out: one line a record, in which whole numbers are as sent, numbers with a point or an exponent are
texts of the very digits, and a field that a record does not hold reads ``UNTOLD``. Invariant: what is read here is what
``jsontext`` and ``wire`` read; a page of which this reader is not sure (a member told twice, half of a surrogate pair, a
record of another shape) is left to them.

The lists are cut out of a body, whose small rest is parsed with all checks. Their records are decoded to ``recordtypes``,
which is quicker than to dictionaries, and written again: that as many members came out as went in shows that none was told twice.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any, Final

import msgspec

from syncline_runtime.connectors import jsontext
from syncline_runtime.connectors.failures import CALLS
from syncline_runtime.connectors.paging import Walked
from syncline_runtime.connectors.recordtypes import (
    UNTOLD,
    Parts,
    cutter,
    key_of,
    names_in,
    record_type,
    without_untold,
)
from syncline_runtime.connectors.templates import read_parts, split_path
from syncline_runtime.system import ListRead, Resource, System

_DECODER: Final = msgspec.json.Decoder(float_hook=str)
_ENCODER: Final = msgspec.json.Encoder()
_ESCAPED: Final = b"\\u00"
_OTHERWISE: Final = (b"\\u0022", b"\\u003a", b"\\u003A")  # a quote or a colon in a text
_UNTOLD: Final = UNTOLD.encode()
_UNCLEAR: Final = (jsontext.GARBLED.encode(), _UNTOLD)
_UNCLEAR_ESCAPED: Final = re.compile(rb"\\\\u[fF][dD][dD][01]")
_BEGINNING: Final = 200  # bytes
_MOST_NAMES: Final = 2_000  # of members that records have besides those described


class NotSureError(ValueError):
    """A page that has to be read record by record."""


@dataclass(frozen=True)
class Lines:
    """The records of one page as JSON lines; ``partial`` says that some field reads ``UNTOLD``."""

    content: bytes
    rows: int
    partial: bool
    read_at: str | None = None  # when it was read, by the system's own clock, as a mark
    walked: Walked | None = None  # how far the read has come with it, where it can be taken up from there


@dataclass(frozen=True)
class Shape:
    """Where things stand: the lists in a body, a record's id and all that is read of it, each by the steps to it."""

    lists: tuple[Parts, ...]
    id: Parts
    leaves: frozenset[Parts]
    others: frozenset[
        Parts
    ]  # what else is looked at: the member of the last record by which the next page is asked for


def shape_of(system: System, resource: Resource, listing: ListRead) -> Shape | None:
    """Give the shape of a resource's pages, None if only a look at each record tells what they say."""
    leaves = {split_path(path) for path in leaf_paths(resource)}
    around = {leaf[:length] for leaf in leaves for length in range(1, len(leaf))}
    folded = {tuple(part.casefold() for part in parts) for parts in (*leaves, *around)}
    call = listing.request.call
    prefix = (CALLS[call].result,) if call else ()
    lists = tuple(prefix + split_path(path) for path in (listing.items, *listing.also))
    unclear = (
        system.tagged is not None
        or listing.detail
        or () in leaves
        or not resource.native(resource.id).readable
        or leaves & around
        or len(folded) < len(leaves) + len(around)  # the engine does not tell names apart by case
        or any(part.isdecimal() for parts in (*leaves, *lists) for part in parts)
        or any(one == other[: len(one)] for i, one in enumerate(lists) for j, other in enumerate(lists) if i != j)
        or None in resource.gone.values()
    )
    if unclear:
        return None
    return Shape(
        lists, split_path(resource.native(resource.id).at), frozenset(leaves), _asked_by(listing, leaves, around)
    )


def _asked_by(listing: ListRead, leaves: set[Parts], around: set[Parts]) -> frozenset[Parts]:
    paging = listing.paging
    if paging.kind != "cursor" or paging.next:
        return frozenset()
    steps = split_path(paging.from_last or "id")
    reached = {steps[:length] for length in range(1, len(steps) + 1)} - around
    return frozenset() if reached & leaves else frozenset({min(reached, key=len)} if reached else ())


def leaf_paths(resource: Resource) -> list[str]:
    """List the wire paths that landing reads: those of readable fields, and those that mark a record as gone."""
    return sorted({field.at for field in resource.fields if field.readable} | set(resource.gone))


class PageReader:
    """Reads the pages of one list; what ``parse`` returned last is what ``lines`` is about."""

    def __init__(self, shape: Shape | None) -> None:
        self._shape = shape
        self._content = b""
        self._cut: list[bytes] = []
        if shape is not None:
            self._lists_in, self._key = cutter(shape.lists), key_of(shape.id)
            # One sign is counted in a third of the time of two; a name may be added that holds it.
            self._member = b'":' if any(":" in name for leaf in shape.leaves for name in leaf) else b":"
            self._take_shape(shape)

    def _take_shape(self, shape: Shape) -> None:
        self._shape = shape
        record = record_type(shape.leaves, shape.id, shape.others)
        self._decoder: msgspec.json.Decoder[list[Any]]
        self._decoder = msgspec.json.Decoder(list[record], float_hook=str)  # type: ignore[valid-type]

    def parse(self, content: bytes) -> Any:
        """Parse a body, strictly; its lists hold records that ``record`` reads, unless it takes a closer look."""
        self._content = b""
        if self._shape is not None:
            try:
                content.isascii() or content.decode()
                body = self._with_records(content, self._shape)
            except (msgspec.DecodeError, UnicodeDecodeError, RecursionError, NotSureError):
                pass
            else:
                self._content = content
                return body
        return jsontext.parse(content)

    def _with_records(self, content: bytes, shape: Shape) -> Any:
        self._cut = self._lists_in(content)
        records = [self._decoder.decode(each) for each in self._cut]
        if not shape.lists[0]:
            return records[0]
        body = jsontext.parse(_without(content, self._cut))
        for steps, items in zip(shape.lists, records, strict=True):
            around = read_parts(body, steps[:-1])
            if around[steps[-1]] is not None:  # the same text stood somewhere else, too
                raise NotSureError
            around[steps[-1]] = items
        return body

    def reread(self) -> list[list[Any]]:
        """Parse the lists of the last body again, with all their digits and checks; raises NotJsonError."""
        assert self._shape is not None
        body = jsontext.parse(self._content)
        return [read_parts(body, steps) for steps in self._shape.lists]

    @property
    def sure(self) -> bool:
        """Whether the last body has been parsed quickly."""
        return bool(self._content)

    def last(self, lists: Sequence[list[Any]]) -> Any:
        """Give the last record of a body as it was told; None if there is none."""
        record = next((items[-1] for items in reversed(lists) if items), None)
        if not isinstance(record, msgspec.Struct):
            return record
        return without_untold(_DECODER.decode(_ENCODER.encode(record)))

    def lines(self, lists: Sequence[list[Any]]) -> Lines:
        """Make lines of the records of a page, which are let go of; raises NotSureError."""
        lines = self._lines(lists)
        if lines is None and self._learned():
            lines = self._lines([self._decoder.decode(each) for each in self._cut])
        if lines is None:
            raise NotSureError
        for items in lists:
            items.clear()  # the next page's take their place in memory, which the processor still has at hand
        return lines

    def _lines(self, lists: Sequence[list[Any]]) -> Lines | None:
        """Make lines; None if other members came out than went in."""
        plain = b"".join(map(_ENCODER.encode_lines, lists))
        self._refuse_unclear(plain)
        self._refuse_idless(lists)
        made = 0 if plain.isascii() else plain.count(_UNTOLD)
        if sum(each.count(self._member) for each in self._cut) != plain.count(self._member) - made:
            return None
        return Lines(plain, sum(map(len, lists)), made > 0)

    def _refuse_unclear(self, plain: bytes) -> None:
        """Refuse a page that holds signs that have a meaning here, or that can be written in several ways."""
        content = self._content
        escaped = b"\\" in content and b"\\u" in content  # one sign is found much sooner than two
        if escaped and (
            _UNCLEAR_ESCAPED.search(content)
            or (_ESCAPED in content and (_ESCAPED in plain or any(way in content for way in _OTHERWISE)))
        ):
            raise NotSureError
        if not content.isascii() and any(unclear in content for unclear in _UNCLEAR):
            raise NotSureError

    def _refuse_idless(self, lists: Sequence[list[Any]]) -> None:
        try:
            ids = set(chain.from_iterable(map(self._key, records) for records in lists))
        except TypeError:  # a list or an object
            raise NotSureError from None
        if ids & {None, ""}:
            raise NotSureError

    def _learned(self) -> bool:
        """Take note of members that are not described; whether there were new ones."""
        shape = self._shape
        assert shape is not None
        others = (
            names_in((record for each in self._cut for record in _DECODER.decode(each)), shape.leaves) - shape.others
        )
        if not others or len(others) + len(shape.others) > _MOST_NAMES:
            return False
        self._take_shape(dataclasses.replace(shape, others=shape.others | others))
        return True


def _without(content: bytes, parts: Iterable[bytes]) -> bytes:
    """Put null in the place of these parts of a text, each where its beginning stands first."""
    for part in parts:
        at = content.find(part[:_BEGINNING])  # a long text is looked for at length
        after = at + len(part)
        if content[at:after] != part:
            raise NotSureError
        content = content[:at] + b"null" + content[after:]
    return content


def is_gone_by(wanted: Any) -> tuple[str, ...]:
    """Give the JSON texts that a wire value may have which marks a record as gone by being ``wanted``."""
    if isinstance(wanted, bool):
        return ("true" if wanted else "false",)
    told = jsontext.as_text(wanted)
    quoted = _ENCODER.encode(told).decode()
    return (quoted, told) if jsontext.is_number(told) else (quoted,)
