# SPDX-License-Identifier: Apache-2.0
"""No key, and nothing made of one, can be read: every address of the registers, in every state of the joined engine."""

import pytest

from tb.models.mmt_crypto import Crypto, Keys
from yingzhou.regs import load
from yingzhou.regs.compile import registers_of

from .bench import STATUS, Bench, Op
from .test_engine_integrity import FIRST, A, filled

PAGE = range(0, 4096, 4)
"""Addresses of words of the register port."""
OFFSETS = {offset for _, offset, _ in registers_of(load("mmt"))}


def words_of(keys: Keys) -> set[bytes]:
    """Return four bytes from any place of a key or of the hash keys made of K_hash, in both orders."""
    made = b"".join(word.to_bytes(8, "little") for word in Crypto(keys).hash_keys)
    found = {text[at : at + 4] for text in (keys.pad, keys.mac, keys.hash, made) for at in range(len(text) - 3)}
    return found | {word[::-1] for word in found}


def shown(bench: Bench) -> dict[int, bytes]:
    """Return the data of a read of every address, also where the answer is an error."""
    words = {}
    for addr in PAGE:
        resp, word = bench._lite("read", addr)
        assert (resp == 0) == (addr in OFFSETS), f"address {addr:#x} answers {resp}"
        words[addr] = word.to_bytes(4, "little")
    return words


@pytest.mark.covers("MMT.KEYS", "M17")
def test_no_address_shows_a_key():
    """While keys are taken, before the engine is enabled, with traffic, after a failure, and under the next keys."""
    bench = filled()
    secrets = words_of(bench.model.keys)

    def check(state: str) -> None:
        found = [addr for addr, word in shown(bench).items() if word in secrets]
        assert not found, f"{state}: a key at {[hex(addr) for addr in found]}"

    assert bench.write(FIRST, bench.rng.randbytes(64)).ok and bench.read(FIRST).ok
    check("with traffic")
    bench.expect(Op.UNMOUNT, A)
    bench.flip(FIRST, 3)
    bench.suspect.add(A)
    assert not bench.read(FIRST).ok and bench.failure() is not None
    check("after a failure")
    bench.reset()
    secrets |= words_of(bench.model.keys)
    check("at the start")
    bench.until(STATUS, 1, 1)
    check("not enabled")
    bench.start()
    check("enabled")


def test_words_of_keys_are_known():
    """The check knows a key when it sees one: whole words, words across two, and either order of bytes."""
    keys = Keys(bytes(range(16)), bytes(range(16, 32)), bytes(range(32, 48)))
    secrets = words_of(keys)
    assert {bytes((0, 1, 2, 3)), bytes((3, 2, 1, 0)), bytes((28, 29, 30, 31))} <= secrets
    assert Crypto(keys).hash_keys[5].to_bytes(8, "little")[2:6] in secrets
    assert bytes(4) not in secrets and len(secrets) == 2 * (3 * 13 + 61)
