"""A Merkle tree as files: C2SP's tlog-tiles, of height 8, so that any reader of such logs can check ours.

A tile of level L holds up to 256 hashes of complete subtrees of 256**L leaves each. A full tile never changes; the last
one of a level is partial, and its name says how wide it is. From tiles alone every root and every proof follows.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping

from gatecheck.ledger.merkle import node_hash

HEIGHT = 8
WIDTH = 1 << HEIGHT
_HASH = 32
Read = Callable[[str], bytes | None]


class TileError(ValueError):
    """Tiles that do not make up the tree that they are said to; the message says which one."""


def tile_path(level: int, number: int, width: int = WIDTH) -> str:
    """Return a tile's path: `tile/0/x001/234`, with `.p/7` behind it where it is only 7 hashes wide."""
    groups = [f"{number % 1000:03d}"]
    while number >= 1000:
        number //= 1000
        groups.insert(0, f"x{number % 1000:03d}")
    return f"tile/{level}/{'/'.join(groups)}{'' if width == WIDTH else f'.p/{width}'}"


def shape(size: int) -> Iterator[tuple[int, int]]:
    """Yield the levels of a tree that hold hashes, from below, each with how many."""
    level = 0
    while size >> HEIGHT * level:
        yield level, size >> HEIGHT * level
        level += 1


def last_paths(size: int) -> list[str]:
    """Return the paths of the partial tiles of a tree: what the next one leaves behind."""
    return [tile_path(level, count // WIDTH, count % WIDTH) for level, count in shape(size) if count % WIDTH]


class Tiles:
    """A tree of ``size`` leaves in tiles; ``read`` returns a file's bytes by its path, or ``None``."""

    def __init__(self, size: int, read: Read) -> None:
        self.size = size
        self._read = read
        self._kept: dict[tuple[int, int], bytes] = {}

    def tile(self, level: int, number: int) -> bytes:
        """Return a tile's hashes, one behind the other; ``TileError`` if it is missing or of another width."""
        if (level, number) not in self._kept:
            count = (self.size >> HEIGHT * level) - number * WIDTH
            path = tile_path(level, number, min(count, WIDTH))
            found = self._read(path)
            if found is None or len(found) != min(count, WIDTH) * _HASH:
                raise TileError(f"`{path}` is {'missing' if found is None else 'of another width'}")
            self._kept[level, number] = found
        return self._kept[level, number]

    def get(self, level: int, index: int) -> bytes:
        """Return the hash of a complete subtree, as ``ledger.merkle`` asks for it."""
        tile_level, above = divmod(level, HEIGHT)
        first = index << above
        tile = self.tile(tile_level, first // WIDTH)
        start = first % WIDTH * _HASH
        hashes = [tile[at : at + _HASH] for at in range(start, start + (_HASH << above), _HASH)]
        while len(hashes) > 1:
            hashes = [node_hash(hashes[n], hashes[n + 1]) for n in range(0, len(hashes), 2)]
        return hashes[0]

    def grown(self, leaves: Iterable[bytes]) -> "tuple[Tiles, dict[str, bytes]]":
        """Return the tree with further leaves, given by their hashes, and the tiles that are new, by their paths."""
        edge = {level: self._edge(level, count) for level, count in shape(self.size)}
        first = {level: count // WIDTH for level, count in shape(self.size)}
        size = self.size
        for leaf in leaves:
            edge.setdefault(0, bytearray()).extend(leaf)
            size += 1
            level = 0
            # A tile that is full gives the level above one more hash.
            while len(edge[level]) % (WIDTH * _HASH) == 0:
                edge.setdefault(level + 1, bytearray()).extend(_root_of(edge[level][-WIDTH * _HASH :]))
                level += 1
        made: dict[str, bytes] = {}
        for level, hashes in edge.items():
            start = first.get(level, 0)
            for at in range(0, len(hashes), WIDTH * _HASH):
                tile = bytes(hashes[at : at + WIDTH * _HASH])
                made[tile_path(level, start + at // (WIDTH * _HASH), len(tile) // _HASH)] = tile
        old = set(last_paths(self.size))
        return Tiles(size, _first_of(made, self._read)), {path: tile for path, tile in made.items() if path not in old}

    def _edge(self, level: int, count: int) -> bytearray:
        return bytearray(self.tile(level, count // WIDTH) if count % WIDTH else b"")


def _first_of(made: Mapping[str, bytes], read: Read) -> Read:
    return lambda path: made[path] if path in made else read(path)


def _root_of(tile: bytes | bytearray) -> bytes:
    hashes = [bytes(tile[at : at + _HASH]) for at in range(0, len(tile), _HASH)]
    while len(hashes) > 1:
        hashes = [node_hash(hashes[n], hashes[n + 1]) for n in range(0, len(hashes), 2)]
    return hashes[0]
