"""A log that cannot be written."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from local_stack import LocalStack, free_port
from local_stack.http_servers import status_of
from local_stack.processes import wait_until
from tests.answers import refused
from tests.conftest import make_user_data

pytestmark = pytest.mark.faults


@pytest.fixture
def url(stack: LocalStack) -> Iterator[str]:
    """A service whose log goes to a full disk."""
    port = free_port()
    inherited = {name: value for name, value in os.environ.items() if name != "DATABASE_URL"}
    environment = inherited | stack.adapter_environment() | {"DRAIN_SECONDS": "0"}
    command = [sys.executable, "-m", "dao_service", "--port", str(port), "--no-access-log"]
    with Path("/dev/full").open("wb") as full, subprocess.Popen(command, env=environment, stdout=full, stderr=full) as service:
        try:
            assert wait_until(lambda: status_of(port, "/ready") == 200, 30)
            yield f"http://127.0.0.1:{port}"
        finally:
            service.terminate()
    assert service.returncode in (0, -15)


def _dropped(caller: httpx.Client) -> int:
    found = re.search(r"^flux_log_lines_dropped_total (\d+)", caller.get("/metrics").text, re.MULTILINE)
    assert found is not None
    return int(found[1])


def test_lines_that_cannot_be_logged_are_dropped_and_counted_and_no_request_notices(url: str) -> None:
    with httpx.Client(base_url=url, timeout=20) as caller:
        before = _dropped(caller)
        for _ in range(10):
            assert caller.post("/api/v1/users/", json=make_user_data()).status_code == 201
            refused(caller.post("/api/v1/users/", json={}), 422, "email")

        assert wait_until(lambda: _dropped(caller) >= before + 20, 5)
