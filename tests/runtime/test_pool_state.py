"""The queue of a replica: slots, first come first served, waits by the clock of whoever drives it."""

import pytest

from runtime.pool_state import Arrived, Left, PoolState, Start


def test_calls_start_while_slots_are_free_and_then_wait_in_order() -> None:
    pool = PoolState(slots=2)
    assert pool.on(Arrived("a"), 0.0) == [Start("a", 0.0)]
    assert pool.on(Arrived("b"), 1.0) == [Start("b", 0.0)]
    assert pool.on(Arrived("c"), 2.0) == []
    assert pool.on(Arrived("d"), 2.5) == []
    assert pool.waiting == 2
    assert pool.on(Left("b"), 6.0) == [Start("c", 4.0)]  # 6 - 2
    assert pool.on(Left("a"), 7.0) == [Start("d", 4.5)]  # 7 - 2.5
    assert pool.on(Left("c"), 8.0) == []


def test_a_call_that_gives_up_waiting_leaves_the_queue() -> None:
    pool = PoolState(slots=1)
    for key in "abc":
        pool.on(Arrived(key), 0.0)
    assert pool.on(Left("b"), 1.0) == []
    assert pool.on(Left("a"), 2.0) == [Start("c", 2.0)]


def test_leaving_twice_frees_one_slot() -> None:
    pool = PoolState(slots=1)
    for key in "abc":
        pool.on(Arrived(key), 0.0)
    assert [start.key for start in pool.on(Left("a"), 1.0)] == ["b"]
    assert pool.on(Left("a"), 1.0) == []


def test_a_wait_is_never_negative() -> None:
    pool = PoolState(slots=1)
    pool.on(Arrived("a"), 0.0)
    pool.on(Arrived("later on another run's clock"), 9.0)
    assert pool.on(Left("a"), 5.0)[0].waited_s == 0.0


def test_a_replica_needs_a_slot() -> None:
    with pytest.raises(ValueError, match="at least one slot, got 0"):
        PoolState(0)
