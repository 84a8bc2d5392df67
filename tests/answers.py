"""Checks of the rules that hold for every answer."""

import re
from typing import Any

import httpx

_INTERNALS = re.compile(
    r"constraint|violat|relation \"|sqlstate|pgrst|\bpg_|_(fkey|pkey|(?<!pattern_)(?<!dedupe_)key|check|range|word|length)\b"
    r"|traceback|syntax error|null value in|domain public|\bnull::|\bselect\b.*\bfrom\b|asyncpg|aiohttp|dao_service|\bPT4\d\d",
    re.IGNORECASE,
)


def refused(response: httpx.Response, status: int, *fields: str, about: object = "") -> dict[str, Any]:
    """Check an error's body against the common rules, and return it. With `fields`, its entries name exactly these.

    `about` is shown if the status differs, for tests that send many requests in turn.
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
    """The fields that an error names. An error inside a field (`tags[2]`) counts for the field."""
    return {re.split(r"[.\[]", error["field"])[0] for error in response.json()["errors"]}
