"""The REST service: `uvicorn dao_service.main:app`, or `python -m dao_service`.

Requests under `/api/v1` go to the bare ASGI application in `rest/asgi.py`, all others to FastAPI. One middleware observes both.
"""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from functools import partial

from fastapi import FastAPI
from starlette.types import Receive, Scope, Send

from dao_service.contracts import CONTRACTS, SHARED, WAL_POSITION
from dao_service.draining import Draining
from dao_service.errors import DataServiceError, WrongRoleError
from dao_service.gateway.long_answers import LongAnswers
from dao_service.gateway.observed import ObservedGateway
from dao_service.gateway.opening import open_gateway, open_standbys
from dao_service.gateway.protocol import Gateway
from dao_service.gateway.shared_calls import SharingGateway
from dao_service.gateway.standbys import Standbys
from dao_service.health import check_access, operational_endpoints
from dao_service.observing.log import configure_logging
from dao_service.observing.metrics import Metrics
from dao_service.observing.middleware import ObservingMiddleware
from dao_service.observing.traces import Traces, exporter_settings
from dao_service.openapi.docs_pages import add_pages
from dao_service.openapi.document import openapi_document
from dao_service.rest.asgi import RestApi
from dao_service.rest.callers import Callers
from dao_service.rest.path_matching import PREFIX, Routes, path_of
from dao_service.settings import Settings, load_settings

_ROLE_WITHIN_SECONDS = 2


def create_app(settings: Settings, gateway: Gateway | None = None, metrics: Metrics | None = None) -> ObservingMiddleware:
    """The service. It opens its connections with the first request and closes them at shutdown."""
    metrics = metrics or Metrics()
    log = configure_logging(settings.log_level, settings.log_format, metrics.count_dropped_lines)
    if settings.require_service_key and not settings.service_api_keys:
        logging.getLogger("dao_service").warning(
            "No caller can get in: a service key is required and there is none. Set SERVICE_API_KEYS, or REQUIRE_SERVICE_KEY=false."
        )
    traces = Traces()
    metrics.connections = settings.gateway_connections

    long_answers = LongAnswers()

    def watched(gateway: Gateway) -> Gateway:
        database = ObservedGateway(gateway, "database", metrics, traces)
        return ObservedGateway(SharingGateway(database, SHARED, long_answers), "gateway", metrics, traces)

    shared = watched(gateway or open_gateway(settings, max(1, settings.gateway_connections - 1)))
    # Requests that wait in the database can hold every other connection.
    for_readiness = watched(open_gateway(settings, 1))
    opened = [watched(standby) for standby in open_standbys(settings)]
    limit = settings.gateway_timeout_seconds
    standbys = Standbys(shared, opened, WAL_POSITION, timeout_seconds=limit, count_read=metrics.count_read) if opened else None
    draining = Draining(settings.drain_seconds)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        traces.start()
        sharing = asyncio.create_task(metrics.share())
        async with AsyncExitStack() as at_the_end:
            at_the_end.push_async_callback(shared.close)
            at_the_end.push_async_callback(for_readiness.close)
            if standbys is not None:
                at_the_end.push_async_callback(standbys.close)
            at_the_end.callback(metrics.close)
            at_the_end.push_async_callback(_end, sharing)
            at_the_end.enter_context(draining.on_sigterm())
            if settings.database_url is not None:
                await _refuse_wrong_role(for_readiness)
            yield

    operational = operational_endpoints(for_readiness, metrics, draining)
    service = FastAPI(openapi_url=None, lifespan=lifespan, telemetry=exporter_settings())
    service.include_router(operational)
    documents = {
        name: partial(openapi_document, contract, operational, key_required=settings.require_service_key)
        for name, contract in CONTRACTS.items()
    }
    add_pages(service, documents)
    routes = {name: Routes(contract.operations) for name, contract in CONTRACTS.items()}
    api = RestApi(
        routes, shared, SHARED, Callers(settings), long_answers, max_body_bytes=settings.max_body_bytes, standbys=standbys
    )

    async def either(scope: Scope, receive: Receive, send: Send) -> None:
        of_the_api = scope["type"] == "http" and path_of(scope).startswith(PREFIX)
        await (api if of_the_api else service)(scope, receive, send)

    return ObservingMiddleware(either, log, metrics, traces, draining)


async def _refuse_wrong_role(gateway: Gateway) -> None:
    """End the start if statements would run as another role or without limits. A database that does not answer yet is no reason."""
    try:
        async with asyncio.timeout(_ROLE_WITHIN_SECONDS):
            await check_access(gateway)
    except WrongRoleError as error:
        logging.getLogger("dao_service").critical(error.detail)
        raise
    except (DataServiceError, TimeoutError):
        pass


async def _end(task: asyncio.Task[None]) -> None:
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task


app = create_app(load_settings())
