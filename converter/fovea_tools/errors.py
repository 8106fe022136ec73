# SPDX-License-Identifier: Apache-2.0
"""The ways in which a command can fail."""

import contextlib
from typing import Iterator


class ConversionError(Exception):
    """The model is damaged or holds something that cannot be converted (exit status 4)."""


class UsageError(Exception):
    """The command line asks for something that makes no sense (exit status 2)."""


class CalibrationError(Exception):
    """Data that no calibration should be based on (exit status 1)."""


class EngineError(Exception):
    """The fovea program cannot be run, or failed (exit status 1)."""


class QuantizationError(Exception):
    """A model, photos or a program that no 8-bit model can be made with (exit status 1)."""


@contextlib.contextmanager
def errors_of(path: str) -> Iterator[None]:
    """Errors name the file, and what typed access to it did not foresee counts as damage of the file."""
    try:
        yield
    except (ConversionError, UsageError) as error:
        raise type(error)(f"{path}: {error}") from error
    except (AttributeError, IndexError, KeyError, TypeError, ValueError, RecursionError, OverflowError, MemoryError) as error:
        # A configuration that no program writes.
        detail = f"{type(error).__name__}: {' '.join(str(error).split())[:120]}"
        raise ConversionError(f"{path}: the model configuration is malformed ({detail})") from error


EVALUATION_LIBRARIES = ("sklearn", "scipy", "matplotlib", "jinja2", "PIL")  # what the extra "evaluation" brings


def missing_library(error: ImportError) -> str:
    """What to say where a library of the extra is not installed. Another missing module is a mistake and goes on as it is."""
    library = (error.name or "").partition(".")[0]
    if library not in EVALUATION_LIBRARIES:
        raise error
    return f"{library} is missing; install what evaluation needs: pip install 'fovea-tools[evaluation]'"
