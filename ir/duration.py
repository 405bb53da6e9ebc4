"""Durations as people write them: `120ms`, `4s`, `1.5m`, or a number of seconds.

Decorators, SLAs and command-line options share one reader, so that a duration means the same everywhere.
"""

from __future__ import annotations

import math
import re

_SECONDS_PER_UNIT = {"us": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0}
_PATTERN = re.compile(r"\s*(\d+(?:\.\d*)?|\.\d+)\s*(us|ms|s|m|h)\s*")


class DurationError(ValueError):
    """A text or number that is no duration."""


def parse_duration_s(value: str | float) -> float:
    """Seconds of a duration. Raises `DurationError` for anything negative, not finite or without a unit.

    >>> parse_duration_s("120ms")
    0.12
    """
    if isinstance(value, bool):
        raise DurationError(f"a duration is a number of seconds or a text such as '2s', got {value!r}")
    if isinstance(value, int | float):
        if not math.isfinite(value) or value < 0:
            raise DurationError(f"a duration must be finite and not negative, got {value!r}")
        return float(value)
    match = _PATTERN.fullmatch(value)
    if match is None:
        raise DurationError(
            f"not a duration: {value!r}; write a number with us, ms, s, m or h, such as '120ms' or '2s'"
        )
    number, unit = float(match[1]), match[2]
    return number / 1000 if unit == "ms" else number * _SECONDS_PER_UNIT[unit]


def format_duration(seconds: float) -> str:
    """A duration scaled for reading, three significant digits or so: `105 ms`, `2.31 s`."""
    if seconds == 0:
        return "0 s"
    if abs(seconds) < 1e-3:
        return f"{seconds * 1e6:.3g} us"
    if abs(seconds) < 1:
        return f"{seconds * 1e3:.4g} ms"
    return f"{seconds:.4g} s"
