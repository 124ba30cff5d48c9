"""Frozen dataclasses that cost little to define and to make.

Of the standard library's, ``frozen=True`` calls a function for every member of every instance: a tenth of the time of a large
compilation. Here it is the type checker that refuses assignments; in all else they are the standard library's.
"""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dataclasses import dataclass as dataclass
else:

    def dataclass(cls=None, /, *, frozen=False, eq=True, **options):
        """Make a dataclass; what is frozen has a hash and is never assigned to."""
        if cls is None:
            return lambda of: dataclass(of, frozen=frozen, eq=eq, **options)
        return dataclasses.dataclass(cls, eq=eq, unsafe_hash=frozen and eq, **options)
