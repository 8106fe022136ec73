# SPDX-License-Identifier: Apache-2.0
"""The recipe's figures: weights, temperature, operating points, intervals."""
import pathlib
import sys

import numpy as np
import pytest

pytest.importorskip("sklearn")
pytest.importorskip("PIL.Image")
sys.path.insert(0, str(pathlib.Path(__file__).parents[2] / "models"))
from recipe import evaluate  # noqa: E402


def test_wilson_against_published_values():
    # Newcombe 1998, table I: 81/263 and 15/148, Wilson score without continuity correction.
    assert evaluate.wilson(81, 263)[1:] == pytest.approx([0.2553, 0.3662], abs=5e-5)
    assert evaluate.wilson(15, 148)[1:] == pytest.approx([0.0624, 0.1605], abs=5e-5)
    assert evaluate.wilson(0, 0) is None


def test_every_source_and_class_weighs_the_same():
    sources = np.array(["a"] * 90 + ["b"] * 10)
    positive = np.array([1] * 80 + [0] * 10 + [1] * 1 + [0] * 9)
    weights = evaluate.cell_weights(sources, positive)
    for source in "ab":
        for value in (0, 1):
            assert weights[(sources == source) & (positive == value)].sum() == pytest.approx(0.25)


def test_temperature_recovers_a_known_one():
    random = np.random.default_rng(1)
    true_margin = random.normal(0, 2, 20000)
    positive = (random.random(20000) < 1 / (1 + np.exp(-true_margin))).astype(int)
    logits = np.stack([np.zeros(20000), 3.0 * true_margin], axis=1)
    found = evaluate.fit_temperature(logits, positive, np.full(20000, 1 / 20000))
    assert found == pytest.approx(3.0, rel=0.05)


def test_operating_points_on_a_case_done_by_hand():
    score = np.array([0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8])
    positive = np.array([0, 0, 0, 1, 0, 1, 1, 1])
    points = evaluate.operating_points(score, positive, np.full(8, 1 / 8))
    # Sensitivity 1 up to 0.4; specificity 1 from 0.6; three of four each at 0.5.
    assert points == {"balanced": 0.5, "sensitivity_95": 0.4, "specificity_95": 0.6}
    counts = evaluate.at_threshold(score, positive, points["balanced"])
    assert (counts["true_positive"], counts["false_negative"]) == (3, 1)
    assert (counts["true_negative"], counts["false_positive"]) == (3, 1)


def test_thresholds_reach_what_their_names_say():
    random = np.random.default_rng(3)
    positive = random.integers(0, 2, 500)
    score = 1 / (1 + np.exp(-(random.normal(0, 1, 500) + 2 * positive)))
    points = evaluate.operating_points(score, positive, np.full(500, 1 / 500))
    assert evaluate.at_threshold(score, positive, points["sensitivity_95"])["sensitivity"][0] >= 0.95
    assert evaluate.at_threshold(score, positive, points["specificity_95"])["specificity"][0] >= 0.95


def test_auc_interval_widens_when_photos_come_in_groups():
    random = np.random.default_rng(4)
    positive = np.repeat(random.integers(0, 2, 60), 10)
    score = np.repeat(random.normal(0, 1, 60), 10) + positive
    single = evaluate.auc_with_interval(score, positive, np.arange(600))
    grouped = evaluate.auc_with_interval(score, positive, np.repeat(np.arange(60), 10))
    assert single[0] == grouped[0]
    assert single[1] < single[0] < single[2]
    assert grouped[2] - grouped[1] > 2 * (single[2] - single[1])


def test_rim_probes_show_a_detector_that_reads_the_rim():
    size = 64
    pixels = np.full((40, size, size, 3), 100, np.uint8)
    positive = np.arange(40) % 2
    pixels[positive == 1, :, :3] = 200  # a mark at the left rim
    validation = {"pixels": pixels, "positive": positive, "sources": np.array(["a"] * 40)}

    def logits_of(pictures):
        brightness = pictures[:, :, :3].mean((1, 2, 3))
        return np.stack([-brightness, brightness], axis=1)

    probes = evaluate.rim_probes(validation, logits_of)
    assert probes["rim only"]["a"] == 1.0
    assert probes["without rim"]["a"] == 0.5
