# SPDX-License-Identifier: Apache-2.0
"""No AES input is used for two writes: what the engine's units ask AES for, whatever they meant (MMT.FRESH).

The checker of the native bench (``native/nonces.h``) for this environment. It sees the probes of :mod:`tb.mmt.probe`,
which the shell packs into one vector; a cycle in which nothing is probed costs it nothing.
"""

from typing import Any, Final

from pyuvm import ConfigDB, uvm_component

from tb.uvm.harness import probe_fields
from tb.uvm.pins import Port

from ..probe import PROBES
from .harness import PROBED

PADS: Final = 4
"""Blocks of a line that are pads, with numbers 0 to 3; the mask is the fifth."""
PAD, MASK, NODE = 0, 1, 2
"""Domains (docs/mmt-format.md, section 4)."""

Input = tuple[int, int]
"""Which key, 1: K_mac, and the block."""


class Repeated(AssertionError):
    """An AES input served two writes, or one of a foreign domain was asked for."""


class Nonces:
    """Remembers what was used for writes, under one set of keys.

    ``lines``, ``nodes`` : how many were written so far.
    """

    def __init__(self) -> None:
        self._fields = {field.name: (field.low, (1 << field.width) - 1) for field in probe_fields(PROBES)}
        self.lines = self.nodes = 0
        self.reset()

    def reset(self) -> None:
        """New keys: everything is fresh."""
        self._used: set[Input] = set()
        self._lines: dict[tuple[int, int], Input] = {}
        self._node: Input | None = None

    def cycle(self, probes: int) -> None:
        """Look at one cycle's probes. What is written in it was asked for in an earlier one."""
        if self._field(probes, "encrypt_valid"):
            slot = self._field(probes, "encrypt_slot")
            for number in range(PADS + 1):
                self._use(self._lines.get((slot, number)))
            self.lines += 1
        if self._field(probes, "seal_valid"):
            self._use(self._node)
            self.nodes += 1
        if self._field(probes, "lines_valid"):
            slot, number = divmod(self._field(probes, "lines_tag"), 8)
            self._lines[slot, number] = self._asked(probes, "lines", MASK if number == PADS else PAD)
        if self._field(probes, "tree_valid"):
            self._node = self._asked(probes, "tree", NODE)

    def _field(self, probes: int, name: str) -> int:
        low, mask = self._fields[name]
        return probes >> low & mask

    def _use(self, one: Input | None) -> None:
        if one is None:
            raise Repeated("a write with nothing asked from AES")
        if one in self._used:
            raise Repeated(f"two writes use {self._text(one)}")
        self._used.add(one)

    def _asked(self, probes: int, unit: str, domain: int) -> Input:
        key, block = self._field(probes, f"{unit}_key"), self._field(probes, f"{unit}_block")
        if (key, block >> 126) != (domain != PAD, domain):
            raise Repeated(f"domain {domain} uses {self._text((key, block))}")
        return key, block

    @staticmethod
    def _text(one: Input) -> str:
        return f"AES input {one[1]:#034x} with {'K_mac' if one[0] else 'K_pad'}"


class NonceChecker(uvm_component):
    """Watches the probes. ``told``: called with ``line`` or ``node`` for each cycle in which one is written."""

    def build_phase(self):
        self.port: Port = ConfigDB().get(self, "", "PORT")
        self.vector: Any = ConfigDB().get(self, "", "DUT").probes
        self.nonces = Nonces()
        self.told = lambda what: None
        self.port.listeners.append(self.edge)

    def edge(self) -> None:
        """A clock edge."""
        if self.port.in_reset:
            self.nonces.reset()
        elif self.port.shakes & PROBED:
            lines, nodes = self.nonces.lines, self.nonces.nodes
            self.nonces.cycle(int(self.vector.value))
            if self.nonces.lines > lines:
                self.told("line")
            if self.nonces.nodes > nodes:
                self.told("node")


__all__ = ["NonceChecker", "Nonces", "Repeated"]
