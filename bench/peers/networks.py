# SPDX-License-Identifier: Apache-2.0
"""The files that the engines run, made once and kept: of floats, or of 8 bits by each engine's own quantisation."""
import hashlib
import json
import os
import pathlib
import shutil
import sys

import environments
from environments import HERE, ROOT, BenchError, python_of

DETECTORS = {"large512": "large224", "small512": "small224", "large224": "large224", "small224": "small224"}  # whose weights a network has
CONVERTED = {"ncnn": "model.ncnn.bin", "mnn": "model.mnn"}  # what an engine's own converter makes
QUANTIZED = {"fovea": "model.fovea", "onnxruntime": "model.onnx", "litert": "model.tflite", "openvino": "model.xml", "mnn": "model.mnn"}
SKIPPED = {"ncnn": "its package holds no quantiser; ncnn2table and ncnn2int8 would have to be built from its source"}


def _recipe(tools=None):
    """The environment of scripts that need the recipe's Python and the converter's package."""
    path = os.pathsep.join(str(part) for part in (ROOT / "converter", tools) if part)
    return {**os.environ, "PYTHONPATH": path, "TF_CPP_MIN_LOG_LEVEL": "2"}


def _made(note, wanted, make):
    """Calls make() unless a file says that the same was made before."""
    text = json.dumps(wanted)
    if not (note.is_file() and note.read_text() == text):
        make()
        note.write_text(text)


def _prepare(arguments, network, script, *settings):
    print(f"{network}: making the files ...", file=sys.stderr)
    tools = environments.install_onnx_tools(arguments.environments, sys.executable)
    environments.run_checked([sys.executable, HERE / script, network, *settings],
                             f"{network} (compare.py needs the recipe's Python, models/recipe/requirements.txt)", env=_recipe(tools))


def floats(arguments, network):
    """The folder of the network in the format of every engine: with random weights."""
    folder = arguments.out / "networks" / network
    _made(folder / "prepared", network, lambda: _prepare(arguments, network, "prepare.py", folder))
    return folder


def detector(arguments, network):
    """The folder of a shipped detector's network: float/ as floats() makes it, and the photos of the calibration."""
    folder = arguments.out / "networks" / f"{network}_int8"
    detector_file = ROOT / "models" / "detectors" / DETECTORS[network] / f"{DETECTORS[network]}.fovea"
    settings = [str(arguments.photos.resolve()), arguments.count, arguments.judged]

    def make():
        shutil.rmtree(folder, ignore_errors=True)  # and with it what was calibrated on other photos
        _prepare(arguments, network, "prepare_detector.py", detector_file, arguments.build / "engine" / "cli" / "fovea", *settings, folder)

    _made(folder / "prepared", [network, hashlib.sha256(detector_file.read_bytes()).hexdigest(), *settings], make)
    return folder


def convert(arguments, name, folder):
    """The formats of floats that need a converter of the engine's own."""
    wanted = CONVERTED.get(name)
    if wanted and not (folder / wanted).is_file():
        environments.run_checked([python_of(arguments.environments, name), HERE / f"convert_{name}.py", folder],
                                 f"{name} cannot convert {folder.name}")


def quantize(arguments, name, folder):
    """The folder with an engine's file of 8 bits, and the pictures to judge it with."""
    result, made = folder / name, QUANTIZED[name]
    if not (result / made).is_file():
        print(f"{folder.name}: quantising for {name} ...", file=sys.stderr)
        scratch = folder / f"{name}.part"
        shutil.rmtree(scratch, ignore_errors=True)
        scratch.mkdir()
        environments.run_checked(_quantizer(arguments, name, folder, scratch), f"{name} cannot quantise {folder.name}", env=_recipe())
        if not (scratch / made).is_file():
            raise BenchError(f"{name} cannot quantise {folder.name}: it wrote no {made}")
        shutil.copy(folder / "float" / "expected.npz", scratch / "expected.npz")
        scratch.rename(result)
    return result


def _quantizer(arguments, name, folder, result):
    if name == "fovea":
        check = max(2, arguments.count // 8)  # of the same photos, for the command's own figures
        return [sys.executable, "-m", "fovea_tools.commands.quantize", folder / "float" / QUANTIZED[name], "--photos", folder / "calibration",
                "--prepared", "--count", arguments.count - check, "--fit", min(64, arguments.count // 2), "--check", check,
                "--fovea", arguments.build / "engine" / "cli" / "fovea", "--quiet", "-o", result / QUANTIZED[name]]
    python = sys.executable if name == "litert" else python_of(arguments.environments, name)
    return [python, HERE / f"quantize_{name}.py", folder / "float", folder / "calibration", result]
