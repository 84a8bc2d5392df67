"""Debian's Prometheus with the configuration and the rules of deploy/prometheus, which scrapes one adapter."""

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import yaml

from local_stack.debian import debian_program
from local_stack.http_servers import Adapter, status_of
from local_stack.ports import LOOPBACK, free_port
from local_stack.processes import Server, run
from local_stack.project import ROOT

FOLDER = ROOT / "deploy" / "prometheus"
_EVERY = "1s"


class Prometheus:
    """What it knows."""

    def __init__(self, port: int) -> None:
        self._url = f"http://{LOOPBACK}:{port}/api/v1"

    def firing(self) -> set[str]:
        """The names of the alerts that fire."""
        return {alert["labels"]["alertname"] for alert in self._get("/alerts")["alerts"] if alert["state"] == "firing"}

    def found(self, series: str) -> bool:
        """Whether it has a series of this name."""
        return bool(self._get("/query", query=series)["result"])

    def _get(self, path: str, **parameters: str) -> dict[str, Any]:
        answer: dict[str, Any] = httpx.get(f"{self._url}{path}", params=parameters, timeout=5).raise_for_status().json()["data"]
        return answer


@contextmanager
def scraping(adapter: Adapter, home: Path) -> Iterator[Prometheus]:
    """Prometheus with the files as they are, but it looks every second, at this adapter alone, and alerts at once."""
    program = debian_program("prometheus", "prometheus")
    port, folder = free_port(), home / "prometheus"
    folder.mkdir(exist_ok=True)
    config = yaml.safe_load((FOLDER / "prometheus.yml").read_text())
    config["global"] = {"scrape_interval": _EVERY, "evaluation_interval": _EVERY}
    config["rule_files"] = ["alerts.yml"]
    config["scrape_configs"] = [job for job in config["scrape_configs"] if job["job_name"] == "flux"]
    config["scrape_configs"][0]["static_configs"] = [{"targets": [f"{LOOPBACK}:{adapter.port}"]}]
    (folder / "prometheus.yml").write_text(yaml.safe_dump(config))
    rules = (FOLDER / "alerts.yml").read_text()
    (folder / "alerts.yml").write_text(re.sub(r"\bfor: \w+", "for: 0s", rules))

    server = Server("Prometheus", home / "logs" / "prometheus.log")
    options = [f"--config.file={folder / 'prometheus.yml'}", f"--storage.tsdb.path={folder / 'data'}"]
    server.spawn(
        [program.path, *options, f"--web.listen-address={LOOPBACK}:{port}"],
        env=os.environ | {"LD_LIBRARY_PATH": program.library_path},
    )
    try:
        server.await_ready(lambda: status_of(port, "/-/ready") == 200)
        yield Prometheus(port)
    finally:
        server.stop()


def promtool(*arguments: str | Path) -> None:
    """Run promtool. Raises StackError with its output if it finds something."""
    program = debian_program("prometheus", "promtool")
    environment = os.environ | {"LD_LIBRARY_PATH": program.library_path}
    run([program.path, *arguments], env=environment, check=f"promtool {arguments[0]}")
