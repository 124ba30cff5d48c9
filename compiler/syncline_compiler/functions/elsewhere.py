"""What functions of other languages are called here, for people who bring a name along."""

from __future__ import annotations

from collections.abc import Mapping

_SAID: Mapping[str, str] = {
    "now today current_date current_timestamp current_time sysdate getdate utcnow":
        "the only clock is `run.started_at`, so that a run can be repeated",
    "ifnull nvl isnull zn default": "write `value ?? other`",
    "if iif iff decode switch choose": "write `case when … then … else … end`",
    "len char_length size": "write `length`",
    "substr mid slice": "write `substring start length`; the first character is 1",
    "strip trimmed btrim": "write `trim`",
    "ucase toupper to_upper upcase uppercase": "write `upper`",
    "lcase tolower to_lower downcase lowercase": "write `lower`",
    "capitalize proper initcap titlecase": "write `title`",
    "strpos instr indexof find position like ilike": "write `contains`, `starts_with`, `ends_with`, or `matches` with a pattern",
    "to_number tonumber val parse_int toint parsefloat float double": "write `int`, or `decimal 2` with the digits after the point",
    "to_char tostring to_string str string varchar": "write `text`, or `format` with a format",
    "to_date parse_date strptime todate date_parse": 'write `date "%d.%m.%Y"`, or `date` for ISO 8601',
    "to_timestamp datetime timestamp parse_datetime": 'write `instant`, or `instant "Europe/Berlin"` for a local time',
    "datediff date_diff timestampdiff months_between": "write `between(from, to, days)`",
    "dateadd date_add adddate add_months timestampadd": "write `plus 30 days`",
    "date_trunc datetrunc": "write `start_of month`",
    "convert_timezone at_timezone from_utc_timestamp": 'write `local "Europe/Berlin"`',
    "regexp_replace regex_replace gsub": "write `replace_matches`",
    "regexp_extract regex_extract regexp_substr": "write `extract`",
    "regexp_like regexp_matches rlike regex": "write `matches`",
    "md5 sha1 sha sha2 sha256 digest": "write `hash`, which is SHA-256",
    "sum count first last": "it goes over a list of the record, or in `derived` of an object over the records that refer to one",
    "avg average mean": "write `sum(…) / count(…)` over a list, or in `derived` of an object",
    "power pow sqrt mod exp log ln rand random uuid newid": "there is none of this kind",
}  # fmt: skip
ELSEWHERE: Mapping[str, str] = {name: said for names, said in _SAID.items() for name in names.split()}
"""Name elsewhere → what to write."""
