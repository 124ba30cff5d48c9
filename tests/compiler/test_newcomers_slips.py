"""What a newcomer writes: one report, at the right place, that says what to do.

Each case is a slip in the quickstart or in quote-to-cash, with what is said of it.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from syncline_compiler.pipeline import check_sources
from syncline_compiler.source import SourceFile, read_sources

EXAMPLES = Path(__file__).parents[2] / "examples"
FILES = {
    name: {file.path: file for file in read_sources(EXAMPLES / name) if isinstance(file, SourceFile)}
    for name in ("quickstart", "quote-to-cash")
}
QUICK, QUOTE = "quickstart", "quote-to-cash"
ACCOUNT, SYNC, CRM_MAP = "objects/account.yaml", "syncs/account.yaml", "mappings/crm_account.map"
PARTNER, PROJECT = "systems/partner.yaml", "syncline.yaml"
HEAD = "mapping crm.Account <-> account@1"
SLIPS = [
    # YAML
    (QUICK, "systems/crm.yaml", '"decimal(12,2)", at: credit.limit', "decimal(12, 2), at: credit.limit",
     "SYN0008", "the comma ends the value here", 'quote it: `"decimal(12,2)"`'),
    (QUICK, ACCOUNT, "identity:", "<<<<<<< HEAD\nidentity:\n=======\nidentity:\n>>>>>>> theirs",
     "SYN0002", "a merge has left both sides here", "take the marks out"),
    (QUICK, ACCOUNT, '"text(20)?", form: upper', '"text(20)?, form: upper',
     "SYN0002", "a `,` or `}` is expected here", "quote text"),
    (QUICK, SYNC, "originate: [crm]", "originate: crm", "SYN0008", "a list is expected", "write `[crm]`"),
    # the mapping language
    (QUICK, CRM_MAP, "name    <-> name", "<<<<<<< HEAD\nname <-> name\n=======\n>>>>>>> theirs",
     "SYN0101", "a merge has left both sides here", "take the marks out"),
    (QUICK, CRM_MAP, "name    <-> name", "// the name\nname <-> name", "SYN0101", "not `/`", "a comment begins with `#`"),
    (QUICK, CRM_MAP, "name    <-> name", "name <=> name", "SYN0101", "not `>`", "an arrow is `<->`, `<-` or `->`"),
    (QUICK, CRM_MAP, "name    <-> name", "name: name", "SYN0101", "not `:`", "an arrow maps"),
    (QUICK, CRM_MAP, HEAD, "mapping account@1 <-> crm.Account", "SYN0101", "not `@`", "the resource stands first"),
    (QUICK, CRM_MAP, 'status == "Open" and', 'status == "Open" &&',
     "SYN0101", "an operator", "write `and`"),
    # what hangs on an unknown name is not told again
    (QUICK, "systems/crm.yaml", "account_id: {type: text, ref: Account, required: true}\n      total",
     "account_id: {type: text, ref: Acount, required: true}\n      total", "SYN0202", "no resource `Acount`", "`Account`"),
    (QUOTE, "systems/bottlecrm.yaml", "of: InvoiceLine,", "of: InvoiceLin,", "SYN0202", "no resource `InvoiceLin`", "`InvoiceLine`"),
    # a folder of files and a database are only read
    (QUICK, PARTNER, "    files: {pattern", "    update: {request: {path: /x}}\n    files: {pattern",
     "SYN0006", "folders of files are read, and never written or asked", "`<-`"),
    (QUICK, PARTNER, "resources:", "account: {request: {path: /me}, at: id}\nresources:",
     "SYN0006", "folders of files answer no requests", "take it out"),
    (QUICK, PARTNER, 'files: {pattern: "*.csv", format: csv, delimiter: ";"}', "list: {table: rating}",
     "SYN0007", "a folder of files has no lists", "say which files are read"),
    # addresses
    (QUICK, PROJECT, "      account: acme", "      account: acme\n      token_origin: https://login.example.net",
     "SYN0806", "another host than `origin`", "`origins: [https://crm.example.com, https://login.example.net]`"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("project", "path", "before", "after", "code", "label", "remedy"), SLIPS, ids=[case[3][:40] for case in SLIPS]
)
def test_a_slip(project: str, path: str, before: str, after: str, code: str, label: str, remedy: str) -> None:
    files = FILES[project]
    assert before in files[path].text, path
    broken = SourceFile(path, files[path].text.replace(before, after, 1))
    (found,) = check_sources({**files, path: broken}.values()).diagnostics
    assert (found.code, found.span.path) == (code, path)
    assert label in found.label, found.label
    assert remedy in " ".join(found.helps), found.helps


def test_of_a_database_no_proof_and_no_limit_is_asked() -> None:
    files = FILES[QUICK]
    table = files[PARTNER].text.replace("protocol: files", "protocol: sql")
    table = table.replace('files: {pattern: "*.csv", format: csv, delimiter: ";"}', "list: {table: rating}")
    found = check_sources({**files, PARTNER: SourceFile(PARTNER, table)}.values()).diagnostics
    assert [one.label for one in found] == []
