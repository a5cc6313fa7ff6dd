# SPDX-License-Identifier: Apache-2.0
"""The one exception a user sees for a wrong value: it names the value and what is accepted."""


class ConfigError(ValueError):
    """A parameter, option or input file that cannot be used.

    The message is one sentence that names the value and what is accepted; the command line prints it and exits with 2.
    """


def require(condition: bool, message: str) -> None:
    """Raise :class:`ConfigError` with ``message`` unless ``condition`` holds."""
    if not condition:
        raise ConfigError(message)


def power_of_two(value: int) -> bool:
    """Return whether ``value`` is 1, 2, 4, 8 and so on."""
    return value > 0 and value & (value - 1) == 0
