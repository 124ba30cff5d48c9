"""Our frozen dataclasses are those of the standard library, but that nothing refuses an assignment while it runs."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

import syncline_runtime.frozen as ours


def made(maker: Any, **options: Any) -> list[type]:
    """Classes of the same members: none, one, several with a default and one that is not compared; and one with slots."""

    @maker(frozen=True, **options)
    class Nothing:
        pass

    @maker(frozen=True, **options)
    class One:
        name: str

    @maker(frozen=True, **options)
    class Several:
        name: str
        size: int = 0
        parts: tuple[str, ...] = dataclasses.field(default_factory=tuple)
        place: str = dataclasses.field(default="", compare=False, repr=False)

    return [Nothing, One, Several]


VALUES = [
    (0, ()), (1, ("a",)), (1, ("b",)), (2, ("a",)), (2, ("a", 1)), (2, ("a", 1, ("x",))),
    (2, ("a", 1, ("x",), "here")), (2, ("a", 1, ("x",), "there")), (2, ("a", True)),
]  # fmt: skip


@pytest.mark.parametrize("options", [{}, {"slots": True}])
def test_values_compare_hash_and_show_as_those_of_the_standard_library(options: dict[str, Any]) -> None:
    theirs, own = made(dataclasses.dataclass, **options), made(ours.dataclass, **options)
    for kind, given in VALUES:
        value, known = own[kind](*given), theirs[kind](*given)
        assert (repr(value), dataclasses.astuple(value)) == (repr(known), dataclasses.astuple(known))
        assert dataclasses.replace(value) == value
        for other, more in VALUES:
            another, known_other = own[other](*more), theirs[other](*more)
            assert (value == another) == (known == known_other)
            assert (hash(value) == hash(another)) == (hash(known) == hash(known_other)) or value != another
    assert own[0]() != theirs[0]()
    assert own[1]("a") != "a"


def test_what_a_class_says_itself_stays() -> None:
    @ours.dataclass(frozen=True)
    class Own:
        name: str

        def __eq__(self, other: object) -> bool:
            return isinstance(other, Own)

        def __hash__(self) -> int:
            return 1

        def __repr__(self) -> str:
            return "own"

    @ours.dataclass(frozen=True, eq=False, repr=False)
    class Itself:
        name: str

    assert (Own("a") == Own("b"), hash(Own("a")), repr(Own("a"))) == (True, 1, "own")
    assert Itself("a") != Itself("a")
    assert "object at" in repr(Itself("a"))
