"""Propose: the edit of a system description that makes it say what the system seems to be.

In: the text of the description, the system as it is described, and as it seems to be. Out: the text with the edit, and what it leaves to
people. Invariants: comments, order and everything that drift is silent about stay; a guess is written only by those who take it for true;
what the description itself goes by, such as an id or a cursor, is never taken out.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import field, replace

from syncline_compiler.changes.system_facts import native_type
from syncline_compiler.drift.compare import Overlay
from syncline_compiler.formatting.edit import edited_at, is_member, with_member, without_member, written_entry
from syncline_compiler.formatting.layout import laid_out
from syncline_compiler.formatting.tree import Collection, Entry, Scalar, read_tree
from syncline_compiler.model.spec_system import ResourceSpec, SystemSpec
from syncline_compiler.passes.format_yaml import format_yaml
from syncline_compiler.passes.resolve_system import used_fields
from syncline_runtime.frozen import dataclass
from syncline_runtime.system import NativeField, Resource, System

_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_. ()/-]*")
_TAKEN_FOR_ELSE = frozenset({"true", "false", "null", "yes", "no", "on", "off", "y", "n"})


@dataclass(frozen=True)
class Proposal:
    """A description with its edit, and what is left, in words."""

    text: str
    left: tuple[str, ...] = field(default_factory=tuple)


def propose(text: str, spec: SystemSpec, described: System, overlay: Overlay, *, renames: bool) -> Proposal:
    """Edit a description; ``renames``: guesses are taken for true."""
    tree = read_tree(text.removeprefix("\ufeff").replace("\r\n", "\n"))
    if tree.root is None or not isinstance(tree.root.value, Collection):
        return Proposal(text)
    left: list[str] = []
    guessed = {(one.resource, one.field) for one in overlay.guesses}
    changes = [
        _Change(name, spec.resources[name], described.resource(name), overlay.system.resource(name), guessed, renames)
        for name in spec.resources
    ]

    def resources(node: Collection) -> Collection:
        for one in changes:
            left.extend(one.left())
            node = edited_at(node, one.name, one.whole)
        return node

    root = edited_at(tree.root.value, "resources", resources)
    if root == tree.root.value:
        return Proposal(text, tuple(left))
    return Proposal(format_yaml(laid_out(replace(tree, root=replace(tree.root, value=root)))), tuple(left))


@dataclass(frozen=True)
class _Change:
    """What is otherwise of one resource."""

    name: str
    spec: ResourceSpec
    before: Resource
    after: Resource
    guessed: set[tuple[str, str]]
    renames: bool

    def whole(self, resource: Collection) -> Collection:
        """Edit the resource."""
        resource = edited_at(resource, "fields", self.edit)
        was, now = self.before.list, self.after.list
        if was is None or now is None or was.paging.size == now.paging.size:
            return resource
        size = str(now.paging.size)
        return edited_at(
            resource, "list", lambda listed: edited_at(listed, "paging", lambda one: with_member(one, "size", size))
        )

    def edit(self, fields: Collection) -> Collection:
        """Edit the members of ``fields``."""
        for native in self.before.fields:
            now = self.after.by_name.get(native.name)
            if self._is_left(native):
                continue
            if now is None:
                fields = without_member(fields, native.name)
            elif members := dict(_otherwise(native, now)):
                fields = _with_field(fields, native.name, members)
        for native in self.after.fields:
            if native.name not in self.before.by_name:
                entry = written_entry(
                    _scalar(native.name),
                    _written(dict(_otherwise(NativeField(native.name, "text", native.name), native))),
                )
                fields = replace(fields, entries=(*fields.entries, entry))
        return fields

    def left(self) -> Iterator[str]:
        """Say what is left to people."""
        for native in self.before.fields:
            now = self.after.by_name.get(native.name)
            if self._is_left(native):
                what = (
                    f"seems to be {now.at} by now: --renames takes that for true"
                    if now is not None
                    else "is gone, and the description goes by it"
                )
                yield f"{self.name}.{native.name} {what}"
        for verb in ("create", "update", "delete"):
            if getattr(self.before, verb) is not None and getattr(self.after, verb) is None:
                yield f"{self.name}.{verb}: the document has no such request; take the contract out, or mend its path"

    def _is_left(self, native: NativeField) -> bool:
        if (self.name, native.name) in self.guessed:
            return not self.renames
        used = {name for name, _ in used_fields(self.spec, ())}
        return native.name not in self.after.by_name and native.name in used


def _otherwise(before: NativeField, after: NativeField) -> Iterator[tuple[str, str | None]]:
    """Give the members of a field to write, each as text on one line; None: it is to go."""
    types = [native_type(replace(one, ref=None, of=None)) + "~" * one.partial for one in (before, after)]
    if types[0] != types[1]:
        yield "type", _scalar(types[1])
    if before.at != after.at:
        yield "at", _scalar(after.at)
    if before.required != after.required:
        yield "required", "true" if after.required else None
    if before.values != after.values:
        yield "values", f"[{', '.join(map(_scalar, after.values))}]" if after.values else None
    for key, was, now in (("read", before.readable, after.readable), ("write", before.writable, after.writable)):
        if was != now:
            yield key, "false" if not now else None


def _with_field(fields: Collection, name: str, members: Mapping[str, str | None]) -> Collection:
    entries = tuple(
        replace(entry, value=_edited(entry, members)) if is_member(entry, name) else entry for entry in fields.entries
    )
    return replace(fields, entries=entries)


def _edited(entry: Entry, members: Mapping[str, str | None]) -> Collection | Scalar:
    value = entry.value
    if isinstance(value, Scalar):  # the short form, which holds a type and nothing else
        if members.keys() == {"type"}:
            return _value_of(members["type"] or "text")
        of_type = _value_of(_scalar(value.value))  # between braces a comma needs quotes: decimal(12,2)
        value = Collection(True, True, (replace(written_entry("type", "text"), value=of_type),), ())
    for key, text in members.items():
        value = without_member(value, key) if text is None else with_member(value, key, text)
    return value


def _written(members: Mapping[str, str | None]) -> str:
    told = {"type": members.get("type") or "text", **{key: text for key, text in members.items() if text is not None}}
    return told["type"] if len(told) == 1 else f"{{{', '.join(f'{key}: {text}' for key, text in told.items())}}}"


def _value_of(text: str) -> Scalar:
    value = written_entry("type", text).value
    assert isinstance(value, Scalar)
    return value


def _scalar(text: str) -> str:
    """Write a text so that it stays one wherever it stands; quotes that nobody needs go with the layout."""
    if _PLAIN.fullmatch(text) and text == text.strip() and text.casefold() not in _TAKEN_FOR_ELSE:
        return text
    return json.dumps(text, ensure_ascii=not text.isprintable())
