# SPDX-License-Identifier: Apache-2.0
"""Writes a file whole or not at all."""

from __future__ import annotations

import contextlib
import os
import stat
import tempfile

from ..errors import UsageError


def check_output(path: str) -> None:
    """Refuses what write_file() could not write, before long work is begun for it."""
    if os.path.exists(path) and not os.path.isfile(path):
        raise UsageError(f"{path}: cannot be written (it is no regular file)")
    folder = os.path.dirname(path) or "."
    if not os.path.isdir(folder):
        raise UsageError(f"{path}: cannot be written (there is no such folder)")
    if not os.access(folder, os.W_OK | os.X_OK):
        raise UsageError(f"{path}: cannot be written (nothing may be written in its folder)")


def _mask() -> int:
    mask = os.umask(0o077)
    os.umask(mask)
    return mask


def write_file(path: str, data: bytes) -> None:
    """A file of the same name stays until the new one is complete, and leaves its permissions to it; a new one has those that the user's
    mask leaves."""
    check_output(path)
    folder = os.path.dirname(path) or "."
    temporary = None
    try:
        mode = stat.S_IMODE(os.stat(path).st_mode) if os.path.exists(path) else 0o666 & ~_mask()
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
            with contextlib.suppress(OSError):
                os.unlink(temporary)
