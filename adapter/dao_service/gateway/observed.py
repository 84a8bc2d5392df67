"""A gateway that is watched: each call is counted, timed and, if traces are on, a span.

One stands around the sharing gateway and sees the callers' calls, another inside and sees the database's. The difference between
them is how much is shared.
"""

import re
from collections.abc import Coroutine
from functools import cache
from time import perf_counter
from typing import Any, TypeVar

from dao_service.bindings import AnyFunction, AnyRelation
from dao_service.gateway.protocol import Gateway, Payload
from dao_service.observing.metrics import Calls, Metrics
from dao_service.observing.traces import Traces

Answer = TypeVar("Answer")


class ObservedGateway:
    """Passes every call on, and records what came of it."""

    def __init__(self, gateway: Gateway, calls: Calls, metrics: Metrics, traces: Traces) -> None:
        self._gateway = gateway
        self._calls = calls
        self._metrics = metrics
        self._traces = traces

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

    async def _observe(self, operation: str, target: AnyRelation | AnyFunction, call: Coroutine[Any, Any, Answer]) -> Answer:
        if self._traces.tracer is not None:
            call = self._within_span(operation, target, call)
        in_progress, outcome = self._metrics.in_progress, "ok"
        in_progress[self._calls] += 1
        started = perf_counter()
        try:
            return await call
        except BaseException as error:
            outcome = _outcome(error)
            raise
        finally:
            in_progress[self._calls] -= 1
            self._metrics.count_call(self._calls, operation, outcome, perf_counter() - started)

    async def _within_span(self, operation: str, target: AnyRelation | AnyFunction, call: Coroutine[Any, Any, Answer]) -> Answer:
        with self._traces.call(self._calls, operation, target) as span:
            try:
                return await call
            except Exception as error:
                span.set_attribute("error.type", _outcome(error))
                raise


def _outcome(error: BaseException) -> str:
    return _word(type(error).__name__) if isinstance(error, Exception) else "cancelled"


@cache
def _word(name: str) -> str:
    """`TimeLimitError` as `time_limit`."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name.removesuffix("Error")).lower()
