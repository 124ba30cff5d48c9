"""Resolve environments: where each connection is, who it must prove to be, by what references.

In: the project file, the systems and the connections that syncs use. Out: bindings by environment.
Diagnostics: SYN0801 … SYN0804. Invariant: no secret is in the result, references only.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from urllib.parse import urlsplit

from syncline_compiler.diagnostics.diagnostic import Collector
from syncline_compiler.model.document import Declared, Place, WrittenProject
from syncline_compiler.model.members import named_members
from syncline_compiler.model.resolved import ConnectionBinding
from syncline_compiler.model.spec import ConnectionSpec, ProjectSpec
from syncline_compiler.quantities import seconds
from syncline_compiler.spelling import did_you_mean, nearest
from syncline_runtime.authentication import secrets_of
from syncline_runtime.system import System

REFERENCE = re.compile(
    r"env:[A-Za-z_][A-Za-z0-9_]*|file:.+|keyring:[^/]+/.+|aws-secretsmanager:[^#]+(?:#.+)?|azure-keyvault:[A-Za-z0-9-]+/[^/#]+(?:#.+)?"
    r"|gcp-secretmanager:projects/[^/#]+/secrets/[^/#]+(?:/versions/[^/#]+)?(?:#.+)?|vault:[^/#]+/[^#]+#.+"
)
_STORES = {
    "aws-secretsmanager": "NAME", "azure-keyvault": "VAULT/NAME", "gcp-secretmanager": "projects/PROJECT/secrets/NAME",
    "vault": "MOUNT/PATH#MEMBER", "keyring": "SERVICE/NAME",
}  # fmt: skip
_Declared = Declared[ProjectSpec]


def connections(project: WrittenProject) -> dict[str, str]:
    """Give the system of each connection that some sync names."""
    found: dict[str, str] = {}
    for _, sync in sorted(project.syncs.items()):
        for name, target in sync.spec.members.items():
            found.setdefault(name, target.partition(".")[0])
    return dict(sorted(found.items()))


def resolve_environments(
    project: WrittenProject, systems: Mapping[str, System], diagnostics: Collector
) -> Mapping[str, tuple[ConnectionBinding, ...]]:
    """Resolve every environment of the project, by name."""
    used = connections(project)
    complete = not project.broken.get("sync")
    environments = {}
    for environment, written in project.project.spec.environments.items():
        _check_bound(environment, written, used, project, diagnostics)
        if complete:
            _check_used(environment, written, used, project.project, diagnostics)
        environments[environment] = tuple(
            _binding(environment, name, systems.get(used[name]), project.project, diagnostics)
            for name in used
            if name in written
        )
    return environments


def _check_bound(
    environment: str,
    written: Mapping[str, ConnectionSpec],
    used: Mapping[str, str],
    project: WrittenProject,
    diagnostics: Collector,
) -> None:
    strays = [name for name in written if name not in used]
    for name, system in used.items():
        if (
            name in written or nearest(name, strays) is not None
        ):  # It stands there, misspelt: that is said of the stray.
            continue
        sync = next(sync for _, sync in sorted(project.syncs.items()) if name in sync.spec.members)
        others = {other for other, _, _ in named_members(sync.spec)} - set(sync.spec.members)
        if nearest(name, others) is not None:  # The member is misspelt: that is said where the sync names it rightly.
            continue
        diagnostics.report(
            "SYN0802", project.project.key("environments", environment), label=f"nothing here says where `{name}` is",
            secondary=[(sync.key("members", name), f"`{name}` is a connection to `{system}`")],
            help=f"add `{name}: {{stand_in: true}}` to try it in the sandbox, or its origin and credential",
        )  # fmt: skip


def _check_used(
    environment: str,
    written: Mapping[str, ConnectionSpec],
    used: Mapping[str, str],
    declared: _Declared,
    diagnostics: Collector,
) -> None:
    for name in written:
        if name not in used:
            span = declared.key("environments", environment, name)
            remedy = did_you_mean(name, used, kind="connections of the syncs")
            diagnostics.report("SYN0803", span, label=f"no sync has a member `{name}`", help=remedy)


def _binding(
    environment: str, name: str, system: System | None, declared: _Declared, diagnostics: Collector
) -> ConnectionBinding:
    spec = declared.spec.environments[environment][name]
    place: Place = ("environments", environment, name)
    _check_secrets(spec, place, declared, diagnostics)
    if system is not None and not spec.stand_in:
        for where, label, remedy in _lacking(spec, system):
            diagnostics.report("SYN0804", declared.key(*place, *where), label=label, help=remedy)
    return ConnectionBinding(
        connection=name,
        origin=spec.origin or "",
        credential={str(key): reference for key, reference in spec.credential.items()},
        account=spec.account,
        environment=spec.environment,
        requests=spec.limit.requests if spec.limit else None,
        per=max(seconds(spec.limit.per), 1) if spec.limit else None,
        stand_in=spec.stand_in,
        token_origin=spec.token_origin or "",
    )


def _remedy(key: str, value: str) -> str:
    """Say how a reference is written: as the kind that is meant, if it is known."""
    kind = value.partition(":")[0]
    if kind in _STORES:
        return f"write `{key}: {kind}:{_STORES[kind]}`"
    return f"write where it lies: `{key}: env:NAME` or `{key}: file:/run/secrets/NAME`"


def _check_secrets(spec: ConnectionSpec, place: Place, declared: _Declared, diagnostics: Collector) -> None:
    for key, value in spec.credential.items():
        if not REFERENCE.fullmatch(value):
            diagnostics.report(
                "SYN0801", declared.at(*place, "credential", key), label="a secret, or no reference to one",
                help=_remedy(key, value),
            )  # fmt: skip
    for where, origin in (("origin", spec.origin), ("token_origin", spec.token_origin)):
        if origin and _has_userinfo(origin):
            diagnostics.report(
                "SYN0801", declared.at(*place, where), label="a user or password stands in this address",
                help="write the address alone, and the secret as a reference under `credential`",
            )  # fmt: skip


_WEB = (r"https?://[^/]+", "https://…")
_ADDRESSES = {"files": ("", "…"), "sql": (r"postgresql://[^/]+/.|sqlite:///.", "postgresql://host:5432/name")}


def _has_userinfo(origin: str) -> bool:
    try:
        return "@" in urlsplit(origin).netloc
    except ValueError:
        return False


def _lacking(spec: ConnectionSpec, system: System) -> Iterator[tuple[Place, str, str]]:
    """Say what a binding of this system lacks: place within it, label, remedy."""
    if not spec.origin:
        remedy = "add `origin: …`" if system.protocol == "files" else "add `origin: https://…`"
        yield (), "nothing says where it is", f"{remedy}, or `stand_in: true` for the sandbox"
    for key, origin in (("origin", spec.origin), ("token_origin", spec.token_origin)):
        like, example = _ADDRESSES.get(system.protocol, _WEB)
        if origin and not re.match(f"{like}|(?:env|file|keyring):", origin):
            yield (key,), "this is no address", f"write `{example}`, or a reference such as `env:NAME`"
    for key in secrets_of(system.auth):
        if key not in spec.credential:
            label = f"`{system.name}` authenticates by {system.auth.kind}, which needs `{key}`"
            yield ("credential",), label, f"add `credential: {{{key}: env:NAME}}`"
    if spec.account and system.account is None:
        yield ("account",), f"`{system.name}` has no `account` probe that could prove it", "describe `account` there"
    if spec.environment and system.environment is None:
        label = f"`{system.name}` has no `environment` probe that could prove it"
        yield ("environment",), label, "describe `environment` there"
