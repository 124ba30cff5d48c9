"""What can go wrong at run time, one tree.

SynclineError
├── UsageError          2   the command cannot be understood
├── ReleaseError        1   the release, plan or binding is damaged, of another format, or does not fit
├── SpecFault           1   data and specs disagree beyond what a run may go on with
├── ApprovalNeeded      3   a guard stopped the run before anything was sent
├── Stopped             3   somebody stopped the run before anything was sent
├── SystemFailure       4   a system could not be reached or refused us
│   └── RequestFailed       one request failed, with category and what is known of its effect
├── StateError          5   ledger, segments or state are missing, damaged or of someone else
│   ├── ClaimLost           another worker sends this
│   └── LeaseHeld           another run works on this
└── InternalError      70   our own bug

Invariant: every error says what happened, where, and what to do; none holds a secret or a field value.
"""

from __future__ import annotations

from typing import ClassVar

from syncline_runtime.system import Category


class SynclineError(Exception):
    """An error with a stable code, a place and a mend.

    ``code`` is SYN and four digits, ``category`` one of the delivery categories, ``place`` what it is about
    (a file, a connection, a relation), ``mend`` what the reader can do.
    """

    exit_code: ClassVar[int] = 70
    code: ClassVar[str] = "SYN9000"
    category: Category = "internal"

    def __init__(self, message: str, *, place: str = "", mend: str = "", code: str | None = None) -> None:
        super().__init__(message)
        self.message, self.place, self.mend = message, place, mend
        self.error_code = code or self.code

    def __str__(self) -> str:
        where = f"{self.place}: " if self.place else ""
        what_to_do = f"\n  help: {self.mend}" if self.mend else ""
        return f"{self.error_code} {where}{self.message}{what_to_do}"


class UsageError(SynclineError):
    """The command cannot be understood."""

    exit_code = 2
    code = "SYN9001"
    category: Category = "validation"


class ReleaseError(SynclineError):
    """A release, plan or binding that cannot be used."""

    exit_code = 1
    code = "SYN8001"
    category: Category = "validation"


class SpecFault(SynclineError):
    """Data and specs disagree beyond what a run may go on with."""

    exit_code = 1
    code = "SYN8002"
    category: Category = "mapping"


class ApprovalNeeded(SynclineError):
    """A guard stopped the run before anything was sent."""

    exit_code = 3
    code = "SYN8100"
    category: Category = "conflict"


class Stopped(SynclineError):
    """The run was told to stop before its changes were sealed."""

    exit_code = 3
    code = "SYN8200"


class SystemFailure(SynclineError):
    """A system could not be reached or refused us."""

    exit_code = 4
    code = "SYN7001"
    category: Category = "transport"


class RequestFailed(SystemFailure):
    """One request failed.

    ``status`` is the HTTP status or None; ``vendor_code`` the vendor's own code, verbatim; ``retry`` whether trying
    again can help; ``retry_after`` seconds the system asked us to wait; ``ambiguous`` whether the system may have
    done what was asked although no good answer came; ``together`` with how many rows it was refused as a whole.
    """

    together: int = 1

    def __init__(
        self,
        message: str,
        *,
        category: Category,
        place: str = "",
        mend: str = "",
        status: int | None = None,
        vendor_code: str | None = None,
        retry: bool = False,
        retry_after: float | None = None,
        ambiguous: bool = False,
    ) -> None:
        super().__init__(message, place=place, mend=mend)
        self.category = category
        self.status, self.vendor_code = status, vendor_code
        self.retry, self.retry_after, self.ambiguous = retry, retry_after, ambiguous


class SystemRests(RequestFailed):
    """A request was not made: another process has found that the system fails, and lets it rest for ``retry_after``."""


class StateError(SynclineError):
    """Ledger, segments or state cannot be trusted or used."""

    exit_code = 5
    code = "SYN6001"
    category: Category = "internal"


class ClaimLost(StateError):
    """Another worker has taken an intent over, since our time for it was over."""

    code = "SYN6009"


class LeaseHeld(StateError):
    """Another run works on this."""

    code = "SYN6100"


class InternalError(SynclineError):
    """Our own bug."""

    exit_code = 70
    code = "SYN9000"
    category: Category = "internal"
