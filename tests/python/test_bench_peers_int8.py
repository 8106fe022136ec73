# SPDX-License-Identifier: Apache-2.0
"""The comparison with other engines in 8 bits: its tables, what it leaves out and says so, and, where the engines are installed, a short run."""
import json
import os
import pathlib
import sys
import types

import numpy as np
import pytest
from cli_helpers import SIDE, write_model
from test_bench_peers import BENCH, BUILD, FACTS, PEERS, ROOT, compare, made_up, needs_peers

import environments
import networks
import prepare_detector
import report

PHOTOS = ROOT / "tests" / "golden" / "data" / "photos"
CODES = {**FACTS, "dtype": "int8", "peak_flops": None}


def labels(differ, pictures):
    return {"labels": {"differ": differ, "pictures": pictures}}


def compare_module():
    import compare as module

    return module


def test_the_table_holds_the_labels_and_what_is_left_out(tmp_path):
    measured = {"small224": {
        "fovea": {**made_up([[0.001], [0.001]], working=1 << 20), **labels(1, 200)},
        "fovea_floats": made_up([[0.002], [0.002]], working=1 << 20),
        "quick": {**made_up([[0.003], [0.002]]), **labels(29, 200)},
        "slow": {**made_up([[0.004], [0.004]]), **labels(0, 200)},
        "none": {"starts": [], "turns": [], "interruptions": 0, "skipped": "cannot be installed: no a|b"}}}
    text = report.markdown(CODES, measured)
    rows = {line.split("|")[1].split()[0]: line for line in text.splitlines() if line.startswith("| ")}
    assert rows["fovea"].endswith("| 99.5 % (1 of 200 differ) |") and rows["quick"].endswith("| 85.5 % (29 of 200 differ) |")
    assert rows["slow"].endswith("| 100.0 % (0 of 200 differ) |") and rows["fovea_floats"].endswith("|  |")
    assert "| SKIP: cannot be installed: no a/b |" in rows["none"] and len({row.count("|") for row in rows.values()}) == 1
    # The medians of (1/3, 1/2) and (1/2, 1/2).
    assert "fovea takes 0.42 of the time of the fastest peer, quick, and 0.50 of its own in floats." in text
    assert "8 bits" in text and "float32" not in text
    report.plot(CODES, measured, tmp_path / "plot.png")


def test_labels_are_counted_against_the_engines_own_floats():
    floats = np.array([[0.4, 0.6], [0.6, 0.4], [0.7, 0.3], [0.2, 0.8]])
    codes = np.array([[0.45, 0.55], [0.69, 0.31], [0.64, 0.36], [np.nan, np.nan]])
    count_labels = compare_module().count_labels
    assert count_labels(codes, floats, 0.35) == {"differ": 3, "pictures": 4}  # below it now, above it now, no number
    assert count_labels(floats, floats, 0.35) == {"differ": 0, "pictures": 4}


def test_the_label_is_that_of_the_default_point():
    model = types.SimpleNamespace(temperature=2.0, operating_points=[("other", 0.9), ("default", 0.25)], default_point=1)
    answers = np.array([[0.9, 0.1], [0.8, 0.2], [0.3, 0.7]])
    cut = prepare_detector.cut_of(model, True, answers)
    margin = np.log(cut / (1 - cut))
    assert 1 / (1 + np.exp(-margin / model.temperature)) == pytest.approx(0.25)
    assert prepare_detector.cut_of(model, False, answers) == 0.2


def test_photos_are_drawn_the_same_way_each_time(tmp_path):
    for name in "edcba":
        (tmp_path / f"{name}.jpg").touch()
    (tmp_path / "labels.csv").touch()
    drawn = prepare_detector.draw(str(tmp_path), 4)
    assert drawn == prepare_detector.draw(str(tmp_path), 4) and len(set(drawn)) == 4 and drawn != sorted(drawn)
    with pytest.raises(SystemExit, match="5 photos where 6 are wanted"):
        prepare_detector.draw(str(tmp_path), 6)


def test_a_peer_without_a_way_to_8_bits_is_named(tmp_path, monkeypatch):
    monkeypatch.setattr(networks, "detector", lambda arguments, network: tmp_path)
    arguments = types.SimpleNamespace(dtype="int8", engine=["ncnn"], skipped=networks.SKIPPED, rounds=2)
    results = compare_module().measure_network(arguments, "small224", {})
    row, = (line for line in report.markdown(CODES, {"small224": results}).splitlines() if line.startswith("| ncnn"))
    assert "SKIP: its package holds no quantiser" in row


def test_a_peer_that_could_not_be_installed_is_left_out_by_name(tmp_path):
    (tmp_path / "mnn").mkdir()
    (tmp_path / "mnn" / "refused").write_text("ERROR: no such package")
    assert environments.refused(tmp_path) == {"mnn": "cannot be installed: ERROR: no such package"}
    done = compare("--out", tmp_path / "out", "--environments", tmp_path, "--core", min(os.sched_getaffinity(0)), "--engine", "mnn", "--engine",
                   "litert")
    assert done.returncode == 1 and "not installed: litert; run" in done.stderr  # not "mnn": that was tried


def test_another_detector_is_prepared_anew(tmp_path, monkeypatch):
    shipped = tmp_path / "models" / "detectors" / "large224" / "large224.fovea"
    shipped.parent.mkdir(parents=True)
    made = []

    def prepare(arguments, network, script, detector_file, *settings):
        made.append(detector_file.read_text())
        settings[-1].mkdir(parents=True)

    monkeypatch.setattr(networks, "ROOT", tmp_path)
    monkeypatch.setattr(networks, "_prepare", prepare)
    arguments = types.SimpleNamespace(out=tmp_path / "out", photos=tmp_path, count=8, judged=4, build=tmp_path)
    for weights in ("first", "first", "second"):
        shipped.write_text(weights)
        networks.detector(arguments, "large512")
    assert made == ["first", "second"]


def test_the_pictures_are_copied_beside_an_engines_file(tmp_path, monkeypatch):
    (tmp_path / "float").mkdir()
    (tmp_path / "float" / "expected.npz").write_bytes(b"pictures")
    write = "import pathlib, sys; pathlib.Path(sys.argv[1]).write_text('codes')"
    monkeypatch.setattr(networks, "_quantizer", lambda arguments, name, folder, result: [sys.executable, "-c", write, result / "model.mnn"])
    copied = networks.quantize(None, "mnn", tmp_path) / "expected.npz"
    assert copied.read_bytes() == b"pictures" and copied.stat().st_nlink == 1  # not every file system has links


def test_wrong_use_is_named(tmp_path):
    none = compare("--dtype", "int8")
    assert none.returncode == 2 and "--dtype int8 needs --photos" in none.stderr
    file = compare("--dtype", "int8", "--photos", BENCH / "compare.py")
    assert file.returncode == 2 and "a folder; " in file.stderr
    assert compare("--dtype", "int8", "--photos", tmp_path, "--count", "7").returncode == 2


@pytest.mark.skipif(not BUILD, reason="FOVEA_BUILD_DIRECTORY (a Meson build folder) is not set")
def test_fovea_is_quantised_and_runs(tmp_path, monkeypatch):
    from PIL import Image

    import engines

    floats, calibration = tmp_path / "float", tmp_path / "calibration"
    for folder in (floats, calibration):
        folder.mkdir()
    write_model(floats / "model.fovea")
    random = np.random.default_rng(0)
    for number in range(8):
        coarse = random.integers(0, 256, (4, 4, 3), dtype=np.uint8)
        Image.fromarray(coarse).resize((SIDE, SIDE), Image.BICUBIC).save(calibration / f"{number:04}.png")
    pixels = prepare_detector.read_pixels(sorted(calibration.iterdir()))
    np.savez(floats / "expected.npz", pixels=pixels)
    arguments = types.SimpleNamespace(build=pathlib.Path(BUILD), count=8, environments=tmp_path)
    folder = networks.quantize(arguments, "fovea", tmp_path)
    assert sorted(path.name for path in folder.iterdir()) == ["expected.npz", "model.fovea"]
    made = (folder / "model.fovea").stat()
    assert networks.quantize(arguments, "fovea", tmp_path) == folder and (folder / "model.fovea").stat() == made  # kept

    monkeypatch.setenv("FOVEA_SHARED", str(environments.link_shared_library(pathlib.Path(BUILD), tmp_path)))
    answers = []
    for place in (floats, folder):
        engine = engines.Fovea(1)
        engine.load(place)
        engine.set_input(pixels[:1])
        answers.append(engine.run().copy())
    assert 0 < np.abs(answers[1] - answers[0]).max() < 0.1  # of codes, and not far off


def test_a_vector_of_zeros_gets_a_range_for_litert_and_the_answers_stay(tmp_path):
    tf = pytest.importorskip("tensorflow")
    import quantize_litert
    import random_network

    sys.path.insert(0, str(random_network.ROOT / "models"))
    from recipe import network

    tf.keras.utils.set_random_seed(1)
    model = network.build("small", 64)
    dead, alive = (network.backbone(model).get_layer(f"expanded_conv{number}/squeeze_excite/Conv") for number in ("", "_4"))
    kernel, bias = dead.get_weights()
    dead.set_weights([0 * kernel, bias - 1])
    before = [value.copy() for value in alive.get_weights()]
    pixels = np.random.default_rng(0).integers(0, 256, (2, 64, 64, 3), dtype=np.uint8)
    np.save(tmp_path / "calibration.npy", pixels)
    answers = model(pixels.astype(np.float32), training=False).numpy()
    quantize_litert.revive(model, tmp_path / "calibration")
    assert np.array_equal(model(pixels.astype(np.float32), training=False).numpy(), answers)
    kernel, bias = dead.get_weights()
    assert not kernel[..., 0].any() and bias[0] == 1
    assert all(np.array_equal(one, other) for one, other in zip(before, alive.get_weights()))


@needs_peers
def test_all_engines_quantise_and_are_timed(tmp_path):
    from PIL import Image, ImageEnhance

    for number in range(12):
        photo = Image.open(sorted(PHOTOS.glob("*.jpg"))[number % 3])
        ImageEnhance.Brightness(photo).enhance(0.8 + 0.04 * number).save(tmp_path / f"{number}.jpg")
    done = compare("--out", PEERS, "--build", BUILD, "--dtype", "int8", "--photos", tmp_path, "--count", "8", "--judged", "4", "--network",
                   "small224", "--rounds", "2", "--seconds", "0.01", "--loads", "1", "--core", min(os.sched_getaffinity(0)))
    assert done.returncode == 0, done.stderr
    results = json.loads((pathlib.Path(PEERS) / "measured_int8.json").read_text())["networks"]["small224"]
    assert sorted(results) == ["fovea", "fovea_floats", "litert", "mnn", "ncnn", "onnxruntime", "openvino"]
    for name, result in results.items():
        if name == "ncnn":
            assert "SKIP" in done.stdout and result["skipped"]
            continue
        assert "failed" not in result and result["difference"] <= 1e-4, name
        assert len(result["turns"]) == 2 and all(result["turns"]), name
        assert name == "fovea_floats" or result["labels"]["pictures"] == 4
