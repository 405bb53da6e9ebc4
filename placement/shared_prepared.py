"""A shared problem prepared for judging and solving: each agent's tree, and how its calls come in batches.

What does not depend on the placement is worked out once, since searches judge thousands of placements.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from ir.sla import Stat
from placement.counts import items, quantile
from placement.draws import Draws
from placement.prepared import Prepared, inner_blocks, prepare_checked, with_tables
from placement.problem import Block, BranchNode, FanoutNode, OpNode
from placement.quantile import QUANTILE
from placement.queueing import Batch, batch_of
from placement.shared_check import check_shared, with_capacities
from placement.shared_problem import AgentLoad, SharedProblem

_Sizes = tuple[float, ...]
"""[n] the probability that an operator is called n times at once."""

_ONE: _Sizes = (0.0, 1.0)


@dataclass(frozen=True, slots=True)
class PreparedAgent:
    """An agent with its prepared problem, whose capacities are the shared ones.

    By operator: `batches`, with how many others a call arrives; `batch_calls`, the mean size of a batch; `spreads`, by
    how many deviations the slowest of the items of its fan-outs is over the mean, per deviation counted of one call:
    sqrt(2 ln m), at least 1, for m items at once under the SLA's statistic (the growth of the largest of m normal
    variables). `group` is a number that the operators of a group share.
    """

    load: AgentLoad
    prepared: Prepared
    batches: tuple[Batch, ...]
    batch_calls: tuple[float, ...]
    spreads: tuple[float, ...]
    group: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class PreparedShared:
    """A checked problem; `counts` are the devices by class, `draws` the random numbers that its samples share."""

    problem: SharedProblem
    agents: tuple[PreparedAgent, ...]
    counts: Mapping[str, int]
    draws: Draws = field(default_factory=Draws, compare=False, repr=False)


def prepare_shared(problem: SharedProblem) -> PreparedShared:
    """Checks the problem (raises `ProblemError`) and prepares it."""
    check_shared(problem)
    return PreparedShared(
        problem=problem,
        agents=tuple(_agent(agent, problem) for agent in problem.agents),
        counts={row.device: row.count for row in problem.capacities},
    )


def with_options(prepared: PreparedShared, problem: SharedProblem) -> PreparedShared:
    """The same for a problem that differs in its operators' options, with their services, only; it is not checked."""
    rows = zip(prepared.agents, problem.agents, strict=True)
    agents = tuple(
        replace(one, load=load, prepared=with_tables(one.prepared, with_capacities(load, problem)))
        for one, load in rows
    )
    return replace(prepared, problem=problem, agents=agents)


def _agent(agent: AgentLoad, problem: SharedProblem) -> PreparedAgent:
    prepared = prepare_checked(with_capacities(agent, problem))
    operators = len(agent.problem.operators)
    sizes: list[_Sizes] = [_ONE] * operators
    _find_sizes(agent.problem.root, _ONE, sizes)
    widths = [1.0] * operators
    _find_widths(agent.problem.root, 1.0, prepared.stat, widths)
    return PreparedAgent(
        load=agent,
        prepared=prepared,
        batches=tuple(map(batch_of, sizes)),
        batch_calls=tuple(map(_mean_size, sizes)),
        spreads=tuple(max(1.0, math.sqrt(2.0 * math.log(max(1.0, width)))) for width in widths),
        group=groups_of(agent.problem.groups, operators),
    )


def _find_sizes(block: Block, sizes: _Sizes, found: list[_Sizes]) -> None:
    """All operators inside a fan-out are taken to be called for all its items at once: later ones spread out."""
    for node in block.nodes:
        if isinstance(node, OpNode):
            found[node.operator] = sizes
        elif isinstance(node, FanoutNode):
            _find_sizes(node.block, _compound(sizes, items(node)), found)
        elif isinstance(node, BranchNode) and sizes is not _ONE:
            for probability, inner in zip(node.probabilities, node.blocks, strict=True):
                _find_sizes(inner, _compound(sizes, (1.0 - probability, probability)), found)
        else:
            for inner in inner_blocks(node):
                _find_sizes(inner, sizes, found)


def _compound(outer: _Sizes, inner: _Sizes) -> _Sizes:
    """The sizes of a batch each of whose members is a batch of its own."""
    total = [0.0] * ((len(outer) - 1) * (len(inner) - 1) + 1)
    power: list[float] = [1.0]
    for n, probability in enumerate(outer):
        if n:
            power = _convolve(power, inner)
        if probability:
            for size, share in enumerate(power):
                total[size] += probability * share
    return tuple(total)


def _convolve(one: list[float], other: _Sizes) -> list[float]:
    found = [0.0] * (len(one) + len(other) - 1)
    for i, p in enumerate(one):
        if p:
            for j, q in enumerate(other):
                found[i + j] += p * q
    return found


def _mean_size(sizes: _Sizes) -> float:
    """Of the batches that have a call at all."""
    some = 1.0 - sizes[0]
    return math.fsum(n * p for n, p in enumerate(sizes)) / some if some > 0.0 else 1.0


def _find_widths(block: Block, width: float, stat: Stat, found: list[float]) -> None:
    for node in block.nodes:
        if isinstance(node, OpNode):
            found[node.operator] = width
        inner_width = width * _width(node, stat) if isinstance(node, FanoutNode) else width
        for inner in inner_blocks(node):
            _find_widths(inner, inner_width, stat, found)


def _width(node: FanoutNode, stat: Stat) -> float:
    if stat == "mean":
        return node.expect
    if stat == "worst":
        return float(node.max_width)
    return float(quantile(items(node), QUANTILE[stat]))


def groups_of(groups: tuple[tuple[int, ...], ...], operators: int) -> tuple[int, ...]:
    """[operator] the smallest member of its group; groups that share a member are one."""
    first = list(range(operators))
    for _ in groups:
        for group in groups:
            least = min(first[member] for member in group)
            for member in group:
                first[member] = least
    return tuple(first)
