# SPDX-License-Identifier: Apache-2.0
"""Peak memory of a whole screening, beyond the same program printing its version.

The aim: working memory + the model file, whose pages are all read for its checksums + 4 MiB, photo decoding excluded. What decoding takes is
allowed by its size: the decoded photo, which stays until the end (3 bytes a pixel), and, where the decoder and not what follows needs the most,
the photo's file and the decoder's rows of blocks (a baseline JPEG's: some hundred KiB)."""
import os
import pathlib
import re
import shutil
import subprocess

import pytest
from cli_helpers import BINARY, ROOT, SAMPLES, WRAPPER, fovea_ok, needs_binary
from fovea_tools.file.model_edit import replace_scaled_decoding

Image = pytest.importorskip("PIL.Image")
DETECTORS = ROOT / "models" / "detectors"
SANITIZED = bool(BINARY) and b"__asan_init" in pathlib.Path(BINARY).read_bytes()
pytestmark = [
    needs_binary,
    pytest.mark.skipif(bool(WRAPPER) or SANITIZED, reason="an emulator or a sanitizer takes memory of its own"),
    pytest.mark.skipif(not shutil.which("cc"), reason="not installed: cc"),
]
MIB = 1 << 20
MOST_SCALED = 6 * MIB

# A child's peak as the system counts it holds that of the process that forked it: a small one has to.
LAUNCHER = r"""
#include <stdio.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>
int main(int argc, char** argv) {
    struct rusage usage;
    int status = 1;
    const pid_t child = fork();
    if (child == 0) {
        execv(argv[1], argv + 1);
        _exit(127);
    }
    if (argc < 2 || child < 0 || wait4(child, &status, 0, &usage) != child || status != 0) return 1;
    fprintf(stderr, "\npeak KiB: %ld\n", usage.ru_maxrss);
    return 0;
}
"""


@pytest.fixture(scope="module")
def launcher(tmp_path_factory):
    folder = tmp_path_factory.mktemp("launcher")
    (folder / "launcher.c").write_text(LAUNCHER)
    subprocess.run(["cc", "-O1", folder / "launcher.c", "-o", folder / "launcher"], check=True)
    return folder / "launcher"


def peak_bytes(launcher, *arguments):
    """The least of a few runs: where the system puts libraries and stacks changes some pages."""
    peaks = []
    for _ in range(3):
        done = subprocess.run([launcher, BINARY, *map(str, arguments)], capture_output=True, text=True, timeout=300,
                              env={k: v for k, v in os.environ.items() if k != "FOVEA_ISA"})
        assert done.returncode == 0, done.stderr
        peaks.append(1024 * int(re.search(r"^peak KiB: (\d+)$", done.stderr, re.MULTILINE).group(1)))
    return min(peaks)


def detector(folder, network, scaled_decoding=0):
    """The shipped one, with JPEGs decoded at full size, or at a smaller scale."""
    path = folder / f"{network}_{scaled_decoding}.fovea"
    path.write_bytes(replace_scaled_decoding((DETECTORS / network / f"{network}.fovea").read_bytes(), scaled_decoding))
    return path


def check_screening(launcher, folder, network, photo, most_for_decoder=0):
    model = detector(folder, network)
    working = int(re.search(r"(\d+) bytes of workspace", fovea_ok("info", model)).group(1))
    with Image.open(photo) as image:
        decoded = 3 * image.width * image.height
    beyond = peak_bytes(launcher, "screen", "--jobs", "1", "--model", model, photo) - peak_bytes(launcher, "--version")
    allowed = working + model.stat().st_size + 4 * MIB + decoded + most_for_decoder
    assert beyond > working + model.stat().st_size + decoded, "the model, its workspace and the photo must have been in memory"
    assert beyond <= allowed, f"{beyond / MIB:.2f} MiB, allowed are {allowed / MIB:.2f}"


@pytest.mark.parametrize("network", ["large224", "small224"])
def test_a_photo_takes_what_it_may(launcher, tmp_path, network):
    check_screening(launcher, tmp_path, network, SAMPLES[0])


def test_jobs_keep_to_the_memory_that_help_says(launcher, tmp_path):
    """Each job: its photo's file, --photo-memory, 8 MiB, and one network's working memory; the model's file once for all."""
    model = detector(launcher.parent, "small224")
    with Image.open(SAMPLES[0]) as image:
        for i in range(9):
            image.resize((2144 + 8 * i, 1424)).save(tmp_path / f"{i}.jpg")
    largest = max(photo.stat().st_size for photo in tmp_path.iterdir())
    working = int(re.search(r"(\d+) bytes of workspace", fovea_ok("info", model)).group(1))
    version = peak_bytes(launcher, "--version")
    peaks = {}
    for jobs in (1, 3):
        beyond = peak_bytes(launcher, "screen", "--jobs", jobs, "--photo-memory", 16, "--model", model, tmp_path) - version
        job = largest + 16 * MIB + 8 * MIB + working
        assert beyond <= model.stat().st_size + jobs * job, f"{jobs} jobs: {beyond / MIB:.2f} MiB"
        peaks[jobs] = beyond
    assert peaks[3] > peaks[1] + 2 * 3 * 2144 * 1424 // 2, "three photos must have been in memory at once"


def test_a_photo_that_needs_more_than_its_job_may_take_gets_an_error(tmp_path):
    from cli_helpers import fovea

    small, large = tmp_path / "a_small.jpg", tmp_path / "b_large.jpg"
    with Image.open(SAMPLES[0]) as image:
        image.resize((600, 400)).save(small)
        image.resize((2144, 1424)).save(large)
    # At full size: at half of it the large photo would need less than that.
    model = tmp_path / "full_size.fovea"
    model.write_bytes(replace_scaled_decoding((DETECTORS / "small224" / "small224.fovea").read_bytes(), 0))
    done = fovea("screen", "--model", model, "--photo-memory", 4, "--format", "csv", tmp_path)
    assert done.returncode == 3
    header, first, second = (line.split(",") for line in done.stdout.splitlines())
    assert first[header.index("status")] == "ok" and second[header.index("error_code")] == "image_too_large"
    assert "b_large.jpg: image: decoding needs more memory than the limit" in done.stderr
    assert fovea("screen", "--model", model, "--photo-memory", 0, tmp_path).returncode == 2


def test_a_square_photo_takes_what_it_may(launcher, tmp_path):
    """The quality checks look at a picture of 512 pixels along its longer side: the most pixels are those of a square."""
    photo = tmp_path / "square.jpg"
    with Image.open(SAMPLES[0]) as image:
        margin = (image.width - image.height) // 2
        image.crop((margin, 0, margin + image.height, image.height)).resize((720, 720)).save(photo)
    check_screening(launcher, tmp_path, "small224", photo)


def test_a_large_photo_takes_no_more_than_its_decoding(launcher, tmp_path):
    photo = tmp_path / "large.jpg"
    with Image.open(SAMPLES[0]) as image:
        image.resize((4288, 2848)).save(photo)
    check_screening(launcher, tmp_path, "small224", photo, most_for_decoder=photo.stat().st_size + MIB)


@pytest.mark.parametrize("width, height", [(1000, 1000), (1341, 894), (2040, 2040), (4288, 2848), (4752, 3168), (7992, 7992), (12000, 8300)])
def test_a_scaled_photo_is_never_stored_whole(launcher, tmp_path, width, height):
    """Beyond the model's file, all of it: the picture at its scale, the checks of quality, the network's memory. Of a baseline file; a
    progressive one keeps its coefficients, two bytes a sample."""
    photo = tmp_path / "large.jpg"
    with Image.open(SAMPLES[0]) as image:
        margin = (image.width - image.height * width // height) // 2  # the shape kept, or the frame's sides cut off
        image.crop((margin, 0, image.width - margin, image.height)).resize((width, height)).save(photo)
    model = detector(tmp_path, "large224", 2)
    beyond = peak_bytes(launcher, "screen", "--jobs", "1", "--model", model, photo) - peak_bytes(launcher, "--version")
    allowed = model.stat().st_size + photo.stat().st_size + MOST_SCALED
    assert beyond <= allowed, f"{beyond / MIB:.2f} MiB, allowed are {allowed / MIB:.2f}"
