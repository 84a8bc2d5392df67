"""The documents and their pages, Swagger UI and ReDoc. All that a page needs comes from here, so it opens without a network."""

import hashlib
import re
from base64 import b64encode
from collections.abc import Awaitable, Callable, Mapping
from functools import cache
from importlib.metadata import version
from importlib.resources import files
from os import PathLike
from typing import Any

import orjson
from fastapi import APIRouter, FastAPI, Request
from fastapi.openapi.docs import get_redoc_html, get_swagger_ui_html
from fastapi.responses import FileResponse, HTMLResponse, RedirectResponse, Response
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

from dao_service.contracts import DEFAULT_CONTRACT
from dao_service.openapi.document import TITLE

_PACKAGE = "fastapi_standalone_docs"  # Swagger UI and ReDoc as their makers build them
_STATIC = files(_PACKAGE).joinpath("static")
_ASSETS = f"docs/assets/{version(_PACKAGE)}"
_METHODS = ["GET", "HEAD"]
_SWAGGER_UI = {
    "displayOperationId": True,
    "displayRequestDuration": True,
    "persistAuthorization": False,
    "tryItOutEnabled": True,
    "validatorUrl": None,
}
_POLICY = (
    "default-src 'none'; script-src 'self'{scripts}; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
    "font-src 'self' data:; connect-src 'self'; worker-src blob:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_PAGE_HEADERS = {"Cache-Control": "no-cache", "Referrer-Policy": "no-referrer", "X-Content-Type-Options": "nosniff"}
# The address of an asset changes with what it holds.
_ASSET_HEADERS = {"Cache-Control": "public, max-age=31536000, immutable", "X-Content-Type-Options": "nosniff"}


class Assets(StaticFiles):
    """The files that the pages load."""

    def __init__(self) -> None:
        super().__init__(directory=str(_STATIC))

    async def get_response(self, path: str, scope: Scope) -> Response:
        response = await super().get_response(path, scope)
        response.headers.update(_ASSET_HEADERS)
        return response


def add_pages(app: FastAPI, documents: Mapping[str, Callable[[], dict[str, Any]]]) -> None:
    """The documents of the contracts, each made when it is first asked for, with two pages each, and what the pages load."""

    async def start(request: Request) -> Response:
        return RedirectResponse(_root(request) + "/docs")

    app.mount(f"/{_ASSETS}", Assets())
    app.add_api_route("/", start, methods=_METHODS, include_in_schema=False)
    for contract, make in documents.items():
        app.include_router(_document_pages(contract, make))


def _document_pages(contract: str, make: Callable[[], dict[str, Any]]) -> APIRouter:
    router = APIRouter(include_in_schema=False)
    is_default = contract == DEFAULT_CONTRACT
    suffix = "" if is_default else f"/{contract}"
    document = "openapi.json" if is_default else f"openapi-{contract}.json"
    made = cache(make)
    # Relative to the page, so that it is the same under every root path.
    up = "" if is_default else "../"
    favicon = f"{up}{_ASSETS}/fastapi/favicon.png"
    swagger_ui = get_swagger_ui_html(
        openapi_url=up + document,
        title=f"{TITLE} {contract}",
        swagger_js_url=f"{up}{_ASSETS}/swagger/swagger-ui-bundle.js",
        swagger_css_url=f"{up}{_ASSETS}/swagger/swagger-ui.css",
        swagger_favicon_url=favicon,
        swagger_ui_parameters=_SWAGGER_UI,
    )
    redoc = get_redoc_html(
        openapi_url=up + document,
        title=f"{TITLE} {contract}",
        redoc_js_url=f"{up}{_ASSETS}/redoc/redoc.standalone.js",
        redoc_favicon_url=favicon,
        with_google_fonts=False,
    )

    @router.api_route(f"/{document}", methods=_METHODS)
    def openapi(request: Request) -> Response:
        root = _root(request)
        body = orjson.dumps(made() | ({"servers": [{"url": root}]} if root else {}))
        tag = f'"{hashlib.sha256(body).hexdigest()[:32]}"'
        headers = {"ETag": tag, "Cache-Control": "no-cache"}
        if request.headers.get("if-none-match") == tag:
            return Response(status_code=304, headers=headers)
        return Response(body, media_type="application/json", headers=headers)

    @router.api_route(f"/redoc{suffix}/logo-mini.svg", methods=_METHODS)
    async def redoc_logo() -> FileResponse:
        # ReDoc looks for its logo beside its page.
        logo = _STATIC.joinpath("redoc", "logo-mini.svg")
        return FileResponse(logo if isinstance(logo, PathLike) else str(logo), headers={"Cache-Control": "max-age=86400"})

    for path, page in (("docs", swagger_ui), ("redoc", redoc)):
        router.add_api_route(f"/{path}{suffix}", _serve(page), methods=_METHODS)
    return router


def _serve(page: HTMLResponse) -> Callable[[], Awaitable[Response]]:
    """Serves a page that may run the scripts in it and those of this service, and no others."""
    text = bytes(page.body).decode()
    hashes = (
        b64encode(hashlib.sha256(script.encode()).digest()).decode() for script in re.findall("(?s)<script>(.*?)</script>", text)
    )
    policy = _POLICY.format(scripts="".join(f" 'sha256-{each}'" for each in hashes))

    async def serve() -> Response:
        return HTMLResponse(text, headers=_PAGE_HEADERS | {"Content-Security-Policy": policy})

    return serve


def _root(request: Request) -> str:
    root: str = request.scope.get("root_path", "")
    return root.rstrip("/")
