# SPDX-License-Identifier: Apache-2.0
"""As test_cli_faults.py, of the commands of Python: every call for a file of theirs fails once; each says so in one line that names the file, and
leaves what was there before or what was to be written, whole."""
import errno
import hashlib
import json
import os
import pathlib
import shutil
import subprocess
import sys

import numpy as np
import pytest
from cli_helpers import write_model
from conftest import tiny_layers, tiny_weights, write_h5
from test_calibrate import line as calibrated_line, margins
from evaluation_helpers import line

pytest.importorskip("sklearn")
pytest.importorskip("jinja2")
Image = pytest.importorskip("PIL.Image")
pytestmark = [pytest.mark.skipif(not shutil.which("cc"), reason="not installed: cc"),
              pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the C library's calls are replaced")]
HERE = pathlib.Path(__file__).parent / "faults"
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
    folder = prepare(tmp_path / "source")
    before = {str(path.relative_to(folder)): path.read_bytes().hex() for path in folder.rglob("*") if path.is_file()}
    clean = sweep(shim, folder, module, arguments, [None])[0]
    assert clean["status"] == 0, clean["messages"]
    faults = [[call, number, how] for call, ways in FAULTS.items() for how in ways for number in range(1, clean["calls"][call] + 1)]
    assert len(faults) > 10
    problems = []
    for outcome in sweep(shim, folder, module, arguments, faults):
        found = list(wrong(outcome, clean, before, written))
        if found:
            problems.append(f"{outcome['fault']} {outcome['hit']}: {'; '.join(found)}; status {outcome['status']}, {outcome['messages'][-600:]!r}")
    assert not problems, f"{len(problems)} of {len(faults)}:\n" + "\n".join(problems)


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
    for name in {*before, *outcome["after"]} - set(written):
        if outcome["after"].get(name) != before.get(name):
            yield f"{name} is left behind, or lost"
    name = pathlib.Path(outcome["hit"]).name
    if outcome["status"] in (0, 3):
        pages = [bytes.fromhex(data).decode() for file, data in outcome["after"].items() if file in written and file.endswith(("html", "json"))]
        if not any(name in text for text in (*pages, outcome["messages"], outcome["out"])):
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
