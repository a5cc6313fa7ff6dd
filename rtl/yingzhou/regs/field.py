# SPDX-License-Identifier: Apache-2.0
"""One register field as hardware."""

from typing import Any

from amaranth import *
from systemrdl.node import FieldNode
from systemrdl.rdltypes.builtin_enums import OnWriteType, PrecedenceType


def written_value(onwrite: OnWriteType | None, old: Value, data: Value, lanes: Value) -> Value:
    """Return what a field holds after software wrote ``data`` to the bits of ``lanes`` (SystemRDL 2.0, onwrite)."""
    match onwrite:
        case None:
            return (old & ~lanes) | (data & lanes)
        case OnWriteType.woset:
            return old | (data & lanes)
        case OnWriteType.woclr:
            return old & ~(data & lanes)
        case OnWriteType.wot:
            return old ^ (data & lanes)
        case OnWriteType.wzs:
            return old | (~data & lanes)
        case OnWriteType.wzc:
            return old & ~(~data & lanes)
        case OnWriteType.wzt:
            return old ^ (~data & lanes)
        case OnWriteType.wset:
            return old | lanes
        case OnWriteType.wclr:
            return old & ~lanes
    raise AssertionError(onwrite)


class Field:
    """Hardware side of one field. It has only the signals that its properties call for; others raise
    ``AttributeError``.

    Attributes
    ----------
    value   : what the field holds. Changes at the clock edge of a write. A constant for a constant field, ``next`` for
              a field without storage.
    next    : hardware's value (``hw`` = w or rw). Without storage, what software reads in this cycle; else taken with
              ``we``.
    we      : take ``next`` at this clock edge (property ``we``). Drive 0 when idle.
    incr    : count one up at this clock edge (property ``counter``); at all ones wraps, or stays with ``incrsaturate``.
    swmod   : pulse in the cycle after software wrote the field (property ``swmod``); ``value`` is then the new value.
    written : with ``swmod``, the bits as software wrote them, before ``onwrite``; byte lanes that were not written are
              0. Idle: 0.
    swacc   : software reads or writes the field in this cycle (property ``swacc``). Idle: 0.
    lanes   : bits of the field that a write in this cycle covers, for the register block.

    Software and hardware in the same cycle: both take effect, the one that ``precedence`` names (software, by default)
    last.
    """

    value: Value
    next: Signal
    we: Signal
    incr: Signal
    swmod: Signal
    written: Value
    swacc: Signal

    def __init__(self, node: FieldNode, path: str):
        self.node, self.path, self.width = node, path, node.width
        name = path.replace("[", "_").replace("]", "").replace(".", "_")
        get = node.get_property
        reset: Any = get("reset")  # a number, or no reset on a field without storage; subset.py saw to that
        if node.is_hw_writable:
            self.next = Signal(self.width, name=f"{name}_next")
        if node.implements_storage:
            self._stored = Signal(self.width, init=reset, name=name)
            self.value = self._stored
        else:
            self.value = self.next if node.is_hw_writable else Const(reset, self.width)
        if get("we"):
            self.we = Signal(name=f"{name}_we")
        if get("counter"):
            self.incr = Signal(name=f"{name}_incr")
        if get("swmod"):
            self.swmod = Signal(name=f"{name}_swmod")
            self.written = self._written = Signal(self.width, name=f"{name}_written")
        if get("swacc"):
            self.swacc = Signal(name=f"{name}_swacc")
        self.lanes = Signal(self.width, name=f"{name}_lanes")

    def __getattr__(self, name: str):
        if name.startswith("__"):
            raise AttributeError(name)
        access = f"sw={self.node.get_property('sw').name}, hw={self.node.get_property('hw').name}"
        properties = ", ".join(sorted(self.node.list_properties()))
        raise AttributeError(f"field {self.path} has no signal {name!r} ({access}; properties set: {properties})")

    def _after_hardware(self, value: Value) -> Value:
        get = self.node.get_property
        if self.node.is_hw_writable:
            value = Mux(self.we, self.next, value)
        if get("singlepulse"):
            value = Const(0, self.width)
        if get("counter"):
            count = self.incr & ~value.all() if get("incrsaturate") else self.incr
            value = (value + count)[: self.width]
        return value

    def build(self, m: Module, *, read: Value, write: Value, data: Value, mask: Value) -> None:
        """Add the field's logic to ``m``.

        read, write : the register is read or written in this cycle, not refused.
        data, mask  : 32 bits to write and their 4 byte lanes.
        """
        low, get = self.node.low, self.node.get_property
        data = data[low : low + self.width]
        m.d.comb += self.lanes.eq(Cat(mask[bit // 8] for bit in range(low, low + self.width)))
        touched = write & self.lanes.any() if self.node.is_sw_writable else Const(0, 1)
        if self.node.implements_storage:

            def after_software(value: Value) -> Value:
                if not self.node.is_sw_writable:
                    return value
                return Mux(touched, written_value(get("onwrite"), value, data, self.lanes), value)

            if get("precedence") == PrecedenceType.sw:
                after = after_software(self._after_hardware(self._stored))
            else:
                after = self._after_hardware(after_software(self._stored))
            m.d.sync += self._stored.eq(after)
        if get("swmod"):
            m.d.sync += [self.swmod.eq(touched), self._written.eq(Mux(touched, data & self.lanes, 0))]
        if get("swacc"):
            m.d.comb += self.swacc.eq((read if self.node.is_sw_readable else 0) | touched)
