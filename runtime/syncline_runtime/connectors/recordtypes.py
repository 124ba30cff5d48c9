"""Types that msgspec decodes the records of a page to: made from what is read of a record, not written by hand.

In: the steps to the lists in a body, and to what is described of a record. Out: struct types, whose members are ``UNTOLD`` where a
record does not hold what is described, and absent where it does not hold something else. Invariant: written again, a record
has a member for each that it was told with, and beyond them as many as there are ``UNTOLD`` in it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Set
from functools import partial
from operator import attrgetter
from typing import Any, Final

import msgspec

UNTOLD: Final = "\ufdd1"  # like GARBLED, a code point that no text which is exchanged has

Parts = tuple[str, ...]
Lists = Callable[[bytes], list[bytes]]


def cutter(lists: tuple[Parts, ...]) -> Lists:
    """Make the function that finds the texts of these lists in a body; it raises what msgspec raises."""
    decoder: msgspec.json.Decoder[Any] = msgspec.json.Decoder(_around((), lists))
    found = [attrgetter(".".join(map(_attribute, steps))) if steps else _itself for steps in lists]
    return lambda content: [bytes(read(body)) for body in (decoder.decode(content),) for read in found]


def _itself(value: Any) -> Any:
    return value


def _attribute(name: str) -> str:
    """Give a name of the language for any member's name."""
    return f"m{name.encode().hex()}"


def _around(at: Parts, lists: tuple[Parts, ...]) -> Any:
    if at in lists:
        return msgspec.Raw
    fields = [(name, _around((*at, name), lists)) for name in _next(at, lists)]
    return _struct(fields, [name for name, _ in fields])


def record_type(leaves: Set[Parts], key: Parts, others: Set[Parts]) -> type[msgspec.Struct]:
    """Make the type of records: with these leaves, among them the key that all must have, and these other members."""
    return _object((), leaves, key, others)


def _object(at: Parts, leaves: Set[Parts], key: Parts, others: Set[Parts]) -> type[msgspec.Struct]:
    fields: list[Any] = []
    told = _next(at, leaves)
    for name in told:
        steps = (*at, name)
        if steps == key:
            fields.append((name, Any))
        elif steps in leaves:
            fields.append((name, Any, UNTOLD))
        elif steps == key[: len(steps)]:
            fields.append((name, _object(steps, leaves, key, others)))
        else:
            inner = _object(steps, leaves, key, others)
            fields.append((name, inner | None, msgspec.field(default_factory=partial(inner, **{_MADE: UNTOLD}))))
    also = [steps[-1] for steps in sorted(others) if steps[:-1] == at]
    fields += [(name, Any, msgspec.UNSET) for name in (*also, UNTOLD)]
    return _struct(fields, [*told, *also, UNTOLD])


_MADE: Final = _attribute(UNTOLD)  # tells an object that was made from one that was told


def _struct(fields: list[Any], names: list[str]) -> type[msgspec.Struct]:
    return msgspec.defstruct(
        "Told",
        [(_attribute(name), *rest) for name, *rest in fields],
        rename={_attribute(name): name for name in names},
        kw_only=True,
        gc=False,
    )


def _next(at: Parts, all_steps: Iterable[Parts]) -> list[str]:
    """List what comes right below some steps."""
    return sorted({steps[len(at)] for steps in all_steps if len(steps) > len(at) and steps[: len(at)] == at})


def key_of(steps: Parts) -> Callable[[Any], Any]:
    """Make the function that reads the key of a record."""
    return attrgetter(".".join(map(_attribute, steps)))


def names_in(records: Iterable[Any], leaves: Set[Parts]) -> frozenset[Parts]:
    """Find the members that records hold besides what is described, next to what is."""
    groups = {leaf[:length] for leaf in leaves for length in range(len(leaf))}
    found = {(*at, name) for record in records for at, names in _levels(record, (), groups) for name in names}
    return frozenset(found - set(leaves) - groups)


def _levels(record: Any, at: Parts, groups: Set[Parts]) -> Iterator[tuple[Parts, Iterable[str]]]:
    if isinstance(record, dict):
        yield at, record
        for name in record:
            if (*at, name) in groups:
                yield from _levels(record[name], (*at, name), groups)


def without_untold(record: Mapping[str, Any]) -> dict[str, Any]:
    """Give a record as it was told."""
    told = ((name, value) for name, value in record.items() if value != UNTOLD)
    return {name: without_untold(value) if isinstance(value, dict) else value for name, value in told}
