# SPDX-License-Identifier: Apache-2.0
"""Two copies of a small cache side by side: the same inputs but for a secret."""

from dataclasses import replace
from functools import cache
from typing import Final

from .llc_probes import CORE, SMALL, core_verilog, pipeline, state
from .probes import Probes
from .tops import Attached

COPIES: Final = ("one", "two")
DIFFERENT: Final = ("user0_request_payload", "memory_beat_data")
"""Inputs that are not the same in both copies: what the victim, user 0, asks for, and bytes of lines."""
UNSEEN: Final = ("user0_answer_data", "user0_answer_tag", "user0_answer_write", "user1_answer_data", "trace")
"""Outputs that are not compared: what the victim is told, bytes of lines, and what no hardware has."""


@cache
def twin_probes() -> Probes:
    """Return all that either copy keeps, and what is in its pipeline."""
    vectors = {"state": list(state()), **pipeline()}
    return Probes(
        {
            f"{copy}_{name}": [replace(part, path=f"{copy}.{part.path}") for part in parts]
            for copy in COPIES
            for name, parts in vectors.items()
        }
    )


def _seen(outputs: dict[str, int]) -> dict[str, tuple[str, int]]:
    """Return what an attacker sees of a copy: for each output an expression, with ``@`` for the copy, and its width."""
    line = SMALL.line_bits
    shown = {
        "memory_read_payload": (f"(@_memory_read_valid ? @_memory_read_payload : {line}'d0)", line),
        "memory_write_payload": (f"(@_memory_write_valid ? @_memory_write_payload[{line - 1}:0] : {line}'d0)", line),
    }
    return {name: shown.get(name, (f"@_{name}", width)) for name, width in outputs.items() if name not in UNSEEN}


def _instance(copy: str, inputs: dict[str, int], outputs: dict[str, int]) -> str:
    connected = {name: f"two_{name}" if copy == "two" and name in DIFFERENT else name for name in inputs}
    connected |= {name: f"{copy}_{name}" for name in outputs}
    return f"    {CORE} {copy} (.clk(clk), .rst(1'b0), {', '.join(f'.{a}({b})' for a, b in connected.items())});"


def _properties(widths: dict[str, int], seen: int) -> list[Attached]:
    used = (
        *("valid", "kind", "source", "line", "user", "write", "strobe", "hit", "entry", "waits_here", "under_way"),
        *("held", "held_line", "entries", "words", "secret"),
    )
    compared = (
        *("state", "seen", "valid", "item", "secret", "entries", "tree", "replay", "replayed", "waits", "first"),
        *("write", "line"),
    )
    geometry = {"ENTRY": widths["one_entry"], "LINE": SMALL.line_bits, "WAYS": SMALL.ways, "SETS": SMALL.sets}
    secrets = [
        Attached(
            module="llc_secret",
            name=f"{copy}_use",
            ports={name: f"{copy}_{name}" for name in used},
            parameters=geometry | {"MSHRS": SMALL.mshrs},
        )
        for copy in COPIES
    ]
    names = {"STATE": "state", "ITEM": "item", "PARK": "first", "ENTRIES": "entries", "TREE": "tree", "LEVEL": "waits"}
    silent = Attached(
        module="llc_silent",
        name="rules",
        ports={f"{copy}_{name}": f"{copy}_{name}" for copy in COPIES for name in compared}
        | {"attacker_answered": "one_user1_answer"},
        parameters={parameter: widths[f"one_{name}"] for parameter, name in names.items()}
        | {"SEEN": seen, "LINE": SMALL.line_bits},
    )
    return [*secrets, silent]


def twin_verilog() -> str:
    """Return two cores in one module, and their proof top."""
    core, inputs, outputs = core_verilog()
    ports = inputs | {f"two_{name}": inputs[name] for name in DIFFERENT}
    pairs = {f"{copy}_{name}": width for copy in COPIES for name, width in outputs.items()}
    declared = [f"input [{width - 1}:0] {name}" for name, width in ports.items()]
    driven = [f"output [{width - 1}:0] {name}" for name, width in pairs.items()]
    seen = _seen(outputs)
    expression = ", ".join(text for text, _ in seen.values())
    width = sum(width for _, width in seen.values())
    probes = twin_probes()
    return "\n".join(
        [
            core,
            f"module llc_twin(input clk, {', '.join(declared + driven)});",
            *(_instance(copy, inputs, outputs) for copy in COPIES),
            "endmodule",
            f"module llc_twin_proof (input clk, {', '.join(declared)});",
            *(f"    wire [{bits - 1}:0] {name};" for name, bits in (pairs | probes.widths).items()),
            *(f"    wire {copy}_secret;" for copy in COPIES),
            *(f"    wire [{width - 1}:0] {copy}_seen = {{{expression.replace('@', copy)}}};" for copy in COPIES),
            f"    llc_twin dut (.clk(clk), {', '.join(f'.{name}({name})' for name in [*ports, *pairs])});",
            *(each.text() for each in _properties(probes.widths, width)),
            "endmodule",
            "",
        ]
    )
