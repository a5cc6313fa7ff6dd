# SPDX-License-Identifier: Apache-2.0
"""Keys and AES of the memory engine in one unit."""

from collections.abc import Sequence

from amaranth import *
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out, connect, flipped

from yingzhou.errors import require

from .bank import AesBank
from .config import MmtConfig
from .hash import HashKeys, HashTest
from .keys import WORD_BITS, Failure, KeyLoader
from .self_test import SelfTest
from .signature import AesClient


class Crypto(wiring.Component):
    """The AES bank with its keys. Closed until every test passed (docs/mmt-format.md, section 4).

    After reset: known-answer test of all cores and hash units, twelve words of entropy with their health tests, hash
    keys. Then ``ready``, or ``failed``; neither changes until reset. Without ``ready`` no request of a client is taken
    and no ``done`` comes.

    Parameters
    ----------
    config : MmtConfig
        ``aes`` and ``aes_cores``.
    tag_bits : sequence of int
        Width of the tag of each client.
    hash_units : int
        Hash units that are tested: their ``test`` ports are joined to ``hash_test0`` .., 1 to 4.

    Ports
    -----
    entropy : stream of 32-bit random words, K_pad, K_mac, K_hash, little end first; twelve are taken.
    test_keys : strap: 1 uses fixed keys and no entropy. Sampled in the first cycle after reset. Tie to 0.
    test_keys_used : level: the strap was 1.
    client0 .. : see :class:`AesBank`.
    hash_keys : for hash units; constant while ``ready``.
    hash_test0 .. : see :class:`HashTest`.
    ready : level: clients are served.
    failed : level: why not, of :class:`Failure`. Idle: NONE.
    """

    # countermeasure: MMT.SELF_TEST

    def __init__(self, config: MmtConfig, tag_bits: Sequence[int], hash_units: int):
        require(1 <= hash_units <= 4, f"hash_units is {hash_units}; accepted are 1 to 4")
        self.config, self.tag_bits, self.hash_units = config, tuple(tag_bits), hash_units
        super().__init__(
            {
                "entropy": In(stream.Signature(WORD_BITS)),
                "test_keys": In(1),
                "test_keys_used": Out(1),
                **{f"client{number}": In(AesClient(bits)) for number, bits in enumerate(tag_bits)},
                "hash_keys": Out(HashKeys),
                **{f"hash_test{number}": Out(HashTest()) for number in range(hash_units)},
                "ready": Out(1),
                "failed": Out(Failure),
            }
        )

    def elaborate(self, platform):
        m = Module()
        m.submodules.bank = bank = AesBank(self.config, self.tag_bits)
        m.submodules.loader = loader = KeyLoader()
        m.submodules.self_test = test = SelfTest(self.config.aes, self.hash_units)
        connect(m, flipped(self.entropy), loader.entropy)
        for number in range(len(self.tag_bits)):
            connect(m, flipped(getattr(self, f"client{number}")), getattr(bank, f"client{number}"))
        for number in range(self.hash_units):
            connect(m, getattr(test, f"hash{number}"), flipped(getattr(self, f"hash_test{number}")))

        for user in (test, loader):
            m.d.comb += [
                user.busy.eq(bank.busy),
                user.direct.done.eq(bank.direct.done),
                user.direct.result.eq(bank.direct.result),
                user.direct.agree.eq(bank.direct.agree),
            ]
            with m.If(test.running if user is test else ~test.running):
                m.d.comb += [
                    bank.load.eq(user.load),
                    bank.direct.valid.eq(user.direct.valid),
                    bank.direct.key.eq(user.direct.key),
                    bank.direct.block.eq(user.direct.block),
                    *(key.eq(value) for key, value in zip(bank.keys, user.keys, strict=True)),
                ]
        m.d.comb += [
            test.start.eq(loader.start),
            loader.test_keys.eq(self.test_keys),
            loader.tested.eq(test.done),
            loader.aes_wrong.eq(test.aes_wrong),
            loader.hash_wrong.eq(test.hash_wrong),
            loader.hash_key.eq(test.hash_key),
            bank.open.eq(loader.ready),
            self.hash_keys.eq(loader.hash_keys),
            self.ready.eq(loader.ready),
            self.failed.eq(loader.failed),
            self.test_keys_used.eq(loader.test_keys_used),
        ]
        return m
