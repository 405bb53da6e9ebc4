"""Durations as people write them: `120ms`, `4s`, `1.5m`, or a number of seconds.

Decorators, SLAs and command-line options share one reader, so that a duration means the same everywhere.
"""

from __future__ import annotations

import math
import re

_UNITS_PER_SECOND = {"us": 1e6, "ms": 1e3}
_SECONDS_PER_UNIT = {"s": 1.0, "m": 60.0, "h": 3600.0}
_PATTERN = re.compile(r"\s*(\d+(?:\.\d*)?|\.\d+)\s*(us|ms|s|m|h)\s*", re.ASCII)

MAX_DURATION_S = 1e9
"""Longest duration that is accepted, about 32 years: anything longer is a slip."""


class DurationError(ValueError):
    """A text or number that is no duration."""


def parse_duration_s(value: str | float) -> float:
    """Seconds of a duration. Raises `DurationError` for anything negative, over `MAX_DURATION_S` or without a unit.

    >>> parse_duration_s("120ms")
    0.12
    """
    if isinstance(value, int | float) and not isinstance(value, bool):
        return _bounded_s(value, value)
    match = _PATTERN.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        raise DurationError(
            f"not a duration: {_shortened(value)}; write a number with its unit (us, ms, s, m or h), such as '120ms'"
        )
    number, unit = float(match[1]), match[2]
    seconds = number / _UNITS_PER_SECOND[unit] if unit in _UNITS_PER_SECOND else number * _SECONDS_PER_UNIT[unit]
    return _bounded_s(seconds, value)


def format_duration(seconds: float) -> str:
    """A duration scaled for reading, four significant digits at most: `105 ms`, `2.31 s`, `1389 h`."""
    if seconds == 0 or not math.isfinite(seconds):
        return f"{seconds:g} s"
    for limit_s, scale, unit in _READABLE:
        if abs(seconds) < limit_s:
            return f"{_digits(seconds * scale)} {unit}"
    return f"{_digits(seconds / 3600)} h"


_READABLE = ((1e-3 - 5e-8, 1e6, "us"), (1 - 5e-5, 1e3, "ms"), (9999.5, 1.0, "s"))


def _digits(number: float) -> str:
    return f"{number:.0f}" if abs(number) >= 1000 else f"{number:.4g}"


def _bounded_s(seconds: float, given: object) -> float:
    if not 0 <= seconds <= MAX_DURATION_S:
        raise DurationError(f"a duration is from 0 to {MAX_DURATION_S:g} s, got {_shortened(given)}")
    return float(seconds)


def _shortened(value: object) -> str:
    if isinstance(value, int):
        return str(value) if abs(value) < 10**18 else "a number of more than 18 digits"
    return repr(value)[:80]
