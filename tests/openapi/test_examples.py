"""The examples in the OpenAPI documents are valid, and can be sent as they are to a service with the seed's rows."""

from collections.abc import Iterator
from typing import Any

import httpx
import jsonschema_rs
import pytest

from dao_service.contracts import CONTRACTS
from local_stack import LocalStack
from tests.openapi.written import documents

CONTRACT_NAMES = pytest.mark.parametrize("contract", CONTRACTS)
# Nothing is read or changed after it was deleted, and rows are deleted before those that they belong to.
METHODS = ("get", "post", "put", "patch", "delete")


def shown_in(part: Any) -> Iterator[dict[str, Any]]:
    """Everything in a document that has an example and a schema for it."""
    if isinstance(part, dict):
        if {"schema", "example"} <= part.keys():
            yield part
        part = list(part.values())
    if isinstance(part, list):
        for each in part:
            yield from shown_in(each)


@CONTRACT_NAMES
def test_every_example_fits_its_schema(contract: str) -> None:
    document = documents()[contract]
    shown = list(shown_in(document))

    assert len(shown) > len(CONTRACTS[contract].operations)
    for each in shown:
        schema = {**each["schema"], "components": document["components"]}
        jsonschema_rs.validator_for(schema, validate_formats=True).validate(each["example"])


@CONTRACT_NAMES
def test_every_body_parameter_and_row_has_an_example(contract: str) -> None:
    for item in documents()[contract]["paths"].values():
        for operation in item.values():
            bodies = [operation.get("requestBody"), *(each for each in operation["responses"].values() if "$ref" not in each)]
            for body in filter(None, bodies):
                content = body.get("content", {}).get("application/json")
                assert content is None or "example" in content or operation["tags"] == ["operations"], operation["operationId"]
            for parameter in operation.get("parameters", ()):
                assert "example" in parameter or not parameter.get("required"), (operation["operationId"], parameter["name"])


# The time that a task is moved from is relative to the time of loading; a sign-in needs an account, which Supabase Auth makes.
_NEEDS_MORE = {"move_task", "link_sign_in"}


@pytest.mark.integration
@CONTRACT_NAMES
async def test_every_example_can_be_sent_as_it_is(contract: str) -> None:
    paths = {path: item for path, item in documents()[contract]["paths"].items() if path.startswith("/api/v1/")}
    requests = [(method, path, item[method]) for path, item in paths.items() for method in METHODS if method in item]
    # What needs a row in a certain state comes before what changes it.
    requests.sort(key=lambda each: (METHODS.index(each[0]), "conflict" not in each[2]["description"]))
    deletions = [each for each in requests if each[0] == "delete"]
    answers = {}
    with LocalStack(seed=True) as stack, stack.adapter() as adapter:
        async with httpx.AsyncClient(base_url=adapter.url, headers={"X-Flux-Contract": contract}) as client:
            for method, path, operation in [*requests[: -len(deletions)], *reversed(deletions)]:
                parameters = {each["name"]: each for each in operation.get("parameters", ()) if "example" in each}
                in_path = {name: each["example"] for name, each in parameters.items() if each["in"] == "path"}
                response = await client.request(
                    method,
                    path.format(**in_path),
                    params={name: each["example"] for name, each in parameters.items() if each["in"] == "query"},
                    json=operation.get("requestBody", {}).get("content", {}).get("application/json", {}).get("example"),
                )
                answers[operation["operationId"]] = (response.status_code, response.text)

    assert {name: answer for name, answer in answers.items() if answer[0] >= 300 and name not in _NEEDS_MORE} == {}
    assert len(answers) == len(CONTRACTS[contract].operations)
