# SPDX-License-Identifier: Apache-2.0
"""From a Keras model configuration to a flat list of layer calls in running order.

Nested models are opened up; a layer called twice gives two calls that share the layer. Names in the
configuration only tie references together: no meaning is read into them.
"""

from __future__ import annotations

import heapq
import re
from dataclasses import dataclass, field
from typing import Any, Dict, List, Mapping, Optional, Tuple

from ... import checked
from ...errors import ConversionError
from .reader import LayerPlace

MODEL_CLASSES = ("Functional", "Model", "Sequential")
# Keras's own packages; a class of any other module, or registered under a name of its own, is the user's.
KERAS_PACKAGES = ("keras", "tf_keras")
LARGEST_CALLS = 65_536
# Layers looked at and references followed: nested models that hold nothing can be called without end.
LARGEST_STEPS = 1 << 19
DEEPEST_NESTING = 16


@dataclass(frozen=True)
class Tensor:
    """A value in the flattened network: the network's input or the output of a call."""

    index: int


@dataclass(eq=False)
class Layer:
    name: str
    class_name: str
    module: str
    config: Mapping[str, Any]
    place: LayerPlace
    calls: int = 0

    def is_operation(self, major: int) -> bool:
        """A function of the backend that was called on a tensor, not a layer object; major: of the Keras that wrote the file."""
        if self.class_name in ("TFOpLambda", "SlicingOpLambda") or re.search(r"\.(ops|activations)\.", self.module):
            return True
        # Keras 3 leaves the module out of .h5 files; all its layers have this setting, operations do not.
        return major >= 3 and not self.module and "trainable" not in self.config

    def __str__(self) -> str:
        return f"layer {self.name!r} ({self.class_name})"


@dataclass
class Call:
    """One call of a layer. arguments and keywords hold Tensor, constants, and lists of these.

    training: the layer's own `training` argument and those of the nested models around it, outermost first.
    """

    layer: Layer
    number: int  # in calling order, from 0
    arguments: List[Any]
    keywords: Dict[str, Any]
    output: Tensor
    training: Tuple[Optional[bool], ...] = ()


@dataclass
class Network:
    calls: List[Call]
    input_shape: Tuple[Optional[int], Optional[int], int]
    output: Tensor
    # Of each call of a nested model: the model's place, the number of the call, the tensor that it gives.
    models: List[Tuple[LayerPlace, int, Tensor]] = field(default_factory=list)


@dataclass(eq=False)
class Model:
    """A container of layers as configured."""

    name: str
    layers: List[Any]  # Layer or Model
    inbound: Dict[str, List[Tuple[List[Any], Dict[str, Any]]]]  # layer name -> calls: arguments, keywords
    inputs: List[str]
    outputs: List[Tuple[str, int, int]]
    place: LayerPlace
    calls: int = 0
    input_shapes: Dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Reference:
    """Output of a layer call inside one container, before flattening."""

    layer: str
    node: int
    tensor: int


def is_model(entry: Mapping[str, Any]) -> bool:
    config = entry.get("config")
    return entry.get("class_name") in MODEL_CLASSES or (
        isinstance(config, dict) and isinstance(config.get("layers"), list) and "input_layers" in config
    )


def own_class(entry: Mapping[str, Any]) -> Optional[str]:
    """What tells that a class is the user's own, whatever it is called; None where nothing does.

    Keras writes the module and the registered name of a class into .keras files; into .h5 files only the registered name, and
    only that of a registered class.
    """
    class_name = entry.get("class_name")
    if isinstance(class_name, str) and ">" in class_name:
        return f"registered as {class_name!r}"
    registered = entry.get("registered_name")
    if registered not in (None, class_name):
        return f"registered as {checked.shown(registered)}"
    if "module" in entry or "registered_name" in entry:
        module = entry.get("module")
        if not isinstance(module, str) or module.partition(".")[0] not in KERAS_PACKAGES:
            return "of no module of Keras" if module is None else f"of module {checked.shown(module)}"
    return None


def refuse_own_model(entry: Mapping[str, Any], what: str) -> None:
    """A model class of the user's own may do anything with the layers that it lists."""
    class_name = entry.get("class_name")
    told = own_class(entry)
    if told is not None or class_name not in MODEL_CLASSES:
        raise ConversionError(
            f"{what} is of the class {checked.shown(class_name)}, not one of Keras's ({told or 'by its name'}): what it does with its "
            "layers is not in the file; save keras.Model(model.inputs, model.outputs) instead"
        )


def read_model(entry: Mapping[str, Any], place: LayerPlace, depth: int) -> Model:
    """A Functional or Sequential model from its configuration, nested ones included."""
    what = f"model {place.name!r}"
    if depth > DEEPEST_NESTING:
        raise ConversionError(f"{what}: models nested more than {DEEPEST_NESTING} deep")
    refuse_own_model(entry, what)
    config = checked.mapping(entry.get("config"), f"{what}: its configuration")
    entries = [checked.mapping(item, f"{what}: a layer") for item in checked.sequence(config.get("layers"), f"{what}: layers")]
    if not entries or len(entries) > LARGEST_CALLS:
        raise ConversionError(f"{what}: {len(entries)} layers")
    counts: Dict[str, int] = {}
    prepared = []
    for item in entries:
        class_name = checked.text(item.get("class_name"), f"{what}: the class of a layer")
        layer_config = checked.mapping(item.get("config"), f"{what}: the configuration of a {class_name}")
        name = checked.text(item.get("name", layer_config.get("name")), f"{what}: the name of a {class_name}")
        prepared.append((item, class_name, layer_config, name, counts.get(class_name, 0)))
        counts[class_name] = counts.get(class_name, 0) + 1
    layers: List[Any] = []
    seen = set()
    inner = place.containers + [place.name] if depth else []
    for item, class_name, layer_config, name, index in prepared:
        if name in seen:
            raise ConversionError(f"{what}: two layers are called {name!r}")
        seen.add(name)
        position = place.position + [(class_name, index, counts[class_name])]
        layer_place = LayerPlace(inner, name, position)
        if is_model(item):
            layers.append(read_model(item, layer_place, depth + 1))
        else:
            told = own_class(item)
            if told is not None:
                raise ConversionError(
                    f"layer {name!r} ({class_name}): a class of your own ({told}), which is not read whatever it is called; "
                    "build the network from Keras's layers"
                )
            module = item.get("module")
            layers.append(Layer(name, class_name, module if isinstance(module, str) else "", layer_config, layer_place))
    if entry.get("class_name") == "Sequential":
        return sequential(config, layers, prepared, place, what)
    return functional(config, layers, prepared, place, what)


def declared_shape(config: Mapping[str, Any]) -> Any:
    """The shape with the batch that an input layer or a first layer declares, or None."""
    for key in ("batch_shape", "batch_input_shape"):
        if config.get(key) is not None:
            return config[key]
    return None


def sequential(config: Mapping[str, Any], layers: List[Any], prepared: List[Any], place: LayerPlace, what: str) -> Model:
    inbound: Dict[str, List[Tuple[List[Any], Dict[str, Any]]]] = {}
    first = layers[0]
    shape = declared_shape(prepared[0][2]) or config.get("build_input_shape")
    if isinstance(first, Layer) and first.class_name == "InputLayer":
        input_name = first.name
        chain = layers[1:]
    else:
        if shape is None and isinstance(first, Model) and first.inputs:
            shape = first.input_shapes.get(first.inputs[0])
        input_name = ""
        chain = layers
    last = input_name
    for layer in chain:
        name = layer.name
        inbound[name] = [([Reference(last, 0, 0)], {})]
        last = name
    return Model(place.name, layers, inbound, [input_name], [(last, 0, 0)], place, input_shapes={input_name: shape})


def functional(config: Mapping[str, Any], layers: List[Any], prepared: List[Any], place: LayerPlace, what: str) -> Model:
    names = {layer.name for layer in layers}
    inbound: Dict[str, List[Tuple[List[Any], Dict[str, Any]]]] = {}
    shapes: Dict[str, Any] = {}
    for item, class_name, layer_config, name, _ in prepared:
        if class_name == "InputLayer":
            shapes[name] = declared_shape(layer_config)
        nodes = checked.sequence(item.get("inbound_nodes", []), f"layer {name!r}: inbound_nodes")
        inbound[name] = [read_node(node, names, f"layer {name!r}") for node in nodes]
    inputs = [name for name, _, _ in read_ends(config.get("input_layers"), names, f"{what}: input_layers")]
    outputs = read_ends(config.get("output_layers"), names, f"{what}: output_layers")
    return Model(place.name, layers, inbound, inputs, outputs, place, input_shapes=shapes)


def read_ends(value: Any, names: Any, what: str) -> List[Tuple[str, int, int]]:
    """[["a", 0, 0], ...] or, from newer Keras, ["a", 0, 0] alone, or a dictionary of these."""
    if isinstance(value, dict):
        value = list(value.values())
    items = checked.sequence(value, what)
    if len(items) == 3 and isinstance(items[0], str):
        items = [items]
    ends = []
    for item in items:
        triple = checked.sequence(item, what)
        if len(triple) != 3 or triple[0] not in names:
            raise ConversionError(f"{what}: {checked.shown(item)} is not a layer of the model")
        ends.append((triple[0], checked.integer(triple[1], what, 0), checked.integer(triple[2], what, 0)))
    if not ends:
        raise ConversionError(f"{what} is empty")
    return ends


def read_node(node: Any, names: Any, what: str) -> Tuple[List[Any], Dict[str, Any]]:
    """Arguments and keywords of one call, in the style of Keras 3 (a dictionary) or 2 (lists)."""
    if isinstance(node, dict):
        arguments = checked.sequence(node.get("args"), f"{what}: args")
        keywords = checked.mapping(node.get("kwargs", {}), f"{what}: kwargs")
        return (
            [keras3_value(item, names, what, 0) for item in arguments],
            {str(key): keras3_value(item, names, what, 0) for key, item in keywords.items()},
        )
    entries = checked.sequence(node, f"{what}: an inbound node")
    single = bool(entries) and isinstance(entries[0], str)
    values = []
    keywords = {}
    for entry in [entries] if single else entries:
        parts = checked.sequence(entry, f"{what}: an inbound node")
        if len(parts) not in (3, 4) or not isinstance(parts[0], str):
            raise ConversionError(f"{what}: an inbound node is {checked.shown(entry)}")
        extra = checked.mapping(parts[3], f"{what}: the keywords of a call") if len(parts) == 4 else {}
        keywords = {str(key): keras2_value(item, names, what) for key, item in extra.items()}
        if parts[0] == "_CONSTANT_VALUE":
            values.append(parts[2])
        else:
            values.append(keras2_reference(parts[:3], names, what))
    return (values if single or len(values) == 1 else [values]), keywords


def keras2_reference(parts: List[Any], names: Any, what: str) -> Reference:
    if parts[0] not in names:
        raise ConversionError(f"{what}: reads {checked.shown(parts[0])}, which is not in the model")
    return Reference(parts[0], checked.integer(parts[1], what, 0), checked.integer(parts[2], what, 0))


def keras2_value(value: Any, names: Any, what: str) -> Any:
    """A keyword of a call: a tensor is written as [layer name, node, tensor]."""
    if isinstance(value, list):
        if len(value) == 3 and isinstance(value[0], str) and all(isinstance(v, int) for v in value[1:]):
            return keras2_reference(value, names, what)
        if any(isinstance(item, list) and item and isinstance(item[0], str) for item in value):
            return [keras2_value(item, names, what) for item in value]
    return value


def keras3_value(value: Any, names: Any, what: str, depth: int) -> Any:
    if depth > DEEPEST_NESTING:
        raise ConversionError(f"{what}: its arguments are nested too deep")
    if isinstance(value, dict):
        kind = value.get("class_name")
        config = value.get("config")
        if kind == "__keras_tensor__":
            history = checked.sequence(checked.mapping(config, what).get("keras_history"), f"{what}: keras_history")
            if len(history) != 3 or history[0] not in names:
                raise ConversionError(f"{what}: reads {checked.shown(history)}, which is not in the model")
            return Reference(history[0], checked.integer(history[1], what, 0), checked.integer(history[2], what, 0))
        if kind in ("__numpy__", "__tensor__"):
            return checked.mapping(config, what).get("value")
        if kind == "__slice__":
            # As Keras 2 writes it.
            return {key: checked.mapping(config, what).get(key) for key in ("start", "stop", "step")}
        return value
    if isinstance(value, (list, tuple)):
        return [keras3_value(item, names, what, depth + 1) for item in value]
    return value


class Flattener:
    """Walks a model and lists its layer calls."""

    def __init__(self) -> None:
        self.calls: List[Call] = []
        self.models: List[Tuple[LayerPlace, int, Tensor]] = []
        self.tensors = 1
        self.steps = 0
        self.offsets: Dict[int, Dict[str, int]] = {}

    def count(self, steps: int) -> None:
        self.steps += steps
        if self.steps > LARGEST_STEPS:
            raise ConversionError(f"the nested models take more than {LARGEST_STEPS} steps to open up")

    def new_tensor(self) -> Tensor:
        self.tensors += 1
        if self.tensors > LARGEST_CALLS:
            raise ConversionError(f"more than {LARGEST_CALLS} layer calls")
        return Tensor(self.tensors - 1)

    def run(self, model: Model, inputs: List[Tensor], training: Tuple[Optional[bool], ...] = ()) -> List[Tensor]:
        """Lists the calls of one pass through the model; returns its outputs. training: of the models around."""
        what = f"model {model.name!r}"
        self.count(1 + len(model.layers))
        if len(inputs) != len(model.inputs):
            raise ConversionError(f"{what}: called with {len(inputs)} tensors, has {len(model.inputs)} inputs")
        pass_number = model.calls
        model.calls += 1
        by_name = {layer.name: layer for layer in model.layers}
        values: Dict[Tuple[str, int], List[Tensor]] = {
            (name, 0): [tensor] for name, tensor in zip(model.inputs, inputs)
        }
        if id(model) not in self.offsets:
            self.offsets[id(model)] = self.node_offsets(model, by_name)
        offsets = self.offsets[id(model)]
        order = [
            (name, node)
            for name in (layer.name for layer in model.layers)
            for node in range(len(model.inbound.get(name, [])))
            if (name, node) not in values
        ]
        place = {key: index for index, key in enumerate(order)}
        given = set(values)
        waiting: Dict[Tuple[str, int], int] = {}
        readers: Dict[Tuple[str, int], List[Tuple[str, int]]] = {}
        ready: List[int] = []
        for key in order:
            read = references(model.inbound[key[0]][key[1]])
            self.count(1 + len(read))
            sources = {(r.layer, r.node - offsets.get(r.layer, 0)) for r in read} - given
            waiting[key] = len(sources)
            for source in sources:
                readers.setdefault(source, []).append(key)
            if not sources:
                heapq.heappush(ready, place[key])
        done = 0
        while ready:
            key = order[heapq.heappop(ready)]
            done += 1
            name, node = key
            arguments, keywords = model.inbound[name][node]
            resolved = [self.resolve(item, values, offsets, name) for item in arguments]
            named = {k: self.resolve(item, values, offsets, name) for k, item in keywords.items()}
            target = by_name[name]
            function = isinstance(target, Layer) and target.is_operation(3)
            around = (*training, None if function else training_argument(resolved, named, f"layer {name!r}"))
            if isinstance(target, Model):
                values[key] = self.run(target, self.model_inputs(resolved, named, target.name), around)
                if len(values[key]) == 1:
                    self.models.append((target.place, target.calls - 1, values[key][0]))
            else:
                output = self.new_tensor()
                number = pass_number * len(model.inbound[name]) + node
                self.calls.append(Call(target, number, resolved, named, output, around))
                target.calls += 1
                values[key] = [output]
            for reader in readers.get(key, []):
                waiting[reader] -= 1
                if waiting[reader] == 0:
                    heapq.heappush(ready, place[reader])
        if done != len(order):
            stuck = next(key[0] for key in order if waiting[key])
            raise ConversionError(f"{what}: layer {stuck!r} waits for a tensor that nothing makes (a cycle?)")
        return [self.pick(values, name, node - offsets.get(name, 0), tensor, what) for name, node, tensor in model.outputs]

    @staticmethod
    def model_inputs(arguments: List[Any], keywords: Dict[str, Any], name: str) -> List[Tensor]:
        """The tensors that a nested model is called with; whatever else it is called with is refused."""
        keywords = dict(keywords)
        given = [*arguments, *([keywords.pop("inputs")] if "inputs" in keywords else [])]
        constants = [item for item in given if item is not None and not flat_tensors(item)]
        odd = [key for key, item in keywords.items() if item is not None]
        if constants or odd:
            raise ConversionError(
                f"model {name!r}: is called with {odd[0] if odd else 'the argument'} "
                f"{checked.shown(keywords[odd[0]] if odd else constants[0])}, which is not converted"
            )
        return flat_tensors(given)

    @staticmethod
    def node_offsets(model: Model, by_name: Dict[str, Any]) -> Dict[str, int]:
        """Keras 2 counts the calls of a nested model from 1: node 0 is the model's own making.

        All calls in a configuration are used, so the largest reference tells which way it counts.
        """
        largest: Dict[str, int] = {}
        ends = [Reference(*end) for end in model.outputs]
        calls = [node for nodes in model.inbound.values() for node in nodes]
        for reference in ends + [r for node in calls for r in references(node)]:
            if isinstance(by_name.get(reference.layer), Model):
                largest[reference.layer] = max(largest.get(reference.layer, 0), reference.node)
        return {name: int(node == len(model.inbound.get(name, []))) for name, node in largest.items()}

    def resolve(self, item: Any, values: Dict[Tuple[str, int], List[Tensor]], offsets: Dict[str, int], name: str) -> Any:
        if isinstance(item, Reference):
            return self.pick(values, item.layer, item.node - offsets.get(item.layer, 0), item.tensor, f"layer {name!r}")
        if isinstance(item, list):
            return [self.resolve(part, values, offsets, name) for part in item]
        return item

    @staticmethod
    def pick(values: Dict[Tuple[str, int], List[Tensor]], layer: str, node: int, tensor: int, what: str) -> Tensor:
        outputs = values.get((layer, node))
        if outputs is None or tensor >= len(outputs):
            raise ConversionError(f"{what}: reads output {tensor} of call {node} of {layer!r}, which does not exist")
        return outputs[tensor]


def training_argument(arguments: List[Any], keywords: Dict[str, Any], what: str) -> Optional[bool]:
    """Takes `training` out of a call's arguments: the keyword, or a truth value after the tensors."""
    value = keywords.pop("training", None)
    if value is None and len(arguments) == 2 and isinstance(arguments[1], bool):
        value = arguments.pop()
    if value is not None and value not in (True, False):
        raise ConversionError(f"{what}: is called with training={checked.shown(value)}; only True and False are read")
    return None if value is None else bool(value)


def references(node: Any) -> List[Reference]:
    """All references in nested lists and dictionaries of arguments."""
    found = []
    stack = [node]
    while stack:
        item = stack.pop()
        if isinstance(item, Reference):
            found.append(item)
        elif isinstance(item, (list, tuple)):
            stack.extend(item)
        elif isinstance(item, dict):
            stack.extend(item.values())
    return found


def flat_tensors(values: Any) -> List[Tensor]:
    """The tensors in nested lists, in order."""
    if isinstance(values, Tensor):
        return [values]
    if isinstance(values, list):
        return [tensor for value in values for tensor in flat_tensors(value)]
    return []


def input_shape(model: Model) -> Tuple[Optional[int], Optional[int], int]:
    shape = model.input_shapes.get(model.inputs[0])
    if isinstance(shape, list) and len(shape) == 1 and isinstance(shape[0], (list, tuple)):
        shape = shape[0]
    what = "the shape of the network's input"
    if shape is None:
        raise ConversionError(f"{what} is not stored in the file; build the model with an input shape before saving")
    sides = checked.sequence(shape, what)
    if len(sides) != 4 or sides[3] is None:
        raise ConversionError(f"{what} should be (batch, height, width, channels), is {checked.shown(shape)}")
    height, width = (None if side is None else checked.integer(side, what, 1, 65_535) for side in sides[1:3])
    return height, width, checked.integer(sides[3], what + ": channels", 1, 4)


def refuse_channels_first(model: Model) -> None:
    """Said first: with the channels in front, every shape would be read wrongly and the wrong thing named."""
    stack: List[Any] = [model]
    while stack:
        item = stack.pop()
        if isinstance(item, Model):
            stack.extend(reversed(item.layers))
        elif item.config.get("data_format") == "channels_first":
            raise ConversionError(f"{item}: channels come first; build the model with data_format='channels_last'")


def read_network(config: Mapping[str, Any]) -> Network:
    """The flattened network of a whole model configuration: one image in, one vector out."""
    if not is_model(config):
        name = checked.shown(config.get("class_name"))
        raise ConversionError(
            f"the model is a {name}; Functional and Sequential models are read: a subclassed model stores no structure"
        )
    inner = checked.mapping(config.get("config"), "the model configuration")
    name = inner.get("name") if isinstance(inner.get("name"), str) else "model"
    model = read_model(config, LayerPlace([], str(name), []), 0)
    if len(model.inputs) != 1 or len(model.outputs) != 1:
        raise ConversionError(
            f"the model has {len(model.inputs)} inputs and {len(model.outputs)} outputs; one image in, one vector out is converted"
        )
    refuse_channels_first(model)
    shape = input_shape(model)
    flattener = Flattener()
    output = flattener.run(model, [Tensor(0)])[0]
    return Network(flattener.calls, shape, output, flattener.models)
