# SPDX-License-Identifier: Apache-2.0
"""Little memory, closed descriptors, a model that changes under the program: a message and a status, never a crash or another answer."""
import itertools
import json
import os
import pathlib
import resource
import shutil
import subprocess
import time

import numpy as np
import pytest
from cli_helpers import BINARY, ROOT, SAMPLES, SIDE, WRAPPER, TinyNetwork, fovea, fovea_ok, jsonl, model, needs_binary, write_model  # noqa: F401

Image = pytest.importorskip("PIL.Image")
SANITIZED = bool(BINARY) and b"__asan_init" in pathlib.Path(BINARY).read_bytes()
pytestmark = needs_binary
needs_plain_memory = pytest.mark.skipif(bool(WRAPPER) or SANITIZED, reason="an emulator or a sanitizer takes address space of its own")
KIB, MIB = 1 << 10, 1 << 20


def limited(limit, *arguments):
    return fovea(*arguments, preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_AS, (limit, limit)))


@pytest.fixture(scope="module")
def least():
    """The address space with which the program starts at all."""
    low, high = 1 * MIB, 256 * MIB
    while high - low > 16 * KIB:
        middle = (low + high) // 2
        low, high = (low, middle) if limited(middle, "--version").returncode == 0 else (middle, high)
    return high


@pytest.fixture
def verbs(model, tmp_path):  # noqa: F811
    np.save(tmp_path / "x.npy", np.random.default_rng(3).integers(0, 256, (224, 224, 3), dtype=np.uint8))
    large = ROOT / "models" / "detectors" / "large224" / "large224.fovea"
    photo = SAMPLES[0]
    return {
        "info": ["info", large], "info of all": ["info", "--plan", "--taps", "--json", large], "run": ["run", "-m", large, tmp_path / "x.npy"],
        "run of a picture": ["run", "-m", write_model(tmp_path / "any.fovea", any_size=True), photo], "selftest": ["selftest", large],
        "screen": ["screen", "-m", model, "-j", "1", "-f", "jsonl", "--no-timings", photo],
        "screen with workers": ["screen", "-m", large, "-j", "3", "-t", "2", "-f", "csv", "--no-timings", photo, photo, photo],
        "screen to JSON": ["screen", "-m", model, "-j", "2", "-f", "json", "--no-timings", photo, photo],
        "kernels": ["kernels"], "preprocess": ["preprocess", "--size", "2048", photo, tmp_path / "out.png"],
    }


VERBS = ["info", "info of all", "run", "run of a picture", "selftest", "screen", "screen with workers", "screen to JSON", "kernels", "preprocess"]


@needs_plain_memory
@pytest.mark.parametrize("name", VERBS)
def test_too_little_memory_is_status_1(verbs, least, tmp_path, name):
    arguments = verbs[name]
    whole = fovea_ok(*arguments)
    seen = set()
    limit = least
    while True:
        (tmp_path / "out.png").unlink(missing_ok=True)
        result = limited(limit, *arguments)
        assert result.returncode in (0, 1), (limit // KIB, result.returncode, result.stderr)
        seen.add(result.returncode)
        if result.returncode == 0:
            assert result.stdout == whole, limit // KIB
            if name == "preprocess":
                with Image.open(tmp_path / "out.png") as image:
                    image.load()
            break
        lines = result.stderr.splitlines()
        assert lines and lines[0].startswith("fovea: ") and ("memory" in result.stderr or "threads could not be started" in result.stderr), (limit // KIB, result.stderr)
        assert not (tmp_path / "out.png").exists()
        if name == "screen to JSON" and result.stdout.endswith("]\n"):
            assert len(json.loads(result.stdout)) == 2
        assert limit < 2048 * MIB
        limit += max(64 * KIB, (limit - least) // 10)
    assert seen == {0, 1} or name == "kernels"


@pytest.mark.parametrize("closed", [c for n in (1, 2, 3) for c in itertools.combinations((0, 1, 2), n)])
def test_closed_descriptors_leave_results_clean(model, tmp_path, closed):  # noqa: F811
    """What is opened next would get the number of a standard stream, and messages would land in it."""
    (tmp_path / "bad.jpg").write_text("no picture")
    out = tmp_path / "out.jsonl"
    expected = fovea("screen", "-m", model, "-f", "jsonl", "--no-timings", SAMPLES[0], tmp_path / "bad.jpg").stdout

    def close():
        for descriptor in closed:
            os.close(descriptor)

    def run(*arguments):
        return subprocess.run([*WRAPPER, BINARY, *map(str, arguments)], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                              preexec_fn=close, timeout=120).returncode

    assert run("screen", "-m", model, "-f", "jsonl", "--no-timings", "-o", out, SAMPLES[0], tmp_path / "bad.jpg") == 3
    assert out.read_text() == expected
    # To a standard output that is closed nothing can be written: that is said by the status, and nothing else is written to.
    before = model.read_bytes()
    assert run("screen", "-m", model, SAMPLES[0]) == (1 if 1 in closed else 0)
    assert run("info", model) == (1 if 1 in closed else 0)
    assert run("preprocess", SAMPLES[0], tmp_path / "out.png") == 0
    with Image.open(tmp_path / "out.png") as image:
        image.load()
    assert model.read_bytes() == before


@pytest.mark.parametrize("change", ["truncated", "overwritten", "emptied", "removed", "replaced"])
def test_a_model_that_changes_while_it_is_used(tmp_path, change):
    path = write_model(tmp_path / "m.fovea")
    data = path.read_bytes()
    arguments = ["screen", "-m", path, "-f", "jsonl", "--no-timings", "-j", "2", *[SAMPLES[0]] * 40]
    expected = fovea_ok(*arguments)
    process = subprocess.Popen([*WRAPPER, BINARY, *map(str, arguments)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, bufsize=0)
    begun = process.stdout.read(1)
    if change == "truncated":
        os.truncate(path, 100)
    elif change == "emptied":
        os.truncate(path, 0)
    elif change == "overwritten":
        with open(path, "r+b") as file:
            file.write(bytes(len(data)))
    elif change == "removed":
        path.unlink()
    else:
        shutil.move(write_model(tmp_path / "other.fovea", network=TinyNetwork(seed=4)), path)
    rest, errors = process.communicate(timeout=120)
    assert process.returncode == 0, errors
    assert (begun + rest).decode() == expected


def test_a_model_that_changes_while_it_is_read_is_refused_or_whole(tmp_path):
    """Written over and cut while programs start: the answer of one whole model, or a refusal."""
    path = write_model(tmp_path / "m.fovea")
    data = path.read_bytes()
    np.save(tmp_path / "x.npy", np.random.default_rng(3).integers(0, 256, (SIDE, SIDE, 3), dtype=np.uint8))
    expected = fovea_ok("run", "-m", path, tmp_path / "x.npy")
    end = time.monotonic() + 3
    codes = set()
    while time.monotonic() < end:
        running = [subprocess.Popen([*WRAPPER, BINARY, "run", "-m", str(path), str(tmp_path / "x.npy")], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
                   for _ in range(4)]
        while any(process.poll() is None for process in running):
            with open(path, "r+b") as file:
                file.truncate(len(data) // 2)
                file.write(data)
        for process in running:
            output, errors = process.communicate()
            codes.add(process.returncode)
            assert process.returncode in (0, 4), errors
            assert output == (expected if process.returncode == 0 else "")
    assert codes <= {0, 4}


@needs_plain_memory
def test_a_photo_too_large_for_the_memory_does_not_end_the_others(model, least, tmp_path):  # noqa: F811
    Image.fromarray(np.zeros((6000, 8000, 3), np.uint8)).save(tmp_path / "a_large.png")
    shutil.copy(SAMPLES[0], tmp_path / "b.jpg")
    result = limited(least + 48 * MIB, "screen", "-m", model, "-j", "1", "-f", "jsonl", tmp_path / "a_large.png", tmp_path / "b.jpg")
    assert result.returncode == 1, result.stderr
    rows = jsonl(result.stdout)
    assert [row["status"] for row in rows] == ["error", "ok"] and rows[0]["error"]["code"] == "out_of_memory"
