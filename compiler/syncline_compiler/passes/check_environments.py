"""Check environments: whether test records or test runs could reach a live system.

In: the project file and the systems. Diagnostics: SYN0805 … SYN0809.
Invariant (of a project without these): an environment with stand-ins, or one that must prove to be no live one, shares
neither address nor credential with a live one; every address is one that the system description names.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from syncline_compiler.diagnostics.diagnostic import Collector
from syncline_compiler.model.document import Place, WrittenProject
from syncline_compiler.model.spec import ConnectionSpec
from syncline_compiler.source import Span
from syncline_runtime.frozen import dataclass
from syncline_runtime.origins import lies_within
from syncline_runtime.system import System

HERE = frozenset({"localhost", "127.0.0.1", "[::1]"})
"""What this machine is called by itself."""
LIVE = frozenset({"live", "prod", "production"})
"""What environments are called that hold the real records."""


@dataclass(frozen=True)
class _Bound:
    """A connection in one environment."""

    environment: str
    name: str
    spec: ConnectionSpec
    system: System
    beside_stand_ins: bool
    project: WrittenProject

    @property
    def is_live(self) -> bool:
        """Whether this is a live system: it must prove to be, its address is one, or the environment is called so."""
        if self.spec.environment is not None:
            return self.spec.environment.casefold() in LIVE
        of_live = [at for name, known in self.system.origins.items() if name.casefold() in LIVE for at in known]
        return lies_within(self.spec.origin or "", of_live) or self.environment.casefold() in LIVE

    @property
    def is_for_trial(self) -> bool:
        """Whether it is said that no real record is here."""
        proves_other = self.spec.environment is not None and self.spec.environment.casefold() not in LIVE
        return self.beside_stand_ins or proves_other

    def at(self, *place: str) -> Span:
        return self.project.project.at(*self._place(*place))

    def key(self, *place: str) -> Span:
        return self.project.project.key(*self._place(*place))

    def _place(self, *place: str) -> Place:
        return ("environments", self.environment, self.name, *place)


def check_environments(
    project: WrittenProject, systems: Mapping[str, System], connections: Mapping[str, str], diagnostics: Collector
) -> None:
    """Check every environment of the project; ``connections`` gives the system of each connection."""
    bound = list(_bound(project, systems, connections))
    for one in bound:
        if one.spec.stand_in:
            _check_stand_in(one, diagnostics)
        else:
            if _is_at_home(one, diagnostics):
                _check_clear(one, diagnostics)
            _check_rotation(one, diagnostics)
    open_ones = [one for one in bound if not one.spec.stand_in]
    for one in open_ones:
        if one.is_for_trial:
            others = [other for other in open_ones if other.name == one.name and other.environment != one.environment]
            _check_trial(one, others, diagnostics)


def _bound(project: WrittenProject, systems: Mapping[str, System], connections: Mapping[str, str]) -> Iterator[_Bound]:
    for environment, written in project.project.spec.environments.items():
        stand_ins = any(spec.stand_in for spec in written.values())
        for name, spec in written.items():
            system = systems.get(connections.get(name, ""))
            if system is not None:
                yield _Bound(environment, name, spec, system, stand_ins, project)


def _check_stand_in(one: _Bound, diagnostics: Collector) -> None:
    """Check that nothing is said of a stand-in that would not be used."""
    for key in ("origin", "token_origin", "credential", "account", "environment"):
        if getattr(one.spec, key):
            diagnostics.report(
                "SYN0807", one.key(key), label=f"`{key}` is not used: `{one.name}` is a stand-in here",
                secondary=[(one.key("stand_in"), "served by `syncline sandbox`")],
                help="remove this line, or `stand_in`",
            )  # fmt: skip
            return


def _check_clear(one: _Bound, diagnostics: Collector) -> None:
    """Check that no credential goes over the network for all to read."""
    if one.system.auth.kind == "none":
        return
    for key, origin in (("origin", one.spec.origin), ("token_origin", one.spec.token_origin)):
        host = re.match(r"http://(?:[^/@]*@)?(\[[^\]]*\]|[^/:]*)", origin or "")
        if host is not None and host[1].casefold() not in HERE:
            diagnostics.report(
                "SYN0808", one.at(key),
                label=f"the credential of `{one.name}` is sent so that everybody on the way can read it",
                help="write `https://…`; within a network that is safe in itself, waive this and say so",
            )  # fmt: skip
            return


def _is_at_home(one: _Bound, diagnostics: Collector) -> bool:
    """Check that an address is one that the system description names."""
    origin, allowed = one.spec.origin, one.system.origins_of(one.spec.environment)
    token_origin = one.spec.token_origin
    if _is_address(origin) and allowed and not lies_within(origin or "", allowed):
        _report_elsewhere(one, "origin", allowed, diagnostics)
        return False
    if _is_address(token_origin) and not lies_within(token_origin or "", (*allowed, _host_of(origin or ""))):
        _report_elsewhere(one, "token_origin", allowed, diagnostics)
        return False
    return True


def _is_address(origin: str | None) -> bool:
    """Tell an address from a reference to one, which is looked at before a run."""
    return origin is not None and origin.startswith("http")


def _host_of(origin: str) -> str:
    """Give an origin without its path."""
    return "/".join(origin.split("/")[:3])


def _report_elsewhere(one: _Bound, key: str, allowed: tuple[str, ...], diagnostics: Collector) -> None:
    described = one.project.systems[one.system.name]
    if not allowed:
        hosts = f"{_host_of(one.spec.origin or '')}, {_host_of(one.spec.token_origin or '')}"
        diagnostics.report(
            "SYN0806", one.at(key), label=f"this is another host than `origin`, and `{one.system.name}` does not say that it is there",
            help=f"correct it, or write in the system description where it may be: `origins: [{hosts}]`",
        )  # fmt: skip
        return
    of = f" of `{one.spec.environment}`" if one.spec.environment in one.system.origins else ""
    known = f"{', '.join(allowed[:3])}{' …' if allowed[3:] else ''}"
    diagnostics.report(
        "SYN0806", one.at(key), label=f"this is none of the origins{of} of `{one.system.name}`",
        secondary=[(described.key("origins"), known)],
        help="correct the address, or add it to `origins` if the system is there too",
    )  # fmt: skip


def _check_rotation(one: _Bound, diagnostics: Collector) -> None:
    """Check that a token which is good for one use lies where the next one can be written."""
    reference = one.spec.credential.get("refresh_token", "")
    grant = one.system.auth.grant
    if grant is None or not grant.rotates or not reference.startswith("env:"):
        return
    described = one.project.systems[one.system.name]
    diagnostics.report(
        "SYN0809", one.at("credential", "refresh_token"), label="the next token cannot be written here",
        secondary=[(described.key("auth", "token", "rotates"), "each refresh token is good for one use")],
        help="keep it in a file or keyring: `refresh_token: file:/var/lib/syncline/NAME`",
    )  # fmt: skip


def _check_trial(one: _Bound, others: list[_Bound], diagnostics: Collector) -> None:
    """Check that a connection for trial reaches no live system."""
    if one.is_live:
        stand_in = next(
            name for name, spec in one.project.project.spec.environments[one.environment].items() if spec.stand_in
        )
        diagnostics.report(
            "SYN0805", one.key(), label=f"`{one.name}` is the live system here, beside a stand-in",
            secondary=[(one.project.project.key("environments", one.environment, stand_in), "made-up records")],
            help="bind it to a test account, or to a stand-in: made-up records would be written to the live system",
        )  # fmt: skip
        return
    for other in others:
        for key, span in _shared(one, other) if other.is_live else ():
            diagnostics.report(
                "SYN0805", one.at(*key), label=f"`{other.environment}` has the same, and there it is the live system",
                secondary=[(span, f"live in `{other.environment}`")],
                help="name the test account's own, so that a run for trial cannot write to the live system",
            )  # fmt: skip
            return


def _shared(one: _Bound, other: _Bound) -> Iterator[tuple[tuple[str, ...], Span]]:
    """Give what two environments have in common that says whose records are meant: secret, account, address."""
    if one.spec.origin and one.spec.origin == other.spec.origin:
        if one.system.auth.kind == "none":
            yield ("origin",), other.at("origin")
        elif one.spec.account and one.spec.account == other.spec.account:
            yield ("account",), other.at("account")
    for key, reference in one.spec.credential.items():
        if key not in ("username", "client_id", "key_id") and other.spec.credential.get(key) == reference:
            yield ("credential", key), other.at("credential", key)
