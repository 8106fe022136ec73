# SPDX-License-Identifier: Apache-2.0
"""Brings tf2onnx's graph of a Keras network into the form that the engines have fast kernels for.

Without this the peers would be measured below their best: tf2onnx leaves hard-swish in its five parts, which no engine puts together
by itself, transposes around each layer, since its optimiser fails on constants without a dimension, and the padding of strided
layers as a layer of its own, which one converter cannot read.
"""
import numpy as np
import onnx


class _Graph:
    def __init__(self, graph):
        self.graph = graph
        self.constants = {item.name: onnx.numpy_helper.to_array(item) for item in graph.initializer}
        for node in graph.node:
            if node.op_type == "Constant":
                self.constants[node.output[0]] = onnx.numpy_helper.to_array(node.attribute[0].t)
        self.producer = {name: node for node in graph.node for name in node.output}
        self.readers = {}
        for node in graph.node:
            for name in node.input:
                self.readers.setdefault(name, []).append(node)

    def scalar(self, name):
        """The value of a constant of one element, else None."""
        value = self.constants.get(name)
        return float(value.reshape(-1)[0]) if value is not None and value.size == 1 else None

    def is_scalar(self, name, wanted):
        value = self.scalar(name)
        return value is not None and abs(value - wanted) <= 1e-6 * abs(wanted)

    def other_operand(self, node, wanted):
        """The operand of a two-operand node beside the constant `wanted`, else None."""
        for mine, other in ((0, 1), (1, 0)):
            if self.is_scalar(node.input[mine], wanted):
                return node.input[other]
        return None

    def relu6_of_sum(self, name):
        """x where `name` is clip(x + 3, 0, 6), else None."""
        node = self.producer.get(name)
        if node is None:
            return None
        if node.op_type == "Clip" and len(node.input) == 3:
            low, high = self.scalar(node.input[1]), self.scalar(node.input[2])
            inner = node.input[0]
        elif node.op_type == "Min":  # of a Relu and 6
            inner = self.other_operand(node, 6.0)
            low, high = 0.0, 6.0
        else:
            return None
        if inner is None or low != 0.0 or high != 6.0:
            return None
        add = self.producer.get(inner)
        while add is not None and add.op_type == "Relu":
            add = self.producer.get(add.input[0])
        return self.other_operand(add, 3.0) if add is not None and add.op_type == "Add" else None

    def hard_sigmoid_of(self, name):
        """x where `name` is clip(x + 3, 0, 6) / 6, else None."""
        node = self.producer.get(name)
        if node is None:
            return None
        if node.op_type == "Mul":
            inner = self.other_operand(node, 1 / 6)
        elif node.op_type == "Div":
            inner = node.input[0] if self.is_scalar(node.input[1], 6.0) else None
        else:
            return None
        return self.relu6_of_sum(inner) if inner is not None else None

    def hard_swish_of(self, node):
        """x where node is x times the hard sigmoid of x, in any order of factors, else None."""
        if node.op_type != "Mul":
            return None
        for mine, other in ((0, 1), (1, 0)):
            if self.hard_sigmoid_of(node.input[other]) == node.input[mine]:
                return node.input[mine]
        inner = self.other_operand(node, 1 / 6)  # (x * clip(x + 3, 0, 6)) / 6
        product = self.producer.get(inner) if inner is not None else None
        if product is not None and product.op_type == "Mul":
            for mine, other in ((0, 1), (1, 0)):
                if self.relu6_of_sum(product.input[other]) == product.input[mine]:
                    return product.input[mine]
        return None


def give_scalars_a_dimension(model):
    """Constants of shape () that arithmetic reads become shape (1,), in place: the same by broadcasting."""
    readers = {}
    for node in model.graph.node:
        for name in node.input:
            readers.setdefault(name, set()).add(node.op_type)
    for item in model.graph.initializer:
        if not item.dims and readers.get(item.name, set()) <= {"Add", "Sub", "Mul", "Div"}:
            item.dims.append(1)


def _replace_nodes(model, replaced):
    """Puts nodes in the place of those that made the same value, and drops what nobody reads any more."""
    nodes = [replaced.get(node.output[0], node) for node in model.graph.node]
    needed = {output.name for output in model.graph.output}
    kept = []
    for node in reversed(nodes):
        if any(name in needed for name in node.output):
            kept.append(node)
            needed.update(node.input)
    initializers = [item for item in model.graph.initializer if item.name in needed]
    del model.graph.node[:], model.graph.initializer[:]
    model.graph.node.extend(reversed(kept))
    model.graph.initializer.extend(initializers)


def fuse_hard_swish(model):
    """Replaces x * clip(x + 3, 0, 6) / 6 by HardSwish and the gate alone by HardSigmoid, in place; how many hard-swishes."""
    graph = _Graph(model.graph)
    replaced = {}
    swishes = 0
    for node in model.graph.node:
        result = node.output[0]
        source = graph.hard_swish_of(node)
        if source is not None:
            replaced[result] = onnx.helper.make_node("HardSwish", [source], [result], name=f"{node.name}_hard_swish")
            swishes += 1
            continue
        source = graph.hard_sigmoid_of(result)
        if source is not None:
            replaced[result] = onnx.helper.make_node("HardSigmoid", [source], [result], alpha=1 / 6, beta=0.5,
                                                     name=f"{node.name}_hard_sigmoid")
    _replace_nodes(model, replaced)
    return swishes


def fuse_padding(model):
    """Moves padding with zeros that only a convolution reads into the convolution, in place; how many."""
    graph = _Graph(model.graph)
    replaced = {}
    for node in model.graph.node:
        pad = graph.producer.get(node.input[0]) if node.op_type == "Conv" else None
        if pad is None or pad.op_type != "Pad" or len(graph.readers[pad.output[0]]) != 1:
            continue
        pads = graph.constants.get(pad.input[1])
        is_zero = len(pad.input) < 3 or not pad.input[2] or graph.scalar(pad.input[2]) == 0.0
        attributes = {item.name: onnx.helper.get_attribute_value(item) for item in node.attribute}
        if (pads is None or pads.size != 8 or any(pads[[0, 1, 4, 5]]) or not is_zero
                or attributes.get("auto_pad", b"NOTSET") not in (b"NOTSET", b"VALID")):
            continue
        own = attributes.get("pads", [0, 0, 0, 0])
        attributes["pads"] = [int(one) + int(other) for one, other in zip(own, pads[[2, 3, 6, 7]])]
        attributes.pop("auto_pad", None)
        replaced[node.output[0]] = onnx.helper.make_node("Conv", [pad.input[0], *node.input[1:]], list(node.output), name=node.name,
                                                         **attributes)
    _replace_nodes(model, replaced)
    return len(replaced)


class _ChannelsFirst:
    """Makes channels-first versions of channels-last values, as far as their makers are of the kinds below."""

    SAME = {"Add", "Sub", "Mul", "Div", "Relu", "Sigmoid", "HardSwish", "HardSigmoid"}

    def __init__(self, model):
        self.graph = _Graph(model.graph)
        self.shapes = _inferred_shapes(model)
        self.versions = {}  # name of the channels-last value to name of the channels-first one, None where there is none
        self.nodes, self.constants = [], []

    def of(self, name):
        if name not in self.versions:
            node = self.graph.producer.get(name)
            self.versions[name] = self.make(node) if node is not None else None
        return self.versions[name]

    def make(self, node):
        attributes = {item.name: onnx.helper.get_attribute_value(item) for item in node.attribute}
        kind, result = node.op_type, f"{node.output[0]}_channels_first"
        if kind == "Transpose":
            return node.input[0] if attributes["perm"] == [0, 2, 3, 1] else None
        if kind == "Reshape":  # [N, 1, H, W] to [N, H, W, 1] moves nothing
            before, after = self.shapes.get(node.input[0], []), self.shapes.get(node.output[0], [])
            is_turn = len(before) == 4 and before[1] == 1 and after == [before[0], before[2], before[3], 1]
            return node.input[0] if is_turn else None
        if kind == "Unsqueeze":  # [1, C] to [1, 1, 1, C] in two steps
            inner = self.graph.producer.get(node.input[0])
            shape = self.shapes.get(inner.input[0], []) if inner is not None and inner.op_type == "Unsqueeze" else []
            if len(shape) != 2 or shape[0] != 1 or self.shapes.get(node.output[0]) != [1, 1, 1, shape[1]]:
                return None
            self.constants.append(onnx.numpy_helper.from_array(np.array([1, shape[1], 1, 1], np.int64), f"{result}_shape"))
            self.nodes.append(onnx.helper.make_node("Reshape", [inner.input[0], f"{result}_shape"], [result]))
            return result
        if kind in ("ReduceMean", "ReduceMax"):
            if attributes.get("axes") not in ([3], [-1]) or attributes.get("keepdims", 1) != 1:
                return None
            attributes["axes"] = [1]
        elif kind == "Concat":
            if attributes["axis"] not in (3, -1):
                return None
            attributes["axis"] = 1
        elif kind not in self.SAME:
            return None
        inputs = [self.of(name) for name in node.input]
        if None in inputs:
            return None
        self.nodes.append(onnx.helper.make_node(kind, inputs, [result], **attributes))
        return result


def move_channels_first(model):
    """Computes in channels-first order what tf2onnx left between transposes, in place; how many transposes that saves."""
    versions = _ChannelsFirst(model)
    renamed = {}
    for node in model.graph.node:
        if node.op_type == "Transpose" and list(node.attribute[0].ints) == [0, 3, 1, 2]:
            version = versions.of(node.input[0])
            if version is not None:
                renamed[node.output[0]] = version
    for node in [*model.graph.node, *versions.nodes]:
        for index, name in enumerate(node.input):
            node.input[index] = renamed.get(name, name)
    before = sum(node.op_type == "Transpose" for node in model.graph.node)
    model.graph.initializer.extend(versions.constants)
    _sort(model.graph, [*model.graph.node, *versions.nodes])
    _replace_nodes(model, {})
    return before - sum(node.op_type == "Transpose" for node in model.graph.node)


def _sort(graph, nodes):
    """Puts the nodes into an order in which each comes after what it reads."""
    made = {item.name for item in [*graph.initializer, *graph.input]} | {""}
    waiting, order = list(nodes), []
    while waiting:
        ready = [node for node in waiting if all(name in made for name in node.input)]
        if not ready:
            raise ValueError("the graph has a cycle or a value that nothing makes")
        made.update(name for node in ready for name in node.output)
        order += ready
        waiting = [node for node in waiting if not any(name in made for name in node.output)]
    del graph.node[:]
    graph.node.extend(order)


def split_sums_from_products(model):
    """Makes MatMul and Add of a Gemm that adds a computed value, in place: one converter knows constant biases only."""
    constants = {item.name for item in model.graph.initializer}
    nodes = []
    for node in model.graph.node:
        attributes = {item.name: onnx.helper.get_attribute_value(item) for item in node.attribute}
        is_plain = attributes.get("alpha", 1.0) == attributes.get("beta", 1.0) == 1.0 and not (
            attributes.get("transA", 0) or attributes.get("transB", 0))
        if node.op_type == "Gemm" and len(node.input) == 3 and node.input[2] not in constants and is_plain:
            product = f"{node.output[0]}_product"
            nodes.append(onnx.helper.make_node("MatMul", node.input[:2], [product], name=product))
            nodes.append(onnx.helper.make_node("Add", [product, node.input[2]], list(node.output), name=node.name))
        else:
            nodes.append(node)
    del model.graph.node[:]
    model.graph.node.extend(nodes)


def _inferred_shapes(model):
    inferred = onnx.shape_inference.infer_shapes(model, data_prop=True).graph
    return {item.name: [dimension.dim_value for dimension in item.type.tensor_type.shape.dim]
            for item in [*inferred.value_info, *inferred.input, *inferred.output]}


def settle_reshapes(model):
    """Drops reshapes that change nothing and writes out the sizes of the others, in place: one engine crashes without."""
    shapes = _inferred_shapes(model)
    renamed, nodes = {}, []
    for node in model.graph.node:
        for index, name in enumerate(node.input):
            node.input[index] = renamed.get(name, name)
        after = shapes.get(node.output[0])
        if node.op_type in ("Reshape", "Squeeze") and after and all(after):
            if shapes.get(node.input[0]) == after and node.output[0] not in {item.name for item in model.graph.output}:
                renamed[node.output[0]] = node.input[0]
                continue
            name = f"{node.output[0]}_sizes"
            model.graph.initializer.append(onnx.numpy_helper.from_array(np.array(after, np.int64), name))
            node = onnx.helper.make_node("Reshape", [node.input[0], name], list(node.output), name=node.name)
        nodes.append(node)
    del model.graph.node[:]
    model.graph.node.extend(nodes)
    _replace_nodes(model, {})


def copy_shared_weights(model):
    """Gives each matrix product weights of its own, in place: one converter cannot share them."""
    weights = {item.name: item for item in model.graph.initializer}
    seen = set()
    for node in model.graph.node:
        for index, name in enumerate(node.input):
            if node.op_type in ("MatMul", "Gemm") and name in seen:
                copy = onnx.TensorProto.FromString(weights[name].SerializeToString())
                copy.name = node.input[index] = f"{name}_{node.output[0]}"
                model.graph.initializer.append(copy)
            elif name in weights:
                seen.add(name)


def simplify(model):
    """A copy in the form described above, and what was done to it, in words."""
    from tf2onnx.graph import GraphUtil

    model = onnx.ModelProto.FromString(model.SerializeToString())
    give_scalars_a_dimension(model)
    model = GraphUtil.optimize_model_proto(model)
    swishes, pads = fuse_hard_swish(model), fuse_padding(model)
    move_channels_first(model)
    split_sums_from_products(model)
    settle_reshapes(model)
    copy_shared_weights(model)
    onnx.checker.check_model(model)
    transposes = sum(node.op_type == "Transpose" for node in model.graph.node)
    return model, f"{swishes} hard-swishes and {pads} paddings fused; {len(model.graph.node)} nodes, {transposes} transposes"
