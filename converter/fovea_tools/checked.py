# SPDX-License-Identifier: Apache-2.0
"""Typed access to the fields of a JSON configuration that nobody has vouched for."""

from __future__ import annotations

from typing import Any, List, Mapping, Sequence, Tuple

from .errors import ConversionError

# No layer of a network for photographs comes near these.
LARGEST_SIZE = 1 << 20


def shown(value: Any) -> str:
    """The value for a message, cut to a bearable length."""
    text = repr(value)
    return text if len(text) <= 80 else text[:77] + "..."


def mapping(value: Any, what: str) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise ConversionError(f"{what} should be a dictionary, is {shown(value)}")
    return value


def sequence(value: Any, what: str) -> List[Any]:
    if not isinstance(value, (list, tuple)):
        raise ConversionError(f"{what} should be a list, is {shown(value)}")
    return list(value)


def text(value: Any, what: str) -> str:
    if not isinstance(value, str) or not value:
        raise ConversionError(f"{what} should be a name, is {shown(value)}")
    return value


def integer(value: Any, what: str, smallest: int, largest: int = LARGEST_SIZE) -> int:
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if not isinstance(value, int) or isinstance(value, bool) or not smallest <= value <= largest:
        raise ConversionError(
            f"{what} should be a whole number from {smallest} to {largest}, is {shown(value)}"
        )
    return value


def number(value: Any, what: str) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise ConversionError(f"{what} should be a number, is {shown(value)}")
    try:
        result = float(value)
    except OverflowError:
        result = float("inf")
    if result != result or result in (float("inf"), float("-inf")):
        raise ConversionError(f"{what} should be finite, is {shown(value)}")
    return result


def flag(value: Any, what: str) -> bool:
    if value not in (True, False):
        raise ConversionError(f"{what} should be true or false, is {shown(value)}")
    return bool(value)


def pair(value: Any, what: str, smallest: int) -> Tuple[int, int]:
    """A number or two, as Keras writes kernel sizes and strides."""
    if isinstance(value, (list, tuple)):
        if len(value) != 2:
            raise ConversionError(f"{what} should be one or two numbers, is {shown(value)}")
        return integer(value[0], what, smallest), integer(value[1], what, smallest)
    single = integer(value, what, smallest)
    return single, single


def one_of(value: Any, what: str, allowed: Sequence[Any]) -> Any:
    if value not in allowed:
        raise ConversionError(f"{what} is {shown(value)}; known: {', '.join(map(str, allowed))}")
    return value
