# SPDX-License-Identifier: Apache-2.0
"""The size report: rooms and kinds of sections, its sums, and its refusals."""
import json
import os
import pathlib
import subprocess
import sys

import pytest

ROOT = pathlib.Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "bench"))
import size_report  # noqa: E402

ARM64_BUILD = os.environ.get("FOVEA_ARM64_BUILD", "")


def report(*arguments):
    return subprocess.run([sys.executable, ROOT / "bench" / "size_report.py", *map(str, arguments)], capture_output=True, text=True,
                          timeout=300)


def test_sections_have_kinds():
    kinds = {".text._ZN3fooE": "code", ".rodata.str1.8": "constants", ".data.rel.ro.local": "constants", ".data.rel.local": "data",
             ".bss": "zeroed", ".eh_frame": "unwinding", ".comment": None, ".debug_info": None}
    assert {section: size_report.kind_of(section) for section in kinds} == kinds


def test_a_linker_map_is_read(tmp_path):
    map_file = tmp_path / "map"
    map_file.write_text("""Discarded input sections
 .text.gone     0x0000000000000000      0x999 b/libfovea_ops.a.p/x.o
Linker script and memory map
 .text          0x0000000000001000       0x10 b/libfovea_ops.a.p/x.o
 .text._ZN5fovea_a_long_name
                0x0000000000001010       0x20 b/engine/libfovea_engine.a.p/y.o
                0x0000000000001010                a symbol
 .rodata        0x0000000000002000       0x08 /usr/lib/libgcc.a(z.o)
 .comment       0x0000000000000000       0x30 b/libfovea_ops.a.p/x.o
""")
    assert size_report.room_sizes(map_file) == {"ops": {"code": 16}, "engine": {"code": 32}, "compiler's run-time": {"constants": 8}}


def test_no_build_is_named(tmp_path):
    done = report(tmp_path)
    assert done.returncode == 1 and "libfovea.a is missing" in done.stderr and "Traceback" not in done.stderr
    assert report().returncode == 2


@pytest.mark.skipif(not ARM64_BUILD, reason="FOVEA_ARM64_BUILD names no Meson build folder for arm64")
def test_the_parts_fit_into_the_program(tmp_path):
    figures = tmp_path / "sizes.json"
    done = report(ARM64_BUILD, "--json", figures)
    assert done.returncode == 0, done.stderr
    sizes = json.loads(figures.read_text())
    loaded = sum(size for room in sizes["program_rooms"].values() for kind, size in room.items() if kind != "zeroed")
    screen = sizes["programs"]["screen"]
    assert 0.8 * screen < loaded < screen
    assert sizes["programs"]["run"] < screen < sizes["programs"]["explain"]
    assert {"engine", "ops", "preprocess"} <= sizes["program_rooms"].keys()
    above = report(ARM64_BUILD, "--limit-program", f"screen={screen - 1}", "--limit-archive", sizes["archive"])
    assert above.returncode == 1 and "1 above the limit" in above.stderr and "libfovea.a has" not in above.stderr
    assert report(ARM64_BUILD, "--limit-program", f"screen={screen}").returncode == 0
    refused = report(ARM64_BUILD, "--limit-program", "screen")
    assert refused.returncode == 2 and "not NAME=BYTES" in refused.stderr
