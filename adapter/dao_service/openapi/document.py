"""The OpenAPI document of a contract, made by FastAPI from the same operations that the door serves."""

import inspect
from http import HTTPStatus
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, FastAPI, Path, Query, Security
from fastapi.security import APIKeyHeader
from pydantic import BaseModel, Field

from dao_service.contracts import DEFAULT_CONTRACT, Contract
from dao_service.openapi.examples import example_of, parameter_example
from dao_service.operations import Operation

TITLE = "Flux data service"
DESCRIPTION = """\
Where Flux's agents keep what they know: users, goals, tasks, conversations, patterns, and what was sent to whom.

**Callers** send a service key in `X-Flux-Service-Key`. Each key is pinned to a contract; `X-Flux-Contract` chooses another for
one request. This document is contract {name}; a request without a key, where the deployment allows it, is contract {default}.
Front ends don't call this service but the project's Data API, with the JWT of their user, and see that user's rows only.

**Bodies** are JSON. Ids are UUIDs. A point in time carries an offset, of up to 15:59, and is answered in UTC. Text holds any
character but U+0000. A field that the contract does not have is refused, never dropped.

**Lists** answer one page, newest first: `skip` with `limit`, or `page` with `page_size`. `after` takes the `next_cursor` of the
page before, which costs the same on every page.

**Errors** answer `{{"detail": "…"}}`, one sentence; where fields are to blame, `errors` names each of them. Every answer carries
`X-Request-ID`, which is also in the service's log.
"""
SERVICE_KEY = APIKeyHeader(
    name="X-Flux-Service-Key",
    scheme_name="ServiceKey",
    description="A service key. It pins its caller to a contract; X-Flux-Contract chooses another.",
    auto_error=False,
)


class Problem(BaseModel):
    """One problem of one field."""

    field: Annotated[str, Field(description="Path of the field, such as milestones[2].tasks[0].title.")]
    message: Annotated[str, Field(description="What is wrong with it.")]


class ErrorAnswer(BaseModel):
    """What every error answers."""

    detail: Annotated[str, Field(description="One sentence that a person can act on.")]


class InvalidAnswer(ErrorAnswer):
    """What a refused request answers: every problem at once."""

    errors: Annotated[list[Problem], Field(description="One entry a problem.")] = []


# What went wrong, and what is then said, by status.
_ERRORS = {
    400: ("The request contradicts itself, is not JSON, or X-Flux-Contract names no contract.", "The body is not JSON."),
    403: ("The service key is unknown, or missing where one is required.", "The service key is unknown."),
    404: ("There is no row with that id.", "There is no row with this id."),
    409: ("A unique value is taken.", "A user with this email exists already."),
    413: ("The body is over the limit.", "The body is larger than 1048576 bytes."),
    422: (
        "A field or parameter fails validation, or names a row that does not exist or belongs to another user.",
        "title: This field is required.",
    ),
    500: ("A bug. The service's log has the request id.", "The service has a bug. Its log has the request id."),
    503: (
        "The database is unreachable or saturated; Retry-After says when to try again.",
        "The database is busy or not ready. Try again in a moment.",
    ),
    504: ("The statement ran into its time limit.", "The database did not finish within its time limit."),
}
_LARGEST_INTEGER = 2**63 - 1
"""FastAPI keeps limits as doubles, and the nearest double to this one is 2^63."""
_NAMES = {status: HTTPStatus(status).name.title().replace("_", "") for status in _ERRORS}
_WITH_PROBLEMS = {409: "email", 422: "title"}
_HEADERS = {
    "RequestId": {"description": "The request's own id, or the one that it was given.", "schema": {"type": "string"}},
    "RetryAfter": {"description": "Seconds after which to try again.", "schema": {"type": "integer", "minimum": 0}},
}
_REQUEST_ID = {"X-Request-ID": {"$ref": "#/components/headers/RequestId"}}
RETRY_AFTER = {"Retry-After": {"$ref": "#/components/headers/RetryAfter"}}


def openapi_document(contract: Contract, operational: APIRouter, *, key_required: bool) -> dict[str, Any]:
    """The OpenAPI document of a contract."""
    app = FastAPI(
        title=TITLE,
        version=contract.name,
        description=DESCRIPTION.format(name=contract.name, default=DEFAULT_CONTRACT),
        license_info={"name": "MIT", "identifier": "MIT"},
        openapi_tags=[
            *({"name": tag, "description": description} for tag, description in contract.resources.items()),
            {"name": "operations", "description": "How the service is. They need no key."},
        ],
    )
    unique = {constraint.field for constraint in contract.constraints.values() if constraint.kind == "unique"}
    extra: dict[str, Any] = {"parameters": [{"$ref": f"#/components/parameters/{name}"} for name in ("Contract", "RequestId")]}
    if not key_required:
        extra["security"] = [{}]
    for operation in contract.operations:
        app.add_api_route(
            f"/api/v1{operation.path}",
            _signature_of(operation),
            methods=[operation.method],
            status_code=operation.status,
            response_model=operation.answer,
            operation_id=operation.name,
            summary=operation.summary,
            description=operation.description,
            tags=[operation.resource],
            dependencies=[Security(SERVICE_KEY)],
            responses=_responses(operation, unique),
            openapi_extra=extra,
        )
    app.include_router(operational)
    found = app.openapi()
    found |= {part: _tidy(found[part]) for part in ("paths", "components")}
    errors: dict[str, Any] = {}
    found["components"] |= {"headers": _HEADERS, "parameters": _parameters(contract.name), "responses": errors}
    for operation in contract.operations:
        described = found["paths"][f"/api/v1{operation.path}"][operation.method.lower()]
        _add_examples(operation, described)
        for status in _statuses(operation, unique):
            errors.setdefault(_NAMES[status], described["responses"][str(status)])
            described["responses"][str(status)] = {"$ref": f"#/components/responses/{_NAMES[status]}"}
    return found


def _responses(operation: Operation, unique: set[str]) -> dict[int | str, dict[str, Any]]:
    responses: dict[int | str, dict[str, Any]] = {status: _error(status) for status in _statuses(operation, unique)}
    responses[operation.status] = {"description": operation.response, "headers": _REQUEST_ID}
    return responses


def _statuses(operation: Operation, unique: set[str]) -> list[int]:
    """Of the errors that the operation can answer; `unique` are the fields whose values can be taken."""
    found = {400, 403, 422, 500, 503, 504}
    if operation.key_name and operation.method != "PUT":
        found.add(404)
    if operation.body:
        found |= {413, 409} if unique & operation.body.model_fields.keys() else {413}
    return sorted(found)


def _error(status: int) -> dict[str, Any]:
    description, detail = _ERRORS[status]
    example: dict[str, Any] = {"detail": detail}
    if status in _WITH_PROBLEMS:
        example["errors"] = [{"field": _WITH_PROBLEMS[status], "message": detail.rpartition(": ")[2]}]
    return {
        "model": InvalidAnswer if status in _WITH_PROBLEMS else ErrorAnswer,
        "description": description,
        "headers": _REQUEST_ID | (RETRY_AFTER if status == 503 else {}),
        "content": {"application/json": {"example": example}},
    }


def _signature_of(operation: Operation) -> Any:
    """A function whose signature says what the operation takes, for FastAPI to read."""
    parameters: dict[str, Any] = {}
    if operation.key_name:
        parameters[operation.key_name] = Annotated[UUID, Path(description=f"Id of the {operation.key_name.removesuffix('_id')}.")]
    if operation.query:
        parameters["query"] = Annotated[operation.query, Query()]
    if operation.body:
        parameters["body"] = operation.body

    def endpoint() -> None: ...

    endpoint.__name__ = operation.name
    endpoint.__signature__ = inspect.Signature(  # type: ignore[attr-defined]
        [inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, annotation=kind) for name, kind in parameters.items()]
    )
    return endpoint


def _parameters(contract: str) -> dict[str, Any]:
    """The headers that every operation takes."""
    choice = {
        "name": "X-Flux-Contract",
        "in": "header",
        "description": "Chooses the contract of this request over the one that the key is pinned to.",
        "schema": {"type": "string", "enum": [contract], "default": contract},
    }
    request_id = {
        "name": "X-Request-ID",
        "in": "header",
        "description": "An id of the caller's own for this request, up to 128 printable ASCII characters; any other is replaced.",
        "schema": {"type": "string"},
    }
    return {"Contract": choice, "RequestId": request_id}


def _add_examples(operation: Operation, described: dict[str, Any]) -> None:
    # After FastAPI, which would drop the null of a column that is empty.
    for parameter in described["parameters"]:
        if parameter.get("required"):
            parameter["example"] = parameter_example(parameter["name"])
        schema = parameter.get("schema", {})
        # A query has no way to say null.
        schema |= next((option for option in schema.pop("anyOf", ()) if option != {"type": "null"}), {})
    if operation.body:
        described["requestBody"]["content"]["application/json"]["example"] = example_of(operation.body)
    if operation.answer is not None:
        described["responses"][str(operation.status)]["content"]["application/json"]["example"] = example_of(operation.answer)


def _tidy(node: Any) -> Any:
    """The document without what Pydantic leaves in it that is not JSON Schema or says nothing, and with whole numbers as such."""
    if isinstance(node, dict):
        left_over = {"ge", "le"} if node.get("format") == "date-time" else set()
        if isinstance(node.get("title"), str) and "properties" not in node:
            left_over.add("title")  # the field's name in other letters
        return {name: _tidy(value) for name, value in node.items() if name not in left_over}
    if isinstance(node, list):
        return [_tidy(value) for value in node]
    if isinstance(node, float) and node.is_integer():
        return min(int(node), _LARGEST_INTEGER)
    return node
