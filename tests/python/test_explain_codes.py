# SPDX-License-Identifier: Apache-2.0
"""Explanations of models of 8-bit codes: their gradients are those of the float network that their whole weights stand for, made here a
second time by the words of models/FORMAT.md; their answers stay their own."""
import dataclasses
import json

import numpy as np
import pytest
from cli_helpers import ROOT, fovea, fovea_file, fovea_ok, needs_binary, pack

pytestmark = needs_binary
DETECTORS = ROOT / "models" / "detectors"
SAID = "8-bit weights, turned back into floats"
PHOTOS = sorted((ROOT / "tests" / "golden" / "data" / "photos").glob("*.jpg"))
F32, I8 = fovea_file.F32, fovea_file.I8
NONE = fovea_file.NONE
# Measured on 43 photos (these, 20 of IDRiD, 20 of APTOS): at least 0.977, median 0.986; at least 0.960, median 0.972.
LEAST_COSINE = {"small224": 0.97, "large224": 0.95}


def turned_back(model):
    """The float network: w = q * (what a sum of 1 stands for) / (what a code of the input stands for), in double precision."""
    codes = {record.node: record for record in model.codes}
    tensors = list(model.tensors)

    def numbers(index, count):
        kind = {F32: "<f4", fovea_file.I32: "<i4"}[model.tensors[index].element_type]
        return np.frombuffer(model.tensors[index].data, kind)[:count].astype(np.float64)

    def add(packing, dimensions, values):
        tensors.append(fovea_file.Tensor(F32, packing, dimensions, np.ascontiguousarray(values, "<f4").tobytes()))
        return len(tensors) - 1

    def layer(node, record):
        tensor, out = model.tensors[node.weights], node.out_channels
        height, width, inputs, _ = tensor.dimensions
        stored = np.frombuffer(tensor.data, np.int8).astype(np.float64)
        multiplier = numbers(record.multiplier, out)
        if record.code_type == fovea_file.CODES_NONE:
            weights = pack.unpack_conv_panels(stored, tensor.dimensions, 1) * multiplier
            return dataclasses.replace(node, weights=add(tensor.packing, tensor.dimensions, pack.pack_conv_panels(weights, 1)))
        hard_swish = fovea_file.FILE_ACTIVATIONS[node.activation] == "hard_swish"
        unit = multiplier if hard_swish else multiplier * numbers(record.scale, out)
        taken = codes[node.operands[0] - 1]
        scale, zero = numbers(taken.scale, inputs), numbers(taken.zero, inputs)
        if tensor.packing == fovea_file.PACK_DEPTHWISE:
            whole = pack.unpack_depthwise(stored, tensor.dimensions)
            zeros = (whole * zero).sum(axis=(0, 1))
            weights, packing, packed = whole * unit / scale, tensor.packing, pack.pack_depthwise
        else:  # [r8(out) / 8][kh][kw][r4(in) / 4][8][4]
            whole = stored.reshape(-1, height, width, -(-inputs // 4), 8, 4).transpose(1, 2, 3, 5, 0, 4)
            whole = whole.reshape(height, width, -1, -(-out // 8) * 8)[:, :, :inputs, :out]
            zeros = np.einsum("hwio,i->o", whole, zero)
            weights, packing = whole * unit / scale[:, None], fovea_file.PACK_CONV_PANELS
            packed = lambda values: pack.pack_conv_panels(values, 1)  # noqa: E731
        bias = (numbers(node.bias, out) + zeros) * unit
        return dataclasses.replace(node, weights=add(packing, tensor.dimensions, packed(weights)),
                                   bias=add(fovea_file.PACK_VECTOR, (out, 1, 1, 1), pack.pack_vector(bias)))

    stands_for, nodes = {0: 0}, []
    for number, old in enumerate(model.nodes):
        node = dataclasses.replace(old, operands=[stands_for[value] for value in old.operands])
        makes, takes = number in codes and codes[number].code_type != 0, old.operands[0] - 1 in codes and codes[old.operands[0] - 1].code_type != 0
        converts = fovea_file.NODE_KINDS[old.kind] == "activation" and old.activation == 0 and (makes or takes)
        if not converts:
            if old.weights != NONE and model.tensors[old.weights].element_type == I8:
                node = layer(old, codes[number])
                node = dataclasses.replace(node, operands=[stands_for[value] for value in old.operands])
            nodes.append(node)
        stands_for[number + 1] = stands_for[old.operands[0]] if converts else len(nodes)
    used = sorted({number for node in nodes for number in (node.weights, node.bias) if number != NONE})
    places = {number: place for place, number in enumerate(used)} | {NONE: NONE}
    nodes = [dataclasses.replace(node, weights=places[node.weights], bias=places[node.bias]) for node in nodes]
    names = [(name, stands_for[node + 1] - 1) for name, node in model.names]
    return dataclasses.replace(model, nodes=nodes, tensors=[tensors[number] for number in used], names=sorted(names, key=lambda pair: pair[1]),
                               logits=stands_for[model.logits], probabilities=stands_for[model.probabilities], codes=[], golden=None)


@pytest.fixture(scope="module", params=["small224", "large224"])
def detector(request, tmp_path_factory):
    """The model of codes, that of the floats it was made of, and that of the floats its codes stand for; pictures that the networks see."""
    folder = tmp_path_factory.mktemp(request.param)
    codes = DETECTORS / request.param / f"{request.param}_int8.fovea"
    back = folder / "back.fovea"
    back.write_bytes(fovea_file.write_fovea(turned_back(fovea_file.read_fovea(codes.read_bytes()))))
    pictures = []
    for photo in PHOTOS:
        pictures.append(folder / f"{photo.stem}.png")
        fovea_ok("preprocess", "-m", codes, photo, pictures[-1])
    return codes, DETECTORS / request.param / f"{request.param}.fovea", back, pictures


def explained(model, picture, folder, *options):
    raw = folder / "map.npy"
    told = json.loads(fovea_ok("explain", "-m", model, "--as-is", picture, "--raw", raw, *options))
    return np.load(raw).astype(np.float64), told


def cosine(one, other):
    return float((one * other).sum() / np.sqrt((one * one).sum() * (other * other).sum()))


@pytest.mark.parametrize("options", [["--method", "gradient"], ["--method", "gradient", "--scalar", "loss", "--class", "0"], ["--method", "integrated", "--steps", "4"],
                                     ["--method", "smoothgrad", "--samples", "2"], ["--method", "gradcam"], ["--method", "gradcam", "--layer", "expanded_conv_4/Add"]])
def test_maps_are_those_of_the_floats_that_the_codes_stand_for(detector, options, tmp_path):
    codes, _, back, pictures = detector
    made, told = explained(codes, pictures[0], tmp_path, *options)
    expected, told_of_floats = explained(back, pictures[0], tmp_path, *options)
    assert told["weights"] == SAID and "weights" not in told_of_floats
    # Both are float32; the reference's weights were rounded once, from double precision, as the engine's are.
    assert np.abs(made - expected).max() <= 1e-4 * np.abs(expected).max() and cosine(made, expected) >= 1 - 1e-7


def test_the_answer_is_that_of_the_codes(detector, tmp_path):
    codes, _, back, pictures = detector
    for picture in pictures:
        _, told = explained(codes, picture, tmp_path, "--method", "gradient")
        run = json.loads(fovea_ok("run", "-m", codes, picture))
        assert told["logits"] == run["logits"] != json.loads(fovea_ok("run", "-m", back, picture))["logits"]
        assert told["value"] == pytest.approx(run["logits"][1] - run["logits"][0])


def test_gradients_are_near_those_of_the_detector_that_the_codes_were_made_of(detector, tmp_path):
    codes, floats, _, pictures = detector
    for picture in pictures:
        made, expected = (explained(model, picture, tmp_path, "--method", "gradient")[0] for model in (codes, floats))
        assert cosine(made, expected) >= LEAST_COSINE[codes.parent.name], picture.stem


def test_threads_change_nothing(detector, tmp_path):
    codes, _, _, pictures = detector
    one, told = explained(codes, pictures[0], tmp_path)
    other, told_again = explained(codes, pictures[0], tmp_path, "--threads", "3")
    assert one.tobytes() == other.tobytes() and told == told_again


def test_attention_and_occlusion_are_of_the_codes_themselves(tmp_path):
    codes = DETECTORS / "small224" / "small224_int8.fovea"
    for method in (["attention"], ["occlusion", "--patch", "112", "--stride", "112"]):
        told = json.loads(fovea_ok("explain", "-m", codes, PHOTOS[0], "--method", *method, "--raw", tmp_path / "map.npy"))
        assert np.abs(np.load(tmp_path / "map.npy")).max() > 0 and told["largest"] > 0 and "weights" not in told


def test_a_screening_says_whose_map_it_is(tmp_path):
    codes = DETECTORS / "small224" / "small224_int8.fovea"
    text = fovea("screen", "-m", codes, "--explain", tmp_path / "maps", PHOTOS[0])
    assert text.returncode == 0 and f".png (of {SAID})" in text.stdout
    row = json.loads(fovea_ok("screen", "-m", codes, "--explain", tmp_path / "maps", "--format", "jsonl", PHOTOS[0]))
    assert row["explanation"]["weights"] == SAID
