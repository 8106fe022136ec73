# SPDX-License-Identifier: Apache-2.0
"""The comparison of whole chains: its table, its refusals, what the peers' chains compute, and, where they are installed, a short run."""
import json
import os
import pathlib
import subprocess
import sys

import numpy as np
import pytest

ROOT = pathlib.Path(__file__).parents[2]
BENCH = ROOT / "bench" / "peers"
sys.path.insert(0, str(BENCH))
import chain  # noqa: E402
import chain_runner  # noqa: E402
from environments import BenchError  # noqa: E402

PEERS, BUILD = os.environ.get("FOVEA_PEERS", ""), os.environ.get("FOVEA_BUILD_DIRECTORY", "")
PHOTO = chain.PHOTOS[0]
FACTS = {"cpu": "a CPU", "detector": "large224.fovea", "rounds": 2, "turn": 2, "load_before": 0.0}


def made_up(*photos, interruptions=0):
    return {"version": "1.0", "difference": 0.01, "photos": [{"turns": turns, "interruptions": interruptions} for turns in photos]}


def run(*arguments):
    return subprocess.run([sys.executable, BENCH / "chain.py", *map(str, arguments)], capture_output=True, text=True, timeout=3000)


def test_the_table_holds_the_figures():
    measured = {1: {"fovea": made_up([[0.030, 0.031], [0.040, 0.041]], [[0.010], [0.010]]),
                    "opencv_litert": made_up([[0.060, 0.062], [0.060, 0.0615]], [[0.02], [0.03]]),
                    "pillow_litert": {**made_up([], []), "failed": "1 of 2 verdicts differ | from fovea's"}}}
    text = chain.markdown(FACTS, ["a.jpg", "b.jpg"], measured)
    assert "## 1 thread\n" in text and "Do not quote" not in text
    assert "| fovea 1.0 | 30.0, 35.5 | 1.00 | 10.0, 10.0 | 1.00 | 0.01 |" in text
    assert "| opencv_litert 1.0 | 60.0, 60.8 | 1.75 | 20.0, 25.0 | 2.50 | 0.01 |" in text  # the medians of (2.0, 1.5) and (2, 3)
    rows = [line for line in text.splitlines() if line.startswith("|")]
    assert "not timed: 1 of 2 verdicts differ / from" in rows[-1] and len({row.count("|") for row in rows}) == 1


def test_an_unquiet_machine_is_named():
    measured = {2: {"fovea": made_up([[0.03] * 9], interruptions=5)}}
    text = chain.markdown({**FACTS, "load_before": 3.0}, ["a.jpg"], measured)
    assert "Do not quote these times" in text and "its load was 3.0" in text
    assert "2 threads, fovea: the core was taken away 5 times in 10 runs" in text


def test_a_chain_that_differs_is_refused():
    reference = {"scores": [0.9, 0.2], "found": [1, 0]}
    assert chain.agree({"scores": [0.85, 0.22], "found": [1, 0]}, reference, 0.1) == pytest.approx(0.05)
    with pytest.raises(BenchError, match="1 of 2 verdicts differ"):
        chain.agree({"scores": [0.9, 0.2], "found": [1, 1]}, reference, 0.1)
    for score in (0.7, float("nan")):
        with pytest.raises(BenchError, match="scores differ"):
            chain.agree({"scores": [0.9 if score == 0.7 else score, 0.2 if score != 0.7 else 0.4], "found": [1, 0]}, reference, 0.1)


def test_wrong_use_is_named(tmp_path):
    missing = run("--out", tmp_path, "--threads", 1)
    assert missing.returncode == 1 and "run chain.py --install first" in missing.stderr
    nothing = run("--out", tmp_path, tmp_path / "none.jpg")
    assert nothing.returncode == 1 and "none.jpg: no such file" in nothing.stderr
    cores = run("--threads", 4000)
    assert cores.returncode == 2 and "--threads 4000: there are" in cores.stderr
    assert run("--chain", "none").returncode == 2
    assert "Traceback" not in missing.stderr + nothing.stderr + cores.stderr


def test_the_scale_leaves_twice_the_input():
    assert [chain_runner.reduction(4288, 2848, size) for size in (224, 512, 1424, 1425, 3000)] == [4, 2, 1, 1, 1]
    assert chain_runner.reduction(3584, 3584, 224) == 8 and chain_runner.reduction(3584, 3583, 224) == 4


def facts(**changes):
    return {"size": 224, "sigma": 0, "tolerance": 7, "circle_mask": True, "temperature": 1.0, "threshold": 0.5, **changes}


def test_opencvs_chain_is_the_detectors_preset():
    cv2 = pytest.importorskip("cv2")
    sys.path.insert(0, str(ROOT / "tests" / "golden"))
    from opencv_presets import kaggle_ben_color

    data = PHOTO.read_bytes()
    image = cv2.cvtColor(cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR), cv2.COLOR_BGR2RGB)
    shape = chain_runner.jpeg_shape(data)
    assert shape == (image.shape[1], image.shape[0])
    wanted = kaggle_ben_color(image, 224, how=cv2.INTER_AREA)
    pixels = chain_runner.OpenCv(facts(), 1, False).pixels(data, shape)
    assert np.array_equal(pixels, wanted)
    # At half the size the same picture, but for what the scales of the decoder change.
    small = chain_runner.OpenCv(facts(size=112), 1, True).pixels(data, shape)
    whole = chain_runner.OpenCv(facts(size=112), 1, False).pixels(data, shape)
    assert not np.array_equal(small, whole) and np.abs(small.astype(int) - whole).mean() < 4


@pytest.mark.parametrize("photo", chain.PHOTOS, ids=lambda path: path.stem)
def test_pillows_chain_is_nearly_it(photo):
    pytest.importorskip("PIL.Image")
    pytest.importorskip("cv2")
    data = photo.read_bytes()
    shape = chain_runner.jpeg_shape(data)
    wanted = chain_runner.OpenCv(facts(), 1, False).pixels(data, shape).astype(int)
    for is_reduced in (False, True):
        pixels = chain_runner.Pillow(facts(), 1, is_reduced).pixels(data, shape)
        assert pixels.shape == wanted.shape and np.abs(pixels - wanted).mean() < 4
        assert np.corrcoef(pixels.ravel(), wanted.ravel())[0, 1] > 0.97  # red and blue exchanged: 0.94 at most
        assert not pixels[0, 0].any()


def test_a_file_without_a_frame_header_is_refused():
    with pytest.raises(ValueError, match="plain JPEG"):
        chain_runner.jpeg_shape(b"\xff\xd8\xff\xe0\x00\x04ab\x00\x00")


@pytest.mark.skipif(not (PEERS and BUILD), reason="FOVEA_PEERS (a folder of chain.py --install) or FOVEA_BUILD_DIRECTORY (a Meson "
                    "build folder) is not set")
def test_all_chains_agree_and_are_timed():
    if not (pathlib.Path(PEERS) / "environments" / chain.ENVIRONMENT / "installed").is_file():
        pytest.skip("chain.py --install was not run")
    done = run("--out", PEERS, "--build", BUILD, "--threads", 1, "--rounds", 2, "--turn", 1)
    assert done.returncode == 0, done.stderr
    results = json.loads((pathlib.Path(PEERS) / "chain.json").read_text())["threads"]["1"]
    assert tuple(results) == chain.CHAINS
    for name, result in results.items():
        assert "failed" not in result and 0 <= result["difference"] <= 0.1, name
        assert all(len(photo["turns"]) == 2 and min(min(turn) for turn in photo["turns"]) > 0 for photo in result["photos"])
        assert f"| {name} " in done.stdout
