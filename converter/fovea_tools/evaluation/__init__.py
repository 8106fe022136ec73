# SPDX-License-Identifier: Apache-2.0
"""fovea-evaluate: from the results of `fovea screen` and a label file to figures, plots and one page."""


class EvaluationError(Exception):
    """What stops an evaluation; the message names file, line and cause (exit status 1)."""
