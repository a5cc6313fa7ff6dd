# SPDX-License-Identifier: Apache-2.0
"""Answers of the compute kernels (sw/workloads/kernels.h), computed in plain Python from their definitions."""

from collections.abc import Iterator

NODES, MATRIX, TEXT, CRC_BYTES, SORT_WORDS, SIEVE_LIMIT = 64, 12, 256, 512, 128, 2048


def crc16(crc: int, data: bytes) -> int:
    """CRC-16/ARC of ``data`` going on from ``crc``."""
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0xA001 if crc & 1 else 0)
    return crc


def crc16_words(crc: int, *words: int) -> int:
    """CRC-16/ARC of 32-bit little-endian words."""
    return crc16(crc, b"".join((word & 0xFFFFFFFF).to_bytes(4, "little") for word in words))


def random_words(seed: int) -> Iterator[int]:
    """The xorshift32 sequence of a kernel's seed."""
    x = seed * 2654435761 & 0xFFFFFFFF | 1
    while True:
        x ^= x << 13 & 0xFFFFFFFF
        x ^= x >> 17
        x ^= x << 5 & 0xFFFFFFFF
        yield x


def int16(value: int) -> int:
    """The low 16 bits as a signed number."""
    return (value & 0xFFFF ^ 0x8000) - 0x8000


def list_(seed: int) -> int:
    """Stable sort by key, then how many keys lie below one more random key."""
    words = random_words(seed)
    nodes = [(next(words) & 0xFF, index) for index in range(NODES)]
    ordered = sorted(nodes, key=lambda node: node[0])
    wanted = next(words) & 0xFF
    return crc16_words(0, *(key << 16 | index for key, index in ordered), sum(key < wanted for key, _ in nodes))


def matrix(seed: int) -> int:
    """A times (A transposed plus its row number)."""
    words = random_words(seed)
    a = [[int16(next(words)) for _ in range(MATRIX)] for _ in range(MATRIX)]
    b = [[int16(a[j][i] + i) for j in range(MATRIX)] for i in range(MATRIX)]
    return crc16_words(
        0, *(sum(a[i][k] * b[k][j] for k in range(MATRIX)) for i in range(MATRIX) for j in range(MATRIX))
    )


def state(seed: int) -> int:
    """Count token kinds and changes of state, from a table of transitions."""
    digits, lower = "0123456789", "abcdefghijklmnopqrstuvwxyz"
    rules: dict[str, dict[str, str]] = {
        "begin": {**dict.fromkeys(digits, "integer"), **dict.fromkeys(lower, "word"), "0": "zero", "-": "sign"},
        "sign": dict.fromkeys(digits, "integer"),
        "zero": {**dict.fromkeys(digits, "integer"), "x": "hex", ".": "float"},
        "integer": {**dict.fromkeys(digits, "integer"), ".": "float"},
        "float": dict.fromkeys(digits, "float"),
        "hex": dict.fromkeys(digits + "abcdef", "hex"),
        "word": dict.fromkeys(lower, "word"),
        "invalid": {},
    }
    alphabet = "0123456789abcxyz.-,,,,,,0x1."
    words = random_words(seed)
    text = [alphabet[next(words) % len(alphabet)] for _ in range(TEXT)] + [","]
    kinds: dict[str, int] = dict.fromkeys(("integer", "float", "hex", "word", "invalid"), 0)
    now, changes = "begin", 0
    for c in text:
        if c == ",":
            if now != "begin":
                kinds[{"zero": "integer", "sign": "invalid"}.get(now, now)] += 1
            then = "begin"
        else:
            then = rules[now].get(c, "invalid")
        changes += then != now
        now = then
    return crc16_words(0, *kinds.values(), changes)


def crc(seed: int) -> int:
    """CRC over the top bytes of random words."""
    words = random_words(seed)
    return crc16(0xFFFF, bytes(next(words) >> 24 for _ in range(CRC_BYTES)))


def sort(seed: int) -> int:
    """Sorted random words."""
    words = random_words(seed)
    return crc16_words(0, *sorted(next(words) for _ in range(SORT_WORDS)))


def sieve(limit: int) -> int:
    """How many primes below ``limit``, and the last."""
    primes = [n for n in range(2, limit) if all(n % d for d in range(2, int(n**0.5) + 1))]
    return crc16_words(0, len(primes), primes[-1])


def mix(seed: int, iterations: int) -> int:
    """List, matrix, state machine and CRC folded together."""
    result = 0
    for s in range(seed, seed + iterations):
        for kernel in (list_, matrix, state, crc):
            result = crc16_words(result, kernel(s))
    return result


EXPECTED_SEED, EXPECTED_ITERATIONS = 7, 2


def expected() -> dict[str, int]:
    """The constants of ``kernels_expected.h``."""
    s = EXPECTED_SEED
    return {
        "KERNEL_SEED": s,
        "KERNEL_MIX_ITERATIONS": EXPECTED_ITERATIONS,
        "EXPECTED_LIST": list_(s),
        "EXPECTED_MATRIX": matrix(s),
        "EXPECTED_STATE": state(s),
        "EXPECTED_CRC": crc(s),
        "EXPECTED_SORT": sort(s),
        "EXPECTED_SIEVE": sieve(SIEVE_LIMIT),
        "EXPECTED_MIX": mix(s, EXPECTED_ITERATIONS),
    }
