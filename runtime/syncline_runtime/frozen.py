"""Frozen dataclasses that cost little to define and to make.

Of the standard library's, ``frozen=True`` calls a function for every member of every instance: a tenth of the time of a large
compilation. Here it is the type checker that refuses assignments. How values compare, hash and show needs no code of its
own for each class, which would have to be compiled each time that a command begins. In all else they are the standard library's.
"""

from __future__ import annotations

import dataclasses
from operator import attrgetter
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dataclasses import dataclass as dataclass
else:

    def dataclass(cls=None, /, *, frozen=False, eq=True, repr=True, **options):
        """Make a dataclass; what is frozen has a hash and is never assigned to."""
        if cls is None:
            return lambda of: dataclass(of, frozen=frozen, eq=eq, repr=repr, **options)
        if not frozen:
            return dataclasses.dataclass(cls, eq=eq, repr=repr, **options)
        own = cls.__dict__
        made = dataclasses.dataclass(cls, eq=False, repr=False, **options)
        members = dataclasses.fields(made)
        compared = _reader([member.name for member in members if member.compare])
        if eq and "__eq__" not in own:
            made.__eq__ = _equal(compared)
        if eq and own.get("__hash__") is None:
            made.__hash__ = lambda self: hash(compared(self))
        if repr and "__repr__" not in own:
            made.__repr__ = _shown([member.name for member in members if member.repr])
        return made

    def _reader(names):
        if len(names) > 1:
            return attrgetter(*names)
        return lambda value: tuple([getattr(value, name) for name in names])

    def _equal(compared):
        def equal(self, other):
            if other.__class__ is not self.__class__:
                return NotImplemented
            return self is other or compared(self) == compared(other)

        return equal

    def _shown(names):
        def shown(self):
            return f"{self.__class__.__qualname__}({', '.join([f'{name}={getattr(self, name)!r}' for name in names])})"

        return shown
