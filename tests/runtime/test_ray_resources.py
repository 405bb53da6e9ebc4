"""What a plan asks of a cluster, and the words when the cluster has it not."""

from typing import Any

from runtime.ray_resources import NodeResources, needs, places, shortage, unplaceable


def plan(plans: Any) -> Any:
    gpu = plans.pool("h100_sxm/llama/tp2/fp16", device="h100_sxm", tp=2, replicas=2, batch=8, engine="continuous")
    return plans.plan([], "1", pools=[plans.pool("cpu/functions", device="cpu", replicas=6), gpu])


def test_needs_are_devices_by_class(plans: Any) -> None:
    assert needs(plan(plans)) == {"cpu": 6.0, "h100_sxm": 4.0}  # 6 cores; 2 replicas x tp 2


def test_a_cluster_with_enough_lacks_nothing() -> None:
    assert shortage({"h100_sxm": 4.0}, {"h100_sxm": 4.0}, {"h100_sxm": 4.0}) is None


def test_missing_devices_are_told_with_the_remedy() -> None:
    told = shortage({"h100_sxm": 4.0, "cpu": 2.0}, {"cpu": 2.0, "h100_sxm": 1.0}, {"cpu": 2.0})
    assert told is not None
    assert "4 h100_sxm (it has 1)" in told
    assert """--resources='{"h100_sxm": 4}'""" in told
    assert "cpu" not in told


def test_devices_in_use_are_told() -> None:
    told = shortage({"h100_sxm": 4.0}, {"h100_sxm": 8.0}, {"h100_sxm": 2.0})
    assert (
        told == "other actors hold devices that the plan needs: 4 h100_sxm (2 free); close the executors that hold them"
    )


def test_a_replica_must_fit_one_machine(plans: Any) -> None:
    nodes = [NodeResources(name, {"h100_sxm": 1.0, "cpu": 8.0}) for name in "abcd"]
    told = unplaceable(plan(plans), nodes)
    assert told is not None
    assert "needs 2 h100_sxm in one machine, the largest has 1" in told
    assert unplaceable(plan(plans), [NodeResources("a", {"h100_sxm": 8.0, "cpu": 1.0})]) is None


def test_one_actor_for_each_device_replica_and_one_for_the_cores_of_a_machine(plans: Any) -> None:
    nodes = [
        NodeResources("a", {"cpu": 4.0, "h100_sxm": 4.0}),
        NodeResources("b", {"h100_sxm": 4.0}),
        NodeResources("c", {"cpu": 8.0}),
    ]
    found = [(place.name, place.devices, place.slots, place.node) for place in places(plan(plans), nodes)]
    assert found == [
        ("cpu/functions/0", 4, 4, "a"),
        ("cpu/functions/1", 2, 2, "c"),
        ("h100_sxm/llama/tp2/fp16/0", 2, 8, None),
        ("h100_sxm/llama/tp2/fp16/1", 2, 8, None),
    ]


def test_two_pools_of_cores_do_not_take_the_same_core(plans: Any) -> None:
    pools = [plans.pool(name, device="cpu", replicas=2) for name in ("one", "two")]
    nodes = [NodeResources("a", {"cpu": 3.0}), NodeResources("b", {"cpu": 3.0})]
    found = [(place.name, place.devices, place.node) for place in places(plans.plan([], "1", pools=pools), nodes)]
    assert found == [("cpu/one/0", 2, "a"), ("cpu/two/0", 1, "a"), ("cpu/two/1", 1, "b")]
