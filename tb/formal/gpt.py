# SPDX-License-Identifier: Apache-2.0
"""Proofs of the GPT guard (docs/gpt.md): every input free, by induction, so for every length."""

from functools import partial
from typing import Final

from yingzhou.gpt.config import GptConfig

from .generate import checker_verilog, ip_verilog
from .job import Job

CLAIM: Final = "GPT.HOST_AREA, HOST_LEAF, ENCLAVE_AREA, RESET_DENY, LOCK; record, counters, no added cycle or access"


def _ip(name: str, config: GptConfig, define: str = "") -> Job:
    return Job(
        name=name,
        unit=f"drop-in block, {config.mode}, {config.areas} areas",
        claim=CLAIM,
        top="gpt_ip",
        verilog=partial(ip_verilog, config),
        sources=("gpt_rules.sv", "gpt_ip.sv"),
        cover_depth=20,
        define=define,
        parameters={"AREAS": config.areas},
    )


CHECKER: Final = GptConfig(areas=4, device_region=(0xE000_0000, 1 << 32))
JOBS: Final = (
    Job(
        name="gpt_checker_sv32",
        unit="walk checker, sv32, 4 areas, device region",
        claim=CLAIM,
        top="gpt_checker",
        verilog=partial(checker_verilog, CHECKER),
        sources=("gpt_rules.sv", "gpt_checker.sv"),
        cover_depth=14,
        parameters={"AREAS": CHECKER.areas},
    ),
    _ip("gpt_ip_sv32", GptConfig(areas=2)),
    _ip("gpt_ip_sv39", GptConfig(mode="sv39", areas=2, pa_width=56, protection_bit=55), "-DMODE_SV39"),
    _ip("gpt_ip_sv48", GptConfig(mode="sv48", areas=2, pa_width=56, protection_bit=55), "-DMODE_SV48"),
)
