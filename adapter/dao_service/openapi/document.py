"""The OpenAPI document of a contract, made by FastAPI from the operations that `rest/` serves."""

import inspect
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, FastAPI, Path, Query, Security
from fastapi.security import APIKeyHeader

from dao_service.contracts import CONTRACTS, DEFAULT_CONTRACT, Contract
from dao_service.openapi.examples import Examples
from dao_service.openapi.responses import ERRORS, HEADERS, error_statuses, responses_of
from dao_service.operations import Operation
from dao_service.rest.written_at import FORM as WRITTEN_AT_FORM

TITLE = "Flux data service"
DESCRIPTION = """\
The one store of Flux's agents: users, goals, tasks, conversations, patterns and notifications.

**Callers** send a service key in `X-Flux-Service-Key`. Each key is pinned to a contract; `X-Flux-Contract` chooses another for
one request. A request without a key, if the deployment allows it, is contract {default}. This document is contract {name};
there is also {others}.
Front ends don't call this service. They call the project's Data API with their user's JWT, and see only that user's rows.

**Bodies** are JSON. Ids are UUIDs. A timestamp carries an offset of at most 15:59 and is returned in UTC. Text holds any
character but U+0000. A field that the contract does not have is an error.

**Lists** return one page, newest first: send `skip` and `limit`, or `page` and `page_size`. Or send `after`, with the
`next_cursor` of the page before: it costs the same on every page.

**Errors** return `{{"detail": "…"}}`, one sentence. If fields are wrong, `errors` lists all of them. Every response carries
`X-Request-ID`, which is also in the service's log. Any path may also return 405, which names its methods, and 431, if the
request line and headers are too large.
"""
SERVICE_KEY = APIKeyHeader(
    name="X-Flux-Service-Key",
    scheme_name="ServiceKey",
    description="A service key. It pins its caller to a contract; X-Flux-Contract chooses another.",
    auto_error=False,
)


def openapi_document(contract: Contract, operational: APIRouter, *, key_required: bool) -> dict[str, Any]:
    """The OpenAPI document of a contract."""
    app = FastAPI(
        title=TITLE,
        version=contract.name,
        description=DESCRIPTION.format(name=contract.name, default=DEFAULT_CONTRACT, others=_links(contract.name)),
        license_info={"name": "MIT", "identifier": "MIT"},
        openapi_tags=[
            *({"name": tag, "description": description} for tag, description in contract.resources.items()),
            {"name": "operations", "description": "Health, readiness and metrics. They need no key."},
        ],
    )
    security: dict[str, Any] = {} if key_required else {"security": [{}]}
    for operation in contract.operations:
        app.add_api_route(
            f"/api/v1{operation.path}",
            _signature_of(operation),
            methods=[operation.method],
            status_code=operation.status,
            response_model=operation.answer,
            operation_id=operation.name,
            summary=operation.summary,
            description=operation.description,
            tags=[operation.resource],
            dependencies=[Security(SERVICE_KEY)],
            responses=responses_of(contract, operation),
            openapi_extra={"parameters": [{"$ref": f"#/components/parameters/{name}"} for name in _headers(operation)], **security},
        )
    app.include_router(operational)
    found = app.openapi()
    found |= {part: _tidy(found[part]) for part in ("paths", "components")}
    errors: dict[str, Any] = {}
    examples = Examples(contract)
    found["components"] |= {"headers": HEADERS, "parameters": _parameters(contract.name), "responses": errors}
    for operation in contract.operations:
        described = found["paths"][f"/api/v1{operation.path}"][operation.method.lower()]
        _add_examples(examples, operation, described)
        for status in error_statuses(contract, operation):
            name = ERRORS[status][0]
            errors.setdefault(name, described["responses"][str(status)])
            described["responses"][str(status)] = {"$ref": f"#/components/responses/{name}"}
    return found


def _links(contract: str) -> str:
    """Links from one contract's pages to those of the others, in Markdown. They are relative, because a proxy may add a prefix."""

    def link(name: str) -> str:
        up = "" if contract == DEFAULT_CONTRACT else "../"
        suffix = "" if name == DEFAULT_CONTRACT else f"/{name}"
        return f"contract {name} ([Swagger UI]({up}docs{suffix}), [ReDoc]({up}redoc{suffix}))"

    return ", ".join(link(name) for name in CONTRACTS if name != contract)


def _signature_of(operation: Operation) -> Any:
    """A function with the operation's parameters, for FastAPI to read."""
    parameters: dict[str, Any] = {}
    if operation.key_name:
        parameters[operation.key_name] = Annotated[UUID, Path(description=f"Id of the {operation.key_name.removesuffix('_id')}.")]
    if operation.query:
        parameters["query"] = Annotated[operation.query, Query()]
    if operation.body:
        parameters["body"] = operation.body

    def endpoint() -> None: ...

    endpoint.__name__ = operation.name
    endpoint.__signature__ = inspect.Signature(  # type: ignore[attr-defined]
        [inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, annotation=kind) for name, kind in parameters.items()]
    )
    return endpoint


def _headers(operation: Operation) -> list[str]:
    """The headers that the operation takes, by their names in `_parameters`."""
    read = ["WrittenAt"] if operation.method == "GET" else []
    unchanged = ["IfNoneMatch"] if operation.version_mark and operation.method == "GET" else []
    return [
        "Contract",
        "RequestId",
        *unchanged,
        *read,
        *(["IfMatch"] if operation.conditional else []),
        *(["IdempotencyKey"] if operation.repeatable else []),
    ]


def _parameters(contract: str) -> dict[str, Any]:
    choice = {
        "name": "X-Flux-Contract",
        "in": "header",
        "description": "The contract of this request, instead of the one that the key is pinned to.",
        "schema": {"type": "string", "enum": [contract], "default": contract},
    }
    request_id = {
        "name": "X-Request-ID",
        "in": "header",
        "description": "The caller's own id for this request, up to 128 printable ASCII characters. Any other is replaced.",
        "schema": {"type": "string"},
    }
    tag = r'(W/)?"[!#-~]*"'
    etags = {"type": "string", "pattern": rf"^(\*|{tag}(, {tag})*)$"}
    if_none_match = {
        "name": "If-None-Match",
        "in": "header",
        "description": "ETags that the caller knows: if one of them is the row's, the answer is 304, without the row.",
        "schema": etags,
    }
    if_match = {
        "name": "If-Match",
        "in": "header",
        "description": "ETags that the row may have: if it has another, nothing is changed and the answer is 412. * is any.",
        "schema": etags,
    }
    idempotency_key = {
        "name": "Idempotency-Key",
        "in": "header",
        "description": "The request happens once under this key, for at least 24 hours: sent again, it returns the first answer. "
        "A UUID, or with a service key any 1 to 255 visible characters.",
        "schema": {"type": "string", "pattern": "^[!-~]{1,255}$"},
    }
    written_at = {
        "name": "X-Flux-Written-At",
        "in": "header",
        "description": "What the answer to a write had, if the service reads from standbys: this answer is not older.",
        "schema": {"type": "string", "pattern": f"^{WRITTEN_AT_FORM}$"},
    }
    return {
        "WrittenAt": written_at,
        "Contract": choice,
        "RequestId": request_id,
        "IfNoneMatch": if_none_match,
        "IfMatch": if_match,
        "IdempotencyKey": idempotency_key,
    }


def _add_examples(examples: Examples, operation: Operation, described: dict[str, Any]) -> None:
    # Not through FastAPI, which drops nulls from examples.
    for parameter in described["parameters"]:
        if parameter.get("required"):
            parameter["example"] = examples.parameter(operation, parameter["name"])
        schema = parameter.get("schema", {})
        # A query can't contain null.
        schema |= next((option for option in schema.pop("anyOf", ()) if option != {"type": "null"}), {})
        if schema.get("type") == "array":
            parameter |= {"style": "form", "explode": False}  # separated by commas
    if operation.body:
        described["requestBody"]["required"] = not operation.body_optional
        described["requestBody"]["content"]["application/json"]["example"] = examples.body(operation, operation.body)
    if operation.answer is not None:
        content = described["responses"][str(operation.status)]["content"]["application/json"]
        content["example"] = examples.answer(operation.answer)


def _tidy(node: Any) -> Any:
    """The document without keywords that are no JSON Schema, without redundant titles, and with whole numbers as integers."""
    if isinstance(node, dict):
        left_over = {"ge", "le"} if node.get("format") == "date-time" else set()
        if isinstance(node.get("title"), str) and "properties" not in node:
            left_over.add("title")  # the field's name in other letters
        return {name: _tidy(value) for name, value in node.items() if name not in left_over}
    if isinstance(node, list):
        return [_tidy(value) for value in node]
    # FastAPI makes floats of bounds, and so 2^63 of 2^63 - 1.
    return min(int(node), 2**63 - 1) if isinstance(node, float) and node.is_integer() else node
