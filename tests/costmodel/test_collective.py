import pytest

from costmodel.collective import all_reduce_s
from costmodel.errors import CostError


def test_a_ring_sends_almost_everything_twice() -> None:
    # 2 x 3/4 x 1e9 bytes / 1e11 bytes/s = 15 ms, and 6 hops of 1 us
    assert all_reduce_s(1e9, 4, 1e11, 1e-6) == pytest.approx(0.015 + 6e-6)


def test_one_device_has_nothing_to_add_up() -> None:
    assert all_reduce_s(1e9, 1, 1e11, 1e-6) == 0


def test_latency_grows_with_the_ring_and_bandwidth_does_not() -> None:
    # small messages: 2 (n - 1) hops
    assert all_reduce_s(0, 8, 1e11, 1e-6) == pytest.approx(14e-6)
    # large messages: never more than twice the data
    assert all_reduce_s(1e9, 1000, 1e11, 0) < 2 * 1e9 / 1e11


@pytest.mark.parametrize(
    ("size_bytes", "devices", "bytes_per_s", "latency_s"),
    [(-1, 2, 1, 0), (1, 0, 1, 0), (1, 2, 0, 0), (1, 2, 1, -1)],
)
def test_impossible_rings_are_errors(size_bytes: float, devices: int, bytes_per_s: float, latency_s: float) -> None:
    with pytest.raises(CostError, match="an all-reduce needs at least 1 device"):
        all_reduce_s(size_bytes, devices, bytes_per_s, latency_s)
