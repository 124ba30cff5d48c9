"""Lines and blocks of a mapping: what each reads, what each writes.

In: lines as written and the scopes beside their arrows. Out: typed lines. Reports SYN0203, SYN0204 (names), SYN0310 (a
place filled twice), SYN0311 (an each block), and whatever typing and the way back report.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import field, replace

from syncline_compiler.checking.agree import UNTYPED, Agreement
from syncline_compiler.checking.alike import example, remember, traits_of
from syncline_compiler.checking.expressions import Typer
from syncline_compiler.checking.lenses import Lens
from syncline_compiler.checking.names import LANDED, Names, Scope, canonical_scope, item_scope
from syncline_compiler.checking.size import Bounds
from syncline_compiler.diagnostics.diagnostic import Collector
from syncline_compiler.functions import REGISTRY, to_native
from syncline_compiler.functions.conversion import native_type
from syncline_compiler.functions.kinds import FORMED
from syncline_compiler.model import syntax
from syncline_compiler.model.resolved import ResolvedField, ResolvedObject
from syncline_compiler.model.typed import (
    Apply,
    Each,
    Expression,
    Field,
    Line,
    OrElse,
    PickPut,
    Put,
    Resolve,
    fields_in,
    parts_of,
)
from syncline_compiler.model.types import Type
from syncline_compiler.source import Span
from syncline_compiler.spelling import did_you_mean
from syncline_runtime.frozen import dataclass
from syncline_runtime.system import NativeField


@dataclass
class LineChecker:
    """Types the lines between one native scope and one object."""

    names: Names
    native: Scope
    object: ResolvedObject
    diagnostics: Collector
    bounds: Bounds = field(default_factory=Bounds)
    read: dict[str, Span] = field(default_factory=dict)
    written: dict[tuple[str, ...], Span] = field(default_factory=dict)

    def lines(self, lines: Iterable[syntax.Line]) -> Iterator[Line]:
        """Type the lines; one with mistakes is left out. Where a file is full of mistakes, the first ones will do."""
        for line in lines:
            if self.diagnostics.full(line.span.path):
                return
            typed = self._write(line) if line.direction == "write" else self._read(line)
            if typed is not None:
                self._check_written(typed)
                yield typed

    def _read(self, line: syntax.Line) -> Line | None:
        assert isinstance(line.left, syntax.Name)  # the parser sees to it
        if self.object.field(line.left.text) is None and self._is_exchanged(line.left, line):
            return None
        target = self._field(line.left)
        traits = traits_of(line, target, self.native, self.names)
        known = example(traits)
        if known is not None and self.bounds.takes(known.size):
            return known.of(line)
        said, size = self.diagnostics.said, self.bounds.total
        typed = self._typed(line, target)
        if typed is not None and self.diagnostics.said == said:
            remember(traits, typed, self.bounds.total - size)
        return typed

    def _typed(self, line: syntax.Line, target: ResolvedField | None) -> Line | None:
        typer = Typer(self.names, self.native, self.diagnostics)
        value = typer.value(line.right, target.type if target is not None else None)
        if target is not None and target.type.kind == "unknown":  # The object's own mistake: no value fits it or not.
            self.diagnostics.known()
            return None
        if target is None or value.type.kind == "unknown":
            return None
        get = Agreement(self.diagnostics, line.right.span, reading=True).of(value, target.type)
        if get is UNTYPED or not self.bounds.hold(get, line.span, self.diagnostics):
            return None
        get = _formed(get, target.form)
        if not self._may_be_untold(get, target, line.right.span):
            return None
        if line.direction == "read":
            return Line("read", target.name, get, (), False, line.span, line.text)
        lens = Lens(self.native, self.names, target, line.right.span, typer.places, self.diagnostics)
        puts, exact = lens.derive(get)
        return Line("both", target.name, get, puts, exact, line.span, line.text) if not lens.failed else None

    def _is_exchanged(self, left: syntax.Name, line: syntax.Line) -> bool:
        """Report a line whose sides are exchanged: each names what is on the other."""
        right = line.right.value if isinstance(line.right, syntax.Pipeline) else line.right
        if not isinstance(right, syntax.Name) or not self.native.native(left.text):
            return False
        if self.native.find(right.parts) or not self.object.field(right.text):
            return False
        label = f"`{left.text}` is native and `{right.text}` canonical: the sides are exchanged"
        remedy = "what is canonical stands on the left, what is native on the right"
        self.diagnostics.report("SYN0203", line.span, label=label, help=remedy)
        return True

    def _field(self, name: syntax.Name) -> ResolvedField | None:
        """Give the canonical field that a line reads into, each by one line only."""
        found = self.object.field(name.text)
        if found is None:
            derived = any(one.name == name.text for one in self.object.derived)
            known = [one.name for one in self.object.fields]
            label = f"`{name.text[:60]}` is derived: nobody writes it" if derived else (
                f"`{self.object.name}` has no field `{name.text[:60]}`"
            )  # fmt: skip
            remedy = did_you_mean(name.text, known, kind=f"fields of `{self.object.name}`")
            self.diagnostics.report("SYN0203", name.span, label=label, help=remedy)
            return None
        first = self.read.setdefault(found.name, name.span)
        if first is not name.span:
            self._report_twice(name.span, first, f"`{found.name}` is read by two lines")
        return found

    def _may_be_untold(self, get: Expression, target: ResolvedField, span: Span) -> bool:
        """See that a field can be without a value where one that it is read from may be missing."""
        natives = (self.native.native(one.name) for one in fields_in(get) if one.scope == "native")
        partial = next((native for native in natives if native is not None and native.partial), None)
        if partial is None or target.type.nullable or target.required or _is_given(get):
            return True
        self.diagnostics.report(
            "SYN0302", span, label=f"`{partial.name}` may be missing, and nothing is known of `{target.name}` then",
            secondary=[(target.span, f"{target.type} is always there")],
            help=f"give `{target.name}` the type `{target.type}~`, or make it `required`: records wait until it is told",
        )  # fmt: skip
        return False

    def _write(self, line: syntax.Line) -> Line | None:
        assert isinstance(line.right, syntax.Name)  # the grammar sees to it
        native = self._target(line.right)
        typer = Typer(self.names, canonical_scope(self.object), self.diagnostics)
        wanted = native_type(native).or_null() if native is not None else None
        value = typer.value(line.left, wanted if wanted is None or wanted.kind != "text" else None)
        if native is None or value.type.kind == "unknown":
            return None
        value = self._as_native(native, value, line.left.span)
        if value is UNTYPED or not self.bounds.hold(value, line.span, self.diagnostics):
            return None
        own = line.left.text if isinstance(line.left, syntax.Name) and self.object.field(line.left.text) else None
        return Line("write", own, None, (Put(_wire(self.native, native), value),), False, line.span, line.text)

    def _target(self, name: syntax.Name) -> NativeField | None:
        found = self.native.native(name.text)
        if found is None and self.native.kind == "item" and self.native.resource is None:
            return NativeField(name.text, "text", name.text)
        if found is None:
            remedy = did_you_mean(name.text, self.native.known(), kind=f"fields of {self.native.of}")
            label = f"{self.native.of} has no field `{name.text[:60]}`"
            self.diagnostics.report("SYN0204", name.span, label=label, help=remedy)
        return found

    def _as_native(self, native: NativeField, value: Expression, span: Span) -> Expression:
        """Give the text that the native field takes; a reference becomes the native id it is known by there."""
        refers = value.type.kind == "ref" and native.ref is not None
        if refers and native.ref is not None and value.type.name is not None:
            text = Type("text", value.type.nullable)
            value = Resolve(value.type.name, native.ref, value, text, inverse=True)
        wanted = Type("text") if refers else native_type(native)
        wanted = wanted.present() if native.required else wanted.or_null()
        made = Agreement(self.diagnostics, span, reading=False).of(value, wanted)
        return made if refers or made is UNTYPED else to_native(native, made)

    def _check_written(self, line: Line) -> None:
        for put in line.puts:
            place = (put.native,) if isinstance(put, Put) else (put.native, put.item, repr(put.fixed))
            first = self.written.setdefault(place, line.span)
            if first is not line.span or (isinstance(put, PickPut) and (put.native,) in self.written):
                self._report_twice(line.span, first, f"`{put.native}` is written by two lines")

    def _report_twice(self, span: Span, first: Span, label: str) -> None:
        remedy = "keep one of the two, or make one value of them with `case`"
        self.diagnostics.report("SYN0310", span, label=label, secondary=[(first, "the first line")], help=remedy)

    # Blocks

    def parts(self, blocks: Sequence[syntax.Each]) -> Iterator[Each]:
        """Type the ``each`` blocks."""
        for block in blocks:
            typed = self._part(block)
            if typed is not None:
                yield typed

    def _part(self, block: syntax.Each) -> Each | None:
        part = next((one for one in self.object.parts if one.name == block.part.text), None)
        items = self.native.native(block.list.text)
        if part is None and block.part.text in self.object.lost:
            self.diagnostics.known()
        elif part is None:
            remedy = did_you_mean(block.part.text, [one.name for one in self.object.parts], kind="parts")
            label = f"`{self.object.name}` has no part `{block.part.text[:60]}`"
            self.diagnostics.report("SYN0203", block.part.span, label=label, help=remedy)
        if items is None:
            remedy = did_you_mean(block.list.text, self.native.known(), kind=f"fields of {self.native.of}")
            label = f"{self.native.of} has no field `{block.list.text[:60]}`"
            self.diagnostics.report("SYN0204", block.list.span, label=label, help=remedy)
        if part is None or items is None or self.native.system is None:
            return None
        if items.type not in ("list", "json"):
            label = f"`{items.name}` is {items.type}, and `each` goes over a list"
            self.diagnostics.report("SYN0311", block.list.span, label=label)
            return None
        elements = item_scope(self.native.system, items)
        if items.of and elements.resource is None:
            self.diagnostics.known()
            return None
        inner = LineChecker(self.names, elements, self.names.objects[part.of], self.diagnostics)
        lines = tuple(inner.lines(_directed(block)))
        self._check_elements(lines)
        if block.direction != "write" and part.key not in inner.read:
            label = f"`{part.key}` tells the elements apart, and no line reads it"
            self.diagnostics.report("SYN0311", block.span, label=label, help=f"add a line `{part.key} <-> …`")
        of = Field("native", items.name, replace(LANDED, kind=items.type))
        if block.direction != "read":
            self.written.setdefault((items.name,), block.span)
        return Each(block.direction, part.name, of, lines, block.span)

    def _check_elements(self, lines: Iterable[Line]) -> None:
        """Refuse what needs more than the element at hand: it is looked up per record, not per element."""
        for line in lines:
            reached = [*([line.get] if line.get is not None else []), *(put.value for put in line.puts)]
            if any(map(_looks_elsewhere, reached)):
                label = "`ref` and `phone` do not run within `each` yet"
                self.diagnostics.report("SYN0012", line.span, label=label, help="leave this line out for now")


def _looks_elsewhere(expression: Expression) -> bool:
    if isinstance(expression, Resolve):
        return True
    if isinstance(expression, Apply) and REGISTRY[expression.function].runtime is not None:
        return True
    return any(map(_looks_elsewhere, parts_of(expression)))


def _directed(block: syntax.Each) -> Iterator[syntax.Line]:
    """Give a block that goes one way takes the lines of its way from two-way lines."""
    for line in block.lines:
        if block.direction == "read" and line.direction == "both":
            yield replace(line, direction="read")
        else:
            yield line


def _formed(get: Expression, form: str | None) -> Expression:
    """Give the value in the field's own form, which every member's value has."""
    if form is None or get.type.kind not in FORMED:
        return get
    if isinstance(get, OrElse):
        return replace(get, value=_formed(get.value, form))
    if isinstance(get, Apply) and get.function == form:
        return get
    return Apply(form, (get,), get.type)


def _wire(scope: Scope, native: NativeField) -> str:
    """Tell what a put names: the native field, or the member of a list element by its place on the wire."""
    return native.at if scope.kind == "item" else native.name


def _is_given(get: Expression) -> bool:
    """Whether an expression sets the record aside where there is no value."""
    return (isinstance(get, Apply) and get.function == "given") or any(map(_is_given, parts_of(get)))
