"""Texts as Markdown, so that nothing in a spec can be taken for markup: labels, names, conditions come from pull requests.

In: texts. Out: ``Markdown``, which alone can stand in a page. Invariant: a text shows as itself wherever it stands, also in a cell of a
table; no tag, link or image comes of it.
"""

from __future__ import annotations

import html
import re
import unicodedata
from collections.abc import Iterable, Sequence
from typing import NewType

Markdown = NewType("Markdown", str)

EMPTY = Markdown("")
_SPECIAL = re.compile(r"([\\`*_\[\]|~!#$^{}])")
_LINE_START = re.compile(r"^([0-9]{1,9}(?=[.)](?:\s|$))|)([-+=.)])")
_ADDRESS = re.compile(r"(?i)(:)(?=//)|(?<=\bwww)(\.)|(@)")
_TURNING = frozenset({"LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI"})
"""Characters that turn the direction of what follows, so that it reads as something else."""
_TAME = frozenset(" -.,;()='\"+/?%")
"""Characters that mean nothing within a tag."""
_BAR = re.compile(r"(?<!\\)\|")


def plain(text: str) -> Markdown:
    """Give a text that shows as itself: no emphasis, link, heading or entity comes of it."""
    quoted = _SPECIAL.sub(r"\\\1", html.escape(_one_line(text).strip(), quote=False))
    quoted = _ADDRESS.sub(r"\\\g<0>", quoted)
    return Markdown(_LINE_START.sub(lambda found: f"{found[1]}\\{found[2]}", quoted))


def code(text: str) -> Markdown:
    """Give a text as code; one with a mark in it that would end the code is written with entities."""
    shown = _one_line(text)
    if not shown.strip():
        return Markdown(f"<code>{'&nbsp;' * len(shown)}</code>") if shown else Markdown("*empty text*")
    if "`" not in shown and "\\|" not in shown and shown == shown.strip():
        return Markdown(f"`{shown}`")
    return Markdown(
        f"<code>{''.join(one if one in _TAME or one.isalnum() else f'&#{ord(one)};' for one in shown)}</code>"
    )


def link(shown: Markdown, target: str) -> Markdown:
    """Give a link; the target is an address that we made of names."""
    return Markdown(f"[{shown}]({target})")


def anchor(name: str) -> Markdown:
    """Give a place that links lead to, whatever its heading says."""
    return Markdown(f'<a id="{html.escape(name, quote=True)}"></a>')


def joined(parts: Iterable[Markdown], between: str = ", ") -> Markdown:
    """Put parts together; ``between`` is ours."""
    return Markdown(between.join(parts))


def written(template: str, *parts: Markdown) -> Markdown:
    """Put parts into a sentence of ours, in place of ``{}``."""
    return Markdown(template.format(*parts))


def table(heads: Sequence[str], rows: Iterable[Sequence[Markdown]]) -> list[Markdown]:
    """Give the lines of a table, without the columns in which every cell is empty; nothing where there is no row."""
    cells = [[_BAR.sub(r"\\|", cell) for cell in row] for row in rows]  # those within code, which alone are bare
    if not cells:
        return []
    kept = [index for index in range(len(heads)) if any(row[index] for row in cells)]
    lines = [[heads[index] for index in kept], ["---"] * len(kept), *([row[index] for index in kept] for row in cells)]
    return [*(Markdown(f"| {' | '.join(line)} |") for line in lines), EMPTY]


def _one_line(text: str) -> str:
    """Give a text without line ends and without what turns or hides the text around it."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(_shown(one) for one in " ".join(text.splitlines()))


def _shown(one: str) -> str:
    if one == "\t":
        return " "
    hidden = unicodedata.category(one) in {"Cc", "Cs"} or unicodedata.bidirectional(one) in _TURNING
    return "\ufffd" if hidden else one
