# SPDX-License-Identifier: Apache-2.0
"""What the photos of both eyes say of a patient."""

from __future__ import annotations

from typing import Callable, Dict, List, Optional, Sequence, TypeVar

Photo = TypeVar("Photo")


def by_eye(photos: Sequence[Photo], eye: Callable[[Photo], str]) -> List[List[Photo]]:
    """The photos of each eye. A photo of which nobody says which eye it shows is one of an eye of its own."""
    known: Dict[str, List[Photo]] = {}
    for number, photo in enumerate(photos):
        known.setdefault(eye(photo) or str(number), []).append(photo)
    return list(known.values())


def is_called(eyes: Sequence[Sequence[Optional[bool]]]) -> Optional[bool]:
    """Whether the patient is called positive: when any photo is. None, not gradable: when an eye has no photo that could be graded, and
    none of the patient's is called positive. eyes: whether each of their photos is called positive; None where it cannot be graded."""
    if any(photo for eye in eyes for photo in eye):
        return True
    return None if any(all(photo is None for photo in eye) for eye in eyes) else False
