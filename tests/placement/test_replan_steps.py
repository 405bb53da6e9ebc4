"""The order of steps: adds before removals wherever the devices allow it."""

from hypothesis import given
from hypothesis import strategies as st

from placement.replan_steps import PoolUse, Step, steps


def test_what_is_added_starts_and_takes_over_before_what_is_removed_drains_and_stops() -> None:
    pools = {"old": PoolUse("gpu", 1, 1, 0), "new": PoolUse("gpu", 2, 0, 1), "same": PoolUse("gpu", 1, 1, 1)}
    assert steps(pools, [("decode", "new")], {"gpu": 4}) == (
        Step("start", "new"),
        Step("route", "new", "decode"),
        Step("drain", "old"),
        Step("stop", "old"),
    )


def test_a_replica_that_fits_only_in_the_place_of_another_waits_for_its_end_and_says_so() -> None:
    pools = {"old": PoolUse("gpu", 1, 1, 0), "new": PoolUse("gpu", 1, 0, 1)}
    assert steps(pools, [("decode", "new")], {"gpu": 1}) == (
        Step("drain", "old", interrupts=True),
        Step("stop", "old", interrupts=True),
        Step("start", "new"),
        Step("route", "new", "decode"),
    )


def test_what_the_devices_left_do_not_hold_is_lost_and_stops_at_once() -> None:
    # Two replicas of two devices each ran; with three devices left one of them is lost.
    pools = {"old": PoolUse("gpu", 2, 2, 1), "new": PoolUse("cpu", 1, 0, 1)}
    assert steps(pools, [("decode", "new")], {"gpu": 3, "cpu": 1}) == (
        Step("stop", "old", interrupts=True),
        Step("start", "new"),
        Step("route", "new", "decode"),
    )


@given(
    st.lists(
        st.tuples(st.sampled_from(["a", "b"]), st.integers(1, 3), st.integers(0, 3), st.integers(0, 3)), max_size=5
    ),
    st.integers(0, 9),
)
def test_devices_are_never_exceeded_and_the_end_is_what_was_asked(
    rows: list[tuple[str, int, int, int]], spare: int
) -> None:
    pools = {f"pool{index}": PoolUse(*row) for index, row in enumerate(rows)}
    needed = {device: sum(p.tp * p.after for p in pools.values() if p.device == device) for device in ("a", "b")}
    counts = {device: count + spare for device, count in needed.items()}
    running = {name: pool.before for name, pool in pools.items()}
    began = False
    for step in steps(pools, (), counts):
        began = began or not (step.kind == "stop" and step.interrupts)
        if step.kind in ("start", "stop"):
            running[step.pool] += step.replicas if step.kind == "start" else -step.replicas
        used = {device: sum(p.tp * running[n] for n, p in pools.items() if p.device == device) for device in ("a", "b")}
        assert not began or step.kind != "start" or all(used[device] <= counts[device] for device in used)
    assert running == {name: pool.after for name, pool in pools.items()}
