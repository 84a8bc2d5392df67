"""What someone who runs the service asks it: whether it lives, whether it is ready, how it does. Needs no service key."""

import asyncio
import re
from typing import Any, Literal

import orjson
from fastapi import APIRouter
from fastapi.responses import JSONResponse, PlainTextResponse, Response
from pydantic import BaseModel

from dao_service.contracts import BACKLOG, READINESS
from dao_service.draining import Draining
from dao_service.errors import DataServiceError, InternalError, UnavailableError
from dao_service.gateway.protocol import Gateway, Payload
from dao_service.observing.metrics import CONTENT_TYPE, Metrics
from dao_service.openapi.responses import RETRY_AFTER

_READ = ["GET", "HEAD"]
# The answer is to be out within 2 seconds.
_ANSWER_WITHIN_SECONDS = 1.5
# Of a gateway before PostgREST, of PostgREST (a JWT that is wrong or too old), of Postgres (no such login).
_KEY_REFUSED = re.compile(r"HTTP 40[13]|PGRST30[0-3]|28...")
_WITHOUT_THE_RIGHT = "42501"


class Alive(BaseModel):
    """The process lives."""

    status: Literal["ok"] = "ok"


class Ready(BaseModel):
    """Requests can be served."""

    status: Literal["ready"] = "ready"


class NotReady(BaseModel):
    """Requests can't be served now."""

    status: Literal["not_ready"] = "not_ready"
    detail: str


def operational_endpoints(gateway: Gateway, metrics: Metrics, draining: Draining) -> APIRouter:
    """`/health`, `/ready` and `/metrics`. `gateway` has a connection that requests don't take."""
    router = APIRouter(tags=["operations"])

    @router.api_route("/health/", methods=_READ, include_in_schema=False)
    @router.head("/health", include_in_schema=False)
    @router.get("/health", operation_id="health", summary="Whether the process lives", response_description="It does.")
    async def health() -> Alive:
        """Answers without asking the database."""
        return Alive()

    @router.api_route("/ready/", methods=_READ, include_in_schema=False, response_model=Ready)
    @router.head("/ready", include_in_schema=False, response_model=Ready)
    @router.get(
        "/ready",
        operation_id="ready",
        summary="Whether the database answers",
        response_description="It does.",
        response_model=Ready,
        responses={503: {"model": NotReady, "description": "It does not, or not in time.", "headers": RETRY_AFTER}},
    )
    async def ready() -> Any:
        """Asks the database through the same path that requests take, within 2 seconds. Says no before the service stops."""
        if draining.begun:
            return _not_ready("The service is about to stop.")
        try:
            async with asyncio.timeout(_ANSWER_WITHIN_SECONDS):
                await check_access(gateway)
        except (DataServiceError, TimeoutError) as error:
            return _not_ready(_why_not(error))
        return Ready()

    @router.api_route("/metrics/", methods=_READ, include_in_schema=False)
    @router.head("/metrics", include_in_schema=False)
    @router.get(
        "/metrics",
        operation_id="metrics",
        summary="Counts and times for Prometheus",
        response_class=PlainTextResponse,
        response_description="In Prometheus's text format.",
    )
    async def read_metrics() -> Response:
        """Requests by route, method, status and contract, and calls to the database; of all workers together.

        If the database answers: the open deliveries, and how long the oldest due one has waited.
        """
        return Response(metrics.text(await _backlog(gateway)), media_type=CONTENT_TYPE)

    return router


async def check_access(gateway: Gateway) -> None:
    """Raise unless the database answers and requests act as service_role, with a limit of time."""
    await gateway.call(READINESS, Payload((), b"{}"))


async def _backlog(gateway: Gateway) -> tuple[float, float] | None:
    """Open deliveries, and seconds that the oldest due one has waited. None if the database does not answer in time."""
    try:
        async with asyncio.timeout(_ANSWER_WITHIN_SECONDS):
            backlog = orjson.loads(await gateway.call(BACKLOG, Payload((), b"{}", "dispatches")))
    except (DataServiceError, TimeoutError):
        return None
    return backlog["open_count"], backlog["oldest_due_seconds"]


def _not_ready(detail: str) -> JSONResponse:
    headers = {name.decode(): value.decode() for name, value in UnavailableError.headers}
    return JSONResponse(NotReady(detail=detail).model_dump(), status_code=503, headers=headers)


def _why_not(error: DataServiceError | TimeoutError) -> str:
    """For whoever runs the service, whom the words of an `InternalError` would send to a log."""
    if isinstance(error, InternalError):
        if error.cause_code == _WITHOUT_THE_RIGHT:
            return "The service's key or login does not act as service_role with a limit of time."
        if _KEY_REFUSED.fullmatch(error.cause_code):
            return "The database refuses the service's key or password."
        return f"The database answers with {error.cause_code}."
    return error.detail if isinstance(error, DataServiceError) else "The database did not answer in time."
