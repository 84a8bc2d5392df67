"""The README: short, current, and it links every page once."""

import re

from local_stack.project import ROOT
from tests.docs.pages import PAGES, links_of

README = PAGES["README.md"]
BENCHMARK = PAGES["docs/benchmark.md"]


def test_the_readme_is_an_overview() -> None:
    assert len(README.splitlines()) <= 120


def test_the_numbers_of_the_readme_are_those_of_the_benchmark() -> None:
    section = README.partition("## How fast it is")[2].partition("\n## ")[0]
    largest = BENCHMARK.partition("## 1,000,000 tasks")[2].partition("Ratios")[0]

    rows = [line for line in section.splitlines() if line.startswith("|")]
    assert len(rows) > 5
    for row in rows:
        assert row in largest
    assert re.search(r"on \d{4}-\d\d-\d\d", section)[0] in BENCHMARK  # type: ignore[index] # it is there


def test_the_readme_links_every_page_once() -> None:
    linked = [target for target in links_of("README.md") if target.startswith("docs/")]

    assert sorted(linked) == sorted(page for page in PAGES if page.startswith("docs/"))


def test_the_security_policy_leads_to_the_page() -> None:
    assert links_of("SECURITY.md") == ["docs/security.md"]
    assert (ROOT / "SECURITY.md").exists()
