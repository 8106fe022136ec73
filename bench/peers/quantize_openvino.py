# SPDX-License-Identifier: Apache-2.0
"""Makes model.xml of 8 bits from a float model.onnx with NNCF's calibration for CPUs. usage: quantize_openvino.py FLOAT CALIBRATION FOLDER

Its preset "mixed" is what NNCF advises for networks whose activations are not ReLU: weights symmetric, activations not.
"""
import pathlib
import sys

import nncf
import openvino

from calibration_pictures import channels_first_pictures


def main():
    floats, calibration, folder = map(pathlib.Path, sys.argv[1:])
    pictures = list(channels_first_pictures(calibration))
    model = nncf.quantize(openvino.Core().read_model(floats / "model.onnx"), nncf.Dataset(pictures), subset_size=len(pictures),
                          preset=nncf.QuantizationPreset.MIXED, target_device=nncf.TargetDevice.CPU)
    openvino.save_model(model, folder / "model.xml", compress_to_fp16=False)


main()
