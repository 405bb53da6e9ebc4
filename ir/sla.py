"""The service-level agreement of an agent: which statistic of the end-to-end latency stays under which limit.

`p95=4s` bounds the 95th percentile; a bare `4s` bounds the structural worst case (most iterations, widest fan-outs and
slowest branches, at mean operator times and without retries).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, get_args

from ir.duration import DurationError, format_duration, parse_duration_s

Stat = Literal["mean", "p50", "p95", "p99", "worst"]
STATS: tuple[Stat, ...] = get_args(Stat)


class SlaError(ValueError):
    """A text or mapping that states no SLA."""


@dataclass(frozen=True, slots=True)
class Sla:
    """`stat` of the end-to-end latency must be at most `limit_s` seconds."""

    stat: Stat
    limit_s: float

    def __str__(self) -> str:
        return f"{self.stat} <= {format_duration(self.limit_s)}"


def parse_sla(value: str | float | Mapping[str, str | float]) -> Sla:
    """Read `"p95=4s"`, `"4s"`, `4.0` or `{"p95": "4s"}`. Raises `SlaError`."""
    if isinstance(value, Mapping):
        if len(value) != 1:
            raise SlaError(f"an SLA names exactly one statistic, got {dict(value)!r}; write {{'p95': '4s'}}")
        ((stat, limit),) = value.items()
        return _sla(stat, limit)
    if isinstance(value, str) and "=" in value:
        stat, _, limit = value.partition("=")
        return _sla(stat.strip(), limit)
    return _sla("worst", value)


def _sla(stat: str, limit: str | float) -> Sla:
    if stat not in STATS:
        raise SlaError(f"unknown SLA statistic {stat!r}; use one of {', '.join(STATS)}")
    try:
        limit_s = parse_duration_s(limit)
    except DurationError as error:
        raise SlaError(f"SLA {stat}: {error}") from None
    if limit_s <= 0:
        raise SlaError(f"SLA {stat}: the limit must be positive, got {limit!r}")
    return Sla(stat, limit_s)
