# SPDX-License-Identifier: Apache-2.0
"""Contents of a node as pure functions and one block of logic (docs/mmt-format.md, sections 2, 4 and 5)."""

from collections.abc import Sequence

from amaranth import *
from amaranth.hdl import ValueLike
from amaranth.lib import data

from yingzhou.geometry import LINE_BITS

from .config import FLAT_BITS, GENERATION_BITS, LOW_BITS, MAC_BITS, MAJOR_MAX_BITS, MINOR_MAX_BITS, MmtConfig
from .signature import AesDomain

MINORS_FROM = LOW_BITS
MAC_FROM = LINE_BITS - MAC_BITS

SEED = data.StructLayout({"low": LOW_BITS, "generation": GENERATION_BITS, "id": 38, "domain": AesDomain})
"""Input of one AES block."""
NODE_ID = data.StructLayout({"number": 33, "root": 1, "level": 4})
"""``SEED.id`` of a node's MAC mask."""


def by_level(level: Value, values: Sequence[ValueLike]) -> Value:
    """Return the value for ``level`` (1 and up); ``values`` begins with level 1."""
    if len(values) == 1:
        return Value.cast(values[0])
    # What level 0 selects is never used; it must only exist.
    return Value.cast(Array([values[0], *values])[level])


def node_seed(low: Value, generation: Value, number: Value, root: Value, level: Value) -> Value:
    """Return the AES input for the MAC mask of a node; the counter is the one its parent holds."""
    node_id = Cat(number, Const(0, 33 - len(number)), root, level)
    return Cat(low, generation, node_id, Const(AesDomain.NODE_MAC.value, 2))


def virgin_node(config: MmtConfig, generation: Value) -> Value:
    """Return the node that was never written in this generation, without MAC."""
    if config.split:
        return Cat(Const(0, MAJOR_MAX_BITS), generation, Const(0, LINE_BITS - LOW_BITS))
    return Const(0, LINE_BITS)


class Counters:
    """The counter of one child of a node and where it can move. Combinational.

    Parameters
    ----------
    m : Module
        Where the logic goes.
    node : Value
        512 bits.
    level : Value or int
        Level of the node; an integer makes the logic of that level only.
    child : Value
        Number of the child in the node.

    Attributes
    ----------
    low              : low counter of the child. 0: virgin.
    overflows        : the next step needs the major to move.
    exhausted        : the next step would wrap: there is none.
    next_low, next_node : counter of the child and node after a step. Valid without ``overflows`` and ``exhausted``.
    turned_low, turned_node : counter of every child and node after the major moved. Valid without ``exhausted``.
    """

    def __init__(self, m: Module, config: MmtConfig, name: str, node: Value, level: Value | int, child: Value):
        self.low, self.next_low, self.turned_low = (
            Signal(LOW_BITS, name=f"{name}_{what}") for what in ("low", "next_low", "turned_low")
        )
        self.next_node, self.turned_node = (Signal(LINE_BITS, name=f"{name}_{what}") for what in ("next", "turned"))
        self.overflows, self.exhausted = (Signal(name=f"{name}_{what}") for what in ("overflows", "exhausted"))
        full = Signal(name=f"{name}_full")
        m.d.comb += self.next_node.eq(node)

        def step(at: int) -> None:
            arity, bits = config.arity(at), config.minor_bits(at)
            first = MINORS_FROM if config.split else 0
            number = child[: arity.bit_length() - 1]
            counter = Signal(bits, name=f"{name}_of_{arity}")
            m.d.comb += [
                counter.eq(node[first : first + arity * bits].word_select(number, bits)),
                self.next_node[first : first + arity * bits].word_select(number, bits).eq(counter + 1),
                full.eq(counter.all()),
                self.low.eq(Cat(counter, Const(0, MINOR_MAX_BITS - bits), major) if config.split else counter),
                self.next_low.eq(
                    Cat((counter + 1)[:bits], Const(0, MINOR_MAX_BITS - bits), major) if config.split else counter + 1
                ),
            ]

        major = node[:MAJOR_MAX_BITS]
        if isinstance(level, int):
            step(level)
        else:
            with m.Switch(level):
                for arity in sorted(set(config.arities)):
                    levels = [at for at in range(1, config.levels + 1) if config.arity(at) == arity]
                    with m.Case(*levels):
                        step(levels[0])
        if not config.split:
            m.d.comb += self.exhausted.eq(full)
            return
        up = (major + 1)[:MAJOR_MAX_BITS]
        m.d.comb += [
            self.exhausted.eq(full & (major == (1 << config.major_bits) - 1)),
            self.overflows.eq(full & ~self.exhausted),
            self.turned_low.eq(Cat(Const(0, MINOR_MAX_BITS), up)),
            self.turned_node.eq(Cat(up, node[MAJOR_MAX_BITS:LOW_BITS], Const(0, LINE_BITS - LOW_BITS))),
        ]


assert FLAT_BITS <= LOW_BITS
