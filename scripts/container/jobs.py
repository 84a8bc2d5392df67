"""The jobs that run before the servers: `keys` and `migrate` of docker-compose.yml, and `scale-keys` of docker-compose.scale.yml.

The standard library only.
"""

import secrets
import sys
from collections.abc import Callable
from pathlib import Path

from local_stack import migrations
from local_stack.errors import StackError, exit_code_of
from local_stack.tokens import project_key

DATABASE_HOST = "db:5432"
POOLER_HOST = "pooler:6432"
STANDBY_HOST = "standby:5432"


def make_keys(folder: Path) -> None:
    """Make the missing passwords and keys. Each folder below is a volume that only one service mounts.

    The files are readable by every user, because the images run under different user ids. The mounts decide who can read them.
    """
    password = _once(folder / "database" / "postgres-password")
    authenticator = _once(folder / "database" / "authenticator-password")
    jwt_secret = _once(folder / "data-api" / "jwt-secret")
    _write(folder / "migrations" / "database-url", f"postgresql://postgres:{password}@{DATABASE_HOST}/postgres")
    _write(folder / "data-api" / "database-url", f"postgresql://authenticator:{authenticator}@{DATABASE_HOST}/postgres")
    _write(folder / "adapter" / "supabase_service_role_key", project_key(jwt_secret, "service_role"))


def make_scale_keys(folder: Path) -> None:
    """Also make those of the logins behind the pooler and on the standby, with the same rules."""
    make_keys(folder)
    adapter = _once(folder / "logins" / "adapter-password")
    standby = _once(folder / "logins" / "standby-password")
    owner = (folder / "database" / "postgres-password").read_text()
    _write(folder / "logins" / "pg_service.conf", _service("owner", "postgres", owner))
    _write(folder / "standby" / "pg_service.conf", _service("primary", "flux_standby", standby))
    _write(folder / "pooler" / "userlist.txt", f'"flux_adapter" "{adapter}"\n')
    urls = {"database_url": POOLER_HOST, "database_replica_urls": STANDBY_HOST}
    for setting, host in urls.items():
        _write(folder / "scaled-adapter" / setting, f"postgresql://flux_adapter:{adapter}@{host}/postgres")
    key = (folder / "adapter" / "supabase_service_role_key").read_text()
    _write(folder / "scaled-adapter" / "supabase_service_role_key", key)


def _service(name: str, user: str, password: str) -> str:
    """A connection service file. Unlike a password file, libpq reads it whoever owns it."""
    host, _, port = DATABASE_HOST.partition(":")
    return f"[{name}]\nhost={host}\nport={port}\ndbname=postgres\nuser={user}\npassword={password}\n"


def _once(file: Path) -> str:
    if not file.exists():
        # Letters, digits, - and _: SQL and URLs need no quoting.
        _write(file, secrets.token_urlsafe(48))
    return file.read_text()


def _write(file: Path, content: str) -> None:
    """Atomically: the file is complete or absent."""
    half_made = file.with_suffix(".new")
    half_made.unlink(missing_ok=True)
    half_made.write_text(content)
    half_made.chmod(0o444)
    half_made.rename(file)


def migrate(folder: Path) -> None:
    """Apply the missing migrations as the database's owner `postgres`, who is no superuser."""
    migrations.migrate((folder / "database-url").read_text())


_JOBS: dict[str, Callable[[Path], None]] = {"keys": make_keys, "scale-keys": make_scale_keys, "migrate": migrate}


def main() -> int:
    """`JOB FOLDER`."""
    try:
        job, folder = _JOBS[sys.argv[1]], Path(sys.argv[2])
    except (IndexError, KeyError):
        raise StackError(f"usage: python -m container.jobs {'|'.join(_JOBS)} FOLDER") from None
    job(folder)
    return 0


if __name__ == "__main__":
    sys.exit(exit_code_of(main))
