# SPDX-License-Identifier: Apache-2.0
"""Changing temperature and operating points in a .fovea file: what is written, and that nothing else changes."""
import json
import os
import stat
import struct
import subprocess
import sys
import zlib

import pytest
from cli_helpers import fovea_ok, needs_binary, tiny_model
from conftest import stated

from fovea_tools.file import fovea_file
from fovea_tools.commands.convert import main as convert
from fovea_tools.errors import UsageError
from fovea_tools.file.fovea_file import FormatError, read_fovea, read_sections, write_fovea
from fovea_tools.file.model_edit import replace_calibration
from fovea_tools.file.output_file import write_file

POINTS = [("balanced", 0.25), ("sensitivity_95", 0.125), ("specificity_95", 0.75)]
FACTS = {"calibration_photos": "40", "model_name": "tiny"}


def plain_sections(data):
    """[(tag, flags, bytes)] read with nothing but FORMAT.md: checksums, order, gaps."""
    assert data[:8] == b"FOVEA\r\n\x1a" and struct.unpack_from("<I", data, 60)[0] == zlib.crc32(data[:60])
    size, count, table_sum = struct.unpack_from("<QII", data, 16)
    assert size == len(data) and table_sum == zlib.crc32(data[64 : 64 + 32 * count])
    end, found = 64 + 32 * count, []
    for index in range(count):
        tag, flags, offset, length, checksum, reserved = struct.unpack_from("<4sIQQII", data, 64 + 32 * index)
        assert offset % 64 == 0 and 0 <= offset - end < 64 and data[end:offset] == bytes(offset - end) and reserved == 0
        assert zlib.crc32(data[offset : offset + length]) == checksum
        found.append((tag.decode(), flags, data[offset : offset + length]))
        end = offset + length
    assert end == len(data)
    return found


def file_of(**changes):
    model = tiny_model()
    for name, value in changes.items():
        setattr(model, name, value)
    return write_fovea(model)


@pytest.mark.parametrize("had_points", [True, False])
def test_only_what_must_change_changes(had_points):
    before = file_of() if had_points else file_of(temperature=1.0, operating_points=[], default_point=None)
    after = replace_calibration(before, 1.75, POINTS, 2, FACTS)
    old, new = plain_sections(before), plain_sections(after)
    order = [tag for tag, _, _ in old]
    if not had_points:
        order.insert(order.index("LABL") + 1, "OPPT")
    assert [tag for tag, _, _ in new] == order
    kept = {tag: (flags, content) for tag, flags, content in old if tag not in ("STRS", "OPPT", "PROV")}
    assert {tag: (flags, content) for tag, flags, content in new if tag in kept} == kept
    one, other = read_fovea(before), read_fovea(after)
    assert (other.temperature, other.operating_points, other.default_point) == (1.75, POINTS, 2)
    assert other.provenance == [*one.provenance, ("calibration_photos", "40")]
    for name in ("nodes", "tensors", "names", "labels", "preprocessing", "golden", "target", "output_form", "logits", "probabilities"):
        assert getattr(one, name) == getattr(other, name)
    # The strings that were there keep their numbers.
    strings = fovea_file.read_strings(read_sections(before)["STRS"])
    assert fovea_file.read_strings(read_sections(after)["STRS"])[: len(strings)] == strings


def test_the_same_again_gives_the_same_bytes():
    once = replace_calibration(file_of(), 1.75, POINTS, 2, FACTS)
    assert replace_calibration(file_of(), 1.75, POINTS, 2, FACTS) == once
    assert replace_calibration(once, 1.75, POINTS, 2, FACTS) == once


def test_back_again_reads_as_before():
    before = file_of()
    model = read_fovea(before)
    there = replace_calibration(before, 3.0, POINTS, 0, {})
    back = replace_calibration(there, model.temperature, model.operating_points, model.default_point, {})
    assert read_fovea(back) == model


def with_section(data, tag, content, flags):
    """The file with a section of a later version after the others."""
    sections = [*read_sections(data).items(), (tag, content)]
    changed = bytearray(fovea_file.assemble(sections))
    count = len(sections)
    struct.pack_into("<I", changed, 64 + 32 * (count - 1) + 4, flags)
    struct.pack_into("<I", changed, 28, zlib.crc32(changed[64 : 64 + 32 * count]))
    struct.pack_into("<I", changed, 60, zlib.crc32(changed[:60]))
    return bytes(changed)


def test_an_unknown_optional_section_is_carried_along():
    after = replace_calibration(with_section(file_of(), "TYPI", b"statistics", 0), 2.0, POINTS, 0, {})
    assert plain_sections(after)[-1] == ("TYPI", 0, b"statistics")


def test_an_unknown_required_section_is_refused():
    with pytest.raises(FormatError, match="XXXX"):
        replace_calibration(with_section(file_of(), "XXXX", b"?", 1), 2.0, POINTS, 0, {})
    with pytest.raises(FormatError, match="capitals"):
        replace_calibration(with_section(file_of(), "ab\0c", b"?", 0), 2.0, POINTS, 0, {})


def test_a_damaged_file_is_refused():
    data = bytearray(file_of())
    data[-1] ^= 1
    with pytest.raises(FormatError):
        replace_calibration(bytes(data), 2.0, POINTS, 0, {})


def test_strings_that_occur_twice_keep_their_numbers():
    """Another writer may store a string twice; what points at the second one must still do so."""
    sections = read_sections(file_of())
    texts = fovea_file.read_strings(sections["STRS"])
    doubled = fovea_file.Strings()
    doubled.texts = [*texts, texts[0]]
    assert fovea_file.read_strings(doubled.section()) == [*texts, texts[0]]
    data = fovea_file.assemble([(tag, doubled.section() if tag == "STRS" else content) for tag, content in sections.items()])
    after = replace_calibration(data, 2.0, POINTS, 0, {})
    assert fovea_file.read_strings(read_sections(after)["STRS"])[: len(texts) + 1] == [*texts, texts[0]]
    assert read_fovea(after).names == read_fovea(data).names


@needs_binary
@pytest.mark.parametrize("had_points", [True, False])
def test_the_engine_accepts_the_file(tmp_path, had_points):
    before = file_of() if had_points else file_of(temperature=1.0, operating_points=[], default_point=None)
    path = tmp_path / "changed.fovea"
    path.write_bytes(replace_calibration(before, 1.75, POINTS, 2, FACTS))
    assert "self-test passed" in fovea_ok("selftest", path)
    facts = json.loads(fovea_ok("info", path, "--json"))
    assert facts["temperature"] == 1.75
    assert facts["operating_points"] == [
        {"name": name, "threshold": threshold, "default": name == "specificity_95"} for name, threshold in POINTS]
    assert facts["provenance"]["calibration_photos"] == "40"


def test_a_file_is_written_whole_or_not_at_all(tmp_path):
    path = tmp_path / "model.fovea"
    path.write_bytes(b"old")
    path.chmod(0o600)
    write_file(str(path), b"new")
    assert path.read_bytes() == b"new" and path.stat().st_mode & 0o777 == 0o600
    with pytest.raises(UsageError, match="cannot be written"):
        write_file(str(tmp_path / "no" / "model.fovea"), b"new")
    (tmp_path / "folder").mkdir()
    with pytest.raises(UsageError, match="cannot be written"):
        write_file(str(tmp_path / "folder"), b"new")
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(UsageError, match="no regular file"):
        write_file(str(tmp_path / "pipe"), b"new")
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["folder", "model.fovea", "pipe"]
    assert convert(["nothing.h5", "-o", str(tmp_path / "x"), *stated(["--labels", "a,b"])]) == 4


def test_a_kill_while_writing_leaves_the_old_file(tmp_path):
    path = tmp_path / "model.fovea"
    path.write_bytes(b"old")
    code = ("import os, sys; sys.path.insert(0, sys.argv[2]); from fovea_tools.file import output_file\n"
            "output_file.os.replace = lambda *names: os._exit(9)\noutput_file.write_file(sys.argv[1], b'new' * 1000)")
    done = subprocess.run([sys.executable, "-c", code, str(path), str(next(p for p in sys.path if p.endswith("converter")))])
    assert done.returncode == 9 and path.read_bytes() == b"old"


def test_a_new_file_has_the_permissions_that_the_mask_leaves(tmp_path):
    for mask, expected in ((0o077, 0o600), (0o022, 0o644), (0o002, 0o664)):
        before = os.umask(mask)
        try:
            write_file(str(tmp_path / f"{mask}"), b"of a patient")
            assert os.umask(mask) == mask
        finally:
            os.umask(before)
        assert stat.S_IMODE(os.stat(tmp_path / f"{mask}").st_mode) == expected
