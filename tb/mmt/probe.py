# SPDX-License-Identifier: Apache-2.0
"""The memory engine with its AES inputs on ports, for a checker of what is encrypted under what (``native/nonces.h``).

The engine itself is the one that is delivered: nothing in it is changed, the ports of this wrapper look at signals.
"""

from contextlib import ExitStack
from unittest.mock import patch

from amaranth import *
from amaranth.hdl import Fragment
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from yingzhou.geometry import BEAT_BITS
from yingzhou.mmt import engine
from yingzhou.mmt.config import MmtConfig
from yingzhou.mmt.ip import MmtIp
from yingzhou.mmt.pads import AES_TAG_BITS

PROBES = {
    "probe_lines_valid": 1,
    "probe_lines_key": 1,
    "probe_lines_block": BEAT_BITS,
    "probe_lines_tag": AES_TAG_BITS,
    "probe_tree_valid": 1,
    "probe_tree_key": 1,
    "probe_tree_block": BEAT_BITS,
    "probe_encrypt_valid": 1,
    "probe_encrypt_slot": 8,
    "probe_seal_valid": 1,
}


class _Made(Elaboratable):
    """What has been elaborated already."""

    def __init__(self, fragment: Fragment):
        self._fragment = fragment

    def elaborate(self, platform):
        return self._fragment


class ProbedIp(wiring.Component):
    """The ports of ``MmtIp``, and beside them:

    probe_lines_*   : in a cycle with valid, a block that Lines asks AES for: key, block and tag.
    probe_tree_*    : the same of Tree.
    probe_encrypt_* : in a cycle with valid, the line of ``slot`` is encrypted with the pads asked for last.
    probe_seal_*    : in a cycle with valid, a node is written with the mask asked for last.
    """

    def __init__(self, config: MmtConfig):
        self.ip = MmtIp(config)
        super().__init__({**self.ip.signature.members, **{name: Out(width) for name, width in PROBES.items()}})

    def elaborate(self, platform):
        m = Module()
        units = {}

        def kept(unit: type) -> type:
            def init(self, *args, **kwargs):
                unit.__init__(self, *args, **kwargs)
                units[unit.__name__] = self

            return type(unit.__name__, (unit,), {"__init__": init})

        with ExitStack() as stack:
            for unit in (engine.Lines, engine.Tree):
                stack.enter_context(patch.object(engine, unit.__name__, kept(unit)))
            m.submodules.ip = _Made(Fragment.get(self.ip, platform))
        for name, member in self.ip.signature.members.items():
            inner, outer = getattr(self.ip, name), getattr(self, name)
            m.d.comb += inner.eq(outer) if member.flow == In else outer.eq(inner)

        lines, tree = units["Lines"], units["Tree"]
        for name, unit in (("lines", lines), ("tree", tree)):
            request = unit.aes.request
            m.d.comb += [
                getattr(self, f"probe_{name}_valid").eq(request.valid & request.ready),
                getattr(self, f"probe_{name}_key").eq(request.p.key),
                getattr(self, f"probe_{name}_block").eq(request.p.block),
            ]
        m.d.comb += [
            self.probe_lines_tag.eq(lines.aes.request.p.tag),
            self.probe_encrypt_valid.eq(lines._slots.encrypted.valid),
            self.probe_encrypt_slot.eq(lines._slots.encrypted.slot),
            self.probe_seal_valid.eq(tree.memory.write.valid & tree.memory.write.ready),
        ]
        return m
