"""Which options of a shared placement serve what share of an operator's runs, with the names that documents give them.

Most operators have one; those whose traffic is split have several.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from placement.problem import Option, Transfer
from placement.shared_from_ir import SharedLowered
from placement.shared_prepared import groups_of, prepare_shared
from placement.shared_problem import Service, SharedPlacement
from placement.shared_routing import route


@dataclass(frozen=True, slots=True)
class Taken:
    """An option that serves `share` of the runs, and what a visit takes there as estimated."""

    share: float
    option: Option
    service: Service


def taken_by(shared: SharedLowered, agent: int, placement: SharedPlacement) -> dict[int, tuple[Taken, ...]]:
    """By operator whose alternative is taken its options, the one with the largest share first."""
    found: dict[int, tuple[Taken, ...]] = {}
    services = shared.problem.agents[agent].services
    for position, chosen in enumerate(placement.agents[agent].option):
        if chosen is None:
            continue
        shares = placement.routes.get((agent, position), {chosen: 1.0})
        rows = sorted(shares.items(), key=lambda pair: (-pair[1], pair[0]))
        options = shared.agents[agent].problem.operators[position].options
        found[position] = tuple(Taken(share, options[one], services[position][one]) for one, share in rows)
    return found


def group_names(shared: SharedLowered, agent: int, placement: SharedPlacement) -> dict[int, str]:
    """By operator whose traffic is split, and which takes its route together with others, the first one's id."""
    lowered = shared.agents[agent]
    first = groups_of(lowered.problem.groups, len(lowered.problem.operators))
    split = [operator for index, operator in placement.routes if index == agent]
    return {each: lowered.specs[first[each]].id for each in split if first.count(first[each]) > 1}


def mean_moves(shared: SharedLowered, agent: int, placement: SharedPlacement) -> Mapping[int, Transfer]:
    """By edge at an operator whose traffic is split, what a transfer takes and costs in the mean of all runs."""
    split = {operator for index, operator in placement.routes if index == agent}
    if not split:
        return {}
    routed = route(prepare_shared(shared.problem), placement)[agent]
    found: dict[int, Transfer] = {}
    for index, (edge, moves) in enumerate(zip(shared.problem.agents[agent].problem.edges, routed.moves, strict=True)):
        if moves and split & {edge.src, edge.dst}:
            found[index] = Transfer(
                latency_s=math.fsum(share * move.latency_s for share, _, _, move in moves),
                cost_usd=math.fsum(share * move.cost_usd for share, _, _, move in moves),
                overlapped=any(move.overlapped for *_, move in moves),
            )
    return found
