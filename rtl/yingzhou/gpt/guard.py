# SPDX-License-Identifier: Apache-2.0
"""The check of ``check.py`` as a block of combinational logic: verdicts out, and what to count and record."""

from amaranth import *
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from .check import RULE_BITS, Area, Rule, State, check_answer, check_read
from .config import AREA_PPN_BITS, PAGE_LOG, GptConfig


def settings_layout(config: GptConfig) -> data.StructLayout:
    """Return the layout of the register state that walks are judged by (fields: rdl/gpt.rdl)."""
    area = data.StructLayout({"kind": 2, "levels": 4, "base": AREA_PPN_BITS, "limit": AREA_PPN_BITS})
    return data.StructLayout({"enable": 1, "world": 1, "areas": data.ArrayLayout(area, config.areas)})


def fault_layout(config: GptConfig) -> data.StructLayout:
    """Return the layout of a fault: what ``fault_status``, ``fault_address`` and ``fault_page`` record."""
    return data.StructLayout(
        {"world": 1, "leaf": 1, "level": 4, "rule": RULE_BITS, "address": config.pa_width, "ppn": AREA_PPN_BITS}
    )


class Guard(wiring.Component):
    """Judges PTE reads and their answers; combinational, no state (docs/gpt.md).

    Request and answer are independent ports: the answer brings its own address and level, so any number of walks may be
    under way, each with its own verdict.

    Ports
    -----
    settings  : decoded registers. Sampled with ``req_valid`` and with ``rsp_valid``.
    req_valid : a walker asks to read the PTE at ``req_addr``. Idle: 0.
    req_addr  : physical byte address of the PTE. Valid with ``req_valid``.
    req_level : level of the table, ``levels - 1`` at the root to 0, or ``no_level``. Valid with ``req_valid``.
    req_deny  : same cycle: the read must not be made. Idle: 0.
    req_rule  : same cycle: the rule that refuses. 0 when idle or allowed.
    rsp_valid : the PTE of an allowed read is back. Idle: 0.
    rsp_addr, rsp_level : request that this is the answer to. Valid with ``rsp_valid``.
    rsp_data  : the PTE as read. Valid with ``rsp_valid``.
    rsp_deny  : same cycle: the PTE must not be used. Idle: 0.
    rsp_rule  : same cycle: the rule that refuses. 0 when idle or allowed.
    rsp_pte   : same cycle: the PTE for the walker. 0 when idle or refused.
    allowed   : an answer passed this cycle, to be counted. Idle: 0.
    refused   : one bit a rule (bit ``Rule``), set in the cycle in which that rule refused. Idle: 0.
    fault     : description of this cycle's refusal; of the answer's when request and answer are both refused. Valid
                when ``refused`` is not 0.
    """

    def __init__(self, config: GptConfig):
        self.config = config
        super().__init__(
            {
                "settings": In(settings_layout(config)),
                "req_valid": In(1),
                "req_addr": In(config.pa_width),
                "req_level": In(config.level_bits),
                "req_deny": Out(1),
                "req_rule": Out(RULE_BITS),
                "rsp_valid": In(1),
                "rsp_addr": In(config.pa_width),
                "rsp_level": In(config.level_bits),
                "rsp_data": In(config.pte_bits),
                "rsp_deny": Out(1),
                "rsp_rule": Out(RULE_BITS),
                "rsp_pte": Out(config.pte_bits),
                "allowed": Out(1),
                "refused": Out(len(Rule)),
                "fault": Out(fault_layout(config)),
            }
        )

    def elaborate(self, platform):
        m = Module()
        config = self.config
        areas = [self.settings.areas[index] for index in range(config.areas)]
        state = State(
            enable=self.settings.enable,
            world=self.settings.world,
            areas=[Area(kind=area.kind, levels=area.levels, base=area.base, limit=area.limit) for area in areas],
        )

        with m.If(self.req_valid):
            m.d.comb += self.req_rule.eq(check_read(config, state, self.req_addr[PAGE_LOG:], self.req_level))
        with m.If(self.rsp_valid):
            m.d.comb += self.rsp_rule.eq(
                check_answer(config, state, self.rsp_addr[PAGE_LOG:], self.rsp_level, self.rsp_data)
            )
        m.d.comb += [
            self.req_deny.eq(self.req_rule != Rule.ALLOW),
            self.rsp_deny.eq(self.rsp_rule != Rule.ALLOW),
            self.allowed.eq(self.rsp_valid & ~self.rsp_deny),
        ]
        with m.If(self.allowed):
            m.d.comb += self.rsp_pte.eq(self.rsp_data)

        for rule in Rule:
            if rule != Rule.ALLOW:
                m.d.comb += self.refused[rule].eq((self.req_rule == rule) | (self.rsp_rule == rule))
        m.d.comb += self.fault.world.eq(self.settings.world)
        with m.If(self.rsp_deny):
            m.d.comb += [
                self.fault.leaf.eq(1),
                self.fault.level.eq(self.rsp_level),
                self.fault.rule.eq(self.rsp_rule),
                self.fault.address.eq(self.rsp_addr),
            ]
            with m.If(self.rsp_rule == Rule.HOST_LEAF):
                m.d.comb += self.fault.ppn.eq(self.rsp_data[10 : 10 + config.pte_ppn_bits])
        with m.Else():
            m.d.comb += [
                self.fault.level.eq(self.req_level),
                self.fault.rule.eq(self.req_rule),
                self.fault.address.eq(self.req_addr),
            ]
        return m
