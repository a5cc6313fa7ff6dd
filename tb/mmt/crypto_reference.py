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
