"""Check cursors: whether an incremental read asks for changes, and can miss none of them.

In: ``System`` and its spec. Diagnostics: SYN0706, SYN0708, SYN0710.
Invariant (of a system without these): a change that a read does not see is seen by the next one. What ``granularity``,
``lag`` and ``visible_after`` ask for is in the overlap already; here stands what no overlap mends.
"""

from __future__ import annotations

from collections.abc import Mapping

from syncline_compiler.diagnostics.diagnostic import Collector, Secondary
from syncline_compiler.model.document import Declared, Place, WrittenProject
from syncline_compiler.model.spec_system import CursorSpec, SystemSpec
from syncline_compiler.model.templates import PLACEHOLDER, PLACEHOLDERS, texts_in
from syncline_compiler.quantities import MICROSECONDS, microseconds
from syncline_compiler.spelling import nearest
from syncline_runtime.frozen import dataclass
from syncline_runtime.system import Cursor, ListRead, NativeField, Resource, System

FORMATS = {
    "instant": {"iso", "iso_naive", "wire"},
    "local_datetime": {"iso", "iso_naive", "wire"},
    "date": {"iso", "iso_naive", "wire"},
    "int": {"epoch"},
    "text": {"text", "iso", "iso_naive", "wire"},
}
"""By type of the field, the formats in which its values can be read as marks that rise."""


@dataclass(frozen=True)
class _Looked:
    """One cursor: the field it names, as described and as written."""

    resource: Resource
    listed: ListRead
    cursor: Cursor
    native: NativeField
    spec: CursorSpec
    declared: Declared[SystemSpec]
    diagnostics: Collector

    @property
    def place(self) -> Place:
        return ("resources", self.resource.name, "list", "cursor")

    @property
    def described(self) -> Secondary:
        return (self.declared.key("resources", self.resource.name, "fields", self.native.name), "declared here")

    def refuse(self, code: str, key: str, label: str, *help: str, beside: Secondary | None = None) -> None:
        """Report what is wrong with one setting of the cursor."""
        span = (
            self.declared.at(*self.place, key) if key in self.spec.model_fields_set else self.declared.key(*self.place)
        )
        self.diagnostics.report(code, span, label=label, help=help, secondary=[beside or self.described])


def check_cursors(project: WrittenProject, systems: Mapping[str, System], diagnostics: Collector) -> None:
    """Check the cursor and the cap of every list."""
    for name, system in systems.items():
        for resource in system.resources:
            looked = _looked(resource, project.systems[name], diagnostics)
            if looked is not None and not _reads_changes(looked):
                continue
            if looked is not None:
                _check_losses(looked)
            _check_cap(resource, project.systems[name], diagnostics)


def _looked(resource: Resource, declared: Declared[SystemSpec], diagnostics: Collector) -> _Looked | None:
    written = declared.spec.resources[resource.name].list_
    if resource.list is None or resource.list.cursor is None or written is None or written.cursor is None:
        return None
    cursor = resource.list.cursor
    native = next((field for field in resource.fields if field.name == cursor.field), None)
    if native is None:
        return None
    return _Looked(resource, resource.list, cursor, native, written.cursor, declared, diagnostics)


def _reads_changes(looked: _Looked) -> bool:
    """Check that the field rises, can be read so, and that some request asks for what changed since."""
    native = looked.native
    if native.type not in FORMATS or not native.readable:
        why = f"`{native.name}` is {native.type}" if native.readable else f"`{native.name}` cannot be read"
        remedy = "name a field that rises with each change, such as a time of last change"
        looked.refuse("SYN0706", "field", f"{why}: it cannot say what changed since", remedy)
    elif looked.cursor.format not in FORMATS[native.type]:
        fitting = sorted(FORMATS[native.type])
        label = f"`{looked.cursor.format}` does not read a cursor of type {native.type}"
        looked.refuse("SYN0706", "format", label, f"write `format: {fitting[0]}`")
    elif looked.declared.spec.protocol != "sql" and not _asks_for_changes(looked.listed, looked.cursor):
        looked.diagnostics.report(
            "SYN0706", looked.declared.key(*looked.place),
            label="no request holds `{cursor}`, so that every run reads everything",
            help='say how changes are asked for: `query: {updated_since: "{cursor}"}`',
        )  # fmt: skip
    else:
        return True
    return False


def _asks_for_changes(listed: ListRead, cursor: Cursor) -> bool:
    if listed.table is not None:
        return True
    request = listed.request
    templates = (cursor.query, cursor.body, request.path, request.query, request.body, request.headers)
    texts = " ".join(text for template in templates for _, text in texts_in(template))
    names = {name for name, _ in PLACEHOLDER.findall(texts)}
    return "cursor" in names or any(nearest(name, PLACEHOLDERS) == "cursor" for name in names - PLACEHOLDERS)


def _check_losses(looked: _Looked) -> None:
    """Check that the next read begins before anything that this one could have missed."""
    native, version = looked.native, looked.resource.version
    fields = {field.name for field in looked.resource.fields}
    if version in fields and version != native.name:
        rises = (looked.declared.at("resources", looked.resource.name, "version"), "rises with each change")
        label = f"`{native.name}` is the cursor, and `{version}` is what rises with each change"
        remedies = (f"write `field: {version}`, and ask for changes by it", "or remove `version`, if it does not rise")
        looked.refuse("SYN0708", "field", label, *remedies, beside=rises)
    elif native.type == "date" and looked.cursor.granularity < MICROSECONDS["d"]:
        label = "dates are a day apart: a change later that day has the same date"
        looked.refuse("SYN0708", "granularity", label, "remove `granularity`: a day is taken for a date")
    elif looked.cursor.format == "text":
        _check_text(looked)


def _check_text(looked: _Looked) -> None:
    """Check that nothing is lost though a text cannot be stepped back from."""
    if looked.cursor.lag:
        said = "lag" if microseconds(looked.spec.lag) else "format"
        label = "a text cannot be stepped back from, so that changes which show late are never read"
        remedies = ("name a time of last change as cursor", "or read all records: leave the cursor out")
        looked.refuse("SYN0708", said, label, *remedies)
    elif not looked.spec.inclusive:
        label = "several records may have one text; those after the first ones read are lost"
        again = "write `inclusive: true` if the system returns the records at the cursor itself once more (`>=`)"
        looked.refuse("SYN0708", "format", label, again, "or read all records: leave the cursor out")


def _check_cap(resource: Resource, declared: Declared[SystemSpec], diagnostics: Collector) -> None:
    """Check that a list which shows so many records and no more shows all that there are."""
    cap = resource.list.result_cap if resource.list is not None else None
    if cap is None or (resource.list is not None and resource.list.windows):
        return
    volume = declared.spec.resources[resource.name].volume
    if volume is not None and volume.records < cap:
        return
    place: Place = ("resources", resource.name)
    known = [(declared.at(*place, "volume", "records"), "so many there are")] if volume is not None else []
    diagnostics.report(
        "SYN0710", declared.at(*place, "list", "result_cap"),
        label=f"of more than {cap:,} records the rest is never seen, and nothing says so",
        secondary=known,
        help=(
            "describe a list that shows all records, such as an export, instead of a search",
            "or say how changes are asked for up to a moment too, `query: {updated_until: \"{until}\"}` at the cursor",
            *(() if volume is not None else (f"or say how many there are: `volume: {{records: …}}`, less than {cap:,}",)),
        ),
    )  # fmt: skip
