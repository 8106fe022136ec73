# SPDX-License-Identifier: Apache-2.0
"""What the loss of a Keras training says about the network's outputs."""

from __future__ import annotations

from typing import Any, Mapping, Optional

from .reader import snake_case

REGRESSION_LOSSES = (
    "mse", "mae", "mape", "msle", "mean_squared_error", "mean_absolute_error", "mean_absolute_percentage_error",
    "mean_squared_logarithmic_error", "huber", "huber_loss", "log_cosh", "logcosh", "poisson", "cosine_similarity", "cosine_proximity",
)


def regression_loss(training: Optional[Mapping[str, Any]]) -> Optional[str]:
    """The name of the loss where it is one for numbers; a loss is stored as a name, a function, a class, or one of these an output."""
    stack = [training.get("loss") if training is not None else None]
    while stack:
        loss = stack.pop()
        if isinstance(loss, str) and snake_case(loss) in REGRESSION_LOSSES:
            return loss
        if isinstance(loss, (list, tuple)):
            stack.extend(loss)
        elif isinstance(loss, dict):
            stack.extend(loss.values() if "class_name" not in loss else [loss["class_name"], loss.get("config")])
    return None


def activation_of_loss(training: Optional[Mapping[str, Any]]) -> Optional[str]:
    """What a loss with from_logits=True applies itself."""
    loss = training.get("loss") if training is not None else None
    if isinstance(loss, dict) and isinstance(loss.get("config"), dict) and loss["config"].get("from_logits") is True:
        class_name = loss.get("class_name")
        if class_name in ("CategoricalCrossentropy", "SparseCategoricalCrossentropy", "CategoricalFocalCrossentropy"):
            return "softmax"
        if class_name in ("BinaryCrossentropy", "BinaryFocalCrossentropy"):
            return "sigmoid"
    return None
