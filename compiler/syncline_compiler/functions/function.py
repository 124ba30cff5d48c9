"""How a function of the mapping language is declared.

Everything that is known of a function stands in its one ``Function`` value: what it takes and gives, how it is
written in SQL, how a two-way line goes back through it, and examples that are run as tests.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import field
from typing import Literal

from syncline_compiler.functions.uses import USES
from syncline_compiler.model.types import Kind, Type
from syncline_compiler.sql_tree import Tree
from syncline_runtime.frozen import dataclass

Options = Mapping[str, str]
Node = Callable[..., Tree]
"""A class of sqlglot nodes, called with the parts of the node."""
Sql = Callable[[Sequence[Tree], Options], Tree]
Result = Callable[[Sequence[Type], Options], Type]


class RefusedArguments(ValueError):
    """Types that a function cannot take together; the text is a label for the place, ``remedy`` what to do."""

    code = "SYN0304"

    def __init__(self, problem: str, remedy: str | Sequence[str] = ()) -> None:
        super().__init__(problem)
        self.remedy = remedy


class TooManyDigits(RefusedArguments):
    """A number that no decimal can hold."""

    code = "SYN0312"


@dataclass(frozen=True)
class Value:
    """A parameter that takes an expression of one of these kinds; ``reads``: a text is read as this kind."""

    name: str
    kinds: frozenset[Kind]
    reads: Kind | None = None


@dataclass(frozen=True)
class Setting:
    """A parameter that is written out and known when compiling; it becomes an option of that name.

    ``words``: the bare words that may stand here. ``check`` answers what is wrong with a text, or None. A default of ""
    means that the setting may be left out.
    """

    name: str
    kind: Literal["text", "int", "word"]
    words: tuple[str, ...] = ()
    default: str | None = None
    check: Callable[[str], str | None] | None = None
    code: str = "SYN0304"  # of the diagnostic where ``check`` refuses, with the remedy
    remedy: str = ""
    effort: Callable[[str], int] | None = (
        None  # what checking a text takes, where that may be much: tenths of milliseconds
    )


@dataclass(frozen=True)
class Inverse:
    """How a value is put back: for each argument that carries it, the function that makes that argument.

    ``exact``: get(put(v)) = v for every v that the argument can hold. ``form``: so only for values in that form.
    """

    steps: tuple[tuple[int, str], ...]
    exact: bool = True
    form: str | None = None


@dataclass(frozen=True)
class Example:
    """Arguments as SQL literals of their types, options, and the result as text; None is null."""

    arguments: tuple[str, ...]
    result: str | None
    options: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Function:
    """A library function.

    ``written``: the name in the language, shared by functions that take other types; "" where only the compiler
    applies it. ``sql`` is None for functions of the runtime, which run over distinct values (``runtime``).
    ``cost``: what a value costs: "low", a few comparisons; "pattern", a regular expression; "table", a constant table;
    "runtime", a Python function over the distinct values.
    ``excused``: the arguments whose null makes a null result no failure; None means all of them.
    ``nulls``: "carry" – null if any argument is; "never" – the result is never null; "own" – ``result`` says.
    """

    name: str
    written: str
    parameters: tuple[Value | Setting, ...]
    result: Result
    doc: str
    sql: Sql | None = None
    can_fail: bool = False
    fails_for: frozenset[Kind] | None = None  # the kinds of result for which it can; None: all
    excused: tuple[int, ...] | None = None
    nulls: Literal["carry", "never", "own"] = "carry"
    inverse: Inverse | None = None
    runtime: str | None = None
    cost: Literal["low", "pattern", "table", "runtime"] = "low"
    repeats: bool = False  # the last value parameter takes any further arguments too
    options: Callable[[Sequence[Type], Type], Options] | None = None  # settings that follow from the types
    examples: tuple[Example, ...] = ()

    @property
    def values(self) -> tuple[Value, ...]:
        """The parameters that take expressions."""
        return tuple(parameter for parameter in self.parameters if isinstance(parameter, Value))

    @property
    def settings(self) -> tuple[Setting, ...]:
        """The parameters that are written out."""
        return tuple(parameter for parameter in self.parameters if isinstance(parameter, Setting))

    @property
    def uses(self) -> int:
        """How often, at most, the SQL writes one argument."""
        return USES.get(self.name, 1)

    @property
    def inverts(self) -> Literal["bijection", "normal form", "none"]:
        """How a two-way line goes back: get(put(v)) = v; so only for values in a normal form; not at all."""
        if self.inverse is None:
            return "none"
        return "bijection" if self.inverse.exact else "normal form"

    @property
    def usage(self) -> str:
        """How the function is written as a step."""
        words = [self.written]
        for parameter in self.parameters[1:]:
            match parameter:
                case Value():
                    words.append(parameter.name)
                case Setting(words=(word, *_), default=default):
                    words.append(f"[{word}]" if default else word)
                case Setting(kind="text", default=default):
                    words.append(f'"{parameter.name}"' if default is None else f'["{parameter.name}"]')
                case Setting():
                    words.append(parameter.name)
        return f"`| {' '.join(words)}`" if len(words) > 1 or self.parameters else f"`{self.written}()`"

    def fails(self, result: Type) -> bool:
        """Tell whether the function can fail where its result is of this type."""
        return self.can_fail and (self.fails_for is None or result.kind in self.fails_for)

    def type_of(self, arguments: Sequence[Type], options: Options) -> Type:
        """Give the type of the result; RefusedArguments where the types do not go together."""
        plain = self.result(arguments, options)
        if self.nulls == "own":
            return plain
        nullable = self.nulls == "carry" and any(argument.nullable for argument in arguments)
        return plain.or_null() if nullable else plain.present()
