# SPDX-License-Identifier: Apache-2.0
"""fovea-robustness: FGSM and PGD in closed form on a network that is linear in the pixels, against TensorFlow on a real one, and the command."""
import json

import numpy as np
import pytest
from cli_helpers import BINARY, ROOT, SIDE, fovea_file, fovea_ok, jsonl, needs_binary, pack, tiny_model
from fovea_tools.builder.graph import Graph, Node
from PIL import Image

pytest.importorskip("sklearn")
from fovea_tools.attacks import attack  # noqa: E402
from fovea_tools.commands.robustness import main  # noqa: E402
from fovea_tools.engine import Engine  # noqa: E402

pytestmark = needs_binary
SLOPE = np.array([0.5, -0.25, 0.125])  # of the margin, times the mean of each colour in 0 to 1


def linear_model():
    """margin = 4 * (SLOPE . mean colour): the unit that is summed never leaves the ReLU's straight part."""
    graph = Graph((SIDE, SIDE, 3))
    scale = Node("affine", [graph.input], (SIDE, SIDE, 3), "scale", weights=np.full(3, 1 / 255), bias=np.zeros(3), names=["scale"])
    kernel = np.zeros((1, 1, 3, 8))
    kernel[0, 0, :, 0] = SLOPE
    unit = Node("convolution", [scale], (SIDE, SIDE, 8), "unit", activation="relu", weights=kernel, bias=np.eye(8)[0], kernel=(1, 1), strides=(1, 1),
                dilation=(1, 1), same=True, groups=1, out_channels=8, names=["unit"])
    mean = Node("global_pool", [unit], (1, 1, 8), "mean", names=["mean"])
    weights = np.zeros((1, 1, 8, 2))
    weights[0, 0, 0, 1] = 4
    dense = Node("dense", [mean], (1, 1, 2), "dense", weights=weights, bias=np.array([4.0, 0.0]), out_channels=2, names=["dense"])
    softmax = Node("softmax", [dense], (1, 1, 2), "softmax", names=["softmax"])
    graph.nodes += [scale, unit, mean, dense, softmax]
    graph.logits, graph.probabilities = dense, softmax
    model = tiny_model(golden=False)
    model.nodes, model.tensors, model.names, model.logits, model.probabilities = pack.pack_graph(graph)
    return model


def margin(pixels):
    return 4 * float((pixels.astype(np.float64).mean(axis=(0, 1)) / 255) @ SLOPE)


@pytest.fixture
def engine():
    made = Engine(BINARY, SIDE, SIDE)
    yield made
    made.close()


def test_attacks_on_a_linear_network_are_the_closed_form(engine):
    model = engine.stored(fovea_file.write_fovea(linear_model()))
    random = np.random.default_rng(1)
    targets = [attack.Target(random.integers(40, 200, (SIDE, SIDE, 3)).astype(np.uint8), direction) for direction in (1, -1)]
    slopes = attack.gradients(engine, model, [target.pixels for target in targets])
    for target, slope in zip(targets, slopes):
        assert np.allclose(slope, 4 * SLOPE / 255 / SIDE**2, rtol=1e-4)
    for epsilon in (0.5, 8):
        fgsm = attack.fgsm(targets, slopes, epsilon)
        pgd = attack.pgd(engine, model, targets, epsilon, 5, 1)
        for target, one, other in zip(targets, fgsm, pgd):
            # The corner of the box, to which a straight slope leads from everywhere in it.
            assert np.array_equal(one, target.pixels + np.float32(epsilon) * target.direction * np.sign(SLOPE)) and np.array_equal(one, other)
            expected = margin(target.pixels) + target.direction * epsilon * 4 * np.abs(SLOPE).sum() / 255
            logits = attack.logits(engine, model, [one])[0]
            assert logits[1] - logits[0] == pytest.approx(expected, abs=2e-6)


def test_an_attack_stays_in_the_box_and_in_the_eye(engine):
    model = engine.stored(fovea_file.write_fovea(linear_model()))
    pixels = np.random.default_rng(2).integers(0, 256, (SIDE, SIDE, 3)).astype(np.uint8)
    pixels[:9] = 0
    target = attack.Target(pixels, 1)
    for made in (*attack.fgsm([target], attack.gradients(engine, model, [pixels]), 3), *attack.pgd(engine, model, [target], 3, 4, 1)):
        assert (made[:9] == 0).all() and made.min() >= 0 and made.max() <= 255
        assert np.abs(made - pixels).max() == 3


def test_the_attack_is_tensorflows():
    keras = pytest.importorskip("tensorflow").keras
    import tensorflow
    folder = ROOT / "tests" / "golden" / "data" / "networks"
    network = keras.models.load_model(folder / "small96" / "model.keras", compile=False)
    network.layers[-1].activation = keras.activations.linear
    targets = [attack.Target(np.asarray(Image.open(path).convert("RGB")), -1) for path in sorted((folder / "inputs").glob("*.png"))]
    engine = Engine(BINARY, 96, 96)
    try:
        model = str(folder / "small96" / "model.fovea")
        made = attack.fgsm(targets, attack.gradients(engine, model, [target.pixels for target in targets]), 2)
        ours = attack.logits(engine, model, made)
    finally:
        engine.close()
    for target, changed, logits in zip(targets, made, ours):
        pixels = tensorflow.constant(target.pixels.astype(np.float32)[None])
        with tensorflow.GradientTape() as tape:
            tape.watch(pixels)
            out = network(pixels, training=False)[0]
            value = out[1] - out[0]
        slope = tape.gradient(value, pixels).numpy()[0]
        theirs = attack.project(target.pixels - 2 * np.sign(slope), target, 2)
        # The sign of a slope that is nearly nothing may be either's.
        assert (theirs == changed).mean() > 0.998
        other = network(theirs[None], training=False).numpy()[0]
        assert other[1] - other[0] == pytest.approx(logits[1] - logits[0], abs=0.02 * max(1, abs(float(value))))
        assert logits[1] - logits[0] < float(value)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Prepared pictures that the linear network tells apart by their red, with results and labels; and statistics of them."""
    made = tmp_path_factory.mktemp("robustness")
    model = linear_model()
    (made / "linear.fovea").write_bytes(fovea_file.write_fovea(model))
    random = np.random.default_rng(3)
    rows = ["file,dr"]
    for number in range(120):
        ill = number % 2
        red = 112 + 16 * ill + random.normal(0, 1)
        pixels = np.stack([np.full((SIDE, SIDE), red), np.full((SIDE, SIDE), 240.0), np.full((SIDE, SIDE), 0.0)], axis=2)
        Image.fromarray((pixels + random.normal(0, 1, pixels.shape)).clip(1, 255).astype(np.uint8)).save(made / f"p{number:03}.png")
        rows.append(f"p{number:03},{ill}")
    (made / "labels.csv").write_text("\n".join(rows) + "\n")
    names = [f"p{number:03}.png" for number in range(120)]
    results = jsonl(fovea_ok("run", "--model", made / "linear.fovea", *(made / name for name in names)))
    (made / "results.jsonl").write_text("".join(json.dumps({**one, "file": name}) + "\n" for one, name in zip(results, names)))
    from fovea_tools.commands.typicality import main as typicality
    common = [str(made / "results.jsonl"), str(made / "labels.csv"), "--photos", str(made), "--prepared", "--quiet", "--fovea", BINARY]
    assert typicality([str(made / "linear.fovea"), *common, "--taps", "unit", "-o", str(made / "known.fovea")]) == 0
    return made


def arguments(folder, model, *more):
    return [str(part) for part in (folder / model, folder / "results.jsonl", folder / "labels.csv", "--photos", folder, "--prepared", "--fovea", BINARY,
                                   "--quiet", *more)]


def test_the_command_tells_what_is_left(folder, tmp_path, capsys):
    assert main(arguments(folder, "known.fovea", "--epsilons", "1,20", "--steps", "3", "--json", tmp_path / "figures.json")) == 0
    figures = json.loads((tmp_path / "figures.json").read_text())
    rows = {(row["attack"], row["epsilon"]): row for row in figures["attacks"]}
    assert list(rows) == [("none", 0), ("FGSM", 1), ("PGD", 1), ("FGSM", 20), ("PGD", 20)] and figures["photos"] == 120 and figures["positive"] == 60
    assert rows["none", 0]["accuracy"] == 1 and rows["none", 0]["atypical"] < 0.25
    # The classes lie 16 grey levels of red apart; 20 of each colour against the truth turn all of them around.
    assert rows["FGSM", 1]["accuracy"] == rows["PGD", 1]["accuracy"] == 1
    for name in ("FGSM", "PGD"):
        assert rows[name, 20]["accuracy"] == rows[name, 20]["sensitivity"] == rows[name, 20]["specificity"] == 0
        assert rows[name, 20]["rejected"] == 1
    table = capsys.readouterr().out
    assert "| FGSM | 20 | 0.000 | 0.000 | 0.000 | 1.000 | 1.000 |" in table and "| none | 0 | 1.000 |" in table


def test_without_statistics_typicality_is_not_told(folder, tmp_path, capsys):
    assert main(arguments(folder, "linear.fovea", "--epsilons", "20", "--limit", "8", "-o", tmp_path / "table.md")) == 0
    text = (tmp_path / "table.md").read_text()
    assert "8 gradable photos, 4 of them with DR" in text and "| FGSM | 20 | 0.000 | 0.000 | 0.000 | – | – |" in text


def test_what_cannot_be_attacked_is_said(folder, tmp_path, capsys):
    codes = ROOT / "models" / "detectors" / "small224" / "small224_int8.fovea"
    assert main([str(codes), *arguments(folder, "linear.fovea")[1:]]) == 4
    assert "no gradient" in capsys.readouterr().err
    for wrong in (["--epsilons", "a"], ["--epsilons", "0"], ["--epsilons", "nan"], ["--epsilons", "256"], ["--steps", "0"], ["--limit", "-1"]):
        with pytest.raises(SystemExit) as end:
            main(arguments(folder, "linear.fovea", *wrong))
        assert end.value.code == 2
