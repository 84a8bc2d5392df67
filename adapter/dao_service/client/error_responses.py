"""The error that a response of the service stands for."""

from collections.abc import Mapping
from typing import Any

import httpx

from dao_service.errors import (
    NO_CODE,
    BadRequestError,
    BodyTooLargeError,
    ConflictError,
    DataServiceError,
    FieldProblem,
    ForbiddenError,
    InternalError,
    InvalidError,
    MethodNotAllowedError,
    NotFoundError,
    PreconditionFailedError,
    TimeLimitError,
    UnavailableError,
)

# The errors that consist of a sentence and fields. `_error_of` makes the other two.
_ERRORS: dict[int, type[DataServiceError]] = {
    kind.status: kind
    for kind in (
        BadRequestError,
        ForbiddenError,
        NotFoundError,
        ConflictError,
        PreconditionFailedError,
        BodyTooLargeError,
        InvalidError,
        UnavailableError,
        TimeLimitError,
    )
}


def error_of(response: httpx.Response) -> DataServiceError:
    status, allowed = response.status_code, response.headers.get("allow")
    if status == InternalError.status:
        return InternalError(f"{NO_CODE} {status}")
    if status == MethodNotAllowedError.status and allowed:
        return MethodNotAllowedError(method.strip() for method in allowed.split(","))
    detail, problems = f"The service answered {status}.", list[FieldProblem]()
    if response.is_redirect:
        detail = f"The service answered {status}, a redirect: base_url is not the address of the service itself."
    try:
        answer = response.json()
        detail, problems = str(answer["detail"]), [_problem(each) for each in answer.get("errors", [])]
    except (ValueError, KeyError, TypeError):
        pass  # Not the service answered, but something in front of it.
    error = _ERRORS.get(status, DataServiceError)(detail, problems)
    error.status = status
    return error


def _problem(said: Mapping[str, Any]) -> FieldProblem:
    return FieldProblem(field=str(said["field"]), message=str(said["message"]))


def noted(error: DataServiceError, response: httpx.Response) -> DataServiceError:
    if request_id := response.headers.get("x-request-id"):
        error.add_note(f"X-Request-ID: {request_id}")
    return error


def is_under_way(response: httpx.Response) -> bool:
    """Whether an earlier request under the same key has not ended yet."""
    return response.status_code == ConflictError.status and "retry-after" in response.headers


def retry_after(response: httpx.Response) -> float:
    """The seconds that the service asks for; 0 if it asks for none."""
    seconds = response.headers.get("retry-after", "")
    return float(seconds) if seconds.isdigit() else 0.0
