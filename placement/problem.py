"""The placement problem as a frozen table: what may run where, its time and cost, and what waits for what.

Solvers and the judge see only this table, never the IR, the fleet or a cost model, so that each can be tested alone.
Metered mode: a run pays for the time it uses; no replicas and no queueing (every call finds its pool free).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from ir.sla import Sla


@dataclass(frozen=True, slots=True)
class DeviceCapacity:
    """A device class and how many of its devices the fleet has."""

    device: str
    count: int


@dataclass(frozen=True, slots=True)
class Pool:
    """Loaded once and shared by the operators that use it: `tp` devices of a class with one model's weights.

    `place` decides data transfers (equal places exchange data for nothing); `kv_place` decides KV transfers and also
    tells model and KV precision apart, so that a pair that cannot exchange KV has no row. `part` is what the pool holds
    of its model (`attention`: KV and no weights); None: all of it.
    """

    id: str
    device: str
    site: str
    tp: int
    model: str | None
    precision: str | None
    place: str
    kv_place: str
    driver: str = "simulated"
    part: str | None = None


@dataclass(frozen=True, slots=True)
class Option:
    """One way to run an operator: a pool, a batch size, and what one visit takes.

    `latency_s` is the mean time of one visit in seconds; `cost_usd` the cost of one visit. `source` says where the time
    comes from (`calibrated`, `roofline`, `profile`, `prior`); `notes` are assumptions to print. `device_s` is for how
    long a visit holds devices: seconds times devices, over the calls that share them (None: not known). 80 % of
    measurements of such a visit lie between `low_s` and `high_s`; None: no error is known. `parts_s` is what each of
    the operator's members, or each chunk of a prefill, takes of `latency_s`; none where it has none.
    """

    pool: int
    latency_s: float
    cost_usd: float
    batch: int = 1
    source: str = "prior"
    bound_by: str = ""
    notes: tuple[str, ...] = ()
    device_s: float | None = None
    low_s: float | None = None
    high_s: float | None = None
    parts_s: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True)
class Operator:
    """An operator and its rows of the options table.

    `visits` is the mean number of executions per run (given its alternative).
    """

    id: str
    op: str
    visits: float
    options: tuple[Option, ...]
    rejected: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Transfer:
    """Latency and cost of one transfer between two places.

    `overlapped`: it begins while the source still runs, and `latency_s` is an upper bound of what remains after it.
    """

    latency_s: float
    cost_usd: float
    overlapped: bool = False


@dataclass(frozen=True, slots=True)
class Edge:
    """Data (`by="place"`) or KV (`by="kv_place"`) that goes from one operator's pool to another's when `dst` runs.

    `table` maps (source place, destination place) to the transfer; a missing pair is forbidden. `visits` multiplies the
    cost. `items`: the data comes in so many items, more than 1, evenly over the time of `src`, and `dst` may begin at
    the first; None where it waits for the whole. `placement.prepared` says where that counts.
    """

    src: int
    dst: int
    by: Literal["place", "kv_place"]
    size_bytes: float
    visits: float
    table: Mapping[tuple[str, str], Transfer]
    items: float | None = None


@dataclass(frozen=True, slots=True)
class OpNode:
    """One execution of an operator."""

    operator: int


@dataclass(frozen=True, slots=True)
class BranchNode:
    """Exactly one of the blocks runs; `probabilities` sum to 1.

    `id` names the node in the table of counted branches.
    """

    id: str
    probabilities: tuple[float, ...]
    blocks: tuple[Block, ...]


@dataclass(frozen=True, slots=True)
class LoopNode:
    """The block runs one after another, `minimum` to `max_iters` times, `expect` times on average."""

    id: str
    expect: float
    max_iters: int
    block: Block
    minimum: int = 0


@dataclass(frozen=True, slots=True)
class FanoutNode:
    """The block runs for up to `max_width` items at once, `expect` on average.

    Its latency is that of one, its cost that of all.
    """

    id: str
    expect: float
    max_width: int
    block: Block


@dataclass(frozen=True, slots=True)
class ChooseNode:
    """The solver picks one of the named blocks; `choice` indexes `Problem.choices`."""

    choice: int
    blocks: tuple[Block, ...]


Node = OpNode | BranchNode | LoopNode | FanoutNode | ChooseNode


@dataclass(frozen=True, slots=True)
class Block:
    """Nodes with, for each, the positions of the nodes of this block that it waits for (always smaller than its own).

    The block's latency is the latest finish of any node; an empty block takes no time.
    """

    nodes: tuple[Node, ...]
    waits_for: tuple[tuple[int, ...], ...]


@dataclass(frozen=True, slots=True)
class Problem:
    """The whole table.

    `groups` are operators that must use the same pool; `choices` are the names of each choice's alternatives.
    `sla=None` asks for the cheapest plan. `penalty_usd_per_s` makes the SLA soft: each second above the limit costs
    that much.
    """

    name: str
    operators: tuple[Operator, ...]
    pools: tuple[Pool, ...]
    capacities: tuple[DeviceCapacity, ...]
    edges: tuple[Edge, ...]
    root: Block
    choices: tuple[tuple[str, ...], ...] = ()
    groups: tuple[tuple[int, ...], ...] = ()
    sla: Sla | None = None
    penalty_usd_per_s: float | None = None


@dataclass(frozen=True, slots=True)
class Placement:
    """A decision.

    `option[i]` indexes operator i's options (None: its alternative is not taken), `alternative[g]` choice g's blocks.
    """

    option: tuple[int | None, ...]
    alternative: tuple[int, ...]
