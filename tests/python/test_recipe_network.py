# SPDX-License-Identifier: Apache-2.0
"""The recipe's network: names and counts of the published one, logits, pictures of any side."""
import numpy as np
import pytest
from recipe_helpers import SIZE, tf, tiny_data

from recipe import network


def parameters(model):
    return [int(sum(np.prod(v.shape) for v in weights))
            for weights in (model.trainable_weights, model.non_trainable_weights)]


@pytest.mark.parametrize("architecture, trainable, fixed",
                         [("small", 1_130_773, 12_112), ("large", 3_495_685, 24_400)])
def test_parameter_counts_are_the_published_ones(architecture, trainable, fixed):
    assert parameters(network.build(architecture, 224)) == [trainable, fixed]


def test_layer_names_are_the_published_ones():
    model = network.build("large", 64)
    names = [layer.name for layer in model.layers]
    wanted = ["rescaling", "MobilenetV3large", "average_pooling2d", "max_pooling2d", "flatten", "mlp_0_squeeze", "mlp_1",
              "max_pool_add_avg_pool", "sigmoid_channel", "multiply_20", "tf.math.reduce_mean", "tf.math.reduce_max",
              "combine_max_avg", "conv2d", "sigmoid_spatial", "multiply_21", "final_sum_att_feat", "top_pool", "flatten_1",
              "dropout", "dense", "dense_1"]
    assert sorted(wanted) == sorted(names[1:])


def test_logits_lead_to_the_models_probabilities():
    model = network.build("small", SIZE, alpha=0.25)
    pixels = tiny_data()["pixels"]
    logits = network.logits_of(model, pixels, batch=7)
    assert logits.shape == (24, 2)
    np.testing.assert_allclose(tf.nn.softmax(logits), model.predict(pixels.astype(np.float32), verbose=0), atol=1e-6)


def test_centred_logits_leave_the_probabilities():
    model, pixels = network.build("small", SIZE, classes=5, alpha=0.25), tf.constant(tiny_data(4)["pixels"], tf.float32)
    kernel, bias = model.get_layer("dense_1").get_weights()
    model.get_layer("dense_1").set_weights([kernel + 0.5, bias - 300])
    before = model(pixels).numpy()
    assert abs(network.logits_of(model, pixels).mean()) > 100
    network.centre_logits(model)
    np.testing.assert_allclose(network.logits_of(model, pixels).sum(axis=1), 0, atol=1e-4)
    np.testing.assert_allclose(model(pixels), before, atol=1e-4)  # -300 cost the probabilities before four digits of their logits


def test_unknown_architecture_is_refused():
    with pytest.raises(ValueError, match="medium"):
        network.build("medium", 224)


@pytest.mark.parametrize("architecture", ["small", "large"])
def test_the_network_for_any_side_is_the_same_network(architecture):
    fixed = network.build(architecture, 224)
    random = np.random.default_rng(4)
    for layer in network.leaf_layers(fixed):  # else gates and normalisations are all alike; matrices so shifted grow past float32
        layer.set_weights([w + random.uniform(0.0, 0.3, w.shape) if w.ndim == 1 else w for w in layer.get_weights()])
    free = network.build(architecture, None)
    assert [v.shape for v in free.weights] == [v.shape for v in fixed.weights]
    free.set_weights(fixed.get_weights())
    pixels = random.integers(0, 256, (2, 224, 224, 3)).astype(np.uint8)
    wanted, found = (network.logits_of(model, pixels) for model in (fixed, free))
    assert np.ptp(wanted) > 0
    np.testing.assert_allclose(found, wanted, atol=1e-4 * np.abs(wanted).max())
    assert network.logits_of(free, pixels[:, :96, :96]).shape == (2, 2)


def test_a_stored_teacher_gives_its_logits_for_pictures_of_any_side(tmp_path):
    trained = network.build("large", 64)
    trained.save(tmp_path / "teacher.keras")
    pixels = tiny_data(4)["pixels"]
    wanted = network.logits_of(trained, pixels)
    teacher = network.load_teacher(tmp_path / "teacher.keras")
    np.testing.assert_allclose(network.logits_of(teacher, pixels), wanted, atol=1e-5)
    assert network.logits_of(teacher, np.zeros((1, 96, 96, 3), np.uint8)).shape == (1, 2)


def test_what_is_no_teacher_is_refused_with_its_name(tmp_path):
    network.build("small", 64, alpha=0.25).save(tmp_path / "other.keras")
    (tmp_path / "broken.keras").write_bytes(b"PK\x03\x04 and no more")
    for name in ("other.keras", "broken.keras", "absent.keras"):
        with pytest.raises(network.TeacherError, match=name):
            network.load_teacher(tmp_path / name)
