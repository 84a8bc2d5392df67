"""Migrated clusters, each made once and then copied: a throw-away stack starts without initdb and the Supabase CLI.

They are kept in .local/prepared under the hash of all that they are made from, so that a changed migration makes another one.
"""

import hashlib
import os
import shutil
import tempfile
from pathlib import Path

from . import migrations
from .file_lock import locked
from .ports import free_port
from .postgres import THROW_AWAY_SETTINGS, Postgres
from .processes import run
from .programs import PostgresPrograms, supabase_cli
from .project import LOCAL

_HOME = LOCAL / "prepared"
_KEPT = 6
_MADE_BY = tuple(Path(__file__).with_name(name) for name in ("prepared.py", "postgres.py", "migrations.py", "account.py"))


def copy_migrated_cluster(target: Path, programs: PostgresPrograms, supabase: Path, *, auto_expose: bool) -> None:
    """Fill a folder with a stopped cluster to which the migrations of `supabase` are applied. The first call makes the cluster."""
    _HOME.mkdir(parents=True, exist_ok=True)
    cluster = _HOME / _fingerprint(programs, supabase, auto_expose)
    with locked(_HOME / "lock"):
        if not cluster.exists():
            _make(cluster, programs, supabase, auto_expose)
        os.utime(cluster)
        _copy(cluster, target)
        for unused in sorted(_HOME.glob("*-cluster"), key=lambda each: -each.stat().st_mtime)[_KEPT:]:
            shutil.rmtree(unused)


def _make(cluster: Path, programs: PostgresPrograms, supabase: Path, auto_expose: bool) -> None:
    home = temporary_home()
    postgres = Postgres(home, programs, free_port(), THROW_AWAY_SETTINGS)
    half_made = _HOME / "half-made"
    shutil.rmtree(half_made, ignore_errors=True)
    try:
        postgres.start()
        migrations.bootstrap(postgres.url, auto_expose=auto_expose)
        migrations.migrate(postgres.url, supabase)
        postgres.stop()
        _copy(postgres.data, half_made)
    finally:
        postgres.remove()
        shutil.rmtree(home, ignore_errors=True)
    half_made.rename(cluster)


def _copy(source: Path, target: Path) -> None:
    """With the owner and the permissions, which Postgres looks at."""
    run(["cp", "-a", f"{source}/.", target], check="copying a prepared cluster")


def _fingerprint(programs: PostgresPrograms, supabase: Path, auto_expose: bool) -> str:
    digest = hashlib.sha256(f"{auto_expose} {os.geteuid()}\0".encode())
    # Programs by their times: reading them whole would take longer.
    for program in (programs.command("postgres"), supabase_cli()):
        digest.update(f"{program} {program.stat().st_mtime_ns} {program.stat().st_size}\0".encode())
    sources = [*_MADE_BY, *migrations.BOOTSTRAP, supabase / "config.toml", *sorted((supabase / "migrations").glob("*.sql"))]
    for file in sources:
        digest.update(file.name.encode() + b"\0" + file.read_bytes() + b"\0")
    return f"{digest.hexdigest()[:20]}-cluster"


def temporary_home() -> Path:
    """A new folder for a stack."""
    home = Path(tempfile.mkdtemp(prefix="flux-"))
    # If Postgres runs as another user, that user has to pass through here.
    home.chmod(0o711)
    return home
