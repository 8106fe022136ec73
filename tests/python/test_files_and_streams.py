# SPDX-License-Identifier: Apache-2.0
"""What the commands of Python read, write and tell: nothing is passed over, and nothing is lost without a word."""
import errno
import io
import os
import subprocess
import sys

import pytest
from conftest import tiny_layers, tiny_weights, write_h5
from fovea_tools import terminal
from fovea_tools.commands import quantize
from fovea_tools.errors import EngineError
from fovea_tools.file.input_file import files_below, read_file


class Raw(io.RawIOBase):
    """Takes a few bytes at a time, as a pipe or a nearly full disk does; afterwards it fails as it is told."""

    def __init__(self, at_most=1 << 30, failure=None):
        super().__init__()
        self.taken, self.at_most, self.failure = b"", at_most, failure

    def writable(self):
        return True

    def write(self, data):
        if len(self.taken) >= self.at_most and self.failure == "full":
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        if len(self.taken) >= self.at_most and self.failure == "busy":
            return None
        self.taken += bytes(data[:7])
        return min(len(data), 7)


def unbuffered(raw):
    """Standard output of python -u."""
    return io.TextIOWrapper(raw, encoding="utf-8", write_through=True)


def test_all_of_a_text_reaches_a_stream_without_a_buffer(monkeypatch):
    raw = Raw()
    monkeypatch.setattr(sys, "stdout", unbuffered(raw))
    terminal.say("sensitivity 0.93, specificity 0.81\nwritten: r\u00e9sultats.html")
    assert raw.taken.decode() == "sensitivity 0.93, specificity 0.81\nwritten: r\u00e9sultats.html\n"


@pytest.mark.parametrize("failure,expected", [("full", errno.ENOSPC), ("busy", errno.EAGAIN)])
def test_what_cannot_be_told_is_an_error(monkeypatch, failure, expected):
    monkeypatch.setattr(sys, "stdout", unbuffered(Raw(14, failure)))
    with pytest.raises(OSError) as error:
        terminal.say("sensitivity 0.93, specificity 0.81")
    assert error.value.errno == expected
    monkeypatch.setattr(sys, "stdout", None)    # closed when the program began
    with pytest.raises(OSError):
        terminal.say("sensitivity 0.93")


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs /dev/full")
@pytest.mark.parametrize("unbuffered_output", ["", "1"])
def test_a_full_disk_is_told_once(tmp_path, unbuffered_output):
    source = write_h5(tmp_path / "tiny.h5", tiny_layers(), tiny_weights())
    command = [sys.executable, "-m", "fovea_tools.commands.convert", source, "-o", tmp_path / "m.fovea", "--labels", "no_dr,dr", "--target", "any_dr",
               "--preset", "none"]
    environment = {**os.environ, "PYTHONUNBUFFERED": unbuffered_output}
    with open("/dev/full", "wb") as full:
        done = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True, env=environment, check=False)
    assert done.returncode == 1
    assert done.stderr == f"fovea-convert: output: No space left on device; {tmp_path / 'm.fovea'} is written\n"


def test_a_complaint_that_nobody_can_read_ends_nothing(monkeypatch):
    for stream in (None, unbuffered(Raw(0, "full"))):
        monkeypatch.setattr(sys, "stderr", stream)
        terminal.complain("fovea-convert", "warning: a wide range")


def test_files_below_linked_folders_once_each(tmp_path):
    (tmp_path / "photos" / "inner").mkdir(parents=True)
    (tmp_path / "elsewhere").mkdir()
    for name in ("photos/a.jpg", "photos/inner/b.PNG", "photos/notes.txt", "elsewhere/c.jpeg"):
        (tmp_path / name).write_bytes(b"x")
    (tmp_path / "photos" / "linked").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "photos" / "inner" / "round").symlink_to(tmp_path / "photos")
    found = files_below(str(tmp_path / "photos"), (".jpg", ".jpeg", ".png"))
    assert sorted(os.path.basename(path) for path in found) == ["a.jpg", "b.PNG", "c.jpeg"]


def test_a_folder_that_cannot_be_read_is_an_error(tmp_path, monkeypatch):
    (tmp_path / "inner").mkdir()
    real = os.scandir

    def scandir(path):
        if str(path).endswith("inner"):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(path))
        return real(path)

    monkeypatch.setattr(os, "scandir", scandir)
    with pytest.raises(PermissionError, match="inner"):
        files_below(str(tmp_path), (".jpg",))


def test_an_error_of_reading_names_the_file(monkeypatch):
    class Failing(io.BytesIO):
        def read(self, *_):
            raise OSError(errno.EIO, os.strerror(errno.EIO))

    monkeypatch.setattr("builtins.open", lambda path, mode: Failing())
    with pytest.raises(OSError) as error:
        read_file("a.fovea")
    assert error.value.filename == "a.fovea"


def test_a_result_that_could_not_be_written_is_refused_before_the_work(tmp_path, capsys, monkeypatch):
    def work(*_):
        raise EngineError("the work was begun")

    monkeypatch.setattr(quantize, "_read_model", work)
    for output in (tmp_path / "no" / "out.fovea", tmp_path):
        assert quantize.main(["a.fovea", "--photos", str(tmp_path), "-o", str(output)]) == 2
        assert f"{output}: cannot be written" in capsys.readouterr().err
    assert quantize.main(["a.fovea", "--photos", str(tmp_path), "-o", str(tmp_path / "out.fovea")]) == 1
