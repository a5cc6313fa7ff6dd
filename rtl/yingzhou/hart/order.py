# SPDX-License-Identifier: Apache-2.0
"""The same hart from the same sources, byte for byte."""

from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from unittest.mock import patch

from transactron.core.transaction_base import TransactionBase


@contextmanager
def fixed_order() -> Iterator[None]:
    """Number Transactron's methods and transactions in the order in which they are first put into a set.

    Transactron goes through sets of them, and among equals the first wins the arbitration. By default their order is
    that of their addresses in memory, another in every process, and so were the cycles of a program now and then.
    """
    numbers = count()

    def number(self: object) -> int:
        return vars(self).setdefault("_yz_number", next(numbers))

    with patch.object(TransactionBase, "__hash__", number):
        yield
