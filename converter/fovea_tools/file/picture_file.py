# SPDX-License-Identifier: Apache-2.0
"""Reads pictures whole, with errors that name what could not be read."""

from __future__ import annotations

import errno
import io
import os
import warnings
from typing import Any, Union

from .input_file import read_file


def read_picture(path: Union[str, os.PathLike]) -> Any:
    """A picture of Pillow's with its pixels. An OSError that names the file where it is damaged, or none."""
    from PIL import Image
    data = read_file(path)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            picture = Image.open(io.BytesIO(data))
            picture.load()
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise OSError(errno.EINVAL, "it is no picture that can be read", os.fspath(path)) from error
    return picture
