# SPDX-License-Identifier: Apache-2.0
"""A detector's file back into a trainable network: the same answers, and refusals of what does not fit. With FOVEA_BINARY also the
engine against Keras on the same pixels."""
import json

import numpy as np
import pytest
from conftest import convert_to_model
from recipe_helpers import SIZE, shorten, tf, tiny_data, tiny_settings

from fovea_tools.file import fovea_file
from recipe import from_detector, network, parity


def varied(architecture, seed, alpha=0.25):
    """A network whose normalisations are no identities."""
    tf.keras.utils.set_random_seed(seed)
    model = network.build(architecture, SIZE, alpha=alpha)
    random = np.random.default_rng(seed)
    for layer in network.leaf_layers(model):
        if isinstance(layer, tf.keras.layers.BatchNormalization):
            shape = layer.gamma.shape
            layer.set_weights([random.uniform(0.6, 1.4, shape), random.normal(0, 0.2, shape), random.normal(0, 0.2, shape),
                               random.uniform(0.5, 2.0, shape)])
    return model


@pytest.fixture(scope="module")
def detector(tmp_path_factory):
    """(.keras, .fovea, the network)"""
    folder = tmp_path_factory.mktemp("detector")
    model = varied("small", 1)
    model.save(folder / "tiny.keras")
    convert_to_model(folder / "tiny.keras", folder / "tiny.fovea")
    return folder / "tiny.keras", folder / "tiny.fovea", model


def test_the_network_answers_as_the_detector_and_can_be_trained(detector):
    _, file, trained = detector
    pixels = tiny_data(8)["pixels"]
    wanted = network.logits_of(trained, pixels)
    model = varied("small", 2)
    assert np.abs(network.logits_of(model, pixels) - wanted).max() > 1e-2
    from_detector.apply(model, file, pixels)
    assert np.ptp(wanted) > 1e-2
    np.testing.assert_allclose(network.logits_of(model, pixels), wanted, atol=1e-5 * max(1.0, np.abs(wanted).max()))
    # The statistics are those of the pictures: a training step sees what the network sees in use.
    normal = network.backbone(model).get_layer("Conv/BatchNorm")
    stem = tf.keras.Model(network.backbone(model).input, normal.input)(pixels.astype(np.float32) / 127.5 - 1).numpy()
    np.testing.assert_allclose(normal.moving_mean, stem.mean((0, 1, 2)), atol=1e-4)
    np.testing.assert_allclose(normal.moving_variance, stem.var((0, 1, 2)), rtol=1e-3)


def test_what_does_not_fit_is_refused_with_its_name(detector, tmp_path):
    _, file, _ = detector
    pixels = tiny_data(4)["pixels"]
    with pytest.raises(from_detector.DetectorError, match="tiny.fovea: not of this network: layer .* has a kernel"):
        from_detector.apply(network.build("small", SIZE, alpha=0.5), file, pixels)
    (tmp_path / "cut.fovea").write_bytes(file.read_bytes()[:1000])
    with pytest.raises(from_detector.DetectorError, match="cut.fovea"):
        from_detector.apply(network.build("small", SIZE, alpha=0.25), tmp_path / "cut.fovea", pixels)
    with pytest.raises(OSError, match="absent.fovea"):
        from_detector.apply(network.build("small", SIZE, alpha=0.25), tmp_path / "absent.fovea", pixels)


def test_the_engine_is_held_against_keras_on_every_picture(detector, fovea_binary, tmp_path, capsys):
    Image = pytest.importorskip("PIL.Image")
    keras, file, _ = detector
    (tmp_path / "own").mkdir()
    lines = ["source,name,side"]
    for number, picture in enumerate(tiny_data(8)["pixels"]):
        Image.fromarray(picture).save(tmp_path / "own" / f"p{number}.png")
        lines.append(f"own,p{number},{'validation' if number else 'train'}")
    (tmp_path / "split.csv").write_text("\n".join(lines) + "\n")
    options = ["--detector", str(file), "--images", str(tmp_path), "--fovea", fovea_binary, "--json", str(tmp_path / "parity.json")]
    assert parity.main([*options, "--keras", str(keras), "--split", str(tmp_path / "split.csv")]) == 0
    found = json.loads((tmp_path / "parity.json").read_text())
    assert found["photos"] == 7 and found["labels_differ"] == 0 and 0 < found["largest_logit_difference"] < 1e-4
    assert "all 7 photos the likelier class differs for 0" in capsys.readouterr().out
    varied("small", 2).save(tmp_path / "other.keras")
    assert parity.main([*options, "--keras", str(tmp_path / "other.keras")]) == 1
    assert json.loads((tmp_path / "parity.json").read_text())["photos"] == 8
    temperature = fovea_file.read_fovea(file.read_bytes()).temperature
    assert temperature == 1.0


def test_a_detector_teaches_what_it_answers(detector, tmp_path, monkeypatch):
    shorten(monkeypatch)
    _, small, _ = detector
    large = varied("large", 3, alpha=1.0)
    large.save(tmp_path / "large.keras")
    convert_to_model(tmp_path / "large.keras", tmp_path / "large.fovea")
    settings, data = tiny_settings(), tiny_data()
    teacher = from_detector.teacher(settings, tmp_path / "large.fovea", data)
    wanted = network.logits_of(large, data["pixels"])
    assert np.ptp(wanted) > 1e-3
    np.testing.assert_allclose(network.logits_of(teacher, data["pixels"]), wanted, atol=1e-4 * max(1.0, np.abs(wanted).max()))
    assert network.logits_of(teacher, np.zeros((1, 96, 96, 3), np.uint8)).shape == (1, 2)
    with pytest.raises(from_detector.DetectorError, match="tiny.fovea: not of this network"):
        from_detector.teacher(settings, small, data)
    settings["labels"] = ["0", "1", "2", "3", "4"]
    with pytest.raises(from_detector.DetectorError, match="large.fovea: a teacher of 2 classes, where the network that learns has 5"):
        from_detector.teacher(settings, tmp_path / "large.fovea", data)
