"""Traces by FastAPI's own OpenTelemetry, off unless the standard OTEL_* variables name a collector or a provider is set up.

Requests reach the door past FastAPI, which would cost more than all the rest. Where they are traced they go through FastAPI, which
makes the span, and leave it here, before its router.
"""

import os
from typing import Any

from fastapi.telemetry import TelemetryConfig
from opentelemetry import trace
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from dao_service.rest.asgi import ROUTE
from dao_service.rest.routes import PREFIX, path_of

_ENDPOINTS = ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")
_SERVICE_NAME = "flux-dao-service"
_UNTRACED = frozenset(("/health", "/ready", "/metrics"))


def telemetry() -> TelemetryConfig:
    """What FastAPI is told. It connects to the collector when the service starts."""
    if any(os.environ.get(name) for name in _ENDPOINTS) and "service.name" not in os.environ.get("OTEL_RESOURCE_ATTRIBUTES", ""):
        os.environ.setdefault("OTEL_SERVICE_NAME", _SERVICE_NAME)
    # Requests are counted for Prometheus, and exceptions are logged without a caller's data.
    return {"auto_configure": True, "metrics": False, "logs": False, "operation_spans": False, "exclude": _is_untraced}


def is_on() -> bool:
    """Whether anyone takes spans. Known once the service has started."""
    return not isinstance(trace.get_tracer_provider(), trace.ProxyTracerProvider)


class TracedDoor:
    """A middleware that leads to the door, and names the request's span as the door's log does."""

    def __init__(self, app: ASGIApp, door: ASGIApp) -> None:
        self._app = app
        self._door = door

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or not path_of(scope).startswith(PREFIX):
            await self._app(scope, receive, send)
            return

        async def name_and_send(message: Message) -> None:
            if message["type"] == "http.response.start":
                _describe(trace.get_current_span(), scope)
            await send(message)

        await self._door(scope, receive, name_and_send)


def _describe(span: trace.Span, scope: Scope) -> None:
    contract, template = scope[ROUTE]
    if template:
        route = f"{PREFIX.rstrip('/')}{template}"
        span.update_name(f"{scope['method']} {route}")
        span.set_attribute("http.route", route)
    if contract:
        span.set_attribute("flux.contract", contract)
    if scope["query_string"]:
        span.set_attribute("url.query", "REDACTED")  # it holds callers' data


def _is_untraced(scope: Any) -> bool:
    return scope["type"] == "http" and path_of(scope).rstrip("/") in _UNTRACED
