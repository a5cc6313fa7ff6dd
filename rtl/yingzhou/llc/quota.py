# SPDX-License-Identifier: Apache-2.0
"""How many lines each domain has locked, and may."""

from amaranth import *
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from .config import LlcConfig
from .signature import QuotaSignature


class Quota(wiring.Component):
    """A count a domain.

    Ports
    -----
    quota    : limits in, counts out.
    domain   : a domain; ``may_lock``: same cycle: it has locked fewer lines than it may. 0 for domain 0.
    lock     : pulse: one more line is locked for ``domain``.
    unlock   : pulse: a line of ``owner`` is not locked any more.
    """

    def __init__(self, config: LlcConfig):
        self._config = config
        super().__init__(
            {
                "quota": In(QuotaSignature(config)),
                "domain": In(config.domain_bits),
                "may_lock": Out(1),
                "lock": In(1),
                "unlock": In(1),
                "owner": In(config.domain_bits),
            }
        )

    def elaborate(self, platform):
        m = Module()
        for n in range(self._config.domains):
            count = Signal(self._config.count_bits, name=f"count_{n + 1}")
            more, less = Signal(name=f"more_{n + 1}"), Signal(name=f"less_{n + 1}")
            m.d.comb += [
                more.eq(self.lock & (self.domain == n + 1)),
                less.eq(self.unlock & (self.owner == n + 1)),
                self.quota.count[n].eq(count),
            ]
            m.d.sync += count.eq(count + more - less)
            with m.If(self.domain == n + 1):
                m.d.comb += self.may_lock.eq(count < self.quota.quota[n])
        return m
