# SPDX-License-Identifier: Apache-2.0
"""How far a network's logits move when its weights are off by as much as half precision rounds them.

Rounding a file's weights is one draw of such noise: as many errors as there are weights, each anywhere within half a step of its
weight. So the standard deviation of the logits over random draws is what a file of halves may be off by, of any network and photo,
where a share of the logits' spread is not: photos that a network is sure of make the spread, and say nothing of the others.
"""
import numpy as np

from fovea_tools.file import fovea_file

DRAWS = 12  # of two logits each: the deviation is known to 14 %
# A normal deviate is beyond this many deviations once in a million times, once in 10^5 where the deviation is underrated by 14 %.
DEVIATIONS = 5


def moved(data, seed):
    """The .fovea file with each weight somewhere within half a step of float16."""
    random = np.random.default_rng(seed)
    model = fovea_file.read_fovea(data)
    for tensor in model.tensors:
        if tensor.packing == fovea_file.PACK_VECTOR:
            continue  # stays float32 in a file of halves
        weights = np.frombuffer(tensor.data, "<f4").astype(np.float64)
        exponent = np.floor(np.log2(np.abs(np.where(weights == 0, 1, weights))))
        step = np.where(weights == 0, 0, np.exp2(np.maximum(exponent, -14) - 10))
        tensor.data = (weights + step * random.uniform(-0.5, 0.5, weights.shape)).astype("<f4").tobytes()
    return fovea_file.write_fovea(model)


def arithmetic(data, block):
    """How many times as far off sums in halves are as rounded weights are, where kernels sum up to `block` terms in halves.

    Of K terms alike in size, the weights' errors add to sqrt(K) of one's. The k-th of the partial sums is sqrt(k) terms, and all
    their errors add to K / sqrt(2), which is sqrt(K / 2) times as much; the two together are sqrt(1 + K / 2). For a network, with
    its layers' mean K: 4.16 for both narrow ones; measured over their photos, 3.3.
    """
    model = fovea_file.read_fovea(data)
    tensors = [model.tensors[node.weights] for node in model.nodes if node.weights != fovea_file.NONE]
    shapes = [(tensor.dimensions, tensor.packing) for tensor in tensors if tensor.packing != fovea_file.PACK_VECTOR]
    terms = [np.prod(shape[:2] if packing == fovea_file.PACK_DEPTHWISE else shape[:3]) for shape, packing in shapes]
    return np.sqrt(1 + np.mean(np.minimum(terms, block)) / 2)


def deviation(data, run, expected):
    """Of each photo's logits, from the expected (photo, logit). run: a file's bytes to the logits."""
    errors = np.array([run(moved(data, seed)) - expected for seed in range(DRAWS)])
    return np.sqrt(np.mean(errors**2, axis=(0, 2)))
