# SPDX-License-Identifier: Apache-2.0
"""The library in other people's builds: as a subproject, against other C libraries, for other CPUs. Each builds the library, which takes a minute.

Run it with `python -m pytest tests/artifact`; a test whose compiler is not installed says which package has it.
"""
import os
import pathlib
import platform
import re
import shutil
import subprocess
import sys

import pytest

SOURCE = pathlib.Path(__file__).parents[2]
CONSUMERS = SOURCE / "tests" / "artifact" / "consumers"
EXAMPLE = SOURCE / "engine" / "examples" / "screen.c"
CPP_HEADERS = "/usr/lib/llvm-14/include/c++/v1"
LIBRARY_ALONE = ["-Dcli=false", "-Dtests=false", "-Dbench=false"]
QUICK = "-Doptimization=1"  # where no other build has the same files
OF_CODES = re.compile(r"u8s8|s16s8|_w8_|codes_(tile|scalar|avx|neon)|dequantise_|dotprod|i8mm|vnni")  # of networks of 8-bit integers


@pytest.fixture
def build(tmp_path, request):
    """A folder to build in. Where FOVEA_BUILDS names that of other builds, beside those: the compiler cache knows files by the way to them."""
    beside = os.environ.get("FOVEA_BUILDS")
    if not beside:
        return tmp_path / "build"
    folder = pathlib.Path(beside) / ("of-" + re.sub(r"\W+", "-", request.node.name).strip("-"))
    shutil.rmtree(folder, ignore_errors=True)
    return folder


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
    run("meson", "setup", build, project, "--buildtype=release", QUICK, "-Db_lto=true")
    targets = run("ninja", "-C", build, "-t", "targets", "all")
    assert "fovea_ops" in targets and "engine/cli" not in targets and "kernel_check" not in targets, "more than the library"
    run("ninja", "-C", build, "screen")
    screens(build / "screen")
    # Machine code with the header's names, whatever the project around it is built with.
    archive = build / "subprojects" / "fovea" / "engine" / "libfovea.a"
    assert b".gnu.lto_" not in archive.read_bytes()
    run(sys.executable, SOURCE / "tests/artifact/check_symbols.py", "nm", SOURCE / "engine/include/fovea/fovea.h", archive, "cc")


def cross_file(path, c, cpp, family, endian="little", system="linux", **binaries):
    """A Meson cross file; c and cpp are commands as lists."""
    tools = {"c": c, "cpp": cpp, "ar": "ar", "ld": "ld", "objcopy": "objcopy", "strip": "strip", "pkgconfig": "pkg-config", **binaries}
    lines = ["[binaries]", *(f"{name} = {value!r}" for name, value in tools.items()),
             "[properties]", "needs_exe_wrapper = true", "pkg_config_libdir = ['/usr/share/pkgconfig']",
             "[host_machine]", f"system = '{system}'", f"cpu_family = '{family}'", f"cpu = '{family}'", f"endian = '{endian}'"]
    path.write_text("\n".join(lines) + "\n")
    return path


def needs(package, *programs):
    for program in programs:
        if not (shutil.which(program) or pathlib.Path(program).exists()):
            pytest.skip(f"not installed: {program}, of the package {package}")


def refused(*command):
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True)
    assert done.returncode != 0
    return done.stdout[done.stdout.index("ERROR"):]


def test_an_sdk_without_a_c_library_is_named_at_setup(tmp_path):
    needs("clang", "clang++")
    (tmp_path / "sysroot").mkdir()
    target = ["--target=aarch64-linux-android24", f"--sysroot={tmp_path}/sysroot"]
    cross = cross_file(tmp_path / "cross.ini", ["clang", *target], ["clang++", *target], "aarch64", system="android", c_ld="lld", cpp_ld="lld")
    said = refused("meson", "setup", tmp_path / "build", SOURCE, "--cross-file", cross, *LIBRARY_ALONE)
    assert "stdlib.h" in said and "--sysroot" in said, said


def musl_sysroot(folder):
    """folder/sysroot with musl alone: nothing else of this machine can be seen in it."""
    usr = folder / "sysroot" / "usr"
    usr.mkdir(parents=True)
    (usr / "include").symlink_to("/usr/include/x86_64-linux-musl")
    (usr / "lib").symlink_to("/usr/lib/x86_64-linux-musl")


def test_an_sdk_with_a_sysroot_and_musl(tmp_path, build):
    needs("clang", "clang++")
    needs("musl-tools", "musl-gcc")
    needs("libc++-14-dev", CPP_HEADERS)
    musl_sysroot(tmp_path)
    target = ["--target=x86_64-linux-musl", f"--sysroot={tmp_path}/sysroot"]
    cpp = ["clang++", *target, "-nostdinc++", "-isystem", CPP_HEADERS, "-D_LIBCPP_HAS_MUSL_LIBC"]
    cross = cross_file(tmp_path / "cross.ini", ["clang", *target], cpp, "x86_64")
    run("meson", "setup", build, SOURCE, "--cross-file", cross, QUICK, "-Dsimd=false", *LIBRARY_ALONE)  # of kernels musl sees nothing
    run("ninja", "-C", build, "engine/libfovea.a")
    run("musl-gcc", "-static", "-std=c99", "-I", SOURCE / "engine/include", EXAMPLE, build / "engine/libfovea.a", "-lm", "-o", tmp_path / "screen")
    screens(tmp_path / "screen")


def test_32_bit_arm(tmp_path, build):
    needs("g++-arm-linux-gnueabihf", "arm-linux-gnueabihf-g++")
    needs("qemu-user", "qemu-arm")
    tools = {name: f"arm-linux-gnueabihf-{name}" for name in ("ar", "ld", "objcopy", "strip")}
    cross = cross_file(tmp_path / "cross.ini", ["arm-linux-gnueabihf-gcc"], ["arm-linux-gnueabihf-g++"], "arm", **tools)
    run("meson", "setup", build, SOURCE, "--cross-file", cross, "--werror", QUICK, *LIBRARY_ALONE)
    run("ninja", "-C", build)  # with the example in C
    screens("qemu-arm", "-L", "/usr/arm-linux-gnueabihf", build / "engine/examples/screen_example")


def test_big_endian_cpus_are_refused_at_setup(tmp_path):
    cross = cross_file(tmp_path / "cross.ini", ["cc"], ["c++"], "mips", endian="big")
    assert "little-endian" in refused("meson", "setup", tmp_path / "build", SOURCE, "--cross-file", cross, *LIBRARY_ALONE)


def test_header_folders_can_be_named_and_their_lack_is_told_at_setup(tmp_path):
    needs("libstb-dev", "/usr/include/stb/stb_image.h")
    needs("libeigen3-dev", "/usr/include/eigen3/Eigen/Core")
    (tmp_path / "headers").mkdir()
    shutil.copy("/usr/include/stb/stb_image.h", tmp_path / "headers")
    run("meson", "setup", tmp_path / "build", SOURCE, f"-Dinclude={tmp_path}/headers", "-Dsimd=false", *LIBRARY_ALONE)
    commands = (tmp_path / "build" / "compile_commands.json").read_text()
    assert f"{tmp_path}/headers" in commands and "/usr/include/stb" not in commands
    # No pkg-config, no folder, no wrap.
    bare = tmp_path / "native.ini"
    bare.write_text("[binaries]\npkgconfig = 'false'\n")
    said = refused("meson", "setup", tmp_path / "without", SOURCE, "--native-file", bare, "--wrap-mode=nofallback", *LIBRARY_ALONE)
    assert "stb is missing (stb_image.h)" in said and "-Dinclude" in said, said


def arm64_tools():
    needs("g++-aarch64-linux-gnu", "aarch64-linux-gnu-g++")
    needs("qemu-user", "qemu-aarch64")
    return SOURCE / "tests" / "cross" / "aarch64-linux-qemu.ini", ["qemu-aarch64", "-cpu", "max", "-L", "/usr/aarch64-linux-gnu"]


def test_arm64_with_branch_protection(tmp_path, build):
    """Every object says that its indirect branches go to marked places, and a run with guarded pages finds none that is not."""
    cross, emulator = arm64_tools()
    protection = "-mbranch-protection=standard"
    run("meson", "setup", build, SOURCE, "--cross-file", cross, f"-Dc_args={protection}", f"-Dcpp_args={protection}", QUICK, *LIBRARY_ALONE)
    run("ninja", "-C", build, "engine/libfovea.a")
    archive = build / "engine" / "libfovea.a"
    assert "AArch64 feature: BTI, PAC" in run("aarch64-linux-gnu-readelf", "-n", archive)
    program = tmp_path / "guarded"
    link = ["aarch64-linux-gnu-gcc", "-std=c99", "-D_DEFAULT_SOURCE", protection, "-I", SOURCE / "engine/include",
            SOURCE / "tests/artifact/guarded_program.c", archive, "-lm", "-lpthread", "-o", program]
    # ld names what is not marked: a distribution's start files need not be, the library's objects must.
    said = subprocess.run([str(part) for part in (*link, "-Wl,-z,force-bti")], capture_output=True, text=True).stderr
    assert archive.name not in said and "cannot find" not in said, said
    run(*link)
    model = SOURCE / "models/detectors/small224/small224.fovea"
    said = run(*emulator, program, model)
    assert said.startswith("neon_fp16: ok"), said
    stopped = subprocess.run([*emulator, str(program), str(model), "branch"], capture_output=True, text=True)
    assert stopped.returncode not in (0, 1, 2), "a branch to an unmarked place was let through: this proves nothing"


@pytest.mark.parametrize("left_out", [["screening"], ["explain"], ["screening", "explain"], ["int8"], ["int8", "explain"]])
def test_features_left_out(tmp_path, build, left_out):
    """Their calls are not in the archive, nor what only they reach; the program says so; the tests that are left are those of the rest."""
    # Scalar: what is there is the same. Not with --werror: the options of another build, whose files it shares.
    run("meson", "setup", build, SOURCE, "-Dsimd=false", "-Dbench=false",
        *(f"-D{feature}=disabled" for feature in left_out))
    said = run("ninja", "-C", build, "engine/libfovea.a", "engine/cli/fovea", "engine/examples/run_example")
    assert "warning:" not in said, said
    sections = {"screening": "Screening", "explain": "Explanations"}
    run(sys.executable, SOURCE / "tests/artifact/check_symbols.py", *(word for feature in left_out if feature in sections for word in ("--without", sections[feature])),
        "nm", SOURCE / "engine/include/fovea/fovea.h", build / "engine/libfovea.a", "cc")
    model = SOURCE / "models/detectors/small224/small224.fovea"
    for verb, feature in (("screen", "screening"), ("explain", "explain")):
        done = subprocess.run([build / "engine/cli/fovea", verb, "--model", model, "photo.jpg"], capture_output=True, text=True)
        assert (f"{verb}: this build of fovea is without: it was set up with -D{feature}=disabled" in done.stderr) == (feature in left_out)
        assert done.returncode == (2 if feature in left_out else 3), done.stderr
    assert "passed" in run(build / "engine/cli/fovea", "selftest", model)
    pixels = tmp_path / "pixels"
    pixels.write_bytes(bytes(range(256)) * (224 * 224 * 3 // 256))
    logits = run(build / "engine/examples/run_example", model, pixels).split()
    assert len(logits) == 2 and all(abs(float(logit)) < 100 for logit in logits), logits
    tests = [line.split(" / ")[-1].strip() for line in run("meson", "test", "-C", build, "--list").splitlines()]
    assert ("screening_test" in tests) == ("screening" not in left_out) and ("gradient_test" in tests) == ("explain" not in left_out)
    assert ("codes_test" in tests) == ("int8" not in left_out) and ("codes_left_out_test" in tests) == ("int8" in left_out)
    assert "network_test" in tests
    done = subprocess.run([build / "engine/cli/fovea", "selftest", SOURCE / "models/detectors/small224/small224_int8.fovea"],
                          capture_output=True, text=True)
    assert done.returncode == (4 if "int8" in left_out else 0), done.stderr
    assert ("a network of 8-bit integers; this build of fovea is without: it was set up with -Dint8=disabled" in done.stderr) == ("int8" in left_out)
    if "int8" in left_out:
        names = run("nm", build / "engine" / "libfovea_shipped.a")  # before the inner ones are taken out
        assert "pointwise_conv_fp32_scalar" in names and not OF_CODES.search(names)
        run("ninja", "-C", build, "tests/unit/codes_left_out_test")
        run(build / "tests/unit/codes_left_out_test")


@pytest.mark.skipif(platform.machine() not in ("x86_64", "AMD64"), reason="kernels of x86-64")
def test_avx512_left_out(build):
    """Neither such kernels nor tables that name them."""
    run("meson", "setup", build, SOURCE, "-Davx512=disabled", *LIBRARY_ALONE)
    archives = re.findall(r"^(ops/\S+\.a):", run("ninja", "-C", build, "-t", "targets", "all"), flags=re.MULTILINE)
    run("ninja", "-C", build, *archives)
    names = "".join(run("nm", archive, cwd=build) for archive in archives)  # in that folder: its name has avx512, too
    assert "pointwise_conv_fp32_avx2" in names and "avx512" not in names


@pytest.mark.parametrize("left_out", [["half"], ["int8"], ["half", "int8", "explain"]])
def test_arm64_kinds_of_numbers_left_out(build, left_out):
    cross, emulator = arm64_tools()
    run("meson", "setup", build, SOURCE, "--cross-file", cross, *(f"-D{feature}=disabled" for feature in left_out), *LIBRARY_ALONE)
    run("ninja", "-C", build, "engine/libfovea.a", "engine/examples/screen_example")
    names = run("aarch64-linux-gnu-nm", build / "engine" / "libfovea_shipped.a")
    assert "panel_tile_4x2_neon" in names and ("neon_fp16" in names) == ("half" not in left_out)
    assert bool(OF_CODES.search(names)) == ("int8" not in left_out)
    screens(*emulator, build / "engine/examples/screen_example")
