"""Stands in for Supabase's API gateway: a reverse proxy on 127.0.0.1 in front of PostgREST, and nothing more.

Supabase's clients request `/rest/v1/x`, PostgREST's own clients `/x`: both reach PostgREST's `/x`. Bodies are streamed in
both directions. Run as a program: `python -m local_stack.api_gateway PORT UPSTREAM`, where UPSTREAM is
`unix:/path` or an http address.
"""

import asyncio
import sys
from collections.abc import AsyncIterator

import aiohttp
from aiohttp import web
from multidict import CIMultiDict, CIMultiDictProxy
from yarl import URL

from .http_servers import LIVE_PATH
from .ports import LOOPBACK

_PREFIX = "/rest/v1"
# These describe one connection, not the message (RFC 9110, 7.6.1).
_HOP_BY_HOP = frozenset(
    {
        "connection",
        "keep-alive",
        "proxy-authenticate",
        "proxy-authorization",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
    }
)
_CONNECT_SECONDS = 2
_UPSTREAM = web.AppKey("upstream", str)
_SESSION = web.AppKey("session", aiohttp.ClientSession)


def _end_to_end(headers: CIMultiDict[str] | CIMultiDictProxy[str]) -> CIMultiDict[str]:
    named = {name.strip().lower() for value in headers.getall("connection", ()) for name in value.split(",")}
    return CIMultiDict((name, value) for name, value in headers.items() if name.lower() not in _HOP_BY_HOP | named)


def _target(upstream: str, raw_path: str) -> URL:
    path = raw_path.removeprefix(_PREFIX) if raw_path.startswith((f"{_PREFIX}/", f"{_PREFIX}?")) else raw_path
    path = "/" if raw_path == _PREFIX else path
    path = path if path.startswith("/") else f"/{path}"
    return URL(upstream + path, encoded=True)


async def _forward(request: web.Request) -> web.StreamResponse:
    headers = _end_to_end(request.headers)
    headers.pop("expect", None)
    body = request.content if request.body_exists else None
    response: web.StreamResponse | None = None
    try:
        async with request.app[_SESSION].request(
            request.method,
            _target(request.app[_UPSTREAM], request.raw_path),
            headers=headers,
            data=body,
            allow_redirects=False,
            skip_auto_headers=("Accept", "Accept-Encoding", "Content-Type", "User-Agent"),
        ) as answer:
            response = web.StreamResponse(status=answer.status, reason=answer.reason, headers=_end_to_end(answer.headers))
            await response.prepare(request)
            async for chunk in answer.content.iter_any():
                await response.write(chunk)
            await response.write_eof()
            return response
    except aiohttp.ClientError as error:
        if response is not None and response.prepared:
            # Half a response must not look like a complete one.
            if request.transport is not None:
                request.transport.abort()
            return response
        unreachable = isinstance(error, aiohttp.ClientConnectorError | aiohttp.ServerTimeoutError)
        message = "PostgREST can't be reached" if unreachable else "PostgREST broke off its response"
        return web.json_response({"message": message}, status=503 if unreachable else 502, headers={"Retry-After": "1"})


async def _live(_: web.Request) -> web.Response:
    return web.Response()


def application(upstream: str) -> web.Application:
    """The proxy to one upstream, `unix:/path/to/socket` or an http address."""
    path = upstream.removeprefix("unix:")

    async def session(app: web.Application) -> AsyncIterator[None]:
        connector = aiohttp.UnixConnector(path, limit=0) if path != upstream else aiohttp.TCPConnector(limit=0)
        timeout = aiohttp.ClientTimeout(total=None, sock_connect=_CONNECT_SECONDS)
        async with aiohttp.ClientSession(connector=connector, auto_decompress=False, timeout=timeout) as opened:
            app[_SESSION] = opened
            yield

    app = web.Application()
    app[_UPSTREAM] = "http://localhost" if path != upstream else upstream
    app.cleanup_ctx.append(session)
    app.router.add_get(LIVE_PATH, _live)
    app.router.add_route("*", "/{path:.*}", _forward)
    return app


def main() -> None:
    port, upstream = int(sys.argv[1]), sys.argv[2]
    web.run_app(
        application(upstream),
        host=LOOPBACK,
        port=port,
        access_log=None,
        print=None,
        handler_cancellation=True,
        shutdown_timeout=2,
        loop=asyncio.new_event_loop(),
    )


if __name__ == "__main__":
    main()
