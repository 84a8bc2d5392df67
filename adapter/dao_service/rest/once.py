"""`Idempotency-Key`: a `POST` that happens once, however often it is sent."""

import re

from dao_service.errors import BadRequestError
from dao_service.gateway.guarded import Once, once
from dao_service.operations import Operation
from dao_service.rest.callers import KEY
from dao_service.rest.request import Headers

IDEMPOTENCY_KEY = b"idempotency-key"
REPLAYED = (b"idempotency-replayed", b"true")
KEPT = b" "
"""An answer that was kept begins with it."""
_VISIBLE = re.compile(rb"[!-~]{1,255}")
_UUID = re.compile(rb"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")


def read_once(operation: Operation, contract: str, key: str, headers: Headers, body: bytes) -> Once | None:
    """The `Idempotency-Key` with its caller and the digest of the request; None if it was not sent, or is not needed.

    Raises `BadRequestError` if it is malformed, or if the operation takes none.
    """
    sent = headers.get(IDEMPOTENCY_KEY)
    if sent is None or operation.method != "POST":
        return None
    if not operation.repeatable:
        raise BadRequestError("This request takes no Idempotency-Key.")
    service_key = headers.get(KEY)
    if not _VISIBLE.fullmatch(sent):
        raise BadRequestError("An Idempotency-Key has 1 to 255 visible characters of ASCII.")
    if service_key is None and not _UUID.fullmatch(sent):
        raise BadRequestError("Without a service key, an Idempotency-Key is a UUID, so that no two callers choose the same.")
    request = (operation.method, contract, operation.path, key)
    return once(service_key or b"", sent.decode(), *(part.encode() for part in request), body)
