# SPDX-License-Identifier: Apache-2.0
"""What ``every_property.rdl`` means, written by hand: a model that shares nothing with the exporter."""

from collections.abc import Callable
from dataclasses import dataclass, field

WORD = 0xFFFF_FFFF


def _plain(old, data, lanes):
    return (old & ~lanes) | (data & lanes)


ON_WRITE: dict[str, Callable[[int, int, int], int]] = {
    "": _plain,
    "woset": lambda old, data, lanes: old | data & lanes,
    "woclr": lambda old, data, lanes: old & ~(data & lanes),
    "wot": lambda old, data, lanes: old ^ data & lanes,
    "wzs": lambda old, data, lanes: old | lanes & ~data,
    "wzc": lambda old, data, lanes: old & (data | ~lanes),
    "wzt": lambda old, data, lanes: old ^ lanes & ~data,
    "wset": lambda old, data, lanes: old | lanes,
    "wclr": lambda old, data, lanes: old & ~lanes,
}


@dataclass(kw_only=True)
class ModelField:
    """One field. ``hw``: "" nothing, "live" no storage, "we", "incr", "incrsaturate", "pulse"."""

    offset: int
    low: int
    width: int
    reset: int = 0
    sw: str = "rw"
    hw: str = ""
    on_write: str = ""
    hw_wins: bool = False
    lock: str = ""
    signals: tuple[str, ...] = ()
    value: int = field(init=False)

    def __post_init__(self):
        self.value = self.reset

    @property
    def ones(self) -> int:
        return (1 << self.width) - 1

    def lanes(self, mask: int) -> int:
        """Return the bits of the field in the byte lanes of ``mask``."""
        bits = sum(0xFF << 8 * lane for lane in range(4) if mask >> lane & 1)
        return bits >> self.low & self.ones

    def hardware(self, value: int, inputs: dict[str, int]) -> int:
        match self.hw:
            case "we":
                return inputs["next"] if inputs["we"] else value
            case "incr":
                return value + inputs["incr"] & self.ones
            case "incrsaturate":
                return min(value + inputs["incr"], self.ones)
            case "pulse":
                return 0
        return value


def every_property() -> dict[str, ModelField]:
    """Return the fields of ``every_property.rdl`` in reset state."""
    f = ModelField
    fields = {
        "plain.low": f(offset=0x00, low=0, width=6, reset=0x2A, signals=("swmod", "swacc")),
        "plain.across": f(offset=0x00, low=6, width=16, reset=0xBEEF, signals=("swmod",)),
        "plain.secret": f(offset=0x00, low=22, width=6, reset=0x11, sw="w", signals=("swmod",)),
        "plain.fixed": f(offset=0x00, low=28, width=4, reset=9, sw="r"),
        "hardware.live": f(offset=0x08, low=0, width=8, sw="r", hw="live", signals=("swacc",)),
        "hardware.sampled": f(offset=0x08, low=8, width=8, reset=0x77, sw="r", hw="we"),
        "hardware.sticky": f(offset=0x08, low=16, width=8, hw="we", on_write="woclr"),
        "hardware.hw_wins": f(offset=0x08, low=24, width=8, hw="we", hw_wins=True),
        "counters.wraps": f(offset=0x10, low=0, width=3, reset=6, sw="r", hw="incr"),
        "counters.saturates": f(offset=0x10, low=8, width=3, reset=5, sw="r", hw="incrsaturate"),
        "counters.writable": f(offset=0x10, low=16, width=4, reset=0xE, hw="incr"),
        "counters.cleared": f(offset=0x10, low=24, width=4, hw="incr", on_write="wclr", hw_wins=True),
        "locked.guarded": f(offset=0x14, low=0, width=16, reset=0x1234, lock="locked.lock"),
        "locked.lock": f(offset=0x14, low=16, width=1, on_write="woset"),
        "locked.go": f(offset=0x14, low=24, width=1, hw="pulse", signals=("swmod",)),
    }
    resets = {"woset": 1, "woclr": 15, "wot": 5, "wzs": 0, "wzc": 15, "wzt": 3, "wset": 0, "wclr": 15}
    for index, (kind, reset) in enumerate(resets.items()):
        signals = ("swmod",) if kind == "woset" else ()
        fields[f"onwrites.on_{kind}"] = f(
            offset=0x04, low=4 * index, width=4, reset=reset, on_write=kind, signals=signals
        )
    crossing = {
        "ones": {"woset": 0x81, "woclr": 0xFF, "wot": 0x5A},
        "zeros": {"wzs": 0, "wzc": 0xFF, "wzt": 0x33},
        "any": {"wset": 0, "wclr": 0xFF},
    }
    for number, (register, kinds) in enumerate(crossing.items()):
        for low, (kind, reset) in zip((4, 14, 23), kinds.items(), strict=False):
            fields[f"crossing_{register}.on_{kind}"] = f(
                offset=0x18 + 4 * number, low=low, width=8, reset=reset, on_write=kind
            )
    for index in range(2):
        fields[f"entry[{index}].data.value"] = f(offset=0x40 + 0x10 * index, low=0, width=32)
        fields[f"entry[{index}].ctrl.lock"] = f(offset=0x48 + 0x10 * index, low=0, width=1, on_write="woset")
    return fields


@dataclass
class Cycle:
    """What happens in one cycle. ``hardware`` maps a field to its inputs ``next``, ``we``, ``incr``."""

    op: str = "idle"
    addr: int = 0
    data: int = 0
    mask: int = 0xF
    hardware: dict[str, dict[str, int]] = field(default_factory=dict)


@dataclass
class Seen:
    """What the bus and the fields' signals show in a cycle."""

    r_data: int
    err: int
    values: dict[str, int]
    pulses: dict[str, int]


class RegisterModel:
    """Registers of ``every_property.rdl``; entry 0 is also locked from outside while its own lock bit is set."""

    def __init__(self):
        self.fields = every_property()
        self._swmod = {name: 0 for name, spec in self.fields.items() if "swmod" in spec.signals}
        self._written = dict(self._swmod)

    def _refused(self, hit: dict[str, ModelField], cycle: Cycle) -> bool:
        if 0x40 <= cycle.addr < 0x50 and self.fields["entry[0].ctrl.lock"].value:
            return True
        return any(spec.lock and self.fields[spec.lock].value and spec.lanes(cycle.mask) for spec in hit.values())

    def step(self, cycle: Cycle) -> Seen:
        """Return what is seen in this cycle, and go on to the next."""
        hit = {name: spec for name, spec in self.fields.items() if spec.offset == cycle.addr and cycle.op != "idle"}
        refused = cycle.op == "write" and self._refused(hit, cycle)
        for name, spec in self.fields.items():
            if spec.hw == "live":
                spec.value = cycle.hardware[name]["next"]
        r_data = 0
        pulses = {f"{name}.swmod": pulse for name, pulse in self._swmod.items()}
        pulses |= {f"{name}.written": written for name, written in self._written.items()}
        if cycle.op == "read":
            r_data = sum(spec.value << spec.low for spec in hit.values() if "r" in spec.sw)
        seen = Seen(
            r_data=r_data,
            err=int(cycle.op != "idle" and (not hit or refused)),
            values={name: spec.value for name, spec in self.fields.items()},
            pulses=pulses,
        )
        for name, spec in self.fields.items():
            lanes = spec.lanes(cycle.mask)
            data = cycle.data >> spec.low & spec.ones
            writes = cycle.op == "write" and name in hit and not refused and "w" in spec.sw and lanes != 0
            reads = cycle.op == "read" and name in hit and "r" in spec.sw
            if "swacc" in spec.signals:
                pulses[f"{name}.swacc"] = int(reads or writes)
            if name in self._swmod:
                self._swmod[name], self._written[name] = int(writes), data & lanes if writes else 0
            inputs = cycle.hardware.get(name, {})
            steps: list[Callable[[int], int]] = [lambda value, s=spec, i=inputs: s.hardware(value, i)]
            if writes:
                on_write = ON_WRITE[spec.on_write]
                change = lambda value, f=on_write, d=data, k=lanes: f(value, d, k)  # noqa: E731
                steps.insert(0 if spec.hw_wins else 1, change)
            for change in steps:
                spec.value = change(spec.value) & spec.ones
        return seen
