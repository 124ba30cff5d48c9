"""The list of ``reading.py``, read by the declarative CDK of Airbyte from a manifest: ``reading_by_airbyte.py URL``.

What a connector without code of its own does: records go out as messages, each in JSON, to whoever writes them into a database.
Here they go nowhere.
"""

from __future__ import annotations

import json
import logging
import sys
import tempfile
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from airbyte_cdk.entrypoint import AirbyteEntrypoint
from airbyte_cdk.models import ConfiguredAirbyteCatalogSerializer
from airbyte_cdk.sources.declarative.concurrent_declarative_source import ConcurrentDeclarativeSource

from benchmarks.measuring import Stopwatch

SCHEMA = {
    "type": "object",
    "properties": {
        "id": {"type": "integer"}, "balance": {"type": "number"}, "active": {"type": "boolean"},
        **{name: {"type": "string"} for name in ("name", "email", "status", "updated_at")},
    },
}  # fmt: skip
STREAM = "customers"


def manifest(url: str) -> dict[str, Any]:
    """Describe the list."""
    pages = {
        "type": "DefaultPaginator",
        "pagination_strategy": {
            "type": "CursorPagination",
            "cursor_value": "{{ response['next'] }}",
            "stop_condition": "{{ not response['next'] }}",
        },
        "page_token_option": {"type": "RequestOption", "inject_into": "request_parameter", "field_name": "after"},
    }
    retriever = {
        "type": "SimpleRetriever",
        "requester": {"type": "HttpRequester", "url_base": url, "path": f"/{STREAM}", "http_method": "GET"},
        "record_selector": {
            "type": "RecordSelector",
            "extractor": {"type": "DpathExtractor", "field_path": ["items"]},
        },
        "paginator": pages,
    }
    stream = {
        "type": "DeclarativeStream",
        "name": STREAM,
        "primary_key": ["id"],
        "retriever": retriever,
        "schema_loader": {"type": "InlineSchemaLoader", "schema": SCHEMA},
    }
    return {
        "version": "6.0.0",
        "type": "DeclarativeSource",
        "check": {"type": "CheckStream", "stream_names": [STREAM]},
        "streams": [stream],
        "spec": {"type": "Spec", "connection_specification": {"type": "object", "properties": {}}},
    }


def catalog() -> dict[str, Any]:
    """Ask for the whole list."""
    stream = {"name": STREAM, "json_schema": SCHEMA, "supported_sync_modes": ["full_refresh"]}
    how = {"sync_mode": "full_refresh", "destination_sync_mode": "overwrite"}
    return {"streams": [{"stream": stream, **how}]}


def main() -> None:
    logging.disable(logging.CRITICAL)
    watch = Stopwatch()
    with tempfile.TemporaryDirectory() as name:
        config, asked = Path(name) / "config.json", Path(name) / "catalog.json"
        config.write_text("{}", encoding="utf-8")
        asked.write_text(json.dumps(catalog()), encoding="utf-8")
        args = ["read", "--config", str(config), "--catalog", str(asked)]
        with watch("read"):
            source = ConcurrentDeclarativeSource(
                catalog=ConfiguredAirbyteCatalogSerializer.load(catalog()),
                config={},
                state=[],
                source_config=manifest(sys.argv[1]),
            )
            lines = AirbyteEntrypoint(source).run(AirbyteEntrypoint.parse_args(args))
            count = sum('"type":"RECORD"' in line for line in lines)
    cpu, wall = watch.times["read"]
    print(json.dumps({"wall": wall, "cpu": cpu, "count": count}))


if __name__ == "__main__":
    main()
