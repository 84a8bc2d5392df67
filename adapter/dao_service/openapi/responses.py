"""The responses of an operation: what a success returns, and the errors."""

from typing import Annotated, Any, get_args, get_origin

from pydantic import BaseModel, Field

from dao_service.contracts import Contract
from dao_service.errors import SATURATED, InternalError, SlowBodyError
from dao_service.operations import Operation, resource_of


class Problem(BaseModel):
    """One problem of one field."""

    field: Annotated[str, Field(description="Path of the field, such as milestones[2].tasks[0].title.")]
    message: Annotated[str, Field(description="What is wrong with it.")]


class ErrorAnswer(BaseModel):
    """The body of every error."""

    detail: Annotated[str, Field(description="One sentence that a person can act on.")]


class InvalidAnswer(ErrorAnswer):
    """The body of an error that fields have caused."""

    errors: Annotated[list[Problem], Field(description="One entry per problem, up to 100.")] = []


# By status: a name, when it is returned, and an example of its detail.
ERRORS = {
    400: (
        "BadRequest",
        "The body is not JSON, parameters exclude each other, or X-Flux-Contract is unknown.",
        "The body is not JSON.",
    ),
    403: (
        "Forbidden",
        "The service key is unknown, or missing although required; or, without one, another site's page sent the request.",
        "The service key is unknown.",
    ),
    404: ("NotFound", "No row has this id.", "There is no row with this id."),
    408: ("RequestTimeout", "The body did not arrive in time.", SlowBodyError().detail),
    409: (
        "Conflict",
        "A unique value is taken, or the row is not as the caller expects. With Retry-After: a request with this key is under way.",
        "A user with this email exists already.",
    ),
    412: (
        "PreconditionFailed",
        "If-Match does not name the row's ETag: the row has changed.",
        "The row has changed since: If-Match does not name its ETag.",
    ),
    413: ("BodyTooLarge", "The body is larger than the limit.", "The body is larger than 1048576 bytes."),
    415: (
        "UnsupportedMediaType",
        "The body is not declared as JSON, or has a Content-Encoding.",
        "Send the body as application/json.",
    ),
    422: (
        "Invalid",
        "A field or parameter is invalid, or names a row that does not exist or belongs to another user.",
        "title: This field is required.",
    ),
    500: ("ServerError", "A bug. The log has the request id.", InternalError("").detail),
    503: (
        "Unavailable",
        "The database is unreachable or overloaded. Retry after Retry-After.",
        SATURATED,
    ),
    504: (
        "TimeLimit",
        "The database exceeded its time limit, or the outcome of a write is unknown: detail says which.",
        "The database did not finish within its time limit.",
    ),
}
_WITH_PROBLEMS = {409: "email", 422: "title"}
HEADERS = {
    "RequestId": {"description": "The request's id: the caller's, or a new one.", "schema": {"type": "string"}},
    "ETag": {
        "description": "The row's version: the contract, a hyphen, and updated_at (created_at, if the row never changes).",
        "schema": {"type": "string", "examples": ['"1.2-2026-01-31T09:00:00.123456+00:00"']},
    },
    "Replayed": {
        "description": "Present if this is the answer that was kept under the Idempotency-Key.",
        "schema": {"type": "string", "enum": ["true"]},
    },
    "WrittenAt": {
        "description": "Present if the service reads from standbys: a read that sends it back is not older than this write.",
        "schema": {"type": "string"},
    },
    "RetryAfter": {"description": "Seconds to wait before a retry.", "schema": {"type": "integer", "minimum": 0}},
}
_REQUEST_ID = {"X-Request-ID": {"$ref": "#/components/headers/RequestId"}}
ETAG = {"ETag": {"$ref": "#/components/headers/ETag"}}
REPLAYED = {"Idempotency-Replayed": {"$ref": "#/components/headers/Replayed"}}
WRITTEN_AT = {"X-Flux-Written-At": {"$ref": "#/components/headers/WrittenAt"}}
RETRY_AFTER = {"Retry-After": {"$ref": "#/components/headers/RetryAfter"}}


def responses_of(contract: Contract, operation: Operation) -> dict[int | str, dict[str, Any]]:
    """Status to response, as FastAPI takes them."""
    responses: dict[int | str, dict[str, Any]] = {status: _error(status) for status in error_statuses(contract, operation)}
    headers = _REQUEST_ID | (ETAG if operation.version_mark else {}) | (REPLAYED if operation.repeatable else {})
    headers |= WRITTEN_AT if operation.method != "GET" else {}
    responses[operation.status] = {"description": operation.response or _returned(contract, operation), "headers": headers}
    if operation.version_mark and operation.method == "GET":
        responses[304] = {"description": "If-None-Match names the row's ETag: it is unchanged.", "headers": headers}
    return responses


def _returned(contract: Contract, operation: Operation) -> str:
    """What a function returns: rows of the path's resource, or a type of its own."""
    resource, answer = contract.relations[resource_of(operation.path)], operation.answer
    rows = {relation.row: relation.name.replace("_", " ") for relation in contract.relations.values()}
    if get_origin(answer) is list:
        (item,) = get_args(answer)
        return f"The {rows[item]}." if item in rows else f"A list. {item.__doc__}"
    if answer not in rows:
        return str(answer.__doc__)
    parts = [name for name, info in answer.model_fields.items() if rows.keys() & {*get_args(info.annotation)}]
    return f"The {resource.noun}{' with its ' if parts else ''}{' and '.join(parts)}."


def error_statuses(contract: Contract, operation: Operation) -> list[int]:
    """The errors that the operation can return."""
    found = {400, 403, 422, 500, 503, 504}
    if operation.key_name and operation.method != "PUT":
        found.add(404)
    if operation.conditional:
        found |= {404, 412}
    if operation.body:
        found |= {408, 413, 415}
        unique = {each.field for each in contract.constraints.values() if each.kind == "unique"}
        if operation.method == "POST" or unique & operation.body.model_fields.keys():
            found.add(409)
    return sorted(found)


def _error(status: int) -> dict[str, Any]:
    _, description, detail = ERRORS[status]
    example: dict[str, Any] = {"detail": detail}
    if status in _WITH_PROBLEMS:
        example["errors"] = [{"field": _WITH_PROBLEMS[status], "message": detail.rpartition(": ")[2]}]
    return {
        "model": InvalidAnswer if status in _WITH_PROBLEMS else ErrorAnswer,
        "description": description,
        "headers": _REQUEST_ID | (RETRY_AFTER if status in (409, 503) else {}),
        "content": {"application/json": {"example": example}},
    }
