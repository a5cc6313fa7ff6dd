# SPDX-License-Identifier: Apache-2.0
"""The cache's core with narrow ports, for the native attack bench: ``python -m yingzhou_sim.leak_core FILE``.

Timing, tags, replacement and locks are those of the RTL; only reads are made and every line is zeros, so that the wide
data path costs no time.
"""

import sys
from pathlib import Path
from typing import Any, Final

from amaranth import Module
from amaranth.back import verilog
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from yingzhou.llc.config import LlcConfig
from yingzhou.llc.core import LlcCore

MODULE: Final = "leak"
USERS: Final = 2
TAG_BITS: Final = 8


class LeakCore(wiring.Component):
    """Two users that read, one operation at a time for domain 1, whose quota is everything, and a memory of zeros.

    Ports
    -----
    user{n}_valid, _line, _tag, _ready : a request. user{n}_answer, _answer_tag : its answer.
    operation_valid, _code, _scope, _address, _ready, _done, _result : an operation.
    read_valid, _line, _ready, beat, beat_index : a line is fetched.
    write_valid, _ready, write_done             : a line is written.
    ready                                       : the sweep after reset is over.
    """

    def __init__(self, config: LlcConfig):
        self._core = LlcCore(config, users=USERS, tag_bits=TAG_BITS)
        self._config = config
        members: dict[str, Any] = {}
        for n in range(USERS):
            members |= {
                f"user{n}_valid": In(1),
                f"user{n}_line": In(config.line_bits),
                f"user{n}_tag": In(TAG_BITS),
                f"user{n}_ready": Out(1),
                f"user{n}_answer": Out(1),
                f"user{n}_answer_tag": Out(TAG_BITS),
            }
        members |= {
            "operation_valid": In(1),
            "operation_code": In(4),
            "operation_scope": In(2),
            "operation_address": In(64),
            "operation_ready": Out(1),
            "operation_done": Out(1),
            "operation_result": Out(4),
            "read_valid": Out(1),
            "read_line": Out(config.line_bits),
            "read_ready": In(1),
            "beat": In(1),
            "beat_index": In(2),
            "write_valid": Out(1),
            "write_ready": In(1),
            "write_done": In(1),
            "ready": Out(1),
        }
        super().__init__(members)

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        me: Any = self
        core: Any = self._core
        m.submodules.core = core
        for n in range(USERS):
            user = getattr(core, f"user{n}")
            m.d.comb += [
                user.request.valid.eq(getattr(me, f"user{n}_valid")),
                user.request.p.line.eq(getattr(me, f"user{n}_line")),
                user.request.p.tag.eq(getattr(me, f"user{n}_tag")),
                getattr(me, f"user{n}_ready").eq(user.request.ready),
                getattr(me, f"user{n}_answer").eq(user.answer),
                getattr(me, f"user{n}_answer_tag").eq(user.answer_tag),
            ]
        operation, memory = core.operation, core.memory
        m.d.comb += [
            operation.request.valid.eq(me.operation_valid),
            operation.request.p.op.eq(me.operation_code),
            operation.request.p.scope.eq(me.operation_scope),
            operation.request.p.domain.eq(1),
            operation.request.p.address.eq(me.operation_address),
            me.operation_ready.eq(operation.request.ready),
            me.operation_done.eq(operation.done),
            me.operation_result.eq(operation.result),
            core.quota.quota[0].eq(self._config.lines),
            me.read_valid.eq(memory.read.valid),
            me.read_line.eq(memory.read.payload),
            memory.read.ready.eq(me.read_ready),
            memory.beat.eq(me.beat),
            memory.beat_index.eq(me.beat_index),
            me.write_valid.eq(memory.write.valid),
            memory.write.ready.eq(me.write_ready),
            memory.write_done.eq(me.write_done),
            me.ready.eq(core.ready),
        ]
        return m


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(
        verilog.convert(LeakCore(LlcConfig()), name=MODULE, emit_src=False, strip_internal_attrs=True)
    )
