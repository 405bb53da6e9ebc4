"""Refuses a problem table that contradicts itself, before anything is solved or judged.

A solver that met a wrong index or a negative time would answer something; here it is an error that names the row.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping

from placement.problem import (
    Block,
    BranchNode,
    ChooseNode,
    Edge,
    FanoutNode,
    LoopNode,
    Node,
    Operator,
    OpNode,
    Problem,
    Transfer,
)

_SUM_TOLERANCE = 1e-9


class ProblemError(ValueError):
    """A problem table that contradicts itself."""


def check_problem(problem: Problem) -> None:
    """Raises `ProblemError` for the first row of the table that breaks a rule of `placement.problem`."""
    _check_fleet(problem)
    for operator in problem.operators:
        _check_operator(operator, len(problem.pools))
    _check_edges(problem)
    _check_groups(problem)
    _check_tree(problem)
    sla, penalty = problem.sla, problem.penalty_usd_per_s
    _require(sla is None or 0.0 < sla.limit_s < math.inf, f"the SLA is {sla}; its limit must be positive and finite")
    _require(penalty is None or _is_amount(penalty), f"penalty_usd_per_s is {penalty}; it must be a number >= 0")


def _require(holds: bool, message: str) -> None:
    if not holds:
        raise ProblemError(message)


def _is_amount(value: float) -> bool:
    return math.isfinite(value) and value >= 0.0


def _check_fleet(problem: Problem) -> None:
    counts = {row.device: row.count for row in problem.capacities}
    _require(len(counts) == len(problem.capacities), "a device class has two capacity rows; add them up")
    for device, count in counts.items():
        _require(count >= 0, f"device class {device} has {count} devices; a count is >= 0")
    for pool in problem.pools:
        _require(pool.device in counts, f"pool {pool.id} is of device class {pool.device}, which has no capacity row")
        _require(pool.tp >= 1, f"pool {pool.id} takes {pool.tp} devices; tp is >= 1")


def _check_operator(operator: Operator, pools: int) -> None:
    name = f"operator {operator.id}"
    _require(_is_amount(operator.visits), f"{name} has {operator.visits} visits; a number >= 0 is needed")
    for option in operator.options:
        _require(0 <= option.pool < pools, f"{name} names pool {option.pool} of {pools}")
        _require(_is_amount(option.latency_s), f"{name} has latency_s {option.latency_s}; a number >= 0 is needed")
        _require(_is_amount(option.cost_usd), f"{name} has cost_usd {option.cost_usd}; a number >= 0 is needed")


def _check_edges(problem: Problem) -> None:
    checked: set[int] = set()
    for edge in problem.edges:
        operators = len(problem.operators)
        _require(0 <= edge.src < operators and 0 <= edge.dst < operators, f"edge {edge.src} -> {edge.dst}: no operator")
        name = f"edge {problem.operators[edge.src].id} -> {problem.operators[edge.dst].id}"
        _require(_is_amount(edge.visits), f"{name} has {edge.visits} visits; a number >= 0 is needed")
        items = edge.items
        _require(items is None or 1.0 < items < math.inf, f"{name} has {items} items; a stream has more than 1")
        if id(edge.table) not in checked:
            _check_transfers(name, edge)
            checked.add(id(edge.table))


def _check_transfers(name: str, edge: Edge) -> None:
    table: Mapping[tuple[str, str], Transfer] = edge.table
    for pair, transfer in table.items():
        amounts = _is_amount(transfer.latency_s) and _is_amount(transfer.cost_usd)
        _require(amounts, f"{name}, places {pair}: {transfer}; latency and cost must be numbers >= 0")


def _check_groups(problem: Problem) -> None:
    for group in problem.groups:
        for member in group:
            _require(0 <= member < len(problem.operators), f"group {group} names operator {member}, which is absent")


def _check_tree(problem: Problem) -> None:
    visits = [0] * len(problem.operators)
    ids: set[str] = set()
    for node in _nodes(problem.root):
        if isinstance(node, OpNode):
            _require(0 <= node.operator < len(visits), f"a node runs operator {node.operator}, which is absent")
            visits[node.operator] += 1
        else:
            _check_control(node, problem)
        if isinstance(node, BranchNode | LoopNode | FanoutNode):
            _require(node.id not in ids, f"two nodes have the id {node.id!r}; ids must be unique")
            ids.add(node.id)
    for operator, times in zip(problem.operators, visits, strict=True):
        _require(times == 1, f"operator {operator.id} is run by {times} nodes; exactly one must run it")


def _check_control(node: Node, problem: Problem) -> None:
    if isinstance(node, BranchNode):
        _require(len(node.blocks) == len(node.probabilities) > 0, f"branch {node.id}: one probability for each block")
        amounts = all(0.0 <= p <= 1.0 for p in node.probabilities)
        total = math.fsum(node.probabilities)
        _require(amounts and abs(total - 1.0) <= _SUM_TOLERANCE, f"branch {node.id}: probabilities sum to {total}")
    elif isinstance(node, LoopNode):
        _require(
            0 <= node.minimum <= node.expect <= node.max_iters,
            f"loop {node.id}: 0 <= minimum {node.minimum} <= expect {node.expect} <= max_iters {node.max_iters} fails",
        )
    elif isinstance(node, FanoutNode):
        _require(
            0.0 <= node.expect <= node.max_width,
            f"fan-out {node.id}: 0 <= expect {node.expect} <= max_width {node.max_width} fails",
        )
    elif isinstance(node, ChooseNode):
        _require(0 <= node.choice < len(problem.choices), f"a node takes part in choice {node.choice}, which is absent")
        names = problem.choices[node.choice]
        _require(len(node.blocks) == len(names) > 0, f"choice {node.choice} of {names}: one block for each alternative")


def _nodes(block: Block) -> Iterator[Node]:
    _require(len(block.nodes) == len(block.waits_for), "a block needs one waits_for row for each of its nodes")
    for position, (node, waits) in enumerate(zip(block.nodes, block.waits_for, strict=True)):
        _require(
            all(0 <= one < position for one in waits), f"node {position} waits for {waits}; only earlier nodes may"
        )
        yield node
        if isinstance(node, LoopNode | FanoutNode):
            yield from _nodes(node.block)
        elif isinstance(node, BranchNode | ChooseNode):
            for inner in node.blocks:
                yield from _nodes(inner)
