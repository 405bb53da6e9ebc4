"""The provisioned problem: many agents share pools of replicas that are paid by the hour, whether busy or not.

Each agent keeps the metered problem's structure (operators, blocks, transfers, choices, one SLA), so that the judge and
the program of one agent serve here too; what is new is the load that the agents put on pools together, the waiting that
it causes, and how many replicas that takes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from ir.sla import Sla
from placement.problem import DeviceCapacity, Placement, Pool, Problem


@dataclass(frozen=True, slots=True)
class Level:
    """A pool run one way: `slots` calls at once on each replica (a decode batch, a core's one), of which a share of at
    most `cap` is busy on average.

    A replica is `pool.tp` devices; `usd_per_hour`, `watts` (at the meter, PUE included) and `gco2e_per_hour` are those
    of a replica while it is provisioned. Two levels of one pool are replicas apart. `tenant`: only that tenant's agents
    may use it; None: anybody's. `keeps`: each replica keeps the KV of so many calls between the turns of a react; a
    turn goes to the replica of the turn before, so that each has a queue of its own. 0: any replica takes any call.
    """

    pool: Pool
    slots: int
    cap: float
    usd_per_hour: float
    watts: float = 0.0
    gco2e_per_hour: float = 0.0
    tenant: str | None = None
    keeps: int = 0


@dataclass(frozen=True, slots=True)
class Loading:
    """On a level whose models take turns: the visit's model, and the seconds to load it where another is there.

    `continues`: the visit goes on with a call that has begun here, as tokens do after their prompt. `probability` of
    finding another model depends on what else comes here; it is 0 until `placement.held` has worked it out.
    """

    model: str
    seconds: float
    continues: bool = False
    probability: float = 0.0


@dataclass(frozen=True, slots=True)
class Service:
    """One visit of an operator by one of its options: `slot_s` mean seconds in a slot, `sd_s` the visit's deviation.

    Without queueing. `outside_s` are seconds of the visit that hold no slot, such as a tool's wait for a service: they
    count in latency, not in load. The option's own `latency_s` equals `slot_s + outside_s`, and its `cost_usd` is only
    what a call costs beside the pool (a fee, a charge for traffic). All three are estimates; `factor` is how much
    longer they may be when limits are checked, None for the problem's margin. `loading` is set on levels whose models
    take turns; what it takes on average depends on what else comes there, and is added by `placement.held`.
    """

    slot_s: float
    sd_s: float
    outside_s: float = 0.0
    factor: float | None = None
    loading: Loading | None = None

    @property
    def visit_s(self) -> float:
        """Mean seconds of the whole visit."""
        return self.slot_s + self.outside_s

    @property
    def slot_sd_s(self) -> float:
        """Deviation of the time in the slot: both parts of a visit are taken to grow alike."""
        return self.sd_s * self.slot_s / self.visit_s if self.visit_s else 0.0

    def factor_at(self, margin: float) -> float:
        """What times are multiplied by when limits are checked: its own factor, or the margin where it has none."""
        return margin if self.factor is None else self.factor

    def held(self, margin: float) -> Service:
        """The same visit with all its times, the deviation and a load too, multiplied by the factor."""
        factor = self.factor_at(margin)
        loading = None if self.loading is None else replace(self.loading, seconds=factor * self.loading.seconds)
        return Service(factor * self.slot_s, factor * self.sd_s, factor * self.outside_s, 1.0, loading)


@dataclass(frozen=True, slots=True)
class FirstOutput:
    """A limit on the seconds from a run's start to its first output.

    `sources` are (operator, items): the output of an operator comes in so many items, evenly over its time in a slot.
    The output is there when the first items of all that run are: sources are the parts of one value, or ways to it of
    which one runs. Inside a loop that of its last pass counts, inside a fan-out that of its last item. Runs without any
    of them have no first output and do not count.
    """

    sla: Sla
    sources: tuple[tuple[int, float], ...]


@dataclass(frozen=True, slots=True)
class CallLimit:
    """Limits of one model call: `prefill` and `decode` are its operators, `tokens` the tokens that decode makes.

    `ttft`: from the call's beginning to its first token, that is waiting for and doing the prefill, moving the KV,
    waiting for the decode and one token of it. `token_time_s`: what one token of decode takes at most. Levels that
    break the latter are left out when options are made; the judge looks again.
    """

    prefill: int
    decode: int
    tokens: float
    ttft: Sla | None = None
    token_time_s: float | None = None


@dataclass(frozen=True, slots=True)
class AgentLoad:
    """An agent with `rate_per_s` runs a second, Poisson unless `arrival_cv2` (squared deviation over mean) says more.

    `problem.pools` are the pools of the levels, in their order, so that an option's `pool` is its level. `services`
    [operator][option] belong to `problem.operators`. A soft SLA's `penalty_usd_per_s` is paid by every run.
    """

    problem: Problem
    rate_per_s: float
    services: tuple[tuple[Service, ...], ...]
    arrival_cv2: float = 1.0
    tenant: str | None = None
    first_output: FirstOutput | None = None
    calls: tuple[CallLimit, ...] = ()

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

    `margin` multiplies every service time without a factor of its own when limits are checked: plans hold although
    estimates are off by so much.
    """

    name: str
    levels: tuple[Level, ...]
    agents: tuple[AgentLoad, ...]
    capacities: tuple[DeviceCapacity, ...]
    budget: Budget = Budget()
    margin: float = 1.0


Routes = Mapping[tuple[int, int], Mapping[int, float]]
"""(agent, operator) -> the share of runs that each of its options serves; the shares are over 0 and sum to 1."""


@dataclass(frozen=True, slots=True)
class SharedPlacement:
    """A decision: one placement for each agent, in order, and the replicas of each level.

    `routes` split operators over several options, the one in `agents` being among them; all others use that one alone.
    A run keeps its route. Operators of a group keep it together, so that their routes are the same levels and shares;
    other operators choose apart from each other.
    """

    agents: tuple[Placement, ...]
    replicas: tuple[int, ...]
    routes: Routes = field(default_factory=dict["tuple[int, int]", "Mapping[int, float]"])
