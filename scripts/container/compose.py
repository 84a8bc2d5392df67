"""Reads docker-compose.yml and what extends it as data, and runs the services that we build in the stand-in for an engine."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from local_stack.errors import StackError
from local_stack.project import ROOT

from .dockerfile import Stage
from .stand_in import Builder, Image

COMPOSE_FILE = ROOT / "docker-compose.yml"
SCALE_FILE = ROOT / "docker-compose.scale.yml"
_VARIABLE = re.compile(r"\$\{(?P<name>\w+):-(?P<default>[^}]*)\}")


def read_compose(file: Path = COMPOSE_FILE, environment: Mapping[str, str] | None = None) -> dict[str, Any]:
    """The file with anchors merged and `${NAME:-default}` substituted. Any other form of variable is an error."""
    content: dict[str, Any] = _filled(yaml.safe_load(file.read_text()), environment or {})
    return content


def read_scaled() -> dict[str, Any]:
    """docker-compose.yml with docker-compose.scale.yml over it, as `docker compose -f … -f …` merges them."""
    merged: dict[str, Any] = _merged(read_compose(), read_compose(SCALE_FILE))
    return merged


def _merged(base: Any, over: Any, key: str = "") -> Any:
    """The rules of https://docs.docker.com/reference/compose-file/merge/ as far as our files need them."""
    if isinstance(base, dict) and isinstance(over, dict):
        return base | {name: _merged(base.get(name), value, name) for name, value in over.items()}
    if isinstance(base, list) and isinstance(over, list) and key not in ("command", "entrypoint", "test"):
        if key == "volumes":
            targets = {volume.split(":")[1] for volume in over}
            base = [volume for volume in base if volume.split(":")[1] not in targets]
        return base + over
    return over


def _filled(value: Any, environment: Mapping[str, str]) -> Any:
    if isinstance(value, dict):
        return {name: _filled(inner, environment) for name, inner in value.items()}
    if isinstance(value, list):
        return [_filled(inner, environment) for inner in value]
    if not isinstance(value, str):
        return value
    if "$" in _VARIABLE.sub("", value):
        raise StackError(f"{value} has a variable that is not of the form ${{NAME:-default}}")
    return _VARIABLE.sub(lambda each: environment.get(each["name"]) or each["default"], value)


@dataclass
class ComposedService:
    """A service of the file whose image we build. `volumes` are the folders that replace the named volumes."""

    name: str
    definition: Mapping[str, Any]
    builder: Builder
    volumes: Mapping[str, Path]

    @property
    def environment(self) -> dict[str, str]:
        return self._image.environment | dict(self.definition.get("environment", {}))

    def command(self) -> list[str]:
        """The command that the engine would start as process 1, with the service's user and file systems."""
        instruction = self._stage.last("CMD")
        entrypoint = self._stage.last("ENTRYPOINT")
        words = self.definition.get("command") or (instruction.json() if instruction else [])
        return self.run(*(entrypoint.json() if entrypoint else []), *words)

    def health_check(self) -> list[str]:
        """The command that the engine runs to check the service's health."""
        kind, *words = self.definition["healthcheck"]["test"]
        if kind != "CMD":
            raise StackError(f"the health check of {self.name} is not in exec form")
        return self.run(*words)

    def run(self, *words: str) -> list[str]:
        return self._image.command(
            *words,
            mounts=self._mounts(),
            user=self.definition.get("user", ""),
            capabilities="ALL" not in self.definition.get("cap_drop", []),
        )

    @property
    def _stage(self) -> Stage:
        return self.builder.stages[self.definition["build"]["target"]]

    @property
    def _image(self) -> Image:
        return self.builder.build(self.definition["build"]["target"])

    def _mounts(self) -> tuple[str, ...]:
        words: list[str] = []
        for volume in self.definition.get("volumes", []):
            name, path, *options = volume.split(":")
            words += ["bind-ro" if options == ["ro"] else "bind", str(self.volumes[name]), path]
        for tmpfs in self.definition.get("tmpfs", []):
            words += ["tmpfs", tmpfs.partition(":")[0]]
        return (*words, "read-only") if self.definition.get("read_only") else tuple(words)
