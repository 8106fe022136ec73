# SPDX-License-Identifier: Apache-2.0
"""What happens to a photo before the network sees it, as the file has it and as the user is told."""

from __future__ import annotations

from typing import List, Tuple

from ..errors import UsageError
from ..file import fovea_file
from ..file.fovea_file import Preprocessing
from ..passes.input_scaling import InputScaling
from .options import Options


def describe_preprocessing(options: Options, size: Tuple[int, int], notes: List[str]) -> Preprocessing:
    """The PREP section. Presets without a Gaussian or a crop store 0 for what they do not use."""
    preset = fovea_file.PRESETS.index(options.preset)
    blurs = options.preset in ("kaggle_ben_color", "kaggle_circle", "kaggle_circle_v2", "graham2015")
    crops = options.preset in ("kaggle_ben_color", "kaggle_circle", "kaggle_circle_v2")
    if options.sigma is not None and not blurs:
        raise UsageError(f"--sigma: preset {options.preset} has no Gaussian")
    sigma = (10.0 if options.sigma is None else options.sigma) if blurs else 0.0
    if options.scaled_decoding and (options.preset not in fovea_file.SCALED_PRESETS or options.resize != "cv_area"):
        raise UsageError(f"--scaled-decoding: for the presets {', '.join(fovea_file.SCALED_PRESETS)} with --resize cv_area alone")
    masks = options.circle_mask and options.preset == "kaggle_ben_color"
    flags = (
        fovea_file.FLAG_CIRCLE_MASK * masks
        + fovea_file.FLAG_GRAY_SWAPPED * options.gray_swapped
        + fovea_file.FLAG_PAD_SQUARE * options.pad_square
        + fovea_file.FLAG_BGR * options.bgr
    )
    words = [f"preset {options.preset}"]
    words += [f"sigma {sigma:g}"] * blurs + [f"tolerance {options.tolerance}"] * crops + ["circle mask"] * masks
    words += ["grey swapped"] * options.gray_swapped + ["padded to a square"] * options.pad_square + ["BGR"] * options.bgr
    words += [f"resize {options.resize}"] + [f"JPEGs decoded from {options.scaled_decoding} times the input's side on"] * bool(options.scaled_decoding)
    notes.append(", ".join(words))
    return Preprocessing(
        preset, flags, sigma, options.tolerance if crops else 0, fovea_file.RESIZES.index(options.resize),
        300.0 if options.preset == "graham2015" else 0.0, *size, options.scaled_decoding,
    )


def describe_scaling(scaling: InputScaling) -> str:
    if scaling.name != "given":
        return f"pixels by preprocess_input, mode {scaling.name}" if scaling.name != "none" else "pixels 0 to 255 as they are"
    mean, scale = (",".join(f"{number:g}" for number in numbers) for numbers in (scaling.mean, scaling.scale))
    return f"pixels (x - {mean}) * {scale}"
