# SPDX-License-Identifier: Apache-2.0
"""What the user says about a network beside its file."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import List, Optional, Tuple

from ..file import fovea_file
from ..passes.input_scaling import InputScaling

WEIGHT_TYPES = {"fp32": fovea_file.F32, "fp16": fovea_file.F16}


@dataclass
class Options:
    """Of the command line, checked each by itself."""

    labels: List[str]
    target: str
    preset: str
    scaling: Optional[InputScaling] = None
    sigma: Optional[float] = None
    tolerance: int = 7
    circle_mask: bool = True
    gray_swapped: bool = False
    pad_square: bool = False
    resize: str = "cv_linear"
    scaled_decoding: int = 0
    bgr: bool = False
    temperature: float = 1.0
    operating_points: List[Tuple[str, float]] = field(default_factory=list)
    default_point: Optional[str] = None
    any_dr_points: List[Tuple[str, float]] = field(default_factory=list)
    golden: Optional[str] = None
    provenance: List[Tuple[str, str]] = field(default_factory=list)
    name: Optional[str] = None
    keep_layers: bool = False
    input_size: Optional[Tuple[int, int]] = None
    output_activation: Optional[str] = None
    dtype: str = "fp32"
