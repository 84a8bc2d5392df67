"""The documents and their pages, Swagger UI and ReDoc. All that a page needs comes from here, so it opens without a network."""

import hashlib
from collections.abc import Callable, Mapping
from functools import cache
from html import escape
from importlib.metadata import version
from importlib.resources import files
from os import PathLike
from typing import Any

import orjson
from fastapi import APIRouter, FastAPI, Request
from fastapi.responses import FileResponse, HTMLResponse, Response
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

from dao_service.contracts import DEFAULT_CONTRACT
from dao_service.openapi.document import TITLE

_PACKAGE = "fastapi_standalone_docs"  # Swagger UI and ReDoc as their makers build them
_STATIC = files(_PACKAGE).joinpath("static")
ASSETS = f"/docs/assets/{version(_PACKAGE)}"
_STARTER = """\
const root = document.getElementById("swagger-ui");
SwaggerUIBundle({
  url: root.dataset.document,
  domNode: root,
  deepLinking: true,
  displayOperationId: true,
  displayRequestDuration: true,
  persistAuthorization: false,
  tryItOutEnabled: true,
  validatorUrl: null,
});
"""
_STARTER_URL = f"/docs/assets/{hashlib.sha256(_STARTER.encode()).hexdigest()[:16]}/start.js"
_SWAGGER_UI = """\
<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<link rel="icon" href="{assets}/fastapi/favicon.png">
<link rel="stylesheet" href="{assets}/swagger/swagger-ui.css">
</head>
<body>
<div id="swagger-ui" data-document="{document}"></div>
<script src="{assets}/swagger/swagger-ui-bundle.js"></script>
<script src="{starter}"></script>
</body>
</html>
"""
_REDOC = """\
<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<link rel="icon" href="{assets}/fastapi/favicon.png">
</head>
<body>
<redoc spec-url="{document}"></redoc>
<script src="{assets}/redoc/redoc.standalone.js"></script>
</body>
</html>
"""
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; font-src 'self' data:; "
    "connect-src 'self'; worker-src blob:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_PAGE_HEADERS = {
    "Content-Security-Policy": _POLICY,
    "Cache-Control": "no-cache",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}
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
    app.mount(ASSETS, Assets())
    app.include_router(_starter())
    for contract, make in documents.items():
        app.include_router(_document_pages(contract, make))


def _document_pages(contract: str, make: Callable[[], dict[str, Any]]) -> APIRouter:
    router = APIRouter(include_in_schema=False)
    is_default = contract == DEFAULT_CONTRACT
    suffix = "" if is_default else f"/{contract}"
    document_path = "/openapi.json" if is_default else f"/openapi-{contract}.json"
    made = cache(make)

    @router.get(document_path)
    def openapi(request: Request) -> Response:
        root = _root(request)
        body = orjson.dumps(made() | ({"servers": [{"url": root}]} if root else {}))
        tag = f'"{hashlib.sha256(body).hexdigest()[:32]}"'
        headers = {"ETag": tag, "Cache-Control": "no-cache"}
        if request.headers.get("if-none-match") == tag:
            return Response(status_code=304, headers=headers)
        return Response(body, media_type="application/json", headers=headers)

    def page(request: Request, template: str) -> HTMLResponse:
        root = escape(_root(request))
        text = template.format(
            title=f"{TITLE} {contract}", assets=root + ASSETS, starter=root + _STARTER_URL, document=root + document_path
        )
        return HTMLResponse(text, headers=_PAGE_HEADERS)

    @router.get(f"/docs{suffix}")
    async def swagger_ui(request: Request) -> HTMLResponse:
        return page(request, _SWAGGER_UI)

    @router.get(f"/redoc{suffix}")
    async def redoc(request: Request) -> HTMLResponse:
        return page(request, _REDOC)

    @router.get(f"/redoc{suffix}/logo-mini.svg")
    async def redoc_logo() -> FileResponse:
        # ReDoc looks for its logo beside its page.
        logo = _STATIC.joinpath("redoc", "logo-mini.svg")
        return FileResponse(logo if isinstance(logo, PathLike) else str(logo), headers={"Cache-Control": "max-age=86400"})

    return router


def _starter() -> APIRouter:
    """The script that starts Swagger UI. Inside the page, it would need a laxer policy."""
    router = APIRouter(include_in_schema=False)

    @router.get(_STARTER_URL)
    async def script() -> Response:
        return Response(_STARTER, media_type="text/javascript", headers=_ASSET_HEADERS)

    return router


def _root(request: Request) -> str:
    root: str = request.scope.get("root_path", "")
    return root.rstrip("/")
