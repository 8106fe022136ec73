# SPDX-License-Identifier: Apache-2.0
"""The engines behind one interface: each takes 8-bit pixels once and then runs on what it likes best.

    engine = ENGINES[name](threads)     imports the library
    engine.load(folder)                 folder holds what prepare.py and convert.py wrote
    engine.set_input(pixels)            (1, H, W, 3) uint8; not timed
    engine.run()                        timed; the probabilities as a NumPy vector

Settings are each engine's best for one image after another: as many threads as asked for, latency before throughput, no precision
below that of the file. Only the standard library and NumPy may be imported at the top: each engine has an environment of its own.
"""
import ctypes
import importlib
import importlib.metadata
import os

import numpy as np


def channels_first(pixels):
    return np.ascontiguousarray(pixels.transpose(0, 3, 1, 2), dtype=np.float32)


class Fovea:
    """Through its C header; FOVEA_SHARED names libfovea.a linked as a shared library."""

    class SessionInfo(ctypes.Structure):
        _fields_ = [("size", ctypes.c_size_t), ("input_height", ctypes.c_uint32), ("input_width", ctypes.c_uint32),
                    ("input_channels", ctypes.c_uint32), ("threads", ctypes.c_uint32), ("isa", ctypes.c_char_p),
                    ("workspace_bytes", ctypes.c_size_t), ("multiply_adds", ctypes.c_uint64)]

    class SessionSettings(ctypes.Structure):  # the beginning; the library takes what a shorter struct lacks at its default
        _fields_ = [("size", ctypes.c_size_t), ("input_height", ctypes.c_uint32), ("input_width", ctypes.c_uint32),
                    ("threads", ctypes.c_uint32), ("typicality", ctypes.c_int)]

    def __init__(self, threads):
        self.threads = threads
        self.engine = ctypes.CDLL(os.environ["FOVEA_SHARED"])
        self.engine.fovea_version.restype = ctypes.c_char_p
        self.engine.fovea_status_string.restype = ctypes.c_char_p

    def version(self):
        return self.engine.fovea_version().decode()

    def check(self, status, what):
        if status != 0:
            raise RuntimeError(f"{what}: {self.engine.fovea_status_string(status).decode()}")

    def load(self, folder):
        self.model, self.session = ctypes.c_void_p(), ctypes.c_void_p()
        self.check(self.engine.fovea_model_load_file(os.fsencode(f"{folder}/model.fovea"), None, ctypes.byref(self.model)), "load")
        settings = self.SessionSettings()
        self.engine.fovea_session_settings_init_sized(ctypes.byref(settings), ctypes.c_size_t(ctypes.sizeof(settings)))
        settings.threads = self.threads
        self.check(self.engine.fovea_session_create(self.model, ctypes.byref(settings), ctypes.byref(self.session)), "session")
        info = self.SessionInfo(ctypes.sizeof(self.SessionInfo))
        self.check(self.engine.fovea_session_describe(self.session, ctypes.byref(info)), "describe")
        self.working_bytes, self.multiply_adds = info.workspace_bytes, info.multiply_adds
        self.probabilities = np.zeros(2, np.float32)
        self.output = self.probabilities.ctypes.data_as(ctypes.c_void_p)

    def set_input(self, pixels):
        self.pixels = np.ascontiguousarray(pixels)
        self.input = self.pixels.ctypes.data_as(ctypes.c_void_p)

    def run(self):
        self.check(self.engine.fovea_run(self.session, self.input, 0, None, self.output), "run")
        return self.probabilities


class Package:
    """An engine that is a Python package of its own."""

    name = ""

    def __init__(self, threads):
        self.module, self.threads = importlib.import_module(self.name), threads

    def version(self):
        return importlib.metadata.version(self.name)


class Onnxruntime(Package):
    name = "onnxruntime"

    def load(self, folder):
        options = self.module.SessionOptions()
        options.intra_op_num_threads = self.threads
        options.inter_op_num_threads = 1
        options.execution_mode = self.module.ExecutionMode.ORT_SEQUENTIAL
        options.graph_optimization_level = self.module.GraphOptimizationLevel.ORT_ENABLE_ALL
        options.log_severity_level = 3
        self.session = self.module.InferenceSession(f"{folder}/model.onnx", options, providers=["CPUExecutionProvider"])

    def set_input(self, pixels):
        self.input = {self.session.get_inputs()[0].name: channels_first(pixels)}

    def run(self):
        return self.session.run(None, self.input)[0][0]


class Litert:
    def __init__(self, threads):
        from ai_edge_litert.interpreter import Interpreter

        self.module, self.threads = Interpreter, threads

    def version(self):
        return importlib.metadata.version("ai-edge-litert")

    def load(self, folder):  # XNNPACK is what it takes by itself
        self.interpreter = self.module(model_path=f"{folder}/model.tflite", num_threads=self.threads)
        self.interpreter.allocate_tensors()
        source = self.interpreter.get_input_details()[0]
        self.source, self.type, (self.scale, self.zero_point) = source["index"], source["dtype"], source["quantization"]
        self.target = self.interpreter.get_output_details()[0]["index"]

    def set_input(self, pixels):
        values = pixels.astype(np.float32)
        if self.type == np.int8:  # a file of 8 bits
            values = np.clip(np.rint(values / self.scale + self.zero_point), -128, 127)
        self.interpreter.set_tensor(self.source, values.astype(self.type))

    def run(self):
        self.interpreter.invoke()
        return self.interpreter.get_tensor(self.target)[0]


class Openvino(Package):
    name = "openvino"

    def load(self, folder):
        # Without the precision it would take bfloat16 where the CPU has it, which moves probabilities by some 0.06.
        settings = {"INFERENCE_PRECISION_HINT": "f32", "INFERENCE_NUM_THREADS": self.threads, "NUM_STREAMS": 1,
                    "PERFORMANCE_HINT": "LATENCY", "ENABLE_CPU_PINNING": False}
        quantized = f"{folder}/model.xml"  # in its own format
        path = quantized if os.path.isfile(quantized) else f"{folder}/model.onnx"
        self.request = self.module.Core().compile_model(path, "CPU", settings).create_infer_request()

    def set_input(self, pixels):
        self.request.set_input_tensor(self.module.Tensor(channels_first(pixels)))

    def run(self):
        self.request.infer()
        return self.request.get_output_tensor().data[0]


class Ncnn(Package):
    name = "ncnn"

    def load(self, folder):
        self.net = self.module.Net()
        self.net.opt.num_threads = self.threads
        self.net.opt.use_vulkan_compute = False
        # float32 as the others; FOVEA_PEER_FP16=1 leaves it what it takes by itself (half precision on ARM).
        if os.environ.get("FOVEA_PEER_FP16") != "1":
            self.net.opt.use_fp16_packed = self.net.opt.use_fp16_storage = self.net.opt.use_fp16_arithmetic = False
            self.net.opt.use_bf16_packed = self.net.opt.use_bf16_storage = False
        if self.net.load_param(f"{folder}/model.ncnn.param") != 0 or self.net.load_model(f"{folder}/model.ncnn.bin") != 0:
            raise RuntimeError("ncnn refuses its file")
        self.source, self.target = self.net.input_names()[0], self.net.output_names()[0]

    def set_input(self, pixels):
        # A copy: on NumPy's memory, which it does not keep alive and takes for its own to reuse, it crashes.
        values = channels_first(pixels)[0]
        self.input = self.module.Mat(values).clone()

    def run(self):
        extractor = self.net.create_extractor()
        extractor.input(self.source, self.input)
        status, output = extractor.extract(self.target)
        if status != 0:
            raise RuntimeError(f"ncnn: status {status}")
        return np.array(output).reshape(-1)


class Mnn(Package):
    name = "MNN"

    def load(self, folder):
        self.interpreter = self.module.Interpreter(f"{folder}/model.mnn")
        precision = "low" if os.environ.get("FOVEA_PEER_FP16") == "1" else "high"
        self.session = self.interpreter.createSession({"backend": "CPU", "numThread": self.threads, "precision": precision})
        self.source = self.interpreter.getSessionInput(self.session)
        self.target = self.interpreter.getSessionOutput(self.session)
        shape = self.target.getShape()
        self.output = np.zeros(shape, np.float32)
        self.host = self.module.Tensor(shape, self.module.Halide_Type_Float, self.output, self.module.Tensor_DimensionType_Caffe)

    def set_input(self, pixels):
        values = channels_first(pixels)
        self.source.copyFrom(self.module.Tensor(values.shape, self.module.Halide_Type_Float, values,
                                                 self.module.Tensor_DimensionType_Caffe))

    def run(self):
        self.interpreter.runSession(self.session)
        self.target.copyToHostTensor(self.host)
        return np.array(self.host.getNumpyData()).reshape(-1)


ENGINES = {"fovea": Fovea, "onnxruntime": Onnxruntime, "litert": Litert, "openvino": Openvino, "ncnn": Ncnn, "mnn": Mnn}
