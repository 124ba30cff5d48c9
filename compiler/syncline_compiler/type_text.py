"""Types of canonical and native fields, from text.

In: ``text(200)?``, ``decimal(12,2)``, ``ref(invoice)``. Out: ``Type``; TypeTextError says what is wrong, in words that
fit under the place.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache
from typing import get_args

from syncline_compiler.model.types import MONEY_PRECISION, MONEY_SCALE, Kind, Type
from syncline_compiler.spelling import Advice, Remedy, did_you_mean

GREATEST_PRECISION = 38
"""What a decimal can hold in the engine."""

ELSEWHERE = {
    "string": "text", "str": "text", "varchar": "text", "char": "text", "integer": "int", "bigint": "int",
    "number": "decimal(12,2)", "numeric": "decimal(12,2)", "float": "decimal(12,2)", "double": "decimal(12,2)",
    "boolean": "bool", "datetime": "instant", "timestamp": "instant", "object": "json", "array": "list",
}  # fmt: skip
"""What types of other languages are called here."""

WRITTEN_KINDS: tuple[str, ...] = tuple(kind for kind in get_args(Kind) if kind not in {"null", "unknown"})
NATIVE_KINDS: tuple[str, ...] = (
    "text", "int", "decimal", "bool", "date", "instant", "local_datetime", "json", "list",
)  # fmt: skip
_SHAPE = re.compile(r"(?P<kind>[A-Za-z_]+)\s*(?:\((?P<arguments>[^()]*(?:\([^()]*\)[^()]*)?)\))?(?P<presence>[?~]*)")


class TypeTextError(ValueError):
    """Text that is no type; ``remedy`` says what to write."""

    def __init__(self, problem: str, remedy: Advice = "") -> None:
        super().__init__(problem)
        self.remedy = remedy


@lru_cache(maxsize=4096)
def parse_type(text: str, *, values: tuple[str, ...] = (), name: str | None = None) -> Type:
    """Read a canonical type; ``values`` and ``name`` are those of an enum."""
    kind, arguments, presence = _split(text, WRITTEN_KINDS)
    if (kind == "enum") != bool(values):
        raise TypeTextError(
            "an enum names its `values`" if kind == "enum" else f"only an enum has `values`, not {kind}"
        )
    build = _BUILDERS.get(kind)
    if build is None and arguments is not None:
        raise TypeTextError(f"{kind} takes nothing in brackets")
    plain = build(arguments) if build else Type(kind)  # type: ignore[arg-type]
    return Type(
        plain.kind,
        nullable="?" in presence,
        missing="~" in presence,
        precision=plain.precision,
        scale=plain.scale,
        length=plain.length,
        values=values,
        name=name if kind == "enum" else plain.name,
        element=plain.element,
    )


@lru_cache(maxsize=1024)
def parse_native_type(text: str) -> Type:
    """Read a native type; whether it may be null comes from ``required``, so that ``?`` is refused."""
    kind, _, presence = _split(text, NATIVE_KINDS)
    if "?" in presence:
        raise TypeTextError("a native type has no `?`: a field that is not `required` may be null")
    return parse_type(f"{kind}{text[len(kind) :]}")


def _split(text: str, kinds: tuple[str, ...]) -> tuple[str, str | None, str]:
    match = _SHAPE.fullmatch(text.strip()) if len(text) <= 200 else None
    if match is None:
        raise TypeTextError("a type is expected, such as text(200), decimal(12,2) or email?")
    if match["kind"] not in kinds:
        raise TypeTextError(f"there is no type `{match['kind']}`", _meant(match["kind"], kinds))
    if match["presence"] not in {"", "?", "~", "?~"}:
        raise TypeTextError("after a type stands `?`, `~` or `?~`, each once")
    return match["kind"], match["arguments"], match["presence"]


def _meant(kind: str, kinds: tuple[str, ...]) -> Advice:
    """Say which type is meant; a time may be one of two, and how exact a number is only its author knows."""
    here = ELSEWHERE.get(kind.casefold())
    if here is None:
        return did_you_mean(kind, kinds, kind="types")
    return Remedy(f"write `{here}`", kind, here if here in ("text", "int", "bool", "list") else None)


def _text(arguments: str | None) -> Type:
    return Type("text", length=_numbers(arguments, 1, "text(200)")[0] if arguments is not None else None)


def _decimal(arguments: str | None) -> Type:
    if arguments is None:
        raise TypeTextError("a decimal says its digits in all and after the point: decimal(12,2)")
    precision, scale = _numbers(arguments, 2, "decimal(12,2)")
    if not 0 <= scale <= precision <= GREATEST_PRECISION:
        raise TypeTextError(f"decimal({precision},{scale}) does not fit: at most {GREATEST_PRECISION} digits in all")
    return Type("decimal", precision=precision, scale=scale)


def _money(arguments: str | None) -> Type:
    if arguments is not None:
        raise TypeTextError("money takes nothing in brackets: it holds an amount and its currency")
    return Type("money", precision=MONEY_PRECISION, scale=MONEY_SCALE)


def _ref(arguments: str | None) -> Type:
    if arguments is None or not re.fullmatch(r"\s*[a-z][a-z0-9_]*\s*", arguments):
        raise TypeTextError("a ref names its object: ref(account)")
    return Type("ref", name=arguments.strip())


def _list(arguments: str | None) -> Type:
    return Type("list", element=parse_type(arguments) if arguments is not None else None)


def _numbers(arguments: str, count: int, example: str) -> tuple[int, ...]:
    parts = [part.strip() for part in arguments.split(",")]
    if len(parts) != count or not all(re.fullmatch(r"[0-9]{1,6}", part) for part in parts):
        raise TypeTextError(f"write it as {example}")
    if int(parts[0]) == 0:
        raise TypeTextError(f"a length of 0 holds nothing: write it as {example}")
    return tuple(int(part) for part in parts)


_BUILDERS: dict[str, Callable[[str | None], Type]] = {
    "text": _text,
    "decimal": _decimal,
    "money": _money,
    "ref": _ref,
    "list": _list,
}
