# SPDX-License-Identifier: Apache-2.0
"""The environment's own checkers, without a simulator: each finds what it is there for."""

import re
from collections.abc import Iterable
from typing import Any

import pytest

from tb.bus.bursts import line_read, line_write
from tb.models.mmt import RootEntry
from tb.models.mmt_crypto import Counter, Keys
from tb.uvm.harness import PORTS, channels_of, probe_fields
from tb.uvm.protocol import Open
from yingzhou.mmt.ip import MmtIp

from ..bench import Op
from ..geometries import FLAT, SMALL
from ..probe import PROBES
from .board import Follower, LineBoard
from .command_rules import Mounts, allowed
from .harness import verilog, widths
from .nonces import Nonces, Repeated
from .plan import crosses, points
from .test_uvm import CONFIG


def board() -> tuple[Follower, LineBoard]:
    """Return a board on a model with subtree 200 allocated."""
    model = Follower(SMALL, Keys(b"p" * 16, b"m" * 16, b"h" * 16), 1)
    model.set_entry(200, RootEntry(valid=True, page=8))
    protection = 1 << (SMALL.protection_bit or 0)
    return model, LineBoard(model, 0, protection, lambda line: (False, True))


LINE = 200 * SMALL.subtree_lines
ADDR = 64 * LINE | 1 << (SMALL.protection_bit or 0)


def read_entry(data: bytes, tag: int) -> Open:
    beats = [(int.from_bytes(data[16 * i : 16 * i + 16], "little"), 0) for i in range(4)]
    return Open(line_read(0, ADDR), tag, answer=beats)


def written(model: Follower, lines: LineBoard, data: bytes, tag: int) -> None:
    """Write the line, as a monitor sees it."""
    burst = line_write(0, ADDR, data)
    entry = Open(burst, tag)
    lines.opened(entry, 0)
    for beat in burst.data:
        entry.beats.append((int.from_bytes(beat, "little"), 0xFFFF))
        lines.beat(entry)
    entry.sent = True
    counter = Counter(0, model.tree(200).counter(0, 0).low + 1)
    model.check_write(LINE, model.crypto.pad(model.tree(200).layout.line_name(0), counter, data))
    entry.answer.append((0, 0))
    lines.closed(entry, 1)


def test_the_board_knows_what_a_line_holds():
    model, lines = board()
    for tag, data in enumerate((b"a" * 64, b"b" * 64)):
        written(model, lines, data, 2 * tag)
        entry = read_entry(data, 2 * tag + 1)
        lines.opened(entry, 2)
        lines.closed(entry, 3)
    model.check_quiet()


@pytest.mark.parametrize("wrong", (b"a" * 64, bytes(64), b"b" * 63 + b"c"))
def test_the_board_finds_wrong_data(wrong: bytes):
    """Old content, zeros, and one byte."""
    model, lines = board()
    for tag, data in enumerate((b"a" * 64, b"b" * 64)):
        written(model, lines, data, tag)
    entry = read_entry(wrong, 7)
    lines.opened(entry, 2)
    with pytest.raises(AssertionError):
        lines.closed(entry, 3)


def test_the_board_finds_a_refusal_without_reason():
    _, lines = board()
    entry = Open(line_read(0, ADDR), 1, answer=[(0, 2)] * 4)
    lines.opened(entry, 0)
    with pytest.raises(AssertionError, match="without a reason"):
        lines.closed(entry, 1)


def rules(op: Op | int, subtree: int, page: int = 40, mounted: Iterable[int] = (200,), pinned: Any = ()) -> set[str]:
    model, _ = board()
    model.set_entry(100, RootEntry(valid=True, page=16))
    mounts = Mounts(2)
    for number in mounted:
        mounts.used(number)
    for number in pinned:
        mounts.pin(number, True)
    return allowed(SMALL, model, mounts, op, subtree, page)


def test_command_rules():
    """Endings that the guide names, and those that depend on a choice of the block's."""
    assert rules(Op.ALLOC, 200) == {"ALREADY_ALLOCATED"} == rules(Op.ALLOC, 100)
    assert rules(Op.ALLOC, 60) == {"OK"}
    assert rules(Op.ALLOC, 60, page=8) == {"OVERLAP"} == rules(Op.ALLOC, 60, page=1)
    assert rules(Op.ALLOC, 60, page=60 * SMALL.subtree_bytes // 4096) == {"OVERLAP"}
    assert rules(Op.ALLOC, 256) == {"BAD_ADDRESS"} == rules(Op.ALLOC, 60, page=2**40)
    assert rules(Op.MOUNT, 200) == {"ALREADY_MOUNTED"}
    assert rules(Op.MOUNT, 100) == {"OK"}
    assert rules(Op.MOUNT, 60) == {"NOT_ALLOCATED"} == rules(Op.FREE, 60)
    assert rules(Op.UNMOUNT, 100) == {"NOT_MOUNTED"}
    assert rules(Op.MOUNT, 60, mounted=(200, 100), pinned=(200, 100)) == {"NOT_ALLOCATED"}
    assert rules(Op.ALLOC, 60, mounted=(200, 100), pinned=(200, 100)) == {"TABLE_FULL"}
    assert rules(Op.FREE, 200, pinned=(200,)) == {"PINNED"}
    assert rules(Op.FLUSH, 200, mounted=(200, 100, 60)) == {"OK", "NOT_MOUNTED"}
    mounts = Mounts(2)
    mounts.used(200)
    mounts.disturbed = True
    assert allowed(SMALL, board()[0], mounts, Op.UNMOUNT, 200, 0) == {"OK", "NOT_MOUNTED"}
    assert rules(12, 200) == {"BAD_COMMAND"}


def test_the_shell_connects_every_port():
    """Each port of the block once, each field of a channel in its place."""
    text = verilog(CONFIG)
    connected = re.findall(r"^ +\.(\w+)\(", text, re.M)
    assert sorted(connected) == sorted(["clk", "rst", *MmtIp(CONFIG).signature.members, *PROBES])
    for port in PORTS:
        for channel in channels_of(widths(CONFIG), port).values():
            places = [(field.low, field.width) for field in channel.fields]
            assert all(low == sum(width for _, width in places[:number]) for number, (low, _) in enumerate(places))


def probes(**values: int) -> int:
    """Return a cycle's probes; what is not given is 0."""
    places = {field.name: field for field in probe_fields(PROBES)}
    for name, value in values.items():
        assert 0 <= value < 1 << places[name].width
    return sum(value << places[name].low for name, value in values.items())


def asked(slot: int, counter: int) -> list[int]:
    """Return the cycles in which a line's pads and mask are asked for."""
    blocks = [counter | number << 88 + 36 for number in range(4)] + [counter | 1 << 126]
    tags = [8 * slot + number for number in range(5)]
    return [
        probes(lines_valid=1, lines_key=tag % 8 == 4, lines_block=block, lines_tag=tag)
        for tag, block in zip(tags, blocks, strict=True)
    ]


def sealed(counter: int) -> list[int]:
    """Return the cycles in which a node is written: what was asked last is used."""
    return [probes(tree_valid=1, tree_key=1, tree_block=counter | 2 << 126), probes(seal_valid=1)]


def test_aes_inputs_used_once_pass():
    """Asked for as often as one likes; used under other counters, in other slots, and after a reset again."""
    nonces = Nonces()
    encrypted = [probes(encrypt_valid=1, encrypt_slot=slot) for slot in (0, 3)]
    for _ in range(2):
        for cycle in (*asked(0, 7), *asked(0, 7), *asked(3, 8), *encrypted, *asked(0, 9), encrypted[0], *sealed(7)):
            nonces.cycle(cycle)
        nonces.reset()
    assert (nonces.lines, nonces.nodes) == (6, 2)


@pytest.mark.parametrize(
    "cycles",
    [
        [*asked(0, 7), probes(encrypt_valid=1), probes(encrypt_valid=1)],
        [*asked(0, 7), probes(encrypt_valid=1), *asked(3, 7), probes(encrypt_valid=1, encrypt_slot=3)],
        [*sealed(5), *sealed(5)],
        [*sealed(5), probes(seal_valid=1)],
        [*asked(0, 7)[:4], probes(encrypt_valid=1)],
        [probes(seal_valid=1)],
        [probes(lines_valid=1, lines_key=1, lines_block=7)],
        [probes(lines_valid=1, lines_key=1, lines_block=2 << 126, lines_tag=4)],
        [probes(lines_valid=1, lines_block=1 << 126, lines_tag=4)],
        [probes(tree_valid=1, tree_key=1, tree_block=1 << 126)],
    ],
    ids=(
        "again|in another slot|node again|node twice|no mask|no node|pad's key|mask's domain|mask's key|node's domain"
    ).split("|"),
)
def test_an_aes_input_used_twice_is_found(cycles: list[int]):
    nonces = Nonces()
    for cycle in cycles[:-1]:
        nonces.cycle(cycle)
    with pytest.raises(Repeated):
        nonces.cycle(cycles[-1])


def test_points_are_named_once():
    names = points(CONFIG)
    assert len(names) == len(set(names))


def test_crosses_that_are_left_out_break_a_rule():
    """Each rule leaves something out, and what is left is in the plan: of every operation, level, state and counter."""
    found = crosses(CONFIG)
    kept = [cross for cross, rule in found.items() if rule is None]
    assert set(kept) <= set(points(CONFIG)) and len(kept) == 55 and len(found) == 3 * 4 * 3 * 3 * 2
    for part in {part for cross in found for part in cross.split("/")}:
        assert any(part in cross.split("/") for cross in kept), f"nothing with {part} is in the plan"
    assert len({rule for rule in found.values() if rule is not None}) == 3
    flat = {rule for rule in crosses(FLAT).values() if rule is not None}
    assert len(flat) == 4, "flat counters have a rule of their own"
