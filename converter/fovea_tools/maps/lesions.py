# SPDX-License-Identifier: Apache-2.0
"""The methods of fovea explain on photos whose lesions were drawn by people."""

from __future__ import annotations

import dataclasses
import json
import pathlib
from typing import Callable, Dict, List, Sequence, Tuple

import numpy as np

from ..engine import Engine
from ..file.input_file import read_file
from ..file.picture_file import read_picture
from . import MapError, figures
from .randomised import EVERYTHING, HEAD, randomised

LESIONS, OPTIC_DISC = 0b01111, 0b10000     # bits of a mask's pixels
RANDOM = "random"                          # a map of noise: what the figures are without any knowledge
SHARES = (0.0, 0.01, 0.03, 0.1, 0.3, 1.0)  # of the eye's pixels, for the curves
TOLERANCE = 0.03                           # of the side, by which the pointing game may miss
GREY = 128                                 # what the Ben Graham presets make of what shows nothing
SEED = 1


@dataclasses.dataclass(frozen=True)
class Case:
    """A photo, what the network sees of it, and the region's share of each of its pixels."""

    name: str
    photo: str
    picture: str
    pixels: np.ndarray      # side x side x 3
    lit: np.ndarray         # the eye
    lesions: np.ndarray
    optic_disc: np.ndarray


def method_options(method: str, side: int) -> List[str]:
    """What goes with a method's name; integrated gradients may have their number of steps behind it, integrated/16. As many runs as a
    whole data set on a CPU bears, where fovea explain makes more."""
    name, _, steps = method.partition("/")
    options = {"smoothgrad": ["--samples", "15"],
               "occlusion": ["--patch", str(max(side // 7, 1)), "--stride", str(max(side // 7, 1))]}.get(name, [])
    return ["--method", name, *options, *(["--steps", steps] if steps else [])]


def pairs(photos: pathlib.Path, masks: pathlib.Path, limit: int) -> List[Tuple[pathlib.Path, pathlib.Path]]:
    """Each mask with the photo of its name."""
    by_name = {path.stem: path for path in sorted(photos.iterdir()) if path.suffix.lower() in (".jpg", ".jpeg", ".png")}
    found = [(by_name[mask.stem], mask) for mask in sorted(masks.glob("*.png")) if mask.stem in by_name]
    if not found:
        raise MapError(f"no mask in {masks} has the name of a photo in {photos}")
    return found[:limit] if limit else found


def read_cases(engine: Engine, model: str, found: Sequence[Tuple[pathlib.Path, pathlib.Path]], say: Callable[[str], None]) -> List[Case]:
    photos = [str(photo.resolve()) for photo, _ in found]
    pictures = engine.pictures(model, photos, say)
    cases = []
    # Where the network's picture lies on the photo is told with every explanation, of which this is the quickest.
    areas = [told["photo_area"] for told, _ in engine.explained(model, photos, "--method", "gradient")]
    for (photo, mask), picture, area in zip(found, pictures, areas):
        bits = np.asarray(read_picture(mask))
        size = read_picture(photo).size
        if bits.ndim != 2 or bits.shape != (size[1], size[0]):
            raise MapError(f"{mask}: not a grey picture of the photo's size, {size[0]} x {size[1]}")
        pixels = np.asarray(read_picture(picture).convert("RGB"))
        side = len(pixels)
        lit = pixels.any(axis=2)
        if not lit.any():
            raise MapError(f"{photo}: the network sees nothing of it")
        cases.append(Case(photo.stem, str(photo.resolve()), picture, pixels, lit,
                          *(figures.shares_in_cells((bits & wanted) != 0, area, side) for wanted in (LESIONS, OPTIC_DISC))))
    return cases


def maps_of(engine: Engine, model: str, method: str, cases: Sequence[Case]) -> List[np.ndarray]:
    """One value >= 0 a pixel of each picture."""
    side = len(cases[0].pixels)
    if method == RANDOM:
        return [np.random.default_rng([SEED, number]).random((side, side)) for number in range(len(cases))]
    raw = engine.explained(model, [case.picture for case in cases], "--as-is", *method_options(method, side))
    # As fovea makes a heat map of it: of several channels the largest size, of one what speaks for the class.
    return [figures.enlarged(np.abs(one).max(axis=2) if one.shape[2] > 1 else np.maximum(one[..., 0], 0), side) for _, one in raw]


def scores_of(engine: Engine, model: str, pictures: Sequence[np.ndarray], positive: Callable[[np.ndarray], np.ndarray]) -> np.ndarray:
    paths = engine.pixel_files([picture.tobytes() for picture in pictures], pictures[0].shape)
    scores = positive(engine.probabilities(model, paths))
    engine.forget(paths)
    return scores


def curve(engine: Engine, model: str, cases: Sequence[Case], maps: Sequence[np.ndarray], keep: bool, ends: Tuple[np.ndarray, np.ndarray],
          positive: Callable[[np.ndarray], np.ndarray]) -> List[float]:
    """Areas under the scores of each photo with more and more of it filled, or shown. ends: the scores of the whole picture and of none of it."""
    between = SHARES[1:-1]
    copies = [copy for case, values in zip(cases, maps) for copy in figures.edited(case.pixels, values, case.lit, between, GREY, keep)]
    scores = scores_of(engine, model, copies, positive).reshape(len(cases), len(between))
    begin, end = (ends[1], ends[0]) if keep else ends
    return [figures.area_under(SHARES, (first, *row, last)) for first, row, last in zip(begin, scores, end)]


def measure(engine: Engine, model: str, methods: Sequence[str], cases: Sequence[Case], positive: Callable[[np.ndarray], np.ndarray],
            checked: int, say: Callable[[str], None]) -> Dict[str, Dict[str, Tuple[float, float]]]:
    """{method: {figure: (mean, standard error)}}; checked: photos that the maps of shuffled networks are made of."""
    data = read_file(model)
    shuffled = {part: engine.stored(randomised(data, part, SEED)) for part in (HEAD, EVERYTHING)}
    radius = TOLERANCE * len(cases[0].pixels)
    near = [figures.widened(case.lesions, radius) for case in cases]
    drawn = [number for number, case in enumerate(cases) if near[number].any()]
    emptied = [np.where(case.lit[..., None], np.uint8(GREY), case.pixels) for case in cases]
    ends = scores_of(engine, model, [case.pixels for case in cases], positive), scores_of(engine, model, emptied, positive)
    results: Dict[str, Dict[str, Tuple[float, float]]] = {}
    for method in [*methods, RANDOM]:
        say(f"{method}: maps")
        maps = maps_of(engine, model, method, cases)
        rows: Dict[str, List[float]] = {name: [] for name in ("energy", "optic_disc", "pointing", "chance", "auc")}
        for number in drawn:
            case, values = cases[number], maps[number]
            rows["energy"].append(figures.energy_share(values, case.lesions, case.lit) / figures.area_share(case.lesions, case.lit))
            disc = figures.area_share(case.optic_disc, case.lit)
            rows["optic_disc"].append(figures.energy_share(values, case.optic_disc, case.lit) / disc if disc > 0 else float("nan"))
            rows["pointing"].append(figures.points_into(values, near[number], case.lit))
            rows["chance"].append(float(near[number][case.lit].mean()))
            rows["auc"].append(figures.pixel_auc(values, case.lesions, case.lit))
        say(f"{method}: deletion and insertion")
        for name, keep in (("deletion", False), ("insertion", True)):
            rows[name] = curve(engine, model, cases, maps, keep, ends, positive)
        if method != RANDOM:
            say(f"{method}: shuffled weights")
            some = list(cases[:checked])
            for part, other in shuffled.items():
                others = maps_of(engine, other, method, some)
                rows[f"same_{part}"] = [figures.rank_correlation(one, two, case.lit) for one, two, case in zip(maps, others, some)]
        results[method] = {name: figures.mean_and_error(values) for name, values in rows.items()}
    return results


def markdown(name: str, results: Dict[str, Dict[str, Tuple[float, float]]], cases: int, drawn_by: str, checked: int) -> str:
    """The model card's table."""

    def number(pair, digits: int = 2) -> str:
        return "–" if pair is None or pair[0] != pair[0] else f"{pair[0]:.{digits}f}"

    lines = [
        f"### Do the maps of {name} point at lesions?",
        "",
        f"{cases} photos, whose lesions were drawn by people ({drawn_by}). Energy: the lesions' part of the map's sum within the eye, as a multiple of "
        "their part of its area; the optic disc's likewise. Pointing game: how often the largest value lies on a lesion or at most "
        f"{100 * TOLERANCE:.0f} % of the side beside one; by chance {number(results[RANDOM]['chance'])}. AUC: of pixels in lesions against those outside. "
        "Deletion and insertion: area under the score while the most important pixels are made grey (less is better), or are all that is shown (more is "
        f"better). Shuffled: Spearman correlation with the maps of the network with its dense layers', and with all its weights shuffled, {checked} "
        "photos: what stays near 1 is not of what the network learned (of a shuffled head alone, maps that only ask where, not what, stay alike). "
        "± is the standard error of the mean.",
        "",
        "| method | energy | optic disc | pointing | AUC | deletion | insertion | shuffled head | all |",
        "|--|--|--|--|--|--|--|--|--|",
    ]
    for method, figure in results.items():
        energy = figure["energy"]
        lines.append(f"| {method} | {number(energy)} ± {energy[1]:.2f} | {number(figure['optic_disc'])} | {number(figure['pointing'])} | "
                     f"{number(figure['auc'], 3)} ± {figure['auc'][1]:.3f} | {number(figure['deletion'], 3)} | {number(figure['insertion'], 3)} | "
                     f"{number(figure.get(f'same_{HEAD}'))} | {number(figure.get(f'same_{EVERYTHING}'))} |")
    return "\n".join(lines) + "\n"


def to_json(results: Dict[str, Dict[str, Tuple[float, float]]]) -> str:
    cleaned = {method: {name: [None if value != value else value for value in pair] for name, pair in figure.items()}
               for method, figure in results.items()}
    return json.dumps(cleaned, indent=2) + "\n"
