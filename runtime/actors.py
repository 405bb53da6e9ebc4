"""Ray actors: one for each device replica, and one for all the cores of a pool on a machine.

An actor costs half a second and tens of megabytes, so there is never one for each operator. Its name,
`device/pool/replica`, is what Ray's dashboard shows.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

from placement.plan import Plan, PlanOperator
from runtime.drivers.driver import Call, DriverSettings, Outcome
from runtime.flow import First, Whole
from runtime.ray_resources import ReplicaPlace
from runtime.ray_session import RaySession, ray
from runtime.replica import Replica
from runtime.run_options import RunOptions

MAX_CALLS = 10_000
"""Calls that one actor holds at once, most of them in its queue."""


class DeviceReplica:
    """The actor: a `Replica` that Ray can call. It lives where its device is."""

    def __init__(self, name: str, settings: DriverSettings) -> None:
        self._name = name
        self._settings = settings
        self._replica: Replica | None = None

    def __repr__(self) -> str:
        return self._name

    async def start(self) -> None:
        """Get ready. Raises `FunctionError`."""
        await self._here().start()

    async def call(self, call: Call) -> Outcome:
        """Do one call; see `Replica.call`."""
        return await self._here().call(call)

    async def stream(self, call: Call) -> AsyncIterator[First | Outcome]:
        """Do one call, telling of its first item; see `Replica.stream`."""
        async for part in self._here().stream(call):
            yield part

    async def supply(self, key: str, whole: Whole) -> None:
        """The rest of what a call reads; see `Replica.supply`."""
        await self._here().supply(key, whole)

    async def cancel(self, key: str) -> None:
        """Stop a call."""
        await self._here().cancel(key)

    async def close(self) -> None:
        """Stop everything that the replica started."""
        if self._replica is not None:
            await self._replica.close()

    def _here(self) -> Replica:
        """The replica, made on the event loop that serves it."""
        if self._replica is None:
            self._replica = Replica(self._settings)
        return self._replica


def new_actor(place: ReplicaPlace, settings: DriverSettings, *, name: str, namespace: str) -> Any:
    """Make the actor of a place; Ray starts it when its devices are free."""
    options: dict[str, Any] = {
        "name": name,
        "namespace": namespace,
        "num_cpus": 0,
        "resources": {place.pool.device: place.devices},
        "max_concurrency": MAX_CALLS,
        "max_restarts": 0,
    }
    if place.node is not None:
        strategy = ray.util.scheduling_strategies.NodeAffinitySchedulingStrategy(place.node, soft=False)
        options["scheduling_strategy"] = strategy
    return ray.remote(DeviceReplica).options(**options).remote(name, settings)


def settings_of(place: ReplicaPlace, plan: Plan, session: RaySession, options: RunOptions) -> DriverSettings:
    """What the driver of a place needs, with the operators that are routed to its pool."""
    return DriverSettings(
        root=session.root,
        pool=place.pool,
        operators=_operators_of(plan, place.pool.id),
        slots=place.slots,
        time_scale=options.time_scale,
        max_result_bytes=options.max_result_bytes,
    )


def _operators_of(plan: Plan, pool: str) -> dict[str, PlanOperator]:
    return {o.id: o for o in plan.operators if any(route.pool == pool for route in o.routes)}
