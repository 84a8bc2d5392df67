"""Every block of Python in the guides is run by a test of this folder."""

from pathlib import Path

import pytest

from tests.guides.blocks import VERSIONS, blocks, guide
from tests.guides.test_guides import EXAMPLES
from tests.guides.test_method_2 import BLOCKS
from tests.guides.test_own_tests import FACTORIES, INTEGRATION

PUBLISHED = Path(__file__).parents[3] / "shared" / "guides"


@pytest.mark.parametrize("version", VERSIONS)
def test_every_block_of_python_is_run(version: str) -> None:
    run = [headings[version] for headings in EXAMPLES.values()]
    run += [heading for each, heading in BLOCKS if each == version]
    run += [INTEGRATION, FACTORIES]
    assert sorted(run) == sorted(each.heading for each in blocks(version) if each.language == "python")


@pytest.mark.skipif(not PUBLISHED.is_dir(), reason="the published guides are not beside the checkout")
@pytest.mark.parametrize("version", VERSIONS)
def test_the_guides_here_are_those_that_were_published(version: str) -> None:
    assert guide(version).read_text() == (PUBLISHED / guide(version).name).read_text()
