# SPDX-License-Identifier: Apache-2.0
"""Makes model.ncnn.param and model.ncnn.bin from model.onnx in FOLDER with pnnx, in float32. usage: convert_ncnn.py FOLDER"""
import importlib.util
import pathlib
import shutil
import subprocess
import sys
import tempfile

folder = pathlib.Path(sys.argv[1])
# The program inside the package: to import the package itself would take all of torch.
pnnx = pathlib.Path(importlib.util.find_spec("pnnx").submodule_search_locations[0]) / "pnnx"
pnnx.chmod(0o755)
with tempfile.TemporaryDirectory() as scratch:  # it writes six files beside its input
    shutil.copy(folder / "model.onnx", scratch)
    subprocess.run([pnnx, "model.onnx", "fp16=0"], cwd=scratch, check=True)
    for name in ("model.ncnn.param", "model.ncnn.bin"):
        shutil.copy(pathlib.Path(scratch) / name, folder)
