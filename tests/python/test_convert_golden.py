# SPDX-License-Identifier: Apache-2.0
"""Reference Keras files converted: what is listed as refused is refused, names are all there. Needs FOVEA_DATA."""
import json

import numpy as np
import pytest
from conftest import convert_to_model, fovea_convert

from fovea_tools.file.fovea_file import NODE_KINDS


@pytest.mark.parametrize("model,backbone", [
    ("small224/model.h5", "MobilenetV3small"), ("small224/model.keras", "MobilenetV3small"), ("large512/model.h5", "MobilenetV3large"),
])
def test_every_listed_layer_has_a_name_when_layers_are_kept(fovea_data, tmp_path, model, backbone):
    folder = fovea_data / "golden" / "models"
    source = folder / model
    converted = convert_to_model(source, tmp_path / "m.fovea", "--labels", "no_dr,dr", "--keep-layers")
    names = {name for name, _ in converted.names}
    listed = json.loads((source.parent / "activations.json").read_text())["layers"]
    wanted = {layer["layer"] for layer in listed} - {"backbone output"} | {backbone}
    assert len(wanted) > 50 and wanted <= names


@pytest.mark.parametrize("model,nodes", [("small224/model.h5", 95), ("large512/model.h5", 107)])
def test_reference_networks_fold_to_what_they_compute(fovea_data, tmp_path, model, nodes):
    converted = convert_to_model(fovea_data / "golden" / "models" / model, tmp_path / "m.fovea")
    kinds = [NODE_KINDS[node.kind] for node in converted.nodes]
    assert len(kinds) == nodes
    # Nothing is left of normalisations, paddings and spelled-out activations.
    assert kinds.count("affine") == 1 and not {"pad", "reshape"} & set(kinds)
    assert kinds.count("activation") <= 2
    padded = [node.padding for node in converted.nodes if NODE_KINDS[node.kind] == "depthwise" and node.strides == (2, 2)]
    assert set(padded) == {(0, 0, 1, 1), (1, 1, 2, 2)}


def test_both_file_kinds_of_one_model_hold_the_same_network(fovea_data, tmp_path):
    folder = fovea_data / "golden" / "models" / "small224"
    one = convert_to_model(folder / "model.h5", tmp_path / "1.fovea")
    two = convert_to_model(folder / "model.keras", tmp_path / "2.fovea")
    assert (one.nodes, one.tensors, one.names) == (two.nodes, two.tensors, two.names)


def test_listed_variants_are_handled_or_refused(fovea_data, tmp_path, capsys):
    folder = fovea_data / "golden" / "variants"
    variants = json.loads((folder / "expected.json").read_text())["variants"]
    assert variants
    for variant in variants:
        status = fovea_convert(folder / variant["file"], tmp_path / "m.fovea", "--labels", "no_dr,dr", "--quiet")
        said = capsys.readouterr().err
        if variant["expect"].startswith("refuse"):
            assert status == 4 and "'layer_normalization'" in said, variant["file"]
            continue
        assert status == 0, said
        assert ("very narrow range" in said) == ("warn" in variant["expect"]), variant["file"]


def test_double_rescaling_is_composed(fovea_data, tmp_path):
    model = convert_to_model(fovea_data / "golden" / "variants" / "double_rescale.keras", tmp_path / "m.fovea")
    node = model.nodes[0]
    scale, offset = (np.frombuffer(model.tensors[i].data, "<f4")[:3] for i in (node.weights, node.bias))
    np.testing.assert_allclose(scale, 1 / 32512.5, rtol=1e-6)
    np.testing.assert_array_equal(offset, -1)


def test_unknown_size_keeps_the_paddings_of_the_file(fovea_data, tmp_path):
    model = convert_to_model(fovea_data / "golden" / "variants" / "none_shape.h5", tmp_path / "m.fovea")
    assert model.input_size == (0, 0, 3) and model.default_size == (224, 224)
    strided = [node for node in model.nodes if node.strides == (2, 2)]
    assert [node.padding_mode for node in strided] == [1] + [0] * (len(strided) - 1)  # the stem is 'same'
    assert {node.padding for node in strided[1:]} == {(0, 0, 1, 1), (1, 1, 2, 2)}
