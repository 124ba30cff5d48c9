"""Talking to systems; the words of system descriptions and no vendor's.

``open_connection`` gives a ``ConnectionHandle`` for a connection of a binding. What goes over the wire is described in
``system.py``; what comes back is in ``results``. This package is the only place that imports httpx.
"""

from syncline_runtime.connectors.clock import Clock, SystemClock
from syncline_runtime.connectors.connection import ConnectionHandle, open_connection
from syncline_runtime.connectors.failures import Refused
from syncline_runtime.connectors.results import Found, Natives, Page, ParquetFile, Proof, Row, Written

__all__ = [
    "Clock",
    "ConnectionHandle",
    "Found",
    "Natives",
    "Page",
    "ParquetFile",
    "Proof",
    "Refused",
    "Row",
    "SystemClock",
    "Written",
    "open_connection",
]
