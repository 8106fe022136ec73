# SPDX-License-Identifier: Apache-2.0
"""What becomes of the answers when the photo is changed: which copies are made, what is counted. The program is a stand-in but for one test."""
import json
import pathlib
import sys

import numpy as np
import pytest

Image = pytest.importorskip("PIL.Image")
pytest.importorskip("sklearn")
REPOSITORY = pathlib.Path(__file__).parents[2]
sys.path.insert(0, str(REPOSITORY / "models"))
from recipe import conditions  # noqa: E402

# Says that the mean of red is the probability; what is black cannot be screened.
PROGRAM = """#!{python}
import json, pathlib, sys
import numpy as np
from PIL import Image
for path in sorted(pathlib.Path(sys.argv[-1]).iterdir()):
    p = float(np.asarray(Image.open(path))[..., 0].mean()) / 255
    row = {{"file": str(path), "status": "ok" if p else "error", "probabilities": [1 - p, p], "operating_point": {{"threshold": 0.5}}}}
    print(json.dumps(row))
"""


@pytest.fixture
def program(tmp_path):
    path = tmp_path / "fovea"
    path.write_text(PROGRAM.format(python=sys.executable))
    path.chmod(0o755)
    return path


def test_the_copies_are_the_photo_changed(tmp_path):
    pixels = np.random.default_rng(0).integers(0, 256, (40, 60, 3), np.uint8)
    turned = Image.fromarray(np.rot90(pixels).copy())
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned by 90 degrees clockwise: upright it is `pixels`
    turned.save(tmp_path / "photo.png", exif=exif)
    copies = tmp_path / "copies"
    copies.mkdir()
    conditions.write_copies(tmp_path / "photo.png", copies, 7)
    made = {int(path.name.split("_")[0]): np.asarray(Image.open(path)) for path in copies.iterdir()}
    by_name = {name: made[number] for number, name in enumerate(conditions.CONDITIONS)}
    assert len(made) == len(by_name) == 12
    np.testing.assert_array_equal(by_name["as it is"], pixels)
    for quarter in (1, 2, 3):
        np.testing.assert_array_equal(by_name[f"turned by {90 * quarter} degrees"], np.rot90(pixels, quarter))
        np.testing.assert_array_equal(by_name[f"mirrored and turned by {90 * quarter} degrees"], np.rot90(pixels[:, ::-1], quarter))
    np.testing.assert_array_equal(by_name["mirrored"], pixels[:, ::-1])
    means = pixels.reshape(20, 2, 30, 2, 3).mean(axis=(1, 3))
    assert np.abs(by_name["half the resolution"] - means).max() <= 1
    assert by_name["double the resolution"].shape == (80, 120, 3) and by_name["JPEG quality 50"].shape == pixels.shape
    assert 0 < np.abs(by_name["blurred"].astype(int) - pixels).mean() < 40


def test_changes_are_counted_by_source():
    count = len(conditions.CONDITIONS)
    score = np.tile(np.array([0.1, 0.9, 0.4, 0.6]), (count, 1))
    score[1] = [0.9, 0.1, 0.4, np.nan]  # both verdicts of `a` turn, one photo of `b` cannot be screened
    found = conditions.figures(score, score >= 0.5, np.array([False, True, False, True]), np.array(["a", "a", "b", "b"]))
    turned = found["turned by 90 degrees"]
    assert turned["a"] == {"photos": 2, "auc": 0.0, "changed": 1.0, "moved": pytest.approx(0.8)}
    assert turned["b"] == {"photos": 1, "auc": None, "changed": 0.0, "moved": 0.0}
    lines = conditions.table(found).splitlines()
    assert lines[0] == "| the photo | a (2) | b (2) | mean |" and lines[2] == "| as it is | 1.000 | 1.000 | 1.000 |"
    assert lines[3] == "| turned by 90 degrees | 0.000 / 100.0 % | – / 0.0 % | 0.000 / 50.0 % |"


@pytest.fixture
def source(tmp_path):
    folder = tmp_path / "photos"
    folder.mkdir()
    rows, sides = ["file,grade,patient,dr"], ["source,name,group,side"]
    for number, (grade, red, side) in enumerate([(0, 20, "validation"), (3, 230, "validation"), (-1, 200, "validation"), (4, 255, "train")]):
        Image.new("RGB", (8, 6), (red, 0, 0)).save(folder / f"p{number}.png")
        rows.append(f"p{number}.png,{grade},{number},{int(grade != 0)}")
        sides.append(f"a,p{number},{number},{side}")
    (folder / "labels.csv").write_text("\n".join(rows) + "\n")
    (tmp_path / "split.csv").write_text("\n".join(sides) + "\n")
    return folder


def test_the_command_takes_the_validation_side_and_prints_a_table(tmp_path, source, program, capsys):
    arguments = ["--detector", "x.fovea", "--split", str(tmp_path / "split.csv"), "--data", f"a={source}", "--fovea", str(program)]
    assert conditions.main([*arguments, "--json", str(tmp_path / "found.json")]) == 0
    found = json.loads((tmp_path / "found.json").read_text())
    assert all(rows["a"]["photos"] == 3 and rows["a"]["auc"] == 1.0 and rows["a"]["changed"] == 0 for rows in found.values())
    assert capsys.readouterr().out.startswith("| the photo | a (3) | mean |")
    assert conditions.main([*arguments, "--target", "referable_dr"]) == 0  # of grade -1 it is not known
    assert "| a (2) |" in capsys.readouterr().out
    assert conditions.main([*arguments, "--limit", "1"]) == 0
    assert "| a (1) |" in capsys.readouterr().out
    with pytest.raises(SystemExit):
        conditions.main([*arguments, "--views", "3"])
    program.write_text(program.read_text().replace("import sys", "") + "assert sys.argv[sys.argv.index('--views') + 1] == '4'\n")
    assert conditions.main([*arguments, "--views", "4"]) == 0
    assert conditions.main(arguments) == 1


@pytest.mark.parametrize("change, message", [
    (lambda a: a[:5] + ["b=" + a[5][2:]] + a[6:], "none of its photos is on the validation side of the split under the source 'b'"),
    (lambda a: a[:3] + ["nowhere.csv"] + a[4:], "nowhere.csv"), (lambda a: a[:7] + ["/nowhere/fovea"], "/nowhere/fovea")])
def test_what_is_missing_is_named(tmp_path, source, program, capsys, change, message):
    arguments = ["--detector", "x.fovea", "--split", str(tmp_path / "split.csv"), "--data", f"a={source}", "--fovea", str(program)]
    assert conditions.main(change(arguments)) == 1
    assert message in capsys.readouterr().err


def test_the_program_itself_answers_for_every_copy(fovea_binary):
    photo = REPOSITORY / "tests/golden/data/photos/IDRiD_008.jpg"
    model = REPOSITORY / "models/detectors/small224/small224.fovea"
    score, positive = conditions.answers(fovea_binary, model, [photo, photo], "any_dr", 1, lambda line: None)
    assert score.shape == (12, 2) and not np.isnan(score).any() and np.array_equal(score[:, 0], score[:, 1])
    assert positive.any() and len({round(value, 6) for value in score[:, 0]}) > 6
    turned = slice(0, 8)    # as it is, and the seven other ways to hold the camera
    views, _ = conditions.answers(fovea_binary, model, [photo], "any_dr", 8, lambda line: None)
    assert np.ptp(views[turned]) < 1e-3 < np.ptp(score[turned, 0]) / 10


def test_of_five_grades_the_answer_to_the_question_counts():
    row = {"probabilities": [0.2, 0.3, 0.3, 0.1, 0.1], "operating_point": {"threshold": 0.6}, "answers": [
        {"target": "any_dr", "score": 0.8, "result": "dr_signs_found"}, {"target": "referable_dr", "score": 0.5, "result": "no_dr_signs_found"}]}
    assert conditions._answer(row, "any_dr") == (0.8, True) and conditions._answer(row, "referable_dr") == (0.5, False)
    two = {"probabilities": [0.3, 0.7], "operating_point": {"threshold": 0.7}}
    assert conditions._answer(two, "any_dr") == (0.7, True)
