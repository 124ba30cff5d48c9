"""Database errors, told as what the user can do.

In: an exception of SQLAlchemy or of a driver. Out: one StateError (or InternalError for our own bugs).
Invariant: no SQL, no parameter and no password reaches the message.
"""

from __future__ import annotations

import sqlite3

from sqlalchemy.exc import DBAPIError, IntegrityError, NoSuchModuleError, SQLAlchemyError

from syncline_runtime.errors import InternalError, StateError, SynclineError

# SQLite result codes, https://www.sqlite.org/rescode.html; the low byte is the primary code
_SAYS: dict[int, tuple[str, str, str]] = {
    sqlite3.SQLITE_NOTADB: (
        "SYN6002",
        "this file is not a ledger",
        "give the state folder of this project, or restore the ledger from a backup; do not delete it",
    ),
    sqlite3.SQLITE_CORRUPT: (
        "SYN6002",
        "the ledger is damaged",
        "restore the whole state folder from a backup; nothing is sent until then",
    ),
    sqlite3.SQLITE_READONLY: (
        "SYN6003",
        "the ledger cannot be written",
        "make the file and its folder writable for the user that runs syncline",
    ),
    sqlite3.SQLITE_PERM: (
        "SYN6003",
        "the ledger cannot be accessed",
        "make the file and its folder readable and writable for the user that runs syncline",
    ),
    sqlite3.SQLITE_CANTOPEN: (
        "SYN6003",
        "the ledger cannot be opened",
        "make the file and its folder readable and writable for the user that runs syncline",
    ),
    sqlite3.SQLITE_FULL: (
        "SYN6004",
        "the disk is full: the last step was not recorded",
        "free space and run again; everything recorded before is complete",
    ),
    sqlite3.SQLITE_IOERR: (
        "SYN6004",
        "the disk refused to write or read the ledger: the last step was not recorded",
        "look for a full disk, a quota or a failing device, then run again; everything recorded before is complete",
    ),
    sqlite3.SQLITE_BUSY: (
        "SYN6007",
        "another process has locked the ledger",
        "wait for it to end, or stop it, and run again",
    ),
    sqlite3.SQLITE_LOCKED: (
        "SYN6007",
        "another process has locked the ledger",
        "wait for it to end, or stop it, and run again",
    ),
}


def told(error: Exception, place: str) -> SynclineError:
    """Give the error to raise instead of a database error."""
    origin = error.orig if isinstance(error, DBAPIError) else error
    code = getattr(origin, "sqlite_errorcode", None)
    if isinstance(code, int) and code & 0xFF in _SAYS:
        syn, message, mend = _SAYS[code & 0xFF]
        return StateError(message, place=place, mend=mend, code=syn)
    if isinstance(error, IntegrityError) or isinstance(origin, sqlite3.IntegrityError):
        return InternalError("a rule of the ledger was broken", place=place, mend="please report this as a bug")
    if isinstance(error, NoSuchModuleError):
        return StateError(
            "the ledger's URL names a database that is not supported",
            place=place,
            mend="write postgresql+psycopg://…, or give a path for SQLite",
            code="SYN6003",
        )
    if isinstance(error, ModuleNotFoundError):
        return StateError(
            f"the driver {error.name} for this ledger is not installed",
            place=place,
            mend="install it: `pip install syncline[postgres]`"
            if error.name == "psycopg"
            else f"install {error.name} beside syncline",
            code="SYN6003",
        )
    if isinstance(error, SQLAlchemyError) and not isinstance(error, DBAPIError):
        return InternalError(f"the ledger was used wrongly ({type(error).__name__})", place=place)
    return StateError(
        f"the ledger's database failed ({type(origin).__name__})",
        place=place,
        mend="check that the database runs and can be reached, then run again; what was recorded is complete",
        code="SYN6003",
    )
