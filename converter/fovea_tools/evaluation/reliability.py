# SPDX-License-Identifier: Apache-2.0
"""Do probabilities mean what they say: calibration error by bins, Brier score, log-likelihood, the temperature that would fit."""

from __future__ import annotations

from typing import Any, Dict, List, Optional

import numpy as np
import scipy.special

from .. import calibration

SOFTMAX_TOLERANCE = 1e-3    # how far probabilities may be from what the logits say


def bins(probabilities: np.ndarray, truth: np.ndarray) -> List[Dict[str, Any]]:
    """Accuracy and mean confidence over the bins of the confidence; empty ones are left out."""
    confidence, right = probabilities.max(axis=1), probabilities.argmax(axis=1) == truth
    numbers = calibration.bin_numbers(confidence)
    return [{"bin": int(number), "n": int((numbers == number).sum()), "accuracy": float(right[numbers == number].mean()),
             "confidence": float(confidence[numbers == number].mean())} for number in np.unique(numbers)]


def _likelihood_of_logits(logits: np.ndarray, truth: np.ndarray, temperature: float) -> float:
    """Without the cut that probabilities need: logits tell apart what a probability rounds to 0."""
    return float(-scipy.special.log_softmax(logits / temperature, axis=1)[np.arange(len(truth)), truth].mean())


def _fitting_temperature(logits: np.ndarray, truth: np.ndarray) -> Dict[str, Any]:
    fit = calibration.fit_temperature(logits, truth)
    return {"T": fit.value, "nll": _likelihood_of_logits(logits, truth, fit.value),
            "ece15_after": calibration.expected_calibration_error(calibration.softmax(logits, fit.value), truth), "at_bound": fit.at_bound}


def reliability(probabilities: np.ndarray, logits: Optional[np.ndarray], truth: np.ndarray, temperature: float) -> Dict[str, Any]:
    """All of it for class numbers. logits: before the temperature; they count where they and the temperature give the
    probabilities."""
    rows = bins(probabilities, truth)
    figures: Dict[str, Any] = {
        "ece15": calibration.expected_calibration_error(probabilities, truth),
        "mce15": max(abs(row["accuracy"] - row["confidence"]) for row in rows), "bins15": rows,
    }
    if probabilities.shape[1] == 2:
        figures["brier"] = float(np.mean((probabilities[:, 1] - truth) ** 2))
    else:
        figures["brier_multiclass_sum"] = float(np.mean(np.sum((probabilities - np.eye(probabilities.shape[1])[truth]) ** 2, axis=1)))
    figures["nll_of_p_clipped_1e-7"] = calibration.negative_log_likelihood(probabilities, truth)
    figures["nll_of_logits"] = figures["temperature"] = None
    if logits is not None and np.allclose(calibration.softmax(logits, temperature), probabilities, atol=SOFTMAX_TOLERANCE):
        figures["nll_of_logits"] = _likelihood_of_logits(logits, truth, temperature)
        figures["temperature"] = _fitting_temperature(logits, truth)
    return figures
