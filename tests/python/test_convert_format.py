# SPDX-License-Identifier: Apache-2.0
"""The .fovea writer against models/FORMAT.md: bytes, checksums, damage."""
import struct
import zlib

import numpy as np
import pytest
from conftest import convert_to_model, fovea_convert, write_h5, write_keras

from fovea_tools.file import fovea_file, pack
from fovea_tools.file.fovea_file import FormatError, read_fovea


@pytest.fixture
def tiny(tmp_path):
    source = write_h5(tmp_path / "tiny.h5")
    convert_to_model(source, tmp_path / "tiny.fovea")
    return (tmp_path / "tiny.fovea").read_bytes()


def test_header_and_table_are_laid_out_as_documented(tiny):
    assert tiny[:8] == bytes([0x46, 0x4F, 0x56, 0x45, 0x41, 0x0D, 0x0A, 0x1A])
    version, header_size, size, count, table_checksum = struct.unpack_from("<IIQII", tiny, 8)
    assert (version, header_size, size) == (1, 64, len(tiny))
    assert tiny[32:60] == bytes(28)
    assert struct.unpack_from("<I", tiny, 60)[0] == zlib.crc32(tiny[:60])
    assert table_checksum == zlib.crc32(tiny[64 : 64 + 32 * count])
    end = 64 + 32 * count
    tags = []
    for index in range(count):
        tag, flags, offset, length, checksum, reserved = struct.unpack_from("<4sIQQII", tiny, 64 + 32 * index)
        assert offset % 64 == 0 and 0 <= offset - end < 64 and tiny[end:offset] == bytes(offset - end)
        assert checksum == zlib.crc32(tiny[offset : offset + length]) and reserved == 0 and flags == 1
        end = offset + length
        tags.append(tag)
    assert end == len(tiny)
    assert sorted(tags) == [b"GRPH", b"LABL", b"PREP", b"PROV", b"STRS", b"TNSR", b"WGHT"]


def test_writer_and_reader_agree(tiny):
    assert fovea_file.write_fovea(read_fovea(tiny)) == tiny


def test_every_truncation_is_refused(tiny):
    for length in range(0, len(tiny), 7):
        with pytest.raises(FormatError):
            read_fovea(tiny[:length])
    with pytest.raises(FormatError):
        read_fovea(tiny + b"\0")


def test_every_flipped_bit_is_refused(tiny):
    for position in range(len(tiny)):
        damaged = bytearray(tiny)
        damaged[position] ^= 1 << (position % 8)
        with pytest.raises(FormatError):
            read_fovea(bytes(damaged))


@pytest.mark.parametrize("groups,out,in_group,kernel", [(1, 1, 3, 1), (1, 9, 2, 3), (3, 15, 2, 5), (4, 32, 1, 3)])
def test_panels_hold_eight_channels_innermost(groups, out, in_group, kernel):
    values = np.random.default_rng(3).normal(size=(kernel, kernel, in_group, out)).astype(np.float32)
    packed = pack.pack_conv_panels(values, groups)
    out_group = out // groups
    panels = -(-out_group // 8)
    assert packed.shape == (groups, panels, kernel, kernel, in_group, 8)
    assert packed.nbytes == fovea_file.packed_size(fovea_file.F32, fovea_file.PACK_CONV_PANELS, values.shape, groups)
    for channel in range(out):
        group, inside = divmod(channel, out_group)
        stored = packed[group, inside // 8, :, :, :, inside % 8]
        np.testing.assert_array_equal(stored, values[..., channel])
    assert packed.sum(dtype=np.float64) == pytest.approx(values.sum(dtype=np.float64), abs=1e-4)  # padding lanes are zero
    np.testing.assert_array_equal(pack.unpack_conv_panels(packed, values.shape, groups), values)


def test_same_input_gives_the_same_bytes(tmp_path):
    source = write_keras(tmp_path / "tiny.keras")
    options = ("--labels", "no_dr,dr", "--provenance", "licence=none", "--operating-point", "a=0.5", "--quiet")
    for target in ("first", "second"):
        assert fovea_convert(source, tmp_path / target, *options) == 0
    assert (tmp_path / "first").read_bytes() == (tmp_path / "second").read_bytes()


def test_h5_and_keras_of_one_model_hold_one_network(tmp_path):
    one = convert_to_model(write_h5(tmp_path / "tiny.h5"), tmp_path / "1.fovea")
    two = convert_to_model(write_keras(tmp_path / "tiny.keras"), tmp_path / "2.fovea")
    assert (one.nodes, one.tensors, one.names) == (two.nodes, two.tensors, two.names)


def test_command_line_reaches_the_file(tmp_path):
    source = write_h5(tmp_path / "tiny.h5")
    pixels = np.arange(2 * 8 * 8 * 3, dtype=np.uint8).reshape(2, 8, 8, 3)
    np.savez(tmp_path / "golden.npz", pixels=pixels, logits=np.array([[1, 2], [3, 4]], np.float32), tolerance=0.25)
    model = convert_to_model(
        source, tmp_path / "tiny.fovea", "--labels", "healthy,ill", "--target", "referable_dr", "--preset", "kaggle_circle",
        "--sigma", "30", "--tolerance", "9", "--gray-swapped", "--pad-square", "--resize", "cv_area", "--bgr", "--temperature", "1.5",
        "--operating-point", "sensitive=0.2", "--operating-point", "balanced=0.4", "--default-operating-point", "balanced",
        "--golden", str(tmp_path / "golden.npz"), "--provenance", "training_data=two eyes", "--name", "detector",
    )
    p = model.preprocessing
    assert (p.preset, p.flags, p.sigma, p.tolerance, p.resize, p.height, p.width) == (2, 2 + 4 + 8, 30.0, 9, 1, 8, 8)
    assert (model.labels, model.target, model.output_form) == (["healthy", "ill"], 2, fovea_file.OUTPUT_SOFTMAX)
    assert (model.temperature, model.operating_points, model.default_point) == (1.5, [("sensitive", 0.2), ("balanced", 0.4)], 1)
    assert model.golden.tolerance == 0.25 and model.golden.logits == [[1, 2], [3, 4]]
    assert b"".join(model.golden.pixels) == pixels.tobytes()
    facts = dict(model.provenance)
    assert facts["training_data"] == "two eyes" and facts["model_name"] == "detector" and facts["source_file"] == "tiny.h5"
    assert len(facts["source_sha256"]) == 64 and facts["source_framework"] == "Keras 2.15.0 (tensorflow)"


def test_default_preset_is_said(tmp_path, capsys):
    assert fovea_convert(write_h5(tmp_path / "a.h5"), tmp_path / "a.fovea", "--labels", "no_dr,dr") == 0
    said = capsys.readouterr().out
    assert "preset kaggle_ben_color, sigma 10, tolerance 7, circle mask" in said
    p = read_fovea((tmp_path / "a.fovea").read_bytes()).preprocessing
    assert (p.preset, p.flags, p.sigma, p.tolerance, p.resize, p.graham_scale) == (1, 1, 10.0, 7, 0, 0.0)
