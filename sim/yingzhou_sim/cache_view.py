# SPDX-License-Identifier: Apache-2.0
"""How the harness looks into the last-level cache: names of its arrays in the simulator, as a C++ header.

The harness reads what programs hand to it (names of scenarios, the monitor's records) as the chip would read it. Arrays
of tags and lines are the only state inside the chip that the simulator makes public; nothing is ever written there.
"""

from typing import Final

from yingzhou.geometry import LINE_BYTES, LINE_LOG
from yingzhou.llc.config import LlcConfig
from yingzhou.llc.tags import tag_entry
from yingzhou.soc.config import SocConfig

HEADER: Final = "yz_cache_view.h"
PUBLIC: Final = "cache_view.vlt"
_CORE: Final = "yz_soc.cache.llc.llc.core"

_NOTHING: Final = """\
template <class Visit> void yz_cache_lines(const Vyz_top &, Visit) {}
"""
_LINES: Final = """\
#include "Vyz_top___024root.h"
// Calls visit(byte address, 64 bytes) for each line that the cache holds.
template <class Visit> void yz_cache_lines(const Vyz_top &top, Visit visit) {{
    const auto &root = *top.rootp;
    for (uint32_t set = 0; set < {sets}; set++) {{
        const uint64_t entries[] = {{{entries}}};
        for (uint32_t way = 0; way < {ways}; way++) {{
            if (entries[way] >> {valid} & 1) {{
                const uint64_t line = (entries[way] >> {tag} & {mask}) << {set_bits} | set;
                visit(line << {line_log}, reinterpret_cast<const uint8_t *>(&root.{core}lines[set * {ways} + way]));
            }}
        }}
    }}
}}
"""


def header(config: SocConfig) -> str:
    """Return the C++ header by which the harness visits the lines of this machine's cache."""
    text = f"#include <cstdint>\n#define YZ_LINE_BYTES {LINE_BYTES}\n"
    if config.cache != "llc":
        return text + _NOTHING
    llc: LlcConfig = config.last_level
    core = "yz_top__DOT__machine__DOT__cache__DOT__llc__DOT__llc__DOT__core__DOT__"
    entry = tag_entry(llc)
    return text + _LINES.format(
        sets=llc.sets,
        ways=llc.ways,
        entries=", ".join(f"root.{core}tags__DOT__way_{way}[set]" for way in range(llc.ways)),
        valid=entry["valid"].offset,
        tag=entry["tag"].offset,
        mask=hex((1 << llc.tag_bits) - 1),
        set_bits=llc.set_bits,
        line_log=LINE_LOG,
        core=core,
    )


def public(config: SocConfig) -> str:
    """Return the Verilator configuration that keeps those arrays under their names."""
    lines = ["`verilator_config"]
    if config.cache == "llc":
        lines += [f'public_flat_rd -module "{_CORE}" -var "lines"']
        lines += [f'public_flat_rd -module "{_CORE}.tags" -var "way_{way}"' for way in range(config.last_level.ways)]
    return "\n".join([*lines, ""])
