"""Three machines with deploy/patroni on loopback: an etcd, a Patroni and a Postgres each, and HAProxy in front."""

import contextlib
import os
import shutil
import signal
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from local_stack.account import Account, reachable_directory, server_account
from local_stack.debian import debian_postgres, debian_program
from local_stack.errors import StackError
from local_stack.ports import LOOPBACK, free_port
from local_stack.postgres import DATABASE, PASSWORD, SUPERUSER
from local_stack.processes import Server, run, wait_until
from local_stack.project import LOCAL, ROOT, VENV

FOLDER = ROOT / "deploy" / "patroni"
TTL_SECONDS = 20
_PACKAGES = ("patroni[etcd3]==4.1.*", "psycopg[binary]")
_PYTHON = Path("/usr/bin/python3")  # Patroni runs as an ordinary user, who may not reach ours


@dataclass
class Node:
    """A machine: what runs on it is known by its process ids."""

    name: str
    home: Path
    etcd: Server
    patroni: Server
    rest_port: int
    postgres_port: int
    etcd_urls: tuple[str, str]
    environment: dict[str, str] = field(default_factory=dict)

    def pids(self) -> list[int]:
        """All of its processes."""
        found = [pid for pid in (self.etcd.pid, self.patroni.pid) if pid]
        with contextlib.suppress(OSError, ValueError):
            postmaster = int((self.home / "data" / "postmaster.pid").read_text().split("\n", 1)[0])
            # After a crash, another program may have this process id.
            if os.fsencode(self.home) in Path(f"/proc/{postmaster}/cmdline").read_bytes():
                found += [postmaster, *children_of(postmaster)]
        return found

    def send(self, what: signal.Signals) -> None:
        """Send a signal to all of its processes at once."""
        for pid in self.pids():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, what)

    def status(self) -> dict[str, Any]:
        """What its Patroni says; nothing if it does not answer."""
        with contextlib.suppress(httpx.HTTPError, ValueError):
            status: dict[str, Any] = httpx.get(f"http://{LOOPBACK}:{self.rest_port}/patroni", timeout=2).json()
            return status
        return {}


def children_of(pid: int) -> list[int]:
    """The process ids of a process's children."""
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


class Cluster:
    """The machines, and the address of the primary."""

    def __init__(self, nodes: Sequence[Node], port: int) -> None:
        self.nodes = nodes
        self.port = port

    @property
    def url(self) -> str:
        return f"postgresql://{SUPERUSER}:{PASSWORD}@{LOOPBACK}:{self.port}/{DATABASE}"

    def leader(self) -> Node | None:
        return next((node for node in self.nodes if node.status().get("role") == "primary"), None)

    def is_whole(self) -> bool:
        """Whether there is a leader, and two standbys stream from it."""
        streaming = [node.status().get("replication_state") for node in self.nodes].count("streaming")
        return self.leader() is not None and streaming == len(self.nodes) - 1

    def await_whole(self, seconds: float = 120) -> Node:
        """The leader."""
        if not wait_until(self.is_whole, seconds) or (leader := self.leader()) is None:
            logs = "\n".join(node.patroni.log_of_this_run(8) for node in self.nodes)
            raise StackError(f"the cluster is not whole after {seconds:.0f} seconds:\n{logs}")
        return leader

    def start(self, node: Node) -> None:
        """Start its etcd and its Patroni, which starts its Postgres."""
        node.etcd.spawn([debian_program("etcd-server", "etcd").path], env=node.environment)
        node.patroni.spawn([_venv(server_account(node.home)) / "bin" / "patroni", _config(node)], env=node.environment)


def _config(node: Node) -> Path:
    return node.home.parent / "patroni.yml"


def _venv(account: Account | None) -> Path:
    """Patroni in an environment that the account can reach."""
    folder = reachable_directory(LOCAL / "patroni", account) / "patroni-environment"
    if not (folder / "bin" / "patroni").exists():
        uv = VENV / "bin" / "uv"
        run([uv, "venv", "--clear", "--python", _PYTHON, folder], check="making an environment for Patroni")
        run([uv, "pip", "install", "--python", folder / "bin" / "python", *_PACKAGES], check="installing Patroni")
    return folder


@contextmanager
def cluster(home: Path) -> Iterator[Cluster]:
    """Start three machines and HAProxy in this folder, and stop them."""
    account = server_account(home / "no-data")
    programs = debian_postgres().programs.reachable_by(account, home / "programs")
    ports = [free_port() for _ in range(13)]
    nodes = [_node(home, nth, ports[4 * nth : 4 * nth + 4], account) for nth in range(3)]
    shutil.copy(FOLDER / "patroni.yml", home / "patroni.yml")  # where the account can read it
    (home / "patroni.yml").chmod(0o644)
    members = ",".join(f"{node.name}={node.etcd_urls[1]}" for node in nodes)
    shared = dict(line.split("=", 1) for line in (FOLDER / "etcd.env").read_text().splitlines() if line and line[0] != "#")
    etcd_hosts = ",".join(node.etcd_urls[0].removeprefix("http://") for node in nodes)
    for node in nodes:
        node.environment |= shared | {
            "LD_LIBRARY_PATH": programs.library_path(),
            "ETCD_INITIAL_CLUSTER": members,
            "PATRONI_ETCD3_HOSTS": etcd_hosts,
            "PATRONI_POSTGRESQL_BIN_DIR": str(programs.command("postgres").parent),
        }
    haproxy = Server("HAProxy", home / "logs" / "haproxy.log")
    found = Cluster(nodes, ports[12])
    try:
        for node in nodes:
            found.start(node)
        haproxy_environment = {"FLUX_PRIMARY": f"{LOOPBACK}:{found.port}"}
        for nth, node in enumerate(nodes, 1):
            haproxy_environment |= {f"FLUX_NODE{nth}": f"{LOOPBACK}:{node.postgres_port}", f"FLUX_REST{nth}": str(node.rest_port)}
        program = debian_program("haproxy", "haproxy", directory=Path("usr/sbin"))
        library_path = {"LD_LIBRARY_PATH": program.library_path}
        haproxy.spawn([program.path, "-db", "-f", FOLDER / "haproxy.cfg"], env=os.environ | library_path | haproxy_environment)
        found.await_whole()
        yield found
    finally:
        haproxy.stop()
        for node in nodes:
            node.send(signal.SIGKILL)
            node.patroni.kill()
            node.etcd.kill()


def _node(home: Path, nth: int, ports: Sequence[int], account: Account | None) -> Node:
    postgres, rest, client, peer = ports
    name = f"node{nth + 1}"
    folder = home / name
    folder.mkdir()
    if account:
        os.chown(folder, account.uid, account.gid)
    client_url, peer_url = (f"http://{LOOPBACK}:{port}" for port in (client, peer))
    environment = {
        "PATH": os.environ.get("PATH", ""),
        "HOME": str(folder),
        "LC_ALL": "C.UTF-8",
        "ETCD_NAME": name,
        "ETCD_DATA_DIR": str(folder / "etcd"),
        "ETCD_LISTEN_CLIENT_URLS": client_url,
        "ETCD_ADVERTISE_CLIENT_URLS": client_url,
        "ETCD_LISTEN_PEER_URLS": peer_url,
        "ETCD_INITIAL_ADVERTISE_PEER_URLS": peer_url,
        "PATRONI_NAME": name,
        "PATRONI_RESTAPI_LISTEN": f"{LOOPBACK}:{rest}",
        "PATRONI_RESTAPI_CONNECT_ADDRESS": f"{LOOPBACK}:{rest}",
        "PATRONI_POSTGRESQL_LISTEN": f"{LOOPBACK}:{postgres}",
        "PATRONI_POSTGRESQL_CONNECT_ADDRESS": f"{LOOPBACK}:{postgres}",
        "PATRONI_POSTGRESQL_DATA_DIR": str(folder / "data"),
        "PATRONI_SUPERUSER_USERNAME": SUPERUSER,
        "PATRONI_SUPERUSER_PASSWORD": PASSWORD,
        "PATRONI_REPLICATION_USERNAME": "replicator",
        "PATRONI_REPLICATION_PASSWORD": PASSWORD,
    }
    etcd, patroni = (
        Server(f"{what} of {name}", home / "logs" / f"{what}-{name}.log", account=account) for what in ("etcd", "Patroni")
    )
    return Node(name, folder, etcd, patroni, rest, postgres, (client_url, peer_url), environment)
