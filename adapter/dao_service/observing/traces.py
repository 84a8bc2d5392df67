"""Spans for OpenTelemetry: one per request, one per call of its, one per call to the database.

Off unless the standard OTEL_* variables name a collector or the process has set a tracer provider.
"""

import os
from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext

from fastapi.telemetry import TelemetryConfig
from opentelemetry import propagate, trace
from opentelemetry.context import Context
from opentelemetry.trace import INVALID_SPAN, Span, SpanKind, StatusCode, Tracer
from starlette.types import Scope

from dao_service.bindings import AnyFunction, AnyRelation
from dao_service.observing.metrics import Calls

_ENDPOINTS = ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")
_SERVICE_NAME = "flux-dao-service"
_PROBES = ("/health", "/ready", "/metrics")
_METHODS = frozenset(("CONNECT", "DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT", "QUERY", "TRACE"))
_NO_SPAN = nullcontext(INVALID_SPAN)


def exporter_settings() -> TelemetryConfig:
    """What makes FastAPI set the exporter up by the OTEL_* variables when the service starts, and make no span of its own."""
    if any(os.environ.get(name) for name in _ENDPOINTS) and "service.name" not in os.environ.get("OTEL_RESOURCE_ATTRIBUTES", ""):
        os.environ.setdefault("OTEL_SERVICE_NAME", _SERVICE_NAME)
    return {"auto_configure": True, "metrics": False, "logs": False, "operation_spans": False, "exclude": lambda _: True}


class Traces:
    """Makes the spans. Until `start`, and if nobody takes them, it makes none."""

    tracer: Tracer | None = None
    """What makes the spans, if any are made."""

    def start(self) -> None:
        """Look whether anyone takes spans. Only known once the service has started."""
        if not isinstance(trace.get_tracer_provider(), trace.ProxyTracerProvider):
            self.tracer = trace.get_tracer("dao_service")

    def request(self, scope: Scope) -> AbstractContextManager[Span]:
        """The span of a request, within the trace that its headers name. Probes have none."""
        # The end of the path, because a root path may precede it.
        if self.tracer is None or scope["path"].rstrip("/").endswith(_PROBES):
            return _NO_SPAN
        carrier: dict[str, list[str]] = {}
        for name, value in scope["headers"]:
            carrier.setdefault(name.decode("latin-1"), []).append(value.decode("latin-1"))
        method = scope["method"] if scope["method"] in _METHODS else "_OTHER"
        attributes = {
            "http.request.method": method,
            "network.protocol.version": scope["http_version"],
            "url.path": scope["path"],
            "url.scheme": scope.get("scheme", "http"),
        }
        if scope["query_string"]:
            attributes["url.query"] = "REDACTED"  # it holds callers' data
        name = "HTTP" if method == "_OTHER" else method
        return _span(self.tracer, name, SpanKind.SERVER, attributes, propagate.extract(carrier))

    def describe(self, span: Span, method: str, contract: str, route: str, status: int) -> None:
        """Add to a request's span what is known once it has been answered."""
        if not span.is_recording():
            return
        span.set_attribute("http.response.status_code", status)
        if contract:
            span.set_attribute("flux.contract", contract)
            route = route and f"/api/v1{route}"
        if route:
            span.update_name(f"{method} {route}")
            span.set_attribute("http.route", route)
        if status >= 500:
            span.set_attribute("error.type", str(status))
            span.set_status(StatusCode.ERROR)

    def call(self, calls: Calls, operation: str, target: AnyRelation | AnyFunction) -> AbstractContextManager[Span]:
        """The span of a call within the trace of its request. Outside of one, as for a probe, there is none."""
        if self.tracer is None or trace.get_current_span() is INVALID_SPAN:
            return _NO_SPAN
        place = f"{target.schema}.{target.name}"
        attributes = {"db.system.name": "postgresql", "db.operation.name": operation, "db.collection.name": place}
        kind = SpanKind.CLIENT if calls == "database" else SpanKind.INTERNAL
        return _span(self.tracer, f"{operation} {place}", kind, attributes)


def _span(
    tracer: Tracer, name: str, kind: SpanKind, attributes: Mapping[str, str], context: Context | None = None
) -> AbstractContextManager[Span]:
    # Exceptions are not recorded: their messages may hold a caller's data.
    return tracer.start_as_current_span(name, context, kind, attributes, record_exception=False, set_status_on_exception=False)
