# SPDX-License-Identifier: Apache-2.0
"""How a command may end (docs/mmt.md, Programmer's guide), from the model's state.

Which subtree gives up its mount table entry for another is the block's choice, so after a use of a further subtree it
may be unknown whether one is mounted; then both endings are allowed.
"""

from tb.models.mmt import GENERATION_MAX, Mmt
from tb.models.mmt_layout import TreeLayout
from yingzhou.mmt.config import MmtConfig

from ..bench import Op


class Mounts:
    """What is known of the mount table of ``entries``: yes, no (absent), or perhaps (None).

    ``disturbed``: accesses are under way, which may mount and push out anything but what is pinned.
    """

    def __init__(self, entries: int):
        self.entries = entries
        self._known: dict[int, bool | None] = {}
        self.pinned: set[int] = set()
        self.disturbed = False

    def asked(self, number: int) -> None:
        """An access to a subtree begins: it may have to be mounted, and another to make room for it."""
        if self._known.get(number) is not True:
            for other in self._known:
                if other not in self.pinned:
                    self._known[other] = None
            self._known[number] = None

    def used(self, number: int) -> None:
        """A subtree was mounted, or found mounted, and nothing else is under way."""
        if self._known.get(number) is not True:
            if len(self._known) >= self.entries:
                self.asked(number)
            self._known[number] = True

    def gone(self, number: int) -> None:
        """A subtree is not mounted any more, and nothing else is under way."""
        self._known.pop(number, None)
        self.pinned.discard(number)

    def pin(self, number: int, on: bool) -> None:
        (self.pinned.add if on else self.pinned.discard)(number)

    def may(self, number: int) -> set[bool]:
        """Return whether a subtree may be mounted, and may be not."""
        if number in self.pinned:
            return {True}
        state = None if self.disturbed else self._known.get(number, False)
        return {True, False} if state is None else {state}

    @property
    def full(self) -> bool:
        """Whether no entry can be had."""
        return len(self.pinned) >= self.entries


def _ranges(config: MmtConfig, layout: TreeLayout) -> tuple[range, range]:
    """Return the lines of a subtree, and those of its metadata, whole pages."""
    lines = range(layout.first_line, layout.first_line + config.subtree_lines)
    return lines, range(layout.first_meta, layout.first_meta + config.metadata_pages * 64)


def _meet(a: range, b: range) -> bool:
    return a.start < b.stop and b.start < a.stop


def overlaps(config: MmtConfig, model: Mmt, mounts: Mounts, subtree: int, page: int) -> set[bool]:
    """Return whether metadata at ``page`` overlaps what it must not."""
    own, meta = _ranges(config, model.shape.subtree(subtree, page))
    zone = range(model.shape.root.first_line, model.shape.root.first_line + -(-config.root_bytes // 4096) * 64)
    if _meet(own, meta) or _meet(zone, meta) or _meet(zone, own):
        return {True}
    result = {False}
    for number, at in model.subtrees.items():
        if number != subtree and at.tree is not None:
            lines, other = _ranges(config, at.tree.layout)
            if _meet(meta, lines) or _meet(meta, other) or _meet(own, other):
                if mounts.may(number) == {True}:
                    return {True}
                if True in mounts.may(number):
                    result = {True, False}
    return result


def _absent(config: MmtConfig, model: Mmt, mounts: Mounts, op: Op, subtree: int, page: int) -> set[str]:
    """Return the endings for a subtree that is not mounted."""
    entry = model.entry(subtree)
    if op is Op.STATUS:
        return {"OK"}
    if op not in (Op.ALLOC, Op.FREE, Op.MOUNT):
        return {"NOT_MOUNTED"}
    if op is Op.ALLOC and entry.valid:
        return {"ALREADY_ALLOCATED"}
    if op is Op.ALLOC and entry.generation == GENERATION_MAX:
        return {"EXHAUSTED"}
    if op is not Op.ALLOC and not entry.valid:
        return {"NOT_ALLOCATED"}
    free = {"TABLE_FULL"} if mounts.full else {"OK"}
    if op is Op.FREE:
        return free
    result: set[str] = set()
    for overlap in overlaps(config, model, mounts, subtree, page if op is Op.ALLOC else entry.page):
        result |= {"OVERLAP"} if overlap else free
    return result


def _present(model: Mmt, mounts: Mounts, op: Op, subtree: int) -> set[str]:
    """Return the endings for a subtree that is mounted: it is allocated then."""
    match op:
        case Op.ALLOC:
            return {"ALREADY_ALLOCATED"}
        case Op.MOUNT:
            return {"ALREADY_MOUNTED"}
        case Op.FREE | Op.UNMOUNT if subtree in mounts.pinned:
            return {"PINNED"}
    return {"OK"}


def allowed(config: MmtConfig, model: Mmt | None, mounts: Mounts, op: Op | int, subtree: int, page: int) -> set[str]:
    """Return the results that a command may have; nothing was tampered with."""
    if model is None:
        return {"NOT_READY"}
    if not isinstance(op, Op):
        return {"BAD_COMMAND"}
    if op in (Op.NOP, Op.FLUSH_ALL):
        return {"OK"}
    last = config.size // 4096 - config.metadata_pages
    if subtree >= config.subtrees or (op is Op.ALLOC and not 0 <= page <= last):
        return {"BAD_ADDRESS"}
    result: set[str] = set()
    for mounted in mounts.may(subtree):
        result |= _present(model, mounts, op, subtree) if mounted else _absent(config, model, mounts, op, subtree, page)
    return result


__all__ = ["Mounts", "allowed", "overlaps"]
