"""Reads the Dockerfile and .dockerignore. Syntax that ours do not use is an error."""

import json
import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from string import Template

from local_stack.errors import StackError


@dataclass(frozen=True)
class Instruction:
    """`keyword` in capitals; `text` is the rest, on one line."""

    keyword: str
    text: str

    def json(self) -> list[str]:
        """The words of the exec form. In the shell form, a shell would get the engine's signals instead of the program."""
        try:
            words: list[str] = json.loads(self.text)
        except ValueError:
            raise StackError(f"{self.keyword} is not in exec form: {self.text}") from None
        return words

    def environment(self, before: dict[str, str]) -> dict[str, str]:
        """The variables that an ENV sets, with references to earlier ones substituted."""
        pairs = (word.partition("=") for word in shlex.split(self.text))
        return {name: Template(value).substitute(before) for name, _, value in pairs}


@dataclass(frozen=True)
class Stage:
    name: str
    base: str
    instructions: tuple[Instruction, ...]

    def last(self, keyword: str) -> Instruction | None:
        return next((each for each in reversed(self.instructions) if each.keyword == keyword), None)


def read_stages(dockerfile: Path) -> dict[str, Stage]:
    """The stages by name, in the order of the file."""
    stages: dict[str, Stage] = {}
    arguments: dict[str, str] = {}
    for each in _instructions(dockerfile.read_text()):
        if each.keyword == "ARG" and not stages:
            name, _, default = each.text.partition("=")
            arguments[name] = default
        elif each.keyword == "FROM":
            base, _, name = each.text.partition(" AS ")
            stages[name] = Stage(name, Template(base).substitute(arguments), ())
        else:
            name, stage = list(stages.items())[-1]
            stages[name] = Stage(name, stage.base, (*stage.instructions, each))
    return stages


def _instructions(text: str) -> Iterator[Instruction]:
    lines = "\n".join(line for line in text.splitlines() if not line.lstrip().startswith("#"))
    for line in lines.replace("\\\n", " ").splitlines():
        if line.strip():
            keyword, _, rest = line.strip().partition(" ")
            yield Instruction(keyword.upper(), rest.strip())


class BuildContext:
    """The files of a folder that .dockerignore leaves to the engine."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        lines = (line.strip() for line in (folder / ".dockerignore").read_text().splitlines())
        self._patterns = [_pattern(line) for line in lines if line and not line.startswith("#")]

    def files(self, source: str) -> Iterator[Path]:
        """The files that `COPY source` copies, relative to the folder."""
        start = self.folder / source
        found = [start] if start.is_file() else sorted(path for path in start.rglob("*") if path.is_file())
        kept = [path.relative_to(self.folder) for path in found if self._sees(path.relative_to(self.folder))]
        if not kept:
            raise StackError(f"COPY {source}: the build context has no such file")
        return iter(kept)

    def _sees(self, path: Path) -> bool:
        names = [each.as_posix() for each in (path, *path.parents)]
        seen = True
        for shows, pattern in self._patterns:
            if any(pattern.fullmatch(name) for name in names):
                seen = shows
        return seen


def _pattern(line: str) -> tuple[bool, re.Pattern[str]]:
    shows, line = line.startswith("!"), line.removeprefix("!").rstrip("/")
    translated = re.escape(line).replace(r"\*\*/", "(?:.*/)?").replace(r"\*", "[^/]*").replace(r"\[", "[").replace(r"\]", "]")
    return shows, re.compile(translated)
