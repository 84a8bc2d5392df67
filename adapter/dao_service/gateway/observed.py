"""A gateway that is watched: each call is counted, timed and, where traces are on, a span."""

import re
import time
from collections.abc import Awaitable, Coroutine
from functools import cache
from typing import Any, TypeVar

from opentelemetry.trace import SpanKind, Tracer

from dao_service.bindings import AnyFunction, AnyRelation
from dao_service.errors import DataServiceError
from dao_service.gateway.protocol import Gateway, Payload
from dao_service.observing.metrics import Metrics

Answer = TypeVar("Answer")


class ObservedGateway:
    """Passes every call on, and sees what comes of it."""

    tracer: Tracer | None = None
    """Makes the spans, where there are to be any."""

    def __init__(self, gateway: Gateway, metrics: Metrics) -> None:
        self._gateway = gateway
        self._metrics = metrics
        self._in_progress = 0

    def calls_in_progress(self) -> int:
        """How many calls are under way."""
        return self._in_progress

    def select(self, relation: AnyRelation, key: str) -> Coroutine[Any, Any, bytes]:
        return self._observe("select", relation, self._gateway.select(relation, key))

    def insert(self, relation: AnyRelation, row: Payload) -> Coroutine[Any, Any, bytes]:
        return self._observe("insert", relation, self._gateway.insert(relation, row))

    def update(self, relation: AnyRelation, key: str, changes: Payload) -> Coroutine[Any, Any, bytes]:
        return self._observe("update", relation, self._gateway.update(relation, key, changes))

    def delete(self, relation: AnyRelation, key: str) -> Coroutine[Any, Any, None]:
        return self._observe("delete", relation, self._gateway.delete(relation, key))

    def call(self, function: AnyFunction, arguments: Payload) -> Coroutine[Any, Any, bytes]:
        return self._observe("call", function, self._gateway.call(function, arguments))

    async def close(self) -> None:
        await self._gateway.close()

    async def _observe(self, operation: str, target: AnyRelation | AnyFunction, call: Awaitable[Answer]) -> Answer:
        outcome = "cancelled"
        started = time.perf_counter()
        self._in_progress += 1
        try:
            if self.tracer is None:
                answer = await call
            else:
                answer = await self._trace(self.tracer, operation, target, call)
            outcome = "ok"
        except DataServiceError as error:
            outcome = _word(type(error).__name__)
            raise
        finally:
            self._in_progress -= 1
            self._metrics.count_call(operation, outcome, time.perf_counter() - started)
        return answer

    @staticmethod
    async def _trace(tracer: Tracer, operation: str, target: AnyRelation | AnyFunction, call: Awaitable[Answer]) -> Answer:
        place = f"{target.schema}.{target.name}"
        attributes = {"db.system.name": "postgresql", "db.operation.name": operation, "db.collection.name": place}
        with tracer.start_as_current_span(
            f"{operation} {place}",
            kind=SpanKind.CLIENT,
            attributes=attributes,
            record_exception=False,
            set_status_on_exception=False,
        ) as span:
            try:
                return await call
            except DataServiceError as error:
                span.set_attribute("error.type", _word(type(error).__name__))
                raise


@cache
def _word(name: str) -> str:
    """`TimeLimitError` as `time_limit`."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name.removesuffix("Error")).lower()
