# SPDX-License-Identifier: Apache-2.0
"""The line port on its generated Verilog."""

from amaranth.back import verilog

from yingzhou.bus.line_port import LinePort


def test_line_port(run_cocotb, build_dir):
    """Traffic against a memory that pauses and fails; see the cocotb module for what is checked."""
    source = build_dir / "line_port.v"
    port = LinePort(instr_lines=2, data_lines=4, alias_bit=30)
    source.write_text(verilog.convert(port, name="line_port", emit_src=False, strip_internal_attrs=True))
    run_cocotb(sources=[source], toplevel="line_port", module="tb.bus.cocotb_line_port")
