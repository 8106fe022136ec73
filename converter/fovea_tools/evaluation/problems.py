# SPDX-License-Identifier: Apache-2.0
"""What an evaluation left out or noticed: each kind counted, each photo named."""

from __future__ import annotations

import dataclasses
from typing import List


@dataclasses.dataclass(frozen=True)
class Problem:
    kind: str           # a short key, stable for programs
    message: str        # a sentence for people
    names: List[str]    # the photos, or what else it is about

    def line(self, most: int) -> str:
        """One line that names the first of them."""
        rest = len(self.names) - most
        names = ", ".join(self.names[:most]) + (f" and {rest} more" if rest > 0 else "")
        return f"{self.message} ({len(self.names)})" + (f": {names}" if names else "")
