"""Files in object storage: fetched before they are read as files of a folder.

In: the address of a store (``s3://bucket/folder``), through fsspec, an extra. Out: copies of the files that fit a pattern, under
their own names. Invariants: nothing is written to the store; a file that changes while it is fetched is a failure, never
a mixture; no error shows what the store's library says, which may hold addresses with secrets.
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from pathlib import Path, PurePosixPath
from typing import Any

from syncline_runtime.errors import ReleaseError, RequestFailed

_MARKS = ("ETag", "etag", "md5Hash", "generation", "LastModified", "last_modified", "mtime", "created")


def is_store(origin: str) -> bool:
    """Whether an origin is a store, and no folder of this machine."""
    return "://" in origin


def fetch(origin: str, pattern: str, folder: Path, place: str) -> None:
    """Copy the files that fit a pattern below the address into a folder."""
    store, root = _opened(origin, place)
    try:
        found = sorted(store.glob(f"{root.rstrip('/')}/{pattern}"))
        for path in found:
            name = PurePosixPath(path).relative_to(PurePosixPath(root))
            if not store.isdir(path) and ".." not in name.parts:
                _fetch_one(store, path, folder / name, f"{place} {name}")
    except (OSError, ValueError) as error:
        raise _unreachable(place, type(error).__name__) from None


def _fetch_one(store: Any, path: str, target: Path, place: str) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    before = _state(store.info(path))
    store.get_file(path, str(target))
    store.invalidate_cache()
    if _state(store.info(path)) != before or target.stat().st_size != before["size"]:
        raise RequestFailed(
            "the file changed while it was read; it seems to be half written",
            category="vendor",
            place=place,
            mend="let its writer put it there in one step; then run again",
            retry=True,
        )


def _state(info: Mapping[str, Any]) -> dict[str, Any]:
    return {name: info[name] for name in ("size", *_MARKS) if name in info}


def _opened(origin: str, place: str) -> tuple[Any, str]:
    try:
        store, root = import_module("fsspec.core").url_to_fs(origin, use_listings_cache=False)
    except ImportError:
        raise ReleaseError(
            "reading from object storage needs fsspec and the library of the store",
            place=place,
            mend="pip install 'syncline[stores]', and for example s3fs, gcsfs or adlfs",
        ) from None
    except (OSError, ValueError, TypeError):
        raise ReleaseError(
            "the origin is no address of a store", place=place, mend="write it like s3://bucket/folder"
        ) from None
    return store, root


def _unreachable(place: str, kind: str) -> RequestFailed:
    return RequestFailed(
        f"the store did not give its files ({kind})",
        category="transport",
        place=place,
        mend="check the address, and that this machine has a credential for the store",
        retry=True,
    )
