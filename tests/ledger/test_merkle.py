"""Merkle trees against the published vectors, the definition of RFC 6962 written down naively, and another library."""

from functools import cache

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatecheck.ledger import merkle
from gatecheck.ledger.merkle import Frontier, Hashes, frontier_of, leaf_hash, node_hash

# The vectors of Certificate Transparency's reference implementation: eight leaves, and the root after each.
LEAVES = ["", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f"]
ROOTS = [
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]
# Leaf, size of the tree, audit path.
INCLUSIONS = [
    (0, 8, ["96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
            "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
            "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4"]),
    (5, 8, ["bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
            "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
            "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7"]),
    (2, 3, ["fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125"]),
    (1, 5, ["6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
            "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
            "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b"]),
]  # fmt: skip
# Old size, new size, proof.
CONSISTENCIES = [
    (1, 8, ["96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
            "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
            "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4"]),
    (6, 8, ["0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
            "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
            "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7"]),
    (2, 5, ["5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
            "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b"]),
]  # fmt: skip


def hashes(leaves: list[bytes]) -> Hashes:
    """The complete subtrees of a tree, each computed from its leaves alone."""

    @cache
    def get(level: int, index: int) -> bytes:
        if level == 0:
            return leaf_hash(leaves[index])
        return node_hash(get(level - 1, 2 * index), get(level - 1, 2 * index + 1))

    return get


VECTORS = hashes([bytes.fromhex(leaf) for leaf in LEAVES])


def plain(leaves: list[bytes]) -> bytes:
    """MTH of RFC 6962, section 2.1, word for word."""
    if len(leaves) < 2:
        return leaf_hash(leaves[0]) if leaves else merkle.EMPTY
    k = 1
    while 2 * k < len(leaves):
        k *= 2
    return node_hash(plain(leaves[:k]), plain(leaves[k:]))


def plain_path(m: int, leaves: list[bytes]) -> list[bytes]:
    """PATH of RFC 6962, section 2.1.1, word for word."""
    if len(leaves) < 2:
        return []
    k = 1
    while 2 * k < len(leaves):
        k *= 2
    if m < k:
        return [*plain_path(m, leaves[:k]), plain(leaves[k:])]
    return [*plain_path(m - k, leaves[k:]), plain(leaves[:k])]


def plain_proof(m: int, leaves: list[bytes], *, is_whole: bool = True) -> list[bytes]:
    """SUBPROOF of RFC 6962, section 2.1.2, word for word."""
    if m == len(leaves):
        return [] if is_whole else [plain(leaves)]
    k = 1
    while 2 * k < len(leaves):
        k *= 2
    if m <= k:
        return [*plain_proof(m, leaves[:k], is_whole=is_whole), plain(leaves[k:])]
    return [*plain_proof(m - k, leaves[k:], is_whole=False), plain(leaves[:k])]


@pytest.mark.parametrize("size", range(1, 9))
def test_published_roots(size: int) -> None:
    assert merkle.root(size, VECTORS).hex() == ROOTS[size - 1]
    assert frontier_of(VECTORS(0, i) for i in range(size)).root().hex() == ROOTS[size - 1]


@pytest.mark.parametrize(("index", "size", "path"), INCLUSIONS)
def test_published_audit_paths(index: int, size: int, path: list[str]) -> None:
    made = merkle.inclusion(index, size, VECTORS)
    assert [h.hex() for h in made] == path
    assert merkle.root_of_inclusion(VECTORS(0, index), index, size, made).hex() == ROOTS[size - 1]


@pytest.mark.parametrize(("old", "new", "path"), CONSISTENCIES)
def test_published_consistency_proofs(old: int, new: int, path: list[str]) -> None:
    made = merkle.consistency(old, new, VECTORS)
    assert [h.hex() for h in made] == path
    assert merkle.is_consistent(old, bytes.fromhex(ROOTS[old - 1]), new, bytes.fromhex(ROOTS[new - 1]), made)


def test_the_empty_tree() -> None:
    assert merkle.root(0, VECTORS) == Frontier().root() == plain([])
    assert merkle.consistency(0, 8, VECTORS) == []
    assert merkle.is_consistent(0, merkle.EMPTY, 8, bytes.fromhex(ROOTS[7]), [])
    assert not merkle.is_consistent(0, bytes(32), 8, bytes.fromhex(ROOTS[7]), [])


@given(st.integers(1, 70), st.data())
def test_proofs_are_those_of_the_definition(size: int, data: st.DataObject) -> None:
    leaves = [bytes([n]) for n in range(size)]
    get = hashes(leaves)
    index, old = data.draw(st.integers(0, size - 1)), data.draw(st.integers(1, size))
    assert merkle.root(size, get) == plain(leaves)
    path, proof = merkle.inclusion(index, size, get), merkle.consistency(old, size, get)
    assert path == plain_path(index, leaves)
    assert proof == plain_proof(old, leaves)
    assert merkle.root_of_inclusion(get(0, index), index, size, path) == plain(leaves)
    assert merkle.is_consistent(old, plain(leaves[:old]), size, plain(leaves), proof)


@given(st.integers(2, 70), st.data())
def test_a_changed_proof_proves_nothing(size: int, data: st.DataObject) -> None:
    leaves = [bytes([n]) for n in range(size)]
    get, root = hashes(leaves), plain(leaves)
    index, old = data.draw(st.integers(0, size - 1)), data.draw(st.integers(1, size - 1))
    path, proof = merkle.inclusion(index, size, get), merkle.consistency(old, size, get)
    place, bit = data.draw(st.integers(0, len(path) * 256 - 1)), data.draw(st.integers(0, len(proof) * 256 - 1))
    assert merkle.root_of_inclusion(get(0, index), index, size, flipped(path, place)) != root
    assert not merkle.is_consistent(old, plain(leaves[:old]), size, root, flipped(proof, bit))
    for wrong in (path[:-1], [*path, bytes(32)]):
        with pytest.raises(ValueError, match=r"^the path is too (short|long)$"):
            merkle.root_of_inclusion(get(0, index), index, size, wrong)
    for wrong in (proof[:-1], [*proof, bytes(32)]):
        assert not merkle.is_consistent(old, plain(leaves[:old]), size, root, wrong)
    other = [*leaves[: old - 1], b"another", *leaves[old:]]
    assert not merkle.is_consistent(old, plain(other[:old]), size, root, proof)


def flipped(path: list[bytes], bit: int) -> list[bytes]:
    number, place = divmod(bit, 256)
    changed = bytearray(path[number])
    changed[place // 8] ^= 1 << place % 8
    return [*path[:number], bytes(changed), *path[number + 1 :]]


@given(st.integers(0, 300), st.integers(0, 300))
def test_a_frontier_is_taken_up_where_it_was_left(first: int, more: int) -> None:
    leaves = [leaf_hash(bytes([n % 256, n // 256])) for n in range(first + more)]
    begun = frontier_of(leaves[:first])
    again = Frontier(begun.size, begun.hashes)
    completed = [each for leaf in leaves[first:] for each in again.add(leaf)]
    assert again.root() == frontier_of(leaves).root()
    get = hashes([bytes([n % 256, n // 256]) for n in range(first + more)])
    assert all(found == get(level, index) for level, index, found in completed)
    with pytest.raises(ValueError, match="complete subtrees, not"):
        Frontier(first, [*begun.hashes, bytes(32)])
