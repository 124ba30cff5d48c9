"""Resolve objects: specs as written become canonical objects with typed fields.

In: ``ObjectSpec`` with its document. Out: ``ResolvedObject`` without derived fields, invariants and ``unless``, whose
expressions are typed later. Diagnostics: SYN0008, SYN0010, SYN0201, SYN0203, SYN0207.
Invariant: refs and parts name objects that exist, keys and identity rules name fields that exist.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from syncline_compiler.diagnostics.diagnostic import Collector
from syncline_compiler.functions.kinds import FORMED
from syncline_compiler.lookups import report_object
from syncline_compiler.model.document import Declared, Place, WrittenProject
from syncline_compiler.model.resolved import IdentityRule, Likeness, ResolvedField, ResolvedObject, ResolvedPart
from syncline_compiler.model.spec import ObjectSpec
from syncline_compiler.model.spec_identity import LikenessSpec
from syncline_compiler.model.types import UNKNOWN, Type
from syncline_compiler.probability import by_probability, misfit
from syncline_compiler.source import Span
from syncline_compiler.spelling import did_you_mean
from syncline_compiler.type_text import TypeTextError, parse_type

_Declared = Declared[ObjectSpec]

NOWHERE = Span("", 1, 1, 1, 1)


def resolve_objects(project: WrittenProject, diagnostics: Collector) -> Mapping[str, ResolvedObject]:
    """Resolve every object of the project, by name."""
    objects = {name: _object(declared, project, diagnostics) for name, declared in sorted(project.objects.items())}
    _check_inverses(project, objects, diagnostics)
    return objects


def _object(declared: _Declared, project: WrittenProject, diagnostics: Collector) -> ResolvedObject:
    spec = declared.spec
    _check_distinct(declared, diagnostics)
    parts = tuple(_parts(declared, project, diagnostics))
    return ResolvedObject(
        name=spec.object,
        version=spec.version,
        label=spec.label or spec.object,
        fields=tuple(_field(declared, name, project, diagnostics) for name in spec.fields),
        parts=parts,
        derived=(),
        invariants=(),
        identity=tuple(_identity(declared, project, diagnostics)),
        span=declared.at("object"),
        moved_from=tuple(spec.moved.from_) if spec.moved else (),
        lost=frozenset(spec.parts) - {part.name for part in parts},
    )


def _field(declared: _Declared, name: str, project: WrittenProject, diagnostics: Collector) -> ResolvedField:
    spec = declared.spec.fields[name]
    place: Place = ("fields", name)
    field_type = _type(declared, name, diagnostics)
    referred = field_type.name if field_type.kind == "ref" else None
    if referred is not None and not _check_object(referred, declared.at(*place, "type"), project, diagnostics):
        field_type = UNKNOWN
    if spec.inverse is not None and field_type.kind not in ("ref", "unknown"):
        label = f"`{name}` is no ref, so that no other object sees these records through it"
        diagnostics.report("SYN0008", declared.at(*place, "inverse"), label=label, help="remove `inverse`")
    if spec.form is not None and field_type.kind not in FORMED | {"unknown"}:
        label = f"`form` is for texts, and a {field_type.kind} is held in one form already"
        diagnostics.report("SYN0008", declared.at(*place, "form"), label=label, help="remove `form`")
    if spec.deprecated is not None and spec.deprecated.use is not None:
        _check_field(declared, spec.deprecated.use, (*place, "deprecated", "use"), diagnostics)
    if spec.moved is not None and spec.moved.from_ in declared.spec.fields:
        label = f"`{spec.moved.from_}` is still a field: nothing was moved from it"
        diagnostics.report("SYN0008", declared.at(*place, "moved", "from"), label=label, help="remove `moved`")
    return ResolvedField(
        name=name,
        type=field_type.or_null() if field_type.missing else field_type,  # what nobody has told yet stands as null
        span=declared.key(*place),
        label=spec.label,
        form=spec.form,
        required=spec.required,
        critical=spec.critical,
        pii=spec.pii,
        inverse=spec.inverse if field_type.kind in ("ref", "unknown") else None,
        moved_from=spec.moved.from_ if spec.moved else None,
    )


def _type(declared: _Declared, name: str, diagnostics: Collector) -> Type:
    spec = declared.spec.fields[name]
    span = declared.at("fields", name, "type")
    try:
        found = parse_type(spec.type, values=tuple(spec.values), name=f"{declared.spec.object}.{name}")
    except TypeTextError as error:
        diagnostics.report("SYN0207", span, label=str(error), help=error.remedy)
        return UNKNOWN
    if spec.required and found.nullable:
        label = "a required field is never null, and this type may be"
        diagnostics.report("SYN0008", span, label=label, help="remove the `?`, or `required`")
        return replace(found, nullable=False)
    return found


def _parts(declared: _Declared, project: WrittenProject, diagnostics: Collector) -> Iterator[ResolvedPart]:
    for name, spec in declared.spec.parts.items():
        place: Place = ("parts", name)
        child = project.objects.get(spec.of)
        _check_object(spec.of, declared.at(*place, "of"), project, diagnostics)
        if child is None:
            continue
        if spec.key not in child.spec.fields:
            label = f"`{spec.of}` has no field `{spec.key}`"
            remedy = did_you_mean(spec.key, child.spec.fields, kind=f"fields of `{spec.of}`")
            diagnostics.report("SYN0203", declared.at(*place, "key"), label=label, help=remedy)
            continue
        yield ResolvedPart(name, spec.of, spec.key, declared.key(*place))


def _identity(declared: _Declared, project: WrittenProject, diagnostics: Collector) -> Iterator[IdentityRule]:
    for index, rule in enumerate(declared.spec.identity):
        place: Place = ("identity", index)
        if not rule.same and not rule.similar:
            label = "this rule compares nothing"
            diagnostics.report("SYN0007", declared.at(*place), label=label, help="name fields: `same: [email]`")
            continue
        known = [_check_field(declared, name, (*place, "same", at), diagnostics) for at, name in enumerate(rule.same)]
        known += [
            _check_field(declared, name, (*place, "similar", name), diagnostics, key=True) for name in rule.similar
        ]
        known += [
            _check_field(declared, name, (*place, "swapped", at), diagnostics) for at, name in enumerate(rule.swapped)
        ]
        if all(known):
            similar = tuple(
                likeness_of(name, said, declared.key(*place, "similar", name)) for name, said in rule.similar.items()
            )
            span = declared.at(*place, "same") if rule.same else declared.key(*place, "similar")
            made = IdentityRule(
                tuple(rule.same), None, rule.then, span, similar,
                tuple(rule.swapped), rule.at_least, rule.may_differ, rule.closest,
            )  # fmt: skip
            if rule.probability is None:
                yield made
            else:
                yield from _probable(declared, place, made, project, diagnostics)


def _probable(
    declared: _Declared, place: Place, rule: IdentityRule, project: WrittenProject, diagnostics: Collector
) -> Iterator[IdentityRule]:
    """Give the rules that one by a trained model stands for; none where the model cannot be used."""
    spec = declared.spec.identity[int(place[1])]
    assert spec.probability is not None  # asked of these only
    asked, at = spec.probability, (*place, "probability")
    if asked.link is None and asked.review is None:
        label = "nothing says what becomes of records that are probably one"
        diagnostics.report(
            "SYN0007", declared.key(*at), label=label, help="say from where: `link: 0.99`, `review: 0.8`"
        )
    elif asked.link is not None and asked.review is not None and asked.review >= asked.link:
        label = f"a person is asked from {asked.review} on, and from {asked.link} on it is decided already"
        help_ = "ask people about what is less probable than what is linked"
        diagnostics.report("SYN0614", declared.at(*at, "review"), label=label, help=help_)
    elif both := [name for name in ("then", "at_least", "may_differ", "swapped") if name in spec.model_fields_set]:
        label = f"the model weighs all fields, and its thresholds say what follows: `{both[0]}` says nothing beside it"
        diagnostics.report("SYN0008", declared.key(*place, both[0]), label=label, help=f"remove `{both[0]}`")
    elif not rule.similar:
        label = "a model weighs how alike fields are, and none is similar"
        diagnostics.report("SYN0007", declared.key(*at), label=label, help="name fields: `similar: {name: 0.92}`")
    elif (model := project.models.get(asked.model)) is not None:
        if why := misfit(rule, declared.spec.object, model.spec):
            _report_model(declared, at, why, [(model.at("model"), "trained before")], diagnostics)
        else:
            yield from by_probability(rule, asked, model.spec)
    elif not project.is_broken("model", asked.model):
        _report_model(declared, at, f"there is no model `{asked.model}`", [], diagnostics)


def _report_model(
    declared: _Declared, place: Place, label: str, secondary: list[tuple[Span, str]], diagnostics: Collector
) -> None:
    remedy = f"train it on the records as they are: `syncline identity train {declared.spec.object}`"
    diagnostics.report("SYN0613", declared.at(*place, "model"), label=label, secondary=secondary, help=remedy)


def likeness_of(name: str, said: LikenessSpec, span: Span = NOWHERE) -> Likeness:
    """Give how alike a field's values have to be, way by way."""
    amounts = {kind: getattr(said, kind) for kind in ("jaro_winkler", "edits", "words", "within")}
    ways: list[tuple[Any, str]] = [(kind, "") for kind in ("exact", "sounds") if getattr(said, kind)]
    ways += [(kind, str(amount)) for kind, amount in amounts.items() if amount is not None]
    return Likeness(name, tuple(ways or [("exact", "")]), said.missing, tuple(said.placeholders), span)


def _check_object(name: str, span: Span, project: WrittenProject, diagnostics: Collector) -> bool:
    if name in project.objects or project.is_broken("object", name):
        return True
    report_object(name, span, project, project.objects, diagnostics)
    return False


def _check_field(declared: _Declared, name: str, place: Place, diagnostics: Collector, *, key: bool = False) -> bool:
    spec = declared.spec
    if name in spec.fields:
        return True
    label = f"`{spec.object}` has no field `{name}`"
    remedy = did_you_mean(name, spec.fields, kind=f"fields of `{spec.object}`")
    diagnostics.report("SYN0203", declared.key(*place) if key else declared.at(*place), label=label, help=remedy)
    return False


def _check_distinct(declared: _Declared, diagnostics: Collector) -> None:
    """Check that fields, parts and derived fields share no name."""
    first: dict[str, Span] = {}
    spec = declared.spec
    for section, names in (("fields", spec.fields), ("parts", spec.parts), ("derived", spec.derived)):
        for name in names:
            span = declared.key(section, name)
            if first.setdefault(name, span) is not span:
                _report_twice(name, span, first[name], diagnostics)


def _check_inverses(project: WrittenProject, objects: Mapping[str, ResolvedObject], diagnostics: Collector) -> None:
    """Check that the names by which an object is seen from others are free on it."""
    first: dict[tuple[str, str], Span] = {
        (name, own): declared.key(section, own)
        for name, declared in project.objects.items()
        for section, names in (("fields", declared.spec.fields), ("parts", declared.spec.parts))
        for own in names
    }
    for name, resolved in sorted(objects.items()):
        for field in resolved.fields:
            if field.inverse is None or field.type.name is None:
                continue
            span = project.objects[name].at("fields", field.name, "inverse")
            if first.setdefault((field.type.name, field.inverse), span) is not span:
                _report_twice(field.inverse, span, first[field.type.name, field.inverse], diagnostics)


def _report_twice(name: str, span: Span, first: Span, diagnostics: Collector) -> None:
    diagnostics.report(
        "SYN0010", span, label=f"`{name}` is taken already", secondary=[(first, "first declared here")],
        help="give one of the two another name",
    )  # fmt: skip
