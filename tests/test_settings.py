"""What each setting does. A wrong one stops the service with one line that shows no value."""

import os
import subprocess
import sys
from typing import Any
from uuid import uuid4

import httpx
import pytest

from dao_service.settings import Settings, load_settings
from local_stack import LocalStack
from local_stack.processes import wait_until
from tests.answers import refused
from tests.conftest import make_user_data

SECRET = "hunter2-which-no-message-shows"
ENOUGH = {"SUPABASE_URL": "http://127.0.0.1:54321", "SUPABASE_SERVICE_ROLE_KEY": SECRET}
WRONG = [
    ("SUPABASE_URL", f"{SECRET}"),
    ("SUPABASE_URL", f"ftp://{SECRET}.example"),
    ("SUPABASE_URL", "http://"),
    ("SUPABASE_URL", f"http://[{SECRET}"),
    ("SUPABASE_URL", f"http://127.0.0.1:{SECRET}"),
    ("SUPABASE_URL", "http://127.0.0.1:70000"),
    ("SUPABASE_SERVICE_ROLE_KEY", f"{SECRET}\n{SECRET}"),
    ("SUPABASE_SERVICE_ROLE_KEY", f"{SECRET} schlüssel"),
    ("POSTGREST_URL", f"postgresql://{SECRET}@127.0.0.1"),
    ("POSTGREST_URL", f"unix:{SECRET}.sock"),
    ("DATABASE_URL", f"mysql://root:{SECRET}@127.0.0.1/db"),
    ("DATABASE_URL", SECRET),
    ("SERVICE_API_KEYS", SECRET),
    ("SERVICE_API_KEYS", f'"{SECRET}"'),
    ("SERVICE_API_KEYS", "5"),
    ("SERVICE_API_KEYS", "null"),
    ("SERVICE_API_KEYS", f'["{SECRET}", 1]'),
    ("SERVICE_API_KEYS", f'{{"{SECRET}": "3.0"}}'),
    ("SERVICE_API_KEYS", f'{{"{SECRET}": 1.2}}'),
    ("SERVICE_API_KEYS", f'{{"{SECRET}": ["1.2"]}}'),
    ("SERVICE_API_KEYS", '{"": "1.2"}'),
    ("SERVICE_API_KEYS", '[""]'),
    ("REQUIRE_SERVICE_KEY", SECRET),
    ("MAX_BODY_BYTES", "0"),
    ("MAX_BODY_BYTES", "1.5"),
    ("MAX_BODY_BYTES", SECRET),
    ("GATEWAY_TIMEOUT_SECONDS", "0"),
    ("GATEWAY_TIMEOUT_SECONDS", "-1"),
    ("GATEWAY_TIMEOUT_SECONDS", "nan"),
    ("GATEWAY_TIMEOUT_SECONDS", "inf"),
    ("GATEWAY_TIMEOUT_SECONDS", SECRET),
    ("GATEWAY_CONNECTIONS", "0"),
    ("GATEWAY_CONNECTIONS", SECRET),
    ("LOG_LEVEL", SECRET),
    ("LOG_FORMAT", SECRET),
]


@pytest.fixture
def set_only(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Set these environment variables, and unset every other setting."""
    for name in (*Settings.model_fields, "secrets_dir"):
        monkeypatch.delenv(name.upper(), raising=False)

    def set_variables(variables: dict[str, str]) -> None:
        for name, value in variables.items():
            monkeypatch.setenv(name, value)

    return set_variables


def _line_that_ends_it() -> str:
    with pytest.raises(SystemExit) as ended:
        load_settings()
    line = str(ended.value)
    assert line.startswith("flux-dao-service: ")
    assert "\n" not in line
    assert SECRET not in line
    return line


def _run(environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    settings = {name.upper() for name in Settings.model_fields}
    inherited = {name: value for name, value in os.environ.items() if name not in settings}
    command = [sys.executable, "-m", "uvicorn", "dao_service.main:app", "--port", "1"]
    return subprocess.run(command, env=inherited | environment, capture_output=True, text=True, timeout=60, check=False)


@pytest.mark.parametrize(
    ("environment", "named"),
    [
        ({}, ["SUPABASE_URL", "SUPABASE_SERVICE_ROLE_KEY", "DATABASE_URL"]),
        ({**ENOUGH, "SERVICE_API_KEYS": f'{{"{SECRET}": "3.0"}}', "LOG_LEVEL": SECRET}, ["SERVICE_API_KEYS", "LOG_LEVEL"]),
    ],
    ids=["nothing set", "wrong values"],
)
def test_wrong_settings_stop_uvicorn_with_one_readable_line(environment: dict[str, str], named: list[str]) -> None:
    ended = _run(environment)

    assert ended.returncode != 0
    (line,) = (ended.stdout + ended.stderr).splitlines()
    assert line.startswith("flux-dao-service: ")
    assert [name for name in named if name not in line] == []
    assert SECRET not in line


@pytest.mark.parametrize(("name", "value"), WRONG, ids=lambda each: each.replace(SECRET, "…"))
def test_an_invalid_value_is_reported_in_one_line_without_the_value(name: str, value: str, set_only: Any) -> None:
    set_only({**ENOUGH, name: value})

    assert f" {name}: " in _line_that_ends_it()


def test_every_wrong_setting_is_named_at_once(set_only: Any) -> None:
    wrong = {"SUPABASE_URL": "x", "SERVICE_API_KEYS": "x", "REQUIRE_SERVICE_KEY": "x", "MAX_BODY_BYTES": "x", "LOG_FORMAT": "x"}
    set_only({**ENOUGH, **wrong})

    line = _line_that_ends_it()

    assert [name for name in wrong if f" {name}: " not in line] == []


@pytest.mark.parametrize(
    "environment",
    [{}, {"SUPABASE_SERVICE_ROLE_KEY": SECRET}, {"SUPABASE_URL": "http://127.0.0.1"}, {"POSTGREST_URL": "http://127.0.0.1"}],
    ids=lambda each: " ".join(each) or "nothing",
)
def test_settings_without_a_database_are_refused_with_what_to_set(environment: dict[str, str], set_only: Any) -> None:
    set_only(environment)

    assert "SUPABASE_SERVICE_ROLE_KEY" in _line_that_ends_it()


@pytest.mark.parametrize(
    "environment",
    [
        ENOUGH,
        {"POSTGREST_URL": "unix:/run/postgrest.sock", "SUPABASE_SERVICE_ROLE_KEY": "sb_secret_x"},
        {"POSTGREST_URL": "http://postgrest:3000", "SUPABASE_SERVICE_ROLE_KEY": SECRET},
        {"DATABASE_URL": "postgresql+asyncpg://postgres:postgres@localhost:54322/postgres"},
        {"DATABASE_URL": "postgres://postgres@localhost/postgres"},
        {"DATABASE_URL": "postgresql:///postgres?host=/run/postgresql"},
        {**ENOUGH, "SUPABASE_URL": "https://abc.supabase.co/", "LOG_LEVEL": "", "MAX_BODY_BYTES": ""},
        {**ENOUGH, "SERVICE_API_KEYS": "[]"},
        {**ENOUGH, "SERVICE_API_KEYS": "{}"},
        {**ENOUGH, "SERVICE_API_KEYS": '{"a": "1.0", "b": "1.2"}', "REQUIRE_SERVICE_KEY": "FALSE"},
        {**ENOUGH, "NO_SUCH_SETTING": "x"},
    ],
    ids=str,
)
def test_valid_settings_are_accepted(environment: dict[str, str], set_only: Any) -> None:
    set_only(environment)

    assert isinstance(load_settings(), Settings)


REFUSED = "The database refuses the service's key or password."
WITHOUT_THE_RIGHT = "The service's key or login does not act as service_role with a limit of time."


@pytest.mark.parametrize(
    ("key", "detail"),
    [("forged", REFUSED), ("sb_secret_of_nobody", WITHOUT_THE_RIGHT), ("public", WITHOUT_THE_RIGHT), ("user's", WITHOUT_THE_RIGHT)],
)
def test_readiness_reports_a_key_that_is_not_the_services(key: str, detail: str, stack: LocalStack) -> None:
    keys = {"forged": f"{stack.service_role_key[:-4]}AAAA", "public": stack.anon_key, "user's": stack.mint(uuid4())}
    adapter = stack.adapter(environment={"SUPABASE_SERVICE_ROLE_KEY": keys.get(key, key)})
    try:
        adapter.start(ready_path="/health")
        answer = httpx.get(f"{adapter.url}/ready")
    finally:
        adapter.stop()

    assert answer.status_code == 503
    assert answer.json() == {"status": "not_ready", "detail": detail}


def test_printing_the_settings_shows_no_key(set_only: Any) -> None:
    set_only({**ENOUGH, "DATABASE_URL": f"postgresql://postgres:{SECRET}@127.0.0.1/postgres"})

    assert SECRET not in f"{load_settings()!r} {load_settings()}"


@pytest.mark.parametrize(
    "way",
    [{"POSTGREST_URL": ""}, {"SUPABASE_URL": ""}],
    ids=["through the project's gateway", "through PostgREST alone"],
)
def test_both_settings_of_the_data_api_work_and_limits_and_log_level_apply(way: dict[str, str], stack: LocalStack) -> None:
    logs_text = "SUPABASE_URL" in way
    log_settings = {"LOG_FORMAT": "text"} if logs_text else {"LOG_LEVEL": "error"}
    quiet, loud = uuid4().hex, uuid4().hex
    with stack.adapter(environment={**way, **log_settings, "MAX_BODY_BYTES": "200"}) as adapter:
        log = adapter.log
        with httpx.Client(base_url=adapter.url, timeout=30) as caller:
            created = caller.post("/api/v1/users/", json=make_user_data(), headers={"X-Request-ID": quiet})
            too_large = caller.post("/api/v1/users/", json=make_user_data(name="x" * 200), headers={"X-Request-ID": loud})

    assert created.status_code == 201
    assert "200" in refused(too_large, 413)["detail"]
    if logs_text:
        assert wait_until(lambda: loud in log.read_text(), 5)
        line = next(line for line in log.read_text().splitlines() if quiet in line)
        assert "{" not in line
        assert "status=201" in line
    else:
        assert quiet not in log.read_text()
        assert loud not in log.read_text()
