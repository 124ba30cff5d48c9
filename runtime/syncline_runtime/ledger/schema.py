"""The tables of the ledger, for SQLite and PostgreSQL alike.

Invariants: every row carries its realm; field values stand in ``payload`` only (and in segments); no key or id holds
an unkeyed hash of personal data; times are microseconds since 1970 in UTC. A change here needs a migration in
``migrations/versions`` and a higher ``FORMAT``. The indexes stand in ``indexes.py``.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Column,
    ForeignKey,
    ForeignKeyConstraint,
    Integer,
    MetaData,
    Table,
    Text,
    TextClause,
    text,
)
from sqlalchemy.sql.selectable import NamedFromClause

FORMAT = 4  # what this program reads and writes; the migration of that number makes it

metadata = MetaData(
    naming_convention={
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)


def _table(name: str, *parts: Column[object] | ForeignKeyConstraint) -> Table:
    """Give a table within a realm, stored in the order of its key."""
    realm = Column("realm_id", Integer, ForeignKey("realm.id"), primary_key=True, autoincrement=False)
    return Table(name, metadata, realm, *parts, sqlite_with_rowid=False)


def _key(name: str, kind: type[BigInteger] | type[Text] = BigInteger) -> Column[object]:
    return Column(name, kind, primary_key=True, autoincrement=False)


def _text(name: str, default: str | None = None) -> Column[object]:
    return Column(name, Text, nullable=False, server_default=None if default is None else text(f"'{default}'"))


def _whole(name: str, default: int | None = None) -> Column[object]:
    return Column(name, BigInteger, nullable=False, server_default=None if default is None else text(str(default)))


def _maybe(name: str, kind: type[BigInteger] | type[Text] = Text) -> Column[object]:
    return Column(name, kind, nullable=True)


def _belongs(column: str, table: str, key: str = "id") -> ForeignKeyConstraint:
    return ForeignKeyConstraint(["realm_id", column], [f"{table}.realm_id", f"{table}.{key}"])


def where_in(states: tuple[str, ...], column: str = "state") -> str:
    """Write out the condition that a column holds one of ``states``."""
    return f"{column} IN ({', '.join(f'{state!r}' for state in states)})"


def standing_in(table: Table | NamedFromClause, states: tuple[str, ...], column: str = "state") -> TextClause:
    """Give that a row's state is one of ``states``, with the states written out.

    Engines use a partial index only for a condition they can see; a bound parameter hides it.
    """
    return text(f"{table.name}.{where_in(states, column)}")


meta = Table(
    "meta",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("format", Integer, nullable=False),
    _text("program"),
    _whole("created_at"),
    _text("fingerprint_key"),  # random; makes fingerprints of payloads worthless without the ledger
)

realm = Table(
    "realm",
    metadata,
    Column("id", Integer, primary_key=True),
    _text("project"),
    _text("environment"),
    _text("tenant", ""),
)

counter = _table("counter", _key("name", Text), _whole("value"))

run = _table(
    "run",
    _key("id", Text),
    _text("release_hash"),
    _text("binding_hash"),
    _text("syncs"),  # JSON list
    _whole("started_at"),
    _maybe("sealed_at", BigInteger),
    _maybe("closed_at", BigInteger),
    _text("status"),
    _maybe("exit_code", BigInteger),
    _text("summary", "{}"),
)

lease = _table(
    "lease",
    _key("scope", Text),
    _text("holder"),
    _whole("token"),
    _whole("acquired_at"),
    _whole("expires_at"),
)

bucket = _table(
    "bucket",
    _key("credential", Text),
    _whole("tokens"),  # millionths
    _whole("filled_at"),
    _whole("paused_until"),
    _whole("rests_until"),  # 0: it does its work
    _whole("probed_until"),
)

connection = _table("connection", _key("name", Text), _text("account"), _text("environment"), _whole("proven_at"))

cursor = _table(
    "cursor",
    _key("connection", Text),
    _key("resource", Text),
    _key("sync", Text),
    _text("value"),
    _text("run_id"),
    _belongs("run_id", "run"),
)

segment = _table(
    "segment",
    _key("seq"),
    _text("run_id"),
    _text("kind"),
    _text("subject"),
    _text("path"),
    _text("sha256"),
    _whole("rows"),
    _whole("bytes"),
    _whole("schema_version"),
    _belongs("run_id", "run"),
)

intent = _table(
    "intent",
    _key("id"),
    _text("run_id"),
    _text("sync"),
    _text("object"),
    _text("connection"),
    _text("resource"),
    _text("operation"),
    _text("canonical_id"),
    _text("part_key", ""),
    _maybe("native_id"),
    _whole("n"),
    _text("key"),  # unique as (canonical_id, connection, part_key, n) is, which it is made of
    _text("fingerprint"),  # keyed, see meta.fingerprint_key
    _text("origin"),
    _text("state"),
    _whole("attempts", 0),  # those that count towards the limit
    _whole("sends", 0),  # all requests
    _whole("next_at", 0),
    _maybe("first_sent_at", BigInteger),
    _whole("claim_token", 0),
    _whole("claim_deadline", 0),
    _whole("claim_lease", 0),
    _text("correlation_id", ""),
    _maybe("category"),
    _maybe("vendor_code"),
    _maybe("closed_run"),
    _maybe("settled_run"),
    _whole("created_at"),
    _whole("updated_at"),
    _belongs("run_id", "run"),
)

intent_reference = _table(
    "intent_reference",
    _key("intent_id"),
    _key("object", Text),
    _key("canonical_id", Text),
    _key("connection", Text),
    _belongs("intent_id", "intent"),
)

payload = _table(
    "payload",
    _key("kind", Text),  # intent | sent | returned | exception | decision | note
    _key("subject"),  # id of what ``kind`` names
    _text("object"),
    _text("canonical_id"),
    _text("body"),  # canonical JSON
)

attempt = _table(
    "attempt",
    _key("intent_id"),
    _key("no"),
    _whole("started_at"),
    _maybe("ended_at", BigInteger),
    _maybe("outcome"),
    _maybe("status", BigInteger),
    _maybe("category"),
    _maybe("vendor_code"),
    _text("message", ""),
    _belongs("intent_id", "intent"),
)

ack = _table(
    "ack",
    _key("seq"),
    _whole("intent_id"),
    _maybe("native_id"),
    _maybe("version"),
    _whole("at"),
    _maybe("confirmed_run"),
    _belongs("intent_id", "intent"),
)

exception = _table(
    "exception",
    _key("id"),
    _text("sync"),
    _text("object"),
    _text("connection"),
    _text("resource"),
    _text("native_id", ""),
    _text("canonical_id", ""),
    _text("field", ""),
    _text("rule"),
    _text("code"),
    _text("category"),
    _text("pattern", ""),
    _text("severity"),
    _text("side", ""),
    _text("state"),
    _text("owner", ""),
    _text("correlation_id", ""),
    _text("message"),
    _text("first_run"),
    _text("last_run"),
    _whole("first_seen"),
    _whole("last_seen"),
    _whole("count"),
    _maybe("closed_run"),
    _belongs("first_run", "run"),
    _belongs("last_run", "run"),
)

exception_case = _table(  # what people made of an exception; the exception itself is as runs met it
    "exception_case",
    _key("exception_id"),
    _text("assignee", ""),
    _maybe("waived_until", BigInteger),
    _belongs("exception_id", "exception"),
)

exception_note = _table(  # who did what about it; the words stand in ``payload``
    "exception_note",
    _key("id"),
    _whole("exception_id"),
    _text("action"),
    _text("by"),
    _whole("at"),
    _belongs("exception_id", "exception"),
)

count = _table(
    "count",
    _key("run_id", Text),
    _key("sync", Text),
    _key("equation", Text),
    _key("subject", Text),
    _key("name", Text),
    _key("detail", Text),
    _whole("value"),
    _belongs("run_id", "run"),
)

approval = _table(
    "approval",
    _key("change_set", Text),
    _text("by"),
    _text("reason"),
    _whole("at"),
    _maybe("used_run"),
)

decision = _table(
    "decision",
    _key("id"),
    _maybe("exception_id", BigInteger),
    _text("object"),
    _text("canonical_id"),
    _text("field", ""),
    _text("choice"),
    _text("by"),
    _whole("at"),
)

decision_end = _table(  # a decision that is in force no longer
    "decision_end",
    _key("decision_id"),
    _text("state"),
    _text("run_id"),
    _belongs("decision_id", "decision"),
    _belongs("run_id", "run"),
)

erasure = _table(
    "erasure",
    _key("id"),
    _text("object"),
    _text("by"),
    _whole("at"),
    _maybe("finished_at", BigInteger),  # when the files had followed
)

erased = _table(
    "erased",
    _key("connection", Text),
    _key("resource", Text),
    _key("digest", Text),  # HMAC with the key of the state folder
    _whole("erasure_id"),
    _belongs("erasure_id", "erasure"),
)
