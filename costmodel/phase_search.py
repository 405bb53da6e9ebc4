"""The best parallelism and the largest batch of one phase on one device class, under a limit on its pass.

Prefill and decode have devices of their own, so each is searched alone and a pair of devices is two of these searches.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from costmodel.hardware import Device
from costmodel.models import Model
from costmodel.parallel import tensor_parallel_degrees
from costmodel.phase import Assumptions, Phase, Serving, Workload, all_reduce_part_s, largest_batch, pass_s

MOST_SEQUENCES = 8192
"""Batches above this are not tried; the gain of a larger one is below a thousandth."""

TIE = 1e-9
"""Times this near are equal: they differ by rounding alone."""


@dataclass(frozen=True, slots=True)
class Setting:
    """One way to serve a phase: `tp` x `pp` devices, `batch` sequences in each of the `pp` stages.

    `pass_s` is the time of a pass (TTFT, or time between tokens), `device_s` what one request takes of one device,
    over the whole phase. `communication_share` is the part of the pass that is all-reduces and hand-overs.
    """

    tp: int
    pp: int
    batch: int
    pass_s: float
    device_s: float
    communication_share: float


@dataclass(frozen=True, slots=True)
class Impossible:
    """No setting keeps the limits, and why."""

    reason: str


def best_setting(  # noqa: PLR0917 - the coordinates of one cell
    model: Model,
    precision: str,
    device: Device,
    phase: Phase,
    load: Workload,
    limit_s: float = math.inf,
    rules: Assumptions | None = None,
) -> Setting | Impossible:
    """The setting with the fewest device-seconds a request whose pass takes at most `limit_s`.

    Of equals the smaller group, then the smaller batch. Prices do not matter: all devices of a phase cost the same.
    """
    found: Setting | None = None
    fastest_s = math.inf
    for serving in groups(model, precision, device, rules or Assumptions()):
        most = min(largest_batch(serving, phase, load), MOST_SEQUENCES)
        if most < 1:
            continue
        setting, shortest_s = _best_batch(serving, phase, load, limit_s, most)
        fastest_s = min(fastest_s, shortest_s)
        if setting is not None and (found is None or setting.device_s < found.device_s * (1 - TIE)):
            found = setting
    return found or Impossible(_reason(phase, limit_s, fastest_s, rules or Assumptions()))


def groups(model: Model, precision: str, device: Device, rules: Assumptions) -> Iterator[Serving]:
    """Every legal tensor and pipeline parallelism of a chassis, smaller groups first."""
    degrees = tensor_parallel_degrees(model, device, rules.largest_group)
    stages = [2**power for power in range(rules.largest_group.bit_length())]
    pairs = [(tp, pp) for tp in degrees for pp in stages if tp * pp <= rules.largest_group]
    for tp, pp in sorted(pairs, key=lambda pair: (pair[0] * pair[1], pair[1])):
        yield Serving(model, precision, device, tp, pp, rules)


def setting_of(serving: Serving, phase: Phase, load: Workload, batch: int) -> Setting:
    """What one given batch takes."""
    sizes = np.array([float(batch)])
    seconds = float(pass_s(serving, phase, load, sizes)[0])
    share = float(all_reduce_part_s(serving, phase, load, sizes)[0]) / seconds
    return Setting(serving.tp, serving.pp, batch, seconds, _device_s(serving, phase, load, batch, seconds), share)


def _best_batch(
    serving: Serving, phase: Phase, load: Workload, limit_s: float, most: int
) -> tuple[Setting | None, float]:
    """The best batch within the limit, and the time of the shortest pass."""
    sizes = np.arange(1, most + 1, dtype=np.float64)
    seconds = pass_s(serving, phase, load, sizes)
    per_request = np.where(seconds <= limit_s, seconds / sizes, np.inf)
    least = per_request.min()
    if not np.isfinite(least):
        return None, float(seconds[0])
    best = int(np.argmax(per_request <= least * (1 + TIE)))
    return setting_of(serving, phase, load, best + 1), float(seconds[0])


def _device_s(serving: Serving, phase: Phase, load: Workload, batch: int, seconds: float) -> float:
    """A pipeline finishes `pp` batches in the time of a pass, on `tp` x `pp` devices: `pp` falls out."""
    passes = load.tokens_out if phase == "decode" else 1
    return seconds * passes * serving.tp / batch


def _reason(phase: Phase, limit_s: float, fastest_s: float, rules: Assumptions) -> str:
    if math.isinf(fastest_s):
        return f"{phase}: weights and one sequence do not fit on {rules.largest_group} devices"
    what = "TTFT" if phase == "prefill" else "time between tokens"
    return f"{phase}: {what} {fastest_s * 1e3:.3g} ms at best, limit {limit_s * 1e3:.3g} ms"
