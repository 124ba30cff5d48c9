"""Reading the files that others drop into a folder.

In: a folder and a resource's ``files``. Out: pages of rows, and Parquet files for the engine to read.
Invariants: a file that is unreadable, still being written or cut off is a failure with file and line, never fewer rows;
files are only read, never moved or removed; nothing outside the folder is read. What values say in the files' own way of
writing numbers and dates is read in the engine (``stages.spelled``).
"""

from __future__ import annotations

import csv
import io
from collections.abc import Container, Generator, Iterable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from itertools import chain, islice
from pathlib import Path
from typing import Any, Final

from syncline_runtime.connectors import jsontext, wire
from syncline_runtime.connectors.results import Natives, Page, ParquetFile, Row, raw_hash
from syncline_runtime.connectors.templates import read_path
from syncline_runtime.errors import ReleaseError, RequestFailed
from syncline_runtime.system import FileRead, Resource, System

ROWS_PER_PAGE: Final = 5_000
_UNFINISHED: Final = (".tmp", ".part", ".partial", ".filepart", ".crdownload")
_WIDE: Final = ("utf-16", "utf-32", "utf16", "utf32")

Numbered = tuple[int, Natives]  # line (or position) in the file, and the record there


@dataclass(frozen=True)
class _Source:
    """One file: where it is, and how messages name it."""

    path: Path
    name: str
    place: str


def read_files(
    system: System, resource: Resource, folder: Path, place: str, now: int | None = None
) -> Iterator[Page | ParquetFile]:
    """Read all files that fit the resource's pattern, in the order of their names, in pages.

    ``now`` (microseconds since 1970): when files are read that settle; None: they have.
    """
    spec = resource.files
    if spec is None:
        raise ReleaseError("the system description has no `files` for this resource", place=place)
    for source in _whole(_sources(folder, spec, place), spec, now):
        if spec.format == "parquet":
            yield ParquetFile(source.path, source.name)
            continue
        with _unchanged(source):
            records = _records(system, resource, spec, source)
            while chunk := list(islice(records, ROWS_PER_PAGE)):
                yield Page(tuple(_row(resource, source, *each) for each in chunk), requests=0, source=source.name)


def _sources(folder: Path, spec: FileRead, place: str) -> list[_Source]:
    if Path(spec.pattern).is_absolute() or ".." in Path(spec.pattern).parts:
        raise ReleaseError(f"the file pattern {spec.pattern!r} leads out of the folder", place=place)
    if not folder.is_dir():
        raise RequestFailed(
            f"the folder {folder} is not there",
            category="transport",
            place=place,
            mend="create the folder, or correct the origin of this connection",
        )
    root = folder.resolve()
    found = [path for path in folder.glob(spec.pattern) if path.is_file() and _finished(path, folder)]
    for path in found:
        if not path.resolve().is_relative_to(root):
            raise RequestFailed(
                f"{path.name} is a link that leads out of the folder", category="permission", place=place
            )
    if spec.ready:
        found = [path for path in found if not path.name.endswith(spec.ready)]
    named = ((path, path.relative_to(folder).as_posix()) for path in found)
    return [_Source(path, name, f"{place} {name}") for path, name in sorted(named, key=lambda pair: pair[1])]


def _whole(sources: list[_Source], spec: FileRead, now: int | None) -> Iterator[_Source]:
    """Leave out files that may still be written; where the files together show all there is, none may be left out."""
    for source in sources:
        why = _under_way(source, spec, now)
        if why and spec.complete:
            raise _half_written(source, None, why)
        if not why:
            yield source


def _under_way(source: _Source, spec: FileRead, now: int | None) -> str:
    if spec.ready and not source.path.with_name(source.path.name + spec.ready).is_file():
        return f"has no {source.path.name}{spec.ready} beside it"
    try:
        changed = source.path.stat().st_mtime_ns // 1000
    except OSError as error:
        raise _broken(source, None, f"cannot be read ({error.strerror})") from None
    if now is not None and spec.settles and now - changed < spec.settles * 1_000_000:
        return f"changed less than {spec.settles} s ago"
    return ""


def _finished(path: Path, folder: Path) -> bool:
    """Whether the name is one that is not given to files under way."""
    hidden = any(part.startswith(".") for part in path.relative_to(folder).parts)
    return not hidden and not path.name.lower().endswith(_UNFINISHED)


@contextmanager
def _unchanged(source: _Source) -> Iterator[None]:
    """Fail if the file changes while the block reads it, or cannot be read."""
    try:
        before = source.path.stat()
        yield
        after = source.path.stat()
    except OSError as error:
        raise _broken(source, None, f"cannot be read ({error.strerror})") from None
    if (before.st_size, before.st_mtime_ns, before.st_ino) != (after.st_size, after.st_mtime_ns, after.st_ino):
        raise _half_written(source, None, "changed while it was read")


def _records(system: System, resource: Resource, spec: FileRead, source: _Source) -> Iterator[Numbered]:
    if spec.format == "csv":
        return _csv_records(resource, spec, source)
    if spec.format == "jsonl":
        return _jsonl_records(system, resource, spec, source)
    return _json_records(system, resource, spec, source)


def _row(resource: Resource, source: _Source, line: int, natives: Natives) -> Row:
    native_id = natives.get(resource.id)
    if not native_id:
        raise _broken(source, line, f"has no {resource.id!r}, which tells records apart")
    version = natives.get(resource.version) if resource.version else None
    return Row(native_id, natives, version, raw_hash=raw_hash(natives), place=f"{source.name}:{line}")


def _csv_records(resource: Resource, spec: FileRead, source: _Source) -> Iterator[Numbered]:
    lines = _Lines(source, spec)
    text = iter(lines)
    reader = csv.reader(text, dialect(spec), strict=True)
    try:
        first = next(reader, None)
        if not first and spec.header:
            raise _half_written(source, 1, "has no header line")
        header = (first if spec.header else [str(number) for number in range(1, len(first) + 1)]) if first else []
        columns = _columns(resource, header, source) if header else []
        for cells in chain([first] if first and not spec.header else [], reader):
            if not cells:
                continue
            if len(cells) != len(header):
                raise _wrong_width(source, reader.line_num, len(cells), len(header), cut=not lines.ended)
            yield reader.line_num, {name: None if null and not cells[i] else cells[i] for name, i, null in columns}
    except csv.Error as error:
        if "unexpected end of data" in str(error):
            raise _half_written(source, reader.line_num, "ends inside a quoted cell") from None
        raise _broken(source, reader.line_num, f"is not proper CSV: {error}") from None
    finally:
        text.close()  # now, not when an error that holds this frame is forgotten


def dialect(spec: FileRead) -> type[csv.Dialect]:
    """Give the dialect in which a CSV file is written."""

    class Described(csv.Dialect):
        delimiter = spec.delimiter
        quotechar = spec.quote or None
        quoting = csv.QUOTE_MINIMAL if spec.quote else csv.QUOTE_NONE
        escapechar = spec.escape or None
        doublequote = not spec.escape
        lineterminator = "\n"

    return Described


def _columns(resource: Resource, header: list[str], source: _Source) -> list[tuple[str, int, bool]]:
    """Find field name, column index and whether an empty cell is null, for every field that has a column."""
    if len(set(header)) != len(header):
        raise _broken(source, 1, "names a column twice")
    index = {column: i for i, column in enumerate(header)}
    if resource.native(resource.id).at not in index:
        raise _broken(source, 1, f"has no column {resource.native(resource.id).at!r}")
    return [(field.name, index[field.at], field.empty_is_null) for field in resource.fields if field.at in index]


def refuse_lacking(resource: Resource, wanted: Iterable[str], there: Container[str], place: str) -> None:
    """Refuse a file of columns that lacks one which is read: it was renamed or left out, and tells nothing of any record.

    ``wanted`` and ``there`` are fields by name.
    """
    lacking = [resource.native(name) for name in wanted if name not in there]
    if names := ", ".join(repr(field.at) for field in lacking if not field.partial):
        raise RequestFailed(
            f"the file has no column {names}, which mappings read",
            category="vendor",
            place=place,
            mend="ask for a corrected file, or correct `at` in the system description; write the type with `~` if files may lack it",
        )


def _jsonl_records(system: System, resource: Resource, spec: FileRead, source: _Source) -> Iterator[Numbered]:
    flatten = wire.flattener(resource, system)
    lines = _Lines(source, spec)
    with closing(iter(lines)) as text:
        for line in text:
            if not line.strip():
                continue
            record = _parsed(source, line, lines.number, cut=not lines.ended)
            if not isinstance(record, dict):
                raise _broken(source, lines.number, "is no JSON object")
            yield lines.number, flatten(record)


def _json_records(system: System, resource: Resource, spec: FileRead, source: _Source) -> Iterator[Numbered]:
    flatten = wire.flattener(resource, system)
    whole = "".join(_Lines(source, spec))
    items = read_path(_parsed(source, whole, None, cut=True), spec.items)
    if not isinstance(items, list):
        raise _broken(source, None, f"holds no list at {spec.items!r}")
    for position, record in enumerate(items, 1):
        if not isinstance(record, dict):
            raise _broken(source, None, f"holds something else than an object as record {position}")
        yield position, flatten(record)


def _parsed(source: _Source, text: str, line: int | None, *, cut: bool) -> Any:
    try:
        return jsontext.parse(text)
    except jsontext.NotJsonError as error:
        if cut and "not JSON" in str(error):
            raise _half_written(source, line, "ends in the middle or is no JSON") from None
        raise _broken(source, line, f"is {error}") from None


class _Lines:
    """The decoded lines of a file; ``number`` is the last one's, ``ended`` whether it had its line end."""

    def __init__(self, source: _Source, spec: FileRead) -> None:
        self._source, self._encoding = source, spec.encoding
        self.number, self.ended = 0, True

    def __iter__(self) -> Generator[str, None, None]:
        with self._source.path.open("rb") as file:
            yield from self._decoded(file)

    def _decoded(self, file: io.BufferedReader) -> Iterator[str]:
        for raw in self._raw_lines(file):
            self.number += 1
            try:
                line = raw if isinstance(raw, str) else raw.decode(self._encoding)
            except UnicodeDecodeError:
                raise _broken(self._source, self.number, f"is not {self._encoding} text") from None
            if "\0" in line:
                raise _half_written(self._source, self.number, "holds zero bytes")
            self.ended = line.endswith(("\n", "\r"))
            yield line.removeprefix("\ufeff") if self.number == 1 else line

    def _raw_lines(self, file: io.BufferedReader) -> Iterable[bytes | str]:
        if not self._encoding.lower().startswith(_WIDE):
            return file  # decoded line by line, so that an undecodable one can be named
        try:
            return file.read().decode(self._encoding).splitlines(keepends=True)
        except UnicodeDecodeError:
            raise _broken(self._source, None, f"is not {self._encoding} text") from None


def _wrong_width(source: _Source, line: int, cells: int, columns: int, *, cut: bool) -> RequestFailed:
    what = f"has {cells} cells where the first line has {columns}"
    return _half_written(source, line, what) if cut and cells < columns else _broken(source, line, what)


def _half_written(source: _Source, line: int | None, what: str) -> RequestFailed:
    return RequestFailed(
        f"the file {'' if line is None else 'line '}{what}; it seems to be half written",
        category="vendor",
        place=_at(source, line),
        mend="let its writer finish, writing under a name that ends in .part and renaming at the end; then run again",
        retry=True,
    )


def _broken(source: _Source, line: int | None, what: str) -> RequestFailed:
    return RequestFailed(
        f"the {'file' if line is None else 'line'} {what}",
        category="vendor",
        place=_at(source, line),
        mend="ask for a corrected file; the file was left where it is and nothing of it was used",
    )


def _at(source: _Source, line: int | None) -> str:
    return source.place if line is None else f"{source.place}:{line}"
