"""The pages for people: README, SECURITY and docs/, with their code blocks and links."""

import re
from typing import NamedTuple

from local_stack.project import ROOT

PAGES = {str(path.relative_to(ROOT)): path.read_text() for path in sorted([*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md")])}
_NO_PROGRAM = ("mermaid",)


class Block(NamedTuple):
    """A code block, known by its page and the line that the tables of `test_examples` name."""

    page: str
    language: str
    source: str


BLOCKS = [
    Block(page, language, source)
    for page, text in PAGES.items()
    for language, source in re.findall(r"^```(\w*)\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    if language not in _NO_PROGRAM
]


def links_of(page: str) -> list[str]:
    """What the page links to in this repository, without anchors of its own."""
    return re.findall(r"\]\((?!https?:)([^)#]+)", PAGES[page])


def anchors_of(page: str) -> set[str]:
    """The anchors of a page's headings, as GitHub makes them."""
    headings = re.findall(r"^#+ (.*)$", PAGES[page], re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}
