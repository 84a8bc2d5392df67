"""The unprivileged account that Postgres runs under if we are root, and what that account can reach.

Postgres refuses to run as root, so root starts it as another user. That user often can't enter the checkout, because /root and
many home directories have mode 700. We don't change those modes. Instead the cluster and a copy of the Postgres programs live in
a directory under /var/tmp, and the stack's home holds a link to it.
"""

import hashlib
import os
import pwd
import shutil
import stat
import tempfile
from dataclasses import dataclass
from pathlib import Path

from .errors import StackError


@dataclass(frozen=True)
class Account:
    name: str
    uid: int
    gid: int


def server_account(data: Path) -> Account | None:
    """The account to start Postgres as; None if the current user will do. An existing cluster keeps its owner."""
    if os.geteuid() != 0:
        return None
    if data.exists() and data.stat().st_uid != 0:
        return _account(pwd.getpwuid(data.stat().st_uid))
    for name in ("postgres", "nobody"):
        try:
            return _account(pwd.getpwnam(name))
        except KeyError:
            continue
    raise StackError("Postgres refuses to run as root, and this system has neither a postgres nor a nobody user")


def _account(entry: pwd.struct_passwd) -> Account:
    return Account(entry.pw_name, entry.pw_uid, entry.pw_gid)


def can_read(path: Path, account: Account) -> bool:
    """Whether the account can enter every directory above the path, and read and enter (or run) the path itself."""
    resolved = path.resolve()
    return _allows(resolved, account, 5) and all(_allows(parent, account, 1) for parent in resolved.parents)


def _allows(path: Path, account: Account, needed: int) -> bool:
    status = path.stat()
    shift = 6 if status.st_uid == account.uid else 3 if status.st_gid == account.gid else 0
    return (status.st_mode >> shift) & needed == needed


def reachable_directory(wanted: Path, account: Account | None) -> Path:
    """The wanted directory, or another one if the account can't enter it."""
    wanted.mkdir(parents=True, exist_ok=True)
    if account is None or can_read(wanted, account):
        return wanted
    digest = hashlib.sha256(os.fsencode(wanted.resolve())).hexdigest()[:12]
    parent = Path("/var/tmp")  # noqa: S108 - survives a restart, unlike /tmp; ownership is checked below
    stand_in = (parent if parent.is_dir() else Path(tempfile.gettempdir())) / f"flux-dao-service-{digest}"
    try:
        stand_in.mkdir(mode=0o755)
        stand_in.chmod(0o755)
    except FileExistsError:
        status = stand_in.lstat()
        if not stat.S_ISDIR(status.st_mode) or status.st_uid != os.geteuid():
            raise StackError(f"{stand_in} belongs to somebody else: remove it") from None
    return stand_in


def readable_copy(source: Path, target: Path) -> Path:
    """Copy a directory tree so that everybody can read it. A file is copied again if its size or time differs."""
    for directory, _, files in os.walk(source):
        copy = target / Path(directory).relative_to(source)
        copy.mkdir(parents=True, exist_ok=True)
        copy.chmod(0o755)
        for file in files:
            _copy_if_changed(Path(directory, file), copy / file)
    return target


def _copy_if_changed(source: Path, target: Path) -> None:
    if target.exists() and not target.is_symlink():
        old, new = target.stat(), source.stat()
        if (old.st_size, int(old.st_mtime)) == (new.st_size, int(new.st_mtime)):
            return
    target.unlink(missing_ok=True)
    shutil.copy2(source, target, follow_symlinks=True)
    target.chmod(0o755 if os.access(source, os.X_OK) else 0o644)
