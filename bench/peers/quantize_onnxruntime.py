# SPDX-License-Identifier: Apache-2.0
"""Makes model.onnx of 8 bits (QDQ) from a float one with onnxruntime's static quantisation. usage: quantize_onnxruntime.py FLOAT CALIBRATION FOLDER

Unsigned activations, ranges that hold 99.99 % of the values; signed weights, a scale for each output channel, seven bits of them where the CPU has
no VNNI, as its 8-bit products would saturate.
"""
import pathlib
import sys

from onnxruntime.quantization import CalibrationDataReader, CalibrationMethod, QuantFormat, QuantType, quantize_static
from onnxruntime.quantization.shape_inference import quant_pre_process

from calibration_pictures import channels_first_pictures


class Pictures(CalibrationDataReader):
    def __init__(self, folder):
        self.pictures = list(channels_first_pictures(folder))
        self.waiting = iter(self.pictures)

    def __len__(self):
        return len(self.pictures)

    def set_range(self, start_index, end_index):
        self.waiting = iter(self.pictures[start_index:end_index])

    def get_next(self):
        picture = next(self.waiting, None)
        return None if picture is None else {"input": picture}


def main():
    floats, calibration, folder = map(pathlib.Path, sys.argv[1:])
    has_vnni = "vnni" in pathlib.Path("/proc/cpuinfo").read_text()
    ready = folder / "ready.onnx"
    quant_pre_process(str(floats / "model.onnx"), str(ready), skip_symbolic_shape=True)
    quantize_static(str(ready), str(folder / "model.onnx"), Pictures(calibration), quant_format=QuantFormat.QDQ, per_channel=True,
                    reduce_range=not has_vnni, activation_type=QuantType.QUInt8, weight_type=QuantType.QInt8,
                    calibrate_method=CalibrationMethod.Percentile,
                    # Of one picture after the other: what they make is not held for all of them at once.
                    extra_options={"CalibPercentile": 99.99, "CalibTensorRangeSymmetric": False, "CalibStridedMinMax": 1})
    ready.unlink()


main()
