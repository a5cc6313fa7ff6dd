# SPDX-License-Identifier: Apache-2.0
"""Which walk checker a configuration asks for."""

from yingzhou.gpt import walk_port

from .config import SocConfig


def make_checker(config: SocConfig):
    """Return the component that stands on the walker's port; all have :class:`walk_port.WalkCheckerSignature`."""
    match config.checker:
        case "gpt":
            return walk_port.GptChecker(config.gpt)
        case "bitmap":
            return walk_port.BitmapChecker(config.gpt, cache_words=config.bitmap_cache_words)
        case _:
            return walk_port.NoneChecker()
