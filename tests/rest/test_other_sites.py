"""Pages of other sites in a real browser, against a service that requires no key and is guarded by the loopback interface alone."""

import json
import os
from collections.abc import AsyncIterator, Iterator
from typing import Any
from uuid import uuid4

import httpx
import pytest
from playwright.async_api import Browser, async_playwright

from local_stack import LocalStack
from local_stack.browser import ARGUMENTS, chromium
from local_stack.http_servers import Adapter
from tests.conftest import make_user_data
from tests.locks import Database

REBOUND = "rebound.example"
FEATURES = "LocalNetworkAccessChecks,BlockInsecurePrivateNetworkRequests,PrivateNetworkAccessSendPreflights"
"""Chromium's own protection, which would stop most of this and which other browsers lack."""
RESOLVER = f"--host-resolver-rules=MAP {REBOUND} 127.0.0.1, MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE 0.0.0.0"
ATTACK = """async ([url, user, emails]) => {
  const bodies = emails.map((email) => JSON.stringify({email}));
  const json = {"Content-Type": "application/json"};
  const attempts = {
    "untyped": () => fetch(`${url}/users/`, {method: "POST", mode: "no-cors", body: new Blob([bodies[0]])}),
    "as text": () => fetch(`${url}/users/`, {method: "POST", mode: "no-cors", body: bodies[1]}),
    "beacon": () => navigator.sendBeacon(`${url}/users/`, new Blob([bodies[2]])),
    "as JSON": () => fetch(`${url}/users/`, {method: "POST", headers: json, body: bodies[3]}),
    "delete": () => fetch(`${url}/users/${user}`, {method: "DELETE"}),
    "change": () => fetch(`${url}/users/${user}`, {method: "PATCH", headers: json, body: '{"name": "Changed"}'}),
  };
  for (const attempt of Object.values(attempts)) {
    try { await attempt(); } catch {}
  }
  try { return await (await fetch(`${url}/users/${user}`)).text(); } catch { return ""; }
}"""


@pytest.fixture(scope="module")
async def browser() -> AsyncIterator[Browser]:
    found = chromium()
    others = [each for each in ARGUMENTS if "host-resolver-rules" not in each]
    async with async_playwright() as playwright:
        running = await playwright.chromium.launch(
            executable_path=found.path,
            args=[*others, RESOLVER, f"--disable-features={FEATURES}"],
            env={**os.environ, **found.environment},
        )
        yield running
        await running.close()


@pytest.fixture(scope="module")
def adapter(stack: LocalStack) -> Iterator[Adapter]:
    with stack.adapter() as running:
        yield running


async def _attack(
    browser: Browser, adapter: Adapter, database: Database, page_url: str, target: str
) -> tuple[dict[str, Any] | None, int, str]:
    """A page at `page_url` tries what it can with the service at `target`.

    The user that it tried to change and delete, how many users it created, and what it read.
    """
    emails = [f"{uuid4().hex}@example.com" for _ in range(4)]
    async with httpx.AsyncClient(base_url=f"{adapter.url}/api/v1") as caller:
        user = (await caller.post("/users/", json=make_user_data(name="Lena"))).json()
        page = await browser.new_page()
        await page.route(page_url, lambda route: route.fulfill(body="<!doctype html>", content_type="text/html"))
        await page.goto(page_url)
        await page.unroute_all()  # while it routes, Playwright answers preflights
        read = await page.evaluate(ATTACK, [f"{target}/api/v1", user["id"], emails])
        await page.close()
        left = await caller.get(f"/users/{user['id']}")
    created = await database.fetchval("select count(*) from public.users where email = any($1)", emails)
    return left.json() if left.status_code == 200 else None, created, read


@pytest.mark.parametrize("host", ["127.0.0.1", "0.0.0.0"])
@pytest.mark.parametrize("page_url", ["http://elsewhere.example/", "http://127.0.0.1:8099/"])
async def test_a_page_of_another_origin_reads_and_changes_nothing(
    page_url: str, host: str, browser: Browser, adapter: Adapter, database: Database
) -> None:
    refusals = adapter.log.read_text().count('"status":403')

    user, created, read = await _attack(browser, adapter, database, page_url, f"http://{host}:{adapter.port}")

    assert user is not None
    assert (user["name"], created, read) == ("Lena", 0, "")
    assert adapter.log.read_text().count('"status":403') > refusals, "none of its requests was refused"


async def test_a_page_whose_name_resolves_to_loopback_reads_and_changes_nothing(
    browser: Browser, adapter: Adapter, database: Database
) -> None:
    origin = f"http://{REBOUND}:{adapter.port}"

    user, created, read = await _attack(browser, adapter, database, f"{origin}/page", origin)

    assert user is not None
    assert (user["name"], created) == ("Lena", 0)
    assert json.loads(read).keys() == {"detail"}


async def test_a_page_of_the_services_own_origin_reads_and_changes(browser: Browser, adapter: Adapter, database: Database) -> None:
    user, created, read = await _attack(browser, adapter, database, f"{adapter.url}/page", adapter.url)

    assert (user, created) == (None, 1)
    assert json.loads(read)["detail"] == "There is no row with this id."
