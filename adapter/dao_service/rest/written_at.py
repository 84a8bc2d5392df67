"""`X-Flux-Written-At`: a position in the primary's log, which an answer to a write carries and later reads send back."""

import re

from dao_service.errors import BadRequestError
from dao_service.gateway.standbys import ANYWHERE
from dao_service.rest.request import Headers

WRITTEN_AT = b"x-flux-written-at"
FORM = "[0-9A-F]{16}"
_FORM = re.compile(FORM.encode())


def read_position(headers: Headers) -> int:
    """The position that a read has to see. Raises `BadRequestError` if the header is malformed."""
    sent = headers.get(WRITTEN_AT)
    if sent is None:
        return ANYWHERE
    if not _FORM.fullmatch(sent):
        raise BadRequestError("X-Flux-Written-At is the value that the answer to a write had: 16 hexadecimal digits.")
    return int(sent, 16)


def write_position(position: int) -> bytes:
    return b"%016X" % position
