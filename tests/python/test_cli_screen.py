# SPDX-License-Identifier: Apache-2.0
"""fovea screen: formats, batches, lists, shards; the same bytes however the work is cut."""
import csv
import hashlib
import io
import json
import os
import re
import shutil
import signal
import subprocess
import threading
import time

import numpy as np
import pytest
from cli_helpers import (  # noqa: F401
    BINARY, SAMPLES, WRAPPER, TinyNetwork, fovea, fovea_ok, jsonl, model, needs_binary, one_error, write_model,
)

Image = pytest.importorskip("PIL.Image")
pytestmark = needs_binary
KEYS = [
    "file", "status", "error", "image", "quality", "typicality", "result", "target", "classes", "logits", "probabilities",
    "confidence", "operating_point", "temperature", "model", "timings_ms", "engine", "warnings",
]


@pytest.fixture
def folder(tmp_path):
    """Good photos, one too dark, broken files among them, and what is no photo by its name."""
    photos = tmp_path / "photos"
    (photos / "b" / "deep").mkdir(parents=True)
    shutil.copy(SAMPLES[0], photos / "a.jpg")
    shutil.copy(SAMPLES[1], photos / "b" / "x.JPEG")
    Image.open(SAMPLES[2]).save(photos / "b" / "deep" / "y.PNG")
    Image.fromarray(np.zeros((480, 640, 3), np.uint8)).save(photos / "dark.png")
    (photos / "broken.jpg").write_bytes(SAMPLES[0].read_bytes()[:5000])
    (photos / "empty.png").touch()
    (photos / "text.jpg").write_text("this is not a photo")
    (photos / "readme.txt").write_text("not looked at")
    return photos


ORDER = ["a.jpg", "b/deep/y.PNG", "b/x.JPEG", "broken.jpg", "dark.png", "empty.png", "text.jpg"]


def test_one_photo_as_json(model):
    photo = json.loads(fovea_ok("screen", "--model", model, "--format", "json", SAMPLES[0]))[0]
    assert list(photo) == KEYS
    assert photo["file"] == str(SAMPLES[0])
    assert (photo["status"], photo["error"], photo["typicality"], photo["warnings"]) == ("ok", None, None, [])
    with Image.open(SAMPLES[0]) as image:
        assert photo["image"] == {
            "width": image.width, "height": image.height, "sha256": hashlib.sha256(SAMPLES[0].read_bytes()).hexdigest(),
        }
    assert list(photo["quality"]) == ["verdict", "checks"]
    assert photo["quality"]["verdict"] in ("good", "usable")
    for check in photo["quality"]["checks"]:
        assert list(check) == ["name", "value", "limit", "passed", "advice"]
        assert check["limit"][:3] in ("<= ", ">= ")
        assert isinstance(check["passed"], bool)
    assert (photo["target"], photo["classes"], photo["temperature"]) == ("any_dr", ["no_dr", "dr"], 1.5)
    logits = np.array(photo["logits"]) / 1.5
    expected = np.exp(logits - logits.max())
    np.testing.assert_allclose(photo["probabilities"], expected / expected.sum(), atol=1e-6)
    assert photo["confidence"] == pytest.approx(max(photo["probabilities"]), abs=1e-6)
    assert photo["operating_point"] == {"name": "balanced", "threshold": 0.5}
    wanted = "dr_signs_found" if photo["probabilities"][1] >= 0.5 else "no_dr_signs_found"
    assert photo["result"] == wanted
    assert photo["model"] == {
        "name": "tiny", "sha256": hashlib.sha256(model.read_bytes()).hexdigest(), "dtype": "fp32",
        "preset": "kaggle_ben_color", "input": [32, 32, 3],
    }
    assert list(photo["timings_ms"]) == ["decode", "quality", "preprocess", "infer", "explain"]
    assert photo["timings_ms"]["decode"] > 0 and photo["timings_ms"]["explain"] is None
    assert photo["engine"].startswith("fovea 0.")


def test_the_logits_are_those_of_the_preprocessed_picture(model, tmp_path):
    photo = json.loads(fovea_ok("screen", "--model", model, "--format", "jsonl", SAMPLES[1]))
    fovea_ok("preprocess", "--model", model, SAMPLES[1], tmp_path / "x.png")
    run = json.loads(fovea_ok("run", "--model", model, tmp_path / "x.png"))
    assert photo["logits"] == run["logits"]
    with Image.open(tmp_path / "x.png") as image:
        np.testing.assert_allclose(photo["logits"], TinyNetwork().logits(np.asarray(image)), atol=1e-5)


def test_the_operating_point_decides(tmp_path):
    probabilities = set()
    results = {}
    for name in ("sensitive", "specific"):
        model = write_model(tmp_path / "m.fovea")
        photo = json.loads(fovea_ok("screen", "--model", model, "--format", "jsonl", "--operating-point", name, SAMPLES[0]))
        assert photo["operating_point"]["name"] == name
        probabilities.add(photo["probabilities"][1])
        results[name] = photo["result"]
    assert len(probabilities) == 1 and 0.001 < probabilities.pop() < 0.999
    assert results == {"sensitive": "dr_signs_found", "specific": "no_dr_signs_found"}


def test_a_batch_goes_on_past_bad_photos(model, folder):
    result = fovea("screen", "--model", model, "--format", "jsonl", folder)
    assert result.returncode == 3
    photos = jsonl(result.stdout)
    assert [os.path.relpath(p["file"], folder) for p in photos] == ORDER
    status = {os.path.relpath(p["file"], folder): p["status"] for p in photos}
    assert status == {
        "a.jpg": "ok", "b/deep/y.PNG": "ok", "b/x.JPEG": "ok", "broken.jpg": "error", "dark.png": "not_gradable",
        "empty.png": "error", "text.jpg": "error",
    }
    for photo in photos:
        assert list(photo) == KEYS
        if photo["status"] == "error":
            assert list(photo["error"]) == ["code", "message"] and photo["error"]["code"] and photo["error"]["message"]
            assert photo["result"] is None and photo["logits"] is None and photo["timings_ms"] is None
        if photo["status"] == "not_gradable":
            assert photo["result"] == "not_gradable" and photo["logits"] is None and photo["confidence"] is None
            assert photo["quality"]["verdict"] == "reject"
            assert any(not check["passed"] and check["advice"] for check in photo["quality"]["checks"])
    lines = result.stderr.splitlines()
    for name in ("broken.jpg", "empty.png", "text.jpg"):
        assert sum(line.startswith("fovea: ") and name in line for line in lines) == 1
    assert lines[-1].startswith("7 photos:") and "1 not gradable, 3 errors" in lines[-1] and "photos/s" in lines[-1]


@pytest.mark.parametrize("style", ["text", "json", "jsonl", "csv"])
def test_the_same_bytes_however_the_work_is_cut(model, folder, style):
    arguments = ["screen", "--model", model, "--format", style, "--no-timings", folder]
    outputs = {fovea(*arguments, "--jobs", jobs, "--threads", threads).stdout for jobs, threads in [(1, 1), (2, 1), (3, 2), (8, 4)]}
    assert len(outputs) == 1
    whole = outputs.pop()
    assert "timings" not in whole and "_ms" not in whole
    if style == "jsonl":
        parts = "".join(fovea(*arguments, "--shard", f"{i}/3").stdout for i in (1, 2, 3))
        assert parts == whole
    if style == "json":
        assert [p["file"] for p in json.loads(whole)] == [str(folder / name) for name in ORDER]


def test_timings_are_the_only_difference(model, folder):
    with_times = jsonl(fovea("screen", "--model", model, "--format", "jsonl", folder).stdout)
    without = jsonl(fovea("screen", "--model", model, "--format", "jsonl", "--no-timings", folder).stdout)
    for photo in with_times:
        del photo["timings_ms"]
    assert with_times == without


def test_csv_has_fixed_columns(model, folder, tmp_path):
    odd = tmp_path / 'odd, "name".jpg'
    shutil.copy(SAMPLES[0], odd)
    result = fovea("screen", "--model", model, "--format", "csv", folder, odd)
    rows = list(csv.DictReader(io.StringIO(result.stdout, newline="")))
    photos = jsonl(fovea("screen", "--model", model, "--format", "jsonl", folder, odd).stdout)
    assert len(rows) == len(photos) == 8
    for row, photo in zip(rows, photos):
        assert None not in row and None not in row.values()
        assert row["file"] == photo["file"]
        assert row["status"] == photo["status"]
        assert row["result"] == (photo["result"] or "")
        assert row["error_code"] == (photo["error"]["code"] if photo["error"] else "")
        assert row["quality"] == (photo["quality"]["verdict"] if photo["quality"] else "")
        if photo["probabilities"]:
            assert [float(p) for p in row["probabilities"].split(";")] == photo["probabilities"]
            assert float(row["confidence"]) == photo["confidence"]
            # The score that was compared with the threshold, and what came of it.
            assert float(row["score"]) == pytest.approx(photo["probabilities"][1], abs=1e-7)
            assert row["result"] == ("dr_signs_found" if float(row["score"]) >= float(row["threshold"]) else "no_dr_signs_found")
            assert row["logits"][0] == "[" and [float(x) for x in row["logits"][1:-1].split(" ")] == photo["logits"]
        else:
            assert row["score"] == row["logits"] == row["confidence"] == ""
    # No column is empty in every row of a batch that has everything but a warning.
    assert [name for name in rows[0] if not any(row[name] for row in rows)] == ["warnings"]
    single = fovea_ok("screen", "--model", model, "--format", "csv", SAMPLES[0])
    assert single.splitlines()[0] == result.stdout.splitlines()[0]


def test_text_for_people(model, folder):
    text = fovea("screen", "--model", model, folder).stdout
    blocks = text.split(str(folder) + "/")
    assert "quality" in blocks[1] and "DR signs found" in blocks[1] and "diabetic retinopathy" in blocks[1]
    assert any(f"{value}" in blocks[1] for value in ["%"]) and "confidence" in blocks[1]
    assert "not gradable: " in text
    assert text.count("research use") == 1
    for word in ("healthy", "diagnosis"):
        assert word not in text.lower()
    assert "\x1b" not in text  # no colours when piped
    json_photo = json.loads(fovea_ok("screen", "--model", model, "--format", "jsonl", SAMPLES[0]))
    assert f"{json_photo['confidence'] * 100:.2f} %" in fovea_ok("screen", "--model", model, SAMPLES[0])


def test_text_does_not_contradict_itself(tmp_path):
    """The confidence is that of the result that stands above it, or said to be low; score and threshold are told apart."""
    seen = set()    # the thresholds of the model's operating points lie far on both sides of its scores
    for name in ("sensitive", "balanced", "specific"):
        model = write_model(tmp_path / "m.fovea")
        for sample in SAMPLES:
            text = fovea_ok("screen", "--model", model, "--operating-point", name, sample)
            photo = json.loads(fovea_ok("screen", "--model", model, "--format", "jsonl", "--operating-point", name, sample))
            score, found = photo["probabilities"][1], photo["result"] == "dr_signs_found"
            assert "most probable" not in text and not any(word in text for word in photo["classes"])
            shown = re.search(r"  score +([0-9.]+) % for DR signs; signs are reported from ([0-9.]+) % on \((\w+)\)", text)
            assert (float(shown[1]) >= float(shown[2])) == found and shown[3] == name
            confidence = re.search(r"  confidence +(.*)", text)[1]
            agrees = (score >= 0.5) == found
            seen.add((found, agrees))
            assert confidence == (f"{100 * (score if found else 1 - score):.2f} %" if agrees else
                                  "low: DR signs are less likely than not, but above the threshold" if found else
                                  "low: DR signs are more likely than not, but below the threshold")
    assert any(not agrees for _, agrees in seen) and any(agrees for _, agrees in seen)


def test_force_marks_the_result(model, folder):
    plain = json.loads(fovea_ok("screen", "--model", model, "--format", "jsonl", folder / "dark.png"))
    forced = json.loads(fovea_ok("screen", "--model", model, "--format", "jsonl", "--force", folder / "dark.png"))
    assert plain["status"] == "not_gradable" and plain["warnings"] == []
    assert forced["status"] == "ok" and forced["logits"] and forced["quality"]["verdict"] == "reject"
    assert any("forced" in warning for warning in forced["warnings"])
    assert "forced" in fovea_ok("screen", "--model", model, "--force", folder / "dark.png")


LISTS = {
    "plain": b"image\nIDRiD_008.jpg\nIDRiD_037.jpg\n",
    "bom and crlf": b"\xef\xbb\xbffile,grade\r\nIDRiD_008.jpg,1\r\nIDRiD_037.jpg,2\r\n",
    "ids": b"id_code,diagnosis\nIDRiD_008,0\nIDRiD_037,1\n",
    "quoted": b'"grade"," Path "\n"1, or 2","IDRiD_008.jpg"\n"say ""x""",  IDRiD_037\n',
    "upper case": b"ID_CODE\nIDRiD_008\nIDRiD_037",
    "blank lines": b"\nfile\n\nIDRiD_008\n\n\nIDRiD_037\n\n",
    "semicolons": b"file;grade\nIDRiD_008;1\nIDRiD_037;2\n",
    "trailing blank in the header": b"Image name,Risk of macular edema \nIDRiD_008,0\nIDRiD_037,1\n",
}


@pytest.mark.parametrize("name", LISTS)
def test_lists_of_every_kind(model, tmp_path, name):
    path = tmp_path / "list.CSV"
    path.write_bytes(LISTS[name])
    output = fovea_ok("screen", "--model", model, "--format", "jsonl", "--images", SAMPLES[0].parent, path)
    assert [os.path.basename(p["file"]) for p in jsonl(output)] == ["IDRiD_008.jpg", "IDRiD_037.jpg"]
    for sample in SAMPLES[:2]:
        shutil.copy(sample, tmp_path)
    beside = fovea_ok("screen", "--model", model, "--format", "jsonl", path)
    assert [p["logits"] for p in jsonl(beside)] == [p["logits"] for p in jsonl(output)]


def test_a_lists_missing_photo_is_counted(model, tmp_path):
    path = tmp_path / "list.csv"
    path.write_bytes(b"file,x\nlost.jpg,1\nIDRiD_008,2\n,3\n")
    result = fovea("screen", "--model", model, "--format", "jsonl", "--images", SAMPLES[0].parent, path)
    assert result.returncode == 3
    assert [p["status"] for p in jsonl(result.stdout)] == ["error", "ok", "error"]
    assert "lost.jpg" in result.stderr and "line 4" in result.stderr


@pytest.mark.parametrize("data", [b"", b"grade\n1\n", b'file\n"open', b"\xff\xfef\0i\0l\0e\0\n\0", b"file\0\n", b"\n\n"])
def test_a_bad_list_is_status_3(model, tmp_path, data):
    path = tmp_path / "list.csv"
    path.write_bytes(data)
    result = fovea("screen", "--model", model, path, SAMPLES[0])
    assert result.returncode == 3
    assert "list.csv" in result.stderr and "DR signs found" in result.stdout


def test_what_is_no_file(model, tmp_path):
    (tmp_path / "none").mkdir()
    os.mkfifo(tmp_path / "pipe.jpg")
    for path in (tmp_path / "lost.jpg", tmp_path / "none", tmp_path / "lost.csv", tmp_path / "pipe.jpg", "/dev/zero"):
        result = fovea("screen", "--model", model, "--format", "jsonl", path)
        one_error(result, 3, path)
        assert jsonl(result.stdout)[0]["status"] == "error"


def test_names_cannot_break_lines_or_terminals(model, tmp_path):
    evil = tmp_path / "evil\x1b[31m\nname.jpg"
    evil.write_text("x")
    latin = os.fsencode(tmp_path) + b"/caf\xe9.jpg"
    shutil.copy(SAMPLES[0], latin)
    result = fovea("screen", "--model", model, evil)
    one_error(result, 3, "evil?[31m?name.jpg")
    assert "\x1b" not in result.stdout
    assert jsonl(fovea_ok("screen", "--model", model, "--format", "jsonl", latin.decode("utf-8", "surrogateescape")))[0]["status"] == "ok"


def test_output_to_a_file(model, folder, tmp_path):
    out = tmp_path / "results.jsonl"
    arguments = ["screen", "--model", model, "--format", "jsonl", "--no-timings", folder]
    result = fovea(*arguments, "--output", out)
    assert result.returncode == 3 and result.stdout == ""
    assert out.read_text() == fovea(*arguments).stdout
    one_error(fovea("screen", "--model", model, "-o", tmp_path / "no" / "x", SAMPLES[0]), 1, "cannot be written")
    one_error(fovea("screen", "--model", model, "-o", "/dev/full", SAMPLES[0]), 1, "/dev/full", "space")
    before = (folder / "a.jpg").read_bytes()
    one_error(fovea("screen", "--model", model, "-o", folder / "a.jpg", folder), 2, "overwrite")
    one_error(fovea("screen", "--model", model, "-o", model, folder), 2, "overwrite")
    assert (folder / "a.jpg").read_bytes() == before


def test_a_full_disk_is_status_1(model):
    with open("/dev/full", "w") as full:
        one_error(fovea("screen", "--model", model, SAMPLES[0], stdout=full), 1, "standard output", "space")
        one_error(fovea("info", model, stdout=full), 1, "standard output", "space")


def test_a_reader_that_leaves_ends_the_program_quietly(model):
    command = [*WRAPPER, BINARY, "screen", "--model", str(model), "--format", "jsonl", *[str(SAMPLES[0])] * 200]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    process.stdout.readline()
    process.stdout.close()
    errors = process.stderr.read()
    assert process.wait(timeout=120) in (-signal.SIGPIPE, 128 + signal.SIGPIPE)
    assert errors == ""


@pytest.mark.parametrize("to", ["file", "pipe"])
@pytest.mark.parametrize("kill", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_killed_in_the_middle_it_leaves_whole_lines_in_order(model, tmp_path, to, kill):
    """What was written before is a beginning of the results, which a reader can use."""
    photos = tmp_path / "photos"
    photos.mkdir()
    for number in range(300):
        os.symlink(SAMPLES[number % 3], photos / f"{number:03}.jpg")
    out = tmp_path / "out.jsonl"
    results = out if to == "pipe" else tmp_path / "out.jsonl.part"
    command = [*WRAPPER, BINARY, "screen", "--model", str(model), "--format", "jsonl", "--no-timings", "--jobs", "2"]

    def heed():
        signal.signal(kill, signal.SIG_DFL)  # a shell's background job, in which tests may run, ignores SIGINT

    heed = heed if kill != signal.SIGKILL else None
    with open(out, "wb") as file:
        if to == "file":
            process = subprocess.Popen([*command, "--output", str(out), str(photos)], stderr=subprocess.DEVNULL, preexec_fn=heed)
        else:
            process = subprocess.Popen([*command, str(photos)], stdout=file, stderr=subprocess.DEVNULL, preexec_fn=heed)
        while (results.read_bytes() if results.exists() else b"").count(b"\n") < 7 and process.poll() is None:
            time.sleep(0.002)
        process.send_signal(kill)
        assert process.wait(timeout=120) in (-kill, 128 + kill)
    written = results.read_text()
    seen = jsonl(written)
    assert written.endswith("\n") and 7 <= len(seen) < 300
    assert [photo["file"] for photo in seen] == [str(photos / f"{number:03}.jpg") for number in range(len(seen))]


@pytest.mark.many_photos
def test_a_bar_on_a_terminal_for_long_work(model):
    def terminal_text(photos):
        leader, follower = os.openpty()
        command = [*WRAPPER, BINARY, "screen", "--model", str(model), "--format", "jsonl", "--jobs", "1", *photos]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=follower, text=True)
        os.close(follower)
        seen = []
        reader = threading.Thread(target=lambda: seen.extend(iter(lambda: read_quietly(leader), b"")))
        reader.start()
        output, _ = process.communicate(timeout=300)
        reader.join(timeout=10)
        os.close(leader)
        assert process.returncode == 0 and len(jsonl(output)) == len(photos)
        return b"".join(seen).decode()

    def read_quietly(descriptor):
        try:
            return os.read(descriptor, 4096)
        except OSError:  # the terminal's other side is closed
            return b""

    assert terminal_text([str(SAMPLES[0])]) == ""
    long = terminal_text([str(SAMPLES[0])] * 400)
    assert re.search(r"\r\[#*\.+\] \d+/400  [\d.]+ photos/s", long)
    # The bar is taken away before the summary, which begins a line.
    assert re.search(r"\r\x1b\[K400 photos: ", long)
