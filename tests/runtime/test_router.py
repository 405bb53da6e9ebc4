"""Shares of pools and loads of replicas."""

from hypothesis import given
from hypothesis import strategies as st

from placement.plan import Route
from runtime.router import Replicas, Router


def test_pools_get_calls_by_their_shares() -> None:
    router = Router([[Route(pool="big", share=0.75), Route(pool="small", share=0.25)]], {"big": [1], "small": [1]})
    served = [router.route(0, f"run{number}")[0] for number in range(8)]
    # Who is furthest behind share x calls: big .75, tie .5 (the first), small .75, big 1; then again from the start.
    assert served == ["big", "big", "small", "big"] * 2


def test_a_run_keeps_its_route_and_a_group_takes_one() -> None:
    routes = [Route(pool="big", share=0.5), Route(pool="small", share=0.5)]
    router = Router([routes, routes, routes], {"big": [1], "small": [1]}, ["kv", None, "kv"])
    assert [router.route(0, "a")[0] for _ in range(3)] == ["big"] * 3
    assert router.route(0, "b")[0] == "small"
    # Of the group the first call chose; the other operator chooses by its own shares.
    assert [router.route(2, run)[0] for run in "ab"] == ["big", "small"]
    assert [router.route(1, run)[0] for run in "ba"] == ["big", "small"]
    router.forget("b")
    assert router.route(2, "b")[0] == "big", "a run that has ended is as new"


def test_the_turns_of_a_react_stay_on_a_replica_that_keeps_their_kv() -> None:
    routes = [Route(pool="kept", share=1.0)]
    router = Router([routes, routes], {"kept": [1, 1, 1]}, keeps={"kept"})
    assert router.route(0, "a", "r") == ("kept", 0)
    assert router.route(0, "a", "items[1]/r") == ("kept", 1), "another react of the run has KV of its own"
    router.done("kept", 0)
    assert router.route(1, "b", "r") == ("kept", 0), "a react that begins goes where the load is least"
    # Replicas 0 and 1 have a call each and 2 none, but the KV of the turn is on 0.
    assert router.route(1, "a", "r") == ("kept", 0)
    router.forget("a")
    assert router.route(0, "a", "r") == ("kept", 2)


def test_the_replica_with_the_fewest_calls_per_slot_is_next() -> None:
    replicas = Replicas([1, 2])
    assert [replicas.take() for _ in range(4)] == [0, 1, 1, 0]  # loads 0 0 | 1 0 | 1 1/2 | 1 1
    replicas.give_back(1)
    assert replicas.take() == 1


@given(st.lists(st.booleans(), max_size=60))
def test_no_replica_is_ever_two_calls_ahead_when_all_calls_come_and_go_evenly(arrivals: list[bool]) -> None:
    replicas, held = Replicas([1, 1, 1]), [0, 0, 0]
    for arrives in arrivals:
        if arrives:
            least = min(held)
            index = replicas.take()
            assert held[index] == least
            held[index] += 1
        elif any(held):
            index = held.index(max(held))
            replicas.give_back(index)
            held[index] -= 1
