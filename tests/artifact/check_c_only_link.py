# SPDX-License-Identifier: Apache-2.0
"""Installs the library, and builds and runs the C example against what was installed, as a user would.

The compiler is a C compiler; flags come from pkg-config alone. With FOVEA_TEST_MODEL naming a .fovea file the example screens a sample photo;
without, it must refuse a file that is no model. FOVEA_WRAPPER is what runs programs of another CPU.

usage: check_c_only_link.py BUILD_DIR SOURCE_DIR PREFIX LIBDIR COMPILER...
"""

import os
import pathlib
import shlex
import subprocess
import sys
import tempfile


def main():
    build, source, prefix, libdir, *compiler = sys.argv[1:]
    source = pathlib.Path(source)
    wrapper = shlex.split(os.environ.get("FOVEA_WRAPPER", ""))
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run(["meson", "install", "--no-rebuild", "--quiet", "-C", build, "--destdir", folder], check=True)
        installed = pathlib.Path(folder + prefix)
        archive = installed / libdir / "libfovea.a"
        for path in (archive, installed / "include" / "fovea" / "fovea.h"):
            assert path.is_file(), f"{path} was not installed"

        environment = dict(os.environ, PKG_CONFIG_LIBDIR=str(installed / libdir / "pkgconfig"), PKG_CONFIG_SYSROOT_DIR=folder)
        def flags(kind):
            command = ["pkg-config", kind, "--static", "fovea"]
            return subprocess.run(command, env=environment, check=True, capture_output=True, text=True).stdout.split()

        program = os.path.join(folder, "screen")
        warnings = ["-std=c99", "-pedantic", "-Wall", "-Wextra", "-Werror"]
        example = source / "engine" / "examples" / "screen.c"
        subprocess.run([*compiler, *warnings, str(example), *flags("--cflags"), *flags("--libs"), "-o", program], check=True)
        header = source / "tests" / "artifact" / "header_alone.c"
        subprocess.run([*compiler, *warnings, "-fsyntax-only", *flags("--cflags"), str(header)], check=True)

        photos = sorted((source / "tests" / "golden" / "data" / "photos").glob("*.jpg"))
        assert photos, "the sample photos are gone"
        refused = subprocess.run([*wrapper, program, str(photos[0]), str(photos[0])], capture_output=True, text=True)
        assert refused.returncode == 1 and "not a fovea model" in refused.stderr, refused
        models = [os.environ["FOVEA_TEST_MODEL"]] if "FOVEA_TEST_MODEL" in os.environ else sorted(
            map(str, (source / "models" / "detectors").rglob("*.fovea")))
        for model in models:
            for photo in photos:
                result = subprocess.run([*wrapper, program, model, str(photo)], check=True, capture_output=True, text=True)
                assert result.stdout.startswith("quality: ") and "result: " in result.stdout, result
                print(photo.name, *result.stdout.split("\n"))
        lines = example.read_text(encoding="utf-8").count("\n")
        assert lines < 60, f"the example has {lines} lines"
        print(f"{archive.stat().st_size} bytes of archive; example of {lines} lines; {len(models)} models run")
    return 0


if __name__ == "__main__":
    sys.exit(main())
