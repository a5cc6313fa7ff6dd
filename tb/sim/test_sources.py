# SPDX-License-Identifier: Apache-2.0
"""Keys of caches hold everything that the Verilog of a block is made of."""

import subprocess
import sys
from pathlib import Path

import pytest

from yingzhou_sim.cache import digest
from yingzhou_sim.tools import block_sources, rtl_path

_FILES = """
import sys
import yingzhou.{block}.ip
print(*(m.__file__ for n, m in list(sys.modules.items()) if n.startswith("yingzhou.")), sep="\\n")
"""


@pytest.mark.parametrize("block", ["gpt", "mmt", "llc"])
def test_every_module_that_a_block_imports_is_a_source(block: str) -> None:
    command = [sys.executable, "-c", _FILES.format(block=block)]
    imported = subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()
    assert any(f"/{block}/ip.py" in file for file in imported)
    sources = [part for part in block_sources(block, rtl_path()) if isinstance(part, Path)]
    missing = [file for file in imported if not any(Path(file).is_relative_to(source) for source in sources)]
    assert not missing


def test_a_source_that_changes_is_another_key(tmp_path: Path) -> None:
    (tmp_path / "mmt").mkdir()
    for name in ("line", "parts", "bus", "regs"):
        (tmp_path / name).mkdir()
    for name in ("errors.py", "geometry.py", "line/front.py"):
        (tmp_path / name).write_text("a")
    before = digest(block_sources("mmt", tmp_path))
    (tmp_path / "line" / "front.py").write_text("b")
    assert digest(block_sources("mmt", tmp_path)) != before
