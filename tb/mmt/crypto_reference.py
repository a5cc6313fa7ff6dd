# SPDX-License-Identifier: Apache-2.0
"""References for the crypto units: AES from the library ``cryptography``, the hash by polynomial division on integers.

128-bit integers have byte 0 in bits 7:0. Written apart from both the RTL and the model of the engine.
"""

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

FIPS_KEY = 0x0F0E0D0C0B0A09080706050403020100
FIPS_PLAIN = 0xFFEEDDCCBBAA99887766554433221100
FIPS_CIPHER = int.from_bytes(bytes.fromhex("69c4e0d86a7b0430d8cdb78070b4c55a"), "little")
"""FIPS 197, appendix C.1."""


def aes(key: int, block: int) -> int:
    """Encrypt one block."""
    encryptor = Cipher(algorithms.AES(key.to_bytes(16, "little")), modes.ECB()).encryptor()
    return int.from_bytes(encryptor.update(block.to_bytes(16, "little")), "little")


def multiply(a: int, b: int) -> int:
    """Multiply in GF(2^64): the whole product first, then division by x^64 + x^4 + x^3 + x + 1."""
    product = 0
    for power in range(64):
        if b >> power & 1:
            product ^= a << power
    for power in reversed(range(64, 127)):
        if product >> power & 1:
            product ^= (1 << 64 | 0b11011) << power - 64
    return product


def line_hash(value: int, keys: list[int], node: bool) -> int:
    """Hash 512 bits; a node's word 7 does not count."""
    result = 0
    for number in range(7 if node else 8):
        result ^= multiply(value >> 64 * number & (1 << 64) - 1, keys[number])
    return result


def hash_keys(key: int) -> list[int]:
    """Derive the eight hash keys from K_hash (docs/mmt-format.md, section 4, domain 3)."""
    keys = []
    for number in range(4):
        block = aes(key, 3 << 126 | number << 88)
        keys += [block & (1 << 64) - 1, block >> 64]
    return keys


def self_test(kind: str, blocks: int | None = None) -> tuple[int, int]:
    """Follow the known-answer test as its docstring tells it; return what the AES chains and the hashes come to.

    ``blocks``: of one pass; None: as many as the docstring says.
    """
    usual, chains = {"pipelined": (128, 11), "iterative": (32, 1)}[kind]
    blocks = blocks or usual
    other = int.from_bytes(bytes.fromhex("2b7e151628aed2a6abf7158809cf4f3c"), "little")
    aes_sum = hash_sum = 0
    for flip in (0, (1 << 128) - 1):
        answers: list[int] = []
        for step in range(blocks):
            block = FIPS_PLAIN ^ step if step < chains else answers[step - chains]
            answers.append(aes((other if step % 2 else FIPS_KEY) ^ flip, block))
        for answer in answers[-chains:]:
            aes_sum ^= answer
        for start in range(0, blocks, 16):
            keys = [half for answer in answers[start : start + 4] for half in (answer & (1 << 64) - 1, answer >> 64)]
            for line in range(1, min(4, (blocks - start) // 4)):
                words = answers[start + 4 * line : start + 4 * line + 4]
                value = sum(word << 128 * number for number, word in enumerate(words))
                turned = hash_sum << 1 & (1 << 64) - 1 | hash_sum >> 63
                hash_sum = turned ^ line_hash(value, keys, line == 3)
    return aes_sum, hash_sum
