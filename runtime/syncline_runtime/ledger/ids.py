"""Ids that sort by time, in the manner of ULID (github.com/ulid/spec)."""

from __future__ import annotations

import secrets

_LETTERS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"  # Crockford's base 32
_TIME, _CHANCE = 10, 16  # characters: 48 bits of milliseconds, 80 random bits


def new_id(now: int, after: str = "") -> str:
    """Make an id of 26 characters for a time in microseconds; it sorts behind ``after`` whatever the clock says."""
    made = _write(now // 1000, _TIME) + _write(secrets.randbits(80), _CHANCE)
    return made if made > after else _write(_read(after) + 1, _TIME + _CHANCE)


def first_id(now: int) -> str:
    """Give the lowest id that is made at a time in microseconds: those made before are lower."""
    return _write(now // 1000, _TIME) + _LETTERS[0] * _CHANCE


def _read(written: str) -> int:
    number = 0
    for letter in written:
        number = number << 5 | _LETTERS.index(letter)
    return number


def _write(number: int, length: int) -> str:
    return "".join(_LETTERS[number >> 5 * place & 31] for place in reversed(range(length)))
