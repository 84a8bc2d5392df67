"""The code blocks of the guides, word for word: this folder has both guides as they were published."""

import re
from pathlib import Path
from typing import NamedTuple

FOLDER = Path(__file__).parent
VERSIONS = ("1.0", "1.2")
_PARTS = re.compile(r"^##+ (?P<heading>[^\n]+)$|^ *```(?P<language>\w+)\n(?P<text>.*?)^ *```$", re.DOTALL | re.MULTILINE)


class Block(NamedTuple):
    """A block, and the heading that it is under."""

    heading: str
    language: str
    text: str


def guide(version: str) -> Path:
    return FOLDER / f"user-guide-{version}.md"


def blocks(version: str) -> list[Block]:
    """Those that name a language, in their order."""
    found, heading = [], ""
    for part in _PARTS.finditer(guide(version).read_text()):
        heading = part["heading"] or heading
        if part["language"]:
            found.append(Block(heading, part["language"], part["text"]))
    return found


def block(version: str, heading: str, language: str = "python", word: str = "") -> str:
    """The one block in this language under this heading that has the word."""
    (found,) = [each.text for each in blocks(version) if (each.heading, each.language) == (heading, language) and word in each.text]
    return found
