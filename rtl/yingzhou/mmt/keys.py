# SPDX-License-Identifier: Apache-2.0
"""Where the keys come from: self-test, entropy and its health, hash keys, and then never again until reset."""

from typing import Final

from amaranth import *
from amaranth.lib import enum, stream, wiring
from amaranth.lib.wiring import In, Out

from yingzhou.geometry import BEAT_BITS

from .aes_cores import KEYS
from .bank import DirectSignature
from .hash import HashKeys
from .signature import AesDomain, AesKey

WORD_BITS: Final = 32
WORDS: Final = 12
"""Words of entropy: K_pad, K_mac, K_hash, four each, little end first."""
DERIVED: Final = 4
"""Blocks of hash keys."""
CHECK_ID: Final = 4
"""The id of domain 3 whose block is a key's check value; hash keys use 0 to 3."""
CHECK_BITS: Final = 32
TEST_KEYS: Final = (
    int.from_bytes(bytes(range(0x00, 0x10)), "little"),
    int.from_bytes(bytes(range(0x10, 0x20)), "little"),
    int.from_bytes(bytes(range(0x20, 0x30)), "little"),
)
"""K_pad, K_mac, K_hash with the test strap: bytes 00 to 2f."""


class Failure(enum.Enum, shape=4):
    """Why there are no keys. Until reset."""

    NONE = 0
    AES_TEST = 1
    """An AES core gave a wrong answer, or two disagreed."""
    HASH_TEST = 2
    """A hash unit gave a wrong answer, or two disagreed."""
    ENTROPY_REPEAT = 3
    """A word of entropy was 0 or equal to an earlier one."""
    KEYS_REPEAT = 4
    """A key is the one of before the last reset."""


class KeyLoader(wiring.Component):
    """Tests, takes three keys, derives the hash keys, opens the bank; or fails for good.

    Health of the entropy: the repetition count test of NIST SP 800-90B, section 4.4.1, with cutoff 2 (for words of at
    least 20 bits of entropy: alpha 2^-20), and stricter: all twelve words differ, and none is 0. So no two keys are
    equal either. Full entropy fails it once in 2^25 resets. A check value of each key, 32 bits of a block encrypted
    under it, outlives a reset (not the loss of power): the same key again is refused.

    No port carries a key to anywhere but the AES bank. K_hash is overwritten once the hash keys are derived; on a
    failure, so is everything.

    Parameters: none.

    Ports
    -----
    entropy : stream of words, taken after the self-test, twelve in all. Not ready otherwise.
    test_keys : strap, sampled in the first cycle after reset. 1: use :data:`TEST_KEYS`, and no entropy.
    test_keys_used : 1: the strap was 1.
    ready : level, until reset: clients are served. Opens the bank.
    failed : level, until reset: the reason. Never nonzero together with ``ready``.
    start, tested, aes_wrong, hash_wrong, hash_key : see :class:`SelfTest`; ``tested`` is its ``done``.
    direct, keys, load, busy : see :class:`AesBank`.
    hash_keys : for hash units; meaningful with ``ready``, 0 after a failure.
    """

    # countermeasure: MMT.KEYS

    def __init__(self):
        super().__init__(
            {
                "entropy": In(stream.Signature(WORD_BITS)),
                "test_keys": In(1),
                "test_keys_used": Out(1),
                "ready": Out(1),
                "failed": Out(Failure),
                "start": Out(1),
                "tested": In(1),
                "aes_wrong": In(1),
                "hash_wrong": In(1),
                "hash_key": In(1),
                "direct": Out(DirectSignature()),
                "keys": Out(BEAT_BITS).array(KEYS),
                "load": Out(1),
                "busy": In(1),
                "hash_keys": Out(HashKeys),
            }
        )

    def elaborate(self, platform):
        m = Module()
        direct = self.direct
        ring = Signal(WORDS * WORD_BITS)  # words as they came; the oldest at the low end when all are there
        pad, mac, secret = (ring[n * BEAT_BITS : (n + 1) * BEAT_BITS] for n in range(3))
        word, taken, turns = Signal(WORD_BITS), Signal(range(WORDS + 1)), Signal(range(WORDS))
        deriving = Signal(init=1)  # K_hash is in the place of K_pad
        number, asked = Signal(range(CHECK_ID + 1)), Signal()
        fresh = [Signal(CHECK_BITS, name=f"check{n}") for n in range(3)]
        # These outlive a reset on purpose: they say what the keys of before were not allowed to be.
        before = [Signal(CHECK_BITS, name=f"check_before{n}", reset_less=True) for n in range(3)]
        m.d.comb += [
            self.keys[AesKey.PAD.value].eq(Mux(deriving, secret, pad)),
            self.keys[AesKey.MAC.value].eq(mac),
        ]

        def fail(reason: Failure) -> None:
            """Add to an FSM state: never go on."""
            m.d.sync += [self.failed.eq(reason), ring.eq(0), word.eq(0), self.hash_keys.eq(0)]
            m.next = "wipe"

        def ask(key: AesKey, identity: Value) -> None:
            """Add to an FSM state: one block of domain 3; ``asked`` until it answers."""
            m.d.comb += [
                direct.valid.eq(~asked),
                direct.key.eq(key),
                direct.block.eq(Cat(C(0, 88), identity, C(0, 38 - len(identity)), AesDomain.HASH)),
            ]
            m.d.sync += asked.eq(~direct.done)

        with m.If(self.hash_key):
            m.d.sync += self.hash_keys.eq(Cat(self.hash_keys.as_value()[BEAT_BITS:], direct.result))
        with m.FSM():
            with m.State("begin"):
                m.d.comb += self.start.eq(1)
                m.d.sync += self.test_keys_used.eq(self.test_keys)
                m.next = "test"
            with m.State("test"):
                with m.If(self.tested):
                    with m.If(self.aes_wrong):
                        fail(Failure.AES_TEST)
                    with m.Elif(self.hash_wrong):
                        fail(Failure.HASH_TEST)
                    with m.Elif(self.test_keys_used):
                        m.d.sync += ring.eq(Cat(*(C(key, BEAT_BITS) for key in TEST_KEYS)))
                        m.next = "load"
                    with m.Else():
                        m.next = "take"
            with m.State("take"):
                m.d.comb += self.entropy.ready.eq(1)
                m.d.sync += [word.eq(self.entropy.payload), turns.eq(0)]
                with m.If(self.entropy.valid):
                    m.next = "compare"
            with m.State("compare"):  # with every word of before, and with 0 where there was none
                m.d.sync += [turns.eq(turns + 1), ring.eq(ring.rotate_right(WORD_BITS))]
                with m.If(word == ring[:WORD_BITS]):
                    fail(Failure.ENTROPY_REPEAT)
                with m.Elif(turns == WORDS - 1):
                    m.next = "keep"
            with m.State("keep"):
                m.d.sync += [ring.eq(Cat(ring[WORD_BITS:], word)), word.eq(0), taken.eq(taken + 1)]
                with m.If(taken == WORDS - 1):
                    m.next = "load"
                with m.Else():
                    m.next = "take"
            with m.State("load"):
                m.d.comb += self.load.eq(1)
                m.next = "expand"
            with m.State("expand"):
                with m.If(~self.busy):
                    with m.If(deriving):
                        m.next = "derive"
                    with m.Else():
                        m.next = "check pad"
            with m.State("derive"):
                ask(AesKey.PAD, number)
                with m.If(direct.done):
                    m.d.sync += number.eq(number + 1)
                    with m.If(number < DERIVED):
                        m.d.sync += self.hash_keys.eq(Cat(self.hash_keys.as_value()[BEAT_BITS:], direct.result))
                    with m.Else():
                        m.d.sync += fresh[2].eq(direct.result[:CHECK_BITS])
                        m.next = "check mac"
            with m.State("check mac"):
                ask(AesKey.MAC, C(CHECK_ID))
                with m.If(direct.done):
                    m.d.sync += [fresh[1].eq(direct.result[:CHECK_BITS]), deriving.eq(0), secret.eq(0)]
                    m.next = "load"
            with m.State("check pad"):
                ask(AesKey.PAD, C(CHECK_ID))
                with m.If(direct.done):
                    m.d.sync += fresh[0].eq(direct.result[:CHECK_BITS])
                    m.next = "judge"
            with m.State("judge"):
                repeated = Cat(now == then for now, then in zip(fresh, before, strict=True)).any()
                with m.If(repeated & ~self.test_keys_used):
                    fail(Failure.KEYS_REPEAT)
                with m.Else():
                    with m.If(~self.test_keys_used):
                        m.d.sync += [then.eq(now) for now, then in zip(fresh, before, strict=True)]
                    m.d.sync += self.ready.eq(1)
                    m.next = "ready"
            with m.State("ready"):
                pass
            with m.State("wipe"):  # expanded keys too
                m.d.comb += self.load.eq(1)
                m.next = "failed"
            with m.State("failed"):
                pass
        return m
