"""Two-way lines: from the steps of the way in, the way back.

In: the typed get of a ``<->`` line. Out: its puts, and whether get(put(v)) = v without a change of form. Each step is
undone by its inverse, from the last to the first. Reports SYN0403 (a step without a way back), SYN0404 (a form that
the field does not declare), SYN0405 (a pick whose element could not be made), SYN0302 and SYN0307 on the way out.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import field

from syncline_compiler.checking.names import Names, Scope
from syncline_compiler.checking.tables import report_without_inverse, uncovered
from syncline_compiler.diagnostics.diagnostic import Collector
from syncline_compiler.functions import REGISTRY
from syncline_compiler.functions.function import Function
from syncline_compiler.functions.kinds import FORMED, TEXTUAL
from syncline_compiler.functions.numbers import digits
from syncline_compiler.functions.texts import casefolded, enlarged
from syncline_compiler.model.resolved import ResolvedField
from syncline_compiler.model.typed import (
    Aggregate,
    Apply,
    Case,
    Constant,
    Expression,
    Field,
    Items,
    Lookup,
    OrElse,
    Pick,
    PickPut,
    Put,
    Resolve,
)
from syncline_compiler.model.types import Type
from syncline_compiler.source import Span
from syncline_runtime.frozen import dataclass

_IMPLIED = {
    "trim": {"trim", "squash"}, "squash": {"squash"}, "upper": {"upper"}, "lower": {"lower", "casefold"},
    "casefold": {"casefold"},
}  # fmt: skip
"""A step brings to a form: the forms of a field whose values are in it already."""
_SPACELESS = {"trim", "squash"}
_CASELESS = {"int", "decimal", "date", "country", "currency", "language", "subdivision", "phone", "bool"}
_KINDS: Mapping[type, str] = {Constant: "a constant", Resolve: "`ref … by`"}
_FITTING = {"fits", "as_is", "given"}
_DECIMAL_TEXTS = {"text_of_decimal", "text_of_decimal_in"}
_ONE_CURRENCY = {"money": "amount_in_currency", "money_minor": "minor_in_currency"}


@dataclass
class Lens:
    """The way back of one line."""

    scope: Scope
    names: Names
    target: ResolvedField
    line: Span
    places: Mapping[int, Span]
    diagnostics: Collector
    exact: bool = True
    failed: bool = False
    puts: list[Put | PickPut] = field(default_factory=list)

    def derive(self, get: Expression) -> tuple[tuple[Put | PickPut, ...], bool]:
        """Give the puts of a get, and whether comparing needs no round trip."""
        value = Field("canonical", self.target.name, self.target.type)
        for native, written in self._undo(get, value):
            self._put(native, written, get)
        if not self.puts and not self.failed:
            self._refuse("SYN0403", get, "nothing native stands here to write to", "read the field one-way with `<-`")
        return tuple(self.puts), self.exact and not self.failed

    def _undo(self, get: Expression, value: Expression) -> Iterator[tuple[Field | Pick, Expression]]:
        """Undo the outermost step, then those within; yields each native place with what is written there."""
        match get:
            case Field():
                yield get, value
            case OrElse():
                self.exact = self.exact and get.action != "null"
                yield from self._undo(get.value, value)
            case Apply(function="coalesce"):
                yield from self._undo_default(get, value)
            case Apply():
                yield from self._undo_step(get, value)
            case Lookup(inverse=False):
                yield from self._undo_code(get, value)
            case Resolve(inverse=False, by=None):
                back = Resolve(get.object, get.resource, value, Type("text", value.type.nullable), inverse=True)
                yield from self._undo(get.argument, back)
            case Pick():
                yield get, value
            case Constant() | Case() | Aggregate() | Items() | Lookup() | Resolve():
                kind = f"`{get.function}`" if isinstance(get, Items) else _KINDS.get(type(get), "`case`")
                self._refuse("SYN0403", get, f"{kind} has no way back")

    def _undo_default(self, get: Apply, value: Expression) -> Iterator[tuple[Field | Pick, Expression]]:
        first, *others = get.arguments
        if not all(isinstance(other, Constant) for other in others):
            self._refuse("SYN0403", get, "which of these would be written? `??` between two fields has no way back")
            return
        self.exact = self.exact and not self.target.type.nullable
        yield from self._undo(first, value)

    def _undo_step(self, get: Apply, value: Expression) -> Iterator[tuple[Field | Pick, Expression]]:
        if get.function in _FITTING:
            yield from self._undo(get.arguments[0], value)
            return
        inverse = REGISTRY[get.function].inverse
        if inverse is None:
            self._refuse("SYN0403", get, f"`{_written(REGISTRY[get.function])}` has no way back")
            return
        if inverse.form is not None and not self._keeps(inverse.form, value):
            remedy = (
                f"declare `form: {inverse.form}` on the field `{self.target.name}`: then every member's value has it"
            )
            self._refuse("SYN0404", get, f"`{inverse.form}` changes values that other members may hold", remedy)
            return
        self.exact = self.exact and (inverse.exact or inverse.form is not None)
        for index, name in inverse.steps:
            argument = get.arguments[index]
            if not isinstance(argument, Constant):
                yield from self._undo(argument, value if name == "as_is" else self._back(name, get, argument, value))

    def _back(self, name: str, get: Apply, argument: Expression, value: Expression) -> Expression:
        """Give the step that makes one argument again."""
        options = dict(get.options)
        if get.function in _ONE_CURRENCY and isinstance(get.arguments[1], Constant):
            name, options = _ONE_CURRENCY[get.function], {"currency": str(get.arguments[1].value)}
        function = REGISTRY[name]
        self._check_digits(name, options, get, value)
        if name in {"decimal_exactly", "decimal_of_int"}:
            precision, scale = digits(argument.type)
            options = {"precision": str(precision), "scale": str(scale)}
        if name in _DECIMAL_TEXTS:
            options = {"precision": str(digits(get.type)[0]), **options}
        names = {setting.name for setting in function.settings} | {"currency", "case"}
        kept = {key: option for key, option in options.items() if key in names}
        result = function.type_of([value.type], kept)
        more = function.options([value.type], result) if function.options is not None else {}
        return Apply(name, (value,), result, function.fails(result), tuple(sorted({**kept, **more}.items())))

    def _check_digits(self, name: str, options: Mapping[str, str], get: Apply, value: Expression) -> None:
        """Demand `round` for a native decimal with fewer digits; amounts of money are checked as they go."""
        of_money = isinstance(value, Apply) and value.function in {"money_amount", "amount_in_currency"}
        if name in _DECIMAL_TEXTS and not of_money and digits(value.type)[1] > int(options["scale"]):
            self._refuse(
                "SYN0307", get, f"{value.type.present()} has more digits after the point than the native field takes",
                f"round it with `| round {options['scale']}`",
            )  # fmt: skip

    def _undo_code(self, get: Lookup, value: Expression) -> Iterator[tuple[Field | Pick, Expression]]:
        table = self.names.codes[get.codes]
        wanted = value.type.values or tuple(sorted({meaning for _, meaning in table.rows}))
        missing = [meaning for meaning in wanted if meaning not in table.inverse]
        if missing and table.sound and not uncovered(table, get.argument, self.scope):  # A row is missing both ways.
            self.failed = True
            report_without_inverse(table, missing, self._place(get), self.diagnostics)
            return
        length = max(map(len, table.inverse.values()), default=1) or 1
        back = Lookup(table.name, True, value, Type("text", value.type.nullable, length=length))
        yield from self._undo(get.argument, back)

    def _keeps(self, form: str, value: Expression) -> bool:
        """Whether values are in the form already when they come back to this step."""
        kind = self.target.type.kind
        if isinstance(value, Lookup):
            return all(_formed(form, code) for code in self.names.codes[value.codes].inverse.values())
        if kind in FORMED and not (kind != "text" and form in _SPACELESS):
            return self.target.form in _IMPLIED[form]
        return kind not in {"enum", "json", "list"} if form in _SPACELESS else kind in _CASELESS

    def _put(self, place: Field | Pick, value: Expression, get: Expression) -> None:
        if isinstance(place, Pick):
            self._put_picked(place, value)
        elif self._fits(place, value, get):
            self.puts.append(Put(place.name, value))

    def _put_picked(self, pick: Pick, value: Expression) -> None:
        fixed = _fixed(pick.where)
        if fixed is None:
            self._refuse(
                "SYN0405", pick, "a new element could not be made so that it satisfies this condition",
                'compare members with values only: `where type == "email"`',
            )  # fmt: skip
            return
        inner = Lens(self.scope, self.names, self.target, self.line, self.places, self.diagnostics)
        for item, written in inner._undo(pick.value, value):
            if isinstance(item, Field):
                self.puts.append(PickPut(pick.list.name, pick.where, item.name, fixed, written))
        self.exact, self.failed = self.exact and inner.exact, self.failed or inner.failed

    def _fits(self, place: Field, value: Expression, get: Expression) -> bool:
        """Check on the way out what the native field holds: presence and length."""
        native = self.scope.native(place.name)
        if native is None:
            return True
        if value.type.nullable and native.required:
            self._refuse(
                "SYN0302", get, f"`{self.target.name}` may be null, and `{native.name}` is required by the system",
                f"split the line: `{self.target.name} <- …` and `{self.target.name} ?? … -> {native.name}`",
            )  # fmt: skip
            return False
        if native.type == "text" and native.length is not None and value.type.kind in TEXTUAL:
            length = value.type.length if value.type.kind == "text" else None
            unbounded = value.type.kind == "text" and length is None and _free(value)
            if unbounded or (length or 0) > native.length:
                self._refuse(
                    "SYN0307", get, f"{value.type.present()} may be longer than the {native.length} characters of "
                    f"`{native.name}`", f"cut it with `| truncate {native.length}`, or make the two lengths equal",
                )  # fmt: skip
                return False
        return True

    def _refuse(self, code: str, at: Expression, label: str, remedy: str = "") -> None:
        self.failed = True
        helps = [remedy] if remedy else ["read the field one-way with `<-`, and write it with a line of its own `->`"]
        self.diagnostics.report(code, self._place(at), label=label, help=helps)

    def _place(self, at: Expression) -> Span:
        return self.places.get(id(at), self.line)


def _written(function: Function) -> str:
    return function.written or function.name


def _free(value: Expression) -> bool:
    """Whether a text is the author's own, and no rendering of a number, date or code."""
    return isinstance(value, Field)


def _formed(form: str, text: str) -> bool:
    match form:
        case "trim":
            return text == text.strip()
        case "squash":
            return text == " ".join(text.split())
        case "upper":
            return text == enlarged(text)
        case "casefold":
            return text == casefolded(text)
    return text == text.lower()


def _fixed(where: Expression) -> tuple[tuple[str, str], ...] | None:
    """Give the members that make an element satisfy the condition; None if that cannot be told."""
    match where:
        case Constant(value=True):
            return ()
        case Apply(function="is_true", arguments=(inner,)):
            return _fixed(inner)
        case Apply(function="and"):
            found = [_fixed(argument) for argument in where.arguments]
            return None if None in found else tuple(pair for pairs in found for pair in pairs or ())
        case Apply(function="is_null", arguments=(member,)):
            return () if _member(member) is not None else None  # what is not given is null
        case Apply(function="eq" | "same", arguments=(left, right)):
            return _pair(left, right) or _pair(right, left)
        case Field(scope="item") | Apply(function="bool_of_text"):
            member = where if isinstance(where, Field) else where.arguments[0]
            return ((member.name, "true"),) if isinstance(member, Field) else None
    return None


def _pair(member: Expression, value: Expression) -> tuple[tuple[str, str], ...] | None:
    found = _member(member)
    if found is not None and isinstance(value, Constant) and value.value is not None:
        plain = str(value.value).lower() if isinstance(value.value, bool) else str(value.value)
        return ((found.name, plain),)
    return None


def _member(value: Expression) -> Field | None:
    """Give the member of the element that a value is, read as its type."""
    while isinstance(value, Apply) and value.function.endswith("_of_text"):
        value = value.arguments[0]
    return value if isinstance(value, Field) else None
