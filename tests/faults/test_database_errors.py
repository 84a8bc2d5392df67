"""Errors of the database: the response and the log line."""

from collections.abc import Mapping
from uuid import uuid4

import httpx
import pytest

from local_stack import LocalStack
from local_stack.database import execute_script
from local_stack.http_servers import Adapter
from local_stack.processes import wait_until
from tests.answers import refused
from tests.faults.breaking import PATTERNS, await_recovery, caller_of, create_user


@pytest.mark.parametrize(
    ("code", "status"),
    [
        ("XX000", 500),
        ("42P01", 500),
        ("42501", 500),
        ("P0001", 500),
        ("40P01", 503),
        ("53300", 503),
        ("53200", 503),
        ("57P01", 503),
        ("25006", 503),
        ("57014", 504),
        ("55P03", 504),
        ("22003", 422),
        ("54000", 422),
        ("22P02", 422),
        ("23514", 422),
        ("23505", 409),
    ],
)
def test_a_database_error_gets_its_status_and_reveals_nothing(
    code: str, status: int, caller: httpx.Client, broken_stack: LocalStack
) -> None:
    await_recovery(caller)
    secret, request_id = uuid4().hex, uuid4().hex
    data = {"user_id": create_user(caller), "pattern_type": code, "description": secret}

    response = caller.post(PATTERNS, json=data, headers={"X-Request-ID": request_id})

    refused(response, status)
    assert secret not in response.text
    assert ("retry-after" in response.headers) == (status == 503)
    log = broken_stack.home / "logs" / "adapter.log"
    assert wait_until(lambda: request_id in log.read_text(), 5), "there is no log line"
    line = next(line for line in log.read_text().splitlines() if request_id in line)
    assert f'"status":{status}' in line
    assert (code in line) == (status == 500)
    assert secret not in log.read_text()


@pytest.mark.faults
def test_a_function_that_the_data_api_does_not_know_yet_is_500_and_the_log_names_the_reload(
    adapters: Mapping[str, Adapter], broken_stack: LocalStack
) -> None:
    statistics = {"user_id": str(uuid4()), "start_date": "2026-01-01T00:00:00Z", "end_date": "2026-02-01T00:00:00Z"}
    hint = "PGRST202: the Data API does not know it yet: notify pgrst, 'reload schema'"

    def rename(old: str, new: str) -> None:
        reload = "notify pgrst, 'reload schema'"
        execute_script(broken_stack.database_url, f"alter function public.{old} rename to {new}; {reload}")

    with caller_of(adapters["postgrest"]) as caller:
        await_recovery(caller)

        def ask() -> httpx.Response:
            return caller.get("/api/v1/tasks/statistics", params=statistics)

        rename("get_task_statistics", "get_new_statistics")
        try:
            assert wait_until(lambda: ask().status_code == 500 and hint in adapters["postgrest"].log.read_text(), 10)
        finally:
            rename("get_new_statistics", "get_task_statistics")
        assert wait_until(lambda: ask().status_code == 200, 10)
