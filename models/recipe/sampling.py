# SPDX-License-Identifier: Apache-2.0
"""Which pictures a training step sees."""
import numpy as np


_REST = "\0the rest"  # the name of no site


class SamplingError(ValueError):
    pass


def _comparable_sites(sites, positive):
    """The sites with those of one class, which would tell the answer, joined: to one, and that, if it has one class still, to the largest
    of the others."""
    sites = np.asarray(sites, object).copy()

    def one_class():
        return [site for site in set(sites) if len(set(positive[sites == site])) < 2]

    sites[np.isin(sites, one_class())] = _REST
    rest = sites == _REST
    if len(set(positive[rest])) == 1 and not rest.all():
        others = sites[~rest]
        sites[rest] = max(sorted(set(others)), key=lambda site: (others == site).sum())
    return sites


def probabilities(sources, positive, exponent, class_balance=True, sites=None):
    """Chance of each picture to be drawn. Sources weigh (number of pictures)**exponent (1 = as they are, 0 = equal);
    within a source both classes weigh the same, or as they are. sites: where a picture was taken within its source; each site's share
    of both classes is then the same, so that the site does not tell the class."""
    sources, positive = np.asarray(sources), np.asarray(positive, bool)
    sites = np.full(len(sources), "") if sites is None else np.asarray(sites)
    chance = np.zeros(len(sources))
    for source in np.unique(sources):
        here = sources == source
        for wanted in (False, True):
            cell = here & (positive == wanted)
            if not cell.any():
                raise SamplingError(f"source '{source}' has no {'positive' if wanted else 'negative'} training photo")
            if not class_balance:
                chance[cell] = here.sum() ** exponent * 2 / here.sum()
                continue
            place = _comparable_sites(sites[here], positive[here])
            for site in set(place):
                share = (place == site).mean()
                of_site = np.flatnonzero(here)[(place == site) & (positive[here] == wanted)]
                chance[of_site] = here.sum() ** exponent * share / len(of_site)
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
