# SPDX-License-Identifier: Apache-2.0
"""The last-level cache's proofs (docs/llc.md), on a small one: nothing that they say depends on how large it is."""

from typing import Final

from yingzhou.llc.core import LlcCore

from .job import ABC_INDUCTION, Job
from .llc_probes import CORE, SMALL, TAG_BITS, UNIT, USERS, locks_probes
from .llc_twin import twin_probes, twin_verilog
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
)
