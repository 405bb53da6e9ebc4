"""Transfers between operators in transport form: for each flow of data, a column for each pair of places.

The sums of a flow's columns equal the choices at both ends, so no product of choices and no big-M is needed.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from itertools import product

from placement.linear import Terms, combine, scale
from placement.milp_columns import Decisions, activity
from placement.prepared import Needs
from placement.problem import Edge, Transfer

_Pair = tuple[str, str]
_Places = Mapping[str, Sequence[int]]


def add_transfers(decisions: Decisions) -> list[Terms]:
    """[edge] the latency of its transfer. Edges of the same ends that move alike share their columns."""
    problem = decisions.problem
    latencies: list[Terms] = [{} for _ in problem.edges]
    flows: dict[tuple[int, int, str], list[int]] = {}
    for index, edge in enumerate(problem.edges):
        flows.setdefault((edge.src, edge.dst, edge.by), []).append(index)
    for members in flows.values():
        added = _add_flow(decisions, [problem.edges[one] for one in members])
        for index, terms in zip(members, added, strict=True):
            latencies[index] = terms
    return latencies


def _add_flow(decisions: Decisions, edges: Sequence[Edge]) -> list[Terms]:
    first = edges[0]
    needs = decisions.prepared.needs[first.src], decisions.prepared.needs[first.dst]
    ends = decisions.by_place(first.src, first.by), decisions.by_place(first.dst, first.by)
    pairs = list(product(*ends))
    moves = {pair: [edge.table.get(pair) for edge in edges] for pair in pairs}
    free = all(move and move.latency_s == move.cost_usd == 0.0 for row in moves.values() for move in row)
    if (free and not decisions.form.all_flows) or _exclude(needs):
        return [{} for _ in edges]
    columns = _flow_columns(decisions, edges, moves)
    _add_sums(decisions, needs, ends, columns)
    return [
        _latency(decisions, columns, {pair: row[index] for pair, row in moves.items()}) for index in range(len(edges))
    ]


def _exclude(needs: tuple[Needs, Needs]) -> bool:
    """Whether the two ends belong to different alternatives of one choice."""
    taken = dict(needs[0])
    return any(choice in taken and taken[choice] != index for choice, index in needs[1])


def _flow_columns(
    decisions: Decisions, edges: Sequence[Edge], moves: Mapping[_Pair, Sequence[Transfer | None]]
) -> dict[_Pair, int]:
    """A column for each allowed pair; where broken links are counted, one for each forbidden pair too."""
    counting = decisions.form.goal == "links"
    columns: dict[_Pair, int] = {}
    for pair, row in moves.items():
        missing = row.count(None)
        if missing and not counting:
            continue
        usd = math.fsum(edge.visits * move.cost_usd for edge, move in zip(edges, row, strict=True) if move)
        cost = float(missing) if counting else decisions.priced(usd)
        columns[pair] = decisions.model.column(cost, decisions.most(usd))
    return columns


def _add_sums(
    decisions: Decisions, needs: tuple[Needs, Needs], ends: tuple[_Places, _Places], columns: Mapping[_Pair, int]
) -> None:
    """The flow out of a place is what the source chose there, and into a place what the target chose.

    Less may flow where the other end may be absent; both together still force the flow where both ends run.
    """
    exact = set(needs[1]) <= set(needs[0]), set(needs[0]) <= set(needs[1])
    for end in (0, 1):
        flows: dict[str, dict[int, float]] = {place: {} for place in ends[end]}
        for pair, column in columns.items():
            flows[pair[end]][column] = 1.0
        for place, chosen in ends[end].items():
            terms = combine(flows[place], dict.fromkeys(chosen, -1.0))
            decisions.model.row(0.0 if exact[end] else -math.inf, terms, 0.0)
    if not any(exact):
        both = combine(*(scale(-1.0, activity(decisions, one)) for one in needs))
        decisions.model.row(-1.0, combine(dict.fromkeys(columns.values(), 1.0), both), math.inf)


def _latency(decisions: Decisions, columns: Mapping[_Pair, int], moves: Mapping[_Pair, Transfer | None]) -> Terms:
    seconds = decisions.form.seconds
    found: dict[int, float] = {}
    for pair, column in columns.items():
        move = moves[pair]
        if move and move.latency_s:
            found[column] = move.latency_s / seconds
    return found
