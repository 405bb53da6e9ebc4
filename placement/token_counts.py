"""How many tokens calls have: a mean and a spread, stated, read from a trace, or assumed from public load.

A plan for a mean call has no room for the long ones: memory is kept for the 95th percentile, and waiting and
percentiles of latency need the deviation.
"""

from __future__ import annotations

import csv
import math
from dataclasses import dataclass
from pathlib import Path

from placement.load import LoadError

ASSUMED_CV = {"tokens_in": 0.96, "tokens_out": 0.77}
"""Deviation over mean where nobody states one: computed from the 19,366 calls of the Azure conversation trace of 2023
(Patel et al., "Splitwise", ISCA 2024; CC-BY-4.0)."""

_Z95 = 1.6448536269514722
"""95th percentile of the standard normal distribution."""

COLUMNS = ("t_s", "in_tokens", "out_tokens")


@dataclass(frozen=True, slots=True)
class Count:
    """Tokens of a call: `mean`, deviation over mean `cv`, 95th percentile. `basis` says where the spread comes from."""

    mean: float
    cv: float
    p95: float
    basis: str


def of_cv(mean: float, cv: float, basis: str) -> Count:
    """A lognormal count: sigma^2 = ln(1 + cv^2), p95 = mean x exp(1.645 sigma - sigma^2 / 2)."""
    sigma = math.sqrt(math.log1p(cv * cv))
    return Count(mean, cv, mean * math.exp(_Z95 * sigma - sigma * sigma / 2), basis)


def of_p95(mean: float, p95: float, basis: str) -> Count:
    """A lognormal count: sigma solves 1.645 sigma - sigma^2 / 2 = ln(p95 / mean), the smaller root.

    Raises `LoadError` where no lognormal has such a percentile: below the mean, or more than 3.87 times as large.
    """
    ratio = p95 / mean
    if not 1.0 <= ratio <= math.exp(_Z95**2 / 2):
        raise LoadError(
            f"p95 of {p95:g} tokens with a mean of {mean:g}: the percentile must be 1 to 3.87 times as large; give cv"
        )
    sigma = _Z95 - math.sqrt(max(0.0, _Z95**2 - 2 * math.log(ratio)))
    return Count(mean, math.sqrt(math.expm1(sigma * sigma)), p95, basis)


def of_trace(path: Path) -> tuple[Count, Count]:
    """Input and output tokens of a CSV trace with the columns `t_s,in_tokens,out_tokens`. Raises `LoadError`."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            lines = csv.DictReader(file, strict=True)
            missing = [name for name in COLUMNS if name not in (lines.fieldnames or ())]
            if missing:
                raise LoadError(f"{path}: missing column {', '.join(missing)}; the header is {','.join(COLUMNS)}")
            rows = [(_tokens(row["in_tokens"], path), _tokens(row["out_tokens"], path)) for row in lines]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise LoadError(f"{path}: the trace cannot be read ({error}); give a CSV file") from error
    if not rows:
        raise LoadError(f"{path}: a trace has at least one row")
    return _measured([row[0] for row in rows], path), _measured([row[1] for row in rows], path)


def _tokens(text: str | None, path: Path) -> float:
    try:
        value = float(text or "")
    except ValueError:
        value = math.nan
    if not 0 <= value < math.inf:
        raise LoadError(f"{path}: tokens are finite numbers of at least 0, got {text!r}")
    return value


def _measured(values: list[float], path: Path) -> Count:
    """Mean, deviation and the smallest value that 95 % of the calls do not exceed."""
    ordered = sorted(values)
    mean = math.fsum(ordered) / len(ordered)
    if mean <= 0:
        raise LoadError(f"{path}: all calls have 0 tokens, so the trace says nothing of their size")
    variance = math.fsum((value - mean) ** 2 for value in ordered) / len(ordered)
    p95 = ordered[math.ceil(0.95 * len(ordered)) - 1]
    return Count(mean, math.sqrt(variance) / mean, p95, f"{len(ordered):,} calls of {path.name}")
