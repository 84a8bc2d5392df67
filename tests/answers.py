"""What every answer has to look like, whatever it is an answer to."""

import re
from typing import Any

import httpx

_INTERNALS = re.compile(
    r"constraint|violat|relation \"|sqlstate|pgrst|\bpg_|_(fkey|pkey|key|check|range|word|length)\b|traceback|syntax error"
    r"|null value in|domain public|\bnull::|\bselect\b.*\bfrom\b|asyncpg|aiohttp|dao_service|\bPT4\d\d",
    re.IGNORECASE,
)


def refused(response: httpx.Response, status: int, *fields: str, about: object = "") -> dict[str, Any]:
    """The body of an error, checked against the common rules; with `fields`, its entries name exactly these.

    `about` is shown where the status is another, for tests that send many things in turn.
    """
    assert response.status_code == status, f"{response.status_code} instead of {status}: {response.text[:500]} {about!r}"
    assert response.headers["content-type"] == "application/json"
    body: dict[str, Any] = response.json()
    assert body.keys() <= {"detail", "errors"}
    assert isinstance(body["detail"], str)
    assert body["detail"].strip()
    assert not _INTERNALS.search(response.text), response.text
    errors = body.get("errors", [])
    for error in errors:
        assert error.keys() == {"field", "message"}
        assert isinstance(error["field"], str)
        assert isinstance(error["message"], str)
        assert error["message"].strip()
    if fields:
        assert sorted(error["field"] for error in errors) == sorted(fields), response.text
    return body


def named_fields(response: httpx.Response) -> set[str]:
    """The fields that a refusal is about. An error at a place within a field, as `tags[2]`, is about the field."""
    return {re.split(r"[.\[]", error["field"])[0] for error in response.json()["errors"]}
