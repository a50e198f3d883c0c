"""Console blocks of the pages in `docs/` are run as they stand, in a clone, and show what the pages show."""

from pathlib import Path

import pytest
from shell import ROOT, blocks, copy_of_example, reader, run, session

BLOCKS = [(page.name, block) for page in sorted((ROOT / "docs").glob("*.md")) for block in blocks(page, "console")]


@pytest.mark.parametrize(("page", "block"), BLOCKS, ids=[f"{page}-{n}" for n, (page, _) in enumerate(BLOCKS)])
def test_a_console_block_is_real(page: str, block: str, tmp_path: Path) -> None:
    script, shown = session(block)
    assert run(script, copy_of_example(tmp_path / "clone"), reader(tmp_path / "home")).stdout == shown
