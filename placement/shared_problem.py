"""The provisioned problem: many agents share pools of replicas that are paid by the hour, whether busy or not.

Each agent keeps the metered problem's structure (operators, blocks, transfers, choices, one SLA), so that the judge and
the program of one agent serve here too; what is new is the load that the agents put on pools together, the waiting that
it causes, and how many replicas that takes.
"""

from __future__ import annotations

from dataclasses import dataclass

from placement.problem import DeviceCapacity, Placement, Pool, Problem


@dataclass(frozen=True, slots=True)
class Level:
    """A pool run one way: `slots` calls at once on each replica (a decode batch, a core's one), of which a share of at
    most `cap` is busy on average.

    A replica is `pool.tp` devices; `usd_per_hour`, `watts` (at the meter, PUE included) and `gco2e_per_hour` are those
    of a replica while it is provisioned. Two levels of one pool are replicas apart. `tenant`: only that tenant's agents
    may use it; None: anybody's.
    """

    pool: Pool
    slots: int
    cap: float
    usd_per_hour: float
    watts: float = 0.0
    gco2e_per_hour: float = 0.0
    tenant: str | None = None


@dataclass(frozen=True, slots=True)
class Service:
    """One visit of an operator by one of its options: `slot_s` mean seconds in a slot, `sd_s` the visit's deviation.

    Without queueing. `outside_s` are seconds of the visit that hold no slot, such as a tool's wait for a service: they
    count in latency, not in load. The option's own `latency_s` equals `slot_s + outside_s`, and its `cost_usd` is only
    what a call costs beside the pool (a fee, a charge for traffic).
    """

    slot_s: float
    sd_s: float
    outside_s: float = 0.0


@dataclass(frozen=True, slots=True)
class AgentLoad:
    """An agent with `rate_per_s` runs a second, Poisson unless `arrival_cv2` (squared deviation over mean) says more.

    `problem.pools` are the pools of the levels, in their order, so that an option's `pool` is its level. `services`
    [operator][option] belong to `problem.operators`.
    """

    problem: Problem
    rate_per_s: float
    services: tuple[tuple[Service, ...], ...]
    arrival_cv2: float = 1.0
    tenant: str | None = None

    @property
    def name(self) -> str:
        """The agent."""
        return self.problem.name


@dataclass(frozen=True, slots=True)
class Budget:
    """Upper limits of all replicas together; None: no such limit."""

    usd_per_hour: float | None = None
    watts: float | None = None
    gco2e_per_hour: float | None = None


@dataclass(frozen=True, slots=True)
class SharedProblem:
    """The whole table. Every agent's `problem.capacities` are empty: `capacities` hold for all replicas together.

    `margin` multiplies every service time when limits are checked: plans hold although estimates are off by so much.
    """

    name: str
    levels: tuple[Level, ...]
    agents: tuple[AgentLoad, ...]
    capacities: tuple[DeviceCapacity, ...]
    budget: Budget = Budget()
    margin: float = 1.0


@dataclass(frozen=True, slots=True)
class SharedPlacement:
    """A decision: one placement for each agent, in order, and the replicas of each level."""

    agents: tuple[Placement, ...]
    replicas: tuple[int, ...]
