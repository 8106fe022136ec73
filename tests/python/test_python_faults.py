# SPDX-License-Identifier: Apache-2.0
"""As test_cli_faults.py, of the commands of Python: every call for a file of theirs fails once; each says so in one line that names the file, and
leaves what was there before or what was to be written, whole."""
import argparse
import errno
import hashlib
import importlib
import json
import os
import pathlib
import random
import shutil
import subprocess
import sys

import numpy as np
import pytest
from cli_helpers import BINARY, SIDE, WRAPPER, fovea_ok, jsonl, needs_binary, write_model
from conftest import tiny_layers, tiny_weights, write_h5
from test_calibrate import line as calibrated_line, margins
from evaluation_helpers import line

pytest.importorskip("sklearn")
pytest.importorskip("jinja2")
Image = pytest.importorskip("PIL.Image")
pytestmark = [pytest.mark.skipif(not shutil.which("cc"), reason="not installed: cc"),
              pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the C library's calls are replaced")]
HERE = pathlib.Path(__file__).parent / "faults"
COMMANDS = pathlib.Path(__file__).parents[2] / "converter" / "fovea_tools" / "commands"
EIO, ENOSPC = str(errno.EIO), str(errno.ENOSPC)
FAULTS = {"open": [EIO], "read": [EIO, "short"], "pread": [EIO], "write": [ENOSPC, "short"], "fsync": [EIO], "close": [EIO], "rename": [EIO],
          "fstat": [EIO], "stat": [EIO], "lseek": [EIO], "mmap": [EIO], "opendir": [EIO], "unlink": [EIO]}


@pytest.fixture(scope="module")
def shim(tmp_path_factory):
    library = tmp_path_factory.mktemp("shim") / "fault_shim.so"
    subprocess.run(["cc", "-O1", "-shared", "-fPIC", HERE / "fault_shim.c", "-o", library, "-ldl"], check=True)
    return library


def photo(path, shade):
    Image.new("RGB", (40, 30), (shade, 60, 20)).save(path)
    return hashlib.sha256(path.read_bytes()).hexdigest()


def prepare(folder):
    """What the commands read, and older results that they write over."""
    folder.mkdir()
    (folder / "photos").mkdir()
    model = write_model(folder / "tiny.fovea")
    (folder / "tiny.md").write_text("# tiny\n\n## Never tested\n\n- on the moon\n")
    lines = []
    for number, score in enumerate((0.9, 0.1, 0.7, 0.2)):
        name = f"photos/p{number}.png"
        sha256 = photo(folder / name, 40 * number + 40)
        lines.append(line(name, score, image={"width": 40, "height": 30, "sha256": sha256}))
    (folder / "results.jsonl").write_text("".join(json.dumps(item) + "\n" for item in lines))
    (folder / "labels.csv").write_text("file,grade\np0,2\np1,0\np2,0\np3,1\n")
    margin, positive = margins(1, 200)
    rows = [calibrated_line(f"c/p{i:03}.jpg", [0.5, float(0.5 + m)], model) for i, m in enumerate(margin)]
    (folder / "many.jsonl").write_text("".join(rows))
    (folder / "many.csv").write_text("id_code,diagnosis\n" + "".join(f"p{i:03},{2 * p}\n" for i, p in enumerate(positive)))
    write_h5(folder / "tiny.h5", tiny_layers(), tiny_weights())
    np.savez(folder / "golden.npz", pixels=np.zeros((1, 8, 8, 3), np.uint8), logits=np.zeros((1, 2), np.float32))
    (folder / "old.html").write_text("an older page\n")
    (folder / "old.fovea").write_bytes(b"an older model")
    return folder


CONVERT = ["tiny.h5", "--labels", "no_dr,dr", "--target", "any_dr", "--preset", "none"]
SCENES = {  # module, arguments, what is written
    "report": ("report", ["results.jsonl", "-o", "old.html"], ["old.html"]),
    "report of a model": ("report", ["results.jsonl", "-o", "old.html", "--photos", "photos"], ["old.html"]),
    "evaluate": ("evaluate", ["results.jsonl", "labels.csv"], []),
    "calibrate": ("calibrate", ["tiny.fovea", "many.jsonl", "many.csv", "-o", "old.fovea", "--report", "new.json"], ["old.fovea", "new.json"]),
    "convert": ("convert", [*CONVERT, "-o", "old.fovea"], ["old.fovea"]),
}


def sweep(shim, folder, module, arguments, faults):
    report = folder.with_name("outcomes.json")
    done = subprocess.run([sys.executable, HERE / "python_sweep.py", folder, f"fovea_tools.commands.{module}", report, *arguments], input=json.dumps(faults),
                          text=True, capture_output=True, env={**os.environ, "LD_PRELOAD": str(shim)}, check=False, timeout=900)
    assert done.returncode == 0, done.stderr
    shutil.rmtree(folder.with_name("warm"))
    return json.loads(report.read_text())


@pytest.mark.parametrize("name", SCENES)
def test_every_call_fails_once(shim, tmp_path, name):
    module, arguments, written = SCENES[name]
    check_faults(shim, prepare(tmp_path / "source"), module, arguments, written)


def check_faults(shim, folder, module, arguments, written, tried=None):
    before = {str(path.relative_to(folder)): path.read_bytes().hex() for path in folder.rglob("*") if path.is_file()}
    clean = sweep(shim, folder, module, arguments, [None])[0]
    assert clean["status"] == 0, clean["messages"]
    faults = [[call, number, how] for call, ways in FAULTS.items() for how in ways for number in range(1, clean["calls"][call] + 1)]
    assert len(faults) > 10
    if tried:
        faults = random.Random(module).sample(faults, min(int(os.environ.get("FOVEA_FAULTS", tried)), len(faults)))
    problems = []
    for outcome in sweep(shim, folder, module, arguments, faults):
        found = list(wrong(outcome, clean, before, written))
        if found:
            problems.append(f"{outcome['fault']} {outcome['hit']}: {'; '.join(found)}; status {outcome['status']}, {outcome['messages'][-600:]!r}")
    assert not problems, f"{len(problems)} of {len(faults)}:\n" + "\n".join(problems)


def prepare_measured(folder):
    """What the commands read that run the engine: pictures of the network's size, results and labels of them, masks."""
    folder.mkdir()
    (folder / "tmp").mkdir()
    (folder / "tmp" / "kept").write_text("of somebody else\n")
    model = write_model(folder / "tiny.fovea", golden=False)
    random = np.random.default_rng(4)
    for name in ("pictures", "few", "masks"):
        (folder / name).mkdir()
    for number in range(100):
        pixels = random.normal(90 + 60 * (number % 2), 30, (SIDE, SIDE, 3)).clip(1, 255).astype(np.uint8)
        for place in ("pictures", *(["few"] if number < 4 else [])):
            Image.fromarray(pixels).save(folder / place / f"p{number}.png")
    for number in range(2):
        Image.fromarray((np.indices((SIDE, SIDE)).sum(axis=0) % 5 == 0).astype(np.uint8)).save(folder / "masks" / f"p{number}.png")
    names = [f"p{number}.png" for number in range(100)]
    results = jsonl(fovea_ok("run", "--model", model, *(folder / "pictures" / name for name in names)))
    (folder / "results.jsonl").write_text("".join(json.dumps({**one, "file": name}) + "\n" for one, name in zip(results, names)))
    (folder / "labels.csv").write_text("file,dr\n" + "".join(f"p{number},{number % 2}\n" for number in range(100)))
    for name in ("old.fovea", "old.json", "old.md"):
        (folder / name).write_text("an older one\n")
    return folder


JOINED = ["results.jsonl", "labels.csv", "--photos", "pictures", "--prepared", "--quiet", "--fovea", BINARY]
MEASURED = {  # as SCENES
    "quantize": (["tiny.fovea", "--photos", "few", "--prepared", "--quiet", "--count", "2", "--fit", "2", "--check", "2", "--nearest", "--fovea", BINARY,
                  "-o", "old.fovea", "--report", "old.json"], ["old.fovea", "old.json"]),
    "typicality": (["tiny.fovea", *JOINED, "--taps", "block_conv", "-o", "old.fovea"], ["old.fovea"]),
    "lesions": (["tiny.fovea", "--photos", "few", "--masks", "masks", "--methods", "gradient", "--checked", "1", "--quiet", "--fovea", BINARY,
                 "-o", "old.md", "--json", "old.json"], ["old.md", "old.json"]),
    "robustness": (["tiny.fovea", *JOINED, "--limit", "4", "--epsilons", "1", "--steps", "1", "-o", "old.md", "--json", "old.json"], ["old.md", "old.json"]),
}
TRIED = 3  # of some hundred calls, which the scene's name draws; FOVEA_FAULTS=N tries N


@needs_binary
@pytest.mark.skipif(bool(WRAPPER), reason="the program runs under an emulator")
@pytest.mark.parametrize("module", MEASURED)
def test_some_calls_of_what_runs_the_engine_fail_once(shim, tmp_path, module):
    arguments, written = MEASURED[module]
    check_faults(shim, prepare_measured(tmp_path / "source"), module, arguments, written, TRIED)


@pytest.mark.parametrize("command", sorted(path.stem for path in COMMANDS.glob("*.py") if "def main(" in path.read_text()))
def test_a_lack_of_memory_is_told(command, monkeypatch, capsys):
    def exhausted(*_):
        raise MemoryError

    monkeypatch.setattr(argparse.ArgumentParser, "parse_args", exhausted)
    assert importlib.import_module(f"fovea_tools.commands.{command}").main(["x"]) == 1
    assert capsys.readouterr().err == f"fovea-{command}: out of memory\n"


def wrong(outcome, clean, before, written):
    if outcome["hit"] is None:
        yield "not reached"
        return
    if (outcome["status"], outcome["after"], outcome["out"]) == (0, clean["after"], clean["out"]):
        return
    if outcome["status"] not in (0, 1, 2, 3, 4):
        yield "a crash"
    if "Traceback" in outcome["messages"]:
        yield "no message"
    is_left = "temporary files are left there" in outcome["messages"]
    for name in {*before, *outcome["after"]} - set(written):
        if outcome["after"].get(name) != before.get(name) and not (is_left and name.startswith("tmp/fovea-engine-")):
            yield f"{name} is left behind, or lost"
    name = pathlib.Path(outcome["hit"]).name
    if outcome["status"] in (0, 3):
        pages = [bytes.fromhex(data).decode() for file, data in outcome["after"].items() if file in written and file.endswith(("html", "json"))]
        if not is_left and not any(name in text for text in (*pages, outcome["messages"], outcome["out"])):
            yield f"another result that does not tell of {name}"
        return
    for file in written:
        if outcome["after"].get(file) not in (before.get(file), clean["after"][file]):
            yield f"{file} is neither old nor new"
    named = [name] if not name.startswith(".fovea-") else written
    if outcome["hit"] == "descriptor 1":
        named = ["output"]
    if outcome["hit"] != "descriptor 2" and not any(word in outcome["messages"] for word in named):
        yield f"does not name {' or '.join(named)}"
