# SPDX-License-Identifier: Apache-2.0
"""The command line: ``yingzhou generate | sim | build | bench | prove | trace | synth``."""

import argparse
import importlib
import sys
from typing import Any, Final, NoReturn

from yingzhou.errors import ConfigError

_COMMANDS: Final = {
    "generate": ("yingzhou.generate", "write a block or the machine as Verilog"),
    "sim": ("yingzhou_sim.sim_command", "run the machine: all scenarios, or one program"),
    "build": ("yingzhou_sim.firmware", "compile a bare-metal program or an enclave"),
    "bench": ("yingzhou_sim.bench", "measure all variants in one run"),
    "prove": ("yingzhou_sim.prove", "prove the rules on the generated Verilog"),
    "trace": ("yingzhou_sim.trace", "record and show memory traces of programs"),
    "synth": ("yingzhou_sim.synth", "size and speed of the blocks on an FPGA"),
}
"""Command: module with ``add_arguments(parser)`` and ``run(arguments) -> exit code``, and one line of help."""


class _Parser(argparse.ArgumentParser):
    """Says what is wrong in one sentence and exits with 2; an option is what it is called, not what it begins with."""

    def __init__(self, *positional: Any, **options: Any):
        super().__init__(*positional, **{"allow_abbrev": False, **options})

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"{self.prog}: {message} (see {self.prog} --help)\n")


def main(argv: list[str] | None = None) -> int:
    """Run one command and return its exit code: 0 well, 1 something failed, 2 wrong input."""
    argv = sys.argv[1:] if argv is None else argv
    parser = _Parser(prog="yingzhou", description="PENGLAI's scalable secure memory as open hardware.")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for name, (module, summary) in _COMMANDS.items():
        command = commands.add_parser(
            name, help=summary, description=summary, formatter_class=argparse.RawDescriptionHelpFormatter
        )
        if argv and argv[0] == name:  # the other commands' modules stay unloaded
            importlib.import_module(module).add_arguments(command)
    arguments = parser.parse_args(argv)
    try:
        return importlib.import_module(_COMMANDS[arguments.command][0]).run(arguments)
    except ConfigError as error:
        print(f"yingzhou {arguments.command}: {error}", file=sys.stderr)
        return 2
    except OSError as error:
        if error.filename is None:
            raise
        print(f"yingzhou {arguments.command}: cannot use {error.filename}: {error.strerror}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 130
