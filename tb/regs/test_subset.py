# SPDX-License-Identifier: Apache-2.0
"""What the exporter does not build is refused with the name of the property and the node."""

from pathlib import Path

import pytest

from yingzhou.errors import ConfigError
from yingzhou.regs import load

FIELD = "addrmap t {{ reg {{ field {{ {0} }} f[3:0] {1}; }} x; }};"
REFUSED = {
    "onread": (FIELD.format("sw=rw; onread=rclr;", "= 0"), r"property onread = rclr of t\.x\.f"),
    "wuser": (FIELD.format("sw=rw; onwrite=wuser;", "= 0"), r"'onwrite' property is set to 'wuser'"),
    "rw1": (FIELD.format("sw=rw1;", "= 0"), r"property sw = rw1 of t\.x\.f"),
    "intr": (FIELD.format("sw=rw; hw=w; intr;", "= 0"), r"property (intr|sticky|stickybit) = .* of t\.x\.f"),
    "decr": (FIELD.format("sw=r; hw=na; counter; decrwidth=2;", "= 0"), r"property decrwidth = 2 of t\.x\.f"),
    "incrvalue": (FIELD.format("sw=r; hw=na; counter; incrvalue=2;", "= 0"), r"property incrvalue = 2 of t\.x\.f"),
    "saturate value": (FIELD.format("sw=r; hw=na; counter; incrsaturate=9;", "= 0"), r"property incrsaturate = 9 of"),
    "threshold": (FIELD.format("sw=r; hw=na; counter; incrthreshold=9;", "= 0"), r"property incrthreshold = 9 of"),
    "counter hw": (FIELD.format("sw=r; hw=w; we; counter;", "= 0"), r"property hw = w of t\.x\.f"),
    "hwclr": (FIELD.format("sw=rw; hwclr;", "= 0"), r"property hwclr = True of t\.x\.f"),
    "anded": (FIELD.format("sw=rw; anded;", "= 0"), r"property anded = True of t\.x\.f"),
    "no reset": (FIELD.format("sw=rw;", ""), r"property reset = None of t\.x\.f .*accepted: a number"),
    "no constant": (FIELD.format("sw=r; hw=na;", ""), r"property reset = None of t\.x\.f"),
    "hw without we": (FIELD.format("sw=rw; hw=w;", "= 0"), r"property we = False of t\.x\.f"),
    "wel": (FIELD.format("sw=rw; hw=w; wel;", "= 0"), r"property wel = True of t\.x\.f"),
    "pulse": (
        FIELD.replace("[3:0]", "").format("sw=rw; hw=rw; we; singlepulse;", "= 0"),
        "property singlepulse",
    ),
    "swwe": (
        "addrmap t { reg { field { sw=rw; } f = 0; field { sw=rw; } g = 0; f->swwe = g; } x; };",
        r"property swwe = t\.x\.g of t\.x\.f",
    ),
    "we reference": (
        "addrmap t { reg { field { sw=rw; hw=w; } f = 0; field { sw=rw; } g = 0; f->we = g; } x; };",
        r"property we = t\.x\.g of t\.x\.f",
    ),
    "signal": (
        "addrmap t { signal { activehigh; } s; reg { field { sw=rw; } f = 0; f->swwel = s; } x; };",
        r"t\.s is a nested signal",
    ),
    "resetsignal": (
        "addrmap t { signal { activehigh; } s; reg { field { sw=rw; } f = 0; f->resetsignal = s; } x; };",
        r"t\.s is a nested signal",
    ),
    "width": (
        "addrmap t { reg { regwidth = 64; field { sw=rw; } f[63:0] = 0; } x; };",
        r"regwidth = 64 of t\.x",
    ),
    "narrow": (
        "addrmap t { reg { accesswidth = 16; field { sw=rw; } f[31:0] = 0; } x; };",
        r"property accesswidth = 16 of t\.x",
    ),
    "shared": ("addrmap t { reg { shared; field { sw=rw; } f = 0; } x; };", r"property shared = True of t\.x"),
    "external": ("addrmap t { external reg { field { sw=rw; } f = 0; } x; };", r"property external = True of t\.x"),
    "alias": (
        "addrmap t { reg a { field { sw=rw; hw=r; } f = 0; }; a x; alias x a q; };",
        r"property alias = True of t\.q",
    ),
    "memory": ("addrmap t { external mem { mementries = 4; memwidth = 32; } m; };", r"t\.m is a nested memory"),
    "map": ("addrmap t { addrmap { reg { field { sw=rw; } f = 0; } x; } inner; };", r"t\.inner is a nested map"),
    "endian": ("addrmap t { bigendian; reg { field { sw=rw; } f = 0; } x; };", "property bigendian = True of t "),
    "syntax": ("addrmap t { reg { field { } level = 0; } x; };", r"register map t\.rdl is not accepted: t\.rdl:1"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_refused(case, tmp_path: Path):
    """Each description outside the subset is refused, and the message names what and where."""
    text, message = REFUSED[case]
    path = tmp_path / "t.rdl"
    path.write_text(text)
    with pytest.raises(ConfigError, match=message):
        load(path)


def test_unknown_map_and_parameter():
    with pytest.raises(
        ConfigError, match="register map 'gtp' is not known; accepted: .*gpt, llc, mmt, sim, sysinfo, uart"
    ):
        load("gtp")
    with pytest.raises(ConfigError, match="does not have a parameter 'AREA'"):
        load("gpt", AREA=3)
