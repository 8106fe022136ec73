# SPDX-License-Identifier: Apache-2.0
"""A detector's file for pictures of another size: a network that the engine can plan, with the arithmetic of that size."""
import os
import pathlib
import re
import subprocess
import sys

import pytest

ROOT = pathlib.Path(__file__).parents[2]
MODEL = ROOT / "models" / "detectors" / "small224" / "small224_int8.fovea"
BINARY = os.environ.get("FOVEA_BINARY", "")


def run(*arguments):
    return subprocess.run([sys.executable, str(ROOT / "bench" / "at_size.py"), *map(str, arguments)], capture_output=True, text=True)


def test_says_what_is_wrong(tmp_path):
    assert run(MODEL, 500, tmp_path / "other.fovea").returncode == 2
    missing = run(tmp_path / "missing.fovea", 512, tmp_path / "other.fovea")
    assert missing.returncode == 1 and missing.stderr.startswith("at_size.py: ")


@pytest.mark.skipif(not BINARY, reason="FOVEA_BINARY names no fovea program")
def test_multiply_adds_grow_with_the_pixels(tmp_path):
    def million_multiply_adds(model):
        text = subprocess.run([BINARY, "info", str(model)], capture_output=True, text=True, check=True).stdout
        return float(re.search(r"([0-9.]+) million multiply-adds", text)[1])

    other = tmp_path / "other.fovea"
    done = run(MODEL, 448, other)
    assert done.returncode == 0, done.stderr
    # Vectors, of squeeze and excite and the head, stay as they are.
    assert 3.9 < million_multiply_adds(other) / million_multiply_adds(MODEL) < 4
