import math
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from placement.queueing import ALONE, Arrivals, Batch, batch_of, erlang_c, offered_slots, waiting


def poisson(rate: float, slot_s: float = 1.0, batch: Batch = ALONE) -> Arrivals:
    """Exponential service: the deviation is the mean."""
    return Arrivals(rate, slot_s, slot_s, 1.0, batch)


def test_one_server_waits_as_the_closed_form_says() -> None:
    # M/M/1 at rho = 0.8: rho / (1 - rho) * s = 4 s, with probability 0.8.
    (found,) = waiting([poisson(0.8)], 1)
    assert (found.probability, found.mean_s) == (pytest.approx(0.8), pytest.approx(4.0))
    # M/G/1 waits rho (1 + cs2) / 2 / (1 - rho) * s: 0.8 * 1 / 2 / 0.2 for no deviation, 0.8 * 5 / 2 / 0.2 for 2 s.
    (fixed,) = waiting([Arrivals(0.8, 1.0, 0.0)], 1)
    (wide,) = waiting([Arrivals(0.8, 1.0, 2.0)], 1)
    assert (fixed.mean_s, wide.mean_s) == (pytest.approx(2.0), pytest.approx(10.0))


def test_erlang_of_two_servers_by_hand() -> None:
    # a = 1, c = 2: B = (1/2) / (1 + 1 + 1/2) = 0.2; C = 0.2 / (1 - 0.5 * 0.8) = 1/3; wait C / (2 - 1) = 1/3 s.
    assert erlang_c(2, 1.0) == pytest.approx(1 / 3)
    (found,) = waiting([poisson(1.0)], 2)
    assert found.mean_s == pytest.approx(1 / 3)


@pytest.mark.parametrize(("servers", "load"), [(2000, 1.0), (2000, 1900.0), (400, 1e-6)])
def test_many_servers_neither_overflow_nor_lose_the_sum(servers: int, load: float) -> None:
    terms = [k * math.log(load) - math.lgamma(k + 1) for k in range(servers + 1)]
    top = max(terms)
    blocked = math.exp(terms[-1] - top) / math.fsum(math.exp(term - top) for term in terms)
    expected = blocked / (1 - load / servers * (1 - blocked))
    assert erlang_c(servers, load) == pytest.approx(expected, rel=1e-6, abs=1e-300)


def test_two_classes_wait_for_each_other() -> None:
    # M/G/1: 0.5 calls of exactly 1 s and 0.1 of exactly 3 s: load 0.8; sum r s^2 / 2 / 0.2 = (0.5 + 0.9) / 0.4 = 3.5 s.
    found = waiting([Arrivals(0.5, 1.0, 0.0), Arrivals(0.1, 3.0, 0.0)], 1)
    assert [each.mean_s for each in found] == [pytest.approx(3.5)] * 2


def test_a_batch_of_four_at_one_server_by_hand() -> None:
    batch = batch_of([0.0, 0.0, 0.0, 0.0, 1.0])
    assert batch.position == (0.25, 0.25, 0.25, 0.25)
    assert batch.ahead == 1.5
    # M^X/M/1, rho = 0.5: M/M/1 waits 1 s; batches add E[calls ahead in the batch] s / (1 - rho) = 1.5 / 0.5 = 3 s.
    (found,) = waiting([poisson(0.5, batch=batch)], 1)
    assert found.mean_s == pytest.approx(4.0)
    # Nobody else there: the calls wait 0, 1, 2, 3 s for each other.
    (alone,) = waiting([poisson(1e-9, batch=batch)], 1)
    assert (alone.mean_s, alone.probability) == (pytest.approx(1.5), pytest.approx(0.75))
    # As many slots as calls, nobody else there: nobody waits.
    (wide,) = waiting([poisson(1e-9, batch=batch)], 4)
    assert wide.mean_s == pytest.approx(0.0, abs=1e-8)


def test_batches_of_different_sizes() -> None:
    # Sizes 0, 1, 3 with 0.5, 0.25, 0.25: a call is 1st with (0.25 + 0.25) / 1, 2nd and 3rd with 0.25 / 1 each.
    assert batch_of([0.5, 0.25, 0.0, 0.25]).position == pytest.approx((0.5, 0.25, 0.25))
    assert batch_of([1.0]) == ALONE


def exact_wait_s(batches_per_s: float, sizes: Sequence[float], servers: int) -> float:
    """Of M^X/M/c with s = 1 s, by level crossings: min(n + 1, c) p[n+1] = r sum over k <= n of p[k] P(X > n - k)."""
    beyond = np.array([math.fsum(sizes[j + 1 :]) for j in range(len(sizes))])
    p = np.zeros(3000)
    p[0] = 1.0
    for n in range(len(p) - 1):
        k = np.arange(max(0, n - len(sizes) + 1), n + 1)
        p[n + 1] = batches_per_s * (p[k] * beyond[n - k]).sum() / min(n + 1, servers)
        if p[n + 1] > 1e200:
            p /= p[n + 1]
    p /= p.sum()
    waiting_calls = (np.maximum(np.arange(len(p)) - servers, 0) * p).sum()
    return float(waiting_calls / (batches_per_s * math.fsum(n * q for n, q in enumerate(sizes))))


@pytest.mark.parametrize("utilisation", [0.2, 0.5, 0.8, 0.95])
@pytest.mark.parametrize("servers", [1, 2, 4, 8, 16, 64])
@pytest.mark.parametrize("size", [4, 16])
def test_waiting_of_batches_is_near_the_exact_chain_where_it_matters(
    servers: int, size: int, utilisation: float
) -> None:
    sizes = [0.0] * size + [1.0]
    exact = exact_wait_s(utilisation * servers / size, sizes, servers)
    (found,) = waiting([poisson(utilisation * servers, batch=batch_of(sizes))], servers)
    # Over by at most 35% and under by at most 10%, or both below a tenth of a service time.
    assert 0.9 * exact <= found.mean_s <= 1.35 * exact or max(exact, found.mean_s) < 0.1
    if servers == 1:
        assert found.mean_s == pytest.approx(exact, rel=1e-6)


classes = st.lists(
    st.builds(
        Arrivals,
        calls_per_s=st.floats(0.01, 5.0),
        slot_s=st.floats(0.01, 5.0),
        sd_s=st.floats(0.0, 5.0),
        cv2=st.floats(0.2, 4.0),
        batch=st.sampled_from([ALONE, batch_of([0, 0, 1.0]), batch_of([0.2, 0.2, 0.2, 0.2, 0.2])]),
    ),
    min_size=1,
    max_size=3,
)


def scaled(arrivals: Sequence[Arrivals], factor: float) -> list[Arrivals]:
    return [Arrivals(a.calls_per_s * factor, a.slot_s, a.sd_s, a.cv2, a.batch) for a in arrivals]


@given(classes, st.integers(1, 40), st.floats(0.05, 0.98), st.floats(0.01, 0.9))
def test_waiting_grows_with_load_and_falls_with_replicas(
    arrivals: list[Arrivals], servers: int, utilisation: float, lower: float
) -> None:
    full = scaled(arrivals, utilisation * servers / offered_slots(arrivals))
    at_load = waiting(full, servers)
    for less, more in zip(waiting(scaled(full, lower), servers), at_load, strict=True):
        assert less.mean_s <= more.mean_s * (1 + 1e-9)
        assert less.probability <= more.probability * (1 + 1e-9)
    for one, two in zip(at_load, waiting(full, 2 * servers), strict=True):
        assert two.mean_s <= one.mean_s * (1 + 1e-9)
        assert two.probability <= one.probability * (1 + 1e-9)
        assert 0.0 <= one.probability <= 1.0


@given(classes, st.integers(1, 40))
def test_waiting_explodes_at_saturation(arrivals: list[Arrivals], servers: int) -> None:
    near = waiting(scaled(arrivals, 0.99 * servers / offered_slots(arrivals)), servers)
    nearer = waiting(scaled(arrivals, 0.9999 * servers / offered_slots(arrivals)), servers)
    for one, two in zip(near, nearer, strict=True):
        # 1 / (1 - rho) is 100 times as large; what a call waits for its own batch hardly grows.
        assert two.mean_s > 20 * one.mean_s
    over = waiting(scaled(arrivals, 1.0001 * servers / offered_slots(arrivals)), servers)
    assert all(math.isinf(each.mean_s) for each in over)


def test_a_queue_without_calls_waits_for_nothing() -> None:
    assert [each.mean_s for each in waiting([poisson(0.0), Arrivals(1.0, 0.0, 0.0)], 1)] == [0.0, 0.0]
    assert waiting([], 3) == ()
