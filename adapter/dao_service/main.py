"""The REST door: `uvicorn dao_service.main:app`, or `python -m dao_service`."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from functools import partial

from fastapi import FastAPI
from opentelemetry import trace
from starlette.types import ASGIApp, Receive, Scope, Send

from dao_service.contracts import CONTRACTS, GATHERED
from dao_service.gateway.gathering import GatheringGateway
from dao_service.gateway.observed import ObservedGateway
from dao_service.gateway.opening import open_gateway
from dao_service.gateway.protocol import Gateway
from dao_service.health import operational_endpoints
from dao_service.observing import traces as tracing
from dao_service.observing.log import Logged, configure_logging
from dao_service.observing.metrics import Metrics
from dao_service.openapi.docs_pages import add_pages
from dao_service.openapi.document import openapi_document
from dao_service.refusals import REFUSALS
from dao_service.rest.asgi import Door
from dao_service.rest.callers import Callers
from dao_service.rest.routes import PREFIX, Routes, path_of
from dao_service.settings import Settings, load_settings


class Service(FastAPI):
    """FastAPI for the documents and the operational endpoints; what is under `/api/v1/` goes straight to the door."""

    door: ASGIApp
    traced: bool = False
    """Whether it takes the way through FastAPI, which traces requests."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and not self.traced and path_of(scope).startswith(PREFIX):
            await self.door(scope, receive, send)
        else:
            await super().__call__(scope, receive, send)


def create_app(settings: Settings, gateway: Gateway | None = None, metrics: Metrics | None = None) -> FastAPI:
    """The service. It opens its connections with the first request, and closes them at shutdown."""
    log = configure_logging(settings.log_level, settings.log_format)
    metrics = metrics or Metrics()
    to_database = ObservedGateway(GatheringGateway(gateway or open_gateway(settings), GATHERED), metrics)
    metrics.watch(to_database.calls_in_progress, settings.gateway_connections)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        if tracing.is_on():
            service.traced = True
            to_database.tracer = trace.get_tracer("dao_service")
        sharing = asyncio.create_task(metrics.share())
        async with AsyncExitStack() as at_the_end:
            at_the_end.push_async_callback(to_database.close)
            at_the_end.callback(metrics.close)
            at_the_end.push_async_callback(_end, sharing)
            yield

    service = Service(openapi_url=None, lifespan=lifespan, telemetry=tracing.telemetry(), exception_handlers=dict(REFUSALS))
    service.door = Door(
        {name: Routes(contract.operations) for name, contract in CONTRACTS.items()},
        to_database,
        Callers(settings),
        log,
        metrics,
        max_body_bytes=settings.max_body_bytes,
    )
    service.add_middleware(Logged, log=log)
    service.add_middleware(tracing.TracedDoor, door=service.door)
    operational = operational_endpoints(to_database, metrics)
    service.include_router(operational)
    documents = {
        name: partial(openapi_document, contract, operational, key_required=settings.require_service_key)
        for name, contract in CONTRACTS.items()
    }
    add_pages(service, documents)
    return service


async def _end(task: asyncio.Task[None]) -> None:
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task


app = create_app(load_settings())
