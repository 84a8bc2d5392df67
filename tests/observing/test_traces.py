"""Traces, off by default and on if the standard variables name a collector, and the two forms of the log."""

import asyncio
import json
import re
from collections import Counter
from collections.abc import AsyncIterator
from typing import Any
from uuid import uuid4

import httpx
import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from local_stack import LocalStack
from local_stack.processes import wait_until
from tests.conftest import make_user_data

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"


class Collector:
    """Receives spans over OTLP, as an OpenTelemetry collector does."""

    def __init__(self) -> None:
        self.spans: list[Span] = []
        self.services: set[str] = set()
        self.port = 0
        self._more = asyncio.Event()

    async def take(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one connection."""
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                length = re.search(rb"content-length: (\d+)", head.lower())
                self._read(await reader.readexactly(int(length[1]) if length else 0))
                writer.write(b"HTTP/1.1 200 OK\r\ncontent-type: application/x-protobuf\r\ncontent-length: 0\r\n\r\n")
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    def _read(self, body: bytes) -> None:
        for resource in ExportTraceServiceRequest.FromString(body).resource_spans:
            self.services |= {each.value.string_value for each in resource.resource.attributes if each.key == "service.name"}
            for scope in resource.scope_spans:
                self.spans.extend(scope.spans)
        self._more.set()

    async def spans_of(self, trace: str, number: int) -> list[Span]:
        """The spans of a trace, once this many have arrived."""
        async with asyncio.timeout(30):
            while len(found := [span for span in self.spans if span.trace_id.hex() == trace]) < number:
                self._more.clear()
                await self._more.wait()
        return found


@pytest.fixture
async def collector() -> AsyncIterator[Collector]:
    collecting = Collector()
    server = await asyncio.start_server(collecting.take, "127.0.0.1", 0)
    collecting.port = server.sockets[0].getsockname()[1]
    yield collecting
    server.close()


def _attributes(span: Span) -> dict[str, Any]:
    return {each.key: each.value.string_value or each.value.int_value for each in span.attributes}


async def test_a_request_and_its_call_are_spans_of_the_callers_trace(stack: LocalStack, collector: Collector) -> None:
    settings = {"OTEL_EXPORTER_OTLP_ENDPOINT": f"http://127.0.0.1:{collector.port}", "OTEL_BSP_SCHEDULE_DELAY": "100"}
    query = {"page_size": "7"}
    with stack.adapter(environment=settings) as adapter:
        async with httpx.AsyncClient(base_url=adapter.url, headers={"traceparent": f"00-{TRACE}-00f067aa0ba902b7-01"}) as caller:
            responses = [
                await caller.post("/api/v1/users", json=make_user_data()),
                await caller.get("/api/v1/users/", params=query, headers={"X-Flux-Contract": "1.0"}),
                await caller.get(f"/api/v1/users/{uuid4()}"),
                await caller.delete("/api/v1/users/"),
                await caller.get("/api/v1/nothing"),
            ]
            await caller.get("/health")
        spans = await collector.spans_of(TRACE, 11)

    assert [response.status_code for response in responses] == [201, 200, 404, 405, 404]
    assert responses[3].headers["allow"] == "GET, HEAD, POST"
    requests = {span.name: _attributes(span) for span in spans if span.kind == Span.SPAN_KIND_SERVER}
    assert requests.keys() == {"POST /api/v1/users/", "GET /api/v1/users/", "GET /api/v1/users/{user_id}", "DELETE", "GET"}
    listed = requests["GET /api/v1/users/"]
    assert listed["http.route"] == "/api/v1/users/"
    assert listed["http.response.status_code"] == 200
    assert listed["flux.contract"] == "1.0"
    assert listed["url.query"] == "REDACTED"
    calls = {span.name: span for span in spans if span.kind == Span.SPAN_KIND_CLIENT}
    assert calls.keys() == {"insert public.users", "call public.list_page", "select public.users"}
    assert _attributes(calls["select public.users"])["error.type"] == "not_found"
    by_id = {span.span_id: span for span in spans}
    callers_call = by_id[calls["insert public.users"].parent_span_id]
    assert (callers_call.name, callers_call.kind) == ("insert public.users", Span.SPAN_KIND_INTERNAL)
    assert by_id[callers_call.parent_span_id].name == "POST /api/v1/users/"
    assert collector.services == {"flux-dao-service"}


async def test_a_root_path_does_not_change_span_names_and_probes_have_no_spans(stack: LocalStack, collector: Collector) -> None:
    settings = {"OTEL_EXPORTER_OTLP_ENDPOINT": f"http://127.0.0.1:{collector.port}", "OTEL_BSP_SCHEDULE_DELAY": "100"}
    with stack.adapter(environment={**settings, "UVICORN_ROOT_PATH": "/flux"}) as adapter:
        async with httpx.AsyncClient(base_url=adapter.url, headers={"traceparent": f"00-{TRACE}-00f067aa0ba902b7-01"}) as caller:
            assert (await caller.get("/health")).status_code == 200
            assert (await caller.get("/ready/")).status_code == 200
            assert (await caller.get("/api/v1/users/")).status_code == 200
        spans = await collector.spans_of(TRACE, 3)

    assert Counter(span.name for span in spans) == {"GET /api/v1/users/": 1, "call public.list_page": 2}
    assert len(collector.spans) == 3


async def test_without_a_collector_nothing_is_traced(stack: LocalStack, collector: Collector) -> None:
    with stack.adapter() as adapter:
        async with httpx.AsyncClient(base_url=adapter.url, headers={"traceparent": f"00-{TRACE}-00f067aa0ba902b7-01"}) as caller:
            assert (await caller.get("/api/v1/users/")).status_code == 200

    assert collector.spans == []


@pytest.mark.parametrize("log_format", ["json", "text"])
async def test_a_request_is_one_line_of_the_log(log_format: str, stack: LocalStack) -> None:
    request_id = uuid4().hex
    with stack.adapter(environment={"LOG_FORMAT": log_format}) as adapter:
        async with httpx.AsyncClient(base_url=adapter.url, headers={"X-Request-ID": request_id}) as caller:
            await caller.get("/api/v1/users/", params={"page_size": "7"})
        assert wait_until(lambda: request_id in adapter.log.read_text(), 5), "there is no log line"
        log = adapter.log.read_text()

    line = next(line for line in log.splitlines() if request_id in line)
    assert "page_size" not in line
    if log_format == "json":
        entry = json.loads(line)
        expected = {
            "level": "info",
            "method": "GET",
            "route": "/users/",
            "status": 200,
            "contract": "1.2",
            "request_id": request_id,
        }
        assert expected.items() <= entry.items()
    else:
        assert re.fullmatch(
            rf"\d\d:\d\d:\d\d info +request_id={request_id} method=GET route=/users/ status=200 contract=1.2 milliseconds=[\d.]+",
            line,
        )


async def test_a_request_id_cannot_forge_fields_of_the_text_log(stack: LocalStack) -> None:
    unique = uuid4().hex
    plain, others = (
        f"a/{unique}:b",
        [f"{each}{unique}" for each in ("x method=DELETE status=204 ", '" method=DELETE', "a=", ",", "\\")],
    )
    with stack.adapter(environment={"LOG_FORMAT": "text"}) as adapter:
        async with httpx.AsyncClient(base_url=adapter.url) as caller:
            for request_id in (plain, *others):
                await caller.get("/api/v1/nowhere", headers={"X-Request-ID": request_id})
        assert wait_until(lambda: adapter.log.read_text().count(unique) == 1 + len(others), 5), "there is no log line"
        log = adapter.log.read_text()

    for said in (plain, *map(json.dumps, others)):
        assert f" request_id={said} method=GET route= status=404 contract=1.2 " in log
