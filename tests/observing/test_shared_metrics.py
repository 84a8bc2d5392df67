"""The folder in which workers count together, where it is not as it should be."""

import json
import multiprocessing
import os
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest

from dao_service.observing.metrics import Metrics
from dao_service.observing.shared_metrics import Counts, Shared, shared_between_workers


class _Supervisor:
    """The process that started this one, as multiprocessing knows it where uvicorn did."""

    pid = os.getppid()


@pytest.fixture(autouse=True)
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where this worker of uvicorn looks for the folder."""
    monkeypatch.setattr(multiprocessing, "parent_process", _Supervisor)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


def _folder(temporary: Path) -> Path:
    """Where the workers of this supervisor keep their files."""
    assert shared_between_workers() is not None
    (folder,) = temporary.iterdir()
    return folder


def _nowhere(_: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def none_is_usable() -> str:
        raise FileNotFoundError("No usable temporary directory found")

    monkeypatch.setattr(tempfile, "gettempdir", none_is_usable)


def _a_file(folder: Path, _: pytest.MonkeyPatch) -> None:
    folder.rmdir()
    folder.touch()


def _readable_by_others(folder: Path, _: pytest.MonkeyPatch) -> None:
    folder.chmod(0o755)


@pytest.mark.parametrize("spoil", [_nowhere, _a_file, _readable_by_others])
def test_a_worker_counts_alone_where_the_folder_is_not_theirs_alone(
    spoil: Callable[[Path, pytest.MonkeyPatch], None], temporary: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spoil(_folder(temporary), monkeypatch)

    assert shared_between_workers() is None
    assert b"flux_request_seconds" in Metrics().text()


def test_what_a_worker_of_another_version_counts_is_added_as_far_as_it_is_known(temporary: Path) -> None:
    folder = _folder(temporary)
    users, tasks, goals = ("1.2", "GET", "/users/"), ("1.2", "GET", "/tasks/"), ("1.2", "GET", "/goals/")
    other = {
        "counts": {
            "flux_request_seconds": [[users, [1.0, 0.5]], [tasks, [2.0]], [goals, [1.0, 1.0, 1.0]]],
            "flux_not_known_seconds": [[["x"], [1.0, 1.0]]],
        },
        "gauges": {"flux_known": 20, "flux_not_known": 7},
    }
    _file_of_a_living_worker(folder).write_text(json.dumps(other))
    counts: Counts = {"flux_request_seconds": {users: [1.0, 2.0], tasks: [1.0, 1.0]}, "flux_new_seconds": {}}

    assert Shared(folder).add_others(counts, {"flux_new": 1.0, "flux_known": 20.0}, 2) == (
        {"flux_request_seconds": {users: [2.0, 2.5], tasks: [1.0, 1.0]}, "flux_new_seconds": {}},
        {"flux_new": 1.0, "flux_known": 40.0},
    )


def test_a_file_that_says_nothing_is_left_out(temporary: Path) -> None:
    folder = _folder(temporary)
    (folder / "flux-1-1.json").write_text("{")
    _file_of_a_living_worker(folder).write_text("{}")
    counts: Counts = {"flux_request_seconds": {("1.2",): [1.0]}}

    assert Shared(folder).add_others(counts, {"flux_known": 20.0}, 1) == (counts, {"flux_known": 20.0})


def _file_of_a_living_worker(folder: Path) -> Path:
    """As if the supervisor counted too."""
    return folder / f"{folder.name.replace('-metrics', '')}.json"
