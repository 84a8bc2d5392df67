"""The Supabase CLI against a local stack."""

import httpx
import pytest

from local_stack import LocalStack
from local_stack.migrations import seed
from local_stack.processes import wait_until
from tests.conftest import create, make_user_data
from tests.scripts.dev import SCRIPTS
from tests.scripts.test_commands import run

pytestmark = pytest.mark.integration


async def test_db_reset_leaves_a_running_service_with_the_example_data_alone() -> None:
    with LocalStack() as stack, stack.adapter() as adapter:
        seed(stack.database_url)
        async with httpx.AsyncClient(base_url=adapter.url) as client:
            await create(client, "users", make_user_data())
        assert total(adapter.url) == 4

        done = run(SCRIPTS / "supabase", "db", "reset", f"--remote={stack.database_url}", "--yes")

        assert done.returncode == 0, done.stderr
        assert wait_until(lambda: total(adapter.url) == 3, 10)


def total(url: str) -> int | None:
    """How many users there are; None if the list can't be read."""
    found: int | None = httpx.get(f"{url}/api/v1/users/").json().get("total")
    return found
