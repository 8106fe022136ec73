# SPDX-License-Identifier: Apache-2.0
"""A bar on standard error, where a person looks at it and the work is long."""

from __future__ import annotations

import sys
from typing import Iterable, Iterator, Sequence, TypeVar

Item = TypeVar("Item")
FEW = 20        # what takes no time worth a bar
WIDTH = 30


def shown(items: Sequence[Item], what: str) -> Iterable[Item]:
    """The items, one after another, with a bar where standard error is a terminal."""
    return _with_bar(items, what) if len(items) > FEW and sys.stderr.isatty() else items


def _with_bar(items: Sequence[Item], what: str) -> Iterator[Item]:
    try:
        for number, item in enumerate(items):
            full = WIDTH * number // len(items)
            sys.stderr.write(f"\r[{'#' * full}{' ' * (WIDTH - full)}] {number}/{len(items)} {what}")
            sys.stderr.flush()
            yield item
    finally:
        sys.stderr.write("\r\x1b[K")
        sys.stderr.flush()
