"""Edits of a tree of YAML: members put in, changed or taken out; everything else stays as it is written.

In: a collection. Out: the collection with the edit. Invariant: comments of what stays keep their places.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from syncline_compiler.formatting.tree import Collection, Comment, Entry, Node, Scalar, read_tree

Edit = Callable[[Collection], Collection]


def edited_at(node: Collection, key: str, edit: Edit) -> Collection:
    """Edit the member of a mapping, if it has it."""
    return replace(
        node,
        entries=tuple(
            replace(entry, value=edit(entry.value))
            if is_member(entry, key) and isinstance(entry.value, Collection)
            else entry
            for entry in node.entries
        ),
    )


def with_member(node: Collection, key: str, text: str) -> Collection:
    """Give a mapping in which a member has another value, written on one line; it is added if there is none."""
    if not any(is_member(entry, key) for entry in node.entries):
        return replace(node, entries=(*node.entries, written_entry(key, text)))
    value = written_entry(key, text).value
    return replace(node, entries=tuple(replace(e, value=value) if is_member(e, key) else e for e in node.entries))


def without_member(node: Collection, key: str) -> Collection:
    """Give a mapping without a member; comments before it stay, before what follows."""
    kept: list[Entry] = []
    waiting: tuple[Comment, ...] = ()
    for entry in node.entries:
        if is_member(entry, key):
            waiting = (*waiting, *entry.before)
        else:
            kept.append(replace(entry, before=(*waiting, *entry.before)) if waiting else entry)
            waiting = ()
    return replace(node, entries=tuple(kept), after=(*waiting, *node.after))


def is_member(entry: Entry, key: str) -> bool:
    """Whether an entry is the member of that name."""
    return isinstance(entry.key, Scalar) and entry.key.value == key


def written_entry(key: str | None, text: str) -> Entry:
    """Read what was written on one line as a member, or as an item."""
    tree = read_tree(f"- {text}\n" if key is None else f"{key}: {text}\n")
    assert tree.root is not None
    holder: Node = tree.root.value
    assert isinstance(holder, Collection)
    return holder.entries[0]
