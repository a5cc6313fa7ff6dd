# SPDX-License-Identifier: Apache-2.0
"""The universal hash of lines and nodes (docs/mmt-format.md, section 4): eight products in GF(2^64), added."""

from collections.abc import Sequence
from typing import Final

from amaranth import *
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from yingzhou.geometry import BEAT_BITS, BEATS

from .config import MAC_BITS

HASH_KEYS: Final = 8
SPLITS: Final = 2
"""How often words are halved by Karatsuba's method: 9 products of 16 bits in place of one of 64. One split more costs
a simulator more than it saves an FPGA."""

HashKeys: Final = data.ArrayLayout(MAC_BITS, HASH_KEYS)
"""k_0 to k_7."""


class HashBeats(wiring.Signature):
    """A line or node, beat by beat, and its hash.

    ``valid`` : one beat: ``index`` 0 to 3 in order, gaps allowed; ``data``: words 2 * index (low half) and
                 2 * index + 1.
    ``node``  : with beat 3: 1 leaves out word 7.
    ``done``  : pulse, :attr:`HashUnit.LATENCY` cycles after beat 3, with ``value``.
    """

    def __init__(self):
        super().__init__(
            {
                "valid": Out(1),
                "index": Out(range(BEATS)),
                "data": Out(BEAT_BITS),
                "node": Out(1),
                "done": In(1),
                "value": In(MAC_BITS),
            }
        )


class HashTest(wiring.Signature):
    """The hash unit's place in the self-test: ``beats`` in place of its user's while ``active``."""

    def __init__(self):
        super().__init__({"active": Out(1), "beats": Out(HashBeats())})


class HashUnit(wiring.Component):
    """Hashes lines that come beat by beat, one a cycle at most, without a gap between lines.

    Three stages: words and their keys; products, added up over the beats; the remainder. Products stay split
    (Karatsuba) and unreduced until the last beat: both are linear.

    Ports
    -----
    valid, index, data, node, done, value : see :class:`HashBeats`. ``value`` is 0 without ``done``.
    keys : k_0 to k_7; sampled with each beat.
    test : see :class:`HashTest`; leave unconnected where no self-test reaches.
    """

    LATENCY: Final = 3
    """Cycles from the one with beat 3 to the one with ``done``."""

    def __init__(self):
        beats = {name: member.flip() for name, member in HashBeats().members.items()}
        super().__init__({**beats, "keys": In(HashKeys), "test": In(HashTest())})

    def elaborate(self, platform):
        m = Module()
        test, probe = self.test.active, self.test.beats
        valid = Mux(test, probe.valid, self.valid)
        index = Mux(test, probe.index, self.index)
        block = Mux(test, probe.data, self.data)
        node = Mux(test, probe.node, self.node)

        # 1: two words and their keys
        words = [Signal(MAC_BITS, name=f"word{half}") for half in range(2)]
        keys = [Signal(MAC_BITS, name=f"key{half}") for half in range(2)]
        begin, add, end = Signal(), Signal(), Signal()
        m.d.sync += [add.eq(valid), begin.eq(index == 0), end.eq(valid & (index == BEATS - 1))]
        with m.If(valid):
            last = index == BEATS - 1
            m.d.sync += [words[0].eq(block[:MAC_BITS]), words[1].eq(Mux(node & last, 0, block[MAC_BITS:]))]
            with m.Switch(index):
                for beat in range(BEATS):
                    with m.Case(beat):
                        m.d.sync += [keys[half].eq(self.keys[2 * beat + half]) for half in range(2)]

        # 2: products
        ready = Signal()
        m.d.sync += ready.eq(end)
        factors = [zip(split(m, words[half], SPLITS), split(m, keys[half], SPLITS), strict=True) for half in range(2)]
        sums = []
        for number, ((a, b), (c, d)) in enumerate(zip(*factors, strict=True)):
            total = Signal(2 * len(a) - 1, name=f"sum{number}")
            sums.append(total)
            with m.If(add):
                m.d.sync += total.eq(Mux(begin, 0, total) ^ product(m, a, b) ^ product(m, c, d))

        # 3: remainder
        done, tested = Signal(), Signal()
        m.d.sync += [
            done.eq(ready),
            tested.eq(test),
            self.value.eq(Mux(ready, reduce(m, join(m, sums)), 0)),
        ]
        m.d.comb += [
            self.done.eq(done & ~tested),
            probe.done.eq(done & tested),
            probe.value.eq(self.value),
        ]
        return m


def split(m: Module, value: Value, times: int) -> list[Value]:
    """Give the 3^times factors that Karatsuba's method multiplies: of halves low, high, and low + high."""
    if times == 0:
        return [value]
    half = len(value) // 2
    both = Signal(half, name="both_halves")
    m.d.comb += both.eq(value[:half] ^ value[half:])
    return [part for piece in (value[:half], value[half:], both) for part in split(m, piece, times - 1)]


def product(m: Module, a: Value, b: Value) -> Value:
    """Multiply polynomials over GF(2) of equal width; the result has 2 * width - 1 bits."""
    width = len(a)
    result = Signal(2 * width - 1, name="product")
    terms: Value = Const(0, 2 * width - 1)
    for bit in range(width):
        terms = terms ^ (a & b[bit].replicate(width)) << bit
    m.d.comb += result.eq(terms)
    return result


def join(m: Module, products: Sequence[Value]) -> Value:
    """Give the product of the whole from the products of what :func:`split` gave."""
    if len(products) == 1:
        return products[0]
    third = len(products) // 3
    low, high, both = (join(m, products[n * third : (n + 1) * third]) for n in range(3))
    half = (len(low) + 1) // 2
    result = Signal(4 * half - 1, name="joined")
    m.d.comb += result.eq(low ^ (low ^ high ^ both) << half ^ high << 2 * half)
    return result


def reduce(m: Module, value: Value) -> Value:
    """Give the remainder of a polynomial of 127 bits by x^64 + x^4 + x^3 + x + 1."""

    def fold(high: Value) -> Value:
        return high ^ high << 1 ^ high << 3 ^ high << 4

    once = Signal(68, name="folded")
    m.d.comb += once.eq(value[:MAC_BITS] ^ fold(value[MAC_BITS:]))
    return once[:MAC_BITS] ^ fold(once[MAC_BITS:])
