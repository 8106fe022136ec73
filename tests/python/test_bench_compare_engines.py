# SPDX-License-Identifier: Apache-2.0
"""compare_engines.py finds no difference where there is none, and each kind where there is one."""
import os
import pathlib
import re
import subprocess
import sys

import pytest

ROOT = pathlib.Path(__file__).parents[2]
BINARY = os.environ.get("FOVEA_BINARY", "")
needs_binary = pytest.mark.skipif(not BINARY, reason="FOVEA_BINARY names no fovea program")
sys.path.insert(0, str(ROOT / "bench"))
import random_graphs  # noqa: E402

# A program that changes what fovea prints, the first logit, the workspace, a kernel's name, and what dense layers give.
CHANGED = f"""
import pathlib, re, subprocess, sys
done = subprocess.run([{BINARY!r}, *sys.argv[1:]], capture_output=True, text=True)
text = done.stdout
if sys.argv[1] == "run":
    text = re.sub(r'"logits":\\[-?[0-9.e-]+', '"logits":[9.5', text)
if "--dump" in sys.argv:
    for path in pathlib.Path(sys.argv[sys.argv.index("--dump") + 1]).glob("*_dense.npy"):
        path.write_bytes(path.read_bytes()[:-1] + b"?")
if "--plan" in sys.argv:
    text = re.sub(r"workspace (\\d+) bytes", lambda match: f"workspace {{int(match[1]) + 64}} bytes", text)
    text = text.replace(" dense_fp32_", " full_fp32_")
print(text, end="")
print(done.stderr, end="", file=sys.stderr)
sys.exit(done.returncode)
"""


def compare(old, new, *arguments):
    command = [sys.executable, str(ROOT / "bench" / "compare_engines.py"), str(old), str(new), "--networks", "2", "--isa", "scalar", "--models", *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=600)


@needs_binary
def test_a_program_is_as_itself():
    done = compare(BINARY, BINARY)
    assert done.returncode == 0, done.stderr
    assert done.stdout == ("plans: 8\n       8  the same\nworking memory: 0 smaller, 8 the same, 0 larger\n"
                           "outputs: 4 the same, 0 different (0 that are one whatever the input)\n")


@needs_binary
def test_each_difference_is_found(tmp_path):
    changed = tmp_path / "changed.py"
    changed.write_text(CHANGED)
    done = compare(BINARY, f"{sys.executable} {changed}", "--show", "1", "--keep", tmp_path / "kept")
    assert done.returncode == 1, done.stderr
    assert "8  other kernels, places" in done.stdout and "dense_fp32_scalar -> full_fp32_scalar" in done.stdout
    assert "working memory: 0 smaller, 0 the same, 8 larger" in done.stdout
    assert "outputs: 0 the same, 4 different" in done.stdout
    assert len(re.findall(r"of the logits' spread  random_[01]_fp(?:32|16), scalar: first in layer n[0-9]+_dense\n", done.stdout)) == 4
    assert len(re.findall(r"(?m)^\+workspace", done.stdout)) == 1
    assert len(list((tmp_path / "kept").glob("*.fovea"))) == 4


@needs_binary
def test_what_one_refuses_is_told(tmp_path):
    refuses = tmp_path / "refuses.py"
    refuses.write_text(CHANGED.replace('if sys.argv[1] == "run":', 'if sys.argv[1] == "run":\n    sys.exit("no such network")'))
    done = compare(BINARY, f"{sys.executable} {refuses}")
    assert done.returncode == 1 and done.stdout.count("refused: ") == 4 and "no such network" in done.stdout


@needs_binary
@pytest.mark.parametrize("old,more", [("/bin/true", ()), ("/nowhere/fovea", ()), (BINARY, ("--isa", "no_such"))])
def test_wrong_use_is_named(old, more):
    done = compare(old, BINARY, *more)
    assert done.returncode == 2 and "compare_engines.py: error: " in done.stderr


def test_a_seed_names_a_network():
    assert random_graphs.random_model(5) == random_graphs.random_model(5)
    assert random_graphs.random_model(5) != random_graphs.random_model(6)
