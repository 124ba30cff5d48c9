"""Making a value agree with the type its place expects: widening, strict readings, presence.

In: a typed value and the type wanted. Out: the value, converted where that is safe or checked at run time. Reports
SYN0301 (types), SYN0302 (null), SYN0305 (zone), SYN0306 (currency), SYN0307 (narrowing), SYN0308 (enum).
"""

from __future__ import annotations

from dataclasses import replace

from syncline_compiler.checking.constants import UnfitConstantError, fitted
from syncline_compiler.diagnostics.diagnostic import Collector
from syncline_compiler.functions.kinds import TEXTUAL
from syncline_compiler.functions.numbers import digits
from syncline_compiler.model.typed import Apply, Constant, Expression, OrElse
from syncline_compiler.model.types import UNKNOWN, Type
from syncline_compiler.source import Span
from syncline_runtime.frozen import dataclass

UNTYPED = Constant(None, UNKNOWN)
"""Stands for an expression that has a diagnostic already."""

_CHECKED = {"email", "url", "country", "currency", "language", "subdivision"}
"""Kinds that a text is read as without a step: the reading only checks, and brings to the one form."""
_LENGTHS = {"country": 2, "language": 2, "currency": 3, "subdivision": 6, "phone": 16}
_STEPS = {
    "int": "int", "decimal": "decimal 2", "bool": "bool", "date": "date", "instant": "instant", "phone": 'phone "DE"',
    "local_datetime": "local", "text": "text", "duration": "duration",
}  # fmt: skip


@dataclass(frozen=True)
class Agreement:
    """How values are made to agree at one place.

    ``reading``: natives come in, so that lengths nobody declared are checked at run time; on the way out they are
    mistakes.
    """

    diagnostics: Collector
    span: Span
    reading: bool

    def of(self, value: Expression, to: Type) -> Expression:
        """Give the value as one of type ``to``."""
        if isinstance(value, OrElse):
            return self._of_handled(value, to)
        if "unknown" in (value.type.kind, to.kind):
            return value
        if isinstance(value, Constant):
            return self._of_constant(value, to)
        made = self._of_kind(value, to)
        if made.type.nullable and not to.nullable and made is not UNTYPED:
            return self._of_null(to)
        return made

    def _of_handled(self, value: OrElse, to: Type) -> Expression:
        """Conversions go inside, so that their failures are handled too; ``else reject`` refuses null itself."""
        inner = self.of(value.value, to.or_null())
        if value.action == "null":
            return self._of_null(to) if not to.nullable else replace(value, value=inner, type=to)
        if inner.type.nullable and not to.nullable:
            inner = Apply("given", (inner,), inner.type.present(), True)
        return replace(value, value=inner, type=inner.type)

    def _of_constant(self, value: Constant, to: Type) -> Expression:
        if value.value is None and not to.nullable:
            return self._of_null(to)
        try:
            made = fitted(value, to)
        except UnfitConstantError as unfit:
            code = "SYN0308" if to.kind == "enum" else "SYN0301"
            self.diagnostics.report(code, self.span, label=str(unfit), help=unfit.remedy, once=code == "SYN0308")
            return UNTYPED
        return made if made is not None and made.type.kind != "decimal" else self._of_kind(made or value, to)

    def _of_null(self, to: Type) -> Expression:
        self.diagnostics.report(
            "SYN0302",
            self.span,
            label=f"this may be null, and {to} is wanted",
            help='say what happens: `?? value`, `else reject "…"` or `else review`; or let the field be null'
            if self.reading
            else "give a value for null: `field ?? value -> Native`",
        )
        return UNTYPED

    def _of_kind(self, value: Expression, to: Type) -> Expression:
        have = value.type
        if have.kind == to.kind:
            return self._of_same(value, to)
        if have.kind in TEXTUAL and to.kind == "text":
            plain = replace(value, type=replace(have, kind="text", length=_LENGTHS.get(have.kind)))
            unbounded = plain.type.length is None and not self.reading  # such as email: too long a one is refused there
            return plain if unbounded else self._of_text(plain, to)
        if have.kind == "int" and to.kind == "decimal":
            precision, scale = digits(to)
            fails = precision - scale < digits(have)[0]
            return Apply("decimal_of_int", (value,), _like(to, have), fails, _measures(to))
        if have.kind == "text" and to.kind in _CHECKED:
            options = (("case", "upper"),) if to.kind == "currency" else ()
            return Apply(to.kind, (value,), _like(to, have), True, options)
        return self._refused(have, to)

    def _of_same(self, value: Expression, to: Type) -> Expression:
        have = value.type
        if to.kind == "text":
            return self._of_text(value, to)
        if to.kind == "decimal" and digits(have) != digits(to):
            return self._of_decimal(value, to)
        if to.kind in ("enum", "ref") and have.name is not None and have.name != to.name:
            return self._refused(have, to)
        return value

    def _of_text(self, value: Expression, to: Type) -> Expression:
        have = value.type
        if to.length is None or (have.length is not None and have.length <= to.length):
            return value
        if have.length is None and self.reading:
            kept = Type("text", nullable=have.nullable, length=to.length)
            return Apply("fits", (value,), kept, True, (("length", str(to.length)),))
        self.diagnostics.report(
            "SYN0307", self.span, label=f"{have.present()} may be longer than {to.present()}",
            help=f"cut it with `| truncate {to.length}`, or make the two lengths equal",
        )  # fmt: skip
        return UNTYPED

    def _of_decimal(self, value: Expression, to: Type) -> Expression:
        (precision, scale), (wanted_precision, wanted_scale) = digits(value.type), digits(to)
        if scale > wanted_scale:
            label = f"{value.type.present()} has more digits after the point than {to.present()}"
            self.diagnostics.report("SYN0307", self.span, label=label, help=f"round it with `| round {wanted_scale}`")
            return UNTYPED
        fails = precision - scale > wanted_precision - wanted_scale
        return Apply("decimal_exactly", (value,), _like(to, value.type), fails, _measures(to))

    def _refused(self, have: Type, to: Type) -> Expression:
        code, remedy = _remedy(have, to)
        label = f"this is {have.present()}, and {to.present()} is wanted"
        self.diagnostics.report(code, self.span, label=label, help=remedy or ())
        return UNTYPED


def _like(to: Type, have: Type) -> Type:
    return to.or_null() if have.nullable else to.present()


def _measures(to: Type) -> tuple[tuple[str, str], ...]:
    precision, scale = digits(to)
    return (("precision", str(precision)), ("scale", str(scale)))


def _remedy(have: Type, to: Type) -> tuple[str, str]:
    """Give the code and the remedy for two kinds that do not agree."""
    match have.kind, to.kind:
        case ("enum", "enum"):
            return "SYN0308", "values pass between two enums through a code table: `| code TABLE`"
        case (_, "enum") if have.kind in TEXTUAL or have.kind == "int":
            return "SYN0308", "native codes become an enum through a code table: `| code TABLE`"
        case ("enum", "text"):
            return "SYN0308", "an enum becomes native codes through a code table: `| code TABLE`"
        case ("int" | "decimal", "money"):
            return "SYN0306", "an amount needs its currency: `money(amount, currency)`"
        case ("money", "int" | "decimal"):
            return "SYN0306", "to leave the currency out write `amount(…)`, and see that the system holds one only"
        case ("local_datetime", "instant"):
            return "SYN0305", 'say the zone: `| instant "Europe/Berlin"`, or `| instant system` for the system\'s own'
        case ("instant", "date" | "local_datetime"):
            step = "date" if to.kind == "date" else "local"
            return "SYN0305", f'say in which zone: `| {step} "Europe/Berlin"`'
        case (_, "ref"):
            return "SYN0301", f"a native id becomes a reference through `| ref {to.name}`"
        case ("ref", _):
            return "SYN0301", "the native field must say whose ids it holds: `ref: Resource` in the system description"
    found = f"text | {to.kind}" if have.kind in TEXTUAL and to.kind in _CHECKED else _STEPS.get(to.kind)
    return "SYN0301", f"convert it with `| {found}`" if found else ""
