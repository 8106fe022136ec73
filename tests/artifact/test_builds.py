# SPDX-License-Identifier: Apache-2.0
"""The library in other people's builds: as a subproject, against other C libraries, for other CPUs. Each builds the library, which takes a minute.

Run it with `python -m pytest tests/artifact`; a test whose compiler is not installed says which package has it.
"""
import pathlib
import shutil
import subprocess
import sys

import pytest

SOURCE = pathlib.Path(__file__).parents[2]
CONSUMERS = SOURCE / "tests" / "artifact" / "consumers"
EXAMPLE = SOURCE / "engine" / "examples" / "screen.c"
LIBRARY_ALONE = ["-Dcli=false", "-Dtests=false", "-Dbench=false"]


def run(*command, **options):
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True, **options)
    assert done.returncode == 0, f"{done.args}\n{done.stdout[-3000:]}\n{done.stderr[-3000:]}"
    return done.stdout


def screens(*program):
    """The program screens a sample photo with a shipped detector."""
    said = run(*program, SOURCE / "models/detectors/small224/small224.fovea", SOURCE / "tests/golden/data/photos/IDRiD_008.jpg")
    assert said.startswith("quality: good") and "result: dr_signs_found" in said, said


def test_subproject_of_a_c_project_with_link_time_optimisation(tmp_path):
    project = tmp_path / "consumer"
    shutil.copytree(CONSUMERS / "meson", project)
    shutil.copy(EXAMPLE, project)
    (project / "subprojects").mkdir()
    (project / "subprojects" / "fovea").symlink_to(SOURCE)
    build = project / "build"
    run("meson", "setup", build, project, "--buildtype=release", "-Db_lto=true")
    targets = run("ninja", "-C", build, "-t", "targets", "all")
    assert "fovea_ops" in targets and "engine/cli" not in targets and "kernel_check" not in targets, "more than the library"
    run("ninja", "-C", build, "screen")
    screens(build / "screen")
    # Machine code with the header's names, whatever the project around it is built with.
    archive = build / "subprojects" / "fovea" / "engine" / "libfovea.a"
    assert b".gnu.lto_" not in archive.read_bytes()
    run(sys.executable, SOURCE / "tests/artifact/check_symbols.py", "nm", SOURCE / "engine/include/fovea/fovea.h", archive, "cc")
