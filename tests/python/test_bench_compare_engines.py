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
import compare_engines  # noqa: E402
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
        data = path.read_bytes()
        path.write_bytes(data[:-1] + bytes([data[-1] ^ 1]))
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


def refusing(path, words, when):
    path.write_text(CHANGED.replace('if sys.argv[1] == "run":', f'if {when}:\n    sys.exit("{words}")\nif sys.argv[1] == "run":'))
    return f"{sys.executable} {path}"


@needs_binary
def test_what_one_refuses_is_told(tmp_path):
    old = refusing(tmp_path / "old.py", "no such plan", 'sys.argv[1] == "info"')
    new = refusing(tmp_path / "new.py", "no such network", 'sys.argv[1] == "run"')
    done = compare(BINARY, new)
    assert done.returncode == 1 and done.stdout.count("refused: ") == 4 and "no such network" in done.stdout
    assert "plans: 8\n" in done.stdout and "refused by both" not in done.stdout  # and what it takes is compared
    done = compare(old, new)
    assert done.returncode == 1 and done.stdout.count("no such plan") == 8 and done.stdout.count("no such network") == 4


@needs_binary
def test_what_both_refuse_is_no_failure(tmp_path):
    refuses = refusing(tmp_path / "refuses.py", "no such network", 'sys.argv[1] == "run"')
    done = compare(refuses, refuses)
    assert done.returncode == 0 and "plans: 8\n       8  the same\n" in done.stdout
    assert "refused by both: 4\n" in done.stdout and "refused: " not in done.stdout and done.stdout.count("no such network") == 8


@needs_binary
def test_a_layer_that_cannot_be_found_loses_nothing(tmp_path):
    done = compare(BINARY, refusing(tmp_path / "refuses.py", "no layers", '"--dump" in sys.argv'))
    assert done.returncode == 1, done.stderr
    assert "outputs: 0 the same, 4 different" in done.stdout and done.stdout.count("first in a layer that was not found\n") == 4
    assert len(re.findall(r"refused: random_[01]_fp(?:32|16), scalar, layers: .*no layers\n", done.stdout)) == 4


@needs_binary
def test_models_of_one_name_have_inputs_of_their_own(tmp_path):
    models = [tmp_path / folder / "one.fovea" for folder in "ab"]
    for seed, path in enumerate(models):
        path.parent.mkdir()
        path.write_bytes(random_graphs.random_model(seed))
    done = compare(BINARY, BINARY, *models, "--networks", "0", "--keep", tmp_path / "kept")
    assert done.returncode == 0 and "outputs: 2 the same" in done.stdout, done.stderr
    assert sorted(path.name for path in (tmp_path / "kept").iterdir()) == [f"one_{number}_{kind}.npy" for number in "01" for kind in ("fractions", "whole")]


def test_a_program_that_does_not_end_refuses(monkeypatch):
    monkeypatch.setattr(compare_engines, "TIMEOUT", 0.2)
    with pytest.raises(compare_engines.Refused, match="took more than 0.2 seconds"):
        compare_engines.called([sys.executable, "-c", "import time; time.sleep(60)"], "info")


@pytest.mark.parametrize("ask", [lambda program: compare_engines.plan_of(program, "one.fovea", "scalar", 1),
                                 lambda program: compare_engines.results_of(program, "one.fovea", "scalar", ["one.npy"]),
                                 lambda program: compare_engines.results_of(program, "one.fovea", "scalar", ["one.npy", "other.npy"])])
def test_what_is_no_answer_is_a_refusal(ask):
    with pytest.raises(compare_engines.Refused):
        ask([sys.executable, "-c", "print('no answer')"])


def test_the_layers_are_looked_for_without_the_lock(monkeypatch):
    comparison = compare_engines.Comparison((["old"], ["new"]), 0)
    monkeypatch.setattr(compare_engines, "plan_of", lambda *_: ["workspace 64 bytes = one"])
    monkeypatch.setattr(compare_engines, "results_of", lambda program, *_: [{"logits": ["1.0", program[0] == "old"]}] * 2)
    monkeypatch.setattr(compare_engines, "first_other_layer", lambda *_: "of a thread that waits" if comparison.lock.locked() else "first")
    comparison.judge("one", None, "scalar", [], None)
    assert [what for _, what in comparison.other_outputs] == ["one, scalar: first in layer first"]


def test_a_line_of_no_aspect_counts():
    comparison = compare_engines.Comparison((), 1)
    comparison.judge_plans("one", ["input 8x8x3, new words", "workspace 64 bytes = one"], ["input 8x8x3, old words", "workspace 64 bytes = one"])
    assert comparison.plans == {("text",): 1} and comparison.examples[("text",)] and comparison.workspaces == {"the same": 1}


def test_a_plan_without_its_workspace_is_told(capsys):
    comparison = compare_engines.Comparison((), 0)
    comparison.judge_plans("one", [], ["workspace 64 bytes = one"])
    comparison.judge_plans("two", ["workspace 0 bytes = one"], ["workspace 64 bytes = one"])
    comparison.report()
    assert "working memory: 0 smaller, 0 the same, 1 larger, 1 not told\n" in capsys.readouterr().out


@needs_binary
@pytest.mark.parametrize("old,more", [("/bin/true", ()), ("/nowhere/fovea", ()), (BINARY, ("--isa", "no_such"))])
def test_wrong_use_is_named(old, more):
    done = compare(old, BINARY, *more)
    assert done.returncode == 2 and "compare_engines.py: error: " in done.stderr


def test_a_seed_names_a_network():
    assert random_graphs.random_model(5) == random_graphs.random_model(5)
    assert random_graphs.random_model(5) != random_graphs.random_model(6)
