# SPDX-License-Identifier: Apache-2.0
"""Makes model.mnn of 8 bits from a float one with MNN's quantiser. usage: quantize_mnn.py FLOAT CALIBRATION FOLDER

Calls the quantiser itself, not its command mnnquant: that one reports to a server, and hands over its arguments in a form that the quantiser of
3.6.1 does not take.
"""
import json
import pathlib
import struct
import sys

import _tools

floats, calibration, folder = map(pathlib.Path, sys.argv[1:])
width, height = struct.unpack(">II", next(calibration.glob("*.png")).read_bytes()[16:24])
settings = folder / "settings.json"
settings.write_text(json.dumps({
    "format": "RGB", "mean": [0, 0, 0], "normal": [1, 1, 1], "width": width, "height": height, "path": f"{calibration}/",
    "used_image_num": len(list(calibration.glob("*.png"))), "feature_quantize_method": "KL", "weight_quantize_method": "MAX_ABS"}))
_tools.mnnquant(["mnnquant", str(floats / "model.mnn"), str(folder / "model.mnn"), str(settings)])
settings.unlink()
if not (folder / "model.mnn").is_file():
    sys.exit("MNN's quantiser wrote no model.mnn")
