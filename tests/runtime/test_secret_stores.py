"""Secrets in stores of their own: read through the store's library, and never shown.

The one of AWS is asked of moto, a server that others wrote, where it is installed; Vault's answers are made here as its
documents say, and what the others are asked is looked at without a server.
"""

from __future__ import annotations

import json
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from syncline_compiler.passes.resolve_environments import REFERENCE
from syncline_runtime.binding import secret
from syncline_runtime.errors import ReleaseError, SystemFailure
from syncline_runtime.secret_stores import STORES

CANARY = "canary-5f1c9"


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    server = pytest.importorskip("moto.server").ThreadedMotoServer(port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    for name, value in {
        "AWS_ENDPOINT_URL": f"http://{host}:{port}",
        "AWS_ACCESS_KEY_ID": "x",
        "AWS_SECRET_ACCESS_KEY": "x",
        "AWS_DEFAULT_REGION": "eu-central-1",
    }.items():
        monkeypatch.setenv(name, value)
    yield pytest.importorskip("boto3").client("secretsmanager")
    server.stop()


def test_aws(aws: Any) -> None:
    aws.create_secret(Name="shop/token", SecretString=f"{CANARY}\n")
    aws.create_secret(Name="shop/pair", SecretString=json.dumps({"user": "u", "key": CANARY, "n": 1}))
    aws.create_secret(Name="shop/blob", SecretBinary=b"x")
    assert secret("aws-secretsmanager:shop/token", "shop") == CANARY
    assert secret("aws-secretsmanager:shop/pair#key", "shop") == CANARY
    for wrong in ("shop/pair#keys", "shop/pair#n", "shop/token#key", "shop/blob"):
        with pytest.raises(ReleaseError, match="there is no text") as refused:
            secret(f"aws-secretsmanager:{wrong}", "shop")
        assert CANARY not in str(refused.value)
    with pytest.raises(SystemFailure, match=r"'shop/none' cannot be read from its store \(ResourceNotFoundException\)"):
        secret("aws-secretsmanager:shop/none", "shop")


@contextmanager
def vault(answers: dict[str, Any]) -> Iterator[str]:
    class Answering(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            known = self.headers.get("X-Vault-Token") == "t" and answers.get(self.path.partition("?")[0])
            body = json.dumps({"data": {"data": known, "metadata": {}}} if known else {"errors": [CANARY]}).encode()
            self.send_response(200 if known else 403)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Answering)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    server.server_close()


def test_vault(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("hvac")
    with pytest.raises(ReleaseError, match="where Vault is and who asks"):
        secret("vault:kv/shop#key", "shop")
    with vault({"/v1/kv/data/team/shop": {"key": CANARY}}) as address:
        monkeypatch.setenv("VAULT_ADDR", address)
        monkeypatch.setenv("VAULT_TOKEN", "t")
        assert secret("vault:kv/team/shop#key", "shop") == CANARY
        with pytest.raises(SystemFailure, match="Forbidden") as refused:
            secret("vault:kv/team/none#key", "shop")
        assert CANARY not in str(refused.value)


def test_gcp_and_azure_are_asked_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[Any] = []

    class Client:
        def __init__(self, *given: Any, **_: Any) -> None:
            asked.append(given[:1])

        def __enter__(self) -> Client:
            return self

        def __exit__(self, *_: Any) -> None:
            """End."""

        def get_secret(self, name: str) -> Any:
            return SimpleNamespace(value=f"{CANARY} {name}")

        def access_secret_version(self, name: str, timeout: float) -> Any:
            return SimpleNamespace(payload=SimpleNamespace(data=f"{CANARY} {name}".encode()))

    fakes = {
        "google.cloud.secretmanager": {"SecretManagerServiceClient": Client},
        "azure.identity": {"DefaultAzureCredential": Client},
        "azure.keyvault.secrets": {"SecretClient": Client},
    }
    for name, members in fakes.items():
        module = ModuleType(name)
        vars(module).update(members)
        monkeypatch.setitem(sys.modules, name, module)
    assert secret("gcp-secretmanager:projects/p/secrets/s", "shop") == f"{CANARY} projects/p/secrets/s/versions/latest"
    assert secret("gcp-secretmanager:projects/p/secrets/s/versions/3", "shop").endswith("/s/versions/3")
    assert secret("azure-keyvault:team/s", "shop") == f"{CANARY} s"
    assert asked[-1] == ("https://team.vault.azure.net",)


@pytest.mark.parametrize("kind", sorted(STORES))
def test_without_its_library_the_extra_is_named(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("boto3", "google.cloud.secretmanager", "azure.identity", "hvac"):
        monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(ReleaseError, match="need a library that is not installed here") as refused:
        secret(f"{kind}:a/b#c", "shop")
    assert refused.value.mend.startswith(f"pip install 'syncline[{STORES[kind][0]}]'")


@pytest.mark.parametrize(
    ("written", "is_one"),
    [
        ("aws-secretsmanager:arn:aws:secretsmanager:eu-west-1:1:secret:shop/token-a1#key", True),
        ("gcp-secretmanager:projects/p/secrets/s", True),
        ("gcp-secretmanager:s", False),
        ("azure-keyvault:team/s", True),
        ("azure-keyvault:evil.example/s", False),
        ("vault:kv/team/shop#key", True),
        ("vault:kv/team/shop", False),
        ("vaults:kv/team/shop#key", False),
    ],
)
def test_what_is_a_reference(written: str, is_one: bool) -> None:
    assert (REFERENCE.fullmatch(written) is not None) == is_one
