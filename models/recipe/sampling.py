# SPDX-License-Identifier: Apache-2.0
"""Which pictures a training step sees."""
import numpy as np


class SamplingError(ValueError):
    pass


def probabilities(sources, positive, exponent, class_balance=True):
    """Chance of each picture to be drawn. Sources weigh (number of pictures)**exponent (1 = as they are, 0 = equal);
    within a source both classes weigh the same, or as they are."""
    sources, positive = np.asarray(sources), np.asarray(positive, bool)
    chance = np.zeros(len(sources))
    for source in np.unique(sources):
        here = sources == source
        for wanted in (False, True):
            cell = here & (positive == wanted)
            if not cell.any():
                raise SamplingError(f"source '{source}' has no {'positive' if wanted else 'negative'} training photo")
            weight = 1 / cell.sum() if class_balance else 2 / here.sum()
            chance[cell] = here.sum() ** exponent * weight
    return chance / chance.sum()


def companion_probabilities(sources, positive):
    """Chance of each photo to be laid over another one: healthy eyes only, every source alike."""
    sources, positive = np.asarray(sources), np.asarray(positive, bool)
    chance = np.zeros(len(sources))
    for source in np.unique(sources):
        cell = (sources == source) & ~positive
        if cell.any():
            chance[cell] = 1 / cell.sum()
    return chance / chance.sum()


def steps_per_epoch(training, count):
    """Number of steps: as the settings say, or, where they say 0, as often as `count` pictures fill a batch."""
    return training["steps_per_epoch"] or count // training["batch"]


def batches(training, chance, draw):
    """(steps, batch) numbers of pictures of one epoch: drawn by chance, or with steps_per_epoch = 0 every picture once (what
    does not fill the last batch waits for another epoch). draw: the epoch's generator."""
    steps, batch = steps_per_epoch(training, len(chance)), training["batch"]
    if not steps:
        raise SamplingError(f"{len(chance)} training pictures do not fill a batch of {batch}")
    if training["steps_per_epoch"]:
        return draw.choice(len(chance), size=(steps, batch), p=chance)
    return draw.permutation(len(chance))[:steps * batch].reshape(steps, batch)
