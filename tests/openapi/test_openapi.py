"""The OpenAPI documents describe the service correctly and change only on purpose."""

import asyncio
import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from dao_service.contracts import CONTRACTS
from generator.compatibility import breaking_changes
from generator.from_contracts import broken_promises, snapshot_path
from generator.introspection import TAGS
from local_stack import LocalStack
from tests.openapi.written import documents

ROOT = Path(__file__).resolve().parents[2]
KEYS = {"1.0": "key-of-an-old-caller", "1.2": "key-of-a-new-caller"}
DOCUMENTS = {"1.0": "/openapi-1.0.json", "1.2": "/openapi.json"}
# The coverage phase tests every rule of a schema and takes longest. The same code writes the schemas of both contracts.
PHASES = {"1.0": "examples,fuzzing", "1.2": "examples,coverage,fuzzing"}
ALL_PHASES = "examples,coverage,fuzzing,stateful"
CONTRACT_NAMES = pytest.mark.parametrize("contract", CONTRACTS)


@pytest.fixture(scope="module")
def empty_stack() -> Iterator[LocalStack]:
    """An empty stack: generated requests depend on the rows in the database."""
    with LocalStack() as stack:
        yield stack


@pytest.fixture(scope="module")
def guarded_service(empty_stack: LocalStack) -> Iterator[str]:
    """URL of an adapter that requires a key, as in production."""
    keys = json.dumps({key: contract for contract, key in KEYS.items()})
    settings = {"REQUIRE_SERVICE_KEY": "true", "SERVICE_API_KEYS": keys}
    with empty_stack.adapter(environment=settings) as adapter:
        yield adapter.url


@CONTRACT_NAMES
async def test_schemathesis_finds_nothing(contract: str, guarded_service: str, tmp_path: Path, pytestconfig: pytest.Config) -> None:
    thorough = pytestconfig.getoption("thorough")
    phases, examples = (ALL_PHASES, "25") if thorough else (PHASES[contract], "4")
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "schemathesis.cli", "run", guarded_service + DOCUMENTS[contract]),
        *("--checks", "all", "--max-examples", examples, "--seed", "1", "--generation-database", "none", "--no-color"),
        *("--phases", phases),
        # A schema cannot exclude NUL, which Postgres's text does not have.
        *("--generation-allow-x00", "false"),
        *("--header", f"X-Flux-Service-Key: {KEYS[contract]}"),
        env=os.environ
        | {
            "SCHEMATHESIS_HOOKS": "tests.openapi.schemathesis_hooks",
            "PYTHONPATH": str(ROOT),
            "FLUX_URL": guarded_service,
            "FLUX_SERVICE_KEY": KEYS[contract],
        },
        cwd=tmp_path,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    output = (await process.communicate())[0].decode()

    assert process.returncode == 0, output
    assert "No issues found" in output


def test_the_documents_break_no_promise_of_the_committed_ones() -> None:
    assert broken_promises(documents()) == []


@CONTRACT_NAMES
async def test_the_service_serves_the_committed_document(contract: str, guarded_service: str) -> None:
    async with httpx.AsyncClient(base_url=guarded_service) as client:
        served = (await client.get(DOCUMENTS[contract])).json()

    assert served == json.loads(snapshot_path(contract).read_text()), "Run scripts/generate, and read what it changed."


@CONTRACT_NAMES
async def test_an_unchanged_document_is_answered_with_304(contract: str, guarded_service: str) -> None:
    async with httpx.AsyncClient(base_url=guarded_service) as client:
        first = await client.get(DOCUMENTS[contract])
        again = await client.get(DOCUMENTS[contract], headers={"If-None-Match": first.headers["etag"]})

    assert (again.status_code, again.content) == (304, b"")


@pytest.mark.one_gateway
async def test_the_document_of_an_open_service_requires_no_key(client_1_2: httpx.AsyncClient) -> None:
    operation = (await client_1_2.get("/openapi.json")).json()["paths"]["/api/v1/users/"]["get"]

    assert operation["security"] == [{"ServiceKey": []}, {}]


@CONTRACT_NAMES
def test_every_operation_is_described(contract: str) -> None:
    paths = documents()[contract]["paths"]

    for operation in CONTRACTS[contract].operations:
        described = paths[f"/api/v1{operation.path}"][operation.method.lower()]
        assert described["operationId"] == operation.name
        assert described["summary"]
        assert described["description"]
        assert described["responses"][str(operation.status)]["description"].endswith(".")


@pytest.mark.parametrize(
    ("method", "path", "returned"),
    [
        ("get", "/users/{user_id}", "The user."),
        ("patch", "/tasks/{task_id}/calendar-event", "The task."),
        ("post", "/goals/with-structure", "The goal with its milestones and tasks."),
        ("get", "/messages/", "The messages."),
        ("post", "/tasks/bulk-update-state", "What a bulk update did."),
    ],
)
def test_a_success_says_what_it_returns(method: str, path: str, returned: str) -> None:
    responses = documents()["1.2"]["paths"][f"/api/v1{path}"][method]["responses"]

    assert {status: each["description"] for status, each in responses.items() if status < "300"}.popitem()[1] == returned


@CONTRACT_NAMES
def test_a_64_bit_integer_has_its_exact_limits(contract: str) -> None:
    total = documents()[contract]["components"]["schemas"]["TaskStatistics"]["properties"]["total_tasks"]

    assert (total["minimum"], total["maximum"]) == (-(2**63), 2**63 - 1)


@CONTRACT_NAMES
def test_no_tag_of_a_comment_reaches_callers(contract: str) -> None:
    text = json.dumps(documents()[contract])

    assert [tag for tag in TAGS if f"@{tag}" in text] == []


@CONTRACT_NAMES
def test_operation_ids_are_unique(contract: str) -> None:
    found = [each["operationId"] for item in documents()[contract]["paths"].values() for each in item.values()]

    assert len(found) == len(set(found))


@CONTRACT_NAMES
def test_every_error_has_the_schema_of_errors(contract: str) -> None:
    document = documents()[contract]

    for operation in CONTRACTS[contract].operations:
        described = document["paths"][f"/api/v1{operation.path}"][operation.method.lower()]["responses"]
        assert {"400", "403", "422", "500", "503", "504"} <= described.keys()
        for status, response in described.items():
            if int(status) >= 400:
                error = document["components"]["responses"][response["$ref"].rpartition("/")[2]]
                schema = error["content"]["application/json"]["schema"]["$ref"].rpartition("/")[2]
                assert schema == ("InvalidAnswer" if status in ("409", "422") else "ErrorAnswer")
                assert "X-Request-ID" in error["headers"]
                assert ("Retry-After" in error["headers"]) == (status in ("409", "503"))


def _task_document(**changes: Any) -> dict[str, Any]:
    """A small document: tasks can be created and listed by status."""
    create = {
        "type": "object",
        "properties": {"title": {"type": "string", "maxLength": 500}, "week": {"type": "integer", "minimum": 1}},
        "required": ["title"],
    }
    row = {"type": "object", "properties": {"id": {"type": "string"}, "title": {"type": "string"}}, "required": ["id", "title"]}
    status = {"type": "string", "enum": ["pending", "done"]}
    schemas = {"Create": create, "Row": row, "Status": status} | changes.pop("schemas", {})
    reference = {"$ref": "#/components/schemas/Create"}
    post = {
        "operationId": "create_tasks",
        "parameters": [{"name": "status", "in": "query", "required": False, "schema": {"$ref": "#/components/schemas/Status"}}],
        "requestBody": {"content": {"application/json": {"schema": reference}}},
        "responses": {"201": {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/Row"}}}}},
    }
    return {"paths": {"/tasks/": {"post": post | changes}}, "components": {"schemas": schemas}}


_CREATE = _task_document()["components"]["schemas"]["Create"]
_ROW = _task_document()["components"]["schemas"]["Row"]


def _with(schema: dict[str, Any], **properties: Any) -> dict[str, Any]:
    return {**schema, "properties": schema["properties"] | properties}


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"paths": {}, "components": {"schemas": {}}}, "POST /tasks/ is gone"),
        (_task_document(operationId="add_task"), "operationId"),
        (_task_document(parameters=[]), "status"),
        (_task_document(responses={}), "201"),
        (_task_document(schemas={"Status": {"type": "string", "enum": ["pending"]}}), "done"),
        (_task_document(schemas={"Create": {**_CREATE, "required": ["title", "week"]}}), "week is required"),
        (_task_document(schemas={"Create": _with(_CREATE, title={"type": "string", "maxLength": 100})}), "maxLength"),
        (
            _task_document(schemas={"Create": _with(_CREATE, title={"type": "string", "maxLength": 500, "minLength": 1})}),
            "minLength",
        ),
        (_task_document(schemas={"Create": _with(_CREATE, week={"type": "integer", "minimum": 2})}), "minimum"),
        (_task_document(schemas={"Create": _with(_CREATE, week={"type": "string"})}), "type"),
        (_task_document(schemas={"Create": {**_CREATE, "properties": {"title": _CREATE["properties"]["title"]}}}), "week"),
        (_task_document(schemas={"Row": {**_ROW, "properties": {"id": {"type": "string"}}, "required": ["id"]}}), "title"),
        (_task_document(schemas={"Row": {**_ROW, "required": ["id"]}}), "title"),
        (_task_document(schemas={"Row": _with(_ROW, title={"anyOf": [{"type": "string"}, {"type": "null"}]})}), "null"),
    ],
)
def test_a_breaking_change_is_found(changed: dict[str, Any], said: str) -> None:
    problems = breaking_changes(_task_document(), changed)

    assert said in "\n".join(problems)


@pytest.mark.parametrize(
    "changed",
    [
        _task_document(),
        _task_document(schemas={"Create": _with(_CREATE, note={"type": "string"})}),
        _task_document(schemas={"Create": _with(_CREATE, title={"type": "string", "maxLength": 900})}),
        _task_document(schemas={"Create": {**_CREATE, "required": []}}),
        _task_document(schemas={"Create": _with(_CREATE, week={"anyOf": [{"type": "integer"}, {"type": "null"}]})}),
        _task_document(schemas={"Row": {**_with(_ROW, note={"type": "string"}), "required": ["id", "title", "note"]}}),
        _task_document(schemas={"Status": {"type": "string", "enum": ["pending", "done", "missed"]}}),
        _task_document(description="In other words."),
    ],
)
def test_an_addition_breaks_nothing(changed: dict[str, Any]) -> None:
    assert breaking_changes(_task_document(), changed) == []
