# SPDX-License-Identifier: Apache-2.0
"""Random views of the training pictures: repeatable, masked, and with companions laid over the first of them."""
import io

import numpy as np
from PIL import Image
from recipe_helpers import SIZE, STILL, shipped_settings, tf, tiny_data

from recipe import augment, images


def test_augmentation_depends_on_its_seed_alone():
    pixels = tf.constant(tiny_data()["pixels"])
    chosen = shipped_settings()["augment"]
    first = augment.augment(pixels, tf.constant([1, 2]), chosen)
    assert np.array_equal(first, augment.augment(pixels, tf.constant([1, 2]), chosen))
    assert not np.array_equal(first, augment.augment(pixels, tf.constant([1, 3]), chosen))
    assert 0 <= np.min(first) and np.max(first) <= 255
    outside = images.disc_distance(SIZE) > chosen["mask"][1]
    assert outside.any() and not np.any(first.numpy()[:, outside])


def test_augmentation_without_strength_is_a_rotation_about_the_centre():
    """Rings about the centre stay where they are, whatever the angle and flip."""
    axis = np.arange(SIZE) - (SIZE - 1) / 2
    rings = 128 + 100 * np.cos(np.hypot(axis[:, None], axis[None, :]) / 4)
    pixels = tf.constant(np.repeat(rings[None, :, :, None], 3, axis=3).repeat(8, axis=0), tf.float32)
    turned = augment.augment(pixels, tf.constant([5, 5]), STILL).numpy()
    inside = images.disc_distance(SIZE) < 0.75
    assert np.abs(turned - pixels.numpy())[:, inside].max() < 5


def test_pictures_may_leave_smaller_than_they_came():
    pixels = tf.constant(tiny_data(4)["pixels"])
    small = augment.augment(pixels, tf.constant([1, 2]), shipped_settings()["augment"], 32)
    assert small.shape == (4, 32, 32, 3)
    # A ramp along x keeps its mean and its range, whatever the angle.
    flat = augment.augment(tf.fill((4, SIZE, SIZE, 3), 90.0), tf.constant([1, 2]), STILL, 32).numpy()
    np.testing.assert_allclose(flat[:, images.disc_distance(32) < 0.75], 90.0, atol=1e-3)


def test_companions_touch_only_the_first_pictures():
    pixels, companions = tf.constant(tiny_data(8)["pixels"]), tf.constant(tiny_data(8)["pixels"][:3][::-1].copy())
    chosen, seed = shipped_settings()["augment"], tf.constant([3, 4])
    alone = augment.augment(pixels, seed, chosen).numpy()
    together = augment.augment(pixels, seed, chosen, companions=companions).numpy()
    np.testing.assert_array_equal(together[3:], alone[3:])
    for one, other in zip(alone[:3], together[:3]):
        assert np.abs(one - other).mean() > 5
    grey = tf.fill((3, SIZE, SIZE, 3), 128.0)  # a companion without details changes nothing
    np.testing.assert_allclose(augment.augment(pixels, seed, chosen, companions=grey), alone, atol=1e-3)


def test_a_companion_adds_its_details_and_no_edge_of_its_own():
    pixels = tf.fill((1, SIZE, SIZE, 3), 128.0)
    companion = np.full((1, SIZE, SIZE, 3), 128, np.uint8)
    distance = images.disc_distance(SIZE)
    companion[:, distance < 0.2] = 168
    companion[:, distance > augment.COMPANION_RADIUS] = 0  # the black around the disc
    seen = augment.augment(pixels, tf.constant([1, 1]), {**STILL, "mask": [1.0, 1.0]}, companions=tf.constant(companion)).numpy()[0]
    assert 128 + 0.45 * 40 < seen[distance < 0.1].mean() < 128 + 1.05 * 40  # at half to full strength
    np.testing.assert_allclose(seen[(distance > 0.4) & (distance < 0.93)], 128.0, atol=1e-3)


def test_some_pictures_bear_the_traces_of_jpeg():
    """As if the photo had been saved before the preset multiplied its contrast: Pillow is the reference."""
    axis = np.arange(SIZE)
    texture = 128 + 60 * np.sin(axis[:, None] / 3) * np.cos(axis[None, :] / 5)
    pixels = tf.constant(np.repeat(texture[None, ..., None], 3, axis=3).repeat(16, axis=0), tf.float32)
    seed = tf.constant([1, 2])
    as_they_are = augment.augment(pixels, seed, STILL).numpy()
    for share, expected in ((0.5, range(3, 14)), (1.0, [16])):
        saved = augment.augment(pixels, seed, {**STILL, "jpeg": share, "jpeg_quality": [10, 10]}).numpy()
        changed = [bool(np.any(one != other)) for one, other in zip(saved, as_they_are)]
        assert sum(changed) in expected
    best = augment.augment(pixels, seed, {**STILL, "jpeg": 1.0, "jpeg_quality": [100, 100]}).numpy()
    inside = images.disc_distance(SIZE) < 0.75
    # What is left at the best quality: rounding, half a grey level of the photo and a little more through the transform, four times.
    assert np.abs(best - as_they_are)[:, inside].max() < 10
    assert np.abs(saved - as_they_are)[:, inside].mean() > 2 * np.abs(best - as_they_are)[:, inside].mean()


def test_compression_is_that_of_libjpeg_at_the_contrast_of_the_photo():
    pixels = np.random.default_rng(3).integers(60, 200, (2, SIZE // 8, SIZE // 8, 3)).repeat(8, axis=1).repeat(8, axis=2)
    found = augment._compress(tf.constant(pixels, tf.float32), tf.constant([1, 2]), {"jpeg": 1.0, "jpeg_quality": [30, 30]}).numpy()
    for picture, ours in zip(pixels, found):
        file = io.BytesIO()
        Image.fromarray(np.round(128 + (picture - 128) / 4).astype(np.uint8)).save(file, "JPEG", quality=30)
        theirs = 128 + (np.asarray(Image.open(file), np.float32) - 128) * 4
        np.testing.assert_allclose(ours, theirs, atol=4)  # one grey level of the photo
