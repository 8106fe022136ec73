# SPDX-License-Identifier: Apache-2.0
"""fovea-lesions: its figures on maps with known answers, and the command on made photos and a network that sees nothing but red spots."""
import json
import shutil

import numpy as np
import pytest
from cli_helpers import BINARY, SIDE, fovea_file, needs_binary, pack, tiny_model
from fovea_tools.builder.graph import Graph, Node
from PIL import Image

pytest.importorskip("sklearn")
from fovea_tools.commands.lesions import main  # noqa: E402
from fovea_tools.maps import figures, lesions  # noqa: E402
from fovea_tools.maps.randomised import EVERYTHING, HEAD, randomised  # noqa: E402

LIT = np.ones((4, 4), bool)
SPOT = np.zeros((4, 4))
SPOT[1, 2] = 1


def test_cells_have_their_share_of_a_mask():
    random = np.random.default_rng(1)
    mask = random.random((12, 16)) < 0.4
    assert np.allclose(figures.shares_in_cells(mask, (0, 0, 16, 12), 4), mask.reshape(4, 3, 4, 4).mean(axis=(1, 3)))
    # An area that reaches beyond the photo and cuts pixels: against the same at eight times the resolution.
    area = (-2.5, 1.25, 20.0, 10.0)
    fine = np.pad(np.kron(mask, np.ones((8, 8))), ((0, 0), (20, 12)))[10:90]
    assert np.allclose(figures.shares_in_cells(mask, area, 5), fine.reshape(5, 16, 5, 32).mean(axis=(1, 3)))


def test_a_coarse_map_is_enlarged_as_opencv_does():
    cv2 = pytest.importorskip("cv2")
    values = np.random.default_rng(2).random((7, 7))
    assert np.allclose(figures.enlarged(values, 64), cv2.resize(values, (64, 64), interpolation=cv2.INTER_LINEAR), atol=1e-6)
    assert figures.enlarged(values, 7) is values and np.allclose(figures.enlarged(np.full((1, 1), 3.0), 5), 3)


def test_energy_and_pointing_of_maps_with_known_answers():
    assert figures.energy_share(SPOT, SPOT, LIT) == 1 and figures.area_share(SPOT, LIT) == 1 / 16
    assert figures.energy_share(np.ones((4, 4)), SPOT, LIT) == 1 / 16 == figures.energy_share(np.zeros((4, 4)), SPOT, LIT)
    assert figures.energy_share(np.ones((4, 4)), SPOT / 2, LIT) == 1 / 32
    away = np.zeros((4, 4))
    away[3, 0] = 5
    assert figures.energy_share(away, SPOT, LIT) == 0 and figures.energy_share(away + 5 * SPOT, SPOT, LIT) == 0.5
    assert figures.points_into(SPOT, SPOT > 0, LIT) == 1 and figures.points_into(away, SPOT > 0, LIT) == 0
    assert figures.points_into(away + 5 * SPOT, SPOT > 0, LIT) == 0.5
    dark = LIT.copy()
    dark[3, 0] = False
    assert figures.points_into(away + SPOT, SPOT > 0, dark) == 1 and figures.energy_share(away + SPOT, SPOT, dark) == 1
    near = figures.widened(SPOT, 1.0)
    assert near.sum() == 5 and near[1, 1] and near[0, 2] and not near[0, 1] and not figures.widened(0 * SPOT, 9.0).any()


def test_the_auc_is_scikit_learns():
    from sklearn.metrics import roc_auc_score
    random = np.random.default_rng(3)
    values, inside = random.integers(0, 9, (16, 16)).astype(float), random.random((16, 16))
    lit = random.random((16, 16)) < 0.8
    pieces = np.concatenate([inside[lit], 1 - inside[lit]])
    truth = np.repeat([1, 0], lit.sum())
    expected = roc_auc_score(truth, np.tile(values[lit], 2), sample_weight=pieces)
    assert figures.pixel_auc(values, inside, lit) == pytest.approx(expected, abs=1e-9)
    assert figures.pixel_auc(SPOT, SPOT, LIT) == 1 and figures.pixel_auc(-SPOT, SPOT, LIT) == 0 and figures.pixel_auc(0 * SPOT, SPOT, LIT) == 0.5
    assert np.isnan(figures.pixel_auc(SPOT, 0 * SPOT, LIT))


def test_pixels_go_in_the_order_of_the_map():
    pixels = np.arange(48, dtype=np.uint8).reshape(4, 4, 3) + 1
    values = np.arange(16.0).reshape(4, 4)
    dark = LIT.copy()
    dark[3, 3] = False
    nothing, two, everything = figures.edited(pixels, values, dark, (0, 2 / 15, 1), 200, keep=False)
    assert np.array_equal(nothing, pixels) and (everything[dark] == 200).all() and np.array_equal(everything[3, 3], pixels[3, 3])
    assert sorted(map(tuple, np.argwhere((two == 200).all(axis=2)))) == [(3, 1), (3, 2)]
    (kept,) = figures.edited(pixels, values, dark, (2 / 15,), 200, keep=True)
    assert np.array_equal((kept == pixels).all(axis=2), (two != pixels).any(axis=2) | ~dark)
    assert figures.area_under((0, 0.5, 1), (1, 0, 0)) == 0.25


def test_correlation_is_of_ranks():
    values = np.random.default_rng(4).random((9, 9))
    lit = np.ones((9, 9), bool)
    assert figures.rank_correlation(values, np.exp(values), lit) == pytest.approx(1)
    assert figures.rank_correlation(values, -values, lit) == pytest.approx(-1)
    assert figures.rank_correlation(values, np.ones((9, 9)), lit) == 0
    mean, error = figures.mean_and_error([1.0, 3.0, float("nan")])
    assert (mean, error) == (2.0, 1.0) and np.isnan(figures.mean_and_error([])[0])


def red_network(gain=400.0):
    """What is brighter red than half is summed up: the margin's gradient is the same there, and nothing elsewhere."""
    graph = Graph((SIDE, SIDE, 3))
    scale = Node("affine", [graph.input], (SIDE, SIDE, 3), "scale", weights=np.full(3, 1 / 255), bias=np.zeros(3), names=["scale"])
    kernel = np.zeros((1, 1, 3, 8))
    kernel[0, 0, 0, 0] = 1
    bias = np.zeros(8)
    bias[0] = -0.51
    spots = Node("convolution", [scale], (SIDE, SIDE, 8), "spots", activation="relu", weights=kernel, bias=bias, kernel=(1, 1), strides=(1, 1),
                 dilation=(1, 1), same=True, groups=1, out_channels=8, names=["spots"])
    mean = Node("global_pool", [spots], (1, 1, 8), "mean", names=["mean"])
    weights = np.zeros((1, 1, 8, 2))
    weights[0, 0, 0, 1] = gain
    dense = Node("dense", [mean], (1, 1, 2), "dense", weights=weights, bias=np.array([2.0, 0.0]), out_channels=2, names=["dense"])
    softmax = Node("softmax", [dense], (1, 1, 2), "softmax", names=["softmax"])
    graph.nodes += [scale, spots, mean, dense, softmax]
    graph.logits, graph.probabilities = dense, softmax
    model = tiny_model(golden=False)
    model.nodes, model.tensors, model.names, model.logits, model.probabilities = pack.pack_graph(graph)
    model.preprocessing = fovea_file.Preprocessing(0, 0, 0.0, 7, 0, 0.0, SIDE, SIDE)
    return model


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """Three photos of twice the network's side, grey with red squares, and their masks."""
    folder = tmp_path_factory.mktemp("lesions")
    (folder / "images").mkdir()
    (folder / "masks").mkdir()
    for number in range(3):
        photo, mask = np.full((2 * SIDE, 2 * SIDE, 3), 60, np.uint8), np.zeros((2 * SIDE, 2 * SIDE), np.uint8)
        top = 4 + 8 * number
        photo[top : top + 8, 20:28] = 250, 40, 40
        mask[top : top + 8, 20:28] = 1 << number
        mask[40:52, 40:52] = 16
        Image.fromarray(photo).save(folder / "images" / f"p{number}.png")
        Image.fromarray(mask).save(folder / "masks" / f"p{number}.png")
    (folder / "red.fovea").write_bytes(fovea_file.write_fovea(red_network()))
    return folder


def arguments(folder, *more):
    return [str(part) for part in (folder / "red.fovea", "--photos", folder / "images", "--masks", folder / "masks", "--fovea", BINARY, "--quiet", *more)]


@needs_binary
def test_a_network_of_red_spots_points_at_them(made, tmp_path, capsys):
    assert main(arguments(made, "--methods", "gradient,gradcam,occlusion", "--json", tmp_path / "figures.json")) == 0
    told = json.loads((tmp_path / "figures.json").read_text())["red"]
    share = 16 / SIDE**2
    for method in ("gradient", "gradcam"):
        found = {name: pair[0] for name, pair in told[method].items()}
        assert found["energy"] == pytest.approx(1 / share, rel=1e-5) and found["auc"] == pytest.approx(1) and found["pointing"] == 1
        assert found["optic_disc"] == 0
        # All of the score is in the first hundredth and a half of the pixels.
        assert found["deletion"] < told["random"]["deletion"][0] and found["insertion"] > told["random"]["insertion"][0]
    # Four squares, of four pixels a side, have a quarter of the spot each.
    assert told["occlusion"]["energy"][0] == pytest.approx(16, rel=1e-5) and told["occlusion"]["pointing"][0] == 0.25
    assert told["random"]["energy"][0] == pytest.approx(1, abs=0.3) and told["random"]["auc"][0] == pytest.approx(0.5, abs=0.15)
    table = capsys.readouterr().out
    assert table.count("\n| ") == 5 and "| gradient | 64.00 " in table and "| – | – |" in table.splitlines()[-1]


@needs_binary
def test_what_cannot_be_measured_is_said(made, tmp_path, capsys):
    assert main(arguments(made, "--methods", "attention")) == 1
    assert "no gate" in capsys.readouterr().err
    for photos, masks, said in ((tmp_path, "masks", "no mask"), ("images", tmp_path, "no mask")):
        assert main([str(made / "red.fovea"), "--photos", str(made / photos), "--masks", str(made / masks), "--fovea", BINARY]) == 1
        assert said in capsys.readouterr().err
    small = tmp_path / "masks"
    small.mkdir()
    Image.new("L", (9, 9)).save(small / "p0.png")
    assert main([str(made / "red.fovea"), "--photos", str(made / "images"), "--masks", str(small), "--fovea", BINARY]) == 1
    assert "64 x 64" in capsys.readouterr().err
    (tmp_path / "no.fovea").write_bytes(b"no model")
    assert main([str(tmp_path / "no.fovea"), "--photos", str(made / "images"), "--masks", str(made / "masks")]) == 4
    for wrong in (["--methods", "guess"], ["--methods", ""], ["--limit", "-1"], ["--photos", str(tmp_path / "gone")]):
        with pytest.raises(SystemExit) as end:
            main(arguments(made, *wrong))
        assert end.value.code == 2


@needs_binary
@pytest.mark.parametrize("data", [b"", b"no picture", None])
def test_a_damaged_mask_is_named(made, tmp_path, capsys, data):
    folder = shutil.copytree(made, tmp_path / "copy")
    mask = folder / "masks" / "p1.png"
    mask.write_bytes(mask.read_bytes()[:-40] if data is None else data)
    assert main(arguments(folder, "--methods", "gradient")) == 1
    assert capsys.readouterr().err == f"fovea-lesions: {mask}: it is no picture that can be read\n"


def test_shuffled_weights_are_the_same_numbers_elsewhere():
    data = fovea_file.write_fovea(tiny_model())
    before = fovea_file.read_fovea(data)
    head, everything = (fovea_file.read_fovea(randomised(data, part, 1)) for part in (HEAD, EVERYTHING))
    changed = [[number for number, (one, other) in enumerate(zip(before.tensors, after.tensors)) if one.data != other.data] for after in (head, everything)]
    assert len(changed[0]) == 1 and len(changed[1]) == 2 and set(changed[0]) < set(changed[1])
    for number in changed[1]:
        one, other = (np.frombuffer(tensors[number].data, "<f4") for tensors in (before.tensors, everything.tensors))
        assert np.array_equal(np.sort(one), np.sort(other)) and np.array_equal(one == 0, other == 0)
    assert randomised(data, EVERYTHING, 1) == randomised(data, EVERYTHING, 1) != randomised(data, EVERYTHING, 2)


def test_a_model_of_codes_is_refused():
    from cli_helpers import ROOT
    data = (ROOT / "models" / "detectors" / "small224" / "small224_int8.fovea").read_bytes()
    with pytest.raises(fovea_file.FormatError, match="no floats"):
        randomised(data, HEAD, 1)


def test_the_curves_shares_begin_with_nothing_and_end_with_all():
    assert lesions.SHARES[0] == 0 and lesions.SHARES[-1] == 1 and sorted(lesions.SHARES) == list(lesions.SHARES)
