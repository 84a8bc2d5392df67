"""The REST door: `uvicorn dao_service.main:app`."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial

from fastapi import FastAPI
from starlette.types import ASGIApp, Receive, Scope, Send

from dao_service.access_log import AccessLog, configure_logging
from dao_service.callers import Callers
from dao_service.contracts import CONTRACTS
from dao_service.documentation import openapi_document
from dao_service.door import PREFIX, Door, Routes
from dao_service.gateway import Gateway
from dao_service.gateways import open_gateway
from dao_service.operational import operational_endpoints
from dao_service.pages import add_pages
from dao_service.settings import Settings, load_settings


class Service(FastAPI):
    """FastAPI for the documents and the operational endpoints; what is under `/api/v1/` goes straight to the door."""

    door: ASGIApp

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["path"].startswith(PREFIX):
            await self.door(scope, receive, send)
        else:
            await super().__call__(scope, receive, send)


def create_app(settings: Settings, gateway: Gateway | None = None) -> FastAPI:
    """The service. It opens its connections with the first request, and closes them at shutdown."""
    configure_logging(settings.log_level, settings.log_format)
    to_database = gateway or open_gateway(settings)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        yield
        await to_database.close()

    app = Service(openapi_url=None, lifespan=lifespan)
    app.door = Door(
        {name: Routes(contract.operations) for name, contract in CONTRACTS.items()},
        to_database,
        Callers(settings),
        AccessLog(),
        max_body_bytes=settings.max_body_bytes,
    )
    operational = operational_endpoints(to_database)
    app.include_router(operational)
    documents = {
        name: partial(openapi_document, contract, operational, key_required=settings.require_service_key)
        for name, contract in CONTRACTS.items()
    }
    add_pages(app, documents)
    return app


app = create_app(load_settings())
