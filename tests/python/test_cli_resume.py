# SPDX-License-Identifier: Apache-2.0
"""Results stay whole: written beside and renamed, continued to the bytes of a run that nothing disturbed, never mixed with others'."""
import csv
import fcntl
import io
import json
import os
import shutil
import signal
import subprocess
import threading
import time

import numpy as np
import pytest
from cli_helpers import BINARY, SAMPLES, WRAPPER, TinyNetwork, fovea, fovea_ok, jsonl, model, needs_binary, one_error, write_model  # noqa: F401

Image = pytest.importorskip("PIL.Image")
pytestmark = needs_binary
STYLES = ["jsonl", "csv", "json"]


@pytest.fixture
def photos(tmp_path):
    """Nine, of every outcome: good, too dark, broken."""
    folder = tmp_path / "photos"
    folder.mkdir()
    for number in range(9):
        path = folder / f"{number}, \"x\".jpg"
        if number % 4 == 1:
            Image.fromarray(np.zeros((480, 640, 3), np.uint8)).save(path, format="PNG")
        elif number % 4 == 3:
            path.write_text("no picture")
        else:
            os.symlink(SAMPLES[number % 3], path)
    return folder


def command(model, photos, style, *more):  # noqa: F811
    return ["screen", "-m", model, "-f", style, "--no-timings", *more, photos]


@pytest.fixture
def whole(model, photos, request):  # noqa: F811
    result = fovea(*command(model, photos, request.getfixturevalue("style")))
    assert result.returncode == 3
    return result.stdout


def summary(result):
    return result.stderr.splitlines()[-1].rsplit("; ", 1)[0]


@pytest.mark.parametrize("style", STYLES)
def test_cut_anywhere_it_is_continued_to_the_same_bytes(model, photos, whole, tmp_path, style):  # noqa: F811
    out, part = tmp_path / "out", tmp_path / "out.part"
    data = whole.encode()
    rows = [i + 1 for i, byte in enumerate(data) if byte == 10]
    cuts = {0, 1, 2, 3, *rows[:-1], rows[0] - 1, rows[0] + 1, rows[1] - 1, rows[1] - 2, rows[2] + 1, rows[3] - 40, rows[4] - 3, rows[6] + 100,
            len(data) - 1, len(data) - 2, len(data) - 3, len(data) - 4, len(data)}
    says = summary(fovea(*command(model, photos, style)))
    for cut in sorted(cuts):
        part.write_bytes(data[:cut])
        result = fovea(*command(model, photos, style, "--output", out, "--resume"))
        assert result.returncode == 3, (cut, result.stderr)
        assert out.read_bytes() == data, cut
        assert not part.exists()
        assert summary(result) == says, cut  # counts and exit status are those of all photos
        out.unlink()


@pytest.mark.parametrize("style", STYLES)
def test_only_what_is_missing_is_done(model, photos, whole, tmp_path, style):  # noqa: F811
    lines = whole.splitlines(keepends=True)
    (tmp_path / "out.part").write_text("".join(lines[:6]))
    done = 6 - (style != "jsonl")
    for number in range(done):
        (photos / f"{number}, \"x\".jpg").unlink()
        (photos / f"{number}, \"x\".jpg").write_text("changed since")  # is not looked at again
    fovea(*command(model, photos, style, "--output", tmp_path / "out", "--resume"))
    assert (tmp_path / "out").read_text() == whole


@pytest.mark.parametrize("style", STYLES)
def test_results_by_other_views_are_not_continued(model, photos, tmp_path, style):  # noqa: F811
    out, part = tmp_path / "out", tmp_path / "out.part"
    texts = {views: fovea(*command(model, photos, style, "--views", views)).stdout for views in (1, 2, 8)}
    for made in texts:
        for asked in texts:
            part.write_text(texts[made][:-1] if style == "json" else "".join(texts[made].splitlines(keepends=True)[:6]))
            result = fovea(*command(model, photos, style, "--views", asked, "--output", out, "--resume"))
            if made == asked:
                assert result.returncode == 3 and out.read_text() == texts[asked]
                out.unlink()
            else:
                one_error(result, 2, "cannot be continued", *(["views"] if 1 not in (made, asked) else []))


@pytest.mark.parametrize("style", STYLES)
def test_results_that_are_whole_stay_so(model, photos, whole, tmp_path, style):  # noqa: F811
    out = tmp_path / "out"
    fovea(*command(model, photos, style, "--output", out))
    assert out.read_text() == whole
    assert fovea(*command(model, photos, style, "--output", out, "--resume")).returncode == 3
    assert out.read_text() == whole and not (tmp_path / "out.part").exists()
    # One photo more at the end: its row alone is added.
    os.symlink(SAMPLES[0], photos / "z.jpg")
    fovea(*command(model, photos, style, "--output", out, "--resume"))
    assert out.read_text() == fovea(*command(model, photos, style)).stdout != whole


@pytest.mark.parametrize("kill", [signal.SIGINT, *(pytest.param(other, marks=pytest.mark.many_photos)
                                                  for other in (signal.SIGTERM, signal.SIGKILL, signal.SIGHUP))])
@pytest.mark.parametrize("style", STYLES)
def test_interrupted_and_continued(model, tmp_path, style, kill):  # noqa: F811
    folder = tmp_path / "photos"
    folder.mkdir()
    for number in range(60):
        os.symlink(SAMPLES[number % 3], folder / f"{number:03}.jpg")
    out, part = tmp_path / "out", tmp_path / "out.part"
    arguments = command(model, folder, style, "--output", out)
    process = subprocess.Popen([*WRAPPER, BINARY, *map(str, arguments)], stderr=subprocess.PIPE, text=True,
                               preexec_fn=lambda: signal.signal(kill, signal.SIG_DFL) if kill != signal.SIGKILL else None)
    while (part.read_bytes() if part.exists() else b"").count(b"\n") < 5 and process.poll() is None:
        time.sleep(0.002)
    assert not out.exists()
    process.send_signal(kill)
    errors = process.communicate(timeout=120)[1]
    assert process.returncode in (-kill, 128 + kill)
    assert not out.exists() and part.exists()
    text = part.read_text()
    if kill != signal.SIGKILL:
        assert errors.count("\n") == 1 and "of 60 photos done" in errors and "--resume" in errors and str(part) in errors
        done = int(errors.split("interrupted: ")[1].split(" of ")[0])
        if style == "json":
            assert len(json.loads(text)) == done  # valid, though interrupted
        elif style == "jsonl":
            assert text.endswith("\n") and len(jsonl(text)) == done
        else:
            assert text.endswith("\n") and len(list(csv.DictReader(io.StringIO(text)))) == done
        assert 3 < done < 60
    fovea_ok(*arguments, "--resume")
    assert out.read_text() == fovea_ok(*command(model, folder, style))


def test_json_on_a_pipe_is_valid_after_an_interruption(model):  # noqa: F811
    process = subprocess.Popen([*WRAPPER, BINARY, *map(str, ["screen", "-m", model, "-f", "json", *[SAMPLES[0]] * 80])], stdout=subprocess.PIPE,
                               stderr=subprocess.PIPE, bufsize=0, preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL))
    begun = b""
    while begun.count(b"\n") < 3:
        begun += process.stdout.read(1000)
    process.send_signal(signal.SIGINT)
    rest, errors = process.communicate(timeout=120)
    assert process.returncode == -signal.SIGINT and b"interrupted" in errors
    assert 1 <= len(json.loads(begun + rest)) < 80


@pytest.mark.parametrize("style", STYLES)
def test_what_is_not_this_runs_is_refused_and_left_alone(model, photos, whole, tmp_path, style):  # noqa: F811
    half = "".join(whole.splitlines(keepends=True)[:6])
    other_model = write_model(tmp_path / "other.fovea", network=TinyNetwork(seed=9))
    other_photos = tmp_path / "others"
    shutil.copytree(photos, other_photos, symlinks=True)
    out, part = tmp_path / "out", tmp_path / "out.part"
    lines = half.splitlines(keepends=True)
    swapped = "".join([*lines[:3], lines[4], lines[3], *lines[5:]])
    damaged = half.replace("tiny", "ti\x00y", 1) if style == "csv" else half.replace('"status"', '"status', 1)
    doubled = "".join([*lines[:4], *lines[3:]])
    cases = {
        "foreign text": ("These are the notes of another program.\n" * 9, command(model, photos, style)),
        "another model": (half, command(other_model, photos, style)),
        "other photos": (half, command(model, other_photos, style)),
        "another order": (swapped, command(model, photos, style)),
        "a row twice": (doubled, command(model, photos, style)),
        "damaged": (damaged, command(model, photos, style)),
        "forced": (half, command(model, photos, style, "--force")),
        "another point": (half, command(model, photos, style, "--operating-point", "sensitive")),
        "timings": (half, [x for x in command(model, photos, style) if x != "--no-timings"]),
        "more rows than photos": (whole, command(model, photos, style, "--shard", "1/3")),
    }
    for other in STYLES:
        if other != style:
            cases["as " + other] = (half, command(model, photos, other))
    if style == "csv":
        cases["mark"] = (half, command(model, photos, style, "--bom"))
    for name, (text, arguments) in cases.items():
        for path in (part, out):  # left by an interrupted run, or results under their name
            path.write_bytes(text.encode())
            result = fovea(*arguments, "--output", out, "--resume")
            one_error(result, 2, out, "cannot be continued")
            assert path.read_bytes() == text.encode(), name
            path.unlink()
            assert not part.exists() and not out.exists()


def test_without_resume_it_is_begun_anew_and_said(model, photos, tmp_path):  # noqa: F811
    (tmp_path / "out.part").write_text("x")
    result = fovea(*command(model, photos, "csv", "--output", tmp_path / "out"))
    assert "an interrupted run left it" in result.stderr.splitlines()[0]
    assert (tmp_path / "out").read_text() == fovea(*command(model, photos, "csv")).stdout


def test_what_cannot_be_continued(model, photos, tmp_path):  # noqa: F811
    one_error(fovea(*command(model, photos, "jsonl", "--resume")), 2, "--output")
    one_error(fovea(*command(model, photos, "text", "--resume", "--output", tmp_path / "x")), 2, "text")
    one_error(fovea(*command(model, photos, "jsonl", "--resume", "--output", "/dev/null")), 2, "/dev/null")


def test_the_old_results_stay_until_the_new_are_whole(model, tmp_path):  # noqa: F811
    out = tmp_path / "out"
    out.write_text("old")
    out.chmod(0o640)
    process = subprocess.Popen([*WRAPPER, BINARY, *map(str, ["screen", "-m", model, "-f", "csv", "-o", out, *[SAMPLES[0]] * 40])], stderr=subprocess.DEVNULL)
    while not (tmp_path / "out.part").exists() and process.poll() is None:
        time.sleep(0.002)
    assert out.read_text() == "old"
    one_error(fovea("screen", "-m", model, "-f", "csv", "-o", out, SAMPLES[0]), 1, "another run is writing it")
    assert process.wait(timeout=120) == 0
    assert out.read_text().count("\n") == 41 and out.stat().st_mode & 0o777 == 0o640 and not (tmp_path / "out.part").exists()


def test_a_link_and_what_is_in_the_way(model, tmp_path):  # noqa: F811
    (tmp_path / "real").write_text("old")
    (tmp_path / "link").symlink_to("real")
    fovea_ok("screen", "-m", model, "-f", "csv", "-o", tmp_path / "link", SAMPLES[0])
    assert (tmp_path / "link").is_symlink() and (tmp_path / "real").read_text().startswith("file,status")
    (tmp_path / "victim").write_text("mine")
    (tmp_path / "new.part").symlink_to("victim")
    one_error(fovea("screen", "-m", model, "-f", "csv", "-o", tmp_path / "new", SAMPLES[0]), 1, "new")
    assert (tmp_path / "victim").read_text() == "mine"
    os.mkfifo(tmp_path / "pipe.part")
    one_error(fovea("screen", "-m", model, "-f", "csv", "-o", tmp_path / "pipe", SAMPLES[0]), 1, "pipe")


@pytest.mark.parametrize("style", ["text", *STYLES])
def test_a_standard_output_that_does_not_wait(model, photos, style):  # noqa: F811
    """A non-blocking pipe whose reader is slow, small enough to be full at once."""
    expected = fovea(*command(model, photos, style)).stdout
    reading, writing = os.pipe()
    fcntl.fcntl(writing, 1031, 4096)  # F_SETPIPE_SZ
    os.set_blocking(writing, False)
    process = subprocess.Popen([*WRAPPER, BINARY, *map(str, command(model, photos, style))], stdout=writing, stderr=subprocess.DEVNULL)
    os.close(writing)
    time.sleep(0.5)
    got = b""
    while True:
        piece = os.read(reading, 700)
        if not piece:
            break
        got += piece
        time.sleep(0.002)
    os.close(reading)
    assert process.wait(timeout=60) == 3
    assert got.decode() == expected


def test_a_full_disk_leaves_whole_rows(model, photos, tmp_path):  # noqa: F811
    """The limit of a file's size stands for it."""
    import resource

    for style in STYLES:
        out, part = tmp_path / f"out.{style}", tmp_path / f"out.{style}.part"
        results = fovea(*command(model, photos, style)).stdout
        half = len(results.encode()) // 2

        def limit(most=half):
            signal.signal(signal.SIGXFSZ, signal.SIG_DFL)
            resource.setrlimit(resource.RLIMIT_FSIZE, (most, most))

        result = fovea(*command(model, photos, style, "--output", out), preexec_fn=limit)
        assert result.returncode == 1 and "cannot be written" in result.stderr.splitlines()[-1]
        assert not out.exists() and 0 < part.stat().st_size <= half
        if style == "jsonl":
            assert part.read_text().endswith("\n") and jsonl(part.read_text())
        fovea(*command(model, photos, style, "--output", out, "--resume"))
        assert out.read_text() == results


def test_a_reader_that_is_slow_and_an_interruption(model):  # noqa: F811
    """Nobody reads: the interruption must not wait for it."""
    process = subprocess.Popen([*WRAPPER, BINARY, *map(str, ["screen", "-m", model, "-f", "jsonl", *[SAMPLES[0]] * 100])], stdout=subprocess.PIPE,
                               stderr=subprocess.DEVNULL, preexec_fn=lambda: signal.signal(signal.SIGTERM, signal.SIG_DFL))
    fcntl.fcntl(process.stdout, 1031, 4096)
    time.sleep(1.5)
    timer = threading.Timer(60, process.kill)
    timer.start()
    process.send_signal(signal.SIGTERM)
    time.sleep(0.3)
    process.send_signal(signal.SIGTERM)
    assert process.wait() == -signal.SIGTERM
    timer.cancel()
