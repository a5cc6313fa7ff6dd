# SPDX-License-Identifier: Apache-2.0
"""The shell's ports as Python objects: one read a cycle, payloads only where something is offered.

Everything is sampled at the rising edge, which shows what was settled before it, and driven after it.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final

from cocotb.triggers import RisingEdge

from .harness import RESET_BIT, Channel

RESET: Final = 1 << RESET_BIT


class Port:
    """One AXI port of the shell.

    ``shakes``: handshakes as sampled last; see :mod:`tb.uvm.harness`. ``listeners``: called at every edge.
    """

    def __init__(self, dut: Any, channels: Mapping[str, Channel], name: str):
        self.name, self.channels = name, channels
        self._edge = RisingEdge(dut.clk)
        self.listeners: list[Callable[[], None]] = []
        self._shakes = getattr(dut, f"{name}_handshakes")
        self._payload = {channel: getattr(dut, f"{name}_{channel}") for channel in self.channels}
        self._mine = {
            channel: getattr(dut, f"{name}_{channel}_{'valid' if info.driven else 'ready'}")
            for channel, info in self.channels.items()
        }
        self._last: dict[str, int] = {}
        self._bit = {channel: 1 << 2 * number for number, channel in enumerate(self.channels)}
        self.shakes = RESET

    def step(self) -> None:
        """A clock edge: sample, and tell those who listen, in the order in which they came."""
        self.shakes = int(self._shakes.value)
        for listener in self.listeners:
            listener()

    async def edge(self) -> None:
        """Wait for a clock edge and sample: for one who does not listen."""
        await self._edge
        self.shakes = int(self._shakes.value)

    @property
    def in_reset(self) -> bool:
        return bool(self.shakes & RESET)

    def valid(self, channel: str) -> bool:
        return bool(self.shakes & self._bit[channel])

    def taken(self, channel: str) -> bool:
        """Return whether a transfer happened at the edge."""
        both = 3 * self._bit[channel]
        return self.shakes & both == both

    def raw(self, channel: str) -> int:
        """Return a channel's payload, packed."""
        return int(self._payload[channel].value)

    def unpack(self, channel: str, value: int) -> dict[str, int]:
        """Return the fields of a packed payload."""
        return {field.name: value >> field.low & (1 << field.width) - 1 for field in self.channels[channel].fields}

    def read(self, channel: str) -> dict[str, int]:
        """Return a channel's payload."""
        return self.unpack(channel, self.raw(channel))

    def drive(self, channel: str, on: bool) -> None:
        """Set the testbench's valid or ready of a channel."""
        if self._last.get(channel) != on:
            self._last[channel] = on
            self._mine[channel].value = int(on)

    def put(self, channel: str, **fields: int) -> None:
        """Set the payload of a channel that the testbench drives."""
        self._payload[channel].value = sum(fields[field.name] << field.low for field in self.channels[channel].fields)

    def noise(self, channel: str, bits: int) -> None:
        """Set the payload of a channel that offers nothing to something that means nothing."""
        self._payload[channel].value = bits & (1 << self.channels[channel].width) - 1

    def idle(self) -> None:
        """Offer and take nothing."""
        for channel in self.channels:
            self.drive(channel, False)


__all__ = ["RESET", "Port"]
