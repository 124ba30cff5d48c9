"""Walking through a list, page by page, without doing the requests.

In: each page's body, headers and counts. Out: what to ask for next, until the end. Invariants: a walk ends only where
the system says or shows that nothing follows (a short page shows nothing: systems cap page sizes in silence; an empty page
after a full one has to come twice); a page or token that comes again, and a list that ends before its own total, are
errors and never an end.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from syncline_runtime.connectors import failures
from syncline_runtime.connectors.failures import Asked
from syncline_runtime.connectors.jsontext import Digits, as_text
from syncline_runtime.connectors.templates import ABSENT, read_path
from syncline_runtime.system import Paging

MOST_PAGES: Final = 100_000
_LINK: Final = re.compile(r"<([^>]*)>([^<]*)")
_REL_NEXT: Final = re.compile(r";\s*rel\s*=\s*\"?(?:[^\";]*\s)?next(?:\s[^\";]*)?\"?\s*(?:[;,]|$)", re.IGNORECASE)


@dataclass(frozen=True)
class Seen:
    """One page as it came: how many records its lists hold, how many the longest of them, and the last record as it was told.

    ``says`` equals that of a page that says the same.
    """

    body: Any
    headers: Mapping[str, str]
    count: int
    longest: int
    last: Any
    says: object


@dataclass(frozen=True)
class Walked:
    """How far a walk came: what the next page is asked by, the records and pages so far."""

    token: str | None
    number: bool  # the token is one
    link: str | None
    received: int
    pages: int


START: Final = Walked(None, False, None, 0, 0)


class Walk:
    """One walk through a list; ``values`` and ``link`` say what to ask for, ``advance`` moves on."""

    def __init__(self, paging: Paging, asked: Asked) -> None:
        self._paging, self._asked = paging, asked
        self._received, self._pages, self._offset = 0, 0, 0
        self._page = paging.first
        self._tokens: set[str] = set()
        self._token: Any = ABSENT
        self._before: object = None
        self._first, self._last = 0, 0  # lengths of the first page and of the last one that was not empty
        self._asked_again = False
        self.link: str | None = None

    @property
    def walked(self) -> Walked | None:
        """How far the walk came; None where the next page is told by counting, which others upset meanwhile."""
        if self._paging.kind not in ("cursor", "next_link"):
            return None
        token = None if self._token is ABSENT else as_text(self._token)
        number = isinstance(self._token, (Digits, int))
        return Walked(token, number, self.link, self._received, self._pages)

    def go_on(self, walked: Walked) -> None:
        """Take up a walk where it was left."""
        if walked.token is not None:
            self._token = Digits(walked.token) if walked.number else walked.token
        self.link, self._received, self._pages = walked.link, walked.received, walked.pages

    @property
    def values(self) -> dict[str, Any]:
        """What the list's templates may name on this page."""
        return {
            "size": Digits(self._paging.size),
            "offset": Digits(self._offset),
            "page": Digits(self._page),
            "token": self._token,
        }

    @property
    def place(self) -> str:
        """What is read, for messages."""
        return self._asked.place

    @property
    def page(self) -> int:
        """Which page comes next, counted from one."""
        return self._pages + 1

    @property
    def began(self) -> bool:
        """Whether a page has come already."""
        return self._pages > 0

    def advance(self, seen: Seen) -> bool:
        """Take note of a page; False if it was the last."""
        self._refuse_repetition(seen)
        self._pages += 1
        self._received += seen.count
        self._offset += seen.longest
        self._page += 1 if seen.count else 0
        goes_on = self._paging.kind != "none" and self._goes_on(seen)
        if not goes_on:
            self._check_total(seen)
        return goes_on

    def _goes_on(self, seen: Seen) -> bool:
        paging = self._paging
        if paging.kind == "next_link":
            self.link = self._next_link(seen)
            return self.link is not None and self._unseen(self.link)
        more = read_path(seen.body, paging.more) if paging.more else ABSENT
        if more is False or more is None:
            return False
        if paging.kind == "cursor" and paging.next:
            found = self._take_token(read_path(seen.body, paging.next))
            if more is True and not found:
                raise failures.bad_answer(
                    self._asked, f"more pages follow, and {paging.next!r} does not say which is next"
                )
            return found
        if not seen.count:
            if more is True:
                raise failures.bad_answer(self._asked, "an empty page says that more pages follow")
            return self._ends_suddenly()
        self._first, self._last, self._asked_again = self._first or seen.longest, seen.longest, False
        if paging.kind == "cursor":
            return self._take_token(read_path(seen.last, paging.from_last or "id"))
        total = self._total(seen)
        return total is None or self._received < total

    def _ends_suddenly(self) -> bool:
        """Whether an empty page follows a full one: rare at the true end, and so it is asked for once more."""
        sudden = self._last >= (self._first if self._pages > 2 else self._paging.size) > 0 and not self._asked_again
        self._asked_again = True
        return sudden

    def _take_token(self, token: Any) -> bool:
        if token is ABSENT or token is None or token == "" or token is False:
            return False
        self._token = token
        return self._unseen(as_text(token))

    def _unseen(self, token: str) -> bool:
        if token in self._tokens:
            raise failures.bad_answer(
                self._asked, f"page {self._pages} points to a page that was read already; the list would never end"
            )
        self._tokens.add(token)
        return True

    def _next_link(self, seen: Seen) -> str | None:
        if self._paging.next_header:
            return _next_of(seen.headers.get(self._paging.next_header.lower(), ""))
        link = read_path(seen.body, self._paging.next)
        return link if isinstance(link, str) and link else None

    def _refuse_repetition(self, seen: Seen) -> None:
        if self._pages >= MOST_PAGES:
            raise failures.bad_answer(self._asked, f"the list has not ended after {MOST_PAGES} pages")
        if seen.count and seen.says == self._before:
            raise failures.bad_answer(
                self._asked,
                f"page {self._pages + 1} is the same as the page before; the system ignores how we ask for pages",
                mend="correct `paging` of this list in the system description",
            )
        self._before = seen.says

    def _check_total(self, seen: Seen) -> None:
        total = self._total(seen)
        if total is not None and self._received < total:
            raise failures.bad_answer(
                self._asked,
                f"the list ended after {self._received} of {total} records",
                mend="try again; if it stays so, correct `paging` of this list in the system description",
                retry=True,
            )

    def _total(self, seen: Seen) -> int | None:
        if not self._paging.total:
            return None
        total = read_path(seen.body, self._paging.total)
        digits = as_text(total) if isinstance(total, (str, int)) else ""
        if not digits.isdecimal():
            raise failures.bad_answer(self._asked, f"the answer holds no number at {self._paging.total!r}")
        return int(digits)


def _next_of(header: str) -> str | None:
    """Read the link with relation ``next`` from a Link header (RFC 8288)."""
    for address, parameters in _LINK.findall(header):
        if _REL_NEXT.search(parameters):
            return str(address)
    return None
