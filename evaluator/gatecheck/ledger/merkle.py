"""Merkle trees over a writer's entries, as RFC 6962 (section 2.1) has them: roots, inclusion and consistency proofs.

A tree is known by the hashes of its complete subtrees: ``get(level, index)`` is the hash over the leaves from
``index * 2**level`` on, ``2**level`` of them. So a proof reads a handful of hashes however large the tree is, and
nothing here says where they are kept.
"""

from collections.abc import Callable, Iterable, Sequence
from hashlib import sha256

Hashes = Callable[[int, int], bytes]
EMPTY = sha256(b"").digest()


def leaf_hash(data: bytes) -> bytes:
    """Return the hash of one leaf."""
    return sha256(b"\x00" + data).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """Return the hash of a node above two others."""
    return sha256(b"\x01" + left + right).digest()


class Frontier:
    """The right edge of a growing tree: what is needed to add leaves and to tell the root, and nothing more."""

    def __init__(self, size: int = 0, hashes: Sequence[bytes] = ()) -> None:
        """Take up a tree of ``size`` leaves, given by its complete subtrees from the largest to the smallest."""
        if len(hashes) != size.bit_count():
            raise ValueError(f"a tree of {size} leaves has {size.bit_count()} complete subtrees, not {len(hashes)}")
        self.size = size
        self.hashes = list(hashes)

    def add(self, leaf: bytes) -> list[tuple[int, int, bytes]]:
        """Add a leaf by its hash, and return each subtree that it completes: level, index and hash."""
        completed = [(0, self.size, leaf)]
        self.size += 1
        for level in range(1, (self.size & -self.size).bit_length()):
            leaf = node_hash(self.hashes.pop(), leaf)
            completed.append((level, (self.size >> level) - 1, leaf))
        self.hashes.append(leaf)
        return completed

    def root(self) -> bytes:
        """Return the root over all leaves so far."""
        return _joined(self.hashes) if self.hashes else EMPTY


def _joined(hashes: Sequence[bytes]) -> bytes:
    """Return the hash over subtrees that stand side by side, the largest first."""
    found = hashes[-1]
    for left in reversed(hashes[:-1]):
        found = node_hash(left, found)
    return found


def subtrees(size: int) -> list[tuple[int, int]]:
    """Return level and index of the complete subtrees that make up a tree, the largest first."""
    out = []
    start = 0
    for level in range(size.bit_length() - 1, -1, -1):
        if size >> level & 1:
            out.append((level, start >> level))
            start += 1 << level
    return out


def root(size: int, get: Hashes) -> bytes:
    """Return the root of a tree of ``size`` leaves."""
    return _hash_of(0, size, get) if size else EMPTY


def _hash_of(start: int, end: int, get: Hashes) -> bytes:
    """Return the hash over the leaves from ``start`` to before ``end``, a range that the tree's shape has."""
    return _joined([get(level, (start >> level) + index) for level, index in subtrees(end - start)])


def _split(size: int) -> int:
    """Return the largest power of two below ``size``: where a tree's left half ends."""
    return 1 << ((size - 1).bit_length() - 1)


def inclusion(index: int, size: int, get: Hashes) -> list[bytes]:
    """Return the audit path of one leaf: the hashes beside its way to the root, from below."""
    if not 0 <= index < size:
        raise ValueError(f"there is no leaf {index} in a tree of {size}")
    path: list[bytes] = []
    start, end = 0, size
    while end - start > 1:
        middle = start + _split(end - start)
        if index < middle:
            path.append(_hash_of(middle, end, get))
            end = middle
        else:
            path.append(_hash_of(start, middle, get))
            start = middle
    return path[::-1]


def consistency(old: int, new: int, get: Hashes) -> list[bytes]:
    """Return the proof that a tree of ``new`` leaves begins with that of ``old``; empty where either says nothing."""
    if not 0 <= old <= new:
        raise ValueError(f"a tree of {new} leaves does not grow from one of {old}")
    path: list[bytes] = []
    start, end, is_whole = 0, new, True  # whether [start, old) is the old tree itself, whose root is known
    if old in (0, new):
        return path
    while end != old:
        middle = start + _split(end - start)
        if old <= middle:
            path.append(_hash_of(middle, end, get))
            end = middle
        else:
            path.append(_hash_of(start, middle, get))
            start, is_whole = middle, False
    if not is_whole:
        path.append(_hash_of(start, end, get))
    return path[::-1]


def root_of_inclusion(leaf: bytes, index: int, size: int, path: Sequence[bytes]) -> bytes:
    """Return the root that a leaf's hash and its audit path lead to; ``ValueError`` for a path of another length."""
    if not 0 <= index < size:
        raise ValueError(f"there is no leaf {index} in a tree of {size}")
    found, last, left = leaf, size - 1, list(path)
    while last:
        if index & 1 or index < last:
            if not left:
                raise ValueError("the path is too short")
            beside = left.pop(0)
            found = node_hash(beside, found) if index & 1 else node_hash(found, beside)
        index, last = index >> 1, last >> 1
    if left:
        raise ValueError("the path is too long")
    return found


def is_consistent(old: int, old_root: bytes, new: int, new_root: bytes, path: Sequence[bytes]) -> bool:
    """Tell whether a proof shows that the tree of ``new`` leaves begins with that of ``old``."""
    if old == new:
        return old_root == new_root and not path
    if old == 0:
        return old_root == EMPTY and not path
    if old > new or not path:
        return False
    index, last = old - 1, new - 1
    while index & 1:
        index, last = index >> 1, last >> 1
    left = list(path)
    first = second = left.pop(0) if index else old_root
    while last:
        if index & 1 or index < last:
            if not left:
                return False
            beside = left.pop(0)
            if index & 1:
                first, second = node_hash(beside, first), node_hash(beside, second)
            else:
                second = node_hash(second, beside)
        index, last = index >> 1, last >> 1
    return not left and first == old_root and second == new_root


def frontier_of(leaves: Iterable[bytes]) -> Frontier:
    """Return the frontier after leaves, given by their hashes."""
    frontier = Frontier()
    for leaf in leaves:
        frontier.add(leaf)
    return frontier
