# SPDX-License-Identifier: Apache-2.0
"""Cryptography of the memory engine's format (docs/mmt-format.md, section 4), on bytes and integers.

A line is 64 ``bytes``; a node is 56 ``bytes`` of counters and its MAC.
"""

from dataclasses import dataclass
from functools import reduce
from operator import getitem, xor

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

DATA, DATA_MAC, NODE_MAC, HASH = range(4)
"""Domains of AES inputs."""
MASK64 = 2**64 - 1
_REDUCTION = 0x1B
"""x^4 + x^3 + x + 1, what x^64 is."""


@dataclass(frozen=True)
class Keys:
    """The three AES-128 keys, 16 bytes each."""

    pad: bytes
    mac: bytes
    hash: bytes


@dataclass(frozen=True)
class Counter:
    """A child's full counter."""

    generation: int
    low: int


@dataclass(frozen=True)
class LineName:
    """What a line is called in seeds: its number in memory, or its number in the root table."""

    number: int
    root: bool

    @property
    def id(self) -> int:
        return self.number | self.root << 35


@dataclass(frozen=True)
class NodeName:
    """What a node is called in seeds: its number in its level over all subtrees, or its index in the root tree."""

    level: int
    number: int
    root: bool

    @property
    def id(self) -> int:
        return self.number | self.root << 33 | self.level << 34


def seed(domain: int, id: int, counter: Counter) -> bytes:
    """Return the AES input."""
    return (counter.low | counter.generation << 64 | id << 88 | domain << 126).to_bytes(16, "little")


def _ecb(key: bytes):
    return Cipher(algorithms.AES128(key), modes.ECB()).encryptor().update


class Crypto:
    """Pads and MACs under one set of keys."""

    def __init__(self, keys: Keys):
        self.keys = keys
        self._pad = _ecb(keys.pad)
        self._mask = _ecb(keys.mac)
        blocks = _ecb(keys.hash)(b"".join(seed(HASH, j, Counter(0, 0)) for j in range(4)))
        self.hash_keys = [int.from_bytes(blocks[8 * i : 8 * i + 8], "little") for i in range(8)]
        self._tables = [table for key in self.hash_keys for table in self._byte_tables(key)]

    @staticmethod
    def _byte_tables(key: int) -> list[list[int]]:
        """Return, for each byte of a word, the products of its 256 values with ``key``."""
        tables = []
        power = key
        for _ in range(8):
            table = [0]
            for _ in range(8):
                table += [product ^ power for product in table]
                power = (power << 1) & MASK64 ^ (_REDUCTION if power >> 63 else 0)
            tables.append(table)
        return tables

    def hash(self, content: bytes) -> int:
        """Return H over 64-bit words: eight of a line, seven of a node."""
        return reduce(xor, map(getitem, self._tables, content))

    def pad(self, name: LineName, counter: Counter, data: bytes) -> bytes:
        """Encrypt or decrypt a line."""
        seeds = b"".join(seed(DATA, name.id | block << 36, counter) for block in range(4))
        return (int.from_bytes(self._pad(seeds)) ^ int.from_bytes(data)).to_bytes(64)

    def line_mac(self, name: LineName, counter: Counter, ciphertext: bytes) -> int:
        """Return the MAC of a line."""
        return self.hash(ciphertext) ^ self._mac_mask(seed(DATA_MAC, name.id, counter))

    def node_mac(self, name: NodeName, counter: Counter, content: bytes) -> int:
        """Return the MAC of a node of 56 bytes; ``counter`` is the one that its parent holds."""
        return self.hash(content) ^ self._mac_mask(seed(NODE_MAC, name.id, counter))

    def _mac_mask(self, block: bytes) -> int:
        return int.from_bytes(self._mask(block)[:8], "little")
