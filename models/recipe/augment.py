# SPDX-License-Identifier: Apache-2.0
"""Random views of preprocessed pictures, as one TensorFlow graph over a batch.

The pictures are inscribed discs on black. What betrays the camera and not the eye is varied: the frame (zoom
of each axis, mask radius), sharpness, contrast, tint, noise, the traces of JPEG. Every random number comes from (seed, step), so a
resumed training sees what an uninterrupted one would have seen.
"""
import math

import tensorflow as tf

from . import images

CONTRAST_GAIN = 4.0     # by which the preset `kaggle_ben_color` multiplies a photo's local contrast (addWeighted's 4 and -4)
COMPANION_RADIUS = 0.95  # of the inscribed disc; nearer the rim a companion would add its own edge


class Uniform:
    """Independent uniform draws, numbered in calling order, all derived from one seed pair."""

    def __init__(self, seed, count):
        self._seed = tf.cast(seed, tf.int32)
        self._count = count
        self._calls = 0

    def _next_seed(self):
        self._calls += 1
        return tf.random.experimental.stateless_fold_in(self._seed, self._calls)

    def __call__(self, low, high, *shape):
        return tf.random.stateless_uniform((self._count, *shape), self._next_seed(), low, high)


def _projective(draw, size, out_size, settings):
    """Eight numbers a picture that take an output pixel to an input pixel (ImageProjectiveTransformV3). Pictures of
    side `size` become pictures of side `out_size`."""
    angle = draw(0.0, 2 * math.pi)
    # Zoom acts along the camera's own axes, before the rotation: that is how a frame cuts a disc.
    log_low, log_high = math.log(settings["zoom"][0]), math.log(settings["zoom"][1])
    common = draw(log_low, log_high)
    stretch = math.log(settings["stretch"])
    difference = draw(-stretch, stretch)
    flip = tf.where(draw(0.0, 1.0) < 0.5, 1.0, -1.0)
    shrink = size / out_size
    inverse_x = flip * shrink * tf.exp(-(common + difference / 2))
    inverse_y = shrink * tf.exp(-(common - difference / 2))
    cosine, sine = tf.cos(angle), tf.sin(angle)
    a, b = inverse_x * cosine, inverse_x * sine
    d, e = -inverse_y * sine, inverse_y * cosine
    centre, out_centre = (size - 1) / 2, (out_size - 1) / 2
    shift = settings["shift"] * size
    c = centre - (a + b) * out_centre + draw(-shift, shift)
    f = centre - (d + e) * out_centre + draw(-shift, shift)
    zero = tf.zeros_like(a)
    return tf.stack([a, b, c, d, e, f, zero, zero], axis=1)


def _blur(pixels, sigma, radius):
    taps = [math.exp(-x * x / (2 * sigma * sigma)) for x in range(-radius, radius + 1)]
    total = sum(taps)
    row = tf.tile(tf.constant([t / total for t in taps], tf.float32)[None, :, None, None], [1, 1, 3, 1])
    pixels = tf.nn.depthwise_conv2d(pixels, row, (1, 1, 1, 1), "SAME")
    return tf.nn.depthwise_conv2d(pixels, tf.transpose(row, (1, 0, 2, 3)), (1, 1, 1, 1), "SAME")


def _move(pixels, draw, out_size, settings):
    return tf.raw_ops.ImageProjectiveTransformV3(
        images=pixels, transforms=_projective(draw, pixels.shape[1], out_size, settings),
        output_shape=[out_size, out_size], interpolation="BILINEAR", fill_mode="CONSTANT", fill_value=0.0)


def _lay_over(pixels, companions, seed, settings):
    """Adds the details of the companions, which are photos of healthy eyes, to the first pictures of the batch.

    The pictures are local contrast about 128, so vessels and spots of both eyes show in the sum, and so do the traces of
    both cameras. The label stays, since a healthy eye adds no lesion: what remains to be learnt is the lesion.
    """
    size, count = pixels.shape[1], tf.shape(companions)[0]
    draw = Uniform(seed, count)
    inside = tf.cast(tf.constant(images.disc_distance(companions.shape[1])) < COMPANION_RADIUS, tf.float32)[None, ..., None]
    details = (tf.cast(companions, tf.float32) - 128.0) * inside
    details = _move(details, draw, size, settings) * draw(0.5, 1.0, 1, 1, 1)
    return tf.concat([pixels[:count] + details, pixels[count:]], axis=0)


def _compress(pixels, seed, settings):
    """Some of the pictures as they would be, had the photo been saved as a JPEG of low quality before the preset.

    What JPEG rounds off is small in the photo and four times as large after the preset, so the pictures are compressed at the photo's
    contrast, about the same mean. Done before they are turned: the blocks lie along the camera's axes.
    """
    count = tf.shape(pixels)[0]
    draw = Uniform(seed, count)
    chosen = draw(0.0, 1.0) < settings["jpeg"]
    low, high = settings["jpeg_quality"]
    quality = tf.cast(tf.round(draw(float(low), float(high))), tf.int32)

    def saved_and_read(arguments):
        picture, chosen, quality = arguments

        def compressed():
            photo = tf.cast(tf.round(128.0 + (picture - 128.0) / CONTRAST_GAIN), tf.uint8)
            read = tf.io.decode_jpeg(tf.raw_ops.EncodeJpegVariableQuality(images=photo, quality=quality), channels=3, dct_method="INTEGER_ACCURATE")
            return 128.0 + (tf.cast(tf.ensure_shape(read, picture.shape), tf.float32) - 128.0) * CONTRAST_GAIN

        return tf.cond(chosen, compressed, lambda: picture)

    return tf.map_fn(saved_and_read, (pixels, chosen, quality), fn_output_signature=tf.float32)


def augment(pixels, seed, settings, out_size=None, companions=None):
    """uint8 or float32 (N, S, S, 3) in 0..255 -> float32 of that shape, or of side out_size. seed: two integers;
    settings: [augment]; companions: (M, S, S, 3) with M <= N, laid over the first M pictures, or None."""
    count, size = tf.shape(pixels)[0], out_size or pixels.shape[1]
    draw = Uniform(seed, count)
    x = tf.cast(pixels, tf.float32)
    if settings["jpeg"]:
        x = _compress(x, tf.random.experimental.stateless_fold_in(seed, 2000), settings)
    x = _move(x, draw, size, settings)
    if companions is not None:
        x = _lay_over(x, companions, tf.random.experimental.stateless_fold_in(seed, 1000), settings)

    # One fixed blur mixed in by a random share: above 0 softer, below 0 sharper.
    soft = _blur(x, sigma=1.2, radius=3)
    x += draw(*settings["soften"], 1, 1, 1) * (soft - x)

    # 128 is where the normalised background lies; contrast and tint move about it.
    grey = tf.reduce_mean(x, axis=-1, keepdims=True)
    x += draw(0.0, settings["desaturate"], 1, 1, 1) * (grey - x)
    low, high = settings["contrast"]
    gain = draw(low, high, 1, 1, 1) * draw(1 - settings["tint"], 1 + settings["tint"], 1, 1, 3)
    offset = draw(-settings["brightness"], settings["brightness"], 1, 1, 3)
    x = (x - 128.0) * gain + 128.0 + offset
    # Uniform noise of the wanted deviation: normal noise would cost a tenth of the training.
    deviation = draw(0.0, settings["noise"], 1, 1, 1)
    x += deviation * draw(-math.sqrt(3), math.sqrt(3), size, size, 3)

    radius = draw(settings["mask"][0], settings["mask"][1], 1, 1)
    inside = tf.constant(images.disc_distance(size))[None] <= radius
    return tf.where(inside[..., None], tf.clip_by_value(x, 0.0, 255.0), 0.0)
