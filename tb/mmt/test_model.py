# SPDX-License-Identifier: Apache-2.0
"""The model of the memory engine on its own: known vectors, random operations, the verifier, the observer.

covers: MMT.FRESH MMT.EXHAUSTED
"""

from dataclasses import asdict, replace
from random import Random

import pytest
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from hypothesis import assume, given
from hypothesis import strategies as st

from tb.models.mmt import ZERO_LINE, Mmt, Refused, RootEntry, merge
from tb.models.mmt_crypto import Counter, Crypto, Keys, LineName, NodeName
from tb.models.mmt_layout import ROOT, Place, Shape
from tb.models.mmt_observer import Observer, Unexplained
from tb.models.mmt_verify import Tampered, verify
from yingzhou.mmt.config import MmtConfig

KEYS = Keys(bytes(range(16)), bytes(range(16, 32)), bytes(range(32, 48)))
SMALL = MmtConfig(addr_width=20, arities=(16, 16))
DEEP = MmtConfig(addr_width=22, arities=(16, 16, 16))
GEOMETRIES = (
    SMALL,
    DEEP,
    MmtConfig(addr_width=20, arities=(64,)),
    MmtConfig(addr_width=22, arities=(32, 64), major_bits=2),
    MmtConfig(addr_width=18, arities=(2, 4, 8)),
    MmtConfig(addr_width=20, arities=(8, 8)),
    MmtConfig(addr_width=20, arities=(4, 2, 2, 4)),
)


# Cryptography against a second reading: bits as text, products bit by bit


def slow_product(a: int, b: int) -> int:
    product = 0
    for bit in range(64):
        if b >> bit & 1:
            product ^= a << bit
    for bit in range(127, 63, -1):
        if product >> bit & 1:
            product ^= 0x1_0000_0000_0000_001B << bit - 64
    return product


def aes(key: bytes, bits: str) -> int:
    assert len(bits) == 128
    block = int(bits, 2).to_bytes(16, "little")
    encryptor = Cipher(algorithms.AES(key), modes.ECB()).encryptor()
    return int.from_bytes(encryptor.update(block) + encryptor.finalize(), "little")


def slow_hash(data: bytes) -> int:
    total = 0
    for i in range(len(data) // 8):
        block = aes(KEYS.hash, "11" + f"{i // 2:038b}" + "0" * 88)
        key = block >> 64 if i % 2 else block % 2**64
        total ^= slow_product(int.from_bytes(data[8 * i : 8 * i + 8], "little"), key)
    return total


def test_aes_known_answer():
    """FIPS 197, appendix C.1, through the path that the model uses."""
    key, plain = bytes(range(16)), bytes.fromhex("00112233445566778899aabbccddeeff")
    value = int.from_bytes(plain, "little")
    assert aes(key, f"{value:0128b}").to_bytes(16, "little").hex() == "69c4e0d86a7b0430d8cdb78070b4c55a"


@pytest.mark.parametrize("number", range(20))
def test_known_vectors(number: int):
    rng = Random(number)
    crypto, data = Crypto(KEYS), rng.randbytes(64)
    low, generation, name, root = rng.getrandbits(64), rng.getrandbits(24), rng.getrandbits(30), rng.getrandbits(1)
    counter = Counter(generation, low)
    tail = f"{generation:024b}{low:064b}"
    pad = [aes(KEYS.pad, "00" + f"{block:02b}{root}{name:035b}" + tail) for block in range(4)]
    expected = int.from_bytes(data, "little") ^ sum(value << 128 * block for block, value in enumerate(pad))
    assert crypto.pad(LineName(name, bool(root)), counter, data) == expected.to_bytes(64, "little")
    mask = aes(KEYS.mac, "01" + f"00{root}{name:035b}" + tail) % 2**64
    assert crypto.line_mac(LineName(name, bool(root)), counter, data) == slow_hash(data) ^ mask
    level = rng.randrange(1, 13)
    mask = aes(KEYS.mac, "10" + f"{level:04b}{root}{name:033b}" + tail) % 2**64
    assert crypto.node_mac(NodeName(level, name, bool(root)), counter, data[:56]) == slow_hash(data[:56]) ^ mask


# Places


def test_places_of_the_paper_geometry():
    """Numbers of docs/mmt-format.md, section 3."""
    shape = Shape(MmtConfig(memory_bytes=1 << 30), root_page=7)
    layout = shape.subtree(3, page=0x100)
    assert layout.end_meta - layout.first_meta == 591_936 // 64
    assert [layout.first_node[level] - layout.first_meta for level in (1, 2, 3)] == [
        524_288 // 64, (524_288 + 65_536) // 64, (524_288 + 65_536 + 2_048) // 64,
    ]  # fmt: skip
    assert layout.first_line == 3 * 65_536 and layout.first_meta == 0x100 * 64
    assert shape.root_lines == 64 and shape.root.first_line == 7 * 64
    assert shape.root.first_meta == 7 * 64 + 64 and shape.root.mac_lines == 8
    assert shape.root.nodes == {1: 1, 2: 1, 3: 1} and shape.root.first_node[1] == 7 * 64 + 64 + 8


@pytest.mark.parametrize("config", GEOMETRIES, ids=str)
def test_every_line_of_metadata_has_one_place(config: MmtConfig):
    """threat: M39"""
    shape = Shape(config, root_page=1)
    layout = shape.subtree(1, page=40)
    places = [layout.meta_place(line) for line in range(layout.first_meta, layout.end_meta)]
    assert len(set(places)) == len(places) and None not in places
    assert layout.meta_place(layout.first_meta - 1) is None and layout.meta_place(layout.end_meta) is None
    assert places[0] == Place(1, "macs", 0, 0) and places[-1] == Place(1, "node", shape.levels, 0)
    assert (layout.end_meta - layout.first_meta) * 64 == config.metadata_bytes
    assert (shape.root.end_meta - shape.root.first_line) * 64 == config.root_bytes
    for level in range(1, shape.levels + 1):
        seen = [child for index in range(shape.root.nodes[level]) for child in shape.root.children(level, index)]
        below = shape.root.lines if level == 1 else shape.root.nodes[level - 1]
        assert seen == list(range(below)), "the root tree has a parent for every child that exists"


# Random operations


class Recorded(Mmt):
    """Refuses to use a counter twice for the same name."""

    def __post_init__(self):
        super().__post_init__()
        self.used: set[tuple] = set()
        self.reuse_allowed = False

    def _use(self, *what) -> None:
        assert what not in self.used or self.reuse_allowed, f"{what} is used a second time"
        self.used.add(what)

    def emit_line(self, tree, index, plain):
        self._use(tree.layout.line_name(index), tree.counter(0, index))
        super().emit_line(tree, index, plain)

    def emit_node(self, tree, level, index):
        self._use(tree.layout.node_name(level, index), tree.counter(level, index))
        super().emit_node(tree, level, index)


def last_two(config: MmtConfig) -> range:
    return range(config.subtrees - 2, config.subtrees)


def allocate(model: Mmt, numbers: range) -> None:
    """Allocate subtrees from the end of memory, with their metadata behind the meta zone."""
    page = model.root_page + -(-model.config.root_bytes // 4096)
    for number in numbers:
        model.alloc(number, page)
        page += model.config.metadata_pages
    assert page * 64 <= numbers[0] * model.shape.subtree_lines


def random_line(rng: Random, model: Mmt, numbers: range) -> int:
    lines = model.shape.subtree_lines
    inside = rng.choice([0, lines - 1, rng.randrange(lines), rng.randrange(min(lines, 4))])
    return rng.choice(numbers) * lines + inside


def random_step(
    rng: Random, model: Mmt, numbers: range, plain: dict[int, bytes], watch: Observer | None = None
) -> None:
    """Do one random operation; ``plain`` is what every line must read as."""
    what = rng.choices(("write", "read", "evict", "macs", "flush", "unmount", "free"), (40, 10, 30, 8, 4, 4, 1))[0]
    number = rng.choice(numbers)
    match what:
        case "write":
            line = random_line(rng, model, numbers)
            data, strobe = rng.randbytes(64), rng.choice([2**64 - 1, rng.getrandbits(64), 1, 0])
            if watch:
                watch.announce(line, data, strobe)
            model.write(line, data, strobe)
            plain[line] = merge(plain.get(line, ZERO_LINE), data, strobe)
        case "read":
            line = random_line(rng, model, numbers)
            assert model.read(line) == plain.get(line, ZERO_LINE)
        case "evict":
            tree = rng.choice([number, number, ROOT])
            level = rng.randint(1, model.shape.levels)
            dirty = model.tree(tree).dirty_nodes(level)
            if dirty:
                model.evict(tree, level, rng.choice(dirty))
        case "macs":
            tree = rng.choice([number, ROOT])
            dirty = sorted(model.tree(tree).dirty_macs)
            if dirty:
                model.evict_macs(tree, rng.choice(dirty))
        case "flush":
            model.flush(number)
        case "unmount":
            model.unmount(number)
        case "free":
            page = model.entry(number).page
            if watch:
                watch.intend(number, watch.freed(number))
            model.free(number)
            if watch:
                follow(model, watch)
                watch.set_entry(number, watch.freed(number))
                watch.intend(number)
            model.alloc(number, page)
            if watch:
                watch.alloc(number, page)
            for line in [line for line in plain if line // model.shape.subtree_lines == number]:
                del plain[line]
    if watch:
        follow(model, watch)


def follow(model: Mmt, watch: Observer) -> None:
    for line, data in model.log:
        watch.check_write(line, data)
    model.log.clear()


def preset_minors(rng: Random, model: Mmt, numbers: range) -> None:
    """Put counters just below their maxima, where overflows are."""
    model.flush_all()
    for number in (*numbers, ROOT):
        tree = model.tree(number)
        for (level, index), node in sorted(tree.nodes.items()):
            full = 2 ** model.shape.counter_bits[level] - 1
            if tree.counter(level, index).low and model.shape.split and rng.random() < 0.7:
                counters = [full - rng.randrange(2) if value else 0 for value in node.counters]
                model.forge(number, level, index, counters, node.major)
    model.log.clear()


@given(seed=st.integers(0, 2**32), config=st.sampled_from(GEOMETRIES), steps=st.integers(1, 60))
def test_random_operations(seed: int, config: MmtConfig, steps: int):
    """No pair is used twice, and a flushed image reads as what was written, from the root counter alone."""
    rng = Random(seed)
    model, plain, numbers = Recorded(config, KEYS, root_page=1), {}, last_two(config)
    allocate(model, numbers)
    for _ in range(steps):
        random_step(rng, model, numbers, plain)
    model.flush_all()
    contents = verify(config, KEYS, 1, model.expected_image(), model.root.root_counter)
    assert {line: data for line, data in contents.lines.items() if any(data)} == {
        line: data for line, data in plain.items() if any(data)
    }
    for number in numbers:
        assert contents.entries[number] == asdict(model.entry(number))


@given(seed=st.integers(0, 2**32), config=st.sampled_from([g for g in GEOMETRIES if g.split]))
def test_overflow(seed: int, config: MmtConfig):
    """M12: counters at their end rewrite their group under a new major, everything still reads, no pair comes again."""
    rng = Random(seed)
    model, plain, numbers = Recorded(config, KEYS, root_page=1), {}, last_two(config)
    model.reuse_allowed = True
    allocate(model, numbers)
    for _ in range(20):
        random_step(rng, model, numbers, plain)
    preset_minors(rng, model, numbers)
    model.used.clear()
    model.reuse_allowed = False
    for _ in range(40):
        random_step(rng, model, numbers, plain)
    model.flush_all()
    contents = verify(config, KEYS, 1, model.expected_image(), model.root.root_counter)
    assert {line: data for line, data in contents.lines.items() if any(data)} == {
        line: data for line, data in plain.items() if any(data)
    }


@given(seed=st.integers(0, 2**32), config=st.sampled_from(GEOMETRIES))
def test_any_consulted_byte(seed: int, config: MmtConfig):
    """A change of any byte that a reading depends on is found; of any other byte it changes nothing."""
    rng = Random(seed)
    model, plain, numbers = Mmt(config, KEYS, root_page=1), {}, last_two(config)
    allocate(model, numbers)
    for _ in range(25):
        random_step(rng, model, numbers, plain)
    model.flush_all()
    image, counter = model.expected_image(), model.root.root_counter
    before = verify(config, KEYS, 1, image, counter)
    for line, byte in rng.sample(sorted(before.consulted), min(40, len(before.consulted))):
        changed = bytearray(image[line])
        changed[byte] ^= 1 << rng.randrange(8)
        with pytest.raises((Tampered, AssertionError)):
            verify(config, KEYS, 1, {**image, line: bytes(changed)}, counter)
    others = [(line, byte) for line in image for byte in range(64) if (line, byte) not in before.consulted]
    for line, byte in rng.sample(others, min(10, len(others))):
        changed = bytearray(image[line])
        changed[byte] ^= 0xFF
        assert verify(config, KEYS, 1, {**image, line: bytes(changed)}, counter).lines == before.lines
    with pytest.raises(Tampered):
        verify(config, KEYS, 1, image, counter + 1)


# Ends of counters


def test_exhausted_pairs_refuse():
    """M14: no counter wraps; the write is refused and the subtree locked."""
    config = replace(SMALL, major_bits=1)
    model = Mmt(config, KEYS, root_page=1)
    allocate(model, range(5, 6))
    first = 5 * model.shape.subtree_lines
    model.write(first, b"a" * 64)
    model.write(first + 1, b"b" * 64)
    model.flush_all()
    full = 2**24 - 1
    model.forge(5, 1, 0, [full, 5] + [0] * 14, major=1)
    with pytest.raises(Refused, match="EXHAUSTED"):
        model.write(first, b"c" * 64)
    assert model.entry(5).locked and model.expected_line(first) == b"a" * 64
    model.unlock(5)
    model.write(first + 1, b"d" * 64)
    assert model.expected_line(first + 1) == b"d" * 64


def test_exhausted_root_counter_and_generation_refuse():
    """M14"""
    model = Mmt(SMALL, KEYS, root_page=1)
    allocate(model, range(5, 6))
    first = 5 * model.shape.subtree_lines
    model.write(first, b"a" * 64)
    model.flush_all()
    model.forge_entry(5, replace(model.entry(5), counter=2**64 - 1))
    model.write(first, b"b" * 64)
    with pytest.raises(Refused, match="EXHAUSTED"):
        model.flush(5)
    other = Mmt(SMALL, KEYS, root_page=1)
    other.set_entry(3, RootEntry(generation=2**24 - 1))
    with pytest.raises(Refused, match="EXHAUSTED"):
        other.alloc(3, 9)


def test_a_flat_counter_refuses():
    """M14"""
    config = GEOMETRIES[4]
    model = Mmt(config, KEYS, root_page=1)
    allocate(model, range(5, 6))
    first = 5 * model.shape.subtree_lines
    model.write(first, b"a" * 64)
    model.flush_all()
    model.forge(5, 1, 0, [2**56 - 1] + [0] * 7)
    with pytest.raises(Refused, match="EXHAUSTED"):
        model.write(first, b"b" * 64)


# The observer: accepts what the model does, refuses what differs


@given(seed=st.integers(0, 2**32), config=st.sampled_from(GEOMETRIES), steps=st.integers(1, 60))
def test_observer_follows_the_model(seed: int, config: MmtConfig, steps: int):
    rng = Random(seed)
    model, watch, numbers = Mmt(config, KEYS, root_page=1), Observer(config, KEYS, root_page=1), last_two(config)
    allocate(model, numbers)
    allocate(watch, numbers)
    plain: dict[int, bytes] = {}
    for _ in range(steps):
        random_step(rng, model, numbers, plain, watch)
    model.flush_all()
    follow(model, watch)
    watch.check_flushed_all()
    assert watch.expected_image() == model.expected_image()
    assert watch.root.root_counter == model.root.root_counter


@given(seed=st.integers(0, 2**32), config=st.sampled_from([g for g in GEOMETRIES if g.split]))
def test_observer_follows_overflows(seed: int, config: MmtConfig):
    """covers: MMT.FRESH. threat: M12"""
    rng, numbers = Random(seed), last_two(config)
    model = Mmt(config, KEYS, root_page=1)
    allocate(model, numbers)
    plain: dict[int, bytes] = {}
    for _ in range(20):
        random_step(rng, model, numbers, plain)
    preset_minors(rng, model, numbers)
    watch = adopt(model)
    for _ in range(40):
        random_step(rng, model, numbers, plain, watch)
    model.flush_all()
    follow(model, watch)
    watch.check_flushed_all()
    assert watch.expected_image() == model.expected_image()


def adopt(model: Mmt) -> Observer:
    """Return an observer of an engine in the state of a flushed model."""
    watch = Observer(model.config, model.keys, model.root_page, dict(model.image))
    watch.adopt(model)
    return watch


@given(seed=st.integers(0, 2**32), config=st.sampled_from(GEOMETRIES), data=st.data())
def test_observer_refuses_any_other_bit(seed: int, config: MmtConfig, data: st.DataObject):
    """One bit of one write differs, or one write is missing, or comes twice: noticed at once or at the flush."""
    rng, numbers = Random(seed), last_two(config)
    model, watch = Mmt(config, KEYS, root_page=1), Observer(config, KEYS, root_page=1)
    allocate(model, numbers)
    allocate(watch, numbers)
    for _ in range(30):
        line, payload = random_line(rng, model, numbers), rng.randbytes(64)
        watch.announce(line, payload, 2**64 - 1)
        model.write(line, payload)
        if rng.random() < 0.2:
            model.flush(line // model.shape.subtree_lines)
    model.flush_all()
    victim = data.draw(st.integers(0, len(model.log) - 1))
    kind = data.draw(st.sampled_from(["bit", "missing", "twice", "place"]))
    line, content = model.log[victim]
    place = watch.classify(line)
    macs = (
        place is not None and place.kind == "macs"
    )  # MACs written once more, or once less before the last, do no harm
    match kind:
        case "bit":
            bit = data.draw(st.integers(0, 511))
            changed = bytearray(content)
            changed[bit // 8] ^= 1 << bit % 8
            model.log[victim] = (line, bytes(changed))
        case "missing":
            assume(not macs or all(line != later for later, _ in model.log[victim + 1 :]))
            del model.log[victim]
        case "twice":
            assume(not macs)
            model.log.insert(victim, (line, content))
        case "place":
            model.log[victim] = (line ^ 1, content)
    with pytest.raises(AssertionError):
        follow(model, watch)
        watch.check_flushed_all()


def test_observer_explains_late_data():
    """A leaf on its way out may overtake the line that moved it."""
    model, watch = Mmt(SMALL, KEYS, root_page=1), Observer(SMALL, KEYS, root_page=1)
    allocate(model, range(5, 6))
    allocate(watch, range(5, 6))
    watch.announce(1283, b"x" * 64, 2**64 - 1)
    model.write(1283, b"x" * 64)
    model.flush(5)
    model.log.sort(key=lambda item: 1280 <= item[0] < 1536)
    follow(model, watch)
    watch.check_flushed(5)


def test_observer_refuses_foreign_places():
    watch = Observer(SMALL, KEYS, root_page=1)
    watch.check_write(0x3000, ZERO_LINE)
    with pytest.raises(Unexplained, match="neither"):
        watch.check_quiet()


def test_observer_of_a_failed_write():
    """The counter of a write that failed may have moved; its data never comes out, and the next write goes on."""
    for moved in (False, True):
        model, watch = Mmt(SMALL, KEYS, root_page=1), Observer(SMALL, KEYS, root_page=1)
        allocate(model, range(5, 6))
        allocate(watch, range(5, 6))
        for text in (b"a", b"b"):
            watch.announce(1283, text * 64, 2**64 - 1)
            model.write(1283, text * 64)
            follow(model, watch)
        watch.failed(watch.announce(1283, b"c" * 64, 1))
        if moved:
            model.tree(5).step(0, 3)
        watch.announce(1283, b"d" * 64, 2**64 - 1)
        model.write(1283, b"d" * 64)
        model.flush_all()
        follow(model, watch)
        watch.check_flushed_all()
