"""Margins from each estimate's own interval: a measured time needs none, a formula that nothing checked the widest.

One factor for all is too much for what is well known and too little for what is not.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

from placement.load import INTERVAL, LoadError, Margin
from placement.ways import Asked, Way, Ways


def with_margin(table: Mapping[Asked, Ways], margin: Margin) -> Mapping[Asked, Ways]:
    """The ways, each with the factor of its own interval where the load asks for that.

    Raises `LoadError` where a formula has no interval, that is without a calibration.
    """
    if margin != INTERVAL:
        return table
    return {asked: replace(ways, ways=tuple(_with_own(asked, ways.ways))) for asked, ways in table.items()}


def _with_own(asked: Asked, ways: tuple[Way, ...]) -> Iterator[Way]:
    for way in ways:
        if way.upper is None:
            raise LoadError(
                f"margin: {INTERVAL}, but without a calibration nobody knows how far off {asked.spec.id} on "
                f"{way.pool.id} may be; give a number, or plan with a calibration"
            )
        yield replace(way, service=replace(way.service, factor=way.upper))
