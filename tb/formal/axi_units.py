# SPDX-License-Identifier: Apache-2.0
"""Proofs of the units with AXI4 ports."""

from typing import Final

from yingzhou.bus.axi_join import AxiJoin
from yingzhou.bus.axi_split import AxiSplit
from yingzhou.line.front import Front
from yingzhou.line.memory_port import MemoryPort
from yingzhou.mmt.config import MmtConfig

from .axi import Environment, Side, axi_top
from .job import BMC, PDR, Job

SMALL: Final = MmtConfig(addr_width=16, protection_bit=15, memory_bytes=1 << 13, arities=(8,), id_width=1)
"""Lines of 7 bits; AXI identifiers 0 and 1."""
BUS: Final = {"addr_width": 14, "data_width": 8, "id_width": 1}
"""Data of one byte: nothing in split and join depends on what it says."""
RULES: Final = ("axi4_rules.sv", "axi_environments.sv")
CLAIM: Final = "AXI4: offers stay, bursts are legal, RLAST and WLAST in place, one answer for each request"


def front() -> str:
    lines = Environment(module="lines_environment", prefix="lines", parameters={"ID": 1, "LINE": SMALL.line_bits})
    return axi_top(Front(SMALL, 2), "axi_front", [Side(prefix="s_axi", slave=True)], [lines])


def memory_port(trust: bool = True) -> str:
    clients = [
        Environment(module="client_environment", prefix=f"client{number}", parameters={"LINE": SMALL.line_bits})
        for number in range(2)
    ]
    port = MemoryPort(SMALL, 2, reads=2, writes=2)
    return axi_top(port, "axi_port", [Side(prefix="m_axi", slave=False, trust=trust, idents=1)], clients)


def memory_port_alone() -> str:
    return memory_port(trust=False)


def split() -> str:
    unit = AxiSplit(**BUS, bit=13, closed_bytes=4096, idents=2, depth=2, writes=2)
    sides = [Side(prefix="s_axi", slave=True), Side(prefix="set", slave=False), Side(prefix="clear", slave=False)]
    return axi_top(unit, "axi_split", sides)


def join() -> str:
    sides = [Side(prefix="first", slave=True), Side(prefix="second", slave=True), Side(prefix="m_axi", slave=False)]
    return axi_top(AxiJoin(**BUS), "axi_join", sides)


JOBS: Final = (
    Job(
        name="axi_join",
        unit="AxiJoin, all ports: 2 identifiers, 2 bursts of each, up to 4 beats",
        claim=CLAIM,
        top="axi_join",
        verilog=join,
        sources=RULES,
        engine=PDR,
        cover_depth=14,
    ),
    Job(
        name="axi_split",
        unit="AxiSplit, all ports: 2 identifiers, 2 bursts of each, up to 4 beats",
        claim=CLAIM,
        top="axi_split",
        verilog=split,
        sources=RULES,
        engine=BMC,
        prove_depth=9,
        cover_depth=14,
        bound="PDR needs many minutes to count answers of two identifiers on three sides",
    ),
    Job(
        name="axi_memory_port",
        unit="MemoryPort, all ports: 2 clients, 2 reads, 2 writes",
        claim=CLAIM,
        top="axi_port",
        verilog=memory_port,
        sources=RULES,
        engine=PDR,
        cover_depth=20,
    ),
    Job(
        name="axi_memory_port_alone",
        unit="MemoryPort, all ports, memory that answers what it likes",
        claim="the master's own rules, and one answer for each request of a client, whatever memory answers",
        top="axi_port",
        verilog=memory_port_alone,
        sources=RULES,
        engine=PDR,
        cover_depth=20,
    ),
    Job(
        name="axi_front",
        unit="Front, slave port: 2 identifiers, 2 bursts of each, up to 4 beats; and its operations",
        claim=CLAIM,
        top="axi_front",
        verilog=front,
        sources=RULES,
        engine=BMC,
        prove_depth=10,
        cover_depth=16,
        bound="PDR relates data that waits to the line it is taken from bit by bit, which takes too long",
    ),
)
