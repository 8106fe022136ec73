# SPDX-License-Identifier: Apache-2.0
"""Makes model.mnn from model.onnx in FOLDER. usage: convert_mnn.py FOLDER

Calls MNN's converter itself, not its command mnnconvert: that one installs a package into whatever Python comes first on
PATH, and reports to a server.
"""
import pathlib
import sys

import _tools

folder = pathlib.Path(sys.argv[1])
_tools.mnnconvert(["mnnconvert", "-f", "ONNX", "--modelFile", str(folder / "model.onnx"), "--MNNModel", str(folder / "model.mnn"),
                   "--bizCode", "fovea"])
if not (folder / "model.mnn").is_file():
    sys.exit("MNN's converter wrote no model.mnn")
