# SPDX-License-Identifier: Apache-2.0
"""The known-answer test of AES cores and hash units, run once after reset."""

from typing import Final

from amaranth import *
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from yingzhou.errors import require
from yingzhou.geometry import BEAT_BITS, BEATS

from .aes_cores import KEYS, LATENCY
from .bank import DirectSignature
from .config import AES_KINDS, MAC_BITS
from .hash import HashTest
from .signature import AesKey

FIPS_KEY: Final = int.from_bytes(bytes.fromhex("000102030405060708090a0b0c0d0e0f"), "little")
FIPS_BLOCK: Final = int.from_bytes(bytes.fromhex("00112233445566778899aabbccddeeff"), "little")
"""FIPS 197, appendix C.1: the first block of the test, under K_pad's place."""
OTHER_KEY: Final = int.from_bytes(bytes.fromhex("2b7e151628aed2a6abf7158809cf4f3c"), "little")
"""FIPS 197, appendix A.1, in K_mac's place."""

BLOCKS: Final = {"pipelined": 128, "iterative": 32}
"""Blocks of one pass. With both passes an S-box of a pipelined core sees 256 bytes; of an iterative core, 640."""
GROUP: Final = 16
"""Answers that make four hash key pairs and three lines; the third line is hashed as a node."""
PASSES: Final = 2

EXPECTED_AES: Final = {
    "pipelined": 0xEF57E10CD1DF03060EA374DAFFBDBB7B,
    "iterative": 0x35DD95023CCB272100AF88FEE0684438,
}
"""XOR of the last answers of every chain, of both passes."""
EXPECTED_HASH: Final = {
    "pipelined": 0x047E18F460E2A04D,
    "iterative": 0xC0DD35D1121A550F,
}
"""Hashes in order, each added to the sum before it turned left by one bit."""


def interval_of(kind: str) -> int:
    """Return the cycles between blocks of the test; ``LATENCY // interval`` chains are under way at once."""
    return 1 if kind == "pipelined" else LATENCY


class SelfTest(wiring.Component):
    """Encrypts chains of blocks on all cores at once, and hashes what comes out.

    There are two passes, the second with the complements of the first one's keys. In each, the first blocks are
    ``FIPS_BLOCK ^ n`` and every later block is the answer that comes in the cycle it is sent in, so any wrong bit
    changes everything after it. Keys alternate from block to block. Of each 16 answers four become hash keys and
    twelve are hashed. The run has a fixed length: an answer that is missing or late is a wrong one.

    Compared with constants: the last answers of the chains, and the hashes. All cores, and all hash units, must agree
    with the first one in every cycle.

    Parameters
    ----------
    kind : str
        Kind of the cores, of :data:`AES_KINDS`.
    hash_units : int
        Hash units tested, 1 to 4.

    Ports
    -----
    start : pulse; once after reset.
    running : 1 from the cycle after ``start`` to the end. While it is, ``keys`` and ``direct`` go to the bank.
    done : pulse at the end, with ``aes_wrong`` and ``hash_wrong``.
    keys, load, busy, direct : see :class:`AesBank`.
    hash_key : pulse: ``direct.result`` is a pair of hash keys. They arrive lowest first, four in a row.
    hash0 .. : see :class:`HashTest`.
    """

    def __init__(self, kind: str, hash_units: int = 1):
        require(kind in AES_KINDS, f"kind is {kind!r}; accepted are {', '.join(AES_KINDS)}")
        require(1 <= hash_units <= 4, f"hash_units is {hash_units}; accepted are 1 to 4")
        self.kind, self.hash_units = kind, hash_units
        super().__init__(
            {
                "start": In(1),
                "running": Out(1),
                "done": Out(1),
                "aes_wrong": Out(1),
                "hash_wrong": Out(1),
                "keys": Out(BEAT_BITS).array(KEYS),
                "load": Out(1),
                "busy": In(1),
                "direct": Out(DirectSignature()),
                "hash_key": Out(1),
                **{f"hash{number}": Out(HashTest()) for number in range(hash_units)},
            }
        )

    def elaborate(self, platform):
        m = Module()
        direct, units = self.direct, [getattr(self, f"hash{number}") for number in range(self.hash_units)]
        blocks, interval = BLOCKS[self.kind], interval_of(self.kind)
        chains = LATENCY // interval
        second, mismatch, mistimed = Signal(), Signal(), Signal()
        phase = Signal(range(max(2, interval)))  # cycles to the next step
        step = Signal(range(blocks + chains))  # blocks sent
        answer = Signal(range(GROUP))  # number of the answer in its group
        drain = Signal(range(8))
        aes_sum, hash_sum = Signal(BEAT_BITS), Signal(MAC_BITS)
        now = Signal()  # a step: a block may be sent, an answer must be there
        expected = Signal()
        m.d.comb += [
            expected.eq(step >= chains),
            *(
                port.eq(key ^ second.replicate(BEAT_BITS))
                for port, key in zip(self.keys, (FIPS_KEY, OTHER_KEY), strict=True)
            ),
            direct.valid.eq(now & (step < blocks)),
            direct.key.eq(Mux(step[0], AesKey.MAC, AesKey.PAD)),
            direct.block.eq(Mux(expected, direct.result, FIPS_BLOCK ^ step)),
            self.hash_key.eq(now & expected & (answer < 4)),
        ]
        for unit in units:
            m.d.comb += [
                unit.active.eq(self.running),
                unit.beats.valid.eq(now & expected & (answer >= 4)),
                unit.beats.index.eq(answer[: (BEATS - 1).bit_length()]),
                unit.beats.data.eq(direct.result),
                unit.beats.node.eq(answer >= GROUP - BEATS),
            ]
        with m.If(self.running):
            with m.If(~direct.agree):
                m.d.sync += mismatch.eq(1)
            for unit in units[1:]:
                with m.If((unit.beats.done != units[0].beats.done) | (unit.beats.value != units[0].beats.value)):
                    m.d.sync += mistimed.eq(1)
            with m.If(units[0].beats.done):
                m.d.sync += hash_sum.eq(hash_sum.rotate_left(1) ^ units[0].beats.value)

        with m.FSM():
            with m.State("wait"):
                with m.If(self.start):
                    m.d.sync += self.running.eq(1)
                    m.next = "load"
            with m.State("load"):
                m.d.comb += self.load.eq(1)
                m.d.sync += [step.eq(0), phase.eq(0), answer.eq(0), drain.eq(0)]
                m.next = "expand"
            with m.State("expand"):
                with m.If(~self.busy):
                    m.next = "chain"
            with m.State("chain"):
                m.d.comb += now.eq(phase == 0)
                m.d.sync += phase.eq(Mux(now, interval - 1, phase - 1))
                with m.If(now):
                    m.d.sync += step.eq(step + 1)
                    with m.If(expected):
                        m.d.sync += answer.eq(answer + 1)
                    with m.If(direct.done != expected):
                        m.d.sync += mismatch.eq(1)
                    with m.If(step >= blocks):
                        m.d.sync += aes_sum.eq(aes_sum ^ direct.result)
                    with m.If(step == blocks + chains - 1):
                        m.next = "drain"
            with m.State("drain"):  # the last hash is on its way
                m.d.sync += drain.eq(drain + 1)
                with m.If(drain == 7):
                    m.d.sync += second.eq(1)
                    with m.If(second):
                        m.next = "judge"
                    with m.Else():
                        m.next = "load"
            with m.State("judge"):
                m.d.comb += [
                    self.done.eq(1),
                    self.aes_wrong.eq(mismatch | (aes_sum != EXPECTED_AES[self.kind])),
                    self.hash_wrong.eq(mistimed | (hash_sum != EXPECTED_HASH[self.kind])),
                ]
                m.d.sync += self.running.eq(0)
                m.next = "over"
            with m.State("over"):
                pass
        return m
