# SPDX-License-Identifier: Apache-2.0
"""Checks over the whole tree that no compiler makes.

1. Every file carries its licence line.
2. Nothing that installs or downloads names a place on the network: packages come through the user's own package client.
3. Every countermeasure has its three footprints: a row in docs/countermeasures.md, one marker in the code, one test;
   and each test that the row names says that it covers it.

Prints one line a finding, ``file: what is wrong``, and exits with 1 when there is any.
"""

import re
import subprocess
import sys
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
SPDX = "SPDX-License-Identifier: Apache-2.0"
WITHOUT_SPDX = {"LICENSE"}
TEXT_SUFFIXES = {
    "",
    ".py",
    ".c",
    ".h",
    ".cpp",
    ".S",
    ".ld",
    ".sh",
    ".md",
    ".toml",
    ".in",
    ".lock",
    ".rdl",
    ".lpf",
    ".xdc",
    ".pcf",
}
TEXT_SUFFIXES |= {".yml", ".yaml", ".v", ".sv", ".vlt", ".j2", ".html", ".sby", ".cfg", ".txt"}

FETCHING = re.compile(r"^(Makefile|pyproject\.toml|.*\.(lock|in|sh)|\.ci/.*|scripts/.*)$")
"""Files that install or download."""
NETWORK = re.compile(r"[a-z]+://|--(extra-)?index-url\b|--find-links\b|--trusted-host\b")
NAMES_NETWORK = {"scripts/check_tree.py"}
"""Files that describe the pattern itself."""

NAME = r"(?:GPT|MON|MMT|LLC)\.[A-Z][A-Z0-9_]*"
ROW = re.compile(rf"^\|\s*`?({NAME})`?\s*\|", re.M)
TESTS = re.compile(rf"^\|\s*`?({NAME})`?\s*\|.*\|([^|\n]*)\|$", re.M)
"""Name and last column of a row: tests in backquotes, those after the first without their folder."""
MARKER = re.compile(rf"countermeasure:\s*({NAME})")
COVERS = re.compile(r"covers(?::([^\n]*)|\(([^)]*)\))")


def tracked_files(root: Path) -> list[str]:
    """Return what git tracks, as paths from ``root``."""
    listing = subprocess.run(["git", "ls-files", "-z"], cwd=root, capture_output=True, check=True, text=True).stdout
    return [name for name in listing.split("\0") if name and (root / name).is_file()]


def licence_findings(root: Path, names: Iterable[str]) -> list[str]:
    """Return text files whose first ten lines lack the licence line."""
    findings = []
    for name in names:
        path = root / name
        if path.name in WITHOUT_SPDX or path.suffix not in TEXT_SUFFIXES:
            continue
        head = path.read_text(errors="replace").splitlines()[:10]
        if not any(SPDX in line for line in head):
            findings.append(f"{name}: no line '{SPDX}' among the first ten")
    return findings


def network_findings(root: Path, names: Iterable[str]) -> list[str]:
    """Return lines in installing files that name a network address or choose a package index."""
    findings = []
    for name in names:
        if not FETCHING.match(name) or name in NAMES_NETWORK:
            continue
        for number, line in enumerate((root / name).read_text(errors="replace").splitlines(), 1):
            if NETWORK.search(line):
                findings.append(f"{name}:{number}: names a network address or package index: {line.strip()[:80]}")
    return findings


def countermeasure_findings(root: Path, names: Iterable[str]) -> list[str]:
    """Compare the table, the markers in the code and the tests; each name once in the first two, and tested."""
    table_file = "docs/countermeasures.md"
    rows = Counter(ROW.findall((root / table_file).read_text())) if (root / table_file).exists() else Counter()
    markers: dict[str, list[str]] = {}
    tested: set[str] = set()
    for name in names:
        path = root / name
        if path.suffix not in {".py", ".c", ".h", ".S"} or name.startswith("scripts/"):
            continue
        text = path.read_text(errors="replace")
        if name.startswith("tb/") or "/test" in name or "/native/" in name:
            for line, arguments in COVERS.findall(text):
                tested.update(re.findall(NAME, line + arguments))
        else:
            for found in MARKER.findall(text):
                markers.setdefault(found, []).append(name)
    findings = []
    for cm in sorted(rows.keys() | markers.keys() | tested):
        if rows[cm] != 1:
            findings.append(f"{table_file}: {cm} has {rows[cm]} rows, expected 1")
        places = markers.get(cm, [])
        if len(places) != 1:
            where = ", ".join(places) or "nowhere"
            findings.append(
                f"{cm}: marker 'countermeasure: {cm}' is {len(places)} times in the code ({where}), expected 1"
            )
        if cm not in tested:
            findings.append(f"{cm}: no test says 'covers: {cm}'")
    if not rows:
        findings.append(f"{table_file}: no table of countermeasures found")
    return findings


def named_test_findings(root: Path) -> list[str]:
    """Compare the table's last column with the files: each is there, and each test says that it covers the name."""
    table = root / "docs" / "countermeasures.md"
    findings = []
    for name, column in TESTS.findall(table.read_text() if table.exists() else ""):
        folder = Path()
        for quoted in re.findall(r"`([^`]+)`", column):
            path = Path(quoted) if "/" in quoted else folder / quoted
            folder = path if (root / path).is_dir() else path.parent
            if not (root / path).exists():
                findings.append(f"docs/countermeasures.md: {name} names {path}, which does not exist")
            elif path.name.startswith("test_"):
                said = " ".join(line + arguments for line, arguments in COVERS.findall((root / path).read_text()))
                if name not in re.findall(NAME, said):
                    findings.append(
                        f"docs/countermeasures.md: {name} names {path}, which does not say 'covers: {name}'"
                    )
    return findings


def main() -> int:
    names = tracked_files(ROOT)
    findings = [
        *licence_findings(ROOT, names),
        *network_findings(ROOT, names),
        *countermeasure_findings(ROOT, names),
        *named_test_findings(ROOT),
    ]
    for finding in findings:
        print(finding)
    print(f"check_tree: {len(names)} files, {len(findings)} findings")
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main())
