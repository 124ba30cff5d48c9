"""What stands where functions stand and is none: tables, references, other records, choices, handling of failure.

Each is declared once for the reference, with an example that a test compiles.
"""

from __future__ import annotations

from typing import Literal

from syncline_runtime.frozen import dataclass

Inverts = Literal["bijection", "normal form", "none"]


@dataclass(frozen=True)
class Form:
    """One form of the language. ``place``: where the example stands, a line of a mapping or an expression of an object."""

    name: str
    usage: str
    doc: str
    inverts: Inverts
    cost: str
    example: str
    place: Literal["line", "object"] = "line"


FORMS = (
    Form("code", "| code TABLE",
         "Takes a native code through a code table to its meaning, or a meaning back to its code. Two ways need every meaning to have "
         "one code: `inverse` in the table names the preferred one where several have it.",
         "bijection", "table", "status <-> Status | code status"),
    Form("ref", "| ref OBJECT",
         "Takes the native id of another record of the same system to the record that it stands for, through the crosswalk; fails "
         "while that record is not known yet.", "bijection", "join", "owner <-> Owner | ref user"),
    Form("ref by", "| ref OBJECT by FIELD",
         "Finds a record by the value that it is known by everywhere, such as a number, instead of a native id.", "none", "join",
         "owner <- Text | ref user by name"),
    Form("case", "case when CONDITION then VALUE … else VALUE end",
         "The value of the first condition that holds. Without `else` it may be null. What a condition says is known in its branch.",
         "none", "low", 'label <- case when Status == "Open" then "yes" else "no" end'),
    Form("??", "VALUE ?? VALUE",
         "The first value that is there. A constant after it is what null stands for; a two-way line writes the value itself.",
         "normal form", "low", 'label <-> Text ?? "none"'),
    Form("pick", "pick LIST where CONDITION .MEMBER",
         "A member of the first element of a list that satisfies a condition. A two-way line writes it there, and makes an element "
         "where there is none.", "bijection", "list", 'email <-> pick Points where type == "email" .value'),
    Form("sum, count, min, max, first, last, any, all", "count(LIST where CONDITION) · sum(LIST.MEMBER) · any(CONDITION over LIST.MEMBER)",
         "Over the elements of a native list, in its own order; an element whose value is there and cannot be read makes all of it fail.",
         "none", "list", 'count <- count(Points where kind == "home")'),
    Form("in", "VALUE in (VALUE, …)", "Whether a value is one of several, or a native code of a code table: `Status in status`.",
         "none", "low", 'flag <- Status in ("New", "Open")'),
    Form("is null", "VALUE is null · VALUE is not null", "Whether a value is null. Null, missing and \"\" are three things.",
         "none", "low", "flag <- Text is not null"),
    Form("else", "else null · else reject \"…\" · else review",
         "What happens where a step before it fails, or for `reject` and `review` also where the value is null: the field is "
         "empty, the record is rejected with these words, or it waits for a person. Without it, a failure rejects the record.",
         "normal form", "low", 'email <-> Text | email else null'),
    Form("sum", "sum(COLLECTION.FIELD where CONDITION)",
         "The sum over the records that refer to this one, by the name that their `ref` gives itself with `inverse`; 0 over none. "
         "Money of two currencies has no sum.", "none", "group", "sum(invoices.total)", "object"),
    Form("count", "count(COLLECTION where CONDITION)", "How many records refer to this one.", "none", "group",
         'count(invoices where state == "open")', "object"),
    Form("min, max", "min(COLLECTION.FIELD) · max(COLLECTION.FIELD)",
         "The least and the greatest value among the records that refer to this one; null over none.", "none", "group",
         "max(invoices.number)", "object"),
    Form("first, last", "first(COLLECTION.FIELD, COLLECTION.ORDER where CONDITION)",
         "The value of the first or last record in an order, of those that have both; null over none. Of two in one place it is "
         "always the same one.", "none", "group", "last(invoices.state, invoices.number)", "object"),
    Form("any, all", "any(CONDITION) · any(COLLECTION where CONDITION) · all(CONDITION)",
         "Whether a condition holds for one, or for every record that refers to this one; over none, any is false and all is true.",
         "none", "group", 'all(invoices.state == "paid")', "object"),
)  # fmt: skip
