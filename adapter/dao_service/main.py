"""The REST door: `uvicorn dao_service.main:app`."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.docs import get_swagger_ui_html
from fastapi.responses import HTMLResponse, JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from dao_service.access_log import AccessLog, configure_logging
from dao_service.callers import DEFAULT_CONTRACT, Callers
from dao_service.contracts import CONTRACTS, READINESS
from dao_service.documentation import document
from dao_service.door import PREFIX, Door, Routes
from dao_service.errors import DataServiceError, NotFoundError, UnavailableError
from dao_service.gateway import Gateway
from dao_service.gateways import open_gateway
from dao_service.operations import Operation
from dao_service.settings import Settings, load_settings

TITLE = "Flux data service"
DESCRIPTION = "Where Flux's agents keep what they know."
_NO_ROW = "00000000-0000-0000-0000-000000000000"
_READY_WITHIN_SECONDS = 2.0


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

    app = Service(title=TITLE, version=DEFAULT_CONTRACT, description=DESCRIPTION, lifespan=lifespan)
    app.door = Door(
        {name: Routes(contract.operations) for name, contract in CONTRACTS.items()},
        to_database,
        Callers(settings),
        AccessLog(),
        max_body_bytes=settings.max_body_bytes,
    )
    document(app, CONTRACTS[DEFAULT_CONTRACT].operations, app.door)
    _add_operational_endpoints(app, to_database)
    for name, contract in CONTRACTS.items():
        if name != DEFAULT_CONTRACT:
            _add_documents(app, name, contract.operations)
    return app


def _add_documents(app: Service, name: str, operations: tuple[Operation, ...]) -> None:
    """The OpenAPI document of a contract beside the default one, and its page."""
    described = FastAPI(title=TITLE, version=name, description=DESCRIPTION)
    document(described, operations, app.door)

    @app.get(f"/openapi-{name}.json", include_in_schema=False)
    async def openapi() -> dict[str, Any]:
        return described.openapi()

    @app.get(f"/docs/{name}", include_in_schema=False)
    async def docs() -> HTMLResponse:
        return get_swagger_ui_html(openapi_url=f"/openapi-{name}.json", title=f"{TITLE} {name}")


def _add_operational_endpoints(app: FastAPI, gateway: Gateway) -> None:
    @app.get("/health", tags=["operations"], operation_id="health")
    async def health() -> dict[str, str]:
        """Whether the process lives."""
        return {"status": "ok"}

    @app.get("/ready", tags=["operations"], operation_id="ready", response_model=dict[str, str])
    async def ready() -> Any:
        """Whether the database answers, through the same path that requests take, within 2 seconds."""
        try:
            async with asyncio.timeout(_READY_WITHIN_SECONDS):
                await gateway.select(READINESS, _NO_ROW)
        except NotFoundError:
            pass
        except (DataServiceError, TimeoutError) as error:
            detail = error.detail if isinstance(error, DataServiceError) else "The database did not answer in time."
            return JSONResponse({"status": "not_ready", "detail": detail}, status_code=503, headers=dict(_retry_after()))
        return {"status": "ready"}


def _retry_after() -> list[tuple[str, str]]:
    return [(name.decode(), value.decode()) for name, value in UnavailableError.headers]


app = create_app(load_settings())
