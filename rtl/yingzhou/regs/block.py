# SPDX-License-Identifier: Apache-2.0
"""A register map as hardware."""

from collections.abc import Mapping

from amaranth import *
from amaranth.lib import wiring
from amaranth.lib.wiring import In
from amaranth.utils import ceil_log2
from systemrdl.node import AddrmapNode, FieldNode

from ..bus import register_bus
from ..errors import ConfigError
from .compile import path_of, registers_of
from .field import Field


class RegisterBlock(wiring.Component):
    """The registers of one SystemRDL map (SystemRDL 2.0, chapter 9: fields; chapter 10: registers) on the register bus.

    A write is refused as a whole, and ``bus.err`` is 1, when a lock covers the register or when a field in a written
    byte lane has ``swwel`` and the field named there is not 0. Writes to fields that software cannot write have no
    effect and no error.

    Parameters
    ----------
    top : AddrmapNode
        The compiled map, from :func:`yingzhou.regs.load`.
    addr_width : int, optional
        Width of the bus address in bits. Default: the smallest that reaches every register. Addresses of no register
        answer ``err``.
    locks : mapping of str to Value, optional
        Path of a regfile entry or register ("area[0]") to a 1-bit value; writes there are refused while it is 1. More
        can be added with :meth:`lock` before elaboration.

    Ports
    -----
    bus : register bus; answers in the same cycle.
    """

    def __init__(self, top: AddrmapNode, *, addr_width: int | None = None, locks: Mapping[str, Value] | None = None):
        smallest = max(2, ceil_log2(top.size))
        self.top = top
        self.addr_width = smallest if addr_width is None else addr_width
        if self.addr_width < smallest:
            raise ConfigError(
                f"addr_width {addr_width} is too small for register map {top.inst_name}; accepted: {smallest} or more"
            )
        self._registers = registers_of(top)
        self._fields: dict[str, Field] = {}
        for path, _, node in self._registers:
            for field in node.fields():
                self._fields[f"{path}.{field.inst_name}"] = Field(field, path_of(top, field))
        self._locks: list[tuple[str, Value]] = []
        super().__init__({"bus": In(register_bus.Signature(self.addr_width))})
        for path, value in (locks or {}).items():
            self.lock(path, value)

    def field(self, path: str) -> Field:
        """Return the hardware side of a field, such as ``area[0].attr.kind``."""
        try:
            return self._fields[path]
        except KeyError:
            raise ConfigError(
                f"field {path!r} does not exist in register map {self.top.inst_name}; "
                f"accepted: {', '.join(self._fields)}"
            ) from None

    @property
    def fields(self) -> Mapping[str, Field]:
        """All fields by path."""
        return self._fields

    def lock(self, path: str, value: Value) -> None:
        """Refuse writes to every register at or below ``path`` while ``value`` is 1. Several locks add up."""
        if not any(self._below(path, register) for register, _, _ in self._registers):
            raise ConfigError(
                f"lock {path!r} covers no register of map {self.top.inst_name}; accepted: a register or regfile entry, "
                f"such as {self._registers[-1][0]!r}"
            )
        self._locks.append((path, value))

    @staticmethod
    def _below(path: str, register: str) -> bool:
        return register == path or register.startswith(path + ".")

    def _field_at(self, node: FieldNode) -> Field:
        return self._fields[path_of(self.top, node)]

    @staticmethod
    def _word(fields: list[Field]) -> Value:
        """Return what software reads from a register with these fields."""
        parts: list[Value] = []
        for field in sorted(fields, key=lambda field: field.node.low):
            if field.node.is_sw_readable:
                parts += [Const(0, field.node.low - sum(map(len, parts))), field.value]
        return Cat(*parts, Const(0, 32 - sum(map(len, parts))))

    def elaborate(self, platform):
        m = Module()
        bus = self.bus
        hit_any, refused_any = Signal(), Signal()
        with m.Switch(bus.addr[2:]):
            for path, offset, node in self._registers:
                name = path.replace("[", "_").replace("]", "").replace(".", "_")
                hit, refused = Signal(name=f"{name}_hit"), Signal(name=f"{name}_refused")
                fields = [self._field_at(field) for field in node.fields()]
                with m.Case(offset // 4):
                    m.d.comb += [hit.eq(1), hit_any.eq(1), refused_any.eq(refused)]
                    with m.If(bus.r_stb):
                        m.d.comb += bus.r_data.eq(self._word(fields))
                reasons = [value for lock, value in self._locks if self._below(lock, path)]
                for field in fields:
                    gate = field.node.get_property("swwel")
                    if isinstance(gate, FieldNode):
                        reasons.append(field.lanes.any() & self._field_at(gate).value.any())
                m.d.comb += refused.eq(Cat(reasons).any() if reasons else 0)
                for field in fields:
                    field.build(
                        m,
                        read=bus.r_stb & hit,
                        write=bus.w_stb & hit & ~refused,
                        data=bus.w_data,
                        mask=bus.w_mask,
                    )
        m.d.comb += bus.err.eq((bus.r_stb & ~hit_any) | (bus.w_stb & (~hit_any | refused_any)))
        return m
