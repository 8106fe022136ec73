# SPDX-License-Identifier: Apache-2.0
"""The ways in which a command can fail."""


class ConversionError(Exception):
    """The model is damaged or holds something that cannot be converted (exit status 4)."""


class UsageError(Exception):
    """The command line asks for something that makes no sense (exit status 2)."""


class CalibrationError(Exception):
    """Data that no calibration should be based on (exit status 1)."""


class QuantizationError(Exception):
    """A model, photos or a program that no 8-bit model can be made with (exit status 1)."""


EVALUATION_LIBRARIES = ("sklearn", "scipy", "matplotlib", "jinja2")  # what the extra "evaluation" brings


def missing_library(error: ImportError) -> str:
    """What to say where a library of the extra is not installed. Another missing module is a mistake and goes on as it is."""
    library = (error.name or "").partition(".")[0]
    if library not in EVALUATION_LIBRARIES:
        raise error
    return f"{library} is missing; install what evaluation needs: pip install 'fovea-tools[evaluation]'"
