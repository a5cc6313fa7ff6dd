# SPDX-License-Identifier: Apache-2.0
"""The last-level cache's proofs (docs/llc.md), on a small one."""

from dataclasses import replace
from typing import Final

from yingzhou.llc.axi_port import AxiPort, tag_bits_of
from yingzhou.llc.core import LlcCore

from .axi import Environment, Side, axi_top
from .job import ABC_INDUCTION, BMC, Job
from .llc_probes import CORE, SMALL, TAG_BITS, UNIT, USERS, locks_probes
from .llc_twin import twin_probes, twin_verilog
from .probes import Probes
from .tops import Attached, proof_top


def locks_verilog() -> str:
    """Return the core under the rules of locks."""
    config, probes = SMALL, locks_probes()
    outer = {"counts": "quota_count", "quotas": "quota_quota"}
    outer |= {name: f"memory_{name}" for name in ("read_valid", "read_ready", "beat", "beat_index")}
    users = range(USERS)
    outer["asks_now"] = "{" + ", ".join(f"user{n}_request_valid && user{n}_request_ready" for n in users) + "}"
    outer["answers_now"] = "{" + ", ".join(f"user{n}_answer" for n in users) + "}"
    rules = Attached(
        module="llc_locks",
        name="rules",
        ports={name: name for name in probes.widths} | outer,
        parameters={
            "WAYS": config.ways,
            "SETS": config.sets,
            "MSHRS": config.mshrs,
            "DOMAINS": config.domains,
            "OWNER": config.domain_bits,
            "LINE": config.line_bits,
            "COUNT": config.count_bits,
        },
    )
    return proof_top(LlcCore(config, USERS, TAG_BITS), CORE, [rules], probes.widths)


def slave_verilog() -> str:
    """Return the cache's AXI4 slave."""
    config = replace(SMALL, id_width=1)
    parameters = {"LINE": config.line_bits, "TAG": tag_bits_of(config)}
    user = Environment(module="llc_user", prefix="user", parameters=parameters)
    return axi_top(AxiPort(config), "llc_slave", [Side(prefix="s_axi", slave=True, idents=0)], [user])


def nothing_inside() -> Probes:
    """Return no probes: with it ABC looks for the cover statements, for which z3 needs minutes."""
    return Probes({})


JOBS: Final = (
    Job(
        name="llc_lock_silent",
        unit=f"LlcCore, two copies: {UNIT}",
        claim="LLC.LOCK_SILENT: whichever locked lines the victim uses, the attacker sees the same in every cycle",
        top="llc_twin",
        verilog=twin_verilog,
        sources=("llc_silent.sv",),
        engine=ABC_INDUCTION,
        prove_depth=1,
        cover_depth=30,
        inside=twin_probes,
    ),
    Job(
        name="llc_locks",
        unit=f"LlcCore: {UNIT}",
        claim="LLC.LOCK_PINNED, LLC.LOCK_QUOTA, LLC.LOCK_MAINTAIN; no line twice; one answer for each request",
        top=CORE,
        verilog=locks_verilog,
        sources=("llc_locks.sv",),
        engine=ABC_INDUCTION,
        prove_depth=1,
        cover_depth=20,
        inside=locks_probes,
    ),
    Job(
        name="llc_axi_slave",
        unit="AxiPort: 2 identifiers, 2 bursts of each, up to 4 beats; 8 reads under way at the core",
        claim="AXI4 rules of the cache's slave; a read has a place of its own at the core",
        top="llc_slave",
        verilog=slave_verilog,
        sources=("axi4_rules.sv", "llc_user.sv"),
        engine=BMC,
        prove_depth=11,
        cover_depth=12,
        bound="as of Front; a read goes through in 7",
        inside=nothing_inside,
    ),
)
