# SPDX-License-Identifier: Apache-2.0
"""What a test does with the block: bursts, commands and resets, as sequences on the agents' sequencers.

Lines are numbers from the start of memory; an access to one is through the protected window.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from tb.bus.bursts import FULL, line_read, line_write
from tb.models.mmt_layout import ROOT
from tb.uvm.host import BlockHost, Items
from yingzhou.mmt.config import MmtConfig

from ..bench import KINDS, RESULTS, Op, Record
from .board import EngineScoreboard, Follower
from .entropy_agent import EntropyItem
from .env import MmtEnv
from .plan import OPERATIONS

HALF = 0x0000_FFFF_FFFF_0000
"""Bytes that a partial write of :meth:`Host.operate` has."""
POLLS = 4000
"""Reads of a register after which the block is taken to hang."""


@dataclass(frozen=True)
class Answer:
    """What a command answered: its result, and the state's word."""

    result: str
    state: int

    @property
    def mounted(self) -> bool:
        return bool(self.state >> 8 & 1)

    @property
    def locked(self) -> bool:
        return bool(self.state >> 10 & 1)


class Host(BlockHost[MmtEnv]):
    """One user of the block, from reset on."""

    config: MmtConfig
    board: EngineScoreboard

    def __init__(self, env: MmtEnv):
        super().__init__(env)
        self.protection = self.board.protection
        self.base_line, self.base_page = self.board.base_line, self.config.memory_base // 4096
        self.root_page = 1
        self.lines = self.config.subtree_lines

    @property
    def model(self) -> Follower:
        assert self.board.model is not None, "the engine is not active"
        return self.board.model

    # Start

    async def offer(self, words: Iterable[int] | None = None) -> None:
        """Give random words, as many as the keys need, at a random pace."""
        material = [self.rng.getrandbits(32) for _ in range(12)] if words is None else words
        items = [EntropyItem(word, self.rng.choice((0, 0, 1, 5))) for word in material]
        await Items(items).start(self.env.entropy.sequencer)

    async def ready(self) -> int:
        """Wait until the keys are there, or will never be; return the status."""
        return await self.until("status", 0xF01, lambda status: status != 0)

    async def enable(self) -> None:
        """Say where the meta zone is, and enable."""
        page = self.root_page + self.base_page
        assert await self.write_register("root_page_lo", page & 0xFFFF_FFFF)
        assert await self.write_register("root_page_hi", page >> 32)
        assert await self.write_register("control", 1)
        assert await self.read_register("status") & 2, "the engine is not active"

    async def start(self) -> None:
        """Reset with new keys, and enable."""
        await self.reset()
        await self.offer()
        assert await self.ready() & 0xF01 == 1, "the engine does not start"
        await self.enable()

    # Bursts

    def addr(self, line: int) -> int:
        """Return the protected address of a line."""
        return self.config.memory_base + 64 * line | self.protection

    async def write(self, line: int, data: bytes | None = None, strobe: int = FULL, id: int = 0) -> bool:
        """Write a line; return whether it went well."""
        content = self.rng.randbytes(64) if data is None else data
        return (await self.do([line_write(id, self.addr(line), content, strobe)]))[0].ok

    async def read(self, line: int, id: int = 0) -> bool:
        """Read a line; its content is compared by the scoreboard. Return whether it went well."""
        return (await self.do([line_read(id, self.addr(line))]))[0].ok

    async def operate(self, operation: str, line: int) -> bool:
        """Make one access: an operation of the coverage plan. Return whether it went well."""
        if operation == "read":
            return await self.read(line)
        return await self.write(line, strobe=FULL if operation == "full write" else HALF)

    async def each(self, line: int) -> list[bool]:
        """Read a line, write all of it and a part of it, one after the other; return which went well."""
        return [await self.operate(operation, line) for operation in OPERATIONS]

    # Registers

    async def until(self, path: str, mask: int, good: Any) -> int:
        """Return a register's word as soon as ``good`` says so of its bits of ``mask``."""
        for _ in range(POLLS):
            value = await self.read_register(path)
            if good(value & mask):
                return value
        raise AssertionError(f"{path} stays {value:#x}")

    async def counts(self) -> dict[str, int]:
        """Return the block's counters."""
        names = [path for path in self.env.registers_model.by_path if path.startswith("counts.")]
        return {path.removeprefix("counts."): await self.read_register(path) for path in names}

    async def record(self, name: str) -> Record | None:
        """Return a record, ``failure`` or ``denied``, and clear it."""
        state = await self.read_register(f"{name}.state")
        if not state & 1:
            return None
        low, high = [await self.read_register(f"{name}.address_{half}") for half in ("lo", "hi")]
        assert await self.write_register(f"{name}.state", 1)
        line = ((low | high << 32) - self.config.memory_base) // 64
        return Record(KINDS[state >> 8 & 15], state >> 4 & 15, bool(state >> 1 & 1), line)

    async def failure(self) -> Record | None:
        """Return the recorded failure and clear it; its subtree is locked."""
        assert self.board.irq == await self.read_register("failure.state") & 1, "irq is not the record's valid bit"
        record = await self.record("failure")
        if record is not None:
            await self.cycles(4)
            assert not self.board.irq, "irq stays after the record was cleared"
            self.board.failed(record.line)
        return record

    # Commands

    async def start_command(self, op: Op | int, subtree: int = 0, page: int = 0) -> None:
        """Write a command's registers."""
        page += self.base_page
        assert await self.write_register("command.subtree", subtree)
        assert await self.write_register("command.page_lo", page & 0xFFFF_FFFF)
        assert await self.write_register("command.page_hi", page >> 32 & 0xFFFFF)
        assert await self.write_register("command.op", int(op))

    async def command(self, op: Op | int, subtree: int = 0, page: int = 0) -> Answer:
        """Have a command carried out, or refused; the scoreboard knows how it may end."""
        await self.start_command(op, subtree, page)
        return await self.end_command()

    async def end_command(self) -> Answer:
        """Wait for a command's answer."""
        state = await self.until("answer.state", 1, lambda busy: not busy)
        return Answer(RESULTS[state >> 4 & 15], state)

    async def expect(self, op: Op | int, subtree: int = 0, page: int = 0, result: str = "OK") -> Answer:
        """Have a command answer ``result``."""
        answer = await self.command(op, subtree, page)
        assert answer.result == result, f"{op!r} of {subtree}, page {page:#x}: {answer.result}, not {result}"
        if result == "OK" and subtree < self.config.subtrees and op not in (Op.NOP, Op.FLUSH_ALL):
            await self.compare(answer, subtree)
        return answer

    async def compare(self, answer: Answer, subtree: int) -> None:
        """A command's answer tells the model's entry."""
        entry = self.model.entry(subtree)
        low, high = [await self.read_register(f"answer.page_{half}") for half in ("lo", "hi")]
        generation = await self.read_register("answer.generation")
        told = (bool(answer.state >> 9 & 1), answer.locked, generation, (low | high << 32) - self.base_page)
        assert told == (entry.valid, entry.locked, entry.generation, entry.page), f"{told}, but {entry}"

    def pages(self) -> range:
        """Return pages for metadata: behind the meta zone."""
        first = self.root_page + -(-self.config.root_bytes // 4096)
        return range(first, self.config.size // 4096, self.config.metadata_pages)

    async def alloc(self, *numbers: int) -> None:
        """Allocate subtrees, with their metadata one after the other behind the meta zone."""
        for number in numbers:
            held = {at.entry.page for at in self.model.subtrees.values() if at.tree is not None}
            await self.expect(Op.ALLOC, number, next(page for page in self.pages() if page not in held))

    async def flush_all(self) -> None:
        """Flush everything, and compare memory with the model."""
        await self.expect(Op.FLUSH_ALL)
        self.board.check_quiet()
        self.board.check_flushed()

    # Places

    def node_place(self, line: int, level: int) -> int:
        """Return where the node of ``level`` over a line lies."""
        number, index = divmod(line, self.lines)
        return self.model.tree(number).layout.first_node[level] + index // self.model.shape.span[level]

    def mac_place(self, line: int) -> tuple[int, int]:
        """Return line and first bit of a line's MAC."""
        number, index = divmod(line, self.lines)
        return self.model.tree(number).layout.first_meta + index // 8, index % 8 * 64

    def entry_place(self, number: int) -> int:
        """Return the line of the root table that has a subtree's entry."""
        return self.model.shape.root.first_line + number // 4

    def forge(self, number: int, level: int, index: int, counters: list[int], major: int) -> None:
        """Give a node other counters, as if many writes had led to them; all is flushed and the tree unmounted."""
        model = self.model
        tree = model.tree(number)
        padded = counters + [0] * (model.shape.arity[level] - len(counters))
        model.log.clear()
        model.forge(number, level, index, padded, major)
        model.follow(tree).macs = {at: [line.mac] for at, line in tree.lines.items()}
        for line, data in model.log:
            self.memory.lines[line + self.base_line] = data

    def poke(self, line: int, data: bytes) -> None:
        """Change a line of memory behind the block's back."""
        self.memory[line + self.base_line] = data

    def peek(self, line: int) -> bytes:
        return self.memory[line + self.base_line]

    def flip(self, line: int, bit: int) -> None:
        self.memory.flip(line + self.base_line, bit)


__all__ = ["ROOT", "Answer", "Host"]
