"""What is said of paths and methods that there are not outside `/api/v1/`, where the framework would say "Not Found"."""

from collections.abc import Mapping
from typing import Any

from fastapi import Request
from fastapi.responses import JSONResponse, Response
from starlette.exceptions import HTTPException

from dao_service.errors import MethodNotAllowedError
from dao_service.rest.routes import NO_SUCH_PATH


async def _no_such_path(_: Request, __: Exception) -> Response:
    return JSONResponse({"detail": NO_SUCH_PATH}, status_code=404)


async def _no_such_method(_: Request, refusal: Exception) -> Response:
    headers = refusal.headers if isinstance(refusal, HTTPException) and refusal.headers else {}
    sentence = MethodNotAllowedError(headers.get("Allow", "GET").split(", ")).detail
    return JSONResponse({"detail": sentence}, status_code=405, headers=headers)


REFUSALS: Mapping[int | type[Exception], Any] = {404: _no_such_path, 405: _no_such_method}
"""As FastAPI takes them."""
