"""The best parallelism and the largest batch of one phase on one device class, under a limit on its pass.

Prefill and decode have devices of their own, so each is searched alone and a pair of devices is two of these searches.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from costmodel.hardware import Device
from costmodel.models import Model
from costmodel.parallel import tensor_parallel_degrees
from costmodel.phase import Assumptions, Floats, Phase, Serving, Workload, all_reduce_part_s, largest_batch, pass_s

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


@dataclass(frozen=True, slots=True)
class PhaseTask:
    """What is to be served: a phase of a model in a precision, with the tokens of a request."""

    model: Model
    precision: str
    phase: Phase
    load: Workload


def best_setting(
    task: PhaseTask, device: Device, limit_s: float = math.inf, rules: Assumptions | None = None
) -> Setting | Impossible:
    """The setting with the fewest device-seconds a request whose pass takes at most `limit_s`."""
    return best_settings(task, device, (limit_s,), rules)[0]


def best_settings(
    task: PhaseTask, device: Device, limits_s: Sequence[float], rules: Assumptions | None = None
) -> list[Setting | Impossible]:
    """As `best_setting` for each limit.

    Of equals the smaller group, then the smaller batch. Prices do not matter: all devices of a phase cost the same.
    """
    rules = rules or Assumptions()
    found: list[Setting | None] = [None] * len(limits_s)
    fastest_s = math.inf
    for serving in groups(task.model, task.precision, device, rules):
        most = min(largest_batch(serving, task.phase, task.load), MOST_SEQUENCES)
        if most < 1:
            continue
        sizes = np.arange(1, most + 1, dtype=np.float64)
        seconds = pass_s(serving, task.phase, task.load, sizes)
        fastest_s = min(fastest_s, float(seconds[0]))
        for place, limit_s in enumerate(limits_s):
            batch = _best_batch(sizes, seconds, limit_s)
            setting = None if batch is None else setting_of(serving, task.phase, task.load, batch)
            found[place] = _better(found[place], setting)
    return [
        setting or Impossible(_reason(task.phase, limit_s, fastest_s, rules))
        for setting, limit_s in zip(found, limits_s, strict=True)
    ]


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


def _best_batch(sizes: Floats, seconds: Floats, limit_s: float) -> int | None:
    """The smallest batch with the least time a request within the limit; None where no pass keeps it."""
    per_request = np.where(seconds <= limit_s, seconds / sizes, np.inf)
    least = per_request.min()
    if not np.isfinite(least):
        return None
    return int(np.argmax(per_request <= least * (1 + TIE))) + 1


def _better(known: Setting | None, other: Setting | None) -> Setting | None:
    """The one with fewer device-seconds; of equals the known one."""
    if known is None or other is None:
        return known or other
    return other if other.device_s < known.device_s * (1 - TIE) else known


def _device_s(serving: Serving, phase: Phase, load: Workload, batch: int, seconds: float) -> float:
    """A pipeline finishes `pp` batches in the time of a pass, on `tp` x `pp` devices: `pp` falls out."""
    passes = load.tokens_out if phase == "decode" else 1
    return seconds * passes * serving.tp / batch


def _reason(phase: Phase, limit_s: float, fastest_s: float, rules: Assumptions) -> str:
    if math.isinf(fastest_s):
        return f"{phase}: weights and one sequence do not fit on {rules.largest_group} devices"
    what = "TTFT" if phase == "prefill" else "time between tokens"
    return f"{phase}: {what} {fastest_s * 1e3:.3g} ms at best, limit {limit_s * 1e3:.3g} ms"
