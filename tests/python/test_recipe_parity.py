# SPDX-License-Identifier: Apache-2.0
"""Keras against the engine: what is counted, and how failures are told. The programs are stand-ins here."""
import pathlib
import stat
import sys

import numpy as np
import pytest

Image = pytest.importorskip("PIL.Image")
pytest.importorskip("scipy")
sys.path.insert(0, str(pathlib.Path(__file__).parents[2] / "models"))
from recipe import parity, validation_pictures  # noqa: E402

PROGRAM = """#!{python}
import json, sys
import numpy as np
for path in sys.argv[4:]:
    print(json.dumps({{"file": path, "logits": [0.0, float(np.load(path)[0, 0, 0])]}}))
"""


def program(folder, text):
    path = folder / "fovea"
    path.write_text(text.format(python=sys.executable))
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return path


def test_differences_are_counted():
    keras = np.array([[0.0, 2.0], [0.0, -1.0], [0.0, 0.1], [0.0, 0.0]])
    engine = np.array([[0.0, 2.0], [0.0, -1.0], [0.0, -0.1], [0.0, 0.5]])
    found = parity.compare(keras, engine, 2.0, parity.points_of("any_dr", {"half": 0.5, "high": 0.52}))
    assert found["photos"] == 4 and found["labels_differ"] == 2 and found["verdicts_differ"] == {"half": 1, "high": 1}
    assert found["largest_logit_difference"] == 0.5 and found["spread_of_logits"] == 3.0
    assert found["largest_probability_difference"] == pytest.approx(1 / (1 + np.exp(-0.25)) - 0.5)
    assert not parity.reached(found) and "differs for 2, the verdict for 1 at `half`, 1 at `high`" in parity.sentences(found)
    assert parity.reached(parity.compare(keras, keras + 1e-5, 1.0, {}))
    assert not parity.reached(parity.compare(keras, keras * [1, 1.001], 1.0, {}))


def test_five_grades_have_two_verdicts():
    keras = np.log([[0.3, 0.3, 0.2, 0.1, 0.1], [0.6, 0.1, 0.1, 0.1, 0.1]])
    engine = np.log([[0.3, 0.32, 0.18, 0.1, 0.1], [0.4, 0.3, 0.1, 0.1, 0.1]])
    points = parity.points_of("grade5", [("balanced", 0.39)], [("balanced", 0.5)])
    assert parity.compare(keras, engine, 1.0, points)["verdicts_differ"] == {"balanced": 1, "balanced, any DR": 1}


def test_every_picture_is_asked_in_order(tmp_path):
    pixels = np.zeros((2 * parity.AT_ONCE + 1, 4, 4, 3), np.uint8)
    pixels[:, 0, 0, 0] = np.arange(len(pixels)) % 251
    found = parity.engine_logits(program(tmp_path, PROGRAM), "x.fovea", pixels)
    np.testing.assert_array_equal(found[:, 1], np.arange(len(pixels)) % 251)


@pytest.mark.parametrize("text, message", [
    ("#!{python}\nimport sys\nsys.exit('no such model')\n", "no such model"), ("#!{python}\nprint('text')\n", "a line without logits"),
    ("#!{python}\nprint('{{\"logits\": [0, 1]}}')\n", "1 lines for 2 pictures"), ("#!/nowhere\n", "fovea: ")])
def test_a_program_that_fails_is_named(tmp_path, text, message):
    with pytest.raises(parity.ParityError, match=message):
        parity.engine_logits(program(tmp_path, text), "x.fovea", np.zeros((2, 4, 4, 3), np.uint8))


def test_only_the_validation_side_is_taken(tmp_path):
    for source in "ab":
        (tmp_path / "images" / source).mkdir(parents=True)
        for number in range(3):
            Image.new("RGB", (8, 8), (ord(source), number, 0)).save(tmp_path / "images" / source / f"p{number}.png")
    split = tmp_path / "split.csv"
    split.write_text("source,name,side\na,p0,train\na,p1,validation\nb,p1,dropped\nb,p2,validation\n")
    found = parity._pictures(tmp_path / "images", split, 8)
    assert found[:, 0, 0].tolist() == [[97, 1, 0], [98, 2, 0]]
    assert len(parity._pictures(tmp_path / "images", None, 8)) == 6
    split.write_text("source,name,side\na,p9,validation\n")
    with pytest.raises(validation_pictures.PicturesError, match="no picture of 1 photos of .*split.csv, the first a/p9"):
        parity._pictures(tmp_path / "images", split, 8)
    with pytest.raises(validation_pictures.PicturesError, match="p0.png: 8 x 8, expected 16 x 16"):
        parity._pictures(tmp_path / "images", None, 16)
    split.write_text("source,name,side\na,p0,train\n")
    with pytest.raises(parity.ParityError, match="no photo of the validation side"):
        parity._pictures(tmp_path / "images", split, 8)
    split.write_text("photo,side\na,train\n")
    with pytest.raises(validation_pictures.PicturesError, match="columns source, name and side"):
        parity._pictures(tmp_path / "images", split, 8)
    with pytest.raises(parity.ParityError, match="no .png"):
        parity._pictures(tmp_path / "nowhere", None, 8)


@pytest.mark.parametrize("arguments", [[], ["--weights", "w.h5"], ["--keras", "m.keras", "--architecture", "small"]])
def test_wrong_usage_is_status_2(arguments):
    with pytest.raises(SystemExit) as stop:
        parity.main(["--detector", "d.fovea", "--images", ".", "--fovea", "fovea", *arguments])
    assert stop.value.code == 2


def test_a_file_that_is_no_detector_is_named(tmp_path, capsys):
    (tmp_path / "d.fovea").write_bytes(b"text")
    assert parity.main(["--detector", str(tmp_path / "d.fovea"), "--images", ".", "--fovea", "fovea", "--keras", "m.keras"]) == 1
    assert "d.fovea" in capsys.readouterr().err
