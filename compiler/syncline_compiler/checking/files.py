"""How files are written: what is said of it, compiled and checked.

In: ``files`` of a resource. Out: ``FileRead``, with the shapes that numbers and dates have in files. Diagnostics: SYN0008.
"""

from __future__ import annotations

import codecs
from typing import TypeGuard

from syncline_compiler.diagnostics.diagnostic import Collector
from syncline_compiler.functions.function import Setting
from syncline_compiler.functions.locales import LOCALE, number_text
from syncline_compiler.functions.times import READ, shape_of
from syncline_compiler.model.document import Declared
from syncline_compiler.model.spec_system import FilesSpec, SystemSpec
from syncline_compiler.quantities import seconds
from syncline_runtime.system import FileRead, MomentText, NumberText, Resource


def files_of(spec: FilesSpec | None) -> FileRead | None:
    """Compile how files are read."""
    if spec is None:
        return None
    own = {"every", "nulls", "locale", "dates", "times", "settles", "ready"}
    return FileRead(
        **spec.model_dump(exclude=own),
        nulls=tuple(spec.nulls),
        numbers=NumberText(spec.locale, *number_text(spec.locale)) if _is_known(spec.locale, LOCALE) else None,
        dates=_moments(spec.dates),
        times=_moments(spec.times),
        settles=seconds(spec.settles),
        ready=spec.ready or "",
    )


def _moments(written: str | None) -> MomentText | None:
    return MomentText(written, shape_of(written)) if _is_known(written, READ) else None


def _is_known(written: str | None, setting: Setting) -> TypeGuard[str]:
    """Tell whether a setting is there and right; what is wrong with it ``check_files`` says."""
    return written is not None and setting.check is not None and setting.check(written) is None


def check_files(resource: Resource, declared: Declared[SystemSpec], diagnostics: Collector) -> None:
    """Check how files are written: the encoding, the ways of writing values, columns without a name."""
    spec = declared.spec.resources[resource.name].files
    if spec is None:
        return
    place = ("resources", resource.name)
    for key, setting in (("locale", LOCALE), ("dates", READ), ("times", READ)):
        written = getattr(spec, key)
        if written is not None and setting.check is not None and (problem := setting.check(written)):
            diagnostics.report("SYN0008", declared.at(*place, "files", key), label=problem, help=f"correct `{key}`")
    try:
        codecs.lookup(spec.encoding)
    except LookupError:
        label = f"`{spec.encoding}` is no encoding known here"
        diagnostics.report(
            "SYN0008", declared.at(*place, "files", "encoding"), label=label, help="such as utf-8, utf-16 or cp1252"
        )
    if not spec.header:
        for field in resource.fields:
            if not field.at.isdecimal() or int(field.at) < 1:
                label = "without a header, columns have numbers only, from 1"
                span = declared.at(*place, "fields", field.name)
                diagnostics.report("SYN0008", span, label=label, help="write `at:` with the number of its column")
