"""Talking to systems; the words of system descriptions and no vendor's.

``open_connection`` gives a ``ConnectionHandle`` for a connection of a binding. What goes over the wire is described in
``system.py``; what comes back is in ``results``. This package is the only place that imports httpx.
"""

import sys

# httpx imports its command line, with rich and pygments, wherever those are installed: a tenth of a second that no
# run needs. A None here is Python's own way to say that a module is not to be had.
sys.modules.setdefault("httpx._main", None)  # type: ignore[arg-type]

from syncline_runtime.connectors.batches import Outcome  # noqa: E402
from syncline_runtime.connectors.connection import ConnectionHandle, open_connection  # noqa: E402
from syncline_runtime.connectors.failures import MergedAwayError, Refused  # noqa: E402
from syncline_runtime.connectors.files import refuse_lacking  # noqa: E402
from syncline_runtime.connectors.jsontext import GARBLED  # noqa: E402
from syncline_runtime.connectors.lines import Lines, is_gone_by, leaf_paths  # noqa: E402
from syncline_runtime.connectors.paging import START, Walked  # noqa: E402
from syncline_runtime.connectors.recordtypes import UNTOLD  # noqa: E402
from syncline_runtime.connectors.results import Found, Natives, Page, ParquetFile, Proof, Row, Written  # noqa: E402
from syncline_runtime.connectors.surroundings import Surroundings  # noqa: E402
from syncline_runtime.connectors.writing import Sending  # noqa: E402

__all__ = [
    "GARBLED",
    "START",
    "UNTOLD",
    "ConnectionHandle",
    "Found",
    "Lines",
    "MergedAwayError",
    "Natives",
    "Outcome",
    "Page",
    "ParquetFile",
    "Proof",
    "Refused",
    "Row",
    "Sending",
    "Surroundings",
    "Walked",
    "Written",
    "is_gone_by",
    "leaf_paths",
    "open_connection",
    "refuse_lacking",
]
