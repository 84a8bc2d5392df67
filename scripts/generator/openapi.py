"""The OpenAPI documents that are committed in docs/: what a service of this checkout serves."""

import json
from pathlib import Path
from typing import Any

from dao_service.contracts import CONTRACTS
from dao_service.gateway.postgrest import PostgrestGateway
from dao_service.health import operational_endpoints
from dao_service.observing.metrics import Metrics
from dao_service.openapi.document import openapi_document

from .source import ROOT


def documents() -> dict[str, dict[str, Any]]:
    """The document of each contract, as a service that requires a key serves it."""
    operational = operational_endpoints(PostgrestGateway("http://localhost", "", {}), Metrics())  # which nobody asks
    return {name: openapi_document(contract, operational, key_required=True) for name, contract in CONTRACTS.items()}


def snapshot_path(contract: str, root: Path = ROOT) -> Path:
    """Where a document is committed."""
    return root / "docs" / f"openapi-{contract}.json"


def text_of(document: dict[str, Any]) -> str:
    """A document as it is committed."""
    return json.dumps(document, indent=1, ensure_ascii=False) + "\n"
