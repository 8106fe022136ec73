# SPDX-License-Identifier: Apache-2.0
"""The example that screens on many machines, on a real cluster of two worker processes, one of which is killed at work."""
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import time

import pytest
from cli_helpers import BINARY, ROOT, SAMPLES, WRAPPER, fovea, jsonl, model, needs_binary  # noqa: F401

pytestmark = needs_binary
EXAMPLE = ROOT / "engine" / "examples" / "screen_many.py"
PART = 3

# Stands for fovea on the workers. It logs who works on what. The run that gets hold of the file `hold` stays in the middle
# of its work until the file `go` is there.
WORK = """#!/bin/sh
for last; do :; done
echo "start $PPID $(tail -n 1 "$last")" >>{folder}/log
if mv {folder}/hold {folder}/held 2>/dev/null; then
    echo "$PPID $$" >{folder}/victim.part && mv {folder}/victim.part {folder}/victim
    while [ ! -e {folder}/go ]; do sleep 0.05; done
fi
{program} "$@"
status=$?
echo "end $PPID $(tail -n 1 "$last")" >>{folder}/log
exit $status
"""


@pytest.fixture
def distributed():
    return pytest.importorskip("distributed", reason="the package distributed is not installed")


@pytest.fixture
def photos(tmp_path):
    """Nineteen photos in two folders, broken ones and odd names among them."""
    folder = tmp_path / "photos"
    (folder / "b").mkdir(parents=True)
    for number in range(16):
        shutil.copy(SAMPLES[number % 3], folder / ("b" if number % 4 == 0 else ".") / f"eye {number:02}.jpg")
    shutil.copy(SAMPLES[0], folder / 'odd, "name".JPG')
    (folder / "a broken.jpg").write_bytes(SAMPLES[0].read_bytes()[:5000])
    (folder / "zz.png").touch()
    (folder / ".hidden.jpg").touch()
    (folder / "notes.txt").write_text("no photo")
    return folder


@pytest.fixture
def cluster(distributed, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)  # where the workers put their folders
    with distributed.LocalCluster(n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None) as made:
        yield made


@pytest.fixture
def program(tmp_path):
    path = tmp_path / "fovea-on-a-worker"
    path.write_text(WORK.format(folder=tmp_path, program=" ".join([*WRAPPER, BINARY])))
    path.chmod(0o755)
    return path


def started(cluster, model, program, photos, output, *options):  # noqa: F811
    command = [sys.executable, EXAMPLE, "--scheduler", cluster.scheduler_address, "--model", model, "--fovea", program,
               "--output", output, "--part", str(PART), *options, photos]
    return subprocess.Popen([str(word) for word in command], stderr=subprocess.PIPE, text=True)


def wait_for(condition, process):
    deadline = time.monotonic() + 240
    while not condition():
        assert process.poll() is None, process.stderr.read()
        assert time.monotonic() < deadline, "the cluster did not get that far"
        time.sleep(0.05)


def log(folder, word):
    path = folder / "log"
    return [line.split(" ", 2)[1:] for line in path.read_text().splitlines() if line.startswith(word)] if path.exists() else []


@pytest.mark.parametrize("victim", ["at work", "with finished parts"])
def test_a_killed_worker_costs_and_doubles_nothing(cluster, model, program, photos, tmp_path, victim):  # noqa: F811
    (tmp_path / "hold").touch()
    process = started(cluster, model, program, photos, tmp_path / "out.jsonl")
    try:
        wait_for((tmp_path / "victim").exists, process)
        busy, child = map(int, (tmp_path / "victim").read_text().split())
        parts = -(-19 // PART)
        if victim == "at work":
            os.kill(busy, signal.SIGKILL)
            os.kill(child, signal.SIGKILL)
            (tmp_path / "go").touch()
        else:
            # The other worker does what it can get and keeps it: the first parts are not there yet, so nothing was fetched.
            wait_for(lambda: len(log(tmp_path, "end")) >= parts - 2, process)
            (other,) = {int(worker) for worker, _ in log(tmp_path, "end")}
            assert other != busy
            os.kill(other, signal.SIGKILL)
            (tmp_path / "go").touch()
        errors = process.communicate(timeout=240)[1]
    finally:
        (tmp_path / "go").touch()
        process.kill()
    assert process.returncode == 3, errors
    whole = fovea("screen", "--model", model, "--format", "jsonl", "--no-timings", photos)
    assert (tmp_path / "out.jsonl").read_text() == whole.stdout
    assert len(jsonl(whole.stdout)) == 19 and "19/19 photos, 2 could not be read" in errors
    # The kill hit work: something was begun more than once.
    begun = [part for _, part in log(tmp_path, "start")]
    assert len(set(begun)) == parts < len(begun)
    assert not (tmp_path / "out.jsonl.part").exists()


def test_a_list_in_its_own_order(cluster, model, program, photos, tmp_path):  # noqa: F811
    names = ["eye 03", "b/eye 04.jpg", "lost", "eye 03", "odd, \"\"name\"\".JPG", "eye 01"]
    (photos / "list.csv").write_text("grade,image\n" + "".join(f'1,"{name}"\n' for name in names) + "\n", encoding="utf-8-sig")
    process = started(cluster, model, program, photos / "list.csv", tmp_path / "out.jsonl")
    errors = process.communicate(timeout=240)[1]
    assert process.returncode == 3, errors
    whole = fovea("screen", "--model", model, "--format", "jsonl", "--no-timings", photos / "list.csv")
    assert (tmp_path / "out.jsonl").read_text() == whole.stdout and len(jsonl(whole.stdout)) == 6


def test_what_cannot_work_is_a_message(cluster, model, program, photos, tmp_path):  # noqa: F811
    (tmp_path / "bad.fovea").write_bytes(b"no model")
    (tmp_path / "empty.csv").touch()
    for status, arguments, cause in ((1, (tmp_path / "bad.fovea", program, photos), "bad.fovea"),
                                     (1, (model, tmp_path / "no program", photos), "no program"),
                                     (1, (model, program, tmp_path / "lost.csv"), "lost.csv"),
                                     (2, (model, program, tmp_path / "empty.csv"), "no photo")):
        process = started(cluster, *arguments, tmp_path / "out.jsonl")
        errors = process.communicate(timeout=240)[1]
        assert process.returncode == status and cause in errors and "Traceback" not in errors.splitlines()[-1], errors
        assert not (tmp_path / "out.jsonl").exists()
    process = started(cluster, model, program, photos, tmp_path / "out.jsonl", "--part", "0")
    assert "--part" in process.communicate(timeout=240)[1] and process.returncode == 2


def test_the_example_is_short():
    assert len(pathlib.Path(EXAMPLE).read_text().splitlines()) < 80
