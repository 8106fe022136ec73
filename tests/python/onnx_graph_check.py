# SPDX-License-Identifier: Apache-2.0
"""Run by test_bench_peers.py with onnx and tf2onnx on PYTHONPATH. usage: onnx_graph_check.py FOLDER_OF_ONNX_GRAPH"""
import sys

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from onnx.reference import ReferenceEvaluator

sys.path.insert(0, sys.argv[1])
import onnx_graph  # noqa: E402


def constant(name, values, dtype=np.float32):
    return numpy_helper.from_array(np.asarray(values, dtype), name)


def example():
    random = np.random.default_rng(1)
    shared = random.normal(size=(4, 4))
    constants = [
        constant("three", 3.0), constant("zero", 0.0), constant("six", 6.0), constant("sixth", 1 / 6),
        constant("pads", [0, 0, 0, 0, 0, 0, 1, 1], np.int64), constant("kernel", random.normal(size=(4, 3, 3, 3))),
        constant("gate_kernel", random.normal(size=(1, 2, 3, 3))), constant("shared", shared), constant("vector", [-1, 4], np.int64),
        constant("one", [1], np.int64), constant("map", [1, 4, 4, 1], np.int64),
    ]
    nodes = [
        helper.make_node("Pad", ["input", "pads"], ["padded"]),
        helper.make_node("Conv", ["padded", "kernel"], ["conv"], strides=[2, 2]),
        helper.make_node("Add", ["conv", "three"], ["sum"]),
        helper.make_node("Clip", ["sum", "zero", "six"], ["clipped"]),
        helper.make_node("Mul", ["clipped", "sixth"], ["hard_sigmoid"]),
        helper.make_node("Mul", ["hard_sigmoid", "conv"], ["swish"]),
        helper.make_node("GlobalAveragePool", ["swish"], ["pooled"]),
        helper.make_node("Reshape", ["pooled", "vector"], ["flat"]),
        helper.make_node("MatMul", ["flat", "shared"], ["product"]),
        helper.make_node("Gemm", ["flat", "shared", "product"], ["twice"]),
        helper.make_node("Unsqueeze", ["twice", "one"], ["row"]),
        helper.make_node("Unsqueeze", ["row", "one"], ["gate"]),
        helper.make_node("Transpose", ["swish"], ["last"], perm=[0, 2, 3, 1]),
        helper.make_node("Mul", ["gate", "last"], ["gated"]),
        helper.make_node("ReduceMean", ["gated"], ["mean"], axes=[3], keepdims=1),
        helper.make_node("ReduceMax", ["gated"], ["max"], axes=[3], keepdims=1),
        helper.make_node("Concat", ["mean", "max"], ["maps"], axis=3),
        helper.make_node("Transpose", ["maps"], ["maps_first"], perm=[0, 3, 1, 2]),
        helper.make_node("Conv", ["maps_first", "gate_kernel"], ["spatial"], pads=[1, 1, 1, 1]),
        helper.make_node("Reshape", ["spatial", "map"], ["spatial_last"]),
        helper.make_node("Mul", ["spatial_last", "gated"], ["refined"]),
        helper.make_node("Transpose", ["refined"], ["refined_first"], perm=[0, 3, 1, 2]),
        helper.make_node("Add", ["refined_first", "swish"], ["output"]),
    ]
    graph = helper.make_graph(nodes, "example", [helper.make_tensor_value_info("input", TensorProto.FLOAT, [1, 3, 8, 8])],
                              [helper.make_tensor_value_info("output", TensorProto.FLOAT, [1, 4, 4, 4])], constants)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 14)], ir_version=8)


model = example()
onnx.checker.check_model(model)
picture = np.random.default_rng(2).normal(0, 3, (1, 3, 8, 8)).astype(np.float32)
wanted, = ReferenceEvaluator(model).run(None, {"input": picture})
simple, what = onnx_graph.simplify(model)
kinds = [node.op_type for node in simple.graph.node]
assert kinds.count("HardSwish") == 1 and "Clip" not in kinds, kinds
assert "Pad" not in kinds and "Transpose" not in kinds and "Gemm" not in kinds, kinds
assert len({node.input[1] for node in simple.graph.node if node.op_type == "MatMul"}) == 2, "weights are shared"
got, = ReferenceEvaluator(simple).run(None, {"input": picture})
np.testing.assert_allclose(got, wanted, rtol=1e-5, atol=1e-5)
assert what.startswith("1 hard-swishes and 1 paddings fused")
