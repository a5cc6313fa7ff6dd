# SPDX-License-Identifier: Apache-2.0
"""Verilog of a component with some of its registers brought out, for the proofs to look at."""

from collections.abc import Mapping

from amaranth.back import verilog
from amaranth.hdl import Cat, Module, Signal, Value
from amaranth.hdl._ir import PortDirection
from amaranth.lib import wiring

from yingzhou.gpt.config import GptConfig
from yingzhou.gpt.ip import GptIp
from yingzhou.gpt.registers import GptRegisters
from yingzhou.gpt.walk_port import GptChecker


def with_probes(component: GptChecker | GptIp, name: str, probes: Mapping[str, Value]) -> str:
    """Return ``component`` as Verilog module ``name``; each probe, a signal inside, becomes one more output."""
    ports = {}
    for path, member, value in component.signature.flatten(component):
        direction = PortDirection.Input if member.flow == wiring.In else PortDirection.Output
        ports["__".join(map(str, path))] = (Value.cast(value), direction)
    top = Module()
    top.submodules.dut = component
    for probe, value in probes.items():
        outside = Signal(len(value), name=probe)
        top.d.comb += outside.eq(value)
        ports[probe] = (outside, PortDirection.Output)
    return verilog.convert(top, name=name, ports=ports, emit_src=False, strip_internal_attrs=True)


def _register_probes(registers: GptRegisters) -> dict[str, Value]:
    """Return the settings, the locks, and the fault record of a guard."""
    field, areas = registers.block.field, range(registers.config.areas)
    probes: dict[str, Value] = {
        "probe_settings": Value.cast(registers.settings),
        "probe_lock": field("control.lock").value,
        "probe_area_lock": Cat(field(f"area[{index}].attr.lock").value for index in areas),
        "probe_fault_valid": field("fault_status.valid").value,
        "probe_fault_address": Cat(field(f"fault_address_{half}.address").value for half in ("lo", "hi")),
        "probe_fault_page": Cat(field(f"fault_page_{half}.ppn").value for half in ("lo", "hi")),
    }
    for name in ("world", "leaf", "level", "rule"):
        probes[f"probe_fault_{name}"] = field(f"fault_status.{name}").value
    for name in ("allowed", "host_area", "host_leaf", "enclave_area", "reset_deny"):
        probes[f"probe_count_{name}"] = field(f"count_{name}.count").value
    return probes


def checker_verilog(config: GptConfig) -> str:
    """Return the walk checker of the machine."""
    checker = GptChecker(config)
    level = checker.walk_level
    probes = {"probe_walk": level.walk, "probe_orphan": level.orphan, "probe_pending": level.pending}
    return with_probes(checker, "gpt_checker", _register_probes(checker.registers) | probes)


def ip_verilog(config: GptConfig) -> str:
    """Return the guard as a drop-in block, with its internal register bus brought out as well."""
    ip = GptIp(config)
    bus = ip.registers.bus
    probes = {f"probe_bus_{name}": getattr(bus, name) for name in ("addr", "w_stb", "w_data", "w_mask", "err")}
    return with_probes(ip, "gpt_ip", _register_probes(ip.registers) | probes)
