"""Secrets that lie in a store of their own: those of clouds, and Vault (or what speaks its protocol). Each needs an extra.

In: a reference without its kind, ``NAME``, or ``NAME#MEMBER`` where the secret is a JSON object of which one member is meant.
Out: the secret. Invariants: who may read it is decided by the store's own library, by what the machine or the process is
given; every look is bounded in time; no error or log line shows what the library says, which may hold the secret.
"""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any, Final

from syncline_runtime.errors import ReleaseError, SystemFailure

_SECONDS: Final = 10
_VAULT: Final = ("VAULT_ADDR", "VAULT_TOKEN")


def from_store(kind: str, name: str, place: str) -> str:
    """Read the secret behind a reference of one of the ``STORES``; ReleaseError or SystemFailure says what is missing."""
    extra, look = STORES[kind]
    where, _, member = name.partition("#")
    try:
        value = look(where)
    except ImportError:
        raise ReleaseError(
            f"secrets of kind {kind!r} need a library that is not installed here",
            place=place,
            mend=f"pip install 'syncline[{extra}]', or use env:NAME or file:PATH",
            code="SYN8010",
        ) from None
    except ReleaseError as error:
        error.place = place
        raise
    except Exception as error:  # each library has errors of its own; their texts may hold anything
        raise SystemFailure(
            f"the secret {where!r} cannot be read from its store ({type(error).__name__})",
            place=place,
            mend="check its name, that the store can be reached, and that this process may read it",
            code="SYN8010",
        ) from None
    found = _member(value, member) if member else value
    if not isinstance(found, str) or not found:
        what = f"no text {member!r} in the secret {where!r}" if member else f"no text in the secret {where!r}"
        raise ReleaseError(
            f"there is {what}", place=place, mend=f"write `{kind}:NAME#MEMBER` for a JSON member", code="SYN8010"
        )
    return found.rstrip("\r\n")


def _member(value: Any, member: str) -> Any:
    """Give a member of a secret that is an object, or JSON text of one."""
    try:
        known = json.loads(value) if isinstance(value, str) else value
    except ValueError:
        return None
    return known.get(member) if isinstance(known, Mapping) else None


def _quiet(*names: str) -> None:
    """Keep libraries from logging what they send and get."""
    for name in names:
        logging.getLogger(name).setLevel(logging.WARNING)


def _from_aws(name: str) -> Any:
    boto3, config = import_module("boto3"), import_module("botocore.config")
    _quiet("boto3", "botocore", "urllib3")
    bounds = config.Config(connect_timeout=_SECONDS, read_timeout=_SECONDS, retries={"total_max_attempts": 2})
    return boto3.client("secretsmanager", config=bounds).get_secret_value(SecretId=name).get("SecretString")


def _from_gcp(name: str) -> Any:
    manager = import_module("google.cloud.secretmanager")
    full = name if "/versions/" in name else f"{name}/versions/latest"
    answer = manager.SecretManagerServiceClient().access_secret_version(name=full, timeout=_SECONDS)
    return answer.payload.data.decode()


def _from_azure(name: str) -> Any:
    identity, secrets = import_module("azure.identity"), import_module("azure.keyvault.secrets")
    _quiet("azure", "urllib3")
    vault, _, secret = name.partition("/")
    bounds = {"connection_timeout": _SECONDS, "read_timeout": _SECONDS, "retry_total": 1}
    address = f"https://{vault}.vault.azure.net"
    with identity.DefaultAzureCredential() as known, secrets.SecretClient(address, known, **bounds) as client:
        return client.get_secret(secret).value


def _from_vault(name: str) -> Any:
    hvac = import_module("hvac")
    _quiet("hvac", "urllib3")
    address, token = (os.environ.get(variable) for variable in _VAULT)
    if not address or not token:
        raise ReleaseError(
            "where Vault is and who asks is not known",
            mend="set VAULT_ADDR and VAULT_TOKEN for the process that runs syncline",
            code="SYN8010",
        )
    mount, _, path = name.partition("/")
    client = hvac.Client(address, token, timeout=_SECONDS, namespace=os.environ.get("VAULT_NAMESPACE"))
    return client.secrets.kv.v2.read_secret_version(path, mount_point=mount, raise_on_deleted_version=True)["data"][
        "data"
    ]


STORES: Final[Mapping[str, tuple[str, Callable[[str], Any]]]] = {
    "aws-secretsmanager": ("aws", _from_aws),
    "gcp-secretmanager": ("gcp", _from_gcp),
    "azure-keyvault": ("azure", _from_azure),
    "vault": ("vault", _from_vault),
}
"""Kind of reference → extra that it needs, and how a secret is read."""
