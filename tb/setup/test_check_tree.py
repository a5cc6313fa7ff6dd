# SPDX-License-Identifier: Apache-2.0
"""The tree checks find what they are for, and this tree is clean."""

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

from yingzhou_sim.paths import ROOT

SPDX = "# SPDX-License-Identifier: Apache-2.0\n"
# Names are put together here, so that the real check does not read these examples as footprints.
CM = "GPT." + "EXAMPLE"


@pytest.fixture(scope="module")
def check_tree() -> ModuleType:
    spec = importlib.util.spec_from_file_location("yingzhou_check_tree", ROOT / "scripts" / "check_tree.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def write(root: Path, files: dict[str, str]) -> list[str]:
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    return list(files)


def test_licence_line(check_tree: ModuleType, tmp_path: Path) -> None:
    names = write(tmp_path, {"good.py": SPDX, "late.py": "\n" * 10 + SPDX, "bad.c": "int x;\n", "LICENSE": "text"})
    assert [f.split(":")[0] for f in check_tree.licence_findings(tmp_path, names)] == ["late.py", "bad.c"]


@pytest.mark.parametrize("line", ["x @ https" + "://host/simple", "--index" + "-url=x", "--find" + "-links x"])
def test_network_names(check_tree: ModuleType, tmp_path: Path, line: str) -> None:
    names = write(tmp_path, {"requirements.lock": f"a==1\n{line}\n", "docs/a.md": line, "scripts/a.sh": line})
    found = [f.split(": ")[0] for f in check_tree.network_findings(tmp_path, names)]
    assert found == ["requirements.lock:2", "scripts/a.sh:1"]


COMPLETE = {
    "docs/countermeasures.md": f"| name | rule |\n|---|---|\n| `{CM}` | refuses |\n",
    "rtl/a.py": f"# countermeasure: {CM}\n",
    "tb/test_a.py": f'"""covers: {CM}"""\n',
}


@pytest.mark.parametrize(
    ("change", "finding"),
    [
        ({}, None),
        ({"docs/countermeasures.md": ""}, "has 0 rows"),
        ({"rtl/a.py": ""}, "is 0 times in the code"),
        ({"rtl/b.py": f"# countermeasure: {CM}\n"}, "is 2 times in the code"),
        ({"tb/test_a.py": f"# mentions {CM}\n"}, "no test says"),
        ({"tb/test_a.py": f'@pytest.mark.covers("W01", "{CM}")\n'}, None),
    ],
)
def test_three_footprints(check_tree: ModuleType, tmp_path: Path, change: dict[str, str], finding: str | None) -> None:
    names = write(tmp_path, {**COMPLETE, **change})
    findings = check_tree.countermeasure_findings(tmp_path, names)
    if finding is None:
        assert findings == []
    else:
        assert any(finding in f for f in findings), findings


@pytest.mark.parametrize(
    ("tests", "finding"),
    [
        ("`tb/test_a.py`, `test_b.py`, proof `tb/formal`", None),
        ("`tb/test_c.py`", f"names tb/test_c.py, which does not say 'covers: {CM}'"),
        ("`tb/test_a.py`, `test_c.py`", f"names tb/test_c.py, which does not say 'covers: {CM}'"),
        ("`tb/test_d.py`", "names tb/test_d.py, which does not exist"),
    ],
)
def test_named_tests_say_what_they_cover(
    check_tree: ModuleType, tmp_path: Path, tests: str, finding: str | None
) -> None:
    covers = f'"""covers: {CM}"""\n'
    files = {"tb/test_a.py": covers, "tb/test_b.py": covers, "tb/test_c.py": f"# mentions {CM}\n", "tb/formal/a": ""}
    write(tmp_path, {"docs/countermeasures.md": f"| `{CM}` | refuses | `rtl/a.py` | {tests} |\n", **files})
    findings = check_tree.named_test_findings(tmp_path)
    assert len(findings) == (finding is not None) and all(finding is not None and finding in f for f in findings)


def test_this_tree_is_clean(check_tree: ModuleType) -> None:
    names = check_tree.tracked_files(ROOT)
    assert check_tree.licence_findings(ROOT, names) == []
    assert check_tree.network_findings(ROOT, names) == []
    assert check_tree.countermeasure_findings(ROOT, names) == []
    assert check_tree.named_test_findings(ROOT) == []
