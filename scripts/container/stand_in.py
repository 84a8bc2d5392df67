"""A stand-in for a container engine: builds the Dockerfile's stages into folders, and runs programs in them.

A base image needs a registry, so the system's own /usr replaces it, with a Python under /usr/local as in the real one. The
Dockerfile's instructions run on top of that, under their own paths. The programs run as process 1, as the user and with the
file systems that they would have. Networks, limits and the base image's content are not covered.
"""

import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from local_stack.errors import StackError
from local_stack.programs import this_platform
from local_stack.project import LOCAL, NODE_MODULES, ROOT

from .dockerfile import BuildContext, Instruction, Stage, read_stages

_ENTER = Path(__file__).with_name("enter.sh")
_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
# Files of Python that its images lack or that no test runs.
_NOT_OF_THE_BASE = shutil.ignore_patterns("test", "idlelib", "config-*", "*.a", "site-packages", "man", "doc")
_MOUNT_POINTS = ("dev", "etc", "proc", "tmp", "usr")


def why_not() -> str:
    """Why this system can't run the stand-in; "" if it can."""
    if sys.platform != "linux" or os.geteuid() != 0:
        return "needs Linux and root: namespaces and chroot"
    missing = [name for name in ("unshare", "setpriv", "chroot", "mount") if not shutil.which(name)]
    if missing:
        return f"needs {', '.join(missing)}"
    allowed = subprocess.run(["unshare", "--mount", "--pid", "--fork", "mount", "-t", "tmpfs", "tmpfs", "/tmp"], check=False)  # noqa: S108
    return "" if allowed.returncode == 0 else "this system does not let root create namespaces"


def image_python(version: str) -> Path:
    """The Python of this version (`3.13`) if the system has it, else the one that runs us."""
    pyenv = Path.home() / ".pyenv" / "versions"
    candidates = [shutil.which(f"python{version}"), *map(str, sorted(pyenv.glob(f"{version}.*/bin/python{version}")))]
    for candidate in filter(None, candidates):
        if subprocess.run([candidate, "-m", "pip", "--version"], capture_output=True, check=False).returncode == 0:
            return Path(candidate)
    return Path(sys.executable)


@dataclass
class Image:
    """The result of a stage: its files, and how a program starts in them."""

    root: Path
    base: Path
    # The stand-in's Python may look for its library where it was built.
    environment: dict[str, str] = field(default_factory=lambda: {"PATH": _PATH, "LD_LIBRARY_PATH": "/usr/local/lib"})
    working_directory: str = "/"
    user: str = "0:0"

    def command(
        self,
        *command: str,
        mounts: tuple[str, ...] = (),
        user: str = "",
        capabilities: bool = False,
        working_directory: str = "",
    ) -> list[str]:
        """The command that runs `command` in the image. `mounts` are as in enter.sh."""
        for kind, *paths in _mounts(mounts):
            if kind != "read-only":
                (self.root / paths[-1].lstrip("/")).mkdir(parents=True, exist_ok=True)
        uid, _, gid = (user or self.user).partition(":")
        setpriv = [f"--reuid={uid}", f"--regid={gid or uid}", "--clear-groups"]
        if not capabilities:
            setpriv += ["--no-new-privs", "--bounding-set=-all", "--inh-caps=-all"]
        namespaces = ["unshare", "--mount", "--pid", "--fork", "--kill-child", "--propagation", "private"]
        enter = ["sh", str(_ENTER), str(self.root), str(self.base), *mounts]
        return [*namespaces, *enter, "--", *setpriv, "--", working_directory or self.working_directory, *command]


def _mounts(words: tuple[str, ...]) -> list[list[str]]:
    lengths, found, rest = {"tmpfs": 2, "bind": 3, "bind-ro": 3, "read-only": 1}, [], list(words)
    while rest:
        length = lengths[rest[0]]
        found.append(rest[:length])
        rest = rest[length:]
    return found


class Builder:
    """Builds stages into `.local/containers`. A stage whose instructions and files are unchanged is reused."""

    def __init__(self, dockerfile: Path = ROOT / "Dockerfile", home: Path = LOCAL / "containers") -> None:
        self.stages = read_stages(dockerfile)
        self.context = BuildContext(dockerfile.parent)
        self._home = home
        self._images: dict[str, Image] = {}

    def build(self, name: str) -> Image:
        if name not in self._images:
            self._images[name] = self._build(self.stages[name])
        return self._images[name]

    def _build(self, stage: Stage) -> Image:
        python = image_python(stage.base.partition(":")[2].partition("-")[0])
        digest = self._digest(stage, python)
        place, stamp = self._home / stage.name, self._home / stage.name / "digest"
        image = Image(place / "root", place / "base")
        built = stamp.exists() and stamp.read_text() == digest
        if not built:
            shutil.rmtree(place, ignore_errors=True)
            image.root.mkdir(parents=True)
            _lay_base(image, python)
        for each in stage.instructions:
            self._follow(each, image, built=built)
        stamp.write_text(digest)
        return image

    def _digest(self, stage: Stage, python: Path) -> str:
        digest = hashlib.sha256(f"{python} {stage} {_ENTER.read_text()}".encode())
        for each in stage.instructions:
            if each.keyword == "COPY":
                origin, sources, _ = _copy(each)
                if origin:
                    digest.update(self._digest(self.stages[origin], python).encode())
                else:
                    for source in sources:
                        for file in self.context.files(source):
                            digest.update(f"{file}".encode() + (self.context.folder / file).read_bytes())
        return digest.hexdigest()

    def _follow(self, each: Instruction, image: Image, *, built: bool) -> None:
        if each.keyword == "ENV":
            image.environment |= each.environment(image.environment)
        elif each.keyword == "WORKDIR":
            image.working_directory = each.text
            (image.root / each.text.lstrip("/")).mkdir(parents=True, exist_ok=True)
        elif each.keyword == "USER":
            image.user = each.text
        elif each.keyword == "COPY" and not built:
            self._copy_into(image, each)
        elif each.keyword == "RUN" and not built:
            _run(image, each.text)

    def _copy_into(self, image: Image, each: Instruction) -> None:
        origin, sources, target = _copy(each)
        destination = image.root / str(PurePosixPath(image.working_directory, target)).lstrip("/")
        for source in sources:
            if origin == "cli":
                # Its npm ci is the one that made node_modules here, from the same lock file.
                package = NODE_MODULES / "@supabase" / f"cli-{this_platform()}"
                _copy_tree(package, destination / package.name)
            elif origin:
                _copy_tree(self.build(origin).root / source.lstrip("/"), destination)
            else:
                for file in self.context.files(source):
                    inner = file.relative_to(source) if (self.context.folder / source).is_dir() else file.name
                    (destination / inner).parent.mkdir(parents=True, exist_ok=True)
                    shutil.copy2(self.context.folder / file, destination / inner)


def _copy(each: Instruction) -> tuple[str, list[str], str]:
    """The stage that it copies from, if any; what; to where."""
    words = each.text.split()
    origin = words.pop(0).removeprefix("--from=") if words[0].startswith("--from=") else ""
    return origin, words[:-1], words[-1]


def _copy_tree(source: Path, target: Path, ignore: Callable[[str, list[str]], set[str]] | None = None) -> None:
    shutil.copytree(source, target, symlinks=True, dirs_exist_ok=True, copy_function=_link, ignore=ignore)


def _link(source: str, target: str) -> None:
    """Nothing changes a file in place here, so that two names for one do."""
    try:
        os.link(source, target)
    except OSError:  # another file system
        shutil.copy2(source, target)


def _lay_base(image: Image, python: Path) -> None:
    for name in _MOUNT_POINTS:
        (image.root / name).mkdir()
    for name in ("bin", "lib", "lib64", "sbin"):
        host = Path("/", name)
        if host.is_symlink():
            (image.root / name).symlink_to(host.readlink())
        elif host.exists():
            _copy_tree(host, image.root / name)
    find = "import sys, sysconfig; print(sys.base_prefix, sysconfig.get_path('stdlib'), sysconfig.get_path('purelib'), sep='\\n')"
    prefix, library, packages = subprocess.run(
        [os.path.realpath(python), "-c", find], capture_output=True, text=True, check=True
    ).stdout.splitlines()
    (image.base / "bin").mkdir(parents=True)
    executable = image.base / "bin" / Path(library).name
    shutil.copy2(os.path.realpath(python), executable)
    for name in ("python3", "python"):
        (executable.parent / name).symlink_to(executable.name)
    stdlib = image.base / "lib" / Path(library).name
    _copy_tree(Path(library), stdlib, ignore=_NOT_OF_THE_BASE)
    for shared in Path(prefix, "lib").glob("libpython*.so*"):
        shutil.copy2(shared, image.base / "lib", follow_symlinks=False)
    for pip in Path(packages).glob("pip*"):
        _copy_tree(pip, stdlib / "site-packages" / pip.name)


def _run(image: Image, script: str) -> None:
    # The image's variables, and this system's settings of package clients: certificates, a mirror, a proxy.
    environment = _of_package_clients(os.environ) | image.environment
    command = image.command("sh", "-c", script, capabilities=True)
    done = subprocess.run(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    if done.returncode != 0:
        raise StackError(f"RUN {script}\nended with {done.returncode}:\n{done.stdout.rstrip()}")


def _of_package_clients(environment: Mapping[str, str]) -> dict[str, str]:
    beginnings = ("PIP_", "SSL_", "REQUESTS_", "HTTP", "NO_PROXY", "http", "no_proxy")
    return {name: value for name, value in environment.items() if name.startswith(beginnings)}
