# SPDX-License-Identifier: Apache-2.0
"""Gradients, and the maps made of them, against TensorFlow's: of the shipped small networks with Keras here, of the golden networks
with what Keras gave once (FOVEA_DATA)."""
import json

import numpy as np
import pytest
from cli_helpers import ROOT, fovea, fovea_ok, needs_binary, one_error
from conftest import convert_to_model
from PIL import Image

pytestmark = needs_binary
NETWORKS = ROOT / "tests" / "golden" / "data" / "networks"
INPUTS = sorted((NETWORKS / "inputs").glob("*.png"))


def explained(model, picture, folder, *options):
    """The map of fovea explain, and what it says of it."""
    raw = folder / "map.npy"
    told = json.loads(fovea_ok("explain", "--model", model, "--as-is", picture, "--raw", raw, *options))
    made = np.load(raw)
    assert made.dtype == np.float32 and list(made.shape) == told["map"]
    return made, told


def agree(made, expected, share=0.98):
    made, expected = np.ravel(made).astype(np.float64), np.ravel(expected).astype(np.float64)
    cosine = made @ expected / np.sqrt((made @ made) * (expected @ expected))
    near = np.abs(made - expected) <= 1e-3 * np.abs(expected).max()
    assert cosine >= 0.9999 and near.mean() >= share, (cosine, near.mean())


@pytest.fixture(scope="module")
def keras():
    tensorflow = pytest.importorskip("tensorflow")
    return tensorflow


def keras_margin(tensorflow, network, picture):
    """logits[1] - logits[0] and its gradient. The gradients of the other scalars of two classes are this one times a number, which in
    float32 would be lost where the network is certain; the golden ones are compared as they are."""
    network.layers[-1].activation = tensorflow.keras.activations.linear
    pixels = tensorflow.constant(np.asarray(Image.open(picture), np.float32)[None])
    with tensorflow.GradientTape() as tape:
        tape.watch(pixels)
        logits = network(pixels, training=False)[0]
        margin = logits[1] - logits[0]
    return float(margin), tape.gradient(margin, pixels).numpy()[0]


@pytest.mark.parametrize("name", ["small96", "large96"])
def test_the_shipped_networks_gradients_are_those_of_keras(keras, name, tmp_path):
    network = keras.keras.models.load_model(NETWORKS / name / "model.keras", compile=False)
    for picture in INPUTS:
        margin, gradient = keras_margin(keras, network, picture)
        sign = 1 if margin > 0 else -1
        right, wrong = 1 / (1 + np.exp(-abs(margin))), 1 / (1 + np.exp(abs(margin)))
        for scalar, factor, value in (("margin", 1, margin), ("loss", -sign * wrong, -np.log(right)), ("prob", sign * right * wrong, right)):
            made, told = explained(NETWORKS / name / "model.fovea", picture, tmp_path, "--method", "gradient", "--scalar", scalar)
            agree(made, gradient * factor)
            assert told["value"] == pytest.approx(value, rel=1e-3, abs=1e-6)


@pytest.fixture(scope="module")
def reference(request, fovea_data, tmp_path_factory):
    """One of the golden networks: the converted file, what Keras gave, the pictures that this was of, the folder of the network."""
    folder = fovea_data / "golden" / "models" / request.param
    model = tmp_path_factory.mktemp("golden") / "model.fovea"
    convert_to_model(folder / "model.h5", model)
    told = json.loads((folder / "saliency.json").read_text())["photos"]
    return model, np.load(folder / "saliency.npz"), [folder / "inputs" / f"{photo['photo']}.png" for photo in told], told


def at(values, points):
    return values[points[:, 0], points[:, 1], points[:, 2]]


both = pytest.mark.parametrize("reference", ["small224", "large512"], indirect=True)


@both
def test_golden_gradients(reference, tmp_path):
    model, given, pictures, _ = reference
    for k, picture in enumerate(pictures):
        made, _ = explained(model, picture, tmp_path, "--method", "gradient")
        agree(at(made, given["positions_yxc"]), given[f"grad{k}_f64_at"])
        if f"grad{k}" in given:
            agree(made, given[f"grad{k}"])
        if f"grad{k}_block4sum" in given:
            blocks = made.reshape(made.shape[0] // 4, 4, made.shape[1] // 4, 4, 3).sum((1, 3))
            agree(blocks, given[f"grad{k}_block4sum"])


@both
def test_golden_gradients_of_other_scalars(reference, tmp_path):
    model, given, pictures, told = reference
    predicted = 1 if told[0]["margin"] > 0 else 0
    for scalar, options, key in (("loss", [], "other_loss"), ("prob", [], "other_prob"), ("logit", [], f"other_logit{predicted}"),
                                 ("logit", ["--class", "no_dr"], "other_logit0"), ("logit", ["--class", "1"], "other_logit1")):
        made, _ = explained(model, pictures[0], tmp_path, "--method", "gradient", "--scalar", scalar, *options)
        agree(at(made, given["positions_yxc"]), given[key])


def in_double_precision(keras, network):
    """The same Keras network, computing in float64."""
    def widened(config):
        if isinstance(config, dict):
            return {key: "float64" if key == "dtype" and value == "float32" else widened(value) for key, value in config.items()}
        return type(config)(map(widened, config)) if isinstance(config, (list, tuple)) else config

    keras.keras.backend.set_floatx("float64")
    try:
        wide = keras.keras.Model.from_config(widened(network.get_config()))
    finally:
        keras.keras.backend.set_floatx("float32")
    wide.set_weights([weights.astype(np.float64) for weights in network.get_weights()])
    return wide


def keras_grad_cam(tensorflow, network, picture, dtype):
    network.layers[-1].activation = tensorflow.keras.activations.linear
    both = tensorflow.keras.Model(network.input, [network.get_layer("final_sum_att_feat").output, network.output])
    with tensorflow.GradientTape() as tape:
        values, logits = both(tensorflow.constant(np.asarray(Image.open(picture))[None], dtype), training=False)
        margin = logits[0, 1] - logits[0, 0]
    weights = tape.gradient(margin, values).numpy()[0].mean((0, 1))
    return np.maximum((values.numpy()[0] * weights).sum(-1), 0)


@both
def test_golden_grad_cam(keras, reference, tmp_path):
    model, given, pictures, _ = reference
    network = keras.keras.models.load_model(pictures[0].parent.parent / "model.h5", compile=False)
    wide = in_double_precision(keras, network)
    for k, picture in enumerate(pictures):
        made, _ = explained(model, picture, tmp_path, "--method", "gradcam", "--layer", "final_sum_att_feat")
        expected = given[f"gradcam{k}"]
        assert made.shape == (*expected.shape, 1)
        # The golden map is of a float32 pass of Keras's own, which is up to 1.3e-5 of the largest value away from its float64 pass: as far as
        # that another float32 pass may be, too. Measured: 9.7e-6 at the most with vector kernels, 1.13e-5 with scalar ones.
        exact = keras_grad_cam(keras, wide, picture, keras.float64)
        of_reference = np.abs(expected - exact).max()
        assert of_reference <= 2e-5 * exact.max(), "the float64 network is another one"
        assert np.abs(made[..., 0] - exact).max() <= max(1e-5 * exact.max(), of_reference)
        # From these values and TensorFlow's weights it is the closed form.
        fovea_ok("run", "-m", model, picture, "--taps", "final_sum_att_feat", "--dump", tmp_path / "taps")
        values = np.load(tmp_path / "taps" / "final_sum_att_feat.npy").astype(np.float64)
        closed = np.maximum(values @ given[f"gradcam{k}_weights"].astype(np.float64), 0)
        assert np.abs(made[..., 0] - closed).max() <= 1e-5 * closed.max()


@both
def test_golden_integrated_gradients(reference, tmp_path):
    model, given, pictures, told = reference
    for k, picture in enumerate(pictures):
        if "ig_short" not in told[k]:
            continue
        pixels = np.asarray(Image.open(picture), np.float32)
        np.save(tmp_path / "baseline.npy", (0.98 * pixels + 0.02 * 128).astype(np.float32))
        made, said = explained(model, picture, tmp_path, "--method", "integrated", "--steps", "25", "--baseline", tmp_path / "baseline.npy")
        expected = told[k]["ig_short"]
        bound = 1e-4 * expected["abs_sum"]
        assert abs(made.sum(dtype=np.float64) - expected["sum"]) <= bound
        assert np.abs(made.sum((0, 1), dtype=np.float64) - expected["per_channel"]).max() <= bound
        side = made.shape[0] // 8
        blocks = made.astype(np.float64).sum(2).reshape(8, side, 8, side).sum((1, 3))
        assert np.abs(blocks - given[f"ig_short{k}_grid8x8"]).max() <= bound
        assert said["completeness_gap"] == pytest.approx(expected["completeness_gap"] / abs(expected["margin_x"] - expected["margin_baseline"]), abs=2e-3)


def test_what_cannot_be_explained(tmp_path):
    model = NETWORKS / "small96" / "model.fovea"
    picture = tmp_path / "other.png"
    Image.new("RGB", (95, 97)).save(picture)
    one_error(fovea("explain", "-m", model, "--as-is", picture), 3, picture, "97x95")
    values = np.zeros((96, 96, 3), np.float32)
    values[3, 4, 1] = np.nan
    np.save(tmp_path / "nan.npy", values)
    one_error(fovea("explain", "-m", model, "--as-is", tmp_path / "nan.npy"), 3, "nan.npy", "not finite")
    far = np.where(np.arange(values.size).reshape(values.shape) % 2, np.float32(-3e38), np.float32(0))
    np.save(tmp_path / "far.npy", far)
    result = fovea("explain", "-m", model, "--as-is", tmp_path / "far.npy")
    warning, error = result.stderr.splitlines()
    assert result.returncode == 3 and "warning: " in warning
    assert "far.npy" in error and "not finite numbers: the input goes from -3e+38 to 0" in error
    integrated = ["explain", "-m", model, "--as-is", INPUTS[0], "--method", "integrated", "--baseline"]
    one_error(fovea(*integrated, tmp_path / "nan.npy"), 2, "--baseline", "nan.npy", "not finite")
    one_error(fovea(*integrated, tmp_path / "far.npy"), 3, INPUTS[0], "not finite numbers: the baseline goes from -3e+38 to 0")
    np.save(tmp_path / "grey.npy", np.zeros((96, 96, 1), np.uint8))
    one_error(fovea("explain", "-m", model, "--as-is", tmp_path / "grey.npy"), 3, "grey.npy", "1 channels")
    for options, said in ((["--method", "gradcam", "--layer", "gone"], "no layer of that name"), (["--class", "2"], "no such class"),
                          (["--raw", tmp_path / "gone" / "map.npy"], "gone")):
        failed = fovea("explain", "-m", model, "--as-is", INPUTS[0], *options)
        one_error(failed, 1 if "--raw" in options else 2, said)


def test_results_are_the_same_for_every_number_of_threads_and_the_same_logits_as_of_a_run(tmp_path):
    model = NETWORKS / "large96" / "model.fovea"
    for method in (["gradient"], ["smoothgrad", "--samples", "3"], ["integrated", "--steps", "4"], ["gradcam", "--layer", "final_sum_att_feat"], ["attention"],
                   ["occlusion", "--patch", "48", "--stride", "48"]):
        first, told = explained(model, INPUTS[0], tmp_path, "--method", *method)
        again, told_again = explained(model, INPUTS[0], tmp_path, "--method", *method, "--threads", "3")
        assert first.tobytes() == again.tobytes() and told == told_again and np.abs(first).max() > 0
        assert told["logits"] == json.loads(fovea_ok("run", "-m", model, INPUTS[0]))["logits"]


def test_smoothgrad_has_the_noise_of_its_seed(tmp_path):
    model = NETWORKS / "small96" / "model.fovea"
    options = ["--method", "smoothgrad", "--samples", "2", "--noise", "0.1"]
    first, _ = explained(model, INPUTS[0], tmp_path, *options)
    other, _ = explained(model, INPUTS[0], tmp_path, *options, "--seed", "2")
    assert not np.array_equal(first, other)
    plain, _ = explained(model, INPUTS[0], tmp_path, "--method", "gradient")
    silent, _ = explained(model, INPUTS[0], tmp_path, "--method", "smoothgrad", "--samples", "2", "--noise", "0")
    assert np.array_equal(silent, plain)


def test_integrated_gradients_add_up_to_the_difference(tmp_path):
    model = NETWORKS / "small96" / "model.fovea"
    baseline = np.full((96, 96, 3), 128, np.float32)
    np.save(tmp_path / "baseline.npy", baseline)
    _, at_baseline = explained(model, tmp_path / "baseline.npy", tmp_path)
    gaps = []
    for steps in (10, 300):
        made, told = explained(model, INPUTS[0], tmp_path, "--method", "integrated", "--steps", steps)
        difference = told["value"] - at_baseline["value"]
        assert told["completeness_gap"] == pytest.approx((made.sum(dtype=np.float64) - difference) / abs(difference), abs=1e-4)
        gaps.append(abs(told["completeness_gap"]))
    assert gaps[1] < 0.05


@pytest.mark.parametrize("name", ["small96", "large96"])
def test_attention_is_the_networks_own_gate(keras, name, tmp_path):
    network = keras.keras.models.load_model(NETWORKS / name / "model.keras", compile=False)
    gate = keras.keras.Model(network.inputs, network.get_layer("sigmoid_spatial").output)
    for picture in INPUTS:
        expected = gate(np.asarray(Image.open(picture), np.float32)[None], training=False).numpy()[0]
        made, told = explained(NETWORKS / name / "model.fovea", picture, tmp_path, "--method", "attention")
        assert made.shape == expected.shape and np.abs(made - expected).max() <= 1e-5 * expected.max()
        named, _ = explained(NETWORKS / name / "model.fovea", picture, tmp_path, "--method", "attention", "--layer", "sigmoid_spatial")
        assert np.array_equal(made, named)
        assert told["logits"] == json.loads(fovea_ok("run", "-m", NETWORKS / name / "model.fovea", picture))["logits"]


@pytest.mark.parametrize("patch, stride", [(24, 24), (40, 28), (96, 5), (30, 50)])
def test_occlusion_is_what_running_each_covered_picture_gives(patch, stride, tmp_path):
    model, side = NETWORKS / "small96" / "model.fovea", 96
    made, told = explained(model, INPUTS[0], tmp_path, "--method", "occlusion", "--patch", patch, "--stride", stride, "--baseline", "90")
    pixels = np.asarray(Image.open(INPUTS[0]))
    begins = sorted({*range(0, side - patch, stride), side - patch})
    places = [(top, left) for top in begins for left in begins]
    for number, (top, left) in enumerate(places):
        covered = pixels.copy()
        covered[top : top + patch, left : left + patch] = 90
        np.save(tmp_path / f"{number}.npy", covered)
    files = [tmp_path / f"{number}.npy" for number in range(len(places))]
    lines = [json.loads(line)["logits"] for line in fovea_ok("run", "-m", model, *files).splitlines()]
    falls, counts = np.zeros((side, side)), np.zeros((side, side))
    for (top, left), logits in zip(places, lines):
        falls[top : top + patch, left : left + patch] += told["value"] - (logits[1] - logits[0])
        counts[top : top + patch, left : left + patch] += 1
    expected = np.divide(falls, counts, out=np.zeros_like(falls), where=counts > 0)
    assert made.shape == (side, side, 1) and np.abs(made[..., 0] - expected).max() <= 1e-5 * np.abs(expected).max()
    assert (counts == 0).any() == (stride > patch)


def test_grad_cam_is_of_the_last_map_where_no_layer_is_named(tmp_path):
    model = NETWORKS / "small96" / "model.fovea"
    named, _ = explained(model, INPUTS[0], tmp_path, "--method", "gradcam", "--layer", "final_sum_att_feat")
    own, _ = explained(model, INPUTS[0], tmp_path, "--method", "gradcam")
    assert np.array_equal(named, own)


def test_layers_and_squares_that_do_not_do(tmp_path):
    model = NETWORKS / "small96" / "model.fovea"
    for options, status, said in ((["--method", "attention", "--layer", "final_sum_att_feat"], 2, "no map of attention"),
                                  (["--method", "occlusion", "--patch", "97"], 2, "larger than the input"),
                                  (["--method", "occlusion", "--patch", "4294967295"], 2, "--patch"),
                                  (["--method", "occlusion", "--patch", "65536", "--stride", "65536"], 2, "larger than the input"),
                                  (["--layer", "final_sum_att_feat"], 2, "--layer"), (["--patch", "8"], 2, "--patch"),
                                  (["--method", "gradcam", "--stride", "8"], 2, "--stride")):
        one_error(fovea("explain", "-m", model, "--as-is", INPUTS[0], *options), status, said)


def test_several_inputs_give_a_line_and_a_numbered_file_each(tmp_path):
    model = NETWORKS / "small96" / "model.fovea"
    (tmp_path / "damaged.png").write_bytes(b"none")
    failed = fovea("explain", "-m", model, "--as-is", INPUTS[0], tmp_path / "damaged.png", INPUTS[1], "--raw", tmp_path / "raw", "--overlay", tmp_path / "over")
    assert failed.returncode == 3 and len(failed.stderr.splitlines()) == 1 and "damaged.png" in failed.stderr
    lines = [json.loads(line) for line in failed.stdout.splitlines()]
    assert [line["file"] for line in lines] == [str(INPUTS[0]), str(tmp_path / "damaged.png"), str(INPUTS[1])] and lines[1]["error"]["code"]
    for number, picture in ((0, INPUTS[0]), (2, INPUTS[1])):
        alone, told = explained(model, picture, tmp_path)
        assert lines[number] == told
        assert np.array_equal(np.load(tmp_path / "raw" / f"{number}_{picture.stem}.npy"), alone)
        assert Image.open(tmp_path / "over" / f"{number}_{picture.stem}.png").size == (96, 96)
    assert len(list((tmp_path / "raw").iterdir())) == 2


@pytest.mark.parametrize("reference", ["large512"], indirect=True)
def test_a_gradient_of_large_at_512_needs_12_mib(reference, tmp_path):
    model, _, pictures, _ = reference
    plain, _ = explained(model, pictures[0], tmp_path, "--method", "gradient")
    within, _ = explained(model, pictures[0], tmp_path, "--method", "gradient", "--max-memory", "12")
    assert np.array_equal(plain, within)
    one_error(fovea("explain", "-m", model, "--as-is", pictures[0], "--method", "gradient", "--max-memory", "11"), 2, "--max-memory raises it")
    # With several threads, each of which has rings of its own: 15.7 and 19.5 MiB.
    for threads, mebibytes in (("2", "16"), ("4", "20")):
        shared, _ = explained(model, pictures[0], tmp_path, "--method", "gradient", "--threads", threads, "--max-memory", mebibytes)
        assert np.array_equal(plain, shared)
