"""Runs the tests of the console's pure modules, which are JavaScript, in node (set-up installs it for esbuild)."""

import subprocess
from pathlib import Path

import pytest

HERE = Path(__file__).parent


@pytest.mark.parametrize("file", sorted(HERE.glob("*.test.js")), ids=lambda file: file.name)
def test_in_node(file: Path) -> None:
    done = subprocess.run(["node", "--test", str(file)], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
