"""What a plan needs of a Ray cluster, and whether the cluster has it; checked before any actor is made.

Ray lets an actor that asks for a missing resource wait for ever, without a word.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from placement.plan import Plan, PlanPool


@dataclass(frozen=True, slots=True)
class NodeResources:
    """One machine of a cluster: how many of each resource it has in all."""

    node: str
    total: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class ReplicaPlace:
    """One actor: its name, what it takes of its device class, how many calls it runs at once, and its node if that is
    fixed."""

    name: str
    pool: PlanPool
    devices: int
    slots: int
    node: str | None


def needs(plan: Plan) -> dict[str, float]:
    """Devices of each class that a plan's pools take."""
    wanted: dict[str, float] = {}
    for pool in plan.pools:
        wanted[pool.device] = wanted.get(pool.device, 0.0) + pool.replicas * pool.tp
    return wanted


def shortage(wanted: Mapping[str, float], total: Mapping[str, float], free: Mapping[str, float]) -> str | None:
    """What is missing, as one message with the remedy; None when everything is there and free."""
    lacking = {device: count for device, count in wanted.items() if total.get(device, 0.0) < count}
    if lacking:
        told = ", ".join(f"{count:g} {device} (it has {total.get(device, 0.0):g})" for device, count in lacking.items())
        example = ", ".join(f'"{device}": {count:g}' for device, count in lacking.items())
        return (
            f"the Ray cluster lacks devices that the plan needs: {told}; start its nodes with "
            f"--resources='{{{example}}}' or plan for a fleet that the cluster has"
        )
    taken = {device: count for device, count in wanted.items() if free.get(device, 0.0) < count}
    if taken:
        told = ", ".join(f"{count:g} {device} ({free.get(device, 0.0):g} free)" for device, count in taken.items())
        return f"other actors hold devices that the plan needs: {told}; close the executors that hold them"
    return None


def unplaceable(plan: Plan, nodes: Sequence[NodeResources]) -> str | None:
    """A pool whose replica needs more devices of one machine than any machine has; None when all fit."""
    for pool in plan.pools:
        largest = max((node.total.get(pool.device, 0.0) for node in nodes), default=0.0)
        if pool.engine != "cpu" and pool.tp > largest:
            return (
                f"a replica of pool {pool.id!r} needs {pool.tp} {pool.device} in one machine, the largest has "
                f"{largest:g}; plan with a smaller tensor parallel degree"
            )
    return None


def places(plan: Plan, nodes: Sequence[NodeResources]) -> list[ReplicaPlace]:
    """The actors of a plan: one for each replica; for a pool of CPU cores one for each machine, with its cores as
    slots."""
    free = {node.node: dict(node.total) for node in nodes}
    found: list[ReplicaPlace] = []
    for pool in plan.pools:
        found += _core_places(pool, free) if pool.engine == "cpu" else _device_places(pool)
    return found


def _device_places(pool: PlanPool) -> list[ReplicaPlace]:
    return [
        ReplicaPlace(_name(pool, replica), pool, devices=pool.tp, slots=pool.batch, node=None)
        for replica in range(pool.replicas)
    ]


def _core_places(pool: PlanPool, free: Mapping[str, dict[str, float]]) -> list[ReplicaPlace]:
    left = pool.replicas
    found: list[ReplicaPlace] = []
    for node, resources in free.items():
        count = min(left, int(resources.get(pool.device, 0.0)) // pool.tp)
        if count == 0:
            continue
        resources[pool.device] -= count * pool.tp
        left -= count
        name = _name(pool, len(found))
        found.append(ReplicaPlace(name, pool, devices=count * pool.tp, slots=count * pool.batch, node=node))
    return found


def _name(pool: PlanPool, replica: int) -> str:
    """`device/pool/replica`; a pool's id usually begins with its device already."""
    prefix = "" if pool.id.startswith(f"{pool.device}/") else f"{pool.device}/"
    return f"{prefix}{pool.id}/{replica}"
