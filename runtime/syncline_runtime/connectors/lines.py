"""Pages as JSON lines: the records of a list on their way to the engine, without a look at each.

In: bodies of pages. Out: one line a record, in which whole numbers are as sent, numbers with a point or an exponent are
texts of the very digits, and a field that a record does not hold reads ``UNTOLD``. Invariant: what is read here is what
``jsontext`` and ``wire`` read; a page of which this reader is not sure (a member told twice, half of a surrogate pair, a
record of another shape) is left to them.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from operator import itemgetter
from typing import Any, Final

import msgspec

from syncline_runtime.connectors import jsontext
from syncline_runtime.connectors.paging import Walked
from syncline_runtime.connectors.templates import split_path
from syncline_runtime.system import ListRead, Resource, System

UNTOLD: Final = "\ufdd1"  # like GARBLED, a code point that no text which is exchanged has
_DECODER: Final = msgspec.json.Decoder(float_hook=str)
_ENCODER: Final = msgspec.json.Encoder()
_MEMBER: Final = b'":'
_ESCAPED: Final = b"\\u00"
_OTHERWISE: Final = (b"\\u0022", b"\\u003a", b"\\u003A")  # a quote or a colon in a text
_UNCLEAR: Final = (jsontext.GARBLED.encode(), UNTOLD.encode())

Parts = tuple[str, ...]


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
    """Where the fields of a resource stand in a record: the names that are looked for, per object around them."""

    id: Parts
    groups: tuple[tuple[Parts, tuple[str, ...]], ...]


def shape_of(system: System, resource: Resource, listing: ListRead) -> Shape | None:
    """Give the shape of a resource's records, None if only a look at each tells what they say."""
    leaves = {split_path(path) for path in leaf_paths(resource)}
    around = {leaf[:length] for leaf in leaves for length in range(1, len(leaf))}
    folded = {tuple(part.casefold() for part in parts) for parts in (*leaves, *around)}
    unclear = (
        system.tagged is not None
        or listing.detail
        or () in leaves
        or not resource.native(resource.id).readable
        or leaves & around
        or len(folded) < len(leaves) + len(around)  # the engine does not tell names apart by case
        or any(part.isdecimal() for leaf in leaves for part in leaf)
        or None in resource.gone.values()
    )
    if unclear:
        return None
    groups: dict[Parts, list[str]] = {}
    for leaf in sorted(leaves):
        groups.setdefault(leaf[:-1], []).append(leaf[-1])
    ordered = sorted(groups.items(), key=lambda pair: len(pair[0]))
    return Shape(split_path(resource.native(resource.id).at), tuple((at, tuple(names)) for at, names in ordered))


def leaf_paths(resource: Resource) -> list[str]:
    """List the wire paths that landing reads: those of readable fields, and those that mark a record as gone."""
    return sorted({field.at for field in resource.fields if field.readable} | set(resource.gone))


class PageReader:
    """Reads the pages of one list; what ``parse`` returned last is what ``lines`` is about."""

    def __init__(self, shape: Shape | None) -> None:
        self._shape = shape
        self._content, self._root = b"", None

    def parse(self, content: bytes) -> Any:
        """Parse a body, strictly; whole numbers come as such, others as texts, unless it takes a closer look."""
        if self._shape is None:
            return jsontext.parse(content)
        try:
            self._root, self._content = _DECODER.decode(content), content
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            self._content = b""
            return jsontext.parse(content)
        return self._root

    def reread(self) -> Any:
        """Parse the last body again, with all its digits and checks; raises NotJsonError."""
        return jsontext.parse(self._content)

    @property
    def sure(self) -> bool:
        """Whether the last body has been parsed quickly."""
        return bool(self._content)

    def lines(self, lists: Sequence[list[Any]]) -> Lines:
        """Make lines of the records of a page; raises NotSureError, also for a record without its id."""
        records = [record for items in lists for record in items]
        if set(map(type, records)) - {dict}:
            raise NotSureError
        shape, plain = self._shape, _ENCODER.encode_lines(records)
        if shape is None or self._unclear(plain):
            raise NotSureError
        self._refuse_told_twice(lists, plain)
        partial = not _all_told(records, shape)
        if partial:
            records = _DECODER.decode(_ENCODER.encode(records))  # the walk looks at those of the page once more
            for around, name in list(_untold(records, shape)):
                around[name] = UNTOLD
        _refuse_idless(records, shape.id)
        return Lines(_ENCODER.encode_lines(records) if partial else plain, len(records), partial)

    def _unclear(self, plain: bytes) -> bool:
        """Whether the page holds signs that have a meaning here, or that can be written in several ways."""
        content = self._content
        escaped = b"\\" in content and _ESCAPED in content  # one sign is found much sooner than several
        if escaped and (_ESCAPED in plain or any(way in content for way in _OTHERWISE)):
            return True
        return not plain.isascii() and any(unclear in plain for unclear in _UNCLEAR)

    def _refuse_told_twice(self, lists: Sequence[list[Any]], plain: bytes) -> None:
        """Compare how many members the body had with how many came out of it."""
        kept = [items[:] for items in lists]
        for items in lists:
            items.clear()
        around = _ENCODER.encode(self._root)
        for items, before in zip(lists, kept, strict=True):
            items[:] = before
        if self._content.count(_MEMBER) != plain.count(_MEMBER) + around.count(_MEMBER):
            raise NotSureError


def _all_told(records: list[Any], shape: Shape) -> bool:
    """Whether every record holds every field; an object that is null holds all that is below it."""
    try:
        for at, names in shape.groups:
            deque(map(itemgetter(*names), _level(records, at)), maxlen=0)
    except (KeyError, TypeError):
        return False
    return True


def _level(records: Iterable[Any], at: Parts) -> Iterable[Any]:
    for part in at:
        records = [found for found in map(itemgetter(part), records) if found is not None]
    return records


def _untold(records: list[Any], shape: Shape) -> Iterable[tuple[dict[str, Any], str]]:
    """Find the objects, and the names in them, that are not told; objects on the way are made, without a member."""
    for record in records:
        for at, names in shape.groups:
            around = _around(record, at)
            if around is not None:
                yield from ((around, name) for name in names if name not in around)


def _around(record: Any, at: Parts) -> dict[str, Any] | None:
    for part in at:
        record = record.setdefault(part, {})
        if record is None:
            return None
        if type(record) is not dict:
            raise NotSureError
    return record  # type: ignore[no-any-return]


def _refuse_idless(records: list[Any], at: Parts) -> None:
    try:
        ids = set(records if not at else map(itemgetter(at[-1]), _whole_level(records, at[:-1])))
    except (KeyError, TypeError):
        raise NotSureError from None
    if ids & {None, "", UNTOLD}:
        raise NotSureError


def _whole_level(records: Iterable[Any], at: Parts) -> Iterable[Any]:
    for part in at:
        records = list(map(itemgetter(part), records))
    return records


def is_gone_by(wanted: Any) -> tuple[str, ...]:
    """Give the JSON texts that a wire value may have which marks a record as gone by being ``wanted``."""
    if isinstance(wanted, bool):
        return ("true" if wanted else "false",)
    told = jsontext.as_text(wanted)
    quoted = _ENCODER.encode(told).decode()
    return (quoted, told) if jsontext.is_number(told) else (quoted,)
