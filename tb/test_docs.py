# SPDX-License-Identifier: Apache-2.0
"""What the pages say is true: links resolve, documented commands exist, generated tables match their sources."""

import importlib.util
import re
import shlex
import subprocess
import sys
from functools import cache
from pathlib import Path
from types import ModuleType

import pytest

from yingzhou_sim.cli import main
from yingzhou_sim.paths import ROOT

PAGES = sorted([ROOT / "README.md", *(ROOT / "docs").rglob("*.md")])
NAMES = [str(page.relative_to(ROOT)) for page in PAGES]


def anchors(page: Path) -> set[str]:
    """Return the anchors of a page's headings, made as code hosts make them."""
    headings = re.findall(r"^#+ (.*)$", page.read_text(), re.M)
    return {re.sub(r"[^\w\- ]", "", h.lower()).strip().replace(" ", "-") for h in headings}


@pytest.mark.parametrize("name", NAMES)
def test_links_resolve(name: str) -> None:
    page = ROOT / name
    text = re.sub(r"```.*?```", "", page.read_text(), flags=re.S)
    for target in re.findall(r"\[[^\]]*\]\(([^)\s]+)\)", text):
        if "://" in target:
            continue
        file, _, anchor = target.partition("#")
        found = (page.parent / file).resolve() if file else page
        assert found.exists(), f"{name} links to {target}"
        if anchor and found.suffix == ".md":
            assert anchor in anchors(found), f"{name} links to {target}"


@pytest.mark.parametrize("name", NAMES)
def test_named_files_exist(name: str) -> None:
    """Paths in backquotes that begin with a folder of the checkout."""
    for path in re.findall(r"`((?:rtl|sim|sw|tb|scripts|docs|constraints)/[\w./-]+)`", (ROOT / name).read_text()):
        assert (ROOT / path).exists(), f"{name} names {path}"


@cache
def help_of(command: str) -> str:
    """Return the help of a subcommand, ``generate gpt`` among them."""
    shown = subprocess.run(
        [sys.executable, "-m", "yingzhou_sim", *command.split(), "--help"],
        capture_output=True,
        text=True,
        check=True,
        cwd=ROOT,
        env={"PYTHONPATH": f"{ROOT / 'rtl'}:{ROOT / 'sim'}", "COLUMNS": "200", "PATH": "/usr/bin:/bin"},
    )
    return shown.stdout


def commands(text: str) -> list[str]:
    """Return the calls of yingzhou in code blocks and backquotes that are meant to be typed."""
    code = re.findall(r"```\w*\n(.*?)```", text, re.S)
    lines = [line for block in code for line in block.splitlines()] + re.findall(r"`([^`\n]+)`", text)
    found = [re.sub(r"^(?:\$ )?(?:\.venv/bin/)?(?=yingzhou )", "", line.strip()) for line in lines]
    return [line for line in found if line.startswith("yingzhou ") and "|" not in line]


@pytest.mark.parametrize("name", NAMES)
def test_documented_commands_exist(name: str) -> None:
    for line in commands((ROOT / name).read_text()):
        words = shlex.split(line.split("#")[0].split("&&")[0])[1:]
        block = words[0] == "generate" and len(words) > 1 and words[1] in ("gpt", "mmt", "llc", "soc")
        command = " ".join(words[:2]) if block else words[0]
        shown = help_of(command)
        for word in words:
            if word.startswith("-"):
                assert re.search(rf"(?<![\w-]){re.escape(word.split('=')[0])}\b", shown), f"{name}: {line}"


@pytest.mark.parametrize("name", NAMES)
def test_documented_make_targets_exist(name: str) -> None:
    makefile = (ROOT / "Makefile").read_text()
    targets = set(re.findall(r"^([a-z-]+):", makefile, re.M))
    for target in re.findall(r"(?:^|`)make ([a-z-]+)(?:`|$)", (ROOT / name).read_text(), re.M):
        assert target in targets, f"{name} names 'make {target}'"


def test_every_make_target_is_in_the_readme() -> None:
    public = set(re.findall(r"^([a-z-]+):.*## ", (ROOT / "Makefile").read_text(), re.M)) - {"lock", "format"}
    readme = (ROOT / "README.md").read_text()
    assert {t for t in public if f"make {t}" not in readme} == set()


def test_every_command_is_in_the_readme_and_shows_an_example(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["--help"])
    listed = re.findall(r"^    (\w+) ", capsys.readouterr().out, re.M)
    assert len(listed) >= 6
    readme = (ROOT / "README.md").read_text()
    for command in listed:
        assert re.search(rf"\b{command}\b", readme), command
        assert re.search(rf"examples?:\s+(\S+ )*yingzhou {command}\b", help_of(command)), command


@pytest.fixture(scope="module")
def make_docs() -> ModuleType:
    spec = importlib.util.spec_from_file_location("yingzhou_make_docs", ROOT / "scripts" / "make_docs.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("name", ["docs/memory-map.md", "docs/decisions/README.md"])
def test_generated_parts_match_their_sources(make_docs: ModuleType, name: str) -> None:
    page = (ROOT / name).read_text()
    assert make_docs.with_parts(name, page) == page, "run 'make docs'"


def test_a_changed_table_is_noticed(make_docs: ModuleType) -> None:
    page = (ROOT / "docs" / "memory-map.md").read_text()
    changed = page.replace("| 0x8000_0000 |", "| 0x8000_1000 |")
    assert changed != page and make_docs.with_parts("docs/memory-map.md", changed) == page


def test_decisions_are_whole() -> None:
    folder = ROOT / "docs" / "decisions"
    for page in folder.glob("*.md"):
        if page.name == "README.md":
            continue
        text = page.read_text()
        for part in ("Context", "Choice", "Alternatives", "Consequence"):
            assert f"**{part}.**" in text or f"## {part}" in text, f"{page.name} has no part {part}"


def test_readme_shows_real_output() -> None:
    """No part of the README waits for its output."""
    assert re.findall(r"<!-- output: .* -->", (ROOT / "README.md").read_text()) == []
