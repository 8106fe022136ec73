# SPDX-License-Identifier: Apache-2.0
"""What band_bench prints, and how it names wrong use."""
import os
import pathlib
import subprocess
import sys

import pytest

ROOT = pathlib.Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "bench"))
import check_bands  # noqa: E402

DETECTORS = ROOT / "models" / "detectors"
PROGRAM = pathlib.Path(os.environ.get("FOVEA_BUILD_DIRECTORY", "")) / "bench" / "band_bench"
pytestmark = pytest.mark.skipif(not PROGRAM.is_file(), reason="FOVEA_BUILD_DIRECTORY names no Meson build folder with bench/band_bench "
                                "(Google Benchmark: libbenchmark-dev)")


def band_bench(*arguments):
    return subprocess.run([PROGRAM, *map(str, arguments)], capture_output=True, text=True, timeout=600)


@pytest.mark.parametrize("network", ["large224", "small224"])
def test_every_segment_is_measured_at_several_heights(network):
    """What it measured is for bench/check_bands.py, on a machine with nothing else to do."""
    done = band_bench(DETECTORS / network / f"{network}.fovea", "--seconds", "0.01")
    assert done.returncode == 0, done.stderr
    rows, _, correlation = check_bands.read_table(done.stdout)
    segments = {row[0] for row in rows}
    assert len(segments) > 10 and len(rows) > 4 * len(segments)
    assert [row[0] for row in rows if row[2]] == sorted(segments)  # each has one chosen band
    assert all(cycles > 0 and us > 0 for _, _, _, cycles, us in rows)
    assert -1 <= correlation <= 1


def test_wrong_use_is_named(tmp_path):
    gone = band_bench(tmp_path / "gone.fovea")
    assert gone.returncode == 1 and "gone.fovea: cannot be read" in gone.stderr
    none = band_bench(DETECTORS / "small224" / "small224.fovea", "--isa", "none")
    assert none.returncode == 1 and "--isa none: this CPU or build has no such thing" in none.stderr
    for arguments in ((), ("--seconds",), (tmp_path, "--seconds", "0"), (tmp_path, "--seconds"), (tmp_path, "--other", "1")):
        done = band_bench(*arguments)
        assert done.returncode == 2 and "usage: band_bench" in done.stderr, arguments
