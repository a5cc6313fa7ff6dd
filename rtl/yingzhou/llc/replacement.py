# SPDX-License-Identifier: Apache-2.0
"""Who is the victim (docs/llc.md, rules 9 to 11): functions of bits, and the state of the two ways of replacement.

The tree over the ways is kept as one bit a node, the root first, the children of node n at 2n + 1 and 2n + 2. A bit of
0 points left, to the lower ways.
"""

from amaranth import *
from amaranth.lib import memory, wiring
from amaranth.lib.wiring import In, Out
from amaranth.utils import exact_log2

DRAW_BITS = 16
"""Width of the LFSR that random victims are drawn with."""


def lowest(bits: Value) -> Value:
    """Return the index of the lowest bit that is 1; 0 when there is none."""
    index = Const(0, range(max(2, len(bits))))
    for number in reversed(range(len(bits))):
        index = Mux(bits[number], number, index)
    return index


def touched(tree: Value, way: Value) -> Value:
    """Return the tree with every bit on the path to ``way`` pointing away from it."""
    bits = []
    for node in range(len(tree)):
        depth = (node + 1).bit_length() - 1
        place = node + 1 - (1 << depth)
        on_path = way[len(way) - depth :] == place if depth else Const(1)
        bits.append(Mux(on_path, ~way[len(way) - 1 - depth], tree[node]))
    return Cat(bits)


def tree_victim(tree: Value, candidates: Value) -> Value:
    """Return the way that the bits lead to; where they point to no candidate, the other side. Needs a candidate."""

    def descend(node: int, part: Value) -> tuple[Value, list[Value]]:
        if len(part) == 1:
            return part[0], []
        half = len(part) // 2
        left_any, left = descend(2 * node + 1, part[:half])
        right_any, right = descend(2 * node + 2, part[half:])
        go_right = Mux(tree[node], right_any, ~left_any)
        below = [Mux(go_right, *pair) for pair in zip(right, left, strict=True)]
        return left_any | right_any, [*below, go_right]

    return Cat(descend(0, candidates)[1])


def circular_victim(draw: Value, candidates: Value) -> Value:
    """Return the first candidate at or after way ``draw`` mod the number of ways, circular. Needs a candidate."""
    bits = exact_log2(len(candidates))
    start = draw[:bits]
    turned = (Cat(candidates, candidates) >> start)[: len(candidates)]
    return (lowest(turned) + start)[:bits]


class Draw(wiring.Component):
    """A 16-bit LFSR, x^16 + x^14 + x^13 + x^11 + 1, shifted left every cycle from 1: all values but 0, in 65535 cycles.

    Ports
    -----
    value : of this cycle.
    """

    def __init__(self):
        super().__init__({"value": Out(DRAW_BITS)})

    def elaborate(self, platform):
        m = Module()
        state = Signal(DRAW_BITS, init=1)
        feedback = state[15] ^ state[13] ^ state[12] ^ state[10]
        m.d.sync += state.eq(Cat(feedback, state[:-1]))
        m.d.comb += self.value.eq(state)
        return m


class Trees(wiring.Component):
    """The trees of all sets. What is written in the cycle of a read of the same set is seen by it.

    Parameters
    ----------
    sets, ways : int
        Powers of two.

    Ports
    -----
    read_set             : set to read.
    tree                 : its bits, one cycle later.
    write                : write ``write_tree`` to ``write_set``. Idle: 0.
    """

    def __init__(self, sets: int, ways: int):
        self._sets, self._ways = sets, ways
        super().__init__(
            {
                "read_set": In(exact_log2(sets)),
                "tree": Out(ways - 1),
                "write": In(1),
                "write_set": In(exact_log2(sets)),
                "write_tree": In(ways - 1),
            }
        )

    def elaborate(self, platform):
        m = Module()
        m.submodules.states = trees = memory.Memory(shape=self._ways - 1, depth=self._sets, init=[])
        write = trees.write_port()
        read = trees.read_port(transparent_for=[write])
        m.d.comb += [
            read.addr.eq(self.read_set),
            self.tree.eq(read.data),
            write.addr.eq(self.write_set),
            write.data.eq(self.write_tree),
            write.en.eq(self.write),
        ]
        return m
