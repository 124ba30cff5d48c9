"""Regular expressions: what RE2 refuses is a compile error, and what it takes is harmless."""

from __future__ import annotations

import pytest

from language import codes_of, engine
from support.soon import soon
from syncline_compiler.functions.patterns import has_group, refused


@pytest.mark.parametrize(
    "pattern",
    [
        "(",
        "[a",
        "a**",
        "(?=a)b",
        "(?<!a)b",
        r"(a)\1",
        "(a{1000}){1000}",
        "((a{100}){100}){100}",
        "a" * 1_001,
        "\\",
        "(?P<n>a",
    ],
)
def test_refused_when_compiling(pattern: str) -> None:
    with soon(1):
        assert refused(pattern) is not None
        written = pattern.replace("\\", "\\\\").replace('"', '\\"')
        assert codes_of(f'flag <- Name | matches "{written}"\n') == ["SYN0313"]


@pytest.mark.parametrize("pattern", ["(a+)+$", "(a|aa)+$", "(.*a){12}$", "^(([a-z])+.)+[A-Z]([a-z])+$", "(x+x+)+y"])
def test_evil_patterns_are_harmless(pattern: str) -> None:
    assert refused(pattern) is None
    with soon(2):
        engine().execute("SELECT regexp_full_match(repeat('a', 100000) || '!', ?)", [pattern]).fetchone()


@pytest.mark.parametrize(
    ("pattern", "group"),
    [("a(b)", True), ("a(?:b)", False), (r"a\(b\)", False), ("a[(b]", False), ("(?P<n>a)", True), ("(?i)a", False), ("[]()]", False),
     ("[^](]a", False), ("[[:alpha:](]", False), ("x(y", True)],
)  # fmt: skip
def test_groups_that_catch(pattern: str, group: bool) -> None:
    assert has_group(pattern) is group
