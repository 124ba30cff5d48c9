"""Likeness: pairs of records that a rule of likeness describes, found through blocks and compared field by field.

In: the pool of unlinked rows, canonical records, what earlier rules decided. Out, per rule N: ``keys/N`` (what blocks a
record stands in), ``candidates/N`` (who meets in one), ``sides/N`` (what is compared of them), ``pairs/N`` (l: an unlinked
row; r: another, or ``_cid``). The runtime follows pairs to ``clusters/N``; ``grouped/N`` and ``known/N`` are what a rule by
key has too. Invariant: neither the order of rows nor that of members matters.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from syncline_compiler.blocking import Block, Part, blocks_of
from syncline_compiler.lowering import build as b
from syncline_compiler.lowering.alike import ComparedField, enough
from syncline_compiler.lowering.features import (
    Feature,
    Featured,
    features_in,
    features_of,
)
from syncline_compiler.model import ir
from syncline_compiler.model.resolved import IdentityRule, ResolvedSync
from syncline_runtime.frozen import dataclass

MOST_IN_BLOCK = 100
"""Records with one value of a block; what more have tells nobody apart, and would cost the square of their number."""
MANY = 4
"""Fields that have to be alike, from which on a pair has to meet in two blocks."""
LETTERS = {"start": "4", "end": "4"}


@dataclass(frozen=True)
class Pairs:
    """The steps that find the pairs of one rule."""

    sync: ResolvedSync
    rule: IdentityRule
    number: int
    key: ir.Scalar  # the values in ``same`` of a canonical record ``c``; null where the rule does not apply to it
    decided: tuple[int, ...]  # earlier rules that decided rows
    apart: tuple[int, ...]  # earlier rules that say of pairs that they are two

    def steps(self) -> Iterator[ir.IrStep]:
        """Give the steps, the last of which are ``grouped`` and ``known``."""
        found: list[tuple[str, ir.Query]] = [
            ("own", self._own()),
            ("faces", self._faces()),
            ("met", self._met()),
            ("keys", self._keys()),
            ("blocks", self._counted()),
            ("near", self._near()),
            ("candidates", self._candidates()),
            ("sides", self._sides()),
        ]
        found += [("likely", self._pairs()), *self._closest()] if self.rule.closest else [("pairs", self._pairs())]
        if self.rule.then != "create":
            found += [("grouped", self._grouped()), ("known", self._known())]
        for role, query in found:
            yield ir.IrStep("match", self._named(role), query)

    @property
    def _blocks(self) -> tuple[tuple[int, Block], ...]:
        return tuple(enumerate(blocks_of(self.rule, self.sync.object)))

    @property
    def _features(self) -> tuple[Feature, ...]:
        return features_of([self.rule], self.sync.object)

    @property
    def _meetings(self) -> int:
        """In how many blocks a pair has to meet: of many fields that are alike, several are without a slip."""
        return 2 if (self.rule.at_least or 0) >= MANY else 1

    def _named(self, role: str) -> str:
        return f"{self.sync.name}/{role}/{self.number}"

    def _source(self, role: str, alias: str) -> ir.Source:
        return ir.Source(self._named(role), alias)

    # blocks

    def _own(self) -> ir.Select:
        """Give the blocks of unlinked rows."""
        keys = self._keys_of(b.col("w", "key"), lambda feature: b.col("w", feature.column))
        return ir.Select((("key", keys), ("id", b.call("HASH", b.col("w", "row")))), self._source("left", "w"))

    def _keys_of(self, same: ir.Scalar, at: Callable[[Feature], ir.Scalar]) -> ir.Scalar:
        """Give the keys of all blocks in which a record stands, each a row; null for a block of which a part is null."""
        made = [self._key_of(place, block, same, at) for place, block in self._blocks]
        if not any(listed for _, listed in made):
            return b.call("EACH", *(key for key, _ in made))
        return b.call("EACH OF", *(key if listed else b.call("ONE KEY", key) for key, listed in made))

    def _key_of(
        self, place: int, block: Block, same: ir.Scalar, at: Callable[[Feature], ir.Scalar]
    ) -> tuple[ir.Scalar, bool]:
        """Give the key of one block; where it is made of words, a list of keys, one for each word."""
        values = [at(feature) for part in block for feature in features_in(part, self.rule)]
        formed = [(part.form, _formed(part, [at(one) for one in features_in(part, self.rule)])) for part in block]
        base = [ir.Value(place), same, *(value for form, value in formed if form != "words")]
        words = [value for form, value in formed if form == "words"]
        made = b.call("WORD KEYS", words[0], *base) if words else b.call("BLOCK KEY", *base)
        return b.when((b.all_of(map(b.present, values or [same])), made)), bool(words)

    def _faces(self) -> ir.Select:
        """Give what the rule needs of the records of the state to which it applies."""
        featured = Featured(self._features, self.sync.object)
        return ir.Select(
            (("_cid", b.col("c", "_cid")), ("key", self.key), *featured.columns("c")),
            featured.source(f"{self.sync.name}/canonical", "c"),
            where=b.present(self.key),
        )

    def _met(self) -> ir.Union:
        """Give the blocks of known records: of the state, and of what earlier rules decided."""
        keys = self._keys_of(b.col("f", "key"), lambda feature: b.col("f", feature.column))
        id_ = b.call("HASH", b.col("f", "_cid"))
        known = ir.Select((("key", keys), ("id", id_)), self._source("faces", "f"))
        return ir.Union((known, *map(self._met_before, self.decided)))

    def _met_before(self, earlier: int) -> ir.Select:
        keys = self._keys_of(b.col("p", f"key.{self.number}"), lambda feature: b.col("p", feature.column))
        return ir.Select(
            (("key", keys), ("id", b.call("HASH", row_text("p")))),
            ir.Source(f"{self.sync.name}/pool", "p"),
            (ir.Join("inner", ir.Source(f"{self.sync.name}/match/{earlier}", "d"), same_row("p", "d")),),
            where=b.all_of([b.present(b.col("d", "_cid")), b.present(b.col("p", f"key.{self.number}"))]),
        )

    def _keys(self) -> ir.Union:
        """Give the blocks of unlinked rows, and of known records that stand in one of them."""
        names = ("key", "id")
        there = b.present(b.col("o", "key"))
        own = ir.Select((ir.Carried("o", names), ("known", b.FALSE)), self._source("own", "o"), where=there)
        met = ir.Join("inner", self._source("own", "o"), b.equal(b.col("o", "key"), b.col("m", "key")))
        known = ir.Select((ir.Carried("m", names), ("known", b.TRUE)), self._source("met", "m"), (met,), distinct=True)
        return ir.Union((own, known))

    def _counted(self) -> ir.Select:
        return ir.Select(
            (("key", b.col("k", "key")), ("rows", b.call("COUNT ROWS", b.col("k", "id")))),
            self._source("keys", "k"),
            group=(b.col("k", "key"),),
        )

    def _near(self) -> ir.Select:
        """Give the blocks in which somebody meets somebody, and not too many meet."""
        few = b.call("<=", b.col("n", "rows"), ir.Value(MOST_IN_BLOCK))
        return ir.Select(
            (ir.Carried("k", ("key", "id", "known")),),
            self._source("keys", "k"),
            (ir.Join("inner", self._source("blocks", "n"), b.equal(b.col("n", "key"), b.col("k", "key"))),),
            where=b.all_of([b.call(">=", b.col("n", "rows"), ir.Value(2)), few]),
        )

    def _candidates(self) -> ir.Select:
        """Give who meets whom in as many blocks as they have to, each pair once."""
        once = b.any_of([b.col("o", "known"), b.call("<", b.col("w", "id"), b.col("o", "id"))])
        met = ir.Select(
            (("l", b.col("w", "id")), ("r", b.col("o", "id")), ("meetings", b.call("COUNT ROWS", b.col("o", "id")))),
            self._source("near", "w"),
            (ir.Join("inner", self._source("near", "o"), b.equal(b.col("o", "key"), b.col("w", "key"))),),
            where=b.all_of([b.negated(b.col("w", "known")), once]),
            group=(b.col("w", "id"), b.col("o", "id")),
        )
        enough = b.call(">=", b.col("m", "meetings"), ir.Value(self._meetings))
        return ir.Select((ir.Carried("m", ("l", "r")),), ir.Inner(met, "m"), where=enough)

    # comparing

    def _sides(self) -> ir.Union:
        """Give what is compared of everybody who is in a pair."""
        names = tuple(feature.column for feature in self._features)
        none, row = b.null("VARCHAR"), b.col("w", "row")
        left = ir.Select(
            (
                ("id", b.call("HASH", row)), ("row", row), ("_cid", none), ("connection", b.col("w", "connection")),
                ir.Carried("w", names),
            ),
            self._source("left", "w"),
        )  # fmt: skip
        cid = b.col("f", "_cid")
        id_ = b.call("HASH", cid)
        known = ir.Select(
            (("id", id_), ("row", cid), ("_cid", cid), ("connection", none), ir.Carried("f", names)),
            self._source("faces", "f"),
            (ir.Join("inner", self._source("candidates", "k"), b.equal(b.col("k", "r"), id_)),),
            distinct=True,
        )
        return ir.Union((left, known, *(self._decided_side(earlier, names) for earlier in self.decided)))

    def _decided_side(self, earlier: int, names: tuple[str, ...]) -> ir.Select:
        row = row_text("p")
        return ir.Select(
            (
                ("id", b.call("HASH", row)), ("row", row), ("_cid", b.col("d", "_cid")),
                ("connection", b.col("p", "connection")), ir.Carried("p", names),
            ),
            ir.Source(f"{self.sync.name}/pool", "p"),
            (ir.Join("inner", ir.Source(f"{self.sync.name}/match/{earlier}", "d"), same_row("p", "d")),),
            where=b.present(b.col("d", "_cid")),
        )  # fmt: skip

    def _pairs(self) -> ir.Select:
        fields = [ComparedField.of(one, self.sync.object) for one in self.rule.similar]
        wanted: list[ir.Scalar] = []
        score = self._score(fields)
        if self.rule.probability is not None:
            wanted.append(b.call(">=", score, ir.Value(self.rule.probability.least, "DOUBLE")))
        else:
            wanted += enough(self.rule, fields)
        if self.rule.closest and not any(member.many for member in self.sync.members):
            wanted.append(b.differs(b.col("l", "connection"), b.col("r", "connection")))
        other = b.col("r", "row")
        apart = [
            ir.Join("anti", ir.Source(f"{self.sync.name}/pairs/{n}", f"a{n}"), _either_way(f"a{n}"))
            for n in self.apart
        ]  # fmt: skip
        return ir.Select(
            (
                ("l", b.col("l", "row")),
                ("r", other),
                ("node", b.call("COALESCE", b.col("r", "_cid"), other)),
                ("_cid", b.col("r", "_cid")),
                ("l_side", b.col("l", "connection")),
                ("r_side", b.call("COALESCE", b.col("r", "connection"), b.text(""))),
                ("likeness", score),
            ),
            self._source("candidates", "k"),
            (
                ir.Join("inner", self._source("sides", "l"), b.equal(b.col("l", "id"), b.col("k", "l"))),
                ir.Join("inner", self._source("sides", "r"), b.equal(b.col("r", "id"), b.col("k", "r"))),
                *apart,
            ),
            where=b.all_of(wanted),
        )

    def _score(self, fields: Sequence[ComparedField]) -> ir.Scalar:
        """Give how alike a pair is: the weight of evidence, or how alike it is spelled where that is asked."""
        if self.rule.probability is not None:
            weights = dict(self.rule.probability.weights)
            measured = [one.weight(weights[one.one.field]) for one in fields]
        else:
            measured = [one.measure for one in fields] if self.rule.closest else []
        return b.call("+", *measured, ir.Value(0))

    def _closest(self) -> Iterator[tuple[str, ir.Query]]:
        """Of several in one system that would do, keep who is most alike, both ways."""
        yield "ways", ir.Union((self._way("l", "r_side"), self._way("node", "l_side")))
        yield (
            "best",
            ir.Select(
                (
                    ("row", b.col("w", "row")),
                    ("side", b.col("w", "side")),
                    ("likeness", b.call("MAX", b.col("w", "likeness"))),
                ),
                self._source("ways", "w"),
                group=(b.col("w", "row"), b.col("w", "side")),
            ),
        )
        names = ("l", "r", "node", "_cid", "l_side", "r_side", "likeness")
        joins = [
            ir.Join("inner", self._source("best", alias), b.all_of([
                b.equal(b.col(alias, "row"), b.col("p", row)), b.equal(b.col(alias, "side"), b.col("p", side)),
                b.equal(b.col(alias, "likeness"), b.col("p", "likeness")),
            ]))
            for alias, row, side in (("x", "l", "r_side"), ("y", "node", "l_side"))
        ]  # fmt: skip
        yield "pairs", ir.Select((ir.Carried("p", names),), self._source("likely", "p"), tuple(joins))

    def _way(self, row: str, side: str) -> ir.Select:
        columns = (("row", b.col("p", row)), ("side", b.col("p", side)), ("likeness", b.col("p", "likeness")))
        return ir.Select(columns, self._source("likely", "p"))

    # what a rule by key has too

    def _grouped(self) -> ir.Select:
        names = ("connection", "_native_id", "_order", "_originates", "_generation", "row")
        return ir.Select(
            (ir.Carried("w", names), ("key", b.col("c", "label"))),
            self._source("left", "w"),
            (ir.Join("inner", self._source("clusters", "c"), b.equal(b.col("c", "row"), b.col("w", "row"))),),
        )

    def _known(self) -> ir.Select:
        return ir.Select(
            (("key", b.col("c", "label")), ("_cid", b.col("p", "_cid"))),
            self._source("pairs", "p"),
            (ir.Join("inner", self._source("clusters", "c"), b.equal(b.col("c", "row"), b.col("p", "l"))),),
            where=b.present(b.col("p", "_cid")),
            distinct=True,
        )


def _formed(part: Part, values: Sequence[ir.Scalar]) -> ir.Scalar:
    match part.form:
        case "start" | "end":
            return ir.Call(part.form.upper(), (values[0],), (("letters", LETTERS[part.form]),))
        case "words":
            return b.call("WORDS", values[0])
        case "sorted":
            return b.call("SORTED WORDS", *values)
        case _:
            return values[0]


def _either_way(alias: str) -> ir.Scalar:
    left, right = b.col("l", "row"), b.col("r", "row")
    return b.any_of(
        [
            b.all_of([b.equal(b.col(alias, "l"), left), b.equal(b.col(alias, "r"), right)]),
            b.all_of([b.equal(b.col(alias, "l"), right), b.equal(b.col(alias, "r"), left)]),
        ]
    )


def row_text(alias: str) -> ir.Scalar:
    """Give what tells a row of a pool from all others, and from earlier records under its native id."""
    return b.call("ROW_TEXT", *(b.col(alias, name) for name in ("connection", "_native_id", "_generation")))


def same_row(left: str, right: str) -> ir.Scalar:
    """Give that two aliases stand for one row of the pool."""
    return b.all_of(b.equal(b.col(left, name), b.col(right, name)) for name in ("connection", "_native_id"))
