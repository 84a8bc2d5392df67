"""PostgREST, set up as Supabase sets it up."""

import http
import os
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import quote

from . import programs
from .http_servers import PROBE_SECONDS, status_of
from .ports import LOOPBACK, free_port
from .postgres import DATABASE, PASSWORD, Postgres
from .processes import Server, ServerPart
from .project import ApiConfig

_SOCKET_PATH_LIMIT = 100  # bytes, as for Postgres's own


class Postgrest(ServerPart):
    """PostgREST over one Postgres. It listens at `url`. The API gateway listens at the public port."""

    def __init__(self, home: Path, postgres: Postgres, jwt_secret: str, public_url: str) -> None:
        super().__init__(Server("PostgREST", home / "logs" / "postgrest.log"))
        self._postgres = postgres
        self._jwt_secret = jwt_secret
        self._public_url = public_url
        self._socket = home / "postgrest.sock"
        # A Unix socket is faster and needs no port. Its path must be short and ASCII, or PostgREST garbles it.
        usable = len(os.fsencode(self._socket)) < _SOCKET_PATH_LIMIT and str(self._socket).isascii()
        self._port = 0 if usable else free_port()
        self._admin_port = 0
        self.schemas: tuple[str, ...] = ("public",)
        self.settings: dict[str, str] = {}

    @property
    def url(self) -> str:
        """`unix:/path/to/socket`, or an http address if the path does not suit a socket."""
        return f"http://{LOOPBACK}:{self._port}" if self._port else f"unix:{self._socket}"

    def configure(self, api: ApiConfig, schemas: tuple[str, ...], settings: Mapping[str, str]) -> None:
        """`settings` are PostgREST's own, by their environment names (`PGRST_DB_POOL`). They override the defaults."""
        self.schemas = schemas
        self.settings = {
            "PGRST_DB_EXTRA_SEARCH_PATH": ",".join(api.extra_search_path),
            "PGRST_DB_MAX_ROWS": str(api.max_rows),
        } | dict(settings)

    def start(self, *, wait: bool = True) -> None:
        """Start. With `wait`, return once it has read the schema and answers."""
        self._admin_port = free_port()
        self._socket.unlink(missing_ok=True)
        self._server.spawn([programs.postgrest()], env=self._environment())
        if wait:
            self.await_ready()

    def await_ready(self) -> None:
        self._server.await_ready(self.is_ready, 30)

    def is_ready(self) -> bool:
        """Whether it is connected to the database and has read the schema."""
        return status_of(self._admin_port, "/ready") == http.HTTPStatus.OK

    def answers(self) -> bool:
        return status_of(self._admin_port, "/live", PROBE_SECONDS) is not None

    def stop(self) -> None:
        if self._server.pid is None:
            return  # not started: a socket at this path may belong to another stack that uses this home
        self._server.stop(5)
        self._socket.unlink(missing_ok=True)

    def _environment(self) -> dict[str, str]:
        listen = {"PGRST_SERVER_PORT": str(self._port)} if self._port else {"PGRST_SERVER_UNIX_SOCKET": str(self._socket)}
        inherited = {name: value for name, value in os.environ.items() if not name.startswith(("PG", "SUPABASE_"))}
        return (
            inherited
            | listen
            | {
                "PGRST_DB_URI": self._database_uri(),
                "PGRST_DB_SCHEMAS": ",".join(self.schemas),
                "PGRST_DB_ANON_ROLE": "anon",
                "PGRST_DB_POOL": "20",
                "PGRST_DB_POOL_ACQUISITION_TIMEOUT": "5",
                "PGRST_DB_CHANNEL_ENABLED": "true",
                "PGRST_JWT_CACHE_MAX_LIFETIME": "3600",  # the default of newer versions
                "PGRST_JWT_SECRET": self._jwt_secret,
                "PGRST_OPENAPI_MODE": "follow-privileges",
                "PGRST_OPENAPI_SERVER_PROXY_URI": f"{self._public_url}/rest/v1",
                "PGRST_SERVER_HOST": LOOPBACK,
                "PGRST_ADMIN_SERVER_PORT": str(self._admin_port),
                "PGRST_LOG_LEVEL": "warn",
            }
            | self.settings
        )

    def _database_uri(self) -> str:
        directory = self._postgres.socket_directory
        host = quote(str(directory), safe="") if directory else LOOPBACK
        return f"postgresql://authenticator:{PASSWORD}@{host}:{self._postgres.port}/{DATABASE}"
