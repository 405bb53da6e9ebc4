"""Whether intervals of what no serving was measured of hold what they should, judged on batches not learnt from.

Batches of a device, an engine or a model are left out of the intervals, which are then judged on them; coefficients are
fitted to no batch at all.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

from costmodel.calibration import Calibration
from costmodel.fit import blind
from costmodel.measured import Measured
from costmodel.offline import Batches, inside
from costmodel.points import Point
from costmodel.spreads import leave_out, spreads_of

GROUPS: tuple[tuple[str, Callable[[Point], str]], ...] = (
    ("device", lambda point: point.device.id),
    ("engine", lambda point: str(point.engine)),
    ("model", lambda point: point.model.id),
)


@dataclass(frozen=True, slots=True)
class BatchCoverage:
    """Share of `rows` batches in their 80 % interval, where the engine is told and where it is not.

    `served` says whether the engine was served in another version; `left_out` and `name` which batches the interval has
    not seen.
    """

    left_out: str
    name: str
    served: bool
    rows: int
    told: float
    untold: float


def batch_coverages(rows: Sequence[Measured], batches: Batches, fitted: Calibration) -> Iterator[BatchCoverage]:
    """The coverage of each group of batches that is left out, and of all groups of its kind together."""
    left = leave_out(tuple(rows))
    served = [str(each.engine).split()[0] in left.engines for each in batches.points]
    for by, group in GROUPS:
        of = [group(each) for each in batches.points]
        for known in (True, False):
            found = [
                BatchCoverage(by, name, known, len(judged.points), *_inside(judged, replace(fitted, spread=spread)))
                for name in sorted(set(of))
                for spread in [spreads_of(left, batches.select([each != name for each in of]))]
                for judged in [_chosen(batches, [each == name for each in of], served, known)]
                if judged.points
            ]
            yield from found
            yield _together(by, known, found)


def _chosen(batches: Batches, inside_group: Sequence[bool], served: Sequence[bool], known: bool) -> Batches:
    return batches.select([a and b == known for a, b in zip(inside_group, served, strict=True)])


def _inside(batches: Batches, fitted: Calibration) -> tuple[float, float]:
    told, untold = (float(inside(each, fitted).mean()) for each in (batches, batches.seen_as(blind)))
    return told, untold


def _together(by: str, served: bool, found: Sequence[BatchCoverage]) -> BatchCoverage:
    rows = sum(each.rows for each in found)
    told, untold = (
        sum(each.rows * share for each, share in zip(found, shares, strict=True)) / rows
        for shares in ([each.told for each in found], [each.untold for each in found])
    )
    return BatchCoverage(by, "all", served, rows, told, untold)
