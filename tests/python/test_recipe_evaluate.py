# SPDX-License-Identifier: Apache-2.0
"""The recipe's figures by source: counts, intervals, which sources count."""
import pathlib
import sys

import numpy as np
import pytest

pytest.importorskip("sklearn")
sys.path.insert(0, str(pathlib.Path(__file__).parents[2] / "models"))
from fovea_tools import calibration  # noqa: E402

from recipe import evaluate  # noqa: E402


def test_counts_and_shares_at_a_threshold():
    score = np.array([0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8])
    positive = np.array([0, 0, 0, 1, 0, 1, 1, 1])
    found = evaluate.at_threshold(score, positive, 0.5)
    assert (found["true_positive"], found["false_negative"], found["true_negative"], found["false_positive"]) == (3, 1, 3, 1)
    for name in ("sensitivity", "specificity", "accuracy"):
        assert found[name][0] == 0.75 and found[name][1] < 0.75 < found[name][2]
    assert evaluate.at_threshold(score, np.ones(8, int), 0.5)["specificity"] is None


def test_figures_by_source():
    random = np.random.default_rng(4)
    positive = np.tile([0, 1], 60)
    margin = random.normal(0, 1, 120) + positive
    margin[:20] = (positive[:20] - 0.5) * 8     # the classes of "apart" do not overlap
    sources = np.array(["apart"] * 20 + ["mixed"] * 80 + ["one class"] * 20)
    positive[100:] = 1
    validation = {"sources": sources, "positive": positive, "groups": np.arange(120)}
    logits = np.stack([-margin, margin], axis=1)
    probabilities = calibration.softmax(logits, 2.0)
    found = evaluate.figures(validation, probabilities, 2.0, {"half": 0.5})
    assert found["sources"]["apart"]["auc"] == [1.0] and found["sources"]["one class"]["auc"] is None
    area, low, high = found["sources"]["mixed"]["auc"]
    assert low < area < high and found["mean_auc"] == (1 + area) / 2
    point = found["sources"]["mixed"]["operating_points"]["half"]
    here = slice(20, 100)
    assert point["true_positive"] == np.sum((margin[here] >= 0) & (positive[here] == 1))
    assert found["sources"]["mixed"]["photos"] == 80 and found["sources"]["mixed"]["positive"] == 40
    grouped = evaluate.figures({**validation, "groups": np.arange(120) // 8}, probabilities, 2.0, {"half": 0.5})
    assert grouped["sources"]["mixed"]["auc"][0] == area and grouped["sources"]["mixed"]["auc"][1] != low


def test_a_source_with_one_class_has_no_auc():
    sources, positive = np.array(["a", "a", "b", "b"]), np.array([0, 1, 1, 1])
    (name, here), = evaluate.sources_with_both_classes(sources, positive)
    assert name == "a" and here.tolist() == [True, True, False, False]


def test_the_quadratic_kappa_is_scikit_learns():
    from sklearn.metrics import cohen_kappa_score
    random = np.random.default_rng(1)
    true, called = random.integers(0, 5, 60), random.integers(0, 4, 60)
    assert evaluate.quadratic_kappa(true, called) == pytest.approx(cohen_kappa_score(true, called, weights="quadratic"))
    assert np.isnan(evaluate.quadratic_kappa(np.ones(3, int), np.ones(3, int)))


def test_grades_by_source_leave_out_what_is_not_known():
    grades = np.array([0, 1, 2, 3, 4, 0, 2, -1, 0, 1, 2, 4])
    sources = np.array(["a"] * 8 + ["b"] * 4)
    probabilities = np.eye(5)[np.where(grades < 0, 4, grades)]
    probabilities[0] = [0.1, 0.5, 0.2, 0.1, 0.1]
    found = evaluate.grade_figures({"sources": sources, "grades": grades, "groups": np.arange(12) // 2}, probabilities)
    assert found["a"]["photos"] == 7 and found["a"]["confusion_rows_true"][0] == [1, 1, 0, 0, 0]
    value, low, high = found["a"]["kappa"]
    assert low <= value <= high and value < 1 and found["b"]["kappa"] == [1, 1, 1]
    assert found["a"]["accuracy"][0] == 6 / 7
    assert evaluate.kappas(sources, grades, np.log(np.maximum(probabilities, 1e-9)))["a"] == pytest.approx(value)
