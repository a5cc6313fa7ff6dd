# SPDX-License-Identifier: Apache-2.0
"""Types of command-line options that several commands share."""

import argparse


def natural(text: str) -> int:
    """Return a whole number of at least 0 below 2^64, decimal or with a prefix such as 0x."""
    try:
        value = int(text, 0)
    except ValueError:
        value = -1
    if not 0 <= value < 1 << 64:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number from 0 to 2^64 - 1")
    return value


def positive(text: str) -> int:
    """Return a whole number of at least 1, decimal or with a prefix such as 0x."""
    try:
        value = int(text, 0)
    except ValueError:
        value = 0
    if value < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a positive whole number")
    return value
