"""Whether a system is sent to, and how much at once: it is spared while it fails, and tried with one write before more.

In: what became of requests. Out: how many may be under way now. A breaker with a half-open state (Nygard, Release It!,
2007) around a width that adds while writes work and halves when the system is overrun (Chiu and Jain, 1989).
Invariants: one failing record opens nothing; what stays closed to a credential is not tried again in this run.
"""

from __future__ import annotations

from syncline_runtime.clock import Clock
from syncline_runtime.errors import RequestFailed, SystemRests

OUTAGE = 3  # failures in a row that nobody but the system or the way to it can be the cause of
SYSTEMIC = ("transport", "authentication", "rate_limit")
FAILING = (*SYSTEMIC, "vendor")  # one such failure may be the record's fault, those of several records in a row are not
OVERRUN = (429, 503)
FIRST_REST, LONGEST_REST = 1.0, 60.0  # seconds


class Breaker:
    """Closed while writes work, open after an outage, half open for one probe once it has rested."""

    def __init__(self, clock: Clock, widest: int) -> None:
        self._clock, self._widest = clock, widest
        self._width = float(widest)
        self._in_a_row = 0
        self._failing: set[int] = set()  # records whose writes failed since the system last did one
        self._rest = FIRST_REST
        self.open_until = 0.0  # 0: closed
        self.last_error: RequestFailed | None = None  # of the outage that stands
        self.has_worked = False

    @property
    def is_open(self) -> bool:
        """Whether an outage stands, also while it is being probed."""
        return self.last_error is not None

    @property
    def is_final(self) -> bool:
        """Whether waiting will not help: the credential is refused."""
        return self.last_error is not None and self.last_error.category == "authentication"

    @property
    def rests_for(self) -> float:
        """Seconds until the next write may be tried."""
        return max(0.0, self.open_until - self._clock.monotonic()) if self.is_open else 0.0

    @property
    def width(self) -> int:
        """How many writes may be under way."""
        if self.is_open:
            return 0 if self.is_final or self.rests_for > 0 else 1
        return max(1, int(self._width))

    def blames(self, record: int, *, alone: bool) -> bool:
        """Whether one more failure of a write is its own: others work, or it fails again and no other is tried.

        ``alone``: nothing else is under way, which might fail just the same.
        """
        return not self.is_open and (self.has_worked or (alone and record in self._failing))

    def worked(self) -> None:
        """Note that the system did a write."""
        if self.is_open:
            self._width = 1.0  # what it bears now is found out anew
        self.has_worked, self.last_error, self.open_until = True, None, 0.0
        self._in_a_row, self._rest = 0, FIRST_REST
        self._failing.clear()
        self._width = min(float(self._widest), self._width + 1 / self._width)

    def failed(self, record: int, error: RequestFailed) -> None:
        """Note how a write of a record failed."""
        self._in_a_row = self._in_a_row + 1 if error.category in SYSTEMIC else 0
        if error.category in FAILING:
            self._failing.add(record)
        if error.category == "rate_limit" or error.status in OVERRUN:
            self._width = max(1.0, self._width / 2)
        outage = max(self._in_a_row, len(self._failing)) >= OUTAGE or error.category == "authentication"
        if not outage and not self.is_open:
            return
        if self.rests_for == 0:  # those that were under way together are one outage
            told = isinstance(error, SystemRests)  # how long it rests is for others to say, who have tried it
            self.open_until = self._clock.monotonic() + max(0.0 if told else self._rest, error.retry_after or 0.0)
            self._rest = self._rest if told else min(LONGEST_REST, self._rest * 2)
        self.last_error = error
