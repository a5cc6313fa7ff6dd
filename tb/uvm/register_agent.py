# SPDX-License-Identifier: Apache-2.0
"""The register port: AXI4-Lite agent, and the register model that pyuvm's register layer works on.

The model is made from the RDL (:mod:`yingzhou.regs`): no register, field, width, access or reset value is typed here.
"""

from copy import copy
from random import Random
from typing import Any

from cocotb.triggers import Event
from pyuvm import (
    ConfigDB,
    uvm_access_e,
    uvm_driver,
    uvm_endianness_e,
    uvm_reg,
    uvm_reg_adapter,
    uvm_reg_block,
    uvm_reg_field,
    uvm_sequence_item,
    uvm_status_e,
)
from systemrdl.node import FieldNode
from systemrdl.rdltypes.builtin_enums import OnWriteType

from yingzhou.regs import load
from yingzhou.regs.compile import registers_of

from .agents import AxiAgent, Pace
from .pins import Port

WORD = 0xFFFF_FFFF
_ON_WRITE = {None: "RW", OnWriteType.woset: "W1S", OnWriteType.woclr: "W1C"}


class LiteItem(uvm_sequence_item):
    """A register access. ``value``: to write, or what was read. ``resp``: None when a reset took the access away."""

    def __init__(self, write: bool, addr: int, value: int = 0, strobe: int = 15):
        super().__init__("access")
        self.write, self.addr, self.value, self.strobe = write, addr, value, strobe
        self.resp: int | None = None
        self.done = Event()


class LiteDriver(uvm_driver):
    """Makes one access after the other; address and data of a write come in any order."""

    def build_phase(self):
        self.port: Port = copy(ConfigDB().get(self, "", "PORT"))  # It samples when it waits, not with the others.
        self.pace: Pace = ConfigDB().get(self, "", "PACE")
        self.rng: Random = ConfigDB().get(self, "", "RNG")

    async def run_phase(self):
        self.port.idle()
        while True:
            item = await self.seq_item_port.get_next_item()
            await self._do(item)
            item.done.set()
            self.seq_item_port.item_done()

    async def _do(self, item: LiteItem) -> None:
        port, rng, pace = self.port, self.rng, self.pace
        todo = {"aw", "w"} if item.write else {"ar"}
        answer = "b" if item.write else "r"
        offered: set[str] = set()
        if item.write:
            port.put("aw", addr=item.addr, prot=0)
            port.put("w", data=item.value, strb=item.strobe)
        else:
            port.put("ar", addr=item.addr, prot=0)
        while True:
            for channel in sorted(todo - offered):
                if rng.random() >= getattr(pace, channel):
                    offered.add(channel)
                    port.drive(channel, True)
            port.drive(answer, rng.random() >= getattr(pace, answer))
            await port.edge()
            if port.in_reset:
                break
            for channel in sorted(offered):
                if port.taken(channel):
                    offered.discard(channel)
                    todo.discard(channel)
                    port.drive(channel, False)
            if port.taken(answer):
                fields = port.read(answer)
                item.resp = fields["resp"]
                if not item.write:
                    item.value = fields["data"]
                break
        port.idle()


class RegisterAgent(AxiAgent):
    """Sequencer, driver and monitor of the register port."""

    driver_class = LiteDriver


class Adapter(uvm_reg_adapter):
    """Between the register layer and :class:`LiteItem`."""

    def reg2bus(self, rw: Any) -> LiteItem:
        return LiteItem(rw.kind == uvm_access_e.UVM_WRITE, rw.addr, rw.data & WORD)

    def bus2reg(self, bus_item: Any, rw: Any) -> None:
        rw.addr, rw.data = bus_item.addr, bus_item.value
        rw.status = uvm_status_e.UVM_IS_OK if bus_item.resp == 0 else uvm_status_e.UVM_NOT_OK


def access_of(node: FieldNode) -> str:
    """Return pyuvm's name of what software may do with a field."""
    if not node.is_sw_writable:
        return "RO"
    return _ON_WRITE[node.get_property("onwrite")]


class Registers(uvm_reg_block):
    """Register model of a block. ``by_path``: registers by their path in the RDL, such as ``command.op``.

    ``rdl`` is the file's name, ``parameters`` are those of its address map.
    """

    def __init__(self, name: str, rdl: str, **parameters: int):
        super().__init__(name)
        self.by_path: dict[str, Any] = {}
        self.offset: dict[str, int] = {}
        base: Any = 0
        self.map: Any = self.create_map("map", base, 4, uvm_endianness_e.UVM_LITTLE_ENDIAN)
        for path, offset, node in registers_of(load(rdl, **parameters)):
            register = uvm_reg(path.replace(".", "_"), 32)
            register.configure(self)
            for field in node.fields():
                self._add_field(register, field)
            self.map.add_reg(register, offset)
            self.by_path[path], self.offset[path] = register, offset
        self.lock_model()

    @staticmethod
    def _add_field(register: uvm_reg, node: FieldNode) -> None:
        reset: Any = node.get_property("reset")
        field: Any = uvm_reg_field(node.inst_name)
        # What hardware writes or counts is not what software wrote last.
        volatile = node.is_hw_writable or bool(node.get_property("counter"))
        field.configure(
            register, node.width, node.low, access_of(node), volatile, reset or 0, reset is not None, False, False
        )


def merged(before: int, value: int, strobe: int) -> int:
    """Return a register's word after a write of the bytes in ``strobe``."""
    mask = sum(0xFF << 8 * lane for lane in range(4) if strobe >> lane & 1)
    return before & ~mask | value & mask


__all__ = ["Adapter", "LiteItem", "RegisterAgent", "Registers", "access_of", "merged"]
