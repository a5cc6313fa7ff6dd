# SPDX-License-Identifier: Apache-2.0
"""Coverage plan of the environment: every point has a name; the long runs fail when one is not hit.

- ``access/KIND/hit/LOCK/OPERATION``: a request that found its line, locked or not, beside an operation or idle.
- ``access/KIND/miss/VICTIM/OPERATION``: one that did not; what had to leave.
- ``visit/OPERATION/STATE``: an operation at a line that is absent, clean, dirty, locked for its domain, or for another.
- ``result/OPERATION/SCOPE/RESULT``: how operations ended.
- ``error/...``, ``reset/...``, ``burst/...``, ``order/...``, ``stall/PORT/CHANNEL``, ``registers/...``: as they say.
"""

from itertools import product
from typing import Final

from tb.models.llc_operations import SCOPES, Op, Result, Scope
from yingzhou.bus.axi4 import CHANNELS
from yingzhou.llc.config import LlcConfig

KINDS: Final = ("read", "full write", "partial write")
VICTIMS: Final = ("none", "clean", "dirty")
BESIDE: Final = ("idle", "LOCK", "UNLOCK", "CLEAN", "FLUSH", "DISCARD")
STATES: Final = ("absent", "clean", "dirty", "own", "other's")
RESETS: Final = ("idle", "burst", "operation", "memory")
BURSTS: Final = {0: "fixed", 1: "incr", 2: "wrap"}
WHOLE: Final = (Result.BAD_DOMAIN, Result.BAD_ADDRESS)
ENDS: Final = {
    Op.LOCK: (Result.DONE, Result.QUOTA, Result.SET_FULL, Result.OTHER_OWNER, Result.MEMORY_ERROR),
    Op.UNLOCK: (Result.DONE, Result.OTHER_OWNER, Result.NOT_LOCKED, Result.MEMORY_ERROR),
    Op.CLEAN: (Result.DONE, Result.MEMORY_ERROR),
    Op.FLUSH: (Result.DONE, Result.MEMORY_ERROR),
    Op.DISCARD: (Result.DONE,),
    Op.STATUS: (Result.DONE,),
}
"""Results of operations that are carried out; with scope ALL nothing is another's, and something is always done."""


def results(config: LlcConfig) -> list[str]:
    """Return the points of results."""
    found = []
    for op, ends in ENDS.items():
        for scope in SCOPES[op]:
            too_large = op is Op.LOCK and scope is Scope.PAGE and not config.page_fits
            if scope is Scope.ALL:
                kept = [end for end in ends if end not in (Result.OTHER_OWNER, Result.NOT_LOCKED)]
            else:
                kept = [*([Result.TOO_LARGE] if too_large else ends), Result.BAD_ADDRESS]
            found += [f"result/{op.name}/{scope.name}/{end.name}" for end in [*kept, Result.BAD_DOMAIN]]
    found += [f"result/{op.name}/no such scope/BAD_COMMAND" for op in Op]
    return [*found, "result/code 0/BAD_COMMAND", "result/code 7/BAD_COMMAND"]


def points(config: LlcConfig) -> list[str]:
    """Return the names of all points."""
    names = [f"access/{kind}/hit/{lock}/{op}" for kind, lock, op in product(KINDS, ("locked", "unlocked"), BESIDE)]
    names += [f"access/{kind}/miss/{victim}/{op}" for kind, victim, op in product(KINDS, VICTIMS, BESIDE)]
    names += ["access/write without bytes", "access/same line again"]
    names += [f"visit/{op.name}/{state}" for op, state in product(Op, STATES)]
    names += results(config)
    names += [f"error/{kind}/fetch" for kind in ("read", "partial write")]
    names += ["error/victim lost"]
    names += ["error/not memory"] if config.cacheable is not None else []
    names += [f"reset/{what}" for what in RESETS]
    names += [f"burst/{way}/{kind}" for way, kind in product(("read", "write"), BURSTS.values())]
    names += ["order/reads overtake"]
    names += [f"stall/s_axi/{channel}" for channel in CHANNELS]
    # The cache takes memory's answers always: a stall there fails the run.
    names += [f"stall/m_axi/{channel}" for channel in ("aw", "w", "ar")]
    names += ["registers/write refused", "registers/no such address", "registers/refused while one runs"]
    return names


__all__ = ["BESIDE", "BURSTS", "KINDS", "RESETS", "STATES", "VICTIMS", "points", "results"]
