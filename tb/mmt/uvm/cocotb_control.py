# SPDX-License-Identifier: Apache-2.0
"""Registers, keys and commands of the block; run by ``test_uvm.py``."""

import pyuvm

from tb.bus.bursts import line_read, line_write
from tb.uvm.agents import Pace
from tb.uvm.base import TIMEOUT_MS
from tb.uvm.register_agent import WORD

from ..bench import Op, Record
from .base import EngineTest
from .host import Host

SLVERR = 2


@pyuvm.test(timeout_time=TIMEOUT_MS, timeout_unit="ms")
class RegisterTest(EngineTest):
    """Reset values, access of every field, byte lanes, addresses without a register, keys that no address shows.

    covers: MMT.KEYS MMT.CONFIG_LOCK

    threat: M17 M23
    """

    started = False
    quiet = False

    async def body(self, host: Host) -> None:
        registers = self.env.registers_model
        await host.reset()
        await self.reset_values(host)
        await self.patterns(host)
        await host.reset()
        await host.offer()
        await host.ready()
        await host.enable()
        await self.locked(host)
        await self.keys(host)
        page = await host.read_register("root_page_lo")
        await host.reset()
        assert page and await host.read_register("root_page_lo") == 0 == await host.read_register("control")
        for path in registers.by_path:
            registers.by_path[path].reset()
        await self.reset_values(host)

    async def reset_values(self, host: Host) -> None:
        """Every field with a reset value has it; hardware has not yet anything to say."""
        for path, register in self.env.registers_model.by_path.items():
            value = await host.read_register(path)
            for field in register.get_fields():
                if field.has_reset() and not path.startswith("counts"):
                    held = field.extract_from_register(value)
                    assert held == field.get_reset(), f"{path}.{field.get_name()} is {held:#x} after reset"

    async def patterns(self, host: Host) -> None:
        """What is written is what is read, where software may write; elsewhere nothing happens."""
        model = self.env.registers_model
        for path, register in model.by_path.items():
            fields = register.get_fields()
            kept = {field.get_name(): field.get_access() for field in fields if not field.is_volatile()}
            if path in ("control", "command.op"):
                continue  # They act; the tests of what they do write them.
            for value in (WORD, 0x5A5A_A5A5, 0):
                before = await host.read_register(path)
                assert await host.write_register(path, value), f"{path} refuses {value:#x}"
                after = await host.read_register(path)
                for field in fields:
                    old, new, got = map(field.extract_from_register, (before, value, after))
                    expected = {"RO": old, "RW": new, "W1S": old | new, "W1C": old & ~new}[field.get_access()]
                    if field.get_name() in kept or field.get_access() != "RO":
                        assert got == expected, f"{path}.{field.get_name()}: {old:#x}, wrote {new:#x}, reads {got:#x}"
                used = sum(field.get_register_mask() for field in fields)
                assert not after & ~used, f"{path}: bits without a field read {after & ~used:#x}"
        addr = model.offset["command.page_lo"]
        await host.access(True, addr, 0x1122_3344)
        await host.access(True, addr, 0xAABB_CCDD, strobe=0b0101)
        assert await host.read_register("command.page_lo") == 0x11BB_33DD

    async def locked(self, host: Host) -> None:
        """The meta zone stays where it is; enable cannot be taken back."""
        for path in ("root_page_lo", "root_page_hi"):
            before = await host.read_register(path)
            assert not await host.write_register(path, before ^ 1)
            assert await host.read_register(path) == before
        await host.write_register("control", 0)
        assert await host.read_register("control") & 1

    async def keys(self, host: Host) -> None:
        """Every address of the page: no word of a key, nor of any key rotated by bytes; no register, an error."""
        offsets = set(self.env.registers_model.offset.values())
        material = host.board.key_bytes
        secrets = {material[at : at + 4] for at in range(len(material) - 3)}
        for addr in range(0, 4096, 4):
            item = await host.access(False, addr)
            assert (item.resp == 0) == (addr in offsets), f"address {addr:#x} answered {item.resp}"
            shown = item.value.to_bytes(4, "little")
            assert shown not in secrets and shown[::-1] not in secrets, f"address {addr:#x} shows a key"
        assert (await host.access(True, max(offsets) + 4, 1)).resp == SLVERR


@pyuvm.test(timeout_time=TIMEOUT_MS, timeout_unit="ms")
class StartTest(EngineTest):
    """Without keys nothing is served; keys of before, and entropy that stands still, are refused; the test strap shows.

    covers: MMT.KEYS

    threat: M17 M18
    """

    started = False
    quiet = False

    async def body(self, host: Host) -> None:
        await host.reset()
        await self.refused(host, "no entropy")
        self.sample("keys/no entropy")
        words = [host.rng.getrandbits(32) for _ in range(12)]
        await self.stuck(host)
        # Reset while keys are loaded: what came before counts for nothing.
        await host.reset()
        await host.offer(words[:5])
        await host.cycles(30)
        await host.reset()
        self.sample("reset/keys")
        assert not await host.read_register("status") & 1
        await host.offer(words)
        assert await host.ready() & 0xF01 == 1
        await host.enable()
        await self.works(host)
        # The same again.
        await host.reset()
        await host.offer(words)
        assert await host.ready() & 0xF00 == 4 << 8, "the keys of before the reset are taken"
        assert host.board.irq
        await self.refused(host, "old keys")
        # The strap, and off again.
        host.dut.test_keys.value = 1
        await host.reset()
        assert await host.ready() & 0xF09 == 9
        host.dut.test_keys.value = 0
        await host.enable()
        assert await host.read_register("status") & 8
        self.sample("keys/test keys")
        await self.works(host)
        await host.start()
        assert not await host.read_register("status") & 8
        await self.works(host)

    async def stuck(self, host: Host) -> None:
        """A word that repeats, or is zero."""
        for words in ([7, 7], [1, 2, 3, 2], [5, 0]):
            await host.reset()
            await host.offer(words)
            assert await host.ready() & 0xF00 == 3 << 8, f"{words} are taken for random"
            assert host.board.irq, "no interrupt though the block will never start"
            await self.refused(host, f"{words}")
        self.sample("keys/stuck entropy refused")

    async def refused(self, host: Host, why: str) -> None:
        """Enabled or not, nothing is served, and memory is not touched."""
        transfers = self.env.dram.driver.transfers
        for enable in (False, True):
            if enable:
                assert await host.write_register("root_page_lo", host.root_page + host.base_page)
                assert await host.write_register("control", 1)
            assert not await host.read_register("status") & 2, f"active with {why}"
            assert await host.each(0) == [False] * 3, why
            await host.expect(Op.NOP, result="NOT_READY")
            await host.expect(Op.ALLOC, 3, host.pages()[0], "NOT_READY")
        assert self.env.dram.driver.transfers == transfers, f"memory is used with {why}"

    async def works(self, host: Host) -> None:
        number = host.config.subtrees - 1
        await host.alloc(number)
        assert await host.each(number * host.lines) == [True] * 3
        await host.flush_all()


@pyuvm.test(timeout_time=TIMEOUT_MS, timeout_unit="ms")
class CommandTest(EngineTest):
    """Every command with every ending that it has; a refused command changes nothing.

    covers: MMT.MOUNT_ONCE

    threat: M27 M28 M29 M30 M31 M37
    """

    async def body(self, host: Host) -> None:
        config = host.config
        last = config.subtrees - 1
        a, b, c, d = range(last - 3, last + 1)
        host.pace(Pace(latency=(1, 6)))
        await self.addresses(host, a)
        await host.alloc(a, b)
        assert await host.write(a * host.lines, b"a" * 64)
        await self.twice(host, a, b, c)
        await self.mounting(host, a)
        await self.pins(host, (a, b, c), d)
        await self.one_at_a_time(host, a, b)
        assert await host.read(a * host.lines)
        await host.expect(Op.FREE, a)
        await host.expect(Op.FREE, a, result="NOT_ALLOCATED")
        await host.expect(Op.MOUNT, a, result="NOT_ALLOCATED")
        await host.alloc(a)
        (item,) = await host.do([line_read(0, host.addr(a * host.lines))])
        assert item.ok and not any(map(any, item.data)), "a freed subtree is not zeros in its next life"

    async def addresses(self, host: Host, a: int) -> None:
        """Subtrees and pages that do not exist: one beyond, far beyond, wrapped. M29"""
        config = host.config
        good = host.pages()[0]
        for number in (config.subtrees, 2 * config.subtrees, 0x8000_0000, 0xFFFF_FFFF):
            for op in Op:
                if op not in (Op.NOP, Op.FLUSH_ALL):
                    await host.expect(op, number, good, "BAD_ADDRESS")
        last = config.size // 4096 - config.metadata_pages
        for page in (last + 1, config.size // 4096, config.size // 4096 + good, 2**51 + good, 2**52 - 1):
            await host.expect(Op.ALLOC, a, page, "BAD_ADDRESS")
        await host.expect(Op.NOP)
        await host.expect(15, a, good, "BAD_COMMAND")
        await host.expect(11, a, good, "BAD_COMMAND")

    async def twice(self, host: Host, a: int, b: int, c: int) -> None:
        """The same frames twice, frames of others, its own frames, the meta zone's. M28 M29 M37"""
        model = host.model
        spare = next(page for page in host.pages() if page not in [model.entry(n).page for n in (a, b)])
        await host.expect(Op.ALLOC, a, spare, "ALREADY_ALLOCATED")
        pages = host.lines // 64
        taken = model.entry(a).page
        size = host.config.metadata_pages
        bad = [taken, taken - size + 1, taken + size - 1, host.root_page, host.root_page - 1]
        bad += [a * pages, (a + 1) * pages - 1, a * pages - size + 1, c * pages, b * pages + 3]
        for page in bad:
            if 0 <= page <= host.config.size // 4096 - size:
                await host.expect(Op.ALLOC, c, page, "OVERLAP")
        # A subtree whose own lines hold the metadata of one that is mounted, or the meta zone.
        for number in {model.entry(a).page // pages, host.root_page // pages}:
            await host.expect(Op.ALLOC, number, c * pages, "OVERLAP")
        assert await host.read(a * host.lines) and await host.read(b * host.lines)

    async def mounting(self, host: Host, a: int) -> None:
        """Mounted twice, not mounted, on demand."""
        await host.expect(Op.MOUNT, a, result="ALREADY_MOUNTED")
        for op in (Op.FLUSH, Op.UNLOCK, Op.PIN, Op.UNPIN):
            await host.expect(op, a)
        await host.expect(Op.UNMOUNT, a)
        for op in (Op.UNMOUNT, Op.FLUSH, Op.UNLOCK, Op.PIN, Op.UNPIN):
            await host.expect(op, a, result="NOT_MOUNTED")
        assert not (await host.expect(Op.STATUS, a)).mounted
        await host.expect(Op.MOUNT, a)
        assert (await host.expect(Op.STATUS, a)).mounted
        await host.expect(Op.UNMOUNT, a)
        assert await host.read(a * host.lines), "not mounted on demand"
        assert (await host.expect(Op.STATUS, a)).mounted

    async def pins(self, host: Host, three: tuple[int, int, int], d: int) -> None:
        """A full table makes room, but not of what is pinned; then everything that needs an entry is refused. M30"""
        await host.alloc(three[2])
        assert host.config.mount_entries == 3
        for number in three:
            assert await host.read(number * host.lines)
        page = next(p for p in host.pages() if p not in [host.model.entry(n).page for n in three])
        await host.expect(Op.ALLOC, d, page)
        await host.expect(Op.UNMOUNT, d)
        for number in three:
            if not (await host.command(Op.STATUS, number)).mounted:
                await host.expect(Op.MOUNT, number)
            await host.expect(Op.PIN, number)
        host.board.refusing.add(d)
        assert await host.each(d * host.lines) == [False] * 3
        assert await host.record("denied") == Record("TABLE_FULL", 0, False, d * host.lines)
        for op in (Op.MOUNT, Op.FREE):
            await host.expect(op, d, result="TABLE_FULL")
        await host.expect(Op.ALLOC, d - 4, next(p for p in host.pages() if p > page), "TABLE_FULL")
        for op in (Op.UNMOUNT, Op.FREE):
            await host.expect(op, three[0], result="PINNED")
        await host.expect(Op.UNPIN, three[1])
        host.board.refusing.discard(d)
        assert await host.each(d * host.lines) == [True] * 3
        await host.expect(Op.UNMOUNT, d)
        for number in three:
            if (await host.command(Op.STATUS, number)).mounted:
                await host.expect(Op.UNPIN, number)
            assert await host.read(number * host.lines)

    async def one_at_a_time(self, host: Host, a: int, b: int) -> None:
        """While a command runs its registers cannot be written."""
        for line in range(0, host.lines, host.lines // 8):
            await host.write(a * host.lines + line)
        await host.start_command(Op.FLUSH_ALL)
        for path in ("command.op", "command.subtree", "command.page_lo", "command.page_hi"):
            assert not await host.write_register(path, 1), f"{path} is written while a command runs"
        assert await host.read_register("answer.state") & 1, "the command was too short for this test"
        assert await host.read(b * host.lines)
        assert (await host.end_command()).result == "OK"


@pyuvm.test(timeout_time=TIMEOUT_MS, timeout_unit="ms")
class RawTest(EngineTest):
    """The window past the engine: what goes in comes out unchanged; the meta zone is closed there.

    covers: MMT.META_CLOSED

    threat: M22
    """

    async def body(self, host: Host) -> None:
        host.pace(Pace(0.2, 0.2, 0.2, 0.2, 0.2, latency=(0, 9), mix=True))
        number = host.config.subtrees - 1
        await host.alloc(number)
        assert await host.write(number * host.lines)
        base = 0x40_0000 + host.config.memory_base
        for round_ in range(6):
            bursts = []
            for id in range(4):
                data = host.rng.randbytes(64)
                bursts += [line_write(id, base + 256 * id, data), line_read(id, base + 4096 + 64 * round_)]
            # Through the engine at the same time.
            bursts += [
                line_read(5, host.addr(number * host.lines)),
                line_write(6, host.addr(number * host.lines + 9), data),
            ]
            assert all(item.ok for item in await host.do(bursts))
        written = host.rng.randbytes(64)
        await host.do([line_write(1, base, written)])
        (item,) = await host.do([line_read(1, base)])
        assert b"".join(item.data) == written
        zone = host.config.memory_base + host.root_page * 4096
        image = dict(self.env.memory.lines)
        size = -(-host.config.root_bytes // 4096) * 4096
        for addr in (zone, zone + size - 64, zone + host.config.root_bytes // 64 * 64):
            for burst in (line_read(2, addr), line_write(2, addr, bytes(64))):
                (item,) = await host.do([burst])
                assert not item.ok, "the meta zone is open"
                assert not any(value for value, _ in item.answer or ())
        assert image == self.env.memory.lines
        for addr in (zone - 64, zone + size):
            (item,) = await host.do([line_read(2, addr)])
            assert item.ok
        first = host.model.shape.root.first_line
        assert await host.each(first) == [False] * 3, "the meta zone is open behind the protection bit"
        assert await host.record("denied") == Record("OUTSIDE", 0, False, first)
