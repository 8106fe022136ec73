# SPDX-License-Identifier: Apache-2.0
"""What the program says when something is wrong: a line for each thing, its name once, then words."""
import os
import re

import pytest
from cli_helpers import SAMPLES, fovea, model, needs_binary, one_error  # noqa: F401

pytestmark = needs_binary
VERBS = ["screen", "preprocess", "run", "explain", "info", "selftest", "kernels"]


def in_words(line):
    """One message: "fovea: WHAT: WHY", without codes that only the source explains."""
    assert re.match(r"fovea: [^:]+: \S", line), line
    assert not re.search(r"(?<!\.)fovea: ", line[1:]), line
    assert not re.search(r"FOVEA_|std::|errno|\b(code|status|error) -?\d|\b0x[0-9a-f]+|\b(not|out|bad|invalid)_[a-z]+", line), line
    parts = line.split(": ")
    assert len(set(parts)) == len(parts), f"says a thing twice: {line}"


def test_an_unknown_verb_is_named_with_those_there_are():
    one_error(fovea("frobnicate"), 2, "frobnicate", *VERBS)
    one_error(fovea("--frobnicate"), 2, "--frobnicate", *VERBS)
    one_error(fovea(), 2, "a verb is missing", *VERBS)


@pytest.mark.parametrize(
    "arguments",
    [
        [], ["frobnicate"], ["screen"], ["screen", "--frobnicate"], ["screen", "-m", "MODEL"], ["screen", "-m", "gone.fovea", "PHOTO"],
        ["screen", "-m", "text.fovea", "PHOTO"], ["screen", "-m", "cut.fovea", "PHOTO"], ["screen", "-m", "empty.fovea", "PHOTO"],
        ["screen", "-m", "folder", "PHOTO"], ["screen", "-m", "PHOTO", "PHOTO"], ["screen", "-m", "MODEL", "PHOTO", "-f", "xml"],
        ["screen", "-m", "MODEL", "PHOTO", "-o", "gone/out"], ["screen", "-m", "MODEL", "PHOTO", "-o", "folder"],
        ["screen", "-m", "MODEL", "PHOTO", "--shard", "3/2"], ["screen", "-m", "MODEL", "PHOTO", "--resume"],
        ["screen", "-m", "MODEL", "PHOTO", "--bom"], ["screen", "-m", "MODEL", "PHOTO", "--operating-point", "none"],
        ["screen", "-m", "MODEL", "PHOTO", "--isa", "none"], ["screen", "-m", "MODEL", "PHOTO", "--threads", "0"],
        ["run", "-m", "MODEL", "PHOTO"], ["run", "-m", "MODEL", "text.jpg"], ["run", "-m", "MODEL", "gone.npy"],
        ["explain", "-m", "MODEL", "text.jpg"], ["explain", "-m", "MODEL", "--as-is", "gone.png"], ["explain", "-m", "MODEL", "--as-is", "text.jpg"],
        ["explain", "-m", "gone.fovea", "--as-is", "PHOTO"], ["explain", "-m", "MODEL", "--as-is", "PHOTO", "--method", "attention"],
        ["explain", "-m", "MODEL", "--as-is", "PHOTO", "--class", "none"], ["explain", "-m", "MODEL", "--as-is", "PHOTO", "--layer", "x"],
        ["info", "text.fovea"], ["info", "MODEL", "--size", "1x"], ["info", "MODEL", "--size", "64x64"], ["selftest", "gone.fovea"],
        *(["preprocess", "PHOTO", "out.png", *options.split()] for options in (
            "--size 0", "--size 0 --preset none", "--size 20000", "--sigma -1", "--sigma nan", "--tolerance 300", "--graham-scale 0",
            "--scaled-decoding 1", "--scaled-decoding 4", "--scaled-decoding 4 --resize cv_area --preset eyeq --size 0")),
        ["preprocess", "PHOTO", "out.jpg"], ["preprocess", "text.jpg", "out.png"], ["preprocess", "PHOTO", "gone/out.png"],
        ["kernels", "--isa", "none"],
    ],
    ids=" ".join,
)
def test_one_message_in_words(arguments, model, tmp_path):
    (tmp_path / "text.fovea").write_text("no model")
    (tmp_path / "text.jpg").write_text("no photo")
    (tmp_path / "empty.fovea").touch()
    (tmp_path / "cut.fovea").write_bytes(model.read_bytes()[:500])
    (tmp_path / "folder").mkdir()
    names = {"MODEL": model, "PHOTO": SAMPLES[0]}
    failed = fovea(*(names.get(word, word) for word in arguments), cwd=tmp_path)
    assert failed.returncode != 0
    (line,) = failed.stderr.splitlines()
    in_words(line)


def test_one_message_for_each_photo_that_cannot_be_read(model, tmp_path):
    (tmp_path / "text.jpg").write_text("no photo")
    (tmp_path / "empty.jpg").touch()
    (tmp_path / "cut.jpg").write_bytes(SAMPLES[0].read_bytes()[:3000])
    (tmp_path / "folder").mkdir()
    (tmp_path / "names.csv").write_text("column\nx\n")
    (tmp_path / "list.csv").write_text("file\nlisted.jpg\n")
    (tmp_path / "list.json").write_text("{")
    os.mkfifo(tmp_path / "pipe.jpg")
    files = ["text.jpg", "empty.jpg", "cut.jpg", "gone.jpg", "folder", "names.csv", "list.csv", "list.json", "pipe.jpg"]
    failed = fovea("screen", "-m", model, "--format", "jsonl", *files, cwd=tmp_path)
    assert failed.returncode == 3
    lines = [line for line in failed.stderr.splitlines() if line.startswith("fovea")]
    assert [line.split(": ")[1] for line in lines] == [name.replace("list.csv", "listed.jpg") for name in files]
    for line in lines:
        in_words(line)


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="there is no /dev/full")
@pytest.mark.parametrize("arguments", [["--help"], ["kernels"], ["info", "MODEL"], ["screen", "-m", "MODEL", "PHOTO"]], ids=" ".join)
def test_one_message_when_standard_output_is_full(arguments, model):
    names = {"MODEL": model, "PHOTO": SAMPLES[0]}
    with open("/dev/full", "w") as full:
        failed = fovea(*(names.get(word, word) for word in arguments), stdout=full)
    assert failed.returncode == 1
    (line,) = [line for line in failed.stderr.splitlines() if line.startswith("fovea")]
    in_words(line)
