"""The benchmark measures, detects a contender with different results, and leaves nothing behind."""

import json
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread
from xml.etree import ElementTree as ET

import pytest

from benchmark import callers, deliveries, processes
from benchmark.command import parse
from benchmark.contenders import CONTENDERS, Contender
from benchmark.dataset import Dataset, load, restore, with_connection
from benchmark.deliveries import OFFERED_BY, Found, deliver_by_http, prepare
from benchmark.dialects import Rest
from benchmark.experiments import EXPERIMENTS
from benchmark.measurement import Answers, Bench, running
from benchmark.stage import stage
from benchmark.suite import experiments_of_a_run, folder_for
from benchmark.traffic import Answer, Request
from benchmark.work import WORK, Asked, Work
from benchmark.wrk import Wrk
from local_stack import LocalStack, StackError
from local_stack.project import LOCAL, ROOT

TINY = [sys.executable, str(ROOT / "scripts" / "bench"), "--sizes", "1000", "--contenders", "adapter-postgres"]


@pytest.mark.integration
def test_a_run_against_another_checkout_writes_its_three_files(tmp_path: Path) -> None:
    options = ["--work", "get,create", "--rounds", "1", "--seconds", "0.5", "--warm-up", "0.2", "--out", str(tmp_path)]
    options += ["--against", str(ROOT)]  # this checkout stands for the other one
    done = subprocess.run([*TINY, *options], capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr

    results = json.loads((tmp_path / "benchmark.json").read_text())
    measured = {(each["contender"], each["work"]): each for each in results["measurements"]}
    contenders = ("adapter-postgres", "adapter-postgres@other")
    assert set(measured) == {(name, work) for name in contenders for work in ("get", "create")}
    for each in measured.values():
        assert each["per_second"] > 0
        assert 0 < each["p50_ms"] <= each["p99_ms"]
        assert not processes.AVAILABLE or each["cpu_ms"]["Postgres"] > 0
    report = (tmp_path / "benchmark.md").read_text()
    assert "get a task" in report
    assert "target" in report
    assert ET.parse(tmp_path / "benchmark.svg").getroot().tag.endswith("svg")


@pytest.fixture(scope="module")
def staged() -> Iterator[LocalStack]:
    """A stack for the benchmark's own rows."""
    with stage(lambda _: None) as stack:
        yield stack


def test_all_contenders_give_the_same_answers_and_deliver(
    staged: LocalStack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(deliveries, "CLAIMED", 2)
    dataset, answers, compared = Dataset(1000), Answers(), []
    bench = Bench(Wrk(1), 0, 0, tmp_path)
    load(staged.database_url, dataset)
    with_connection(staged.database_url, prepare)
    for make in CONTENDERS.values():
        with running(make(staged)) as contender:
            for work in WORK.values():
                answers.compare(contender, work, bench.requests(contender, dataset, work))
                compared.append(contender.name)
            if contender.name in OFFERED_BY:
                deliver_by_http(contender, 0.1, found := Found())
                assert len(found.sent) >= len(found.claims) * 2 > 0
        restore(staged.database_url)
    assert len(compared) == len(CONTENDERS) * len(WORK)


def unasked(request: Request) -> Answer:
    raise AssertionError(request)


@pytest.mark.parametrize("work", ["patch", "bulk"])
def test_each_request_changes_its_rows_however_often_it_is_sent(work: str) -> None:
    rows: dict[str, dict[str, object]] = {}
    requests = WORK[work].requests(Asked(Dataset(10_000), Rest(keyset=True), unasked))
    assert len(requests) >= 100
    for request in requests * 2:
        tasks = request.body.get("task_ids", [request.path])
        changes = {"status": request.body["new_status"]} if "new_status" in request.body else request.body
        for task in tasks:
            row = rows.setdefault(task, {})
            assert all(row.get(name) != value for name, value in changes.items())
            row.update(changes)


def test_the_experiments_of_a_run_fill_their_tables(staged: LocalStack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(callers, "_STEPS", (1, 2))
    monkeypatch.setattr(callers, "_WORKS", ("get",))
    monkeypatch.setattr(deliveries, "CLAIMED", 2)
    dataset, bench = Dataset(1000), Bench(Wrk(1), 0.2, 0.05, tmp_path)
    load(staged.database_url, dataset)
    with running(CONTENDERS["adapter-postgres"](staged)) as contender, monkeypatch.context() as patched:
        patched.setattr(contender, "start", lambda _: None)  # one that runs already stands for all
        patched.setattr(contender, "stop", lambda: None)
        for name in CONTENDERS:
            patched.setitem(CONTENDERS, name, lambda _: contender)
        for name, expected in {"writers": 2, "deliveries": 4, "callers": 2}.items():
            experiment = EXPERIMENTS[name]
            rows = experiment.measure(bench, staged, dataset, 1, lambda _: None)
            assert len(rows) == expected
            for row in rows:
                assert len(experiment.written(row)) == len(experiment.columns)
                numbers = [number for cell in row[1:] for number in (cell if isinstance(cell, list) else [cell])]
                assert all(number > 0 for number in numbers if isinstance(number, float)), row


def test_a_whole_run_measures_these_experiments_at_its_sizes_and_a_partial_one_does_not() -> None:
    def of(options: str) -> dict[int, list[str]]:
        arguments = parse(options.split())
        return {tasks: experiments_of_a_run(arguments, tasks) for tasks in arguments.sizes}

    often = ["writers", "deliveries"]
    assert of("") == {10_000: often, 100_000: [*often, "callers"], 1_000_000: often}
    assert of("--sizes 10000") == {10_000: [*often, "callers"]}
    assert of("--work get --sizes 10000") == of("--quick") == of("--no-experiments --sizes 10000") == {10_000: []}


COMMITTED = ROOT / "docs"
ASIDE = LOCAL / "bench"


@pytest.mark.parametrize(
    ("options", "folder"),
    [
        ("", COMMITTED),
        ("--memory", COMMITTED),
        ("--workers --rounds 5", COMMITTED),
        ("--only deliveries,callers", COMMITTED),
        ("--quick --out docs", Path("docs")),
        ("--quick", ASIDE),
        ("--quick --watching", ASIDE),
        ("--sizes 10000", ASIDE),
        ("--contenders postgrest", ASIDE),
        ("--work get", ASIDE),
        ("--rounds 1", ASIDE),
        ("--seconds 0.5", ASIDE),
        ("--connections 4", ASIDE),
        ("--no-experiments", ASIDE),
        (f"--against {ROOT}", ASIDE),
    ],
)
def test_only_complete_runs_and_additions_replace_the_committed_results(options: str, folder: Path) -> None:
    measured_on = json.loads((COMMITTED / "benchmark.json").read_text())["facts"]["machine"]
    assert folder_for(parse(options.split()), measured_on) == folder


def test_results_of_another_machine_are_not_extended() -> None:
    assert folder_for(parse(["--memory"]), {"CPU": "another"}) == ASIDE


@pytest.mark.parametrize(
    "option",
    [
        "--rounds 0",
        "--rounds -1",
        "--rounds 1.5",
        "--connections -1",
        "--seconds 0",
        "--seconds nan",
        "--seconds inf",
        "--warm-up x",
    ],
)
def test_an_option_that_measures_nothing_is_refused(option: str, capsys: pytest.CaptureFixture[str]) -> None:
    name, value = option.split()
    with pytest.raises(SystemExit) as ended:
        parse([f"{name}={value}"])
    assert ended.value.code == 2
    assert f"error: argument {name}: {value} is not a " in capsys.readouterr().err


class Answering(BaseHTTPRequestHandler):
    """A contender that responds with the status and text of the path."""

    def do_GET(self) -> None:
        status, text = self.path.strip("/").split("/")[:2]
        self.send_response(int(status))
        self.end_headers()
        self.wfile.write(text.encode())

    def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002 (its name in the standard library)
        pass


@pytest.fixture(scope="module")
def answering_url() -> Iterator[str]:
    with HTTPServer(("127.0.0.1", 0), Answering) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def compare(stack: LocalStack, url: str, answers: Answers, name: str, status: int, text: str) -> None:
    contender = Contender(name, Rest(keyset=True), stack, over_postgrest=False)
    contender.url = url
    request = contender.dialect.get_task("")
    answers.compare(contender, Work("get", "get a task", lambda _: []), [type(request)("GET", f"/{status}/{text}", request.gist)])


def test_a_contender_that_answers_differently_ends_the_run(stack: LocalStack, answering_url: str) -> None:
    answers = Answers()
    compare(stack, answering_url, answers, "sqlalchemy", 200, "1")
    compare(stack, answering_url, answers, "postgrest", 200, "1")
    with pytest.raises(StackError, match="adapter-postgres and sqlalchemy answer differently to get a task"):
        compare(stack, answering_url, answers, "adapter-postgres", 200, "2")


def test_a_contender_that_answers_with_an_error_ends_the_run(stack: LocalStack, answering_url: str, tmp_path: Path) -> None:
    with pytest.raises(StackError, match="answers 500"):
        compare(stack, answering_url, Answers(), "sqlalchemy", 500, "1")
    (tmp_path / "requests.tsv").write_text("GET\t/500/1\t\t\n")
    with pytest.raises(StackError, match="answered with an error"):
        Wrk(1).drive(answering_url, tmp_path / "requests.tsv", 0.2)


def test_wrk_is_started_again_for_longer_if_it_was_not_up_yet(answering_url: str, tmp_path: Path) -> None:
    (tmp_path / "requests.tsv").write_text("GET\t/500/1\t\t\n")

    with pytest.raises(StackError, match=r"of [1-9]\d* requests"):
        Wrk(1).drive(answering_url, tmp_path / "requests.tsv", 0)


@pytest.mark.integration
@pytest.mark.skipif(not processes.AVAILABLE, reason="finds processes in Linux's /proc")
def test_an_interrupt_stops_every_process(tmp_path: Path) -> None:
    run = subprocess.Popen(
        [*TINY, "--seconds", "0.3", "--warm-up", "0.1", "--out", str(tmp_path)],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert run.stdout is not None
    for line in run.stdout:
        if "get a task" in line:
            break
    started = processes.tree(run.pid)
    assert len(started) > 3
    run.send_signal(signal.SIGINT)
    output, _ = run.communicate(timeout=60)
    assert run.returncode == 128 + signal.SIGINT, output
    assert output.rstrip().endswith("stopped")
    end = time.monotonic() + 5
    while started & processes.running() and time.monotonic() < end:
        time.sleep(0.05)
    assert not started & processes.running()
    assert not list(tmp_path.iterdir())
