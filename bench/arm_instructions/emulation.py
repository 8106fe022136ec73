# SPDX-License-Identifier: Apache-2.0
"""Builds the counting plugin and the programs that run under it, and runs them."""
import json
import os
import pathlib
import shutil
import subprocess

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
CROSS_FILE = ROOT / "tests" / "cross" / "aarch64-linux-qemu.ini"
CROSS_LIBRARIES = "/usr/aarch64-linux-gnu"
DEFAULT_CPUS = ("cortex-a53", "cortex-a76", "max")
PACKAGES = {"qemu-aarch64": "qemu-user", "aarch64-linux-gnu-gcc": "g++-aarch64-linux-gnu", "cc": "gcc", "meson": "meson",
            "aarch64-linux-gnu-c++filt": "binutils-aarch64-linux-gnu"}


class BenchError(Exception):
    """What keeps a count from being taken, in words for the user."""


def find_tool(name):
    path = shutil.which(name)
    if path is None:
        raise BenchError(f"{name} is missing: install the package {PACKAGES.get(name, name)}")
    return path


def run_checked(command, what, **options):
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True, **options)
    if done.returncode != 0:
        raise BenchError(f"{what}: exit status {done.returncode}\n{(done.stderr or done.stdout).strip()[-2000:]}")
    return done.stdout


def build_plugin(folder):
    plugin = folder / "count_plugin.so"
    run_checked([find_tool("cc"), "-O2", "-Wall", "-Wextra", "-shared", "-fPIC", "-fvisibility=hidden", HERE / "count_plugin.c",
                 "-o", plugin], "building count_plugin.so")
    return plugin


def cross_build(folder):
    """The library for arm64, built below folder; its build folder."""
    build = folder / "library"
    if not (build / "build.ninja").is_file():
        run_checked([find_tool("meson"), "setup", build, ROOT, "--cross-file", CROSS_FILE, "-Dcli=false", "-Dtests=false",
                     "-Dbench=false"], f"configuring {build}")
    run_checked([find_tool("meson"), "compile", "-C", build], f"building {build}")
    return build


def build_driver(build, folder):
    """Links run_model with the libfovea.a of a Meson build folder."""
    archive = build / "engine" / "libfovea.a"
    if not archive.is_file():
        raise BenchError(f"{archive} is missing: is {build} a Meson build folder, and built?")
    program = folder / "run_model"
    # Without position independence addresses are those of the file, so that its symbols can be found.
    run_checked([find_tool("aarch64-linux-gnu-gcc"), "-std=gnu99", "-O2", "-Wall", "-Wextra", "-no-pie",
                 "-I", ROOT / "engine" / "include", HERE / "run_model.c", archive, "-lstdc++", "-lm", "-lpthread", "-o", program],
                f"linking run_model with {archive} (is it built for arm64?)")
    return program


class Emulator:
    """Runs arm64 programs under the plugin. `libraries` is the folder that holds their lib/."""

    def __init__(self, folder, plugin, libraries=CROSS_LIBRARIES):
        self.qemu = find_tool("qemu-aarch64")
        self.plugin = plugin.resolve()
        self.libraries = libraries
        self.counter = folder.resolve() / "counter"
        if any("," in str(path) for path in (self.plugin, self.counter)):
            raise BenchError(f"the emulator cannot take a path with a comma: {folder}")

    def run(self, command, cpu, places=None, timeout=3600, environment=None):
        """Standard output of command; places names the file for counts by address."""
        self.counter.write_bytes(bytes(4096))
        plugin = f"file={self.plugin},counter={self.counter}" + (f",places={pathlib.Path(places).resolve()}" if places else "")
        return run_checked([self.qemu, "-cpu", cpu, "-L", self.libraries, "-plugin", plugin, *command],
                           f"{pathlib.Path(command[0]).name} as {cpu}", timeout=timeout,
                           env={**os.environ, **(environment or {})})

    def count_model(self, program, model, cpu, runs=1, isa=None, places=None):
        """What run_model says about one model on one CPU, with "per_inference"."""
        result = json.loads(self.run([program, model, self.counter, str(runs), *([isa] if isa else [])], cpu, places))
        result["per_inference"] = (result["two_n_runs"] - result["n_runs"]) / runs
        return result
