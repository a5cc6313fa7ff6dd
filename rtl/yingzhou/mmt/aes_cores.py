# SPDX-License-Identifier: Apache-2.0
"""AES-128 cores: a block a cycle, or a round a cycle, behind the same ports."""

from typing import Final

from amaranth import *
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from . import aes
from .signature import AesClient, AesKey

LATENCY: Final = 11
"""Cycles from the one in which a request is accepted to the one with ``done``, of both kinds."""
KEYS: Final = len(AesKey)


def _server(tag_bits: int) -> dict[str, wiring.Member]:
    """Give the ports of a unit that answers an :class:`AesClient`."""
    return {name: member.flip() for name, member in AesClient(tag_bits).members.items()}


class KeySchedule(wiring.Component):
    """Expands the keys for any number of pipelined cores (FIPS 197, section 5.2), a round key a cycle.

    All round keys are one long shift register: what is expanded moves through it to its place. So every bit of it
    sees the first key's bits on their way, which the self-test uses.

    Ports
    -----
    keys : one for each :class:`AesKey`; sampled while ``busy``.
    load : pulse; begins anew when given while ``busy``.
    busy : 1 for 22 cycles after ``load``. After them ``round_keys`` belong to ``keys``, until the next ``load``.
    round_keys : by key, round (0 to 10) and bit plane.
    """

    def __init__(self):
        super().__init__(
            {
                "keys": In(128).array(KEYS),
                "load": In(1),
                "busy": Out(1),
                "round_keys": Out(16).array(KEYS, aes.ROUNDS + 1, 8),
            }
        )

    def elaborate(self, platform):
        m = Module()
        places = [planes for rounds in self.round_keys for planes in rounds]
        newest = places[-1]
        constant = Signal(8, init=1)
        first, key = Signal(), Signal(range(KEYS))
        after = aes.next_round_key(m, newest, constant, "schedule")
        masters = [aes.to_planes(value) for value in self.keys]
        with m.If(self.load):
            m.d.sync += [self.busy.eq(1), first.eq(1), key.eq(0)]
        with m.Elif(self.busy):
            for later, place in zip(places[1:], places[:-1], strict=True):
                m.d.sync += [bits.eq(previous) for bits, previous in zip(place, later, strict=True)]
            with m.If(first):
                for number in range(KEYS):
                    with m.If(key == number):
                        m.d.sync += [bits.eq(value) for bits, value in zip(newest, masters[number], strict=True)]
                m.d.sync += [first.eq(0), constant.eq(1)]
            with m.Else():
                m.d.sync += [bits.eq(value) for bits, value in zip(newest, after, strict=True)]
                m.d.sync += constant.eq(aes.next_constant(constant))
                with m.If(constant == aes.LAST_ROUND_CONSTANT):
                    m.d.sync += [first.eq(1), key.eq(key + 1), self.busy.eq(key != KEYS - 1)]
        return m


class PipelinedCore(wiring.Component):
    """AES-128 in ten stages: accepts a block every cycle, answers it :data:`LATENCY` cycles later.

    Parameters
    ----------
    tag_bits : int
        Width of the tag that travels with a block.

    Ports
    -----
    request, done, tag, result : the answering side of an :class:`AesClient`; always ready. ``result`` is 0 without
        ``done``.
    round_keys : from :class:`KeySchedule`; constant from a request to its answer.
    """

    def __init__(self, tag_bits: int):
        self.tag_bits = tag_bits
        super().__init__({**_server(tag_bits), "round_keys": In(16).array(KEYS, aes.ROUNDS + 1, 8)})

    def elaborate(self, platform):
        m = Module()
        request = self.request.p
        valid = Signal(aes.ROUNDS)  # bit r - 1: a block waits for round r
        key = Signal(aes.ROUNDS)  # its key, likewise
        m.d.comb += self.request.ready.eq(1)
        m.d.sync += [
            valid.eq(Cat(self.request.valid, valid)),
            key.eq(Cat(request.key, key)),
            self.done.eq(valid[-1]),
        ]

        def round_key(select: Value, number: int) -> list[Value]:
            """Give the planes of the round key, of the key that ``select`` says."""
            both = zip(
                self.round_keys[AesKey.PAD.value][number], self.round_keys[AesKey.MAC.value][number], strict=True
            )
            return [Mux(select, mac, pad) for pad, mac in both]

        planes, tag = aes.to_planes(request.block), request.tag
        select = request.key.as_value()
        for number in range(aes.ROUNDS):
            name = f"round{number}"
            if number:
                planes = aes.mix_columns(m, aes.shift_rows(m, aes.sub_bytes(m, planes, name), name), name)
                select = key[number - 1]
            added = aes.add_round_key(m, planes, round_key(select, number), name)
            planes = [Signal(16, name=f"{name}_state{bit}") for bit in range(8)]
            m.d.sync += [bits.eq(value) for bits, value in zip(planes, added, strict=True)]
            tag, earlier = Signal(self.tag_bits, name=f"{name}_tag"), tag
            m.d.sync += tag.eq(earlier)
        name = f"round{aes.ROUNDS}"
        shifted = aes.shift_rows(m, aes.sub_bytes(m, planes, name), name)
        answer = aes.add_round_key(m, shifted, round_key(key[-1], aes.ROUNDS), name)
        m.d.sync += [
            self.result.eq(Mux(valid[-1], aes.from_planes(answer), 0)),
            self.tag.eq(tag),
        ]
        return m


class IterativeCore(wiring.Component):
    """AES-128 in one round of logic: accepts a block every ten cycles, answers it :data:`LATENCY` cycles later.

    Round keys are made on the way, one ahead of the round that needs it.

    Parameters
    ----------
    tag_bits : int
        Width of the tag that is kept with a block.

    Ports
    -----
    request, done, tag, result : the answering side of an :class:`AesClient`. ``ready`` does not depend on ``valid``.
        ``result`` and ``tag`` are 0 without ``done``.
    keys : one for each :class:`AesKey`; sampled with a request.
    """

    def __init__(self, tag_bits: int):
        self.tag_bits = tag_bits
        super().__init__({**_server(tag_bits), "keys": In(128).array(KEYS)})

    def elaborate(self, platform):
        m = Module()
        request = self.request.p
        number = Signal(range(aes.ROUNDS + 1))  # the round under way; 0: none
        state = [Signal(16, name=f"state{bit}") for bit in range(8)]
        round_key = [Signal(16, name=f"round_key{bit}") for bit in range(8)]
        constant = Signal(8)
        tag = Signal(self.tag_bits)
        last, load = Signal(), Signal()
        m.d.comb += [
            last.eq(number == aes.ROUNDS),
            self.request.ready.eq((number == 0) | last),
            load.eq(self.request.valid & self.request.ready),
        ]

        shifted = aes.shift_rows(m, aes.sub_bytes(m, state, "round"), "round")
        mixed = aes.mix_columns(m, shifted, "round")
        master = aes.to_planes(Mux(request.key.as_value(), self.keys[AesKey.MAC.value], self.keys[AesKey.PAD.value]))
        this_key = [aes.wire(m, f"this_key{bit}", Mux(load, master[bit], round_key[bit]), 16) for bit in range(8)]
        this_constant = aes.wire(m, "this_constant", Mux(load, 1, constant), 8)
        next_key = aes.next_round_key(m, this_key, this_constant, "schedule")
        answer = aes.add_round_key(m, shifted, round_key, "last")
        m.d.sync += [
            self.done.eq(last),
            self.result.eq(Mux(last, aes.from_planes(answer), 0)),
            self.tag.eq(Mux(last, tag, 0)),
        ]
        with m.If(load | (number != 0)):  # idle logic stands still
            m.d.sync += constant.eq(aes.next_constant(this_constant))
            m.d.sync += [bits.eq(value) for bits, value in zip(round_key, next_key, strict=True)]
        with m.If(load):
            start = aes.add_round_key(m, aes.to_planes(request.block), master, "first")
            m.d.sync += [number.eq(1), tag.eq(request.tag)]
            m.d.sync += [bits.eq(value) for bits, value in zip(state, start, strict=True)]
        with m.Elif(last):
            m.d.sync += number.eq(0)
        with m.Elif(number != 0):
            full = aes.add_round_key(m, mixed, round_key, "round")
            m.d.sync += number.eq(number + 1)
            m.d.sync += [bits.eq(value) for bits, value in zip(state, full, strict=True)]
        return m
