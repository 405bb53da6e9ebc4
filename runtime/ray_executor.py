"""Runs plans on Ray: makes the replicas of a plan once and carries out many runs on them at the same time.

`run` is one run from nothing to nothing; a server keeps a `RayExecutor` warm. Code of ours must be installed wherever
the actors run; the user's code is read from `RunOptions.root`, which a cluster gets as Ray's working directory.
"""

from __future__ import annotations

import asyncio
import os
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from time import perf_counter
from typing import Any, cast

from placement.plan import Plan
from runtime.actors import new_actor, settings_of
from runtime.drivers import DRIVERS
from runtime.drivers.driver import Call, Outcome
from runtime.errors import FunctionError, ProgramError, SessionError
from runtime.event_log import EventLog, MemoryEventLog
from runtime.events import Json
from runtime.failure import Failure
from runtime.flow import First, Flow
from runtime.functions import check_sources
from runtime.program import compile
from runtime.ray_resources import ReplicaPlace, needs, places, unplaceable
from runtime.ray_session import RaySession, open_session, ray
from runtime.router import Router
from runtime.run_loop import OnEvent, RunLoop, RunSetup
from runtime.run_options import RunOptions
from runtime.trace import RunReport, Served


@dataclass(slots=True)
class _Replica:
    """An actor and how many times it was made; a dead one is replaced by the next."""

    place: ReplicaPlace
    actor: Any
    simulated: bool
    wall_s_per_virtual_s: float
    generation: int = 1


def run(plan: Plan, inputs: Mapping[str, Json], options: RunOptions) -> RunReport:
    """Start what the plan needs, run it once and give everything back.

    Raises a `runtime.errors.RuntimeProblem` before anything has run; what goes wrong in the run is in the report.
    """
    executor = RayExecutor(plan, options)
    try:
        executor.start()
        return asyncio.run(executor.execute(inputs))
    finally:
        executor.close()


class RayExecutor:
    """The replicas of one plan, kept warm. `start` and `close` block; `execute` may be awaited many times at once."""

    def __init__(self, plan: Plan, options: RunOptions, log: EventLog | None = None) -> None:
        self.plan = plan
        self.options = options
        self.log: EventLog = log if log is not None else MemoryEventLog()
        self._program = compile(plan)
        self._session: RaySession | None = None
        self._replicas: dict[str, list[_Replica]] = {}
        self._calls: dict[str, _Replica] = {}
        self._runs: dict[str, RunLoop] = {}
        self._namespace = f"orchestrator-{uuid.uuid4().hex[:12]}"
        self._router: Router | None = None
        self._begun_s = perf_counter()

    @property
    def dashboard_url(self) -> str | None:
        """Where Ray's dashboard is, when this process started it. Its pages ask for the token of `ray
        get-auth-token`."""
        return None if self._session is None else self._session.dashboard_url

    def start(self) -> None:
        """Check code, drivers and devices, then make the replicas and wait until they are ready.

        Raises `FunctionError` (changed or broken source), `ProgramError` (a driver that is not there) or `SessionError`
        (no cluster, too few devices).
        """
        check_sources(self.plan, self.options.root)
        self._check_drivers()
        wanted = needs(self.plan)
        self._session = session = open_session(wanted, self.options)
        try:
            session.check(wanted)
            nodes = session.nodes()
            problem = unplaceable(self.plan, nodes)
            if problem is not None:
                raise SessionError(problem)
            for place in places(self.plan, nodes):
                self._replicas.setdefault(place.pool.id, []).append(self._new(place, session, 1))
            self._await_ready()
        except BaseException:
            self.close()
            raise
        slots = {pool: [replica.place.slots for replica in replicas] for pool, replicas in self._replicas.items()}
        self._router = Router(
            [each.routes for each in self._program.operators],
            slots,
            [each.group for each in self._program.operators],
            {route.pool for each in self._program.operators if each.continues for route in each.routes},
        )

    async def execute(
        self, inputs: Mapping[str, Json], *, run_id: str | None = None, on_event: OnEvent | None = None
    ) -> RunReport:
        """One run. `on_event` gets each record after it was logged. Raises `InputError` for inputs that do not fit."""
        router = self._router
        if router is None:
            raise SessionError("the executor has not been started; call start() first")
        name = run_id or f"run-{uuid.uuid4().hex[:12]}"
        if name in self._runs:
            raise ValueError(f"a run named {name!r} is under way; give each run its own run_id")
        origin_s = (perf_counter() - self._begun_s) / self.options.time_scale
        setup = RunSetup(name, origin_s, self.options, self.log, on_event, self._notes())
        loop = self._runs[name] = RunLoop(self._program, self, setup)
        try:
            return await loop.run(inputs)
        finally:
            del self._runs[name]
            router.forget(name)

    def answer(self, run_id: str, instance: str, value: Json) -> None:
        """Answer the question of a run. Raises `KeyError` for a run that is not under way or does not ask it."""
        self._runs[run_id].answer(instance, value)

    def cancel(self, run_id: str) -> None:
        """End a run as `cancelled`. Raises `KeyError` for a run that is not under way."""
        self._runs[run_id].cancel()

    def close(self) -> None:
        """End the replicas; the last executor of this process ends a Ray that was started here."""
        for replica in (each for replicas in self._replicas.values() for each in replicas):
            ray.kill(replica.actor)
        self._replicas = {}
        self._router = None
        if self._session is not None:
            self._session.close()
            self._session = None

    async def serve(self, operator: int, call: Call, flow: Flow) -> Served:
        """Have a replica do a call. A replica that dies is replaced, and its call has failed as `lost`."""
        assert self._router is not None, "execute() runs only after start()"
        pool, index = self._router.route(operator, call.run, call.react)
        replica = self._replicas[pool][index]
        self._calls[call.key] = replica
        begun = perf_counter()
        overhead_s = 0.0
        supplying = asyncio.create_task(_supplied(replica.actor, call, flow)) if call.streams else None
        try:
            outcome = await _outcome(replica.actor, call, flow, begun)
            overhead_s = max(0.0, perf_counter() - begun - outcome.held_s)
        except ray.exceptions.RayActorError as error:
            took_s = (perf_counter() - begun) / replica.wall_s_per_virtual_s
            failure = Failure("lost", type(error).__name__, f"replica {replica.place.name} died: {_first_line(error)}")
            outcome = Outcome(None, failure, 0.0, took_s)
            self._replace(replica)
        finally:
            if supplying is not None:
                supplying.cancel()
            self._router.done(pool, index)
            self._calls.pop(call.key, None)
        return Served(
            pool=pool,
            replica=replica.place.name,
            device=replica.place.pool.device,
            driver=replica.place.pool.driver,
            simulated=replica.simulated,
            queued_s=outcome.queued_s,
            duration_s=outcome.duration_s,
            overhead_s=overhead_s,
            failure=outcome.failure,
            value=outcome.value,
            parts=outcome.parts,
            first_s=outcome.first_s,
        )

    def stop(self, key: str) -> None:
        """Tell the replica of a call to stop it."""
        replica = self._calls.get(key)
        if replica is not None:
            replica.actor.cancel.remote(key)

    def _new(self, place: ReplicaPlace, session: RaySession, generation: int) -> _Replica:
        settings = settings_of(place, self.plan, session, self.options)
        driver = DRIVERS[place.pool.driver](settings)
        name = place.name if generation == 1 else f"{place.name} ({generation})"
        actor = new_actor(place, settings, name=name, namespace=self._namespace)
        return _Replica(place, actor, driver.simulated, driver.wall_s_per_virtual_s, generation)

    def _replace(self, dead: _Replica) -> None:
        """Make a new actor for a dead one; several calls notice the same death."""
        replicas = self._replicas.get(dead.place.pool.id, [])
        if self._session is not None and dead in replicas:
            replicas[replicas.index(dead)] = self._new(dead.place, self._session, dead.generation + 1)

    def _await_ready(self) -> None:
        every = [replica for replicas in self._replicas.values() for replica in replicas]
        starts = {replica.actor.start.remote(): replica.place.name for replica in every}
        ready, waiting = ray.wait(list(starts), num_returns=len(starts), timeout=self.options.start_limit_s)
        for start in ready:
            _check_started(start, starts[start])
        if waiting:
            names = ", ".join(starts[start] for start in waiting)
            limit_s = self.options.start_limit_s
            raise SessionError(f"not ready after {limit_s:g} s: {names}; see Ray's logs, or raise start_limit_s")

    def _check_drivers(self) -> None:
        for pool in self.plan.pools:
            if pool.driver not in DRIVERS:
                raise ProgramError(
                    f"pool {pool.id!r} asks for the driver {pool.driver!r}; there are {', '.join(sorted(DRIVERS))}: "
                    "name one of them in the fleet"
                )

    def _notes(self) -> tuple[str, ...]:
        """What makes this run's times differ from the plan's for a reason that the plan cannot know."""
        cores = os.cpu_count() or 1
        promised = sum(pool.replicas for pool in self.plan.pools if pool.driver == "cpu")
        if self.options.address is None and promised > cores:
            return (f"the plan has {promised} CPU cores, this machine {cores}: measured times may be longer",)
        return ()


async def _outcome(actor: Any, call: Call, flow: Flow, begun: float) -> Outcome:
    """Do a call; where it gives a stream, its first item is told with the overhead of the messages so far."""
    if call.items is None:
        return cast(Outcome, await actor.call.remote(call))
    async for reference in actor.stream.remote(call):
        part = cast("First | Outcome", await reference)
        if isinstance(part, Outcome):
            return part
        flow.tell_first(part.after_s + max(0.0, perf_counter() - begun - part.held_s))
    raise SessionError(f"the replica of {call.key} ended its stream without an outcome")


async def _supplied(actor: Any, call: Call, flow: Flow) -> None:
    """Hand on the whole of what a call reads item by item, once it is there."""
    await actor.supply.remote(call.key, await flow.whole)


def _check_started(start: Any, name: str) -> None:
    try:
        ray.get(start)
    except ray.exceptions.RayTaskError as error:
        cause = getattr(error, "cause", None)
        if isinstance(cause, FunctionError):
            raise FunctionError(str(cause)) from None
        raise SessionError(f"replica {name} could not start: {cause}") from None
    except ray.exceptions.RayActorError as error:
        raise SessionError(f"replica {name} died while it started: {_first_line(error)}") from None


def _first_line(error: Exception) -> str:
    return str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
