"""The documentation pages in a real browser, which may load nothing from other hosts."""

import hashlib
import json
import os
import re
from base64 import b64encode
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import urljoin
from uuid import uuid4

import httpx
import pytest
from playwright.async_api import Browser, ConsoleMessage, Page, Request, async_playwright

from local_stack import LocalStack
from local_stack.browser import ARGUMENTS, chromium
from local_stack.project import LOCAL

PICTURES = LOCAL / "pictures"
SUFFIXES = {"1.2": "", "1.0": "/1.0"}
WAIT_MILLISECONDS = 60_000


@pytest.fixture(scope="module")
async def browser() -> AsyncIterator[Browser]:
    found = chromium()
    PICTURES.mkdir(parents=True, exist_ok=True)
    async with async_playwright() as playwright:
        running = await playwright.chromium.launch(
            executable_path=found.path, args=list(ARGUMENTS), env={**os.environ, **found.environment}
        )
        yield running
        await running.close()


@pytest.fixture(scope="module")
async def open_service(stack: LocalStack) -> AsyncIterator[str]:
    """URL of an adapter that requires no key, so that the pages can send requests."""
    with stack.adapter() as adapter:
        yield adapter.url


class Visit:
    """A page, its console errors and warnings, and its requests to other hosts."""

    def __init__(self, page: Page, service: str) -> None:
        self.page = page
        self.complaints: list[str] = []
        self.elsewhere: list[str] = []
        self._service = service
        page.set_default_timeout(WAIT_MILLISECONDS)
        page.on("console", self._note_message)
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("request", self._note_request)

    def _note_message(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            self.complaints.append(message.text)

    def _note_request(self, request: Request) -> None:
        if not request.url.startswith((self._service, "data:", "blob:")):
            self.elsewhere.append(request.url)


@pytest.fixture
async def visit(browser: Browser, open_service: str) -> AsyncIterator[Visit]:
    page = await browser.new_page(base_url=open_service, viewport={"width": 1280, "height": 1400})
    visiting = Visit(page, open_service)
    yield visiting
    await page.close()
    assert (visiting.complaints, visiting.elsewhere) == ([], [])


async def _try_out(page: Page, operation: str, status: int, **values: str) -> dict[str, Any]:
    """Execute an operation in Swagger UI with these values and return the body of the response."""
    block = page.locator(f"[id='operations-{operation}']")
    await block.locator(".opblock-summary-control").click()
    for name, value in values.items():
        field = (
            block.locator("textarea.body-param__text") if name == "body" else block.locator(f"tr[data-param-name='{name}'] input")
        )
        await field.fill(value)
    await block.get_by_role("button", name="Execute").click()
    answer = block.locator(".live-responses-table .response")
    await answer.wait_for()
    assert (await answer.locator(".response-col_status").inner_text()).split()[0] == str(status)
    body: dict[str, Any] = json.loads(await answer.locator(".highlight-code code").first.inner_text())
    return body


@pytest.mark.parametrize("contract", SUFFIXES)
async def test_swagger_ui_creates_and_gets_a_row(contract: str, visit: Visit) -> None:
    name = f"Lena {uuid4().hex[:8]}"
    sent = {"email": f"{uuid4().hex}@example.com", "name": name}
    await visit.page.goto(f"/docs{SUFFIXES[contract]}")

    created = await _try_out(visit.page, "users-create_user", 201, body=json.dumps(sent))
    found = await _try_out(visit.page, "users-get_user", 200, user_id=created["id"])

    await visit.page.locator("[id='operations-users-get_user']").scroll_into_view_if_needed()
    await visit.page.get_by_text("Server response").last.scroll_into_view_if_needed()
    await visit.page.screenshot(path=PICTURES / f"docs-{contract}.png")
    assert found == created
    assert found["name"] == name
    assert ("onboarded" in found) == (contract == "1.2")


@pytest.mark.parametrize("contract", SUFFIXES)
async def test_redoc_shows_every_operation(contract: str, visit: Visit) -> None:
    await visit.page.goto(f"/redoc{SUFFIXES[contract]}")

    await visit.page.get_by_role("heading", name=f"Flux data service ({contract})").wait_for()
    await visit.page.locator("[id='tag/tasks/operation/create_task']").scroll_into_view_if_needed()
    await visit.page.screenshot(path=PICTURES / f"redoc-{contract}.png")


@pytest.mark.parametrize(("page", "kind"), [("/docs", "Swagger UI"), ("/redoc", "ReDoc")])
async def test_the_pages_of_the_contracts_link_to_each_other(page: str, kind: str, visit: Visit) -> None:
    await visit.page.goto(page)
    for there in ("1.0", "1.2"):
        link = visit.page.get_by_role("link", name=kind, exact=True)
        await link.evaluate("link => link.removeAttribute('target')")
        await link.click()
        await visit.page.get_by_role("heading", name="Flux data service").first.wait_for()
        assert visit.page.url.endswith(page + SUFFIXES[there])


async def test_the_start_page_leads_to_swagger_ui(visit: Visit) -> None:
    await visit.page.goto("/")

    await visit.page.locator("[id='operations-users-create_user']").wait_for()
    assert visit.page.url.endswith("/docs")


@pytest.mark.one_gateway
@pytest.mark.parametrize("page", ["/docs", "/docs/1.0", "/redoc", "/redoc/1.0"])
async def test_a_page_runs_only_its_own_scripts_and_is_not_cached(page: str, client_1_2: httpx.AsyncClient) -> None:
    response = await client_1_2.get(page)
    head = await client_1_2.head(page)

    inline = re.findall("(?s)<script>(.*?)</script>", response.text)
    hashes = "".join(f" 'sha256-{b64encode(hashlib.sha256(each.encode()).digest()).decode()}'" for each in inline)
    policy = response.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert f"script-src 'self'{hashes};" in policy
    assert response.headers["cache-control"] == "no-cache"
    assert response.headers["x-content-type-options"] == "nosniff"
    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["content-security-policy"] == policy


@pytest.mark.one_gateway
@pytest.mark.parametrize(("page", "number"), [("/docs", 3), ("/redoc/1.0", 2)])
async def test_the_assets_of_a_page_are_cached(page: str, number: int, client_1_2: httpx.AsyncClient) -> None:
    assets = re.findall('(?:src|href)="([^"]+)"', (await client_1_2.get(page)).text)

    assert len(assets) == number
    for asset in assets:
        response = await client_1_2.get(urljoin(page, asset))
        assert response.status_code == 200
        assert response.headers["cache-control"] == "public, max-age=31536000, immutable"


@pytest.mark.one_gateway
async def test_the_start_page_and_the_documents_answer_head(client_1_2: httpx.AsyncClient) -> None:
    assert (await client_1_2.head("/")).headers["location"] == "/docs"
    assert [(await client_1_2.head(path)).status_code for path in ("/openapi.json", "/openapi-1.0.json")] == [200, 200]
