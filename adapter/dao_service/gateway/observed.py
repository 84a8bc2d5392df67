"""A gateway that is watched: each call is counted, timed and, if traces are on, a span.

One stands around the gathering gateway and sees the callers' calls, another inside and sees the database's. The difference between
them is how much is shared.
"""

import re
import time
from collections.abc import Awaitable, Coroutine
from functools import cache
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

    async def _observe(self, operation: str, target: AnyRelation | AnyFunction, call: Awaitable[Answer]) -> Answer:
        outcome = "cancelled"
        started = time.perf_counter()
        self._metrics.in_progress[self._calls] += 1
        with self._traces.call(self._calls, operation, target) as span:
            try:
                answer = await call
                outcome = "ok"
            except Exception as error:
                outcome = _word(type(error).__name__)
                span.set_attribute("error.type", outcome)
                raise
            finally:
                self._metrics.in_progress[self._calls] -= 1
                self._metrics.count_call(self._calls, operation, outcome, time.perf_counter() - started)
        return answer


@cache
def _word(name: str) -> str:
    """`TimeLimitError` as `time_limit`."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name.removesuffix("Error")).lower()
