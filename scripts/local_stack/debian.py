"""Programs from Debian's packages, without root: apt downloads them, dpkg unpacks them into .local/debian.

apt runs with its own state and cache directories, so an ordinary user can update the package lists, and with the system's package
sources and keys, so it checks signatures as usual.
"""

import os
import platform
import re
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from .errors import StackError
from .file_lock import locked
from .processes import Command, run
from .programs import PostgresPrograms
from .project import LOCAL

_HOME = LOCAL / "debian"
_ROOT = _HOME / "root"
_OLDEST_MAJOR = 15
_LIBRARY_LEVELS = 4  # libraries of libraries of …


@dataclass(frozen=True)
class DebianPostgres:
    """An unpacked Debian Postgres: server, psql, pgTAP and plpgsql_check."""

    major: int

    @property
    def programs(self) -> PostgresPrograms:
        return PostgresPrograms(_ROOT, Path(f"usr/lib/postgresql/{self.major}/bin"), _library_directories())

    def psql(self) -> Path:
        return self.programs.command("psql")

    def environment(self) -> dict[str, str]:
        """The environment that psql needs."""
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("PG")}
        return inherited | {"LD_LIBRARY_PATH": self.programs.library_path()}

    def copy_pgtap_into(self, programs: PostgresPrograms) -> None:
        """pgTAP is plain SQL, so its files work in any Postgres."""
        target = programs.root / "share" / "postgresql" / "extension"
        for file in (_ROOT / f"usr/share/postgresql/{self.major}/extension").glob("pgtap*"):
            if not (target / file.name).exists():
                shutil.copy2(file, target / file.name)


def debian_postgres(report: Callable[[str], None] = print) -> DebianPostgres:
    """Debian's Postgres, downloaded at the first call. Raises StackError if there is no apt."""
    _HOME.mkdir(parents=True, exist_ok=True)
    with locked(_HOME / "lock"):
        stamp = _HOME / "major"
        if not stamp.exists():
            report("fetching Debian's Postgres, pgTAP and plpgsql_check")
            stamp.write_text(str(_fetch()))
        return DebianPostgres(int(stamp.read_text()))


@dataclass(frozen=True)
class DebianProgram:
    """An unpacked program, and its LD_LIBRARY_PATH."""

    path: Path
    library_path: str


def debian_program(
    package: str,
    program: str,
    report: Callable[[str], None] = print,
    *,
    directory: Path = Path("usr/bin"),
    beside: tuple[str, ...] = (),
) -> DebianProgram:
    """A program of a package, downloaded with the packages `beside` it at the first call. Raises StackError if there is no apt."""
    _HOME.mkdir(parents=True, exist_ok=True)
    root = _HOME / package
    found = DebianProgram(root / directory / program, ":".join(str(root / path) for path in _library_directories()))
    with locked(_HOME / "lock"):
        if not found.path.exists():
            report(f"fetching Debian's {package}")
            _require_apt(program)
            half_made = _HOME / f"{package}.half-made"
            shutil.rmtree(half_made, ignore_errors=True)
            half_made.mkdir()
            run(_apt("apt-get", "update"), check="apt-get update")
            _unpack([package, *beside], half_made)
            _unpack_missing_libraries([package, *beside], [directory / program], half_made)
            half_made.rename(root)
    return found


def pip_wheel() -> Path | None:
    """The pip that Debian has for virtual environments; None if there is no apt."""
    if not shutil.which("apt-get"):
        return None
    root = _HOME / "python3-pip-whl"
    root.mkdir(parents=True, exist_ok=True)
    run(_apt("apt-get", "update"), check="apt-get update")
    _unpack(["python3-pip-whl"], root)
    return next(root.glob("usr/share/python-wheels/pip-*.whl"), None)


def _require_apt(what: str) -> None:
    for tool in ("apt-get", "apt-cache", "dpkg", "dpkg-query", "ldd"):
        if not shutil.which(tool):
            raise StackError(f"{what} comes from a Debian package, but this system has no {tool}")


def _fetch() -> int:
    _require_apt("pgTAP")
    shutil.rmtree(_ROOT, ignore_errors=True)
    _ROOT.mkdir()
    run(_apt("apt-get", "update"), check="apt-get update")
    major = _newest_complete_major()
    names = ("postgresql-{}", "postgresql-client-{}", "postgresql-{}-pgtap", "postgresql-{}-plpgsql-check")
    packages = [name.format(major) for name in names]
    _unpack(packages, _ROOT)
    directory = Path("usr/lib/postgresql") / str(major)
    linked = [*(directory / "bin" / name for name in ("postgres", "initdb", "psql")), directory / "lib" / "plpgsql*.so"]
    _unpack_missing_libraries(packages, linked, _ROOT)
    return major


def _newest_complete_major() -> int:
    """The oldest that will do, because the suite's other Postgres is the newest."""
    names = run(_apt("apt-cache", "pkgnames", "postgresql-"), check="apt-cache").stdout.split()
    majors = [int(match.group(1)) for name in names if (match := re.fullmatch(r"postgresql-(\d+)-plpgsql-check", name))]
    complete = [major for major in majors if major >= _OLDEST_MAJOR and f"postgresql-{major}-pgtap" in names]
    if not complete:
        raise StackError("this system's package sources have no pgTAP and plpgsql_check (in Ubuntu they are in universe)")
    return min(complete)


def _apt(tool: str, *arguments: str) -> Command:
    state, cache = _HOME / "apt-state", _HOME / "apt-cache"
    (state / "lists" / "partial").mkdir(parents=True, exist_ok=True)
    (cache / "archives" / "partial").mkdir(parents=True, exist_ok=True)
    options = {
        "Dir::State": state,
        "Dir::State::status": "/var/lib/dpkg/status",
        "Dir::Cache": cache,
        # Run by root, apt would download as another user, who can't write here.
        "APT::Sandbox::User": "root",
        "APT::Get::AllowUnauthenticated": "false",
        "Acquire::AllowInsecureRepositories": "false",
        "Acquire::Retries": "3",
    }
    return [tool, "--quiet", *(part for name, value in options.items() for part in ("-o", f"{name}={value}")), *arguments]


def _unpack(packages: list[str], root: Path) -> None:
    downloads = _HOME / "downloads"
    shutil.rmtree(downloads, ignore_errors=True)
    downloads.mkdir()
    run(_apt("apt-get", "download", *packages), cwd=downloads, check="apt-get download")
    for package in sorted(downloads.glob("*.deb")):
        run(["dpkg", "-x", package, root], check=f"unpacking {package.name}")
    shutil.rmtree(downloads)


def _unpack_missing_libraries(packages: list[str], linked: list[Path], root: Path) -> None:
    """The libraries that the programs need and the system lacks, from the packages that theirs depend on. `linked` has patterns."""
    level = packages
    for _ in range(_LIBRARY_LEVELS):
        if not _missing_libraries(linked, root):
            return
        level = [name for name in _libraries_that(level, "--no-conflicts") if not _is_installed(name)]
        if level:
            _unpack(level, root)
    if missing := _missing_libraries(linked, root):
        raise StackError(f"Debian's {packages[0]} needs libraries that none of its packages has: {', '.join(missing)}")


def _missing_libraries(linked: list[Path], root: Path) -> list[str]:
    files = [file for pattern in linked for file in root.glob(str(pattern))]
    libraries = ":".join(str(root / path) for path in _library_directories())
    listed = run(["ldd", *files], env=os.environ | {"LD_LIBRARY_PATH": libraries}).stdout
    return sorted(set(re.findall(r"(\S+) => not found", listed)))


def _libraries_that(packages: list[str], *options: str) -> list[str]:
    listed = run(_apt("apt-cache", "depends", "--important", *options, *packages), check="apt-cache").stdout
    # LLVM is only for jit, which is off. The C library must be the system's own.
    names = set(re.findall(r"^\s+(?:Pre)?Depends: (lib[\w.+-]+)$", listed, re.MULTILINE))
    return sorted(name for name in names if not name.startswith(("libllvm", "libc6", "libgcc", "libstdc++")))


def _is_installed(package: str) -> bool:
    return run(["dpkg-query", "--show", "--showformat=${db:Status-Status}", package]).stdout == "installed"


def _library_directories() -> tuple[Path, ...]:
    multiarch = f"{platform.machine()}-linux-gnu"
    # The last one has a part of libpulse.
    return (Path("usr/lib") / multiarch, Path("lib") / multiarch, Path("usr/lib") / multiarch / "pulseaudio")
