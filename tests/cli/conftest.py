"""One cache of compiled packs for all tests: it is keyed by content, so that no test can see another's."""

from pathlib import Path

import pytest
from cli_world import World


@pytest.fixture(scope="session")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cache")


@pytest.fixture
def world(tmp_path: Path, cache: Path) -> World:
    return World(tmp_path, cache)
