"""Keys that stand where they are unknown and would be known elsewhere: most often a line is indented too far, or not enough.

In: the model of a document, the document, and the place of an unknown key. Out: where the key belongs, and in words how to
bring it there. Invariant: a place is given only if it is free and there is no other.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

from syncline_compiler.model.document import Document, Place

Known = Callable[[Place], list[str]]
"""The keys that are known at a place."""


def home_of(place: Place, document: Document, known: Known) -> Place | None:
    """Tell where a key belongs: further out, or within a neighbour; None if nowhere, or that is not certain."""
    found = list(_outwards(place, document, known)) or list(_inwards(place, document, known))
    free = [home for home in found if not _is_there(document.value, home)]
    return free[0] if len(found) == len(free) == 1 else None


def how_to(place: Place, home: Place) -> str:
    """Say how a key comes to its home."""
    name = home[-1]
    if len(home) > len(place):
        return f"`{name}` belongs under `{home[-2]}`: indent it further"
    return f"`{name}` belongs beside `{place[len(home) - 1]}`: indent it as far as that"


def moved(document: Document, place: Place, home: Place) -> Document:
    """Give the document with a key and all that is under it at another place; spans stay."""
    if _is_there(document.value, home):  # Two keys with one home: the first is taken for it.
        return document.renamed({place: None})
    value = _without(document.value, place)
    holder = value
    for part in home[:-1]:
        holder = holder[part]
    holder[home[-1]] = _at(document.value, place)
    return replace(
        document,
        value=value,
        keys={_carried(one, place, home): span for one, span in document.keys.items()},
        values={_carried(one, place, home): span for one, span in document.values.items()},
    )


def _outwards(place: Place, document: Document, known: Known) -> Iterator[Place]:
    """Give the places further out at which the key is known, or at which names stand and it would be one of them."""
    name, value = place[-1], _at(document.value, place)
    for end in range(len(place) - 2, -1, -1):
        holder = place[:end]
        if name in known(holder):
            yield (*holder, name)
            return
        # Names of things stand here, and what is under the key looks like one of them.
        if (
            not known(holder)
            and isinstance(value, dict)
            and value.keys()
            and set(value) <= set(known(place[: end + 1]))
        ):
            yield (*holder, name)
            return


def _inwards(place: Place, document: Document, known: Known) -> Iterator[Place]:
    """Give the neighbours under which the key is known."""
    *holder, name = place
    for neighbour in known(tuple(holder)):
        beside = (*holder, neighbour)
        if isinstance(_at(document.value, beside), dict) and name in known(beside):
            yield (*beside, name)


def _at(value: Any, place: Place) -> Any:
    for part in place:
        if isinstance(value, dict) and part not in value:
            return None
        value = value[part]
    return value


def _is_there(value: Any, place: Place) -> bool:
    holder = _at(value, place[:-1])
    return not isinstance(holder, dict) or place[-1] in holder


def _without(value: Any, place: Place) -> Any:
    """Copy what holds the place, without it."""
    first, *rest = place
    if isinstance(value, list):
        return [_without(item, tuple(rest)) if index == first else item for index, item in enumerate(value)]
    kept = {key: item for key, item in value.items() if rest or key != first}
    return {key: _without(item, tuple(rest)) if rest and key == first else _copied(item) for key, item in kept.items()}


def _copied(value: Any) -> Any:
    return dict(value) if isinstance(value, dict) else value


def _carried(one: Place, place: Place, home: Place) -> Place:
    return (*home, *one[len(place) :]) if one[: len(place)] == place else one
