# SPDX-License-Identifier: Apache-2.0
"""A trained network becomes the bytes of a model file."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import List, Tuple

from .. import __version__
from ..builder.graph import Graph
from ..errors import ConversionError, UsageError, errors_of
from ..file import fovea_file
from ..file.fovea_file import FoveaModel
from ..file.pack import pack_graph
from ..passes import fold, patterns
from ..passes.input_scaling import apply_scaling, check_scaling
from ..sources.readers import Source, read_source
from .golden import read_golden
from .options import WEIGHT_TYPES, Options
from .outputs import check_labels, operating_points, output_form
from .preprocessing import describe_preprocessing, describe_scaling

DEFAULT_SIDE = 224


@dataclass
class Conversion:
    """data: the file. notes and warnings: lines for the user."""

    data: bytes
    model: FoveaModel
    notes: List[str]
    warnings: List[str]


def convert(path: str, options: Options) -> Conversion:
    """Reads the source file and returns the model file's bytes. Raises ConversionError or UsageError."""
    source = read_source(path, options.keep_layers)
    with errors_of(path):
        warnings = prepare_input(source.network.graph, options)
        simplify(source.network.graph, options.keep_layers)
        model, notes = describe(source, options, warnings)
    try:
        data = fovea_file.write_fovea(model)
        fovea_file.read_fovea(data)
    except fovea_file.FormatError as error:
        raise ConversionError(f"{path}: the model file cannot hold this network: {error}") from error
    return Conversion(data, model, notes, warnings)


def prepare_input(graph: Graph, options: Options) -> List[str]:
    """Makes what was done to the pixels outside the network part of it. Warnings."""
    if options.scaling is not None:
        apply_scaling(graph, options.scaling)
    return check_scaling(graph, options.scaling is not None)


def simplify(graph: Graph, keep_layers: bool) -> None:
    graph.remove_unused()
    if keep_layers:
        fold.fuse_activations(graph, inner_only=True)
    else:
        patterns.recognise_activations(graph)
        fold.fold_affine(graph)
        fold.fuse_activations(graph, inner_only=False)
        fold.fold_padding(graph)


def describe(source: Source, options: Options, warnings: List[str]) -> Tuple[FoveaModel, List[str]]:
    """The whole model file: the graph with everything that the user says about it."""
    notes: List[str] = []
    graph = source.network.graph
    height, width, channels = graph.input.shape
    size = (height or 0, width or 0)
    if options.input_size is not None and any(n and n != m for n, m in zip(size, options.input_size)):
        raise UsageError(f"--input-size {options.input_size[0]}x{options.input_size[1]}: the network takes {size[0]}x{size[1]} only")
    default = options.input_size or (size[0] or DEFAULT_SIDE, size[1] or DEFAULT_SIDE)
    if options.input_size is None and 0 in size:
        warnings.append(f"the network takes any size; {default[0]}x{default[1]} is stored as its own: --input-size sets another")
    form = output_form(source.network, options)
    target = check_labels(graph, form, options)
    notes.append(f"labels {', '.join(options.labels)}; target {target}")
    if options.scaling is not None:
        notes.append(describe_scaling(options.scaling))
    notes += source.network.notes
    nodes, tensors, names, logits, probabilities = pack_graph(graph, WEIGHT_TYPES[options.dtype])
    # A file name need not be UTF-8; the strings of the model file are.
    source_name = os.fsencode(os.path.basename(source.path)).decode("utf-8", "replace")
    name = options.name or os.path.splitext(source_name)[0]
    provenance = [
        ("model_name", name),
        ("source_file", source_name),
        ("source_sha256", source.sha256),
        ("converter_version", f"fovea_tools {__version__}"),
        ("source_framework", source.network.framework),
    ]
    fixed = {key for key, _ in provenance}
    for key, value in options.provenance:
        if key in fixed:
            raise UsageError(f"--provenance {key}: set by the converter, or given twice")
        fixed.add(key)
        provenance.append((key, value))
    points, default_point = operating_points(options)
    preprocessing = describe_preprocessing(options, default, notes)
    model = FoveaModel(
        input_size=(*size, channels), default_size=default, nodes=nodes, tensors=tensors, names=names, logits=logits,
        probabilities=probabilities, preprocessing=preprocessing, target=fovea_file.TARGETS.index(target), output_form=form,
        labels=options.labels, provenance=provenance, temperature=options.temperature, operating_points=points,
        default_point=default_point, any_dr_points=list(options.any_dr_points),
    )
    if options.golden is not None:
        model.golden = read_golden(options.golden, model, graph.logits.shape[2], options.dtype)
        notes.append(f"{len(model.golden.logits)} golden vectors, tolerance {model.golden.tolerance:.3g}")
    return model, notes
