"""Commands used wrongly: one line that says what to do, no traceback, and nothing starts."""

import errno
import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from local_stack import PortTaken, StackError, free_port
from local_stack.ports import require_free
from local_stack.project import ROOT

SCRIPTS = ROOT / "scripts"
USER = "11111111-1111-4111-8111-111111111111"


def run(*command: str | Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run a command with its own ports, so that a running stack does not matter, and without a hosted project."""
    ports = {variable: str(free_port()) for variable in ("PORT", "POSTGREST_PORT", "DB_PORT")}
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("SUPABASE_")}
    return subprocess.run(command, env=inherited | ports | environment, cwd=ROOT, capture_output=True, text=True, timeout=60)


def dev(**environment: str) -> subprocess.CompletedProcess[str]:
    return run(sys.executable, SCRIPTS / "dev", **environment)


def the_line(done: subprocess.CompletedProcess[str]) -> str:
    """The only line that the command printed, on standard error."""
    assert done.returncode == 1, done.stdout + done.stderr
    assert done.stdout == ""
    (line,) = done.stderr.splitlines()
    assert line.startswith("error: ")
    return line


@pytest.mark.parametrize("inside", ["", "home"])
def test_a_home_that_is_a_file_or_in_one_is_refused(inside: str, tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.touch()

    line = the_line(dev(FLUX_HOME=str(file / inside)))

    assert f"{file / inside} is not a folder" in line
    assert "FLUX_HOME" in line


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="/proc is a folder that even root can't write to")
@pytest.mark.parametrize("home", ["/proc", "/proc/nope"])
def test_a_home_that_is_not_writable_is_refused(home: str) -> None:
    line = the_line(dev(FLUX_HOME=home))

    assert f"{home} can't be written to" in line
    assert "FLUX_HOME" in line


@pytest.mark.parametrize(("name", "value"), [("SERVICE_API_KEYS", "foo"), ("LOG_LEVEL", "loud"), ("MAX_BODY_BYTES", "0")])
def test_a_wrong_setting_of_the_adapter_is_reported_before_anything_starts(name: str, value: str, tmp_path: Path) -> None:
    line = the_line(dev(FLUX_HOME=str(tmp_path), **{name: value}))

    assert line.startswith(f"error: {name}: ")
    assert not (tmp_path / "postgres").exists()
    assert not (tmp_path / "logs").exists()


def test_a_wrong_address_of_a_hosted_project_is_reported_before_anything_starts(tmp_path: Path) -> None:
    line = the_line(dev(FLUX_HOME=str(tmp_path), SUPABASE_URL="abc.supabase.co", SUPABASE_SERVICE_ROLE_KEY="key"))

    assert line.startswith("error: SUPABASE_URL: ")


@pytest.mark.parametrize(
    ("number", "kind", "words"),
    [(errno.EACCES, StackError, "PORT to a port above 1023"), (errno.EADDRINUSE, PortTaken, "port 81 is taken")],
    ids=["not allowed", "in use"],
)
def test_the_error_about_an_unusable_port_gives_the_reason(
    number: int, kind: type[StackError], words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(socket.socket, "bind", refuse)  # root may use all of them

    with pytest.raises(StackError, match=words) as refused:
        require_free({"PORT": 81})
    assert type(refused.value) is kind


@pytest.mark.parametrize("port", ["abc", "0", "99999"])
def test_migrating_to_an_invalid_port_is_refused(port: str) -> None:
    assert f"DB_PORT={port} is not a port" in the_line(run("bash", SCRIPTS / "supabase_setup.sh", DB_PORT=port))


def test_migrating_without_a_database_is_one_line() -> None:
    port = str(free_port())
    line = the_line(run("bash", SCRIPTS / "supabase_setup.sh", DB_PORT=port))
    assert f"no database at port {port}" in line
    assert "DB_PORT" in line


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["notauuid"], "notauuid is not a UUID"),
        ([USER, "--seconds=-5"], "-5 is not a whole number from 1"),
        ([USER, "--seconds=soon"], "soon is not a whole number from 1"),
    ],
)
def test_a_token_that_would_be_useless_is_not_minted(arguments: list[str], words: str) -> None:
    done = run(sys.executable, SCRIPTS / "mint-jwt", *arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert words in done.stderr.splitlines()[-1]


@pytest.mark.parametrize("arguments", [["--help"], ["-h"], ["--upgrade", "--help"]], ids=" ".join)
def test_lock_help_changes_no_lock_file(arguments: list[str]) -> None:
    locked = [ROOT / name for name in ("requirements.txt", "requirements-dev.txt", "package-lock.json")]
    before = [file.stat().st_mtime_ns for file in locked]
    # If it tried to lock after all, it would fail without asking a registry.
    done = run("bash", SCRIPTS / "lock", *arguments, UV_OFFLINE="1", UV_NO_CACHE="1", npm_config_offline="true")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("usage: scripts/lock")
    assert [file.stat().st_mtime_ns for file in locked] == before


def test_the_summary_of_checks_without_tests_counts_none() -> None:
    done = run(sys.executable, SCRIPTS / "test", "--only", "format")
    assert "formatting (ruff)" in done.stdout
    assert " passed" not in done.stdout


def test_python_is_compiled_once_even_where_no_pyc_files_are_wanted(tmp_path: Path) -> None:
    settings = {"PYTHONDONTWRITEBYTECODE": "1", "PYTHONPYCACHEPREFIX": str(tmp_path)}

    run(sys.executable, SCRIPTS / "test", "--only", "format", **settings)

    assert list(tmp_path.rglob("ruff/*.pyc"))


def test_the_supabase_cli_runs_without_node(tmp_path: Path) -> None:
    (tmp_path / "python3").symlink_to(sys.executable)

    done = run(SCRIPTS / "supabase", "--version", PATH=str(tmp_path))

    assert done.returncode == 0, done.stderr
    locked = json.loads((ROOT / "package.json").read_text())["optionalDependencies"]
    assert done.stdout.strip() == locked["@supabase/cli-linux-x64"]
