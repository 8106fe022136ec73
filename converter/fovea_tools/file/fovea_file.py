# SPDX-License-Identifier: Apache-2.0
"""Writer and reader of the .fovea file: the byte layout of models/FORMAT.md and nothing else."""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass, field
from typing import Dict, List, Optional, Sequence, Tuple

import numpy as np

MAGIC = b"FOVEA\r\n\x1a"
FORMAT_VERSION = 1
LARGEST_STRINGS = 65_536
LARGEST_NODES = 65_536
LARGEST_WINDOW = 65_535
LARGEST_SIDE = 65_536
NONE = 0xFFFFFFFF
ALIGNMENT = 64
REQUIRED = ("STRS", "GRPH", "TNSR", "PREP", "LABL", "PROV", "WGHT")
OPTIONAL = ("OPPT", "GOLD", "TYPI", "QUNT")
FLAGGED = REQUIRED + ("QUNT",)  # what a reader must not skip

F32, F16, I8, I32 = range(4)
ELEMENT_SIZES = (4, 2, 1, 4)
PACK_VECTOR, PACK_CONV_PANELS, PACK_DEPTHWISE, PACK_CODE_PANELS = range(4)
CODES_NONE, CODES_U8, CODES_S16 = range(3)

NODE_KINDS = (
    "", "convolution", "depthwise", "dense", "pool", "global_pool", "channel_reduce", "concat",
    "add", "multiply", "affine", "activation", "softmax", "reshape", "pad", "lrn",
)
FILE_ACTIVATIONS = (
    "none", "relu", "relu6", "hard_sigmoid", "hard_swish", "sigmoid", "hard_sigmoid_keras2",
    "swish", "tanh", "leaky_relu", "elu", "gelu", "softplus",
)
PRESETS = ("none", "kaggle_ben_color", "kaggle_circle", "kaggle_circle_v2", "graham2015", "eyeq")
FLAG_CIRCLE_MASK, FLAG_GRAY_SWAPPED, FLAG_PAD_SQUARE, FLAG_BGR = 1, 2, 4, 8
RESIZES = ("cv_linear", "cv_area")
SCALED_PRESETS = ("none", "kaggle_ben_color", "eyeq")  # with cv_area: JPEGs may be decoded at a smaller scale
MAX_SCALED_DECODING = 16
TARGETS = ("other", "any_dr", "referable_dr", "grade5")
OUTPUT_SOFTMAX, OUTPUT_ONE_SIGMOID, OUTPUT_SIGMOIDS = range(3)

HEADER = struct.Struct("<8sIIQII28x")
SECTION = struct.Struct("<4sIQQII")
TENSOR = struct.Struct("<II4IQQ24x")
GRAPH = struct.Struct("<10I24x")
NODE = struct.Struct("<IIf" + "I" * 18 + "44x")
CODES = struct.Struct("<7I36x")
PREPROCESSING = struct.Struct("<IIfIIfIII28x")


class FormatError(Exception):
    """The bytes are not a .fovea file as FORMAT.md describes it."""


@dataclass
class Tensor:
    """data: the packed bytes."""

    element_type: int
    packing: int
    dimensions: Tuple[int, int, int, int]
    data: bytes


@dataclass
class FileNode:
    """The 128 bytes of a node; operands are value numbers, weights and bias tensor numbers."""

    kind: int
    activation: int
    parameter: float
    operands: List[int]
    weights: int = NONE
    bias: int = NONE
    kernel: Tuple[int, int] = (0, 0)
    strides: Tuple[int, int] = (0, 0)
    dilation: Tuple[int, int] = (0, 0)
    padding_mode: int = 0
    padding: Tuple[int, int, int, int] = (0, 0, 0, 0)
    groups: int = 0
    out_channels: int = 0
    variant: int = 0


@dataclass
class NodeCodes:
    """That a node makes codes, and by which tensors."""

    node: int
    code_type: int
    scale: int
    zero: int
    multiplier: int = NONE
    second_multiplier: int = NONE
    offset: int = NONE


@dataclass
class Preprocessing:
    preset: int
    flags: int
    sigma: float
    tolerance: int
    resize: int
    graham_scale: float
    height: int
    width: int
    scaled_decoding: int = 0


@dataclass
class Golden:
    """pixels: one bytes object of height * width * channels a vector; logits: floats a vector."""

    height: int
    width: int
    channels: int
    tolerance: float
    logits: List[List[float]]
    pixels: List[bytes]


@dataclass
class FoveaModel:
    """Everything a .fovea file holds. names: (name, node), in the order of the nodes."""

    input_size: Tuple[int, int, int]
    default_size: Tuple[int, int]
    nodes: List[FileNode]
    tensors: List[Tensor]
    names: List[Tuple[str, int]]
    logits: int
    probabilities: int
    preprocessing: Preprocessing
    target: int
    output_form: int
    labels: List[str]
    provenance: List[Tuple[str, str]]
    temperature: float = 1.0
    operating_points: List[Tuple[str, float]] = field(default_factory=list)
    default_point: Optional[int] = None
    any_dr_points: List[Tuple[str, float]] = field(default_factory=list)  # of five grades, whose other points are about referable DR
    golden: Optional[Golden] = None
    codes: List[NodeCodes] = field(default_factory=list)


def round_up(value: int, multiple: int) -> int:
    return -(-value // multiple) * multiple


def packed_size(element_type: int, packing: int, dimensions: Sequence[int], groups: int) -> int:
    """Bytes of a tensor."""
    if packing == PACK_VECTOR:
        count = round_up(dimensions[0], 8)
    elif packing == PACK_DEPTHWISE:
        count = dimensions[0] * dimensions[1] * round_up(dimensions[2], 8)
    elif packing == PACK_CODE_PANELS:
        kernel_height, kernel_width, in_channels, out = dimensions
        count = round_up(out, 8) * kernel_height * kernel_width * round_up(in_channels, 4)
    else:
        kernel_height, kernel_width, in_group, out = dimensions
        count = groups * round_up(out // groups, 8) * kernel_height * kernel_width * in_group
    return count * ELEMENT_SIZES[element_type]


def encoded_string(text: str) -> bytes:
    """UTF-8 with the zero byte that ends it."""
    try:
        data = text.encode("utf-8")
    except UnicodeEncodeError:
        raise FormatError(f"the name {ascii(text)[:80]} has characters that are no text") from None
    if b"\0" in data or len(data) >= LARGEST_STRINGS:
        raise FormatError(f"the name {ascii(text)[:80]} {'holds a zero byte' if len(data) < LARGEST_STRINGS else 'is too long'}")
    return data + b"\0"


class Strings:
    """Collects strings after those that are there already; equal ones share a number."""

    def __init__(self, texts: Sequence[str] = ()) -> None:
        self.texts = list(texts)
        self.numbers: Dict[str, int] = {}
        for number, text in enumerate(self.texts):
            self.numbers.setdefault(text, number)

    def add(self, text: str) -> int:
        if text not in self.numbers:
            self.numbers[text] = len(self.texts)
            self.texts.append(text)
        return self.numbers[text]

    def section(self) -> bytes:
        encoded = [encoded_string(text) for text in self.texts]
        if len(encoded) > LARGEST_STRINGS:
            raise FormatError(f"{len(encoded)} names and other strings; at most {LARGEST_STRINGS}")
        start = 4 + 4 * (len(encoded) + 1)
        offsets = [start]
        for item in encoded:
            offsets.append(offsets[-1] + len(item))
        return struct.pack(f"<{len(offsets) + 1}I", len(encoded), *offsets) + b"".join(encoded)


def write_fovea(model: FoveaModel) -> bytes:
    """The bytes of the file. The same model gives the same bytes. Refuses what a reader would refuse."""
    check_ranges(model)
    strings = Strings()
    tensor_table, weights = tensor_sections(model.tensors)
    graph = graph_section(model, strings)
    labels = struct.pack("<4I", model.target, model.output_form, len(model.labels), 0)
    labels += struct.pack(f"<{len(model.labels)}I", *[strings.add(label) for label in model.labels])
    provenance = provenance_section(model.provenance, strings)
    points = b""
    if model.temperature != 1.0 or model.operating_points:
        points = points_section(model.temperature, model.operating_points, model.default_point, strings, model.any_dr_points)
    preprocessing = preprocessing_section(model.preprocessing)
    sections = [("STRS", strings.section()), ("GRPH", graph), ("TNSR", tensor_table), ("PREP", preprocessing), ("LABL", labels)]
    if points:
        sections.append(("OPPT", points))
    sections.append(("PROV", provenance))
    if model.golden is not None:
        sections.append(("GOLD", golden_section(model.golden)))
    if model.codes:
        sections.append(("QUNT", codes_section(model.codes)))
    sections.append(("WGHT", weights))
    return assemble(sections)


def preprocessing_section(p: Preprocessing) -> bytes:
    return PREPROCESSING.pack(p.preset, p.flags, p.sigma, p.tolerance, p.resize, p.graham_scale, p.height, p.width, p.scaled_decoding)


def check_ranges(model: FoveaModel) -> None:
    """Every number in the range that models/FORMAT.md gives it, as it will be stored."""
    p, golden = model.preprocessing, model.golden
    sides = (*model.default_size, p.height, p.width, *((golden.height, golden.width) if golden is not None else ()))
    single = [p.sigma, p.graham_scale, *([golden.tolerance] if golden is not None else [])]
    with np.errstate(over="ignore"):
        sigma, graham_scale, *tolerance = (float(np.float32(number)) for number in single)
    graham = PRESETS[p.preset] == "graham2015"
    blurs = PRESETS[p.preset] not in ("none", "eyeq")
    points, any_dr = model.operating_points, model.any_dr_points
    rules = [
        (1 <= len(model.nodes) <= LARGEST_NODES, f"{len(model.nodes)} nodes; 1 to {LARGEST_NODES}"),
        (1 <= model.input_size[2] <= 4, f"{model.input_size[2]} input channels; 1 to 4"),
        (all(1 <= side <= LARGEST_SIDE for side in sides), f"sides of {sides} pixels; 1 to {LARGEST_SIDE}"),
        (0 <= sigma <= 256 and (sigma > 0 or not blurs), f"sigma {p.sigma}; above 0 and at most 256"),
        (0 <= p.tolerance <= 255, f"tolerance {p.tolerance}; 0 to 255"),
        (1 <= graham_scale <= 7680 if graham else graham_scale == 0, f"scale {p.graham_scale} of graham2015; 1 to 7680"),
        (p.scaled_decoding == 0 or 2 <= p.scaled_decoding <= MAX_SCALED_DECODING, f"scaled decoding {p.scaled_decoding}; 0, or 2 to 16"),
        (not p.scaled_decoding or (PRESETS[p.preset] in SCALED_PRESETS and RESIZES[p.resize] == "cv_area"),
         f"scaled decoding for preset {PRESETS[p.preset]}, {RESIZES[p.resize]}"),
        (1e-6 <= model.temperature <= 1e6, f"temperature {model.temperature}; 1e-6 to 1e6"),
        (len(points) + len(any_dr) <= 16 and all(len(dict(some)) == len(some) for some in (points, any_dr)),
         "operating points; at most 16, with different names"),
        (not any_dr or (points and TARGETS[model.target] == "grade5"), "operating points for any DR; of five grades alone, beside others"),
        (all(0 <= threshold <= 1 for _, threshold in [*points, *any_dr]), "thresholds; 0 to 1"),
        (1 <= len(model.labels) <= 1000, f"{len(model.labels)} classes; 1 to 1000"),
        (all(0 <= item <= 3e38 for item in tolerance), f"tolerance of the golden vectors; 0 to 3e38"),
    ]
    for holds, what in rules:
        if not holds:
            raise FormatError(what)
    for index, node in enumerate(model.nodes):
        windowed = node.kernel != (0, 0)
        reach = [(kernel - 1) * dilation for kernel, dilation in zip(node.kernel, node.dilation)]
        fits = all(1 <= n <= LARGEST_WINDOW for n in (*node.kernel, *node.strides)) if windowed else True
        if not fits or max(reach) >= LARGEST_WINDOW or max(node.dilation) > LARGEST_WINDOW or max(node.padding) > LARGEST_WINDOW:
            raise FormatError(
                f"node {index} has kernel {node.kernel}, strides {node.strides}, dilation {node.dilation}, padding {node.padding}; "
                f"at most {LARGEST_WINDOW} each"
            )
        if not -3.4e38 <= node.parameter <= 3.4e38:
            raise FormatError(f"node {index} has the activation parameter {node.parameter}")


def assemble(sections: Sequence[Tuple[str, bytes]]) -> bytes:
    """Header, table and the sections, each at a multiple of 64."""
    position = HEADER.size + 4 + SECTION.size * len(sections)
    table = bytearray()
    body: List[bytes] = []
    for tag, data in sections:
        gap = round_up(position, ALIGNMENT) - position
        table += SECTION.pack(
            tag.encode("ascii"), int(tag in FLAGGED), position + gap, len(data), zlib.crc32(data), 0
        )
        body += [b"\0" * gap, data]
        position += gap + len(data)
    header = HEADER.pack(MAGIC, FORMAT_VERSION, 64, position, len(sections), zlib.crc32(table))
    return b"".join([header, struct.pack("<I", zlib.crc32(header)), table, *body])


def tensor_sections(tensors: Sequence[Tensor]) -> Tuple[bytes, bytes]:
    table = bytearray(struct.pack("<2I", len(tensors), 0))
    weights = bytearray()
    for tensor in tensors:
        weights += b"\0" * (round_up(len(weights), ALIGNMENT) - len(weights))
        table += TENSOR.pack(tensor.element_type, tensor.packing, *tensor.dimensions, len(weights), len(tensor.data))
        weights += tensor.data
    return bytes(table), bytes(weights)


def graph_section(model: FoveaModel, strings: Strings) -> bytes:
    operands: List[int] = []
    nodes = bytearray()
    for node in model.nodes:
        nodes += NODE.pack(
            node.kind, node.activation, node.parameter, len(operands), len(node.operands), node.weights, node.bias,
            *node.kernel, *node.strides, *node.dilation, node.padding_mode, *node.padding,
            node.groups, node.out_channels, node.variant,
        )
        operands += node.operands
    header = GRAPH.pack(
        len(model.nodes), len(operands), len(model.names), *model.input_size, *model.default_size,
        model.logits, model.probabilities,
    )
    names = b"".join(struct.pack("<2I", strings.add(name), node) for name, node in model.names)
    return header + nodes + struct.pack(f"<{len(operands)}I", *operands) + names


def codes_section(codes: Sequence[NodeCodes]) -> bytes:
    records = [CODES.pack(c.node, c.code_type, c.scale, c.zero, c.multiplier, c.second_multiplier, c.offset) for c in codes]
    return struct.pack("<2I", len(codes), 0) + b"".join(records)


def points_section(temperature: float, points: Sequence[Tuple[str, float]], default: Optional[int], strings: Strings,
                   any_dr: Sequence[Tuple[str, float]] = ()) -> bytes:
    data = struct.pack("<dII", temperature, len(points) + len(any_dr), NONE if default is None else default)
    for question, some in enumerate((points, any_dr)):
        for name, threshold in some:
            data += struct.pack("<IId", strings.add(name), question, threshold)
    return data


def provenance_section(provenance: Sequence[Tuple[str, str]], strings: Strings) -> bytes:
    data = bytearray(struct.pack("<2I", len(provenance), 0))
    for key, value in provenance:
        data += struct.pack("<2I", strings.add(key), strings.add(value))
    return bytes(data)


def golden_section(golden: Golden) -> bytes:
    outputs = len(golden.logits[0])
    data = bytearray(struct.pack(
        "<5If8x", len(golden.logits), golden.height, golden.width, golden.channels, outputs, golden.tolerance
    ))
    for logits, pixels in zip(golden.logits, golden.pixels):
        data += struct.pack(f"<{outputs}f", *logits) + pixels + b"\0" * (-len(pixels) % 4)
    return bytes(data)


class Cursor:
    """Takes fields off a section, never past its end."""

    def __init__(self, data: bytes, tag: str) -> None:
        self.data, self.tag, self.position = data, tag, 0

    def take(self, layout: str) -> Tuple:
        return self.unpack(struct.Struct("<" + layout))

    def unpack(self, layout: struct.Struct) -> Tuple:
        if self.position + layout.size > len(self.data):
            raise FormatError(f"section {self.tag} is too short")
        fields = layout.unpack_from(self.data, self.position)
        if layout.pack(*fields) != self.data[self.position : self.position + layout.size]:
            raise FormatError(f"section {self.tag}: a reserved byte is not zero")
        self.position += layout.size
        return fields

    def bytes(self, count: int) -> bytes:
        if self.position + count > len(self.data):
            raise FormatError(f"section {self.tag} is too short")
        self.position += count
        return self.data[self.position - count : self.position]

    def end(self) -> None:
        if self.position != len(self.data):
            raise FormatError(f"section {self.tag} is too long")


def read_sections(data: bytes) -> Dict[str, bytes]:
    """The sections by tag, checksums and gaps checked."""
    if len(data) < 64 or data[:8] != MAGIC:
        raise FormatError("not a .fovea file")
    magic, version, header_size, file_size, count, table_checksum = HEADER.unpack_from(data)
    if zlib.crc32(data[:60]) != struct.unpack_from("<I", data, 60)[0]:
        raise FormatError("the header's checksum is wrong")
    if (version, header_size) != (FORMAT_VERSION, 64) or any(data[32:60]):
        raise FormatError(f"version {version} of the format, or a malformed header")
    table_end = 64 + SECTION.size * count
    if file_size != len(data) or not 1 <= count <= 64 or table_end > len(data):
        raise FormatError("the file is cut short or has bytes too many")
    if zlib.crc32(data[64:table_end]) != table_checksum:
        raise FormatError("the section table's checksum is wrong")
    sections: Dict[str, bytes] = {}
    position = table_end
    for index in range(count):
        raw, flags, offset, size, checksum, reserved = SECTION.unpack_from(data, 64 + SECTION.size * index)
        tag = raw.decode("ascii", "replace")
        if not (raw.isalpha() and raw.isupper()):
            raise FormatError(f"section {index}: the tag is not four capitals")
        if offset != round_up(position, ALIGNMENT) or offset + size > len(data) or any(data[position:offset]):
            raise FormatError(f"section {tag} lies in the wrong place")
        if tag in sections or flags > 1 or reserved:
            raise FormatError(f"section {tag}: a bad table entry")
        sections[tag] = data[offset : offset + size]
        if zlib.crc32(sections[tag]) != checksum:
            raise FormatError(f"section {tag}: the checksum is wrong")
        if flags & 1 and tag not in REQUIRED + OPTIONAL:
            raise FormatError(f"section {tag} is required and not known")
        position = offset + size
    if position != len(data):
        raise FormatError("bytes after the last section")
    missing = [tag for tag in REQUIRED if tag not in sections]
    if missing:
        raise FormatError(f"section {missing[0]} is missing")
    return sections


def read_strings(data: bytes) -> List[str]:
    cursor = Cursor(data, "STRS")
    (count,) = cursor.take("I")
    if count > 65_536:
        raise FormatError("section STRS: too many strings")
    offsets = cursor.take(f"{count + 1}I")
    if offsets[0] != cursor.position or offsets[-1] != len(data) or list(offsets) != sorted(set(offsets)):
        raise FormatError("section STRS: the offsets do not fit")
    strings = []
    for start, end in zip(offsets, offsets[1:]):
        item = data[start:end]
        if item[-1] != 0 or 0 in item[:-1]:
            raise FormatError("section STRS: a string without its final zero")
        try:
            strings.append(item[:-1].decode("utf-8"))
        except UnicodeDecodeError as error:
            raise FormatError("section STRS: not UTF-8") from error
    return strings


def at(items: Sequence, index: int, what: str):
    if not 0 <= index < len(items):
        raise FormatError(f"{what} {index} does not exist")
    return items[index]


def read_fovea(data: bytes) -> FoveaModel:
    """The contents of a file, for tests and inspection. Layout is checked; the network's meaning is the engine's to check."""
    sections = read_sections(data)
    strings = read_strings(sections["STRS"])
    input_size, default_size, nodes, names, logits, probabilities = read_graph(sections["GRPH"], strings)
    groups: Dict[int, int] = {}
    for node in nodes:
        if node.weights != NONE:
            groups[node.weights] = max(node.groups, 1)
    tensors = read_tensors(sections["TNSR"], sections["WGHT"], groups)
    for node in nodes:
        for index in (node.weights, node.bias):
            if index != NONE:
                at(tensors, index, "tensor")
    cursor = Cursor(sections["PREP"], "PREP")
    preprocessing = Preprocessing(*cursor.unpack(PREPROCESSING))
    cursor.end()
    cursor = Cursor(sections["LABL"], "LABL")
    target, form, count, _ = cursor.take("4I")
    labels = [at(strings, index, "string") for index in cursor.take(f"{min(count, 1001)}I")]
    cursor.end()
    provenance = provenance_of(sections)
    model = FoveaModel(
        input_size, default_size, nodes, tensors, names, logits, probabilities, preprocessing, target, form, labels, provenance
    )
    if "OPPT" in sections:
        cursor = Cursor(sections["OPPT"], "OPPT")
        model.temperature, count, default = cursor.take("dII")
        model.default_point = None if default == NONE else default
        for _ in range(count):
            name, question, threshold = cursor.take("IId")
            of_question = at((model.operating_points, model.any_dr_points), question, "question")
            of_question.append((at(strings, name, "string"), threshold))
        cursor.end()
    if "QUNT" in sections:
        cursor = Cursor(sections["QUNT"], "QUNT")
        count, _ = cursor.take("2I")
        model.codes = [NodeCodes(*cursor.unpack(CODES)) for _ in range(count)]
        cursor.end()
        for codes in model.codes:
            at(nodes, codes.node, "node")
            for index in (codes.scale, codes.zero, codes.multiplier, codes.second_multiplier, codes.offset):
                if index != NONE:
                    at(tensors, index, "tensor")
    if "GOLD" in sections:
        model.golden = read_golden(sections["GOLD"])
    return model


def provenance_of(sections: Dict[str, bytes]) -> List[Tuple[str, str]]:
    strings = read_strings(sections["STRS"])
    cursor = Cursor(sections["PROV"], "PROV")
    count, _ = cursor.take("2I")
    provenance = []
    for _ in range(count):
        key, value = cursor.take("2I")
        provenance.append((at(strings, key, "string"), at(strings, value, "string")))
    cursor.end()
    return provenance


def read_provenance(data: bytes) -> Dict[str, str]:
    """Where the model in the file comes from, whatever network it is."""
    return dict(provenance_of(read_sections(data)))


def read_graph(data: bytes, strings: Sequence[str]):
    cursor = Cursor(data, "GRPH")
    node_count, operand_count, name_count, *sizes, logits, probabilities = cursor.unpack(GRAPH)
    raw = [cursor.unpack(NODE) for _ in range(node_count)]
    operands = cursor.take(f"{operand_count}I")
    nodes = []
    for index, fields in enumerate(raw):
        kind, activation, parameter, first, count, weights, bias, *rest = fields
        if first + count > operand_count or any(value > index for value in operands[first : first + count]):
            raise FormatError(f"node {index}: an operand does not exist")
        at(NODE_KINDS, kind, "node kind")
        nodes.append(
            FileNode(
                kind, activation, parameter, list(operands[first : first + count]), weights, bias, tuple(rest[0:2]),
                tuple(rest[2:4]), tuple(rest[4:6]), rest[6], tuple(rest[7:11]), rest[11], rest[12], rest[13],
            )
        )
    names = []
    for _ in range(name_count):
        name, node = cursor.take("2I")
        at(nodes, node, "node")
        names.append((at(strings, name, "string"), node))
    cursor.end()
    return tuple(sizes[:3]), tuple(sizes[3:5]), nodes, names, logits, probabilities


def read_tensors(table: bytes, weights: bytes, groups: Dict[int, int]) -> List[Tensor]:
    cursor = Cursor(table, "TNSR")
    count, _ = cursor.take("2I")
    tensors = []
    position = 0
    for index in range(count):
        element_type, packing, *dimensions, offset, size = cursor.unpack(TENSOR)
        if element_type > I32 or packing > PACK_CODE_PANELS:
            raise FormatError(f"tensor {index}: type {element_type}, packing {packing}")
        start = round_up(position, ALIGNMENT)
        if offset != start or offset + size > len(weights) or any(weights[position:offset]):
            raise FormatError(f"tensor {index} lies in the wrong place")
        if size != packed_size(element_type, packing, dimensions, groups.get(index, 1)):
            raise FormatError(f"tensor {index}: {size} bytes do not fit its dimensions")
        tensors.append(Tensor(element_type, packing, tuple(dimensions), weights[offset : offset + size]))
        position = offset + size
    cursor.end()
    if position != len(weights):
        raise FormatError("section WGHT: bytes after the last tensor")
    return tensors


def read_golden(data: bytes) -> Golden:
    cursor = Cursor(data, "GOLD")
    count, height, width, channels, outputs, tolerance = cursor.unpack(struct.Struct("<5If8x"))
    golden = Golden(height, width, channels, tolerance, [], [])
    size = height * width * channels
    for _ in range(count):
        golden.logits.append(list(cursor.take(f"{outputs}f")))
        golden.pixels.append(cursor.bytes(size))
        if any(cursor.bytes(-size % 4)):
            raise FormatError("section GOLD: padding is not zero")
    cursor.end()
    return golden
