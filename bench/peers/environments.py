# SPDX-License-Identifier: Apache-2.0
"""A Python environment for each engine, and fovea's shared library: what compare.py runs the engines in."""
import pathlib
import shutil
import subprocess
import sys
import venv

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
PEERS = ("onnxruntime", "litert", "openvino", "ncnn", "mnn")
ALL = ("fovea", *PEERS)


class BenchError(Exception):
    """What keeps a comparison from being made, in words for the user."""


def run_checked(command, what, **options):
    done = subprocess.run([str(part) for part in command], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                          stdin=subprocess.DEVNULL, **options)
    if done.returncode != 0:
        raise BenchError(f"{what}: exit status {done.returncode}\n{done.stdout.strip()[-1500:]}")
    return done.stdout


def python_of(folder, name):
    return folder / name / "bin" / "python"


def wanted_packages(name):
    """As a requirements file: the engine and, where that is a package of its own, what makes its files of 8 bits; fovea's needs NumPy alone."""
    if name == "fovea":
        return "numpy\n"
    files = [HERE / "requirements" / f"{name}{kind}.txt" for kind in ("", "_int8")]
    return "".join(file.read_text() for file in files if file.is_file())


def _is_noted(note, wanted):
    """Whether the packages were installed, and are those that are wanted now."""
    return note.is_file() and note.read_text() == wanted


def install(folder, name):
    """Makes the environment of one engine. Raises BenchError when a package cannot be had."""
    environment = folder / name
    done = environment / "installed"
    wanted = wanted_packages(name)
    if _is_noted(done, wanted):
        return
    print(f"installing {name} ...", file=sys.stderr)
    requirements = folder / f"{name}.txt"
    folder.mkdir(parents=True, exist_ok=True)
    requirements.write_text(wanted)
    venv.create(environment, clear=True, with_pip=True)
    try:
        run_checked([python_of(folder, name), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--only-binary", ":all:",
                     "-r", requirements], f"{name} cannot be installed")
    except BenchError as error:
        (environment / "refused").write_text(str(error).splitlines()[-1])
        raise
    done.write_text(wanted)


def install_onnx_tools(folder, python):
    """tf2onnx beside the recipe's TensorFlow, but not among its packages; the folder for PYTHONPATH."""
    target, requirements = folder / "onnx_tools", HERE / "requirements" / "onnx_tools.txt"
    done = target / "installed"
    if not _is_noted(done, requirements.read_text()):
        print("installing tf2onnx ...", file=sys.stderr)
        shutil.rmtree(target, ignore_errors=True)
        run_checked([python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps", "--target", target,
                     "-r", requirements], "tf2onnx cannot be installed")
        done.write_text(requirements.read_text())
    return target


def missing(folder):
    """Engines that are not installed, or with other packages than those that are wanted now."""
    return [name for name in ALL if not _is_noted(folder / name / "installed", wanted_packages(name))]


def refused(folder):
    """{engine: reason} of those that --install could not install."""
    notes = {name: folder / name / "refused" for name in ALL}
    return {name: f"cannot be installed: {note.read_text()}" for name, note in notes.items() if note.is_file()}


def link_shared_library(build, folder):
    """libfovea.a as a shared library, so that fovea is called from Python like the others."""
    archive = build / "engine" / "libfovea.a"
    if not archive.is_file():
        raise BenchError(f"{archive} is missing: is {build} a Meson build folder, and built?")
    folder.mkdir(parents=True, exist_ok=True)
    library = folder / "libfovea.so"
    run_checked(["cc", "-shared", "-o", library, "-Wl,--whole-archive", archive, "-Wl,--no-whole-archive", "-lstdc++", "-lm",
                 "-lpthread"], f"linking {library}")
    return library
