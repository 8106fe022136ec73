# SPDX-License-Identifier: Apache-2.0
"""From a clinic's folder to numbers: thousands of photos, broken ones among them, through fovea screen into fovea-evaluate."""
import json
import os
import re
import shutil
import subprocess
import sys
import threading

import pytest
from cli_helpers import BINARY, ROOT, WRAPPER, fovea, jsonl, needs_binary

pytest.importorskip("sklearn")
pytestmark = needs_binary
MODEL = ROOT / "models" / "detectors" / "small224" / "small224.fovea"
SCREEN = ["screen", "--model", MODEL, "--format", "jsonl", "--no-timings"]
ENDINGS = (".jpg", ".jpeg", ".png")


@pytest.fixture(scope="module")
def clinic(fovea_data, tmp_path_factory):
    """All photos of APTOS, and in a folder beside them every malformed file."""
    folder = tmp_path_factory.mktemp("clinic")
    shutil.copytree(fovea_data / "aptos224" / "images", folder / "aptos", copy_function=os.symlink)
    shutil.copytree(fovea_data / "malformed", folder / "broken")
    return folder


def photos_below(folder):
    found = [os.path.join(place, name) for place, _, names in os.walk(folder) for name in names]
    return sorted((path for path in found if path.lower().endswith(ENDINGS)), key=os.fsencode)


@pytest.fixture(scope="module")
def piped(clinic, fovea_data):
    """fovea screen DIR | fovea-evaluate - labels.csv with a terminal for the bar: (text of the terminal, JSON lines, what
    fovea-evaluate printed, its report)."""
    leader, follower = os.openpty()
    screen = subprocess.Popen([*WRAPPER, BINARY, *map(str, SCREEN), "--jobs", "2", str(clinic)], stdout=subprocess.PIPE, stderr=follower)
    tee = subprocess.Popen(["tee", str(clinic / "seen.jsonl")], stdin=screen.stdout, stdout=subprocess.PIPE)
    command = [sys.executable, "-m", "fovea_tools.commands.evaluate", "-", str(fovea_data / "aptos224" / "labels.csv"),
               "--out", str(clinic / "report")]
    evaluate = subprocess.Popen(command, stdin=tee.stdout, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                                env={**os.environ, "PYTHONPATH": str(ROOT / "converter")})
    for ours in (screen.stdout, tee.stdout):
        ours.close()
    os.close(follower)
    seen = []

    def read():
        try:
            while data := os.read(leader, 1 << 16):
                seen.append(data)
        except OSError:  # the terminal's other side is closed
            pass

    reader = threading.Thread(target=read)
    reader.start()
    said, errors = evaluate.communicate(timeout=1800)
    statuses = screen.wait(timeout=60), evaluate.returncode
    reader.join(timeout=30)
    os.close(leader)
    assert statuses == (3, 0), errors
    report = json.loads((clinic / "report" / "evaluation.json").read_text())
    return b"".join(seen).decode(), (clinic / "seen.jsonl").read_text(), said, report


def test_every_photo_once_in_order(clinic, piped):
    terminal, text, _, _ = piped
    photos = jsonl(text)
    assert [photo["file"] for photo in photos] == photos_below(clinic) and len(photos) > 3000
    failed = [photo for photo in photos if photo["status"] == "error"]
    assert len(failed) > 50 and all("/broken/" in photo["file"] and photo["error"]["message"] for photo in failed)
    # Each is named once on standard error, between two drawings of the bar.
    lines = re.sub(r"\r\[[^\n\r]*?\x1b\[K|\r\x1b\[K", "", terminal).replace("\r\n", "\n").splitlines()
    assert [line.split(": ")[1] for line in lines[:-1]] == [photo["file"] for photo in failed]
    assert re.match(rf"{len(photos)} photos: .*, {len(failed)} errors?; (\d+ files that are no pictures; )?[\d.]+ photos/s", lines[-1])


def test_a_bar_tells_how_far_it_is(piped):
    drawn = [(int(done), int(total)) for done, total in re.findall(r"\r\[[#.]{30}\] (\d+)/(\d+)  [\d.]+ photos/s  \d+ s left", piped[0])]
    assert len(drawn) > 5 and drawn == sorted(drawn) and {total for _, total in drawn} == {len(jsonl(piped[1]))}


def test_the_numbers_are_about_the_labelled_photos(piped):
    _, text, said, report = piped
    photos = jsonl(text)
    ours = [photo for photo in photos if "/aptos/" in photo["file"]]
    gradable = sum(photo["status"] == "ok" for photo in ours)
    figures = report["parts"][0]["sources"][0]
    assert figures["gradable_only"]["at_threshold"]["accuracy"]["n"] == gradable
    problems = {problem["kind"]: problem["count"] for problem in report["problems"]}
    failed = sum(photo["status"] == "error" for photo in photos)
    assert (problems["unreadable"], problems["no_label"]) == (failed, len(photos) - len(ours) - failed)
    assert "sensitivity" in said


def test_shards_are_the_whole(clinic, piped):
    parts = [fovea(*SCREEN, "--shard", f"{number}/7", clinic, timeout=1800).stdout for number in range(1, 8)]
    assert "".join(parts) == piped[1]
    assert max(part.count("\n") for part in parts) - min(part.count("\n") for part in parts) <= 1
