# SPDX-License-Identifier: Apache-2.0
"""The engine on converted networks against what Keras gave. Needs FOVEA_BINARY, and FOVEA_DATA for the full-size networks.

Bounds. Logits and layers: 10 times Keras's own float32 error against float64 there, which is stored with the reference. Another
order of summation is another sample of the same rounding, so errors are as large; the largest of six samples is below a tenth of
the largest of another hundred once in some ten thousand times. (Largest seen: 4.7 times at the logits, twice at a layer.) Layers
get at least 1e-5 of their largest value, for those whose error Keras's order happened to make very small.
Half precision: see rounding_noise.py.
"""
import json
import os
import pathlib
import re
import subprocess

import numpy as np
import pytest
from conftest import convert_to_model, write_h5

from rounding_noise import DEVIATIONS, arithmetic, deviation

from fovea_tools.file.fovea_file import read_fovea

OWN_ERRORS = 10
HALF_BLOCK = int(re.search(r"kHalfBlock = (\d+);", (pathlib.Path(__file__).parents[2] / "ops" / "half.h").read_text())[1])
SHIPPED = pathlib.Path(__file__).parents[1] / "golden" / "data" / "networks"  # narrow ones, on every clone
MODELS = ["small96/model.h5", "small96/model.keras", "large96/model.keras",
          "small224/model.h5", "small224/model.keras", "large512/model.h5"]
VARIANTS = ["none_shape.h5", "double_rescale.keras", "sequential.keras", "squeeze_linear.h5"]
# Of the spread of the logits, for the variants, of which no error of Keras is stored: ten times the largest seen.
VARIANT_BOUND = 1e-4
# Rescaling twice leaves 2 * 255 steps of float32 between black and white: Keras float32 itself is off by up to
# 1.5e-3 of the spread from the same network in float64 there.
VARIANT_BOUNDS = {"double_rescale.keras": 5e-3}


def pixels(path):
    return np.asarray(pytest.importorskip("PIL.Image").open(path).convert("RGB"))


class Engine:
    """One call of `fovea run` for many pictures."""

    def __init__(self, program, folder):
        self.program, self.folder = program, folder

    def __call__(self, model, pictures, *options):
        paths = []
        for index, picture in enumerate(pictures):
            paths.append(str(self.folder / f"{index}.npy"))
            np.save(paths[-1], picture)
        done = subprocess.run(
            [self.program, "run", "--model", str(model), *options, *paths], capture_output=True, text=True, timeout=600
        )
        assert done.returncode == 0, done.stderr
        lines = [json.loads(line) for line in done.stdout.splitlines()]
        return [np.array(line["logits"]) for line in lines], [np.array(line["probabilities"]) for line in lines]


@pytest.fixture
def engine(fovea_binary, tmp_path):
    return Engine(fovea_binary, tmp_path)


@pytest.fixture(scope="module")
def golden(request):
    """golden("models/X/FILE" or "variants/FILE"): where it lies. The large ones are in FOVEA_DATA; without it, a skip."""

    def find(name):
        shipped = SHIPPED / name.removeprefix("models/")
        return shipped if shipped.is_file() else request.getfixturevalue("fovea_data") / "golden" / name

    return find


@pytest.fixture(scope="module")
def models(golden, fovea_binary, tmp_path_factory):
    """name, options -> the converted file, each made once."""
    folder = tmp_path_factory.mktemp("models")
    made = {}

    def get(source, *options):
        key = (source, options)
        if key not in made:
            made[key] = folder / f"{len(made)}.fovea"
            convert_to_model(golden(source), made[key], "--labels", "no_dr,dr", *options)
        return made[key]

    return get


@pytest.fixture(scope="module")
def deviations(models, fovea_binary, tmp_path_factory):
    """model, its expected logits, pictures -> the deviation of each photo's logits by rounding to halves; worked out once for each model."""
    run = Engine(fovea_binary, tmp_path_factory.mktemp("noise"))
    known = {}

    def get(model, expected, pictures):
        def logits(data):
            (run.folder / "moved.fovea").write_bytes(data)
            return np.array(run(run.folder / "moved.fovea", pictures)[0])

        if model not in known:
            known[model] = deviation(models(f"models/{model}").read_bytes(), logits, expected)
        return known[model]

    return get


def reference(golden, model):
    folder = golden(f"models/{model}").parent
    return folder, json.loads((folder / "outputs.json").read_text())["photos"]


def instruction_sets():
    """What the program under test says it can run: it may be an arm64 one under an emulator."""
    program = os.environ.get("FOVEA_BINARY")
    if not program:
        return ["scalar"]
    first_line = subprocess.run([program, "kernels"], capture_output=True, text=True, check=True).stdout.splitlines()[0]
    return first_line.split(": ")[1].split(", ")


@pytest.mark.parametrize("isa", instruction_sets())
@pytest.mark.parametrize("layers", [(), ("--keep-layers",)], ids=["folded", "layers"])
@pytest.mark.parametrize("model", MODELS)
def test_logits_equal_keras(golden, engine, models, model, layers, isa):
    folder, photos = reference(golden, model)
    if isa == "scalar" and "large" in model:
        photos = photos[:1]  # minutes otherwise
    pictures = [pixels(folder / photo["file"]) for photo in photos]
    logits, probabilities = engine(models(f"models/{model}", *layers), pictures, "--isa", isa)
    assert len(logits) == len(photos) > 0
    bound = OWN_ERRORS * json.loads((folder / "outputs.json").read_text())["max_abs_logit_f32_vs_f64"]
    for photo, got, probability in zip(photos, logits, probabilities):
        assert np.abs(got - photo["logits"]).max() <= bound, photo["file"]
        # Two logits off by so much move a softmax by half of it, which is rounded to float32.
        assert np.abs(probability - photo["probabilities"]).max() <= bound / 2 + 2**-23, photo["file"]


@pytest.mark.parametrize("isa", instruction_sets())
@pytest.mark.parametrize("model", ["small96/model.h5", "large96/model.keras", "small224/model.h5", "large512/model.h5"])
def test_threads_do_not_change_a_bit(golden, engine, models, model, isa):
    folder, photos = reference(golden, model)
    photos = photos[:1] if "large" in model else photos[:2]
    pictures = [pixels(folder / photo["file"]) for photo in photos]
    results = [
        engine(models(f"models/{model}"), pictures, "--isa", isa, "--threads", threads) for threads in ("1", "2", "4")
    ]
    for other in results[1:]:
        np.testing.assert_array_equal(results[0], other)


def samples_of(flat, layer):
    """How far the values that are stored of a layer are from these: its first 64, or one of every `stride`."""
    if "stride" in layer:
        return flat[:: layer["stride"]] - layer["samples"]
    return flat[: len(layer["first64"])] - layer["first64"]


@pytest.mark.parametrize("isa", instruction_sets())
@pytest.mark.parametrize("layers", [(), ("--keep-layers",)], ids=["folded", "layers"])
@pytest.mark.parametrize("model", MODELS)
def test_every_layer_equals_keras(golden, engine, models, tmp_path, model, layers, isa):
    folder, photos = reference(golden, model)
    listed = json.loads((folder / "activations.json").read_text())
    whole = np.load(folder / "activations.npz") if (folder / "activations.npz").is_file() else {}
    picture = next(folder / photo["file"] for photo in photos if listed["photo"] in photo["file"])
    dump = tmp_path / "dump"
    engine(models(f"models/{model}", *layers), [pixels(picture)], "--isa", isa, "--taps", "all", "--dump", str(dump))
    stored = {tap["name"]: np.load(dump / tap["file"]) for tap in json.loads((dump / "index.json").read_text())["taps"]}
    backbone = "MobilenetV3small" if "small" in model else "MobilenetV3large"
    compared = 0
    for layer in listed["layers"]:
        name = backbone if layer["layer"] == "backbone output" else layer["layer"]
        if name not in stored:
            assert not layers, f"{name} cannot be tapped"
            continue
        values = stored[name]
        assert values.size == np.prod(layer["shape"]) and list(values.shape)[-len(layer["shape"]):] == layer["shape"], name
        bound = max(10 * layer["max_abs_f32_vs_f64"], 1e-5 * max(abs(layer["min"]), abs(layer["max"])))
        flat = values.astype(np.float64).ravel()
        differences = [
            np.abs(samples_of(flat, layer)).max(),
            abs(flat.max() - layer["max"]), abs(flat.min() - layer["min"]), abs(flat.mean() - layer["mean"]),
        ]
        if "full" in layer:
            differences.append(np.abs(flat - whole[layer["full"]].ravel()).max())
        assert max(differences) <= bound, (name, differences, bound)
        compared += 1
    assert compared == len(listed["layers"]) if layers else compared >= 35


@pytest.mark.parametrize("isa", instruction_sets())
@pytest.mark.parametrize("layers", [(), ("--keep-layers",)], ids=["folded", "layers"])
@pytest.mark.parametrize("variant", VARIANTS)
def test_variants_equal_keras(golden, engine, models, variant, layers, isa):
    folder = golden("variants/expected.json").parent
    listed = json.loads((folder / "expected.json").read_text())["variants"]
    results = next(item for item in listed if item["file"] == variant)["results"]
    expected = np.array([result["logits"] for result in results])
    pictures = [pixels(folder / result["input"]) for result in results]
    logits, probabilities = engine(models(f"variants/{variant}", *layers), pictures, "--isa", isa)
    bound = VARIANT_BOUNDS.get(variant, VARIANT_BOUND)
    assert np.abs(np.array(logits) - expected).max() <= bound * np.ptp(expected)
    assert np.abs(np.array(probabilities) - [result["outputs"] for result in results]).max() <= bound


@pytest.mark.parametrize("isa", instruction_sets())
@pytest.mark.parametrize("model", [name for name in MODELS if "96" in name])
def test_halves_are_near_keras(golden, engine, models, deviations, model, isa):
    folder, photos = reference(golden, model)
    expected = np.array([photo["logits"] for photo in photos])
    pictures = [pixels(folder / photo["file"]) for photo in photos]
    noise = deviations(model, expected, pictures)
    halves = models(f"models/{model}", "--dtype", "fp16")
    logits, _ = engine(halves, pictures, "--isa", isa)
    bound = DEVIATIONS * noise * (arithmetic(halves.read_bytes(), HALF_BLOCK) if isa == "neon_fp16" else 1)
    errors = np.abs(np.array(logits) - expected).max(axis=1)
    assert (errors <= bound).all(), (errors / noise, bound / noise)


@pytest.mark.parametrize("isa", instruction_sets())
@pytest.mark.parametrize("name", ["small96", "large96"])
def test_shipped_files_pass_their_selftest(fovea_binary, name, isa):
    done = subprocess.run([fovea_binary, "selftest", str(SHIPPED / name / "model.fovea"), "--isa", isa], capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("name", ["small96", "large96"])
def test_shipped_files_are_what_the_converter_makes(tmp_path, name):
    shipped = read_fovea((SHIPPED / name / "model.fovea").read_bytes())
    made = convert_to_model(SHIPPED / name / "model.keras", tmp_path / "m.fovea", "--labels", "no_dr,dr", "--preset", "kaggle_ben_color")
    assert made.nodes == shipped.nodes and made.tensors == shipped.tensors and made.preprocessing == shipped.preprocessing


@pytest.mark.parametrize("model", ["small96/model.h5", "small224/model.h5"])
def test_golden_vectors_of_keras_pass_the_selftest(golden, fovea_binary, tmp_path, model):
    folder, photos = reference(golden, model)
    pictures = np.stack([pixels(folder / photo["file"]) for photo in photos])
    logits = np.array([photo["logits"] for photo in photos], np.float32)
    source = folder / "model.h5"
    for name, shift in (("good", 0.0), ("bad", 0.01)):
        np.savez(tmp_path / "golden.npz", pixels=pictures, logits=logits + np.float32(shift))
        options = ("--labels", "no_dr,dr", "--golden", str(tmp_path / "golden.npz"))
        convert_to_model(source, tmp_path / f"{name}.fovea", *options)
        done = subprocess.run([fovea_binary, "selftest", str(tmp_path / f"{name}.fovea")], capture_output=True, text=True, timeout=600)
        assert done.returncode == (0 if name == "good" else 5), done.stderr


@pytest.mark.parametrize("preset", ["none", "kaggle_ben_color", "kaggle_circle", "kaggle_circle_v2", "graham2015", "eyeq"])
def test_engine_reads_every_preset_and_option(fovea_binary, tmp_path, preset):
    source = write_h5(tmp_path / "m.h5")
    pictures = np.zeros((1, 8, 8, 3), np.uint8)
    np.savez(tmp_path / "golden.npz", pixels=pictures, logits=np.zeros((1, 2), np.float32))
    for options in ((), ("--temperature", "2"), ("--operating-point", "a=0.2", "--operating-point", "b=1", "--bgr", "--pad-square",
                         "--gray-swapped", "--resize", "cv_area", "--golden", str(tmp_path / "golden.npz"))):
        convert_to_model(source, tmp_path / "m.fovea", "--labels", "no_dr,dr", "--preset", preset, *options)
        done = subprocess.run([fovea_binary, "info", str(tmp_path / "m.fovea")], capture_output=True, text=True, timeout=60)
        assert done.returncode == 0 and preset in done.stdout, done.stderr
