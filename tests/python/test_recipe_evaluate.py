# SPDX-License-Identifier: Apache-2.0
"""The recipe's figures: intervals, counts, probes."""
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


def test_counts_at_a_threshold():
    score = np.array([0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8])
    positive = np.array([0, 0, 0, 1, 0, 1, 1, 1])
    counts = evaluate.at_threshold(score, positive, 0.5)
    assert (counts["true_positive"], counts["false_negative"]) == (3, 1)
    assert (counts["true_negative"], counts["false_positive"]) == (3, 1)


def test_auc_interval_widens_when_photos_come_in_groups():
    random = np.random.default_rng(4)
    positive = np.repeat(random.integers(0, 2, 60), 10)
    score = np.repeat(random.normal(0, 1, 60), 10) + positive
    single = evaluate.auc_with_interval(score, positive, np.arange(600))
    grouped = evaluate.auc_with_interval(score, positive, np.repeat(np.arange(60), 10))
    assert single[0] == grouped[0]
    assert single[1] < single[0] < single[2]
    assert grouped[2] - grouped[1] > 2 * (single[2] - single[1])
