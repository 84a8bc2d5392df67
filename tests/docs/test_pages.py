"""The pages agree with the code and with each other."""

import re
from pathlib import PurePosixPath

import httpx
import pytest

from local_stack.project import ROOT
from tests.docs.pages import PAGES, anchors_of, links_of


@pytest.mark.parametrize("page", PAGES)
def test_every_file_that_a_page_links_to_exists(page: str) -> None:
    folder = (ROOT / page).parent
    assert [target for target in links_of(page) if not (folder / target).exists()] == []


@pytest.mark.parametrize("page", PAGES)
def test_every_anchor_that_a_page_links_to_exists(page: str) -> None:
    for target, anchor in re.findall(r"\]\((?!https?:)([^)#]*)#([^)]+)\)", PAGES[page]):
        there = str(PurePosixPath(page).parent / target) if target else page
        assert anchor in anchors_of(there)


@pytest.mark.parametrize("page", PAGES)
def test_every_path_that_a_page_names_exists(page: str) -> None:
    named = re.findall(r"`((?:tests|scripts|supabase|docker|adapter|docs)/[\w./*-]*[\w/*])`", PAGES[page])
    assert [path for path in named if not any(ROOT.glob(path.rstrip("/")))] == []


async def test_the_table_of_metrics_is_what_the_service_counts(client_1_2: httpx.AsyncClient) -> None:
    await client_1_2.get("/api/v1/users/", params={"limit": 1})
    answered = (await client_1_2.get("/metrics")).text
    names = {name.removesuffix("_created") for name in re.findall(r"^# TYPE (flux_\w+) ", answered, re.MULTILINE)}

    table = re.search(r"<!-- metrics: .*?-->\n(.*?)<!-- /metrics -->", PAGES["docs/watching.md"], re.DOTALL)
    assert table is not None
    rows = re.findall(r"^\| `(flux_\w+)` \| (.*?) \|", table[1], re.MULTILINE)
    assert {name for name, _ in rows} == names
    for name, labels in rows:
        sample = re.search(rf"^{name}(?:_count)?(?:{{(.*?)}})? ", answered, re.MULTILINE)
        assert sample is not None, name
        assert re.findall(r'(\w+)="', sample[1] or "") == re.findall(r"`(\w+)`", labels)
