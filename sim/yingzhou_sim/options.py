# SPDX-License-Identifier: Apache-2.0
"""Types of command-line options that several commands share."""

import argparse


def positive(text: str) -> int:
    """Return a whole number of at least 1, decimal or with a prefix such as 0x."""
    try:
        value = int(text, 0)
    except ValueError:
        value = 0
    if value < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a positive whole number")
    return value
