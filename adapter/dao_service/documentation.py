"""The OpenAPI document of a contract, made by FastAPI from the same operations that the door serves."""

import inspect
from typing import Annotated, Any
from uuid import UUID

from fastapi import FastAPI, Path, Query, Security
from fastapi.routing import APIRoute
from fastapi.security import APIKeyHeader
from pydantic import BaseModel, Field
from starlette.types import ASGIApp, Receive, Scope, Send

from dao_service.operations import Operation

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


_EVERYWHERE = {
    400: "Parameters exclude each other, or X-Flux-Contract names no contract.",
    403: "The service key is unknown, or missing where one is required.",
    422: "A field or parameter fails validation, or names a row that does not exist or belongs to another user.",
    500: "A defect; the service's log has the request id.",
    503: "The database is unreachable or saturated; Retry-After says when to try again.",
    504: "The statement ran into its time limit.",
}
_WITH_BODY = {400: "The body is not JSON.", 413: "The body is over the limit."}


def document(app: FastAPI, operations: tuple[Operation, ...], door: ASGIApp) -> None:
    """Add a contract's operations to an app: they are in its OpenAPI document, and lead to the door."""

    class OperationRoute(APIRoute):
        async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
            await door(scope, receive, send)

    for operation in operations:
        errors = _EVERYWHERE | (_WITH_BODY if operation.body else {}) | dict(operation.errors)
        app.router.add_api_route(
            f"/api/v1{operation.path}",
            _signature_of(operation),
            methods=[operation.method],
            status_code=operation.status,
            response_model=operation.answer,
            operation_id=operation.name,
            summary=operation.summary,
            tags=[operation.resource],
            dependencies=[Security(SERVICE_KEY)],
            responses={
                status: {"model": InvalidAnswer if status in (409, 422) else ErrorAnswer, "description": errors[status]}
                for status in sorted(errors)
            },
            route_class_override=OperationRoute,
        )


def _signature_of(operation: Operation) -> Any:
    """A function whose signature says what the operation takes, for FastAPI to read."""
    parameters: dict[str, Any] = {}
    if operation.key_name:
        parameters[operation.key_name] = Annotated[UUID, Path(description="The row's id.")]
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
