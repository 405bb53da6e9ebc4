"""How long a call waits for a slot of a pool: several classes of calls, several servers, calls that come in batches.

A plan that ignores waiting is worth nothing near saturation. The formulas are approximations of a queue that feeds all
slots of a level, first come first served; the tests hold them against the exact chain of the M^X/M/c queue.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

_NEGLIGIBLE = 1e-17
"""A term of a sum that is smaller than this share of it does not change it."""
_LARGE = 1e200
_LOG_LARGE = math.log(_LARGE)


@dataclass(frozen=True, slots=True)
class Batch:
    """With how many others a call arrives: `position[j]` is the probability that j of its batch are ahead of it.

    Sums to 1; a call that comes alone has the one entry 1.
    """

    position: tuple[float, ...] = (1.0,)

    @property
    def ahead(self) -> float:
        """Mean number of calls of its own batch that are ahead of a call."""
        return math.fsum(j * p for j, p in enumerate(self.position))


ALONE = Batch()


@dataclass(frozen=True, slots=True)
class Arrivals:
    """A class of calls: how many a second, mean and deviation of the seconds that each holds a slot.

    `cv2` is the squared coefficient of variation of the times between batches, 1 for Poisson arrivals.
    """

    calls_per_s: float
    slot_s: float
    sd_s: float
    cv2: float = 1.0
    batch: Batch = ALONE


@dataclass(frozen=True, slots=True)
class Waiting:
    """A call waits with `probability`, and `mean_s` seconds on average over all calls, also those that do not wait.

    How it comes about, for samples: the first call of a batch waits with probability `busy`, and then for an
    exponential time of `busy_s` on average. `free[f]` is the probability of f free slots, the rest that of more than
    matter: with none each call ahead in the batch is another `ahead_s`, otherwise each from the f-th on.
    """

    probability: float
    mean_s: float
    busy: float
    busy_s: float
    ahead_s: float
    free: tuple[float, ...] = ()


NO_WAITING = Waiting(0.0, 0.0, 0.0, 0.0, 0.0)
ENDLESS = Waiting(1.0, math.inf, 1.0, math.inf, math.inf)


def batch_of(sizes: Sequence[float]) -> Batch:
    """The batch of a call where `sizes[n]` is the probability of a batch of n calls; batches of none do not count.

    A random call is the j-th of its batch with probability P(size >= j) / E[size].
    """
    mean = math.fsum(n * p for n, p in enumerate(sizes))
    if mean <= 0.0:
        return ALONE
    return Batch(tuple(math.fsum(sizes[j + 1 :]) / mean for j in range(len(sizes) - 1)))


def offered_slots(arrivals: Sequence[Arrivals]) -> float:
    """Slots that are busy on average: the sum of calls a second times seconds in a slot (Little's law)."""
    return math.fsum(each.calls_per_s * each.slot_s for each in arrivals)


def waiting(arrivals: Sequence[Arrivals], servers: int) -> tuple[Waiting, ...]:
    """What each class waits at `servers` slots. At or above saturation everything waits forever.

    Common to all classes is the wait of the first call of a batch, the Allen-Cunneen approximation (Allen 1990,
    "Probability, Statistics, and Queueing Theory", ch. 5) with the dispersion of the batches added to that of arrivals:

        C (s / c) / (1 - rho) * (ca2 + cs2 + b2) / 2,   b2 = sum r_i s_i^2 (m_i - 1) / (sum r_i s^2)

    where s is the mean time in a slot, c = `servers`, and m_i = E[X^2] / E[X] of class i's batch sizes, so that
    (m_i - 1) / 2 calls of its batch are ahead of a call. The probability C that all slots are busy is Erlang's at c / z
    slots and load a / z, z = 1 + b2 / 2 being the peakedness of batch arrivals (Hayward's approximation: Fredericks
    1980, BSTJ 59). A call further waits for those of its own batch that find no slot free, s_i / c for each:

        (s_i / c) * (P(none free) * E[ahead] + sum over f > 0 of P(f free) * E[(ahead - (f - 1))+])

    with the free slots of the M/M/c queue. For c = 1 both together are exact (M^X/G/1; Burke 1975, "Delays in
    single-server queues with batch input", Operations Research 23).
    """
    rate = math.fsum(each.calls_per_s for each in arrivals)
    load = offered_slots(arrivals)
    if rate == 0.0 or load == 0.0:
        return (NO_WAITING,) * len(arrivals)
    if load >= servers:
        return (ENDLESS,) * len(arrivals)
    dispersion = _dispersion(arrivals, rate, load)
    peaked = dispersion.batch / 2.0 + 1.0
    busy = _busy(max(servers / peaked, 1.0), load / servers)
    rest = servers - load
    first_s = busy * (load / rate) / rest * (dispersion.arrival + dispersion.service + dispersion.batch) / 2.0
    free = _free(servers, load, max(len(each.batch.position) for each in arrivals))
    return tuple(_of_class(each, servers, (busy, first_s), free) for each in arrivals)


def erlang_c(servers: int, load: float) -> float:
    """The probability that a call of an M/M/c queue waits, at `load` busy slots of `servers` on average.

    From Erlang's B: 1 / B = sum over j of c (c - 1) .. (c - j + 1) / a^j, and C = B / (1 - rho (1 - B)). Erlang 1917.
    """
    if load >= servers:
        return 1.0
    if load <= 0.0:
        return 0.0
    return math.exp(_log_erlang_c(servers, load))


def _log_erlang_c(servers: int, load: float) -> float:
    term = total = 1.0
    scale = 0.0
    for j in range(servers):
        term *= (servers - j) / load
        total += term
        if total > _LARGE:
            term, total, scale = term / _LARGE, total / _LARGE, scale + _LOG_LARGE
        elif term < total * _NEGLIGIBLE:
            break
    blocked = -math.log(total) - scale
    return blocked - math.log1p(-load / servers * -math.expm1(blocked))


@dataclass(frozen=True, slots=True)
class _Dispersion:
    """Squared coefficients of variation: of times between batches, of times in a slot, and what batches add."""

    arrival: float
    service: float
    batch: float


def _dispersion(arrivals: Sequence[Arrivals], rate: float, load: float) -> _Dispersion:
    """Arrivals weigh by their rates, as superposition does in the long run (Whitt 1983, QNA, BSTJ 62)."""
    mean_s = load / rate
    square = math.fsum(each.calls_per_s * (each.slot_s**2 + each.sd_s**2) for each in arrivals) / rate
    ahead = math.fsum(each.calls_per_s * each.slot_s**2 * 2.0 * each.batch.ahead for each in arrivals) / rate
    return _Dispersion(
        arrival=math.fsum(each.calls_per_s * each.cv2 for each in arrivals) / rate,
        service=square / mean_s**2 - 1.0,
        batch=ahead / mean_s**2,
    )


def _busy(servers: float, utilisation: float) -> float:
    """Erlang's C at a number of slots between two whole ones."""
    low = math.floor(servers)
    share = servers - low
    found = erlang_c(low, utilisation * low)
    return found if share == 0.0 else (1.0 - share) * found + share * erlang_c(low + 1, utilisation * (low + 1))


def _free(servers: int, load: float, most: int) -> tuple[float, ...]:
    """[slots free, at most `most`] the probability of finding so many free in the M/M/c queue; [0]: none."""
    busy = _log_erlang_c(servers, load)
    full = busy + math.log1p(-load / servers)  # of exactly `servers` calls in the queue
    found = [math.exp(busy)]
    for free in range(1, min(servers, most) + 1):
        full += math.log((servers - free + 1) / load)
        found.append(math.exp(full))
    return tuple(found)


def _of_class(each: Arrivals, servers: int, first: tuple[float, float], found_free: Sequence[float]) -> Waiting:
    busy, first_s = first
    position = each.batch.position
    busy_s = first_s / busy if busy > 0.0 else 0.0
    ahead_s = each.slot_s / servers
    if len(position) == 1:
        return Waiting(busy, first_s, busy, busy_s, ahead_s)
    exceeding = [0.0]  # E[(ahead - k)+] for k counted down from the largest
    more = [0.0]  # P(ahead > k) likewise
    for probability in reversed(position[1:]):
        more.append(more[-1] + probability)
        exceeding.append(exceeding[-1] + more[-1])
    more.reverse()
    exceeding.reverse()
    free = tuple(found_free[: len(position)])
    own = free[0] * exceeding[0] + math.fsum(p * late for p, late in zip(free[1:], exceeding, strict=False))
    below, waits = free[0], busy
    for probability, late in zip(free[1:], more, strict=False):
        below += probability
        waits += min(probability, max(0.0, below - busy)) * late
    return Waiting(min(1.0, waits), first_s + own * ahead_s, busy, busy_s, ahead_s, free)
