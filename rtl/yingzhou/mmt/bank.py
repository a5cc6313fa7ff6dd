# SPDX-License-Identifier: Apache-2.0
"""The AES cores of the memory engine, shared by its units."""

from collections.abc import Sequence

from amaranth import *
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out
from amaranth.utils import ceil_log2

from yingzhou.errors import require
from yingzhou.geometry import BEAT_BITS

from .aes_cores import KEYS, IterativeCore, KeySchedule, PipelinedCore
from .config import MmtConfig
from .signature import AesClient, AesKey, aes_request


class DirectSignature(wiring.Signature):
    """Access to every core at once, for self-test and derivation; only while the bank is not open.

    ``valid`` : a block for all cores, which must be idle. ``key``, ``block``: as in :func:`aes_request`.
    ``done``  : pulse, with ``result`` as clients see it.
    ``agree`` : 1 in every cycle in which all cores answer the same, or none does.
    """

    def __init__(self):
        super().__init__(
            {
                "valid": Out(1),
                "key": Out(AesKey),
                "block": Out(BEAT_BITS),
                "done": In(1),
                "result": In(BEAT_BITS),
                "agree": In(1),
            }
        )


class AesBank(wiring.Component):
    """AES cores behind several clients.

    *Pipelined* cores: client i belongs to core ``i % cores``. A client with a core of its own is always ready; clients
    that share one take turns, so each waits for at most the others' one request. There are never more cores than
    clients, a client cannot ask for more than a block a cycle.

    *Iterative* cores: one request a cycle is taken, clients take turns, and cores too, so that any client can keep
    every core busy: ``cores`` blocks in ten cycles.

    Either way a client's answers come in the order of its requests, 11 cycles after them.

    Parameters
    ----------
    config : MmtConfig
        ``aes`` and ``aes_cores``.
    tag_bits : sequence of int
        Width of the tag of each client; 1 to 8 clients.

    Ports
    -----
    client0 .. : the answering side of an :class:`AesClient` each. ``ready`` may depend on ``valid`` of other clients.
        ``result`` is 0 while no core answers; without ``done`` it may be another's.
    open : clients are served. 0: no request is accepted and no ``done`` comes, also for requests under way.
    direct : see :class:`DirectSignature`; ``done`` comes only while not ``open``.
    keys : by :class:`AesKey`, sampled with ``load`` and until not ``busy``; constant from then on.
    load : pulse, after a change of ``keys``.
    busy : the keys are not yet in use: up to 22 cycles.
    """

    def __init__(self, config: MmtConfig, tag_bits: Sequence[int]):
        require(1 <= len(tag_bits) <= 8, f"there are {len(tag_bits)} clients; accepted are 1 to 8")
        self.config, self.tag_bits = config, tuple(tag_bits)
        self.pipelined = config.aes == "pipelined"
        self.core_count = min(config.aes_cores, len(tag_bits)) if self.pipelined else config.aes_cores
        super().__init__(
            {
                **{f"client{number}": In(AesClient(bits)) for number, bits in enumerate(tag_bits)},
                "open": In(1),
                "direct": In(DirectSignature()),
                "keys": In(BEAT_BITS).array(KEYS),
                "load": In(1),
                "busy": Out(1),
            }
        )

    def elaborate(self, platform):
        m = Module()
        clients = [getattr(self, f"client{number}") for number in range(len(self.tag_bits))]
        tag = data.StructLayout({"client": ceil_log2(len(clients)), "tag": max(self.tag_bits)})
        cores = []
        for number in range(self.core_count):
            core = PipelinedCore(tag.size) if self.pipelined else IterativeCore(tag.size)
            m.submodules[f"core{number}"] = core
            cores.append(core)
            with m.If(~self.open):
                m.d.comb += [
                    core.request.valid.eq(self.direct.valid),
                    core.request.p.key.eq(self.direct.key),
                    core.request.p.block.eq(self.direct.block),
                ]

        self._give_keys(m, cores)
        if self.pipelined:
            for number, core in enumerate(cores):
                members = range(number, len(clients), len(cores))
                offer = _take_turns(m, clients, members, tag, self.open, f"core{number}")
                with m.If(self.open):
                    m.d.comb += [core.request.valid.eq(offer.valid), core.request.p.eq(offer.p)]
                m.d.comb += offer.ready.eq(core.request.ready)
            answers = [cores[number % len(cores)] for number in range(len(clients))]
        else:
            offer = _take_turns(m, clients, range(len(clients)), tag, self.open, "cores")
            turn = Signal(range(max(2, len(cores))))
            for number, core in enumerate(cores):
                with m.If(self.open):
                    m.d.comb += core.request.p.eq(offer.p)
                with m.If(self.open & (turn == number)):
                    m.d.comb += [core.request.valid.eq(offer.valid), offer.ready.eq(core.request.ready)]
                    with m.If(offer.valid & offer.ready):
                        m.d.sync += turn.eq((number + 1) % len(cores))
            # Cores answer 0 when they have no answer, and never two at once: each was asked in a cycle of its own.
            joined = AesClient(tag.size).flip().create()
            for name in ("done", "tag", "result"):
                values = [getattr(core, name) for core in cores]
                m.d.comb += getattr(joined, name).eq(_any_of(values))
            answers = [joined] * len(clients)

        for number, (client, answer) in enumerate(zip(clients, answers, strict=True)):
            answer_tag = data.View(tag, answer.tag)
            m.d.comb += [
                client.done.eq(self.open & answer.done & (answer_tag.client == number)),
                client.tag.eq(answer_tag.tag),
                client.result.eq(answer.result),
            ]
        agree = [(core.done == cores[0].done) & (core.result == cores[0].result) for core in cores[1:]]
        m.d.comb += [
            self.direct.done.eq(~self.open & answers[0].done),
            self.direct.result.eq(answers[0].result),
            self.direct.agree.eq(Cat(agree).all()),
        ]
        return m

    def _give_keys(self, m: Module, cores: Sequence[wiring.Component]):
        """Pipelined cores share the expanded keys; iterative cores expand on the way."""
        if self.pipelined:
            m.submodules.schedule = schedule = KeySchedule()
            m.d.comb += [schedule.load.eq(self.load), self.busy.eq(schedule.busy)]
            m.d.comb += [schedule.keys[key].eq(self.keys[key]) for key in range(KEYS)]
            for core in cores:
                for here, there in zip(core.round_keys, schedule.round_keys, strict=True):
                    for planes, source in zip(here, there, strict=True):
                        m.d.comb += [plane.eq(value) for plane, value in zip(planes, source, strict=True)]
        else:
            for core in cores:
                m.d.comb += [core.keys[key].eq(self.keys[key]) for key in range(KEYS)]


def _any_of(values: Sequence[Value]) -> Value:
    """OR words together."""
    result = values[0]
    for value in values[1:]:
        result = result | value
    return result


def _take_turns(
    m: Module, clients: Sequence, members: Sequence[int], tag: data.StructLayout, enable: Value, name: str
) -> stream.Interface:
    """Join the requests of ``members`` into one stream; who was served last comes last in the next choice."""
    offer = stream.Signature(aes_request(tag.size)).create(path=(name,))
    valid = Cat(clients[number].request.valid for number in members)
    first = Signal(len(members), name=f"{name}_first")  # nobody with a request comes before this one
    last = Signal(range(max(2, len(members))), name=f"{name}_last")
    with m.Switch(last):
        for served in range(len(members)):
            order = [(served + 1 + step) % len(members) for step in range(len(members))]
            with m.Case(served):
                for rank, place in enumerate(order):
                    m.d.comb += first[place].eq(~Cat(valid[other] for other in order[:rank]).any())
    m.d.comb += offer.valid.eq(enable & valid.any())
    for place, number in enumerate(members):
        request = clients[number].request
        m.d.comb += request.ready.eq(enable & first[place] & offer.ready)
        with m.If(request.valid & first[place]):
            m.d.comb += [
                offer.p.key.eq(request.p.key),
                offer.p.block.eq(request.p.block),
                data.View(tag, offer.p.tag).client.eq(number),
                data.View(tag, offer.p.tag).tag.eq(request.p.tag),
            ]
            with m.If(offer.ready & enable):
                m.d.sync += last.eq(place)
    return offer
