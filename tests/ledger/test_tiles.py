"""Tiles hold the very tree that they are made of, however it grew, and say when they do not."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gatecheck.ledger import merkle
from gatecheck.ledger.merkle import frontier_of, leaf_hash
from gatecheck.ledger.tiles import TileError, Tiles, last_paths, tile_path

LEAVES = [leaf_hash(n.to_bytes(4, "big")) for n in range(70_000)]


def grown(steps: list[int]) -> tuple[Tiles, dict[str, bytes]]:
    """Grow a tree step by step, keeping its files as a checkpoint does: what is partial is left behind."""
    files: dict[str, bytes] = {}
    tree = Tiles(0, files.get)
    for step in steps:
        left = last_paths(tree.size)
        tree, made = tree.grown(LEAVES[tree.size : tree.size + step])
        if step:
            for path in left:
                if path not in last_paths(tree.size):
                    files.pop(path, None)
        files |= made
    return Tiles(tree.size, files.get), files


@settings(max_examples=40, deadline=None)
@given(st.lists(st.sampled_from([0, 1, 2, 255, 256, 257, 500]), max_size=8), st.data())
def test_a_tree_in_tiles_is_the_tree(steps: list[int], data: st.DataObject) -> None:
    tree, files = grown(steps)
    assert merkle.root(tree.size, tree.get) == frontier_of(LEAVES[: tree.size]).root()
    at_once, _ = Tiles(0, lambda path: None).grown(LEAVES[: tree.size])
    assert merkle.root(tree.size, at_once.get) == merkle.root(tree.size, tree.get)
    if tree.size:
        index, old = data.draw(st.integers(0, tree.size - 1)), data.draw(st.integers(1, tree.size))
        root = merkle.root(tree.size, tree.get)
        path = merkle.inclusion(index, tree.size, tree.get)
        assert merkle.root_of_inclusion(LEAVES[index], index, tree.size, path) == root
        old_root = frontier_of(LEAVES[:old]).root()
        assert merkle.is_consistent(old, old_root, tree.size, root, merkle.consistency(old, tree.size, tree.get))
    counts = [tree.size >> 8 * level for level in range(3) if tree.size >> 8 * level]
    assert len(files) == sum(-(-count // 256) for count in counts)  # no file too many


def test_three_levels() -> None:
    tree, files = grown([65_536, 300])
    assert merkle.root(tree.size, tree.get) == frontier_of(LEAVES[: tree.size]).root()
    assert sorted(p for p in files if not p.startswith("tile/0")) == ["tile/1/000", "tile/1/001.p/1", "tile/2/000.p/1"]


@pytest.mark.parametrize(
    ("level", "number", "width", "path"),
    [
        (0, 0, 256, "tile/0/000"),
        (0, 999, 7, "tile/0/999.p/7"),
        (1, 1234, 256, "tile/1/x001/234"),
        (0, 1234067, 8, "tile/0/x001/x234/067.p/8"),
    ],
)
def test_the_names_are_those_of_the_specification(level: int, number: int, width: int, path: str) -> None:
    assert tile_path(level, number, width) == path


def test_a_missing_tile_and_one_of_another_width_are_named() -> None:
    tree, files = grown([300])
    del files["tile/0/000"]
    with pytest.raises(TileError, match=r"^`tile/0/000` is missing$"):
        tree.get(0, 3)
    files["tile/0/001.p/44"] += bytes(32)
    with pytest.raises(TileError, match=r"^`tile/0/001.p/44` is of another width$"):
        tree.get(0, 256)
