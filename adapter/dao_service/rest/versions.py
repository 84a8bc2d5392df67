"""Versions of rows: `ETag`, `If-None-Match` and `If-Match`.

An ETag is the contract, a hyphen and the row's version, `"1.2-2026-01-31T09:00:00.123456+00:00"`. The version is the time of the
last change, which the database makes later with every change.
"""

import re
from datetime import datetime

from dao_service.errors import BadRequestError
from dao_service.gateway.guarded import IfMatch
from dao_service.operations import Operation
from dao_service.rest.request import Headers

IF_MATCH = b"if-match"
IF_NONE_MATCH = b"if-none-match"
VARY = (b"vary", b"X-Flux-Contract, X-Flux-Service-Key")
_TAG = rb'(?:W/)?"[\x21\x23-\x7e\x80-\xff]*"'
_TAGS = re.compile(rb"%b(?:[ \t]*,[ \t]*%b)*" % (_TAG, _TAG))
_EACH = re.compile(_TAG)


def etag_of(operation: Operation, contract: str, row: bytes) -> bytes:
    """The ETag of a row as the database wrote it, or b"" if the answer is not one row of one table.

    The row is not decoded. Its own fields are the only place where a name is followed by a colon and no space: a quote inside
    a text has a backslash, and jsonb has a space.
    """
    if not operation.version_mark:
        return b""
    start = row.rfind(operation.version_mark) + len(operation.version_mark)
    return b'"%b-%b"' % (contract.encode(), row[start : row.index(b'"', start)])


def is_unchanged(headers: Headers, etag: bytes) -> bool:
    """Whether `If-None-Match` names the row."""
    sent = headers.get(IF_NONE_MATCH)
    if sent is None:
        return False
    tags = _tags(sent, "If-None-Match")
    return tags is None or etag in [tag.removeprefix(b"W/") for tag in tags]


def read_if_match(operation: Operation, contract: str, headers: Headers) -> IfMatch | None:
    """The condition of a write, if it has one.

    Raises `BadRequestError` if it is malformed, or if the operation changes no row that it could be about.
    """
    sent = headers.get(IF_MATCH)
    if sent is None or operation.method == "GET":
        return None
    if not operation.conditional:
        raise BadRequestError("If-Match goes with a request that changes one row by its id, and this one does not.")
    tags = _tags(sent, "If-Match")
    return IfMatch(None if tags is None else [found for tag in tags if (found := _version(tag.decode("latin-1"), contract))])


def _tags(sent: bytes, header: str) -> list[bytes] | None:
    """The ETags of a header; None for `*`."""
    sent = sent.strip()
    if sent == b"*":
        return None
    if not _TAGS.fullmatch(sent):
        raise BadRequestError(f"{header} is * or a list of ETags, each in double quotes.")
    return _EACH.findall(sent)


def _version(tag: str, contract: str) -> str:
    """The version that an ETag names; "" for one that is not of this contract, or weak."""
    start = f'"{contract}-'
    if not tag.startswith(start):
        return ""
    try:
        version = datetime.fromisoformat(tag[len(start) : -1])
    except ValueError:
        return ""
    return version.isoformat() if version.tzinfo else ""
