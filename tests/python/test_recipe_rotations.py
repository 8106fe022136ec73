# SPDX-License-Identifier: Apache-2.0
"""The rotated copies of the thesis: how many, which, and that they are rotations."""
import numpy as np
import pytest
from recipe_helpers import SIZE, eager, tf, tiny_data, tiny_settings  # noqa: F401

from recipe import dataset, images, network, rotations, train


def some_side(count=12):
    data = tiny_data(count)
    return {**{key: data[key] for key in ("pixels", "positive", "grades", "sources", "sites")}, "groups": np.arange(count),
            "names": [f"p{i}" for i in range(count)], "paths": [f"{i}.png" for i in range(count)]}


def test_each_photo_becomes_k_pictures_of_which_the_first_is_itself():
    side = rotations.expand(some_side(), 5, False, seed=3)
    assert len(side["angles"]) == 60 and np.array_equal(np.bincount(side["photo"]), np.full(12, 5))
    angles = side["angles"].reshape(12, 5)
    assert not angles[:, 0].any() and (angles[:, 1:] > 0).all() and (angles < 2 * np.pi).all()
    assert len(np.unique(angles[:, 1:])) == 48
    for key in rotations.PER_PICTURE:
        assert np.array_equal(side[key], some_side()[key][side["photo"]])
    again, other = rotations.expand(some_side(), 5, False, seed=3), rotations.expand(some_side(), 5, False, seed=4)
    assert np.array_equal(side["angles"], again["angles"]) and not np.array_equal(side["angles"], other["angles"])


@pytest.mark.parametrize("flip", [False, True])
def test_balance_gives_the_smaller_class_more_copies(flip):
    side = some_side()
    side["positive"] = np.array([1, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 0]) ^ int(flip)
    balanced = rotations.expand(side, 4, True, seed=1)
    assert np.sum(balanced["positive"]) * 2 == len(balanced["positive"]) == 2 * 9 * 4
    per_photo = np.bincount(balanced["photo"])
    assert set(per_photo[side["positive"] == int(not flip)]) == {12} and set(per_photo[side["positive"] == int(flip)]) == {4}
    assert (balanced["angles"][48:] > 0).all()


def test_the_originals_come_back():
    side = some_side()
    expanded = rotations.choose(rotations.expand(side, 3, True, seed=1), np.array([35, 1, 7, 6, 2, 33]))
    found, photos = rotations.originals(expanded), [0, 2, 11]
    assert found["names"] == ["p0", "p2", "p11"] and found["paths"] == ["0.png", "2.png", "11.png"] and "angles" not in found
    for key in ("pixels", *rotations.PER_PICTURE):
        assert np.array_equal(found[key], side[key][photos])
    assert rotations.originals(side) is side


def test_rotation_agrees_with_opencv():
    cv2 = pytest.importorskip("cv2")
    random = np.random.default_rng(0)
    smooth = cv2.GaussianBlur(random.integers(0, 256, (4, SIZE, SIZE, 3)).astype(np.float32).reshape(4 * SIZE, SIZE, 3), (0, 0), 2)
    pixels = smooth.reshape(4, SIZE, SIZE, 3)
    angles = np.array([0.0, 0.3, 2.0, 5.5], np.float32)
    turned = rotations.rotate(pixels, tf.constant(angles)).numpy()
    np.testing.assert_array_equal(turned[0], pixels[0])
    inside = images.disc_distance(SIZE) < 0.9
    for picture, angle, found in zip(pixels, angles, turned):
        matrix = cv2.getRotationMatrix2D(((SIZE - 1) / 2, (SIZE - 1) / 2), -np.degrees(angle), 1.0)
        wanted = cv2.warpAffine(picture, matrix, (SIZE, SIZE), flags=cv2.INTER_LINEAR)
        assert np.abs(wanted - found)[inside].max() < 3  # OpenCV samples on a grid of 1/32 pixel
        assert np.abs(wanted - picture)[inside].max() > 10 or angle == 0


def test_rotation_may_change_the_size():
    pixels = tf.fill((2, SIZE, SIZE, 3), 90.0)
    small = rotations.rotate(pixels, tf.constant([0.0, 1.0]), 32).numpy()
    assert small.shape == (2, 32, 32, 3)
    np.testing.assert_allclose(small[:, images.disc_distance(32) < 0.9], 90.0, atol=1e-3)


def test_logits_are_those_of_the_turned_pictures():
    model = network.build("small", SIZE, alpha=0.25)
    side = rotations.expand(some_side(4), 3, False, seed=3)
    turned = rotations.rotate(side["pixels"][side["photo"]], tf.constant(side["angles"]))
    np.testing.assert_allclose(rotations.logits(model, side, batch=5), network.logits_of(model, turned), atol=1e-5)
    np.testing.assert_array_equal(rotations.logits(model, some_side(4)), network.logits_of(model, some_side(4)["pixels"]))


def test_training_sees_every_rotated_copy_once_an_epoch(tmp_path, eager, monkeypatch):  # noqa: F811
    chosen = tiny_settings(epochs=1, steps_per_epoch=0, batch=6, keep="last")
    chosen["augment"]["rotations"] = 3
    data = dataset.with_chances(chosen, some_side())
    seen = []
    rotate = rotations.rotate

    def watched(pixels, angles, out_size=None):
        seen.extend((int(p[0, 0, 0]), int(p[5, 7, 1]), round(float(a), 5)) for p, a in zip(pixels.numpy(), angles.numpy()))
        return rotate(pixels, angles, out_size)

    monkeypatch.setattr(rotations, "rotate", watched)
    trainer = train.Trainer(chosen, tmp_path)
    trainer.fit(data, some_side(), report=None)
    pixels = data["pixels"][data["photo"]]
    assert sorted(seen) == sorted((int(p[0, 0, 0]), int(p[5, 7, 1]), round(float(a), 5)) for p, a in zip(pixels, data["angles"]))
    assert trainer.best_file.is_file()
