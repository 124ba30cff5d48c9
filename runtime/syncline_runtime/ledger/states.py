"""The states of an intent and of an exception, and which may follow which.

Invariant: an intent is *open* until the far end's answer is known or a person or a later plan ended it; no new
intent is made for a record and member while one is open.
"""

from __future__ import annotations

from functools import cache
from typing import Literal

IntentState = Literal[
    "pending", "waiting", "sending", "retryable", "ambiguous",
    "acked", "rejected", "superseded", "waived", "dead",
]  # fmt: skip
Operation = Literal["create", "update", "delete", "link"]
Origin = Literal["merge", "process", "operator", "rollback"]
Outcome = Literal["retryable", "rejected", "ambiguous", "dead"]
ExceptionState = Literal["open", "assigned", "waiting", "retried", "waived", "resolved", "superseded"]
DecisionState = Literal["standing", "done", "superseded"]
RunStatus = Literal["running", "sealed", "done", "failed"]

OPEN: tuple[IntentState, ...] = ("pending", "waiting", "sending", "retryable", "ambiguous")
CLOSED: tuple[IntentState, ...] = ("acked", "rejected", "superseded", "waived", "dead")
REFUSED: tuple[IntentState, ...] = ("rejected", "dead")
UNSETTLED: tuple[IntentState, ...] = ("rejected", "dead", "superseded")  # closed, yet the far end may differ from us
FOLLOWERS: dict[IntentState, tuple[IntentState, ...]] = {
    "pending": ("waiting", "sending", "rejected", "dead", "superseded", "waived"),
    "waiting": ("pending", "superseded", "waived"),
    "sending": ("acked", "rejected", "retryable", "ambiguous", "dead", "superseded"),
    "retryable": ("sending", "rejected", "dead", "superseded", "waived"),
    "ambiguous": ("sending", "acked", "rejected", "retryable", "dead", "superseded", "waived"),
    "rejected": ("waived",),
    "dead": ("waived",),
    "superseded": (),
    "waived": (),
    "acked": (),
}

STANDING: tuple[ExceptionState, ...] = ("open", "assigned", "waiting", "retried", "waived")  # one row per identity
ASKING: tuple[ExceptionState, ...] = ("open", "assigned", "waiting", "retried")  # somebody or something must act


@cache
def predecessors(state: IntentState) -> tuple[IntentState, ...]:
    """Give the states from which an intent may enter ``state``."""
    return tuple(before for before, after in FOLLOWERS.items() if state in after)
