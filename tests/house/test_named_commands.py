"""The commands that the texts name are those that exist."""

import re
import subprocess
import sys

import pytest

TEXTS = ["README.md", "CONTRIBUTING.md", "docs/index.md", "docs/experiments.md", "docs/data.md", "docs/store.md"]


def code_of(text):
    """Return the code of a Markdown text: fenced blocks and words between backticks."""
    blocks = re.findall(r"```\w*\n(.*?)```", text, re.DOTALL)
    return "\n".join(blocks + re.findall(r"(?<!`)`([^`\n]+)`(?!`)", text))


@pytest.fixture(scope="module")
def targets(root):
    return set(re.findall(r"^([a-z]+):", (root / "Makefile").read_text(), re.MULTILINE))


@pytest.mark.parametrize("name", TEXTS)
def test_make_commands_exist(root, targets, name):
    named = set(re.findall(r"^make ([a-z]+)", code_of((root / name).read_text()), re.MULTILINE))
    assert named <= targets


def test_readme_names_the_two_commands(root):
    assert {"make demo", "make test"} <= set(re.findall(r"make \w+", code_of((root / "README.md").read_text())))


@pytest.mark.parametrize("name", TEXTS)
def test_verbs_exist(root, name):
    shown = subprocess.run(
        [sys.executable, "-c", "from dalsegno.cli import main; main()", "--help"],
        capture_output=True, text=True, timeout=60, check=True,
    ).stdout  # fmt: skip
    named = set(re.findall(r"^(?:\.venv/bin/)?dalsegno ([a-z]+)", code_of((root / name).read_text()), re.MULTILINE))
    assert named <= set(re.findall(r"[a-z]+", shown))


def test_gate_runs_the_test_command(root):
    assert "make test" in (root / ".ci/run").read_text()
