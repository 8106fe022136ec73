# SPDX-License-Identifier: Apache-2.0
"""Installs the library, and builds and runs the C example against what was installed, as users would.

The compiler is a C compiler, and no flag comes from here: once all come from `pkg-config --cflags --libs`, once from CMake's find_package.
With FOVEA_TEST_MODEL naming a .fovea file the example screens sample photos with it; without, with the shipped detectors. FOVEA_WRAPPER is
what runs programs of another CPU, slowly: then with the smallest of them.

usage: check_c_only_link.py BUILD_DIR SOURCE_DIR PREFIX LIBDIR COMPILER...
"""

import os
import pathlib
import shlex
import shutil
import subprocess
import sys
import tempfile

WARNINGS = ["-std=c99", "-pedantic", "-Wall", "-Wextra", "-Werror"]


def link_with_pkg_config(source, installed, libdir, root, compiler, program):
    environment = dict(os.environ, PKG_CONFIG_LIBDIR=str(installed / libdir / "pkgconfig"), PKG_CONFIG_SYSROOT_DIR=root)

    def flags(kind):
        return subprocess.run(["pkg-config", kind, "fovea"], env=environment, check=True, capture_output=True, text=True).stdout.split()

    example = source / "engine" / "examples" / "screen.c"
    subprocess.run([*compiler, *WARNINGS, str(example), *flags("--cflags"), *flags("--libs"), "-o", program], check=True)
    header = source / "tests" / "artifact" / "header_alone.c"
    subprocess.run([*compiler, *WARNINGS, "-fsyntax-only", *flags("--cflags"), str(header)], check=True)


def link_with_cmake(source, installed, folder, compiler, program):
    project = pathlib.Path(folder, "cmake_consumer")
    shutil.copytree(source / "tests" / "artifact" / "consumers" / "cmake", project)
    shutil.copy(source / "engine" / "examples" / "screen.c", project)
    command = ["cmake", "-G", "Ninja", "-S", str(project), "-B", str(project / "build"), f"-DCMAKE_PREFIX_PATH={installed}", "-DCMAKE_BUILD_TYPE=Release",
               f"-DCMAKE_C_COMPILER={';'.join(compiler)}", f"-DCMAKE_C_FLAGS={' '.join(WARNINGS)}"]
    if os.environ.get("FOVEA_WRAPPER"):
        command.append("-DCMAKE_SYSTEM_NAME=Linux")  # another CPU's programs are not run while configuring
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    subprocess.run(["cmake", "--build", str(project / "build")], check=True, stdout=subprocess.DEVNULL)
    shutil.copy(project / "build" / "screen", program)
    # A version that is not installed is not found.
    lists = project / "CMakeLists.txt"
    lists.write_text(lists.read_text().replace("fovea 0.1", "fovea 0.2"))
    refused = subprocess.run(command, capture_output=True, text=True)
    assert refused.returncode != 0 and 'requested version "0.2"' in refused.stderr, refused.stderr


def check_program(program, source, wrapper):
    """Runs the example on sample photos; returns how many models it had."""
    photos = sorted((source / "tests" / "golden" / "data" / "photos").glob("*.jpg"))
    assert photos, "the sample photos are gone"
    refused = subprocess.run([*wrapper, program, str(photos[0]), str(photos[0])], capture_output=True, text=True)
    assert refused.returncode == 1 and "not a fovea model" in refused.stderr, refused
    models = [os.environ["FOVEA_TEST_MODEL"]] if "FOVEA_TEST_MODEL" in os.environ else sorted(
        map(str, (source / "models" / "detectors").rglob("*.fovea")), key=os.path.getsize)
    if wrapper:
        models = models[:1]
    for model in models:
        for photo in photos:
            result = subprocess.run([*wrapper, program, model, str(photo)], check=True, capture_output=True, text=True)
            assert result.stdout.startswith("quality: ") and "result: " in result.stdout, result
            print(photo.name, *result.stdout.split("\n"))
    return len(models)


def main():
    build, source, prefix, libdir, *compiler = sys.argv[1:]
    source = pathlib.Path(source)
    wrapper = shlex.split(os.environ.get("FOVEA_WRAPPER", ""))
    assert not any("stdc++" in part for part in compiler), "the compiler's command brings the C++ run-time"
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run(["meson", "install", "--no-rebuild", "--quiet", "-C", build, "--destdir", folder], check=True)
        installed = pathlib.Path(folder + prefix)
        archive = installed / libdir / "libfovea.a"
        licences = installed / "share" / "licenses" / "fovea"
        for path in (archive, installed / "include" / "fovea" / "fovea.h", licences / "LICENSE", licences / "THIRD_PARTY_LICENSES.txt"):
            assert path.is_file(), f"{path} was not installed"
        text = (licences / "THIRD_PARTY_LICENSES.txt").read_text(encoding="utf-8")
        for name in ("Sean Barrett", "QuantStack", "NumScale", "University of Cincinnati", "Niels Lohmann"):
            assert name in text, f"{name} is not among the licences"

        program = os.path.join(folder, "screen")
        link_with_pkg_config(source, installed, libdir, folder, compiler, program)
        models = check_program(program, source, wrapper)
        if shutil.which("cmake"):
            os.remove(program)
            link_with_cmake(source, installed, folder, compiler, program)
            check_program(program, source, wrapper)
        else:
            print("cmake is not installed: find_package was not tried")
        lines = (source / "engine" / "examples" / "screen.c").read_text(encoding="utf-8").count("\n")
        assert lines < 60, f"the example has {lines} lines"
        print(f"{archive.stat().st_size} bytes of archive; example of {lines} lines; {models} models run")
    return 0


if __name__ == "__main__":
    sys.exit(main())
