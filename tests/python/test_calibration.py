# SPDX-License-Identifier: Apache-2.0
"""The arithmetic of calibration against cases done by hand and against scikit-learn's and SciPy's figures."""
import csv
import json

import numpy as np
import pytest

pytest.importorskip("scipy")
from fovea_tools import calibration  # noqa: E402

GOLDEN = ["binary_balanced", "binary_rare_overconfident", "binary_ties", "grade5_aptos", "grade5_imbalanced", "grade5_missing_class"]


def test_every_source_and_class_weighs_the_same():
    sources = np.array(["a"] * 90 + ["b"] * 10)
    positive = np.array([1] * 80 + [0] * 10 + [1] * 1 + [0] * 9)
    weights = calibration.cell_weights(sources, positive)
    for source in "ab":
        for value in (0, 1):
            assert weights[(sources == source) & (positive == value)].sum() == pytest.approx(0.25)


def test_a_source_of_one_class_leaves_the_weights_whole():
    weights = calibration.cell_weights(np.array(["a", "a", "b"]), np.array([0, 1, 1]))
    assert weights.tolist() == pytest.approx([1 / 3, 1 / 3, 1 / 3])


def test_temperature_recovers_a_known_one():
    random = np.random.default_rng(1)
    true_margin = random.normal(0, 2, 20000)
    positive = (random.random(20000) < 1 / (1 + np.exp(-true_margin))).astype(int)
    logits = np.stack([np.zeros(20000), 3.0 * true_margin], axis=1)
    found = calibration.fit_temperature(logits, positive)
    assert found.value == pytest.approx(3.0, rel=0.05) and not found.at_bound


def test_weights_decide_whose_temperature_is_found():
    random = np.random.default_rng(2)
    logits = random.normal(0, 3, (4000, 2))
    classes = np.concatenate([logits[:2000].argmax(axis=1), random.integers(0, 2, 2000)])  # told apart, then guessed
    first, second = np.repeat([1.0, 1e-9], 2000), np.repeat([1e-9, 1.0], 2000)
    assert calibration.fit_temperature(logits, classes, first).value < 0.06
    assert calibration.fit_temperature(logits, classes, second).value > 19
    assert 0.1 < calibration.fit_temperature(logits, classes).value < 10


def test_an_end_of_the_range_is_told():
    logits = np.array([[-1.0, 1.0], [1.0, -1.0]])
    for classes, limit in (([1, 0], np.exp(-3)), ([0, 1], np.exp(3))):
        found = calibration.fit_temperature(logits, np.array(classes))
        assert found.at_bound and found.value == pytest.approx(limit, rel=1e-3)


def test_huge_logits_stay_finite():
    logits = np.array([[1e30, -1e30], [3e38, 3e38], [-1e30, 1e30]])
    assert np.isfinite(calibration.fit_temperature(logits, np.array([0, 1, 1])).value)
    assert np.isfinite(calibration.negative_log_likelihood(calibration.softmax(logits), np.array([1, 1, 0])))


def test_calibration_error_by_hand():
    probabilities = np.array([[0.2, 0.8], [0.8, 0.2], [0.45, 0.55], [0.4, 0.6], [0.0, 1.0]])
    classes = np.array([1, 1, 1, 0, 1])
    # Bins of 1/15: 0.8 is the upper edge of the twelfth (half of two right); 0.55 and 0.6 share the ninth (half right); 1.0 is right.
    expected = (abs(1 - 1.6) + abs(1 - 1.15) + 0) / 5
    assert calibration.expected_calibration_error(probabilities, classes) == pytest.approx(expected)
    weights = np.array([0, 0, 0, 2.0, 2.0])
    assert calibration.expected_calibration_error(probabilities, classes, weights) == pytest.approx(0.3)


def test_likelihood_of_an_impossible_class_is_cut():
    probabilities = np.array([[1.0, 0.0], [0.5, 0.5]])
    found = calibration.negative_log_likelihood(probabilities, np.array([1, 0]))
    assert found == pytest.approx((-np.log(1e-7) + np.log(2)) / 2)


def test_operating_points_on_a_case_done_by_hand():
    score = np.array([0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8])
    positive = np.array([0, 0, 0, 1, 0, 1, 1, 1])
    # Sensitivity 1 up to 0.4; specificity 1 from 0.6; three of four each at 0.5. Each lies halfway to the score below.
    points = calibration.operating_points(score, positive)
    assert points == pytest.approx({"balanced": 0.45, "sensitivity_95": 0.35, "specificity_95": 0.55})
    order = np.random.default_rng(1).permutation(8)
    assert calibration.operating_points(score[order], positive[order]) == points


@pytest.mark.parametrize("seed", range(20))
def test_thresholds_reach_what_their_names_say_and_no_more(seed):
    random = np.random.default_rng(seed)
    count = int(random.integers(2, 300))
    positive = random.integers(0, 2, count)
    positive[:2] = [0, 1]
    # Ties, and scores at both ends.
    score = np.round(1 / (1 + np.exp(-(random.normal(0, 1, count) + 2 * positive))), int(random.integers(1, 6))).clip(0, 0.9999)
    weights = random.uniform(0.1, 2, count)
    points = calibration.operating_points(score, positive, weights)

    def rates(threshold):
        found = score >= threshold
        sick, well = weights * positive, weights * (1 - positive)
        return sick[found].sum() / sick.sum(), well[~found].sum() / well.sum()

    every = [rates(threshold) for threshold in [*np.unique(score), 1.0]]
    assert rates(points["sensitivity_95"])[0] >= 0.95 - 1e-9
    assert rates(points["specificity_95"])[1] >= 0.95 - 1e-9
    assert rates(points["sensitivity_95"])[1] == pytest.approx(max(spec for sens, spec in every if sens >= 0.95 - 1e-9))
    assert rates(points["specificity_95"])[0] == pytest.approx(max(sens for sens, spec in every if spec >= 0.95 - 1e-9))
    sens, spec = rates(points["balanced"])
    assert abs(sens - spec) == pytest.approx(min(abs(a - b) for a, b in every))


def test_thresholds_are_far_from_every_score():
    random = np.random.default_rng(9)
    score = np.unique(np.round(random.random(400), 3))
    positive = (random.random(len(score)) < score).astype(int)
    for threshold in calibration.operating_points(score, positive).values():
        assert np.abs(score - threshold).min() >= 0.0005 - 1e-12


@pytest.mark.parametrize("name", GOLDEN)
def test_equal_to_the_reference_figures(fovea_data, name):
    folder = fovea_data / "golden" / "metrics"
    expected = json.loads((folder / f"{name}.json").read_text())
    with open(folder / f"{name}.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    count = expected["classes"]
    classes = np.array([int(row["label"]) for row in rows])
    logits = np.array([[float(row[f"logit{c}"]) for c in range(count)] for row in rows])
    given = np.array([[float(row[f"p{c}"]) for c in range(count)] for row in rows])
    assert calibration.expected_calibration_error(given, classes) == pytest.approx(expected["ece15"], rel=1e-9)
    assert calibration.negative_log_likelihood(given, classes) == pytest.approx(expected["nll_of_p_clipped_1e-7"], rel=1e-9)
    found = calibration.fit_temperature(logits, classes)
    assert found.value == pytest.approx(expected["temperature"]["T"], rel=1e-5)
    assert found.at_bound == expected["temperature"]["at_bound"]
    after = calibration.softmax(logits, found.value)
    assert calibration.expected_calibration_error(after, classes) == pytest.approx(expected["temperature"]["ece15_after"], rel=1e-5)
    if count == 2:
        points = calibration.operating_points(given[:, 1], classes)
        for ours, theirs in (("sensitivity_95", "high_sensitivity_0.95"), ("specificity_95", "high_specificity_0.95")):
            # Reference thresholds are scores that occur; ours lie below them and above the next lower score.
            reference = expected["operating_points"][theirs]["threshold"]
            lower = given[given[:, 1] < reference, 1].max()
            assert lower < points[ours] < reference
