# SPDX-License-Identifier: Apache-2.0
"""Writes a file whole or not at all."""

from __future__ import annotations

import os
import stat
import tempfile

from ..errors import UsageError


def write_file(path: str, data: bytes) -> None:
    """A file of the same name stays until the new one is complete, and leaves its permissions to it."""
    if os.path.exists(path) and not os.path.isfile(path):
        raise UsageError(f"{path}: cannot be written (it is no regular file)")
    folder = os.path.dirname(path) or "."
    temporary = None
    try:
        mode = stat.S_IMODE(os.stat(path).st_mode) if os.path.exists(path) else 0o644
        with tempfile.NamedTemporaryFile(dir=folder, prefix=".fovea-", delete=False) as file:
            temporary = file.name
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.chmod(temporary, mode)
        os.replace(temporary, path)
        temporary = None
    except OSError as error:
        raise UsageError(f"{path}: cannot be written ({error.strerror})") from error
    finally:
        if temporary is not None:
            os.unlink(temporary)
