# SPDX-License-Identifier: Apache-2.0
"""Codes beside floats: what is counted, and the command on the shipped Small and the sample photos."""
import json
import pathlib
import sys

import numpy as np
import pytest
from cli_helpers import ROOT, SAMPLES, fovea_ok, needs_binary

pytest.importorskip("sklearn")
sys.path.insert(0, str(ROOT / "models"))
from recipe import beside_floats  # noqa: E402


def test_what_moved_is_counted():
    floats = np.array([[0.0, 2.0], [0.0, -1.0], [0.0, 0.1], [0.0, -3.0]])
    codes = floats + [[0.0, 0.3], [0.0, 0.0], [0.1, -0.1], [0.0, 0.0]]
    ill = {"a": (np.array([0, 1]), np.array([True, False])), "b": (np.array([2, 3]), np.array([True, False]))}
    found = beside_floats.compare(floats, codes, 1.0, 0.5, ill)
    assert found["photos"] == 4 and found["labels_differ"] == 1
    assert found["margin_rms"] == pytest.approx(np.sqrt((0.09 + 0.04) / 4)) and found["margin_largest"] == pytest.approx(0.3)
    assert found["floats"]["sensitivity"] == 1.0 and found["codes"] == {"sensitivity": 0.5, "specificity": 1.0, "accuracy": 0.75}
    assert found["sources"]["b"] == {"photos": 2, "same_label": 0.5, "auc": [1.0, 1.0]}
    told = beside_floats.text(found)
    assert "| sensitivity | 100.00 % | 50.00 % |" in told and "| a | 2 | 1.0000 | 1.0000 | 100.0 % |" in told
    assert "the same for 75.00 % of the 4 photos (1 differ)" in told


def test_five_grades_are_compared_by_the_question():
    """Referable DR at 0.5: of the photo whose grade is not known nothing is told."""
    floats = np.log([[0.1, 0.3, 0.3, 0.2, 0.1], [0.6, 0.1, 0.1, 0.1, 0.1], [0.2, 0.2, 0.2, 0.2, 0.2]])
    codes = np.log([[0.2, 0.35, 0.25, 0.1, 0.1], [0.3, 0.4, 0.1, 0.1, 0.1], [0.2, 0.2, 0.2, 0.2, 0.2]])
    rows = [{"source": "a", "grade": grade} for grade in ("2", "0", "-1")]
    referable, any_dr = (beside_floats.compare(floats, codes, 1.0, 0.5, beside_floats._ill(rows, first), first) for first in (2, 1))
    assert (referable["photos"], referable["labels_differ"], any_dr["photos"], any_dr["labels_differ"]) == (2, 1, 3, 1)
    moved = np.log(0.45 / 0.55) - np.log(0.6 / 0.4), 0.0
    assert referable["margin_rms"] == pytest.approx(np.sqrt(np.mean(np.square(moved))))
    assert any_dr["floats"]["sensitivity"] == 1.0 and any_dr["codes"]["specificity"] == 0.0


@needs_binary
def test_the_command_on_the_shipped_small(tmp_path, capsys):
    import cli_helpers
    small = ROOT / "models" / "detectors" / "small224" / "small224.fovea"
    pictures = tmp_path / "images" / "idrid"
    pictures.mkdir(parents=True)
    rows = ["source,name,grade,patient,group,side"]
    for sample, grade in zip(SAMPLES, (4, 2, 0)):
        fovea_ok("preprocess", "--model", small, sample, pictures / f"{sample.stem}.png")
        rows.append(f"idrid,{sample.stem},{grade},{sample.stem},1,validation")
    (tmp_path / "split.csv").write_text("\n".join(rows) + "\n")
    arguments = ["--floats", str(small), "--codes", str(small.with_name("small224_int8.fovea")), "--images", str(tmp_path / "images"),
                 "--split", str(tmp_path / "split.csv"), "--fovea", cli_helpers.BINARY, "--json", str(tmp_path / "found.json")]
    assert beside_floats.main(arguments) == 0
    found = json.loads((tmp_path / "found.json").read_text())
    assert found["any_dr"]["photos"] == 3 and 0 < found["any_dr"]["margin_rms"] < 0.5 and "| idrid | 3 |" in capsys.readouterr().out
    next(pictures.iterdir()).unlink()
    assert beside_floats.main(arguments) == 1
    assert "no picture of 1 photos of" in capsys.readouterr().err
