# SPDX-License-Identifier: Apache-2.0
"""Which pictures a step sees: shares of sources and classes, each picture once, companions."""
import numpy as np
import pytest
from recipe_helpers import MODELS  # noqa: F401

from recipe import sampling


def test_sampling_weighs_sources_and_classes():
    sources = np.array(["a"] * 100 + ["b"] * 25)
    positive = np.array([1] * 10 + [0] * 90 + [1] * 20 + [0] * 5)
    chance = sampling.probabilities(sources, positive, 0.5)
    shares = {(s, p): chance[(sources == s) & (positive == p)].sum() for s in "ab" for p in (0, 1)}
    assert shares == pytest.approx({("a", 0): 1 / 3, ("a", 1): 1 / 3, ("b", 0): 1 / 6, ("b", 1): 1 / 6})
    with pytest.raises(sampling.SamplingError, match="'c' has no positive"):
        sampling.probabilities(["c"], [0], 0.5)


def test_the_site_does_not_tell_the_class():
    sites = np.array(["x"] * 60 + ["y"] * 40 + ["only ill"] * 10 + ["only healthy"] * 10)
    positive = np.array([1] * 50 + [0] * 10 + [1] * 5 + [0] * 35 + [1] * 10 + [0] * 10)
    chance = sampling.probabilities(["a"] * 120, positive, 1.0, sites=sites)
    # The sites of one class are one site together.
    for site, share in (("x", 60), ("y", 40), ("only", 20)):
        here = np.char.startswith(sites, site)
        assert [chance[here & (positive == value)].sum() for value in (0, 1)] == pytest.approx([share / 240] * 2)
    # Alone, such a site goes with the largest of the others.
    positive[-10:] = 1
    chance = sampling.probabilities(["a"] * 120, positive, 1.0, sites=sites)
    ill = np.char.startswith(sites, "x") | np.char.startswith(sites, "only")
    assert [chance[ill & (positive == value)].sum() for value in (0, 1)] == pytest.approx([80 / 240] * 2)
    # Where every site has one class there is nothing to weigh.
    chance = sampling.probabilities(["a"] * 4, np.array([1, 1, 0, 0]), 1.0, sites=["x", "x", "y", "y"])
    np.testing.assert_allclose(chance, np.full(4, 1 / 4))


def test_classes_may_stay_as_they_are():
    sources = np.array(["a"] * 100 + ["b"] * 25)
    positive = np.array([1] * 10 + [0] * 90 + [1] * 20 + [0] * 5)
    chance = sampling.probabilities(sources, positive, 1.0, class_balance=False)
    np.testing.assert_allclose(chance, np.full(125, 1 / 125))


def test_an_epoch_is_drawn_by_chance_or_every_picture_comes_once():
    chance = np.array([0.0, 0.5, 0.5, 0.0, 0.0, 0.0, 0.0])
    drawn = sampling.batches({"steps_per_epoch": 40, "batch": 3}, chance, np.random.default_rng(1))
    assert drawn.shape == (40, 3) and set(drawn.ravel()) == {1, 2}
    once = sampling.batches({"steps_per_epoch": 0, "batch": 3}, chance, np.random.default_rng(1))
    assert once.shape == (2, 3) and len(set(once.ravel())) == 6
    other = sampling.batches({"steps_per_epoch": 0, "batch": 3}, chance, np.random.default_rng(2))
    assert not np.array_equal(once, other)
    with pytest.raises(sampling.SamplingError, match="7 training pictures do not fill a batch of 8"):
        sampling.batches({"steps_per_epoch": 0, "batch": 8}, chance, np.random.default_rng(1))


def test_companions_are_healthy_and_every_source_gives_as_many():
    sources = np.array(["a"] * 10 + ["b"] * 4 + ["c"] * 2)
    positive = np.array([0] * 6 + [1] * 4 + [0, 1, 1, 1] + [1, 1])
    chance = sampling.companion_probabilities(sources, positive)
    assert not chance[positive == 1].any() and chance.sum() == pytest.approx(1)
    assert chance[sources == "a"].sum() == pytest.approx(0.5) and chance[sources == "b"].sum() == pytest.approx(0.5)
