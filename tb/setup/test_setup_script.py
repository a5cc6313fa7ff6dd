# SPDX-License-Identifier: Apache-2.0
"""``make setup``: what a user with an incomplete machine reads, and that a finished set-up is not done again.

The script runs in a copy of its inputs with a PATH made of links and fakes, so nothing is installed here.
"""

import hashlib
import importlib.util
import io
import os
import shutil
import subprocess
import sys
import tarfile
from collections.abc import Callable, Iterable
from pathlib import Path
from types import ModuleType

import pytest

from yingzhou_sim.paths import ROOT

COREUTILS = ("sh", "cat", "dirname", "pwd", "rm", "sha256sum", "env", "mkdir", "touch")
INPUTS = ("requirements.lock", "sources.lock", "pyproject.toml", "scripts/setup.sh", "scripts/setup.py")

Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    for name in INPUTS:
        (tmp_path / "tree" / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, tmp_path / "tree" / name)
    return tmp_path / "tree"


@pytest.fixture
def run_setup(checkout: Path, tmp_path: Path) -> Run:
    """Return a function that runs setup.sh with only the named programs in PATH."""

    def run(tools: Iterable[str], fakes: dict[str, str] | None = None, **env: str) -> subprocess.CompletedProcess[str]:
        bin_dir = tmp_path / "bin"
        shutil.rmtree(bin_dir, ignore_errors=True)
        bin_dir.mkdir()
        for tool in [*COREUTILS, *tools]:
            found = shutil.which(tool)
            assert found is not None, tool
            (bin_dir / tool).symlink_to(found)
        for name, body in (fakes or {}).items():
            (bin_dir / name).write_text(f"#!/bin/sh\n{body}\n")
            (bin_dir / name).chmod(0o755)
        return subprocess.run(
            ["sh", "scripts/setup.sh"],
            cwd=checkout,
            env={"PATH": str(bin_dir), "HOME": str(tmp_path), **env},
            capture_output=True,
            text=True,
            check=False,
        )

    return run


def only_sentence(done: subprocess.CompletedProcess[str]) -> str:
    assert done.returncode == 1
    assert done.stdout == ""
    lines = done.stderr.splitlines()
    assert len(lines) == 1, done.stderr
    return lines[0]


@pytest.mark.parametrize(
    ("tools", "missing"),
    [(("make", "perl"), "g++"), (("g++", "perl"), "make"), (("g++", "make"), "perl"), ((), "g++, make, perl")],
)
def test_missing_tool_is_named(run_setup: Run, tools: tuple[str, ...], missing: str) -> None:
    assert only_sentence(run_setup(tools)) == (
        f"setup: cannot find {missing}: install a C++ compiler, make and perl "
        "(Debian: apt install build-essential perl)."
    )


def test_no_python(run_setup: Run) -> None:
    sentence = only_sentence(run_setup(("g++", "make", "perl")))
    assert "cannot find Python >= 3.13" in sentence and "YINGZHOU_PYTHON" in sentence


def test_old_python_and_failing_shim_are_passed_over(run_setup: Run) -> None:
    # A shim that exists but fails, and an interpreter that reports an older version.
    fakes = {"python3.13": "exit 127", "python3": 'case "$*" in *version_info*) exit 1;; esac'}
    assert "cannot find Python >= 3.13" in only_sentence(run_setup(("g++", "make", "perl"), fakes))


def test_python_without_venv_module(run_setup: Run, tmp_path: Path) -> None:
    fakes = {"python3.13": 'case "$*" in *ensurepip*) exit 1;; esac; exit 0'}
    assert only_sentence(run_setup(("g++", "make", "perl"), fakes)) == (
        f"setup: {tmp_path}/bin/python3.13 has no module venv or ensurepip: "
        "install it (Debian: apt install python3-venv)."
    )


def test_named_python_must_be_recent(run_setup: Run) -> None:
    sentence = only_sentence(run_setup(("g++", "make", "perl"), YINGZHOU_PYTHON="/no/such/python"))
    assert "'/no/such/python'" in sentence and ">= 3.13" in sentence


def test_pyenv_is_found_without_its_shims(run_setup: Run, checkout: Path, tmp_path: Path) -> None:
    """The interpreter in pyenv's versions folder makes .venv and runs setup.py there."""
    (checkout / "scripts" / "setup.py").write_text("import sys; print('in', sys.prefix)")
    version = tmp_path / ".pyenv" / "versions" / "3.13.1" / "bin"
    version.mkdir(parents=True)
    (version / "python3").symlink_to(Path(sys.executable).resolve())
    done = run_setup(("g++", "make", "perl"))
    assert done.returncode == 0, done.stderr
    assert done.stdout == f"in {checkout}/.venv\n"


def test_second_call_does_nothing_until_an_input_changes(run_setup: Run, checkout: Path) -> None:
    (checkout / "scripts" / "setup.py").write_text(
        "import pathlib\n"
        "pathlib.Path('.venv/bin/yingzhou').write_text('#!/bin/sh\\n')\n"
        "pathlib.Path('.venv/bin/yingzhou').chmod(0o755)\n"
        "folder = pathlib.Path('build/third_party/monocypher')\n"
        "folder.mkdir(parents=True, exist_ok=True)\n"
        "(folder / 'monocypher.c').touch()\n"
        "print('worked')\n"
    )
    tools = ("g++", "make", "perl")
    python = str(Path(sys.executable).resolve())
    assert run_setup(tools, YINGZHOU_PYTHON=python).stdout == "worked\n"
    assert run_setup(tools, YINGZHOU_PYTHON=python).stdout == ""
    # A finished set-up needs neither compiler nor Python in PATH.
    assert run_setup((), YINGZHOU_PYTHON=python).returncode == 0
    with open(checkout / "requirements.lock", "a") as lock:
        lock.write("# changed\n")
    assert run_setup(tools, YINGZHOU_PYTHON=python).stdout == "worked\n"
    shutil.rmtree(checkout / "build")
    assert run_setup(tools, YINGZHOU_PYTHON=python).stdout == "worked\n"


def test_a_failed_set_up_is_not_stamped(run_setup: Run, checkout: Path) -> None:
    (checkout / "scripts" / "setup.py").write_text("import sys; sys.exit(1)")
    python = str(Path(sys.executable).resolve())
    for _ in range(2):
        assert run_setup(("g++", "make", "perl"), YINGZHOU_PYTHON=python).returncode == 1


@pytest.fixture(scope="module")
def setup_module_under_test() -> ModuleType:
    spec = importlib.util.spec_from_file_location("yingzhou_setup", ROOT / "scripts" / "setup.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def archive_with(path: Path, files: dict[str, bytes]) -> str:
    with tarfile.open(path, "w:gz") as tar:
        for name, content in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
    return hashlib.sha256(path.read_bytes()).hexdigest()


def test_sources_are_unpacked_and_nothing_else(setup_module_under_test: ModuleType, tmp_path: Path) -> None:
    names = setup_module_under_test.MONOCYPHER_FILES
    files = {f"top/{name}": name.encode() for name in names}
    sha256 = archive_with(tmp_path / "a.tar.gz", {**files, "top/setup.py": b"boom", "../outside": b"boom"})
    setup_module_under_test.unpack_sources(tmp_path / "a.tar.gz", sha256, "top", tmp_path / "out")
    assert sorted(os.listdir(tmp_path / "out")) == sorted(names)
    assert sorted(os.listdir(tmp_path)) == ["a.tar.gz", "out"]


def test_changed_archive_is_refused_and_removed(setup_module_under_test: ModuleType, tmp_path: Path) -> None:
    archive = tmp_path / "a.tar.gz"
    archive_with(archive, {"top/monocypher.c": b"int x;"})
    with pytest.raises(setup_module_under_test.SetupError, match="SHA-256 .* but sources.lock says 0{64}"):
        setup_module_under_test.unpack_sources(archive, "0" * 64, "top", tmp_path / "out")
    assert not archive.exists() and not (tmp_path / "out").exists()


def test_lock_without_entry(setup_module_under_test: ModuleType, tmp_path: Path) -> None:
    lock = tmp_path / "sources.lock"
    lock.write_text("pymonocypher==1 \\\n    --hash=md5:00\n")
    with pytest.raises(setup_module_under_test.SetupError, match=r"sources.lock has no entry 'pymonocypher"):
        setup_module_under_test.locked_source(lock, "pymonocypher")


def test_every_locked_package_has_a_hash_and_a_direct_pin() -> None:
    """The lock covers what requirements.in pins, with the same versions, and nothing is without a hash."""
    lock = (ROOT / "requirements.lock").read_text().replace("\\\n", " ")
    entries = {}
    for line in lock.splitlines():
        if line and not line.startswith("#"):
            requirement, *hashes = line.split("--hash=")
            assert hashes and all(h.strip().startswith("sha256:") for h in hashes), line[:60]
            name, version = requirement.split(";")[0].strip().split("==")
            entries[name] = version
    for line in (ROOT / "requirements.in").read_text().splitlines():
        pin = line.split("#")[0].strip()
        if pin:
            name, version = pin.split("==")
            assert entries[name.split("[")[0]] == version
