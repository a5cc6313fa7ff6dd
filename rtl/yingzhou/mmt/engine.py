# SPDX-License-Identifier: Apache-2.0
"""The memory engine: its units joined."""

from amaranth import *
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out, connect, flipped

from yingzhou.bus import axi4, register_bus
from yingzhou.bus.axi_join import AxiJoin
from yingzhou.bus.axi_split import AxiSplit
from yingzhou.geometry import BEAT_BITS, PAGE_LOG
from yingzhou.line.front import Front
from yingzhou.line.memory_port import MemoryPort
from yingzhou.line.signature import TAG_BITS_FOR_READ

from .config import MmtConfig
from .crypto import Crypto
from .lines import AES_TAG_BITS as LINES_TAG_BITS
from .lines import Lines
from .records import Denials, FailureMerge
from .registers import ADDR_WIDTH, MmtRegisters
from .tree import AES_TAG_BITS as TREE_TAG_BITS
from .tree import Tree


class MmtEngine(wiring.Component):
    """Encryption, integrity and freshness for DRAM (docs/mmt.md).

    Parameters
    ----------
    config : MmtConfig
        Geometry, caches, AES cores, addresses.

    Ports
    -----
    cpu       : AXI4 slave, 128-bit data: from the last cache. With a protection bit, addresses without it pass through.
    dram      : AXI4 master, 128-bit data: to DRAM. Identifiers one bit wider than ``cpu``'s with a protection bit.
    bus       : register bus (rdl/mmt.rdl).
    entropy   : stream of 32-bit random words; 12 are taken after reset.
    test_keys : strap, constant: 1 uses known keys, for bring-up only.
    irq       : level: an integrity failure is recorded, or it could not start. Idle: 0.
    busy      : level: an operation, a command or the self-test is under way. While it is 0 and no port has a valid or a
                strobe, nothing changes inside but pipelines that run empty. Idle: 0.
    """

    def __init__(self, config: MmtConfig):
        self.config = config
        join_bits = 0 if config.protection_bit is None else 1
        self.cpu_axi = axi4.Signature(config.addr_width, BEAT_BITS, config.id_width)
        self.dram_axi = axi4.Signature(config.addr_width, BEAT_BITS, config.id_width + join_bits)
        super().__init__(
            {
                "cpu": In(self.cpu_axi),
                "dram": Out(self.dram_axi),
                "bus": In(register_bus.Signature(ADDR_WIDTH)),
                "entropy": In(stream.Signature(32)),
                "test_keys": In(1),
                "irq": Out(1),
                "busy": Out(1),
            }
        )

    def elaborate(self, platform):
        m = Module()
        config = self.config
        m.submodules.front = front = Front(config, write_bursts=max(8, config.slots))
        m.submodules.lines = lines = Lines(config, TAG_BITS_FOR_READ)
        m.submodules.tree = tree = Tree(config)
        m.submodules.memory = memory = MemoryPort(config, clients=2, writes=max(8, config.slots))
        tested = (lines.hash_test0, lines.hash_test1, tree.hash_test)
        m.submodules.crypto = crypto = Crypto(config, (LINES_TAG_BITS, TREE_TAG_BITS), len(tested))
        m.submodules.registers = registers = MmtRegisters(config)

        connect(m, front.lines, lines.ops)
        connect(m, lines.lookup, tree.lookup)
        connect(m, lines.service, tree.service)
        connect(m, tree.jobs, lines.jobs)
        for number, user in enumerate((lines, tree)):
            connect(m, user.aes, getattr(crypto, f"client{number}"))
            connect(m, user.memory, getattr(memory, f"client{number}"))
            m.d.comb += user.hash_keys.eq(crypto.hash_keys)
        for number, place in enumerate(tested):
            connect(m, getattr(crypto, f"hash_test{number}"), place)
        connect(m, flipped(self.entropy), crypto.entropy)
        m.d.comb += crypto.test_keys.eq(self.test_keys)

        connect(m, flipped(self.bus), registers.bus)
        connect(m, registers.commands, tree.commands)
        m.d.comb += [
            tree.settings.eq(registers.settings),
            lines.active.eq(registers.settings.active),
            registers.ready.eq(crypto.ready),
            registers.failed.eq(crypto.failed),
            registers.test_keys.eq(crypto.test_keys_used),
            registers.events.as_value().eq(lines.events.as_value() | tree.events.as_value()),
            self.irq.eq(registers.irq),
            self.busy.eq(lines.busy | registers.busy | ~(crypto.ready | crypto.failed.as_value().any())),
        ]
        self._records(m, front, lines, tree, registers)
        self._outside(m, front, memory, registers)
        return m

    def _records(self, m: Module, front: Front, lines: Lines, tree: Tree, registers: MmtRegisters) -> None:
        """Failures and refusals to the registers, a failed line also to the tree, which locks."""
        m.submodules.failures = failures = FailureMerge(self.config)
        m.submodules.denials = denials = Denials(self.config)
        m.d.comb += [
            tree.line_failure.valid.eq(lines.failure.valid),
            tree.line_failure.failure.eq(lines.failure.failure),
            failures.first.valid.eq(lines.failure.valid),
            failures.first.failure.eq(lines.failure.failure),
            denials.op_valid.eq(front.lines.op.valid & front.lines.op.ready),
            denials.op_line.eq(front.lines.op.p.line),
            denials.op_outside.eq(front.lines.op.p.outside),
            denials.active.eq(registers.settings.active),
            denials.lookup_valid.eq(lines.lookup.request.valid & lines.lookup.request.ready),
            denials.lookup_line.eq(lines.lookup.request.p.line),
            denials.lookup_done.eq(lines.lookup.done),
            denials.lookup_answer.eq(lines.lookup.answer),
            denials.service_valid.eq(lines.service.request.valid & lines.service.request.ready),
            denials.service_line.eq(lines.service.request.p.line),
            denials.service_failed.eq(lines.service.done & ~lines.service.ok),
            denials.service_kind.eq(lines.service.kind),
        ]
        connect(m, tree.failure, failures.second)
        connect(m, failures.out, registers.failure)
        connect(m, denials.out, registers.denied)

    def _outside(self, m: Module, front: Front, memory: MemoryPort, registers: MmtRegisters) -> None:
        """AXI: everything protected, or split by the protection bit and joined again before DRAM."""
        config = self.config
        if config.protection_bit is None:
            connect(m, flipped(self.cpu), front.s_axi)
            connect(m, memory.m_axi, flipped(self.dram))
            return
        m.submodules.split = split = AxiSplit(
            addr_width=config.addr_width,
            data_width=BEAT_BITS,
            id_width=config.id_width,
            bit=config.protection_bit,
            closed_bytes=config.root_bytes,
        )
        m.submodules.join = join = AxiJoin(addr_width=config.addr_width, data_width=BEAT_BITS, id_width=config.id_width)
        connect(m, flipped(self.cpu), split.s_axi)
        connect(m, split.set, front.s_axi)
        connect(m, split.clear, join.first)
        connect(m, memory.m_axi, join.second)
        connect(m, join.m_axi, flipped(self.dram))
        m.d.comb += [
            split.closed_valid.eq(registers.settings.active),
            split.closed_base.eq(config.memory_base + (registers.settings.root_page << PAGE_LOG)),
        ]
