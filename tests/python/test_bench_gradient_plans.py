# SPDX-License-Identifier: Apache-2.0
"""What gradient_plans prints, and how it names wrong use."""
import os
import pathlib
import re
import subprocess

import pytest

DETECTORS = pathlib.Path(__file__).parents[2] / "models" / "detectors"
PROGRAM = pathlib.Path(os.environ.get("FOVEA_BUILD_DIRECTORY", "")) / "bench" / "gradient_plans"
pytestmark = pytest.mark.skipif(not PROGRAM.is_file(), reason="FOVEA_BUILD_DIRECTORY names no Meson build folder with bench/gradient_plans")
LINE = re.compile(r"(.*\.fovea): +(\d+) KiB( \(default\))?: +([\d.]+) MiB, +([\d.]+) million multiply-adds")


def gradient_plans(*arguments):
    return subprocess.run([PROGRAM, *map(str, arguments)], capture_output=True, text=True, timeout=600)


def test_what_is_kept_costs_memory_and_saves_work():
    paths = [DETECTORS / name / f"{name}.fovea" for name in ("large224", "small224")]
    done = gradient_plans(*paths)
    assert done.returncode == 0, done.stderr
    rows = [LINE.fullmatch(line).groups() for line in done.stdout.splitlines()]
    for path in paths:
        kept, defaults, memory, work = zip(*(row[1:] for row in rows if row[0] == str(path)))
        assert list(map(int, kept)) == sorted(map(int, kept)) and len(kept) == 10
        assert [kib for kib, is_default in zip(kept, defaults) if is_default] == ["640"]
        work = list(map(float, work))
        assert work == sorted(work, reverse=True) and work[-1] < 0.8 * work[0]
        assert float(memory[-1]) > 3 * float(memory[0])


def test_wrong_use_is_named(tmp_path):
    gone = gradient_plans(tmp_path / "gone.fovea")
    assert gone.returncode == 1 and "gone.fovea: cannot be read" in gone.stderr
    codes = gradient_plans(DETECTORS / "small224" / "small224_int8.fovea")
    assert codes.returncode == 1 and "8-bit integers have no gradients" in codes.stderr
    assert gradient_plans().returncode == 2
